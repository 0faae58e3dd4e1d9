#include "shard/session/two_phase/recovery_pass.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/failpoint.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"
#include "shard/session/two_phase/follower.h"
#include "shard/session/two_phase/follower_recovery.h"

namespace shard {
namespace {

absl::Status NotInTopology(const std::string& what, const std::string& database,
                           const std::string& missing) {
  return absl::FailedPreconditionError(absl::StrCat(
      what, " needs ", database, ", which is not in the topology",
      missing.empty() ? "; a database may only be removed once it has no "
                        "unfinished transactions: put it back"
                      : absl::StrCat(" or one of those that cannot be read (",
                                     missing, ")")));
}

}  // namespace

RecoveryReport RecoveryPass::Run(ConfirmedDecisions* confirmed) {
  survey_ = Survey::Take(topology_, options_.patience);
  for (SurveyedDatabase& database : survey_.databases) {
    if (!database.error.ok()) Complain(database.name, database.error);
    for (const PreparedTransaction& prepared : database.prepared) {
      RecoveredShare share = Recover(database, prepared);
      const bool finished = share.action == RecoveredShare::kCommitted ||
                            share.action == RecoveredShare::kRolledBack ||
                            share.action == RecoveredShare::kGone;
      if (const auto gid = Gid::Parse(prepared.gid); gid.ok() && !finished) {
        unfinished_.insert(gid->txn);
      }
      report_.shares.push_back(std::move(share));
    }
  }
  FollowerRecovery followers(&survey_, &options_, &report_);
  followers.Redo(&unfinished_);
  for (SurveyedDatabase& database : survey_.databases) {
    if (database.connection == nullptr) continue;
    std::vector<std::string> txns;
    if (const auto known = confirmed->find(database.engine);
        known != confirmed->end()) {
      for (const ConfirmedDecision& each : known->second) {
        txns.push_back(each.txn);
      }
    }
    if (Clean(database, txns)) confirmed->erase(database.engine);
  }
  followers.Clean();
  return std::move(report_);
}

RecoveredShare RecoveryPass::Recover(SurveyedDatabase& database,
                                     const PreparedTransaction& prepared) {
  RecoveredShare share{database.name, prepared.gid, prepared.age,
                       RecoveredShare::kFailed, absl::OkStatus()};
  const absl::StatusOr<Gid> gid = Gid::Parse(prepared.gid);
  if (!gid.ok() || gid->cluster != topology_.cluster()) {
    share.action = RecoveredShare::kForeign;
    return share;
  }
  const absl::StatusOr<Decision> decision = DecisionOver(*gid, prepared.age);
  if (!decision.ok()) {
    share.error = decision.status();
    if (absl::IsAborted(share.error)) {
      share.action = RecoveredShare::kLeftAlone;
    } else {
      Complain(database.name, share.error);
    }
    return share;
  }
  Participant& participant = database.Ask(options_.patience);
  FailPoint("recover.send");
  share.error = participant.StartEnd(prepared.gid, *decision);
  FailPoint("recover.sent");
  if (share.error.ok()) share.error = participant.FinishEnd();
  FailPoint("recover.answered");
  if (absl::IsNotFound(share.error)) {
    // Another was faster. A row to commit that is there tells what it did. One
    // to abort may have gone in just now, behind a coordinator that has
    // committed everywhere and removed its own.
    share.error = absl::OkStatus();
    share.action = *decision == Decision::kCommit ? RecoveredShare::kCommitted
                                                  : RecoveredShare::kGone;
  } else if (share.error.ok()) {
    share.action = *decision == Decision::kCommit ? RecoveredShare::kCommitted
                                                  : RecoveredShare::kRolledBack;
  } else if (absl::IsAborted(share.error)) {
    share.action = RecoveredShare::kLeftAlone;
  } else {
    Complain(database.name, share.error);
  }
  return share;
}

absl::StatusOr<Decision> RecoveryPass::DecisionOver(const Gid& gid,
                                                    absl::Duration age) {
  SurveyedDatabase* const decider = survey_.FindByIdentity(gid.decider);
  if (decider == nullptr) {
    return NotInTopology(absl::StrCat("transaction ", gid.Transaction()),
                         "its decider", survey_.Missing());
  }
  if (decider->connection == nullptr) {
    return Annotate(decider->error,
                    absl::StrCat("transaction ", gid.Transaction(),
                                 " is decided by '", decider->name, "'"));
  }
  // A server's row that is there stays what it is, so it may be trusted; that
  // none was there says nothing. A file's row may be one that a reader found in
  // the log behind a COMMIT that died half-way, and not be on the disk yet: it
  // counts only once the write lock was held.
  for (const DecisionRow& row : decider->decisions) {
    if (row.txn == gid.txn && gid.number != "0") return row.outcome;
  }
  return Ask(*decider, gid, age);
}

absl::StatusOr<Decision> RecoveryPass::Ask(SurveyedDatabase& decider,
                                           const Gid& gid, absl::Duration age) {
  const bool old = age >= options_.recover_after;
  absl::Duration patience = options_.patience;
  const std::string number = gid.DeciderNumber();
  if (number.empty()) {
    // The decider's lock tells whether its session is at work.
    if (!old) patience = absl::ZeroDuration();
  } else if (!old) {
    SHARD_ASSIGN_OR_RETURN(const TransactionFate fate,
                           decider.Ask(patience).FateOf(number));
    if (fate == TransactionFate::kInProgress) {
      return absl::AbortedError(
          "its decider's part is still at work, and it is young");
    }
  }
  DecisionRow row;
  row.txn = gid.txn;
  row.outcome = Decision::kAbort;
  row.participants = ParticipantList{gid.Transaction(), {}}.ToJson();
  FailPoint("recover.settle");
  absl::StatusOr<Decision> decision =
      decider.Ask(patience).Settle(row, number, patience);
  FailPoint("recover.settled");
  // A row that this has put in can perhaps go again at once: see Clean.
  if (decision.ok() && *decision == Decision::kAbort && !number.empty()) {
    decider.decisions.push_back(std::move(row));
  }
  return decision;
}

bool RecoveryPass::Clean(SurveyedDatabase& database,
                         const std::vector<std::string>& confirmed) {
  // Also such as were made since the survey.
  std::vector<std::string> removable = confirmed;
  for (const DecisionRow& row : database.decisions) {
    if (std::find(confirmed.begin(), confirmed.end(), row.txn) !=
        confirmed.end()) {
      continue;
    }
    if (IsFollowerRow(row, database.identity)) continue;  // see Clean there
    const absl::StatusOr<bool> may_go = MayGo(database, row);
    if (!may_go.ok()) Complain(database.name, may_go.status());
    if (may_go.ok() && *may_go) {
      removable.push_back(row.txn);
    } else {
      ++report_.decisions_kept;
    }
  }
  if (removable.empty()) return true;
  FailPoint("clean.send");
  const absl::Status removed =
      database.Ask(options_.patience)
          .DeleteDecisions(removable, options_.patience);
  FailPoint("clean.answered");
  if (removed.ok()) {
    report_.decisions_removed += removable.size();
  } else {
    Complain(database.name, removed);
  }
  return removed.ok();
}

absl::StatusOr<bool> RecoveryPass::MayGo(SurveyedDatabase& decider,
                                         const DecisionRow& row) {
  if (unfinished_.contains(row.txn)) return false;
  SHARD_ASSIGN_OR_RETURN(const ParticipantList list,
                         ParticipantList::FromJson(row.participants));
  if (row.outcome == Decision::kAbort) {
    // It keeps the decider's own transaction from committing.
    SHARD_ASSIGN_OR_RETURN(const Gid gid, Gid::Parse(list.gid));
    const std::string number = gid.DeciderNumber();
    if (number.empty()) return true;
    SHARD_ASSIGN_OR_RETURN(const TransactionFate fate,
                           decider.Ask(options_.patience).FateOf(number));
    return fate != TransactionFate::kInProgress;
  }
  if (row.age < options_.decision_retention) return false;
  return AllFinished(list);
}

absl::StatusOr<bool> RecoveryPass::AllFinished(const ParticipantList& list) {
  for (const ParticipantEntry& entry : list.prepared) {
    const SurveyedDatabase* database = survey_.FindByIdentity(entry.identity);
    if (database == nullptr) {
      return NotInTopology(absl::StrCat("transaction ", list.gid),
                           absl::StrCat("'", entry.database, "'"),
                           survey_.Missing());
    }
    if (!database->error.ok()) return false;
  }
  return true;
}

void RecoveryPass::Complain(const std::string& database,
                            const absl::Status& error) {
  report_.problems.push_back({database, error});
}

}  // namespace shard
