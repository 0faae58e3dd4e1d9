// Trying again until a time is over.
#ifndef SHARD_SESSION_TWO_PHASE_PATIENCE_H_
#define SHARD_SESSION_TWO_PHASE_PATIENCE_H_

#include "absl/time/time.h"

namespace shard {

// Waits longer and longer between tries, with jitter, so that many who lost the
// same server do not come back in step. Not thread-safe.
class Patience {
 public:
  explicit Patience(absl::Time until) : until_(until) {}
  absl::Time until() const { return until_; }
  absl::Duration left() const;
  // Waits before another try; false when the time is over.
  bool Wait();

 private:
  const absl::Time until_;
  absl::Duration next_ = absl::Milliseconds(2);
};

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_PATIENCE_H_
