#include "shard/session/two_phase/follower_recovery.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/failpoint.h"
#include "shard/base/status_macros.h"
#include "shard/session/two_phase/follower.h"

namespace shard {
namespace {

bool HasRow(const std::vector<DecisionRow>& rows, const std::string& txn) {
  return std::any_of(rows.begin(), rows.end(),
                     [&](const DecisionRow& row) { return row.txn == txn; });
}

std::optional<Gid> TransactionOf(std::string_view participants) {
  const auto list = ParticipantList::FromJson(participants);
  if (!list.ok()) return std::nullopt;
  auto gid = Gid::Parse(list->gid);
  if (!gid.ok()) return std::nullopt;
  return *std::move(gid);
}

RecoveredShare::Action ActionOf(const absl::StatusOr<RedoOutcome>& outcome) {
  if (!outcome.ok()) {
    return absl::IsAborted(outcome.status()) ? RecoveredShare::kLeftAlone
                                             : RecoveredShare::kFailed;
  }
  // It was, when the decisions were read: finished meanwhile, and removed.
  return *outcome == RedoOutcome::kNotDecided ? RecoveredShare::kGone
                                              : RecoveredShare::kCommitted;
}

}  // namespace

void FollowerRecovery::Redo(absl::flat_hash_set<std::string>* unfinished) {
  for (SurveyedDatabase& database : survey_.databases) {
    if (!database.error.ok()) continue;
    for (const DecisionRow& row : database.decisions) {
      if (row.outcome == Decision::kCommit &&
          !IsFollowerRow(row, database.identity)) {
        RedoAll(database, row, unfinished);
      }
    }
  }
  for (SurveyedDatabase& database : survey_.databases) {
    if (database.error.ok()) SettleMarker(database);
  }
}

void FollowerRecovery::RedoAll(SurveyedDatabase& decider,
                               const DecisionRow& row,
                               absl::flat_hash_set<std::string>* unfinished) {
  const auto list = ParticipantList::FromJson(row.participants);
  if (!list.ok() || list->followers.empty()) return;
  const auto gid = Gid::Parse(list->gid);
  for (const ParticipantEntry& entry : list->followers) {
    SurveyedDatabase* const follower = survey_.FindByIdentity(entry.identity);
    if (gid.ok() && follower != nullptr && follower->error.ok()) {
      if (!RedoOne(decider, *follower, *gid)) unfinished->insert(row.txn);
      continue;
    }
    unfinished->insert(row.txn);
    if (follower == nullptr && survey_.complete()) {
      Complain(decider.name,
               absl::FailedPreconditionError(absl::StrCat(
                   "transaction ", list->gid, " needs '", entry.database,
                   "', which is not in the topology: put it back")));
    }
  }
}

bool FollowerRecovery::RedoOne(SurveyedDatabase& decider,
                               SurveyedDatabase& follower, const Gid& gid) {
  if (HasRow(follower.decisions, gid.txn)) {
    // Perhaps brought to light by a log recovery, and not on disk yet.
    return follower.Ask(options_.patience).SyncDecisions().ok();
  }
  FailPoint("redo.send");
  const auto outcome = RedoFollower(
      follower.Ask(options_.patience), decider.Ask(options_.patience),
      {gid, follower.identity, options_.patience});
  RecoveredShare share;
  share.database = follower.name;
  share.gid = gid.Transaction();
  share.action = ActionOf(outcome);
  share.error = outcome.status();
  if (share.action == RecoveredShare::kFailed) {
    Complain(follower.name, outcome.status());
  }
  const bool finished = share.action == RecoveredShare::kCommitted;
  if (!outcome.ok() || *outcome != RedoOutcome::kThereAlready) {
    report_.shares.push_back(std::move(share));
  }
  return finished;
}

void FollowerRecovery::SettleMarker(SurveyedDatabase& follower) {
  Participant& participant = follower.Ask(options_.patience);
  const auto marker = participant.ReadMarker();
  if (!marker.ok()) return Complain(follower.name, marker.status());
  if (!marker->has_value()) return;
  const std::optional<Gid> gid = TransactionOf((*marker)->participants);
  if ((*marker)->txn.empty() || HasRow(follower.decisions, (*marker)->txn)) {
    // A writer at work will see to it.
    participant.ClearMarker((*marker)->txn).IgnoreError();
    return;
  }
  SurveyedDatabase* const decider =
      gid.has_value() ? survey_.FindByIdentity(gid->decider) : nullptr;
  if (decider == nullptr || !decider->error.ok()) {
    return Complain(follower.name,
                    absl::UnavailableError(absl::StrCat(
                        "its marker names a transaction whose decider cannot "
                        "be read: ",
                        (*marker)->participants)));
  }
  // Who is at work keeps the lock; then this is no news.
  const auto outcome =
      RedoFollower(participant, decider->Ask(options_.patience),
                   {*gid, follower.identity, options_.patience});
  if (!outcome.ok() && !absl::IsAborted(outcome.status())) {
    Complain(follower.name, outcome.status());
  }
}

void FollowerRecovery::Clean() {
  for (SurveyedDatabase& database : survey_.databases) {
    if (database.error.ok()) CleanOne(database);
  }
}

// Only rows that its decider certainly has not, and cannot get back when its
// power fails.
void FollowerRecovery::CleanOne(SurveyedDatabase& follower) {
  std::map<std::string, std::vector<std::string>> by_decider;
  for (const DecisionRow& row : follower.decisions) {
    if (!IsFollowerRow(row, follower.identity)) continue;
    const std::optional<Gid> gid = TransactionOf(row.participants);
    if (gid.has_value()) by_decider[gid->decider].push_back(row.txn);
  }
  for (auto& [identity, txns] : by_decider) {
    SurveyedDatabase* const decider = survey_.FindByIdentity(identity);
    if (decider == nullptr || !decider->error.ok()) continue;
    Participant& asked = decider->Ask(options_.patience);
    const auto rows = asked.ListDecisions();
    if (!rows.ok() || !asked.SyncDecisions().ok()) continue;
    std::erase_if(txns,
                  [&](const std::string& txn) { return HasRow(*rows, txn); });
    if (txns.empty()) continue;
    FailPoint("clean.followers");
    const absl::Status removed = follower.Ask(options_.patience)
                                     .DeleteDecisions(txns, options_.patience);
    if (!removed.ok() && !absl::IsAborted(removed)) {
      Complain(follower.name, removed);
    }
  }
}

void FollowerRecovery::Complain(const std::string& database,
                                const absl::Status& error) {
  report_.problems.push_back({database, error});
}

}  // namespace shard
