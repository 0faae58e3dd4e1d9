#include "shard/session/two_phase/manual_decision.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/environment.h"
#include "shard/base/failpoint.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/participant.h"
#include "shard/session/two_phase/follower.h"
#include "shard/session/two_phase/participant_list.h"
#include "shard/session/two_phase/settlement.h"

namespace shard {
namespace {

Decision Opposite(Decision decision) {
  return decision == Decision::kCommit ? Decision::kAbort : Decision::kCommit;
}

}  // namespace

absl::StatusOr<ManualDecision> ManualDecision::Plan(Topology& topology,
                                                    std::string_view gid,
                                                    Decision wanted,
                                                    absl::Duration patience) {
  SHARD_ASSIGN_OR_RETURN(Gid parsed, Gid::Parse(gid));
  if (parsed.cluster != topology.cluster()) {
    return absl::FailedPreconditionError(
        absl::StrCat("transaction ", parsed.Transaction(), " is of cluster '",
                     parsed.cluster, "', not of '", topology.cluster(), "'"));
  }
  ManualDecision plan(std::move(parsed), wanted, patience);
  plan.survey_ = Survey::Take(topology, patience);
  for (const SurveyedDatabase& database : plan.survey_.databases) {
    if (database.error.ok()) continue;
    plan.problems_.push_back({database.name, database.error});
  }
  SHARD_RETURN_IF_ERROR(plan.FindDecider());
  plan.FindShares();
  plan.FindFollowers();
  SHARD_RETURN_IF_ERROR(plan.FindDecision());
  SHARD_RETURN_IF_ERROR(plan.CheckSomethingIsLeft());
  if (wanted == Decision::kCommit && !plan.decided_) {
    SHARD_RETURN_IF_ERROR(plan.CheckMayCommit());
  }
  return plan;
}

absl::Status ManualDecision::FindDecider() {
  decider_ = survey_.FindByIdentity(gid_.decider);
  if (decider_ == nullptr && survey_.complete()) {
    return absl::NotFoundError(
        absl::StrCat("transaction ", gid_.Transaction(),
                     " is decided by the database of "
                     "identity ",
                     gid_.decider, ", which is not in the topology; add it"));
  }
  if (decider_ == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("transaction ", gid_.Transaction(),
                     " is decided by a database that is "
                     "not among those that can be read (",
                     survey_.Missing(), " cannot)"));
  }
  if (decider_->error.ok()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      "transaction ", gid_.Transaction(), " is decided by '", decider_->name,
      "', which cannot be read: ", decider_->error.message()));
}

void ManualDecision::FindShares() {
  for (const SurveyedDatabase& database : survey_.databases) {
    for (const PreparedTransaction& prepared : database.prepared) {
      const absl::StatusOr<Gid> share = Gid::Parse(prepared.gid);
      if (!share.ok() || share->Transaction() != gid_.Transaction()) continue;
      shares_.push_back({database.name, prepared.gid, prepared.age});
    }
  }
}

// Files that the decision lists and that lack its row, and those whose marker
// names it.
void ManualDecision::FindFollowers() {
  const auto has_row = [this](const SurveyedDatabase& database) {
    return std::any_of(
        database.decisions.begin(), database.decisions.end(),
        [this](const DecisionRow& row) { return row.txn == gid_.txn; });
  };
  for (SurveyedDatabase& database : survey_.databases) {
    if (!database.error.ok() || has_row(database)) continue;
    bool follows = false;
    for (const DecisionRow& row : decider_->decisions) {
      const auto list = ParticipantList::FromJson(row.participants);
      if (row.txn != gid_.txn || !list.ok()) continue;
      follows = std::any_of(list->followers.begin(), list->followers.end(),
                            [&](const ParticipantEntry& entry) {
                              return entry.identity == database.identity;
                            });
    }
    const auto marker = database.Ask(patience_).ReadMarker();
    follows = follows || (marker.ok() && marker->has_value() &&
                          (*marker)->txn == gid_.txn);
    if (!follows) continue;
    shares_.push_back(
        {database.name, gid_.Transaction(), absl::ZeroDuration(), true});
  }
}

absl::Status ManualDecision::FindDecision() {
  for (const DecisionRow& row : decider_->decisions) {
    if (row.txn != gid_.txn) continue;
    if (row.outcome != wanted_) return OtherDecision();
    decided_ = true;
  }
  return absl::OkStatus();
}

// Else a slip of the pen would leave a row about nothing.
absl::Status ManualDecision::CheckSomethingIsLeft() const {
  if (decided_ || !shares_.empty()) return absl::OkStatus();
  if (survey_.complete()) {
    return absl::NotFoundError(absl::StrCat(
        "nothing is left of transaction ", gid_.Transaction(),
        ": no database holds a share of it, and there is no decision about it "
        "in '",
        decider_->name, "'"));
  }
  return absl::UnavailableError(
      absl::StrCat("nothing was found of transaction ", gid_.Transaction(),
                   ", but ", survey_.Missing(), " cannot be read"));
}

