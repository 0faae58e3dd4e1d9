// A transaction that a person decides.
#ifndef SHARD_SESSION_TWO_PHASE_MANUAL_DECISION_H_
#define SHARD_SESSION_TWO_PHASE_MANUAL_DECISION_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/participant.h"
#include "shard/router/topology.h"
#include "shard/session/two_phase/gid.h"
#include "shard/session/two_phase/recovery_report.h"
#include "shard/session/two_phase/survey.h"

namespace shard {

// What somebody wants to become of a transaction that was left unfinished.
// Goes through the same row at the decider as every other decision: it never
// changes one that stands, and sessions and recovery obey it. Recovery needs no
// help where all databases can be read; this is for people who know more, or
// who will not wait.
//
// Deciding against a transaction is always safe. Deciding for one is not: its
// decider's own share cannot be committed this way, and what files did that
// follow is lost without it, so with such a share it is refused.
//
// Plan, show it, then Decide and CarryOut. Holds a connection to each database.
// Not thread-safe; must not outlive the topology.
class ManualDecision {
 public:
  struct Share {
    std::string database;  // name in the topology
    std::string gid;
    absl::Duration age;
    bool follows = false;  // a file: its share lies with the decider
    absl::Status ended = absl::OkStatus();  // after CarryOut; OK: as decided
    // Rows and tables of a file that are not as the transaction left them;
    // after `ended` is OK, what was overwritten or kept.
    std::vector<RedoConflict> conflicts = {};
  };

  // Looks; changes nothing. `gid` may be that of any branch. `patience` is for
  // each answer of a database, now and later.
  //
  // kInvalidArgument: no gid. kFailedPrecondition: of another cluster, decided
  // otherwise already, or undecided and to be committed while its decider's
  // part is still at work or where a file follows. kNotFound: its decider is
  // not in the topology, or nothing is left of the transaction. kUnavailable:
  // its decider, or what else must be known, cannot be read.
  static absl::StatusOr<ManualDecision> Plan(Topology& topology,
                                             std::string_view gid,
                                             Decision wanted,
                                             absl::Duration patience);

  const Gid& gid() const { return gid_; }  // as asked for
  const std::string& decider() const { return decider_->name; }
  // It is decided so already; only to carry it out is left.
  bool decided() const { return decided_; }
  // What became of the decider's own part, where the database can tell. Looked
  // at for a commit that is not decided. "Committed" is no proof: see
  // Participant::Settle.
  const std::optional<TransactionFate>& decider_fate() const { return fate_; }
  // What is prepared, where that could be read.
  const std::vector<Share>& shares() const { return shares_; }
  // Databases that could not be read, and may hold a share.
  const std::vector<RecoveryProblem>& problems() const { return problems_; }

  // Puts the decision in, unless it stands. kFailedPrecondition: another one
  // has come first. kAborted: the decider's part is still at work. Nothing is
  // decided then. kUnavailable, kDeadlineExceeded: the answer was lost; ask
  // again.
  absl::Status Decide();
  // Ends every share as decided; Share::ended says which were. What fails,
  // recovery will do, but for rows in conflict, which wait for a person to say
  // which version is right. Only after Decide.
  void CarryOut(OnConflict on_conflict = OnConflict::kReport);

 private:
  ManualDecision(Gid gid, Decision wanted, absl::Duration patience)
      : gid_(std::move(gid)), wanted_(wanted), patience_(patience) {}

  absl::Status FindDecider();
  void FindShares();
  void FindFollowers();
  void RedoShare(Share& share, OnConflict on_conflict);
  absl::Status CheckWasFinished(const Share& share);
  absl::Status FindDecision();
  absl::Status CheckSomethingIsLeft() const;
  absl::Status CheckMayCommit();
  absl::Status OtherDecision() const;

  Gid gid_;
  Decision wanted_;
  absl::Duration patience_;
  Survey survey_;
  SurveyedDatabase* decider_ = nullptr;  // in survey_
  bool decided_ = false;
  std::optional<TransactionFate> fate_;
  std::vector<Share> shares_;
  std::vector<RecoveryProblem> problems_;
};

// "commit", "abort".
std::string_view DecisionName(Decision decision);

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_MANUAL_DECISION_H_
