// What a listener hears of an atomic commit.
#ifndef SHARD_SESSION_TWO_PHASE_TWO_PHASE_EVENT_H_
#define SHARD_SESSION_TWO_PHASE_TWO_PHASE_EVENT_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace shard {

enum class TwoPhaseStep {
  kPrepare,   // a database prepared its share, or could not
  kDecide,    // the decider committed its share and the decision, or did not
  kSettle,    // its answer was lost: it was asked again
  kCommit,    // a prepared share was committed
  kPending,   // it could not be now; recovery does it
  kRollback,  // a share was rolled back
};

// "prepare", "decide", ...
std::string_view TwoPhaseStepName(TwoPhaseStep step);

// Heard after each step on each database, in the session's thread, which waits
// for the listener: it must not use the session. Sessions that share a listener
// call it from their own threads, at once. What the string_views name ends with
// the call: copy what you keep.
struct TwoPhaseEvent {
  TwoPhaseStep step;
  std::string_view transaction;  // the gid of the whole
  std::string_view database;     // name in the topology
  absl::Status status;
  absl::Duration elapsed;  // since the step began on its first database
};

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_TWO_PHASE_EVENT_H_
