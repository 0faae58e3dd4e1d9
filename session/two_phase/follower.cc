#include "shard/session/two_phase/follower.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/base/failpoint.h"
#include "shard/base/status_macros.h"
#include "shard/session/two_phase/participant_list.h"
#include "shard/session/two_phase/redo_list.h"

namespace shard {
namespace {

// The decider's own lock, in case that it is to be settled.
absl::StatusOr<std::optional<DecisionRow>> SettledDecision(
    Participant& decider, const Gid& transaction, absl::Duration patience) {
  DecisionRow abort;
  abort.txn = transaction.txn;
  abort.outcome = Decision::kAbort;
  abort.participants = ParticipantList{transaction.Transaction(), {}}.ToJson();
  SHARD_ASSIGN_OR_RETURN(
      const Decision stands,
      decider.Settle(abort, transaction.DeciderNumber(), patience));
  if (stands == Decision::kAbort) return std::nullopt;
  return decider.FindDecision(transaction.txn);
}

// As far as it shows without being written to.
absl::StatusOr<std::optional<std::string>> LookAtDecider(
    Participant& decider, const Gid& transaction, std::string_view identity) {
  SHARD_ASSIGN_OR_RETURN(const std::optional<DecisionRow> row,
                         decider.FindDecision(transaction.txn));
  if (!row.has_value() || row->outcome == Decision::kAbort) return std::nullopt;
  return FindRedo(row->redo, identity);
}

}  // namespace

DecisionRow FollowerRow(const Gid& transaction) {
  DecisionRow row;
  row.txn = transaction.txn;
  row.outcome = Decision::kCommit;
  row.participants = ParticipantList{transaction.Transaction(), {}}.ToJson();
  return row;
}

bool IsFollowerRow(const DecisionRow& row, std::string_view identity) {
  const auto list = ParticipantList::FromJson(row.participants);
  if (!list.ok()) return false;
  const auto gid = Gid::Parse(list->gid);
  return gid.ok() && gid->decider != identity;
}

// To find no row in passing proves nothing: its COMMIT may have died half-way,
// and come to life later. A row that is found may be such a one, and not be on
// disk: what is done upon it must not outlive it.
absl::StatusOr<std::optional<std::string>> AskDecider(Participant& decider,
                                                      const Gid& transaction,
                                                      std::string_view identity,
                                                      absl::Duration patience) {
  SHARD_ASSIGN_OR_RETURN(std::optional<DecisionRow> row,
                         decider.FindDecision(transaction.txn));
  FailPoint("redo.found");
  if (row.has_value()) {
    SHARD_RETURN_IF_ERROR(decider.SyncDecisions());
  } else {
    SHARD_ASSIGN_OR_RETURN(row,
                           SettledDecision(decider, transaction, patience));
  }
  if (!row.has_value() || row->outcome == Decision::kAbort) return std::nullopt;
  return FindRedo(row->redo, identity);
}

absl::StatusOr<RedoOutcome> RedoFollower(Participant& follower,
                                         Participant& decider,
                                         const FollowerRedo& redo,
                                         std::vector<RedoConflict>* conflicts) {
  std::vector<RedoConflict> ignored;
  const bool only_try = redo.on_conflict == OnConflict::kOnlyTry;
  const auto ask = [&] {
    return only_try ? LookAtDecider(decider, redo.transaction, redo.identity)
                    : AskDecider(decider, redo.transaction, redo.identity,
                                 redo.patience);
  };
  SHARD_ASSIGN_OR_RETURN(
      const RedoOutcome outcome,
      follower.ApplyRedo(FollowerRow(redo.transaction), redo.patience, ask,
                         redo.on_conflict,
                         conflicts == nullptr ? &ignored : conflicts));
  if (!only_try) {
    // Otherwise the next writer does.
    follower.ClearMarker(redo.transaction.txn).IgnoreError();
  }
  return outcome;
}

}  // namespace shard
