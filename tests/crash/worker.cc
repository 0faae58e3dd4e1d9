#include "shard/tests/crash/worker.h"

#include <csignal>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "shard/base/status_macros.h"

namespace shard::bank {

absl::Status Worker::Start() {
  std::vector<std::string> arguments = arguments_(++life_);
  arguments.insert(arguments.begin(), "/proc/self/exe");
  SHARD_ASSIGN_OR_RETURN(process_,
                         Child::Start({.arguments = std::move(arguments)}));
  return absl::OkStatus();
}

void Worker::Pause() { process_.Signal(SIGSTOP); }
void Worker::Resume() { process_.Signal(SIGCONT); }

bool Worker::Stop(absl::Duration patience) {
  process_.Signal(SIGTERM);
  const absl::Time deadline = absl::Now() + patience;
  while (process_.running() && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(20));
  }
  const bool ended = !process_.running();
  process_.Kill();
  return ended && process_.Wait();
}

}  // namespace shard::bank
