#include "shard/tests/crash/worker.h"

#include <csignal>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
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

absl::Status Worker::Stop(absl::Duration patience) {
  process_.Signal(SIGTERM);
  const absl::Time deadline = absl::Now() + patience;
  while (process_.running() && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(20));
  }
  if (process_.running()) {
    process_.Kill();
    return absl::DeadlineExceededError(absl::StrCat(
        name_, " did not end within ", absl::FormatDuration(patience)));
  }
  if (process_.Wait()) return absl::OkStatus();
  return absl::UnknownError(absl::StrCat(name_, " ended by ", HowItEnded()));
}

}  // namespace shard::bank