absl::Status ManualDecision::CheckMayCommit() {
  // The redo comes with the decider's own COMMIT, and with nothing else.
  for (const Share& share : shares_) {
    if (!share.follows) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "transaction ", gid_.Transaction(),
        " is not decided, and what it wrote to the file '", share.database,
        "' was lost with its session, so it cannot be committed any more: only "
        "--abort is possible"));
  }
  if (!survey_.complete()) {
    // The row goes when those that it lists are done, and then a share that it
    // does not list would be rolled back.
    return absl::UnavailableError(absl::StrCat(
        "a decision to commit must list every share of transaction ",
        gid_.Transaction(), ", and ", survey_.Missing(),
        " cannot be read; bring it back first"));
  }
  const std::string number = gid_.DeciderNumber();
  if (number.empty()) return absl::OkStatus();
  SHARD_ASSIGN_OR_RETURN(fate_, decider_->Ask(patience_).FateOf(number));
  if (fate_ != TransactionFate::kInProgress) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the part of '", decider_->name, "' in transaction ", gid_.Transaction(),
      " is still at work, and a decision by hand would "
      "make it fail; wait, or end its session first"));
}

absl::Status ManualDecision::Decide() {
  if (decided_) return absl::OkStatus();
  ParticipantList list{gid_.Transaction(), {}};
  if (wanted_ == Decision::kAbort) {
    SHARD_ASSIGN_OR_RETURN(
        const Decision stands,
        Settle(*decider_->engine, gid_, list, Now() + patience_));
    if (stands != wanted_) return OtherDecision();
    decided_ = true;
    return absl::OkStatus();
  }
  for (const Share& share : shares_) {  // none follows: see CheckMayCommit
    const auto database = std::find_if(
        survey_.databases.begin(), survey_.databases.end(),
        [&](const auto& other) { return other.name == share.database; });
    list.prepared.push_back({share.database, database->identity, share.gid});
  }
  DecisionRow row;
  row.txn = gid_.txn;
  row.outcome = wanted_;
  row.participants = list.ToJson();
  FailPoint("manual.send");
  const absl::Status put = decider_->Ask(patience_).PutDecision(
      row, gid_.DeciderNumber(), patience_);
  if (absl::IsAlreadyExists(put)) return OtherDecision();
  decided_ = put.ok();
  return put;
}

void ManualDecision::CarryOut(OnConflict on_conflict) {
  for (Share& share : shares_) {
    if (share.follows) {
      RedoShare(share, on_conflict);
      continue;
    }
    for (const SurveyedDatabase& database : survey_.databases) {
      if (database.name != share.database) continue;
      share.ended =
          EndPrepared(*database.engine, share.gid, wanted_, Now() + patience_);
    }
  }
}

void ManualDecision::RedoShare(Share& share, OnConflict on_conflict) {
  for (SurveyedDatabase& database : survey_.databases) {
    if (database.name != share.database) continue;
    share.conflicts.clear();
    const auto outcome = RedoFollower(
        database.Ask(patience_), decider_->Ask(patience_),
        {gid_, database.identity, patience_, on_conflict}, &share.conflicts);
    share.ended = outcome.status();
    if (outcome.ok() && *outcome == RedoOutcome::kNotDecided &&
        wanted_ == Decision::kCommit) {
      share.ended = CheckWasFinished(share);
    }
  }
}

// The decider has no redo for the share. A recovery that was faster removes the
// decision, but only when every share is there.
absl::Status ManualDecision::CheckWasFinished(const Share& share) {
  SHARD_ASSIGN_OR_RETURN(const std::optional<DecisionRow> row,
                         decider_->Ask(patience_).FindDecision(gid_.txn));
  if (!row.has_value()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      "the decision in '", decider_->name, "' holds nothing that '",
      share.database, "' wrote in transaction ", gid_.Transaction(),
      ", so that share is lost: somebody has put the decision in by hand; "
      "repair the file by hand"));
}

absl::Status ManualDecision::OtherDecision() const {
  return absl::FailedPreconditionError(absl::StrCat(
      "transaction ", gid_.Transaction(), " is already decided to ",
      ToAbsl(DecisionName(Opposite(wanted_))), ", in '", decider_->name,
      "', so it cannot be decided to ", ToAbsl(DecisionName(wanted_)),
      "; recovery carries out what is decided"));
}

std::string_view DecisionName(Decision decision) {
  return decision == Decision::kCommit ? "commit" : "abort";
}

}  // namespace shard
