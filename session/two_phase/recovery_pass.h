// One pass of recovery over all databases of a topology.
#ifndef SHARD_SESSION_TWO_PHASE_RECOVERY_PASS_H_
#define SHARD_SESSION_TWO_PHASE_RECOVERY_PASS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/participant.h"
#include "shard/router/topology.h"
#include "shard/session/two_phase/gid.h"
#include "shard/session/two_phase/participant_list.h"
#include "shard/session/two_phase/recovery_options.h"
#include "shard/session/two_phase/recovery_report.h"
#include "shard/session/two_phase/survey.h"

namespace shard {

// A decision whose transaction is finished everywhere, as the session that made
// it knows.
struct ConfirmedDecision {
  std::string txn;
  std::vector<Engine*> followers;  // whose own rows can go after the decider's
};
using ConfirmedDecisions =  // by decider
    absl::flat_hash_map<const Engine*, std::vector<ConfirmedDecision>>;

// Finishes every prepared share as its decider has decided, or decides now;
// then removes the decisions that nobody needs any more. Safe beside sessions
// at work and other passes: decisions are made by inserting a row whose key is
// the transaction, so that only one can ever stand; all else only carries them
// out. Not thread-safe, used once.
class RecoveryPass {
 public:
  RecoveryPass(Topology* topology, const RecoveryOptions* options)
      : topology_(*topology), options_(*options) {}

  // `confirmed`: those whose rows could not be removed are left in it.
  RecoveryReport Run(ConfirmedDecisions* confirmed);

 private:
  RecoveredShare Recover(SurveyedDatabase& database,
                         const PreparedTransaction& prepared);
  // kAborted: not yet, its session may be alive.
  absl::StatusOr<Decision> DecisionOver(const Gid& gid, absl::Duration age);
  absl::StatusOr<Decision> Ask(SurveyedDatabase& decider, const Gid& gid,
                               absl::Duration age);
  // True when the rows of those that are confirmed are gone.
  bool Clean(SurveyedDatabase& database,
             const std::vector<std::string>& confirmed);
  // Nobody can need the row again. An error says why that cannot be known.
  absl::StatusOr<bool> MayGo(SurveyedDatabase& decider, const DecisionRow& row);
  absl::StatusOr<bool> AllFinished(const ParticipantList& list);
  void Complain(const std::string& database, const absl::Status& error);

  Topology& topology_;
  const RecoveryOptions& options_;
  Survey survey_;
  RecoveryReport report_;
  absl::flat_hash_set<std::string>
      unfinished_;  // txns still prepared somewhere
};

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_RECOVERY_PASS_H_
