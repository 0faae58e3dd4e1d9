#include "shard/session/two_phase/patience.h"

#include <algorithm>
#include <random>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace shard {

absl::Duration Patience::left() const {
  return std::max(until_ - absl::Now(), absl::ZeroDuration());
}

bool Patience::Wait() {
  const absl::Duration remaining = left();
  if (remaining == absl::ZeroDuration()) return false;
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_real_distribution<double> jitter(0.5, 1.0);
  absl::SleepFor(std::min(next_ * jitter(random), remaining));
  next_ = std::min(next_ * 2, absl::Milliseconds(250));
  return true;
}

}  // namespace shard
