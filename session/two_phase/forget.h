// Leaving a database behind that is gone for good.
#ifndef SHARD_SESSION_TWO_PHASE_FORGET_H_
#define SHARD_SESSION_TWO_PHASE_FORGET_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/router/topology.h"
#include "shard/session/two_phase/recovery_report.h"

namespace shard {

// The share of a transaction whose decider is gone, at a file that may lack it.
struct GivenUpShare {
  std::string database;  // the file's name in the topology
  std::string gid;       // of the transaction; what became of it is unknown
};

struct ForgetReport {
  std::size_t decisions_removed = 0;
  // Each file had a marker of that transaction and no row: its writers would
  // have asked the decider for ever.
  std::vector<GivenUpShare> given_up;
  // Databases that could not be read or written to, and those whose decision
  // must stay yet.
  std::vector<RecoveryProblem> problems;
};

// Removes what the topology's databases keep because of the one of that
// identity, which is in the topology no more and never comes back: that files
// ask it before they are written to, their rows about what it decided, their
// markers of what it may have decided, and decisions that name it. A share that
// a file lacks, and that only the one that is gone could give it, is given up:
// if the transaction was decided, it stays without that share. A decision whose
// transaction is not finished on the others stays (kFailedPrecondition):
// recover, then do this again.
//
// Only once no program uses a topology with that database: its session could
// still ask for a decision that this removes. kFailedPrecondition: it is in
// the topology. Thread-safe; opens connections of its own. `patience` is for
// each answer of a database.
absl::StatusOr<ForgetReport> ForgetDatabase(
    Topology& topology, std::string_view identity,
    absl::Duration patience = absl::Seconds(2));

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_FORGET_H_
