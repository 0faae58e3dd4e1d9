// What a pass of recovery found and did.
#ifndef SHARD_SESSION_TWO_PHASE_RECOVERY_REPORT_H_
#define SHARD_SESSION_TWO_PHASE_RECOVERY_REPORT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace shard {

// One share that was found prepared.
struct RecoveredShare {
  enum Action {
    kCommitted,   // its transaction was decided so
    kRolledBack,  // likewise
    kLeftAlone,   // its session may be alive: too young, or at work
    kForeign,     // of another cluster, or no name of ours
    kFailed,      // `error` says why; the next pass tries again
    kGone,        // somebody else ended it meanwhile, and left no word how
  };
  std::string database;  // name in the topology
  std::string gid;
  absl::Duration age;
  Action action = kLeftAlone;
  absl::Status error;
};

// "committed", "rolled back", ...
std::string RecoveryActionName(RecoveredShare::Action action);

// A database that could not be recovered, wholly or in part.
struct RecoveryProblem {
  std::string database;
  absl::Status error;
};

struct RecoveryReport {
  std::vector<RecoveredShare> shares;
  std::size_t decisions_removed = 0;
  std::size_t decisions_kept = 0;
  std::vector<RecoveryProblem> problems;

  std::size_t Count(RecoveredShare::Action action) const;
  // Nothing of this cluster is prepared any more, as far as could be seen, and
  // every database could be.
  bool clean() const;
  // "2 committed, 1 rolled back, 1 left alone; 3 decisions removed; ..."
  std::string ToString() const;
};

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_RECOVERY_REPORT_H_
