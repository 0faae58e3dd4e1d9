#include "shard/session/two_phase/patience.h"

#include <algorithm>

#include "absl/time/time.h"
#include "shard/base/environment.h"

namespace shard {

absl::Duration Patience::left() const {
  return std::max(until_ - Now(), absl::ZeroDuration());
}

bool Patience::Wait() {
  const absl::Duration remaining = left();
  if (remaining == absl::ZeroDuration()) return false;
  Pause(std::min(next_ * Jitter(0.5, 1.0), remaining));
  next_ = std::min(next_ * 2, absl::Milliseconds(250));
  return true;
}

}  // namespace shard
