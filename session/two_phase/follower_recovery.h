// The part of a recovery pass that is about followers.
#ifndef SHARD_SESSION_TWO_PHASE_FOLLOWER_RECOVERY_H_
#define SHARD_SESSION_TWO_PHASE_FOLLOWER_RECOVERY_H_

#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/participant.h"
#include "shard/session/two_phase/gid.h"
#include "shard/session/two_phase/participant_list.h"
#include "shard/session/two_phase/recovery_options.h"
#include "shard/session/two_phase/recovery_report.h"
#include "shard/session/two_phase/survey.h"

namespace shard {

// Files that follow others: what a decider's row says is to be done in them and
// is not there is done again; markers of transactions that are over are
// removed; and, once the decider's row is gone for good, the follower's own.
// Safe beside sessions and other passes: all happens under the follower's write
// lock, which its owner holds for as long as it lives. Not thread-safe, used
// once; what it is given must outlive it.
class FollowerRecovery {
 public:
  FollowerRecovery(Survey* survey, const RecoveryOptions* options,
                   RecoveryReport* report)
      : survey_(*survey), options_(*options), report_(*report) {}

  // Does what is missing. The transactions that must keep their decision, since
  // a follower could not be finished, are added to `unfinished`.
  void Redo(absl::flat_hash_set<std::string>* unfinished);
  // After decisions were removed: removes the rows of followers that nobody
  // needs any more.
  void Clean();

 private:
  void RedoAll(SurveyedDatabase& decider, const DecisionRow& row,
               absl::flat_hash_set<std::string>* unfinished);
  // True when the follower has done its part, durably.
  bool RedoOne(SurveyedDatabase& decider, SurveyedDatabase& follower,
               const Gid& gid);
  void SettleMarker(SurveyedDatabase& follower);
  void CleanOne(SurveyedDatabase& follower);
  void Complain(const std::string& database, const absl::Status& error);

  Survey& survey_;
  const RecoveryOptions& options_;
  RecoveryReport& report_;
};

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_FOLLOWER_RECOVERY_H_
