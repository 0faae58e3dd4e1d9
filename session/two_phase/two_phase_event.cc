#include "shard/session/two_phase/two_phase_event.h"

#include <string_view>

namespace shard {

std::string_view TwoPhaseStepName(TwoPhaseStep step) {
  switch (step) {
    case TwoPhaseStep::kPrepare:
      return "prepare";
    case TwoPhaseStep::kDecide:
      return "decide";
    case TwoPhaseStep::kSettle:
      return "settle";
    case TwoPhaseStep::kCommit:
      return "commit";
    case TwoPhaseStep::kPending:
      return "pending";
    case TwoPhaseStep::kRollback:
      return "rollback";
  }
  return "unknown";
}

}  // namespace shard
