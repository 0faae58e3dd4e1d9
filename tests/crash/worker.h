// A process of this program that is killed and started again.
#ifndef SHARD_TESTS_CRASH_WORKER_H_
#define SHARD_TESTS_CRASH_WORKER_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "shard/tests/crash/child.h"

namespace shard::bank {

// A client or another helper of the bank. Each start is another life; the
// process is told which.
class Worker {
 public:
  using Arguments = std::function<std::vector<std::string>(int life)>;

  Worker(std::string name, Arguments arguments)
      : name_(std::move(name)), arguments_(std::move(arguments)) {}

  const std::string& name() const { return name_; }
  absl::Status Start();
  bool running() { return process_.running(); }
  void Kill() { process_.Kill(); }
  void Pause();
  void Resume();
  void ForbidWrites(bool forbid) { process_.ForbidWrites(forbid); }
  // Asks it to end, and waits so long at most. An error: it had to be killed,
  // or did not end well.
  absl::Status Stop(absl::Duration patience);
  std::string HowItEnded() const { return process_.HowItEnded(); }

 private:
  const std::string name_;
  const Arguments arguments_;
  int life_ = 0;
  Child process_;
};

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_WORKER_H_
