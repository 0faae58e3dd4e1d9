// One of many threads asks, for all of them.
#ifndef SHARD_SESSION_KEYS_SINGLE_FLIGHT_H_
#define SHARD_SESSION_KEYS_SINGLE_FLIGHT_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "absl/status/status.h"

namespace shard {

// For work that must be done by one thread at a time and without the lock,
// since others can go on meanwhile with what there is. All of it is guarded by
// the mutex of the locks that it is given.
class SingleFlight {
 public:
  bool busy() const { return busy_; }

  // Does `work` (an absl::Status, no exceptions) with `lock` released; or, when
  // another thread is doing it, waits for that, and returns its error where the
  // database could not be asked. If OK, look again whether what was needed is
  // there.
  template <class Work>
  absl::Status Run(std::unique_lock<std::mutex>& lock, Work&& work) {
    if (busy_) {
      const std::uint64_t flight = flights_;
      landed_.wait(lock, [&] { return flights_ != flight; });
      const bool asked =
          !absl::IsUnavailable(latest_) && !absl::IsDeadlineExceeded(latest_);
      return asked ? absl::OkStatus() : latest_;
    }
    busy_ = true;
    lock.unlock();
    absl::Status status = work();
    lock.lock();
    busy_ = false;
    ++flights_;
    latest_ = status;
    landed_.notify_all();
    return status;
  }

 private:
  bool busy_ = false;
  std::uint64_t flights_ = 0;
  absl::Status latest_;
  std::condition_variable landed_;
};

}  // namespace shard

#endif  // SHARD_SESSION_KEYS_SINGLE_FLIGHT_H_
