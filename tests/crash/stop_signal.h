// The wish that this process end.
#ifndef SHARD_TESTS_CRASH_STOP_SIGNAL_H_
#define SHARD_TESTS_CRASH_STOP_SIGNAL_H_

#include <atomic>

namespace shard::bank {

// From its first construction on SIGINT, SIGTERM and SIGHUP do not end the
// process, but are noted. Thread-safe.
class StopSignal {
 public:
  StopSignal();
  bool came() const { return came_; }

 private:
  static void Note(int) { came_ = true; }
  static inline std::atomic<bool> came_ = false;  // lock-free
};

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_STOP_SIGNAL_H_
