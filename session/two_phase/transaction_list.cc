#include "shard/session/two_phase/transaction_list.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"
#include "shard/session/two_phase/follower.h"
#include "shard/session/two_phase/gid.h"
#include "shard/session/two_phase/participant_list.h"
#include "shard/session/two_phase/survey.h"

namespace shard {
namespace {

using Entries = std::map<std::string, TransactionEntry>;  // by txn

void AddPrepared(const SurveyedDatabase& database,
                 const PreparedTransaction& prepared, Entries* entries) {
  const auto gid = Gid::Parse(prepared.gid);
  if (!gid.ok()) return;
  TransactionEntry& entry = (*entries)[gid->txn];
  entry.transaction = gid->Transaction();
  entry.age = std::max(entry.age, prepared.age);
  entry.prepared_on.push_back(database.name);
}

// A follower's own row says that it is done there, and no more.
void AddFollowerRow(const SurveyedDatabase& database, const DecisionRow& row,
                    Entries* entries) {
  TransactionEntry& entry = (*entries)[row.txn];
  entry.kept_on.push_back(database.name);
  const auto list = ParticipantList::FromJson(row.participants);
  if (list.ok()) entry.transaction = list->gid;
  if (entry.decision.empty()) entry.decision = "commit";
  entry.age = std::max(entry.age, row.age);
}

void AddDecision(const SurveyedDatabase& database, const DecisionRow& row,
                 Entries* entries) {
  if (IsFollowerRow(row, database.identity)) {
    return AddFollowerRow(database, row, entries);
  }
  TransactionEntry& entry = (*entries)[row.txn];
  entry.kept_on.push_back(database.name);
  entry.decision = row.outcome == Decision::kCommit ? "commit" : "abort";
  entry.decider = database.name;
  entry.age = std::max(entry.age, row.age);
  const auto list = ParticipantList::FromJson(row.participants);
  if (!list.ok()) {
    if (entry.transaction.empty()) entry.transaction = row.txn;
    return;
  }
  entry.transaction = list->gid;
  for (const ParticipantEntry& participant : list->prepared) {
    entry.participants.push_back(participant.database);
  }
  for (const ParticipantEntry& follower : list->followers) {
    entry.participants.push_back(follower.database);
  }
}

bool HasRow(const SurveyedDatabase& database, const std::string& txn) {
  return std::any_of(database.decisions.begin(), database.decisions.end(),
                     [&](const DecisionRow& row) { return row.txn == txn; });
}

// Trying again is of no use.
bool WaitsForAPerson(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) || absl::IsDataLoss(status) ||
         absl::IsUnimplemented(status);
}

// Whether what the follower lacks could be applied now.
void TryRedo(SurveyedDatabase& decider, SurveyedDatabase& follower,
             const Gid& gid, TransactionEntry* entry) {
  std::vector<RedoConflict> conflicts;
  const auto outcome = RedoFollower(
      follower.Ask(absl::Seconds(1)), decider.Ask(absl::Seconds(1)),
      {gid, follower.identity, absl::ZeroDuration(), OnConflict::kOnlyTry},
      &conflicts);
  // Its owner may have committed since it was read.
  if (outcome.ok() && *outcome != RedoOutcome::kApplied) return;
  entry->prepared_on.push_back(follower.name);
  if (conflicts.empty() && WaitsForAPerson(outcome.status())) {
    conflicts.push_back({"", "", std::string(outcome.status().message())});
  }
  for (RedoConflict& conflict : conflicts) {
    entry->conflicts.push_back({follower.name, std::move(conflict)});
  }
}

// What followers of a decided transaction lack.
void AddMissing(Survey& survey, SurveyedDatabase& decider,
                const DecisionRow& row, Entries* entries) {
  const auto list = ParticipantList::FromJson(row.participants);
  const auto gid = list.ok() ? Gid::Parse(list->gid) : list.status();
  if (!gid.ok() || row.outcome != Decision::kCommit) return;
  for (const ParticipantEntry& entry : list->followers) {
    SurveyedDatabase* const follower = survey.FindByIdentity(entry.identity);
    TransactionEntry& found = (*entries)[row.txn];
    if (follower == nullptr || !follower->error.ok()) {
      found.prepared_on.push_back(entry.database);  // as far as can be told
    } else if (!HasRow(*follower, row.txn)) {
      TryRedo(decider, *follower, *gid, &found);
    }
  }
}

// A file that is ready to follow a transaction that is not decided.
void AddMarker(SurveyedDatabase& follower, Entries* entries) {
  const auto marker = follower.Ask(absl::Seconds(1)).ReadMarker();
  if (!marker.ok() || !marker->has_value()) return;
  const std::string& txn = (*marker)->txn;
  if (txn.empty() || HasRow(follower, txn) || entries->contains(txn)) return;
  const auto list = ParticipantList::FromJson((*marker)->participants);
  if (!list.ok()) return;
  TransactionEntry& entry = (*entries)[txn];
  entry.transaction = list->gid;
  entry.prepared_on.push_back(follower.name);
}

// From all that was read about it.
void Judge(Survey& survey, TransactionEntry* entry) {
  const auto gid = Gid::Parse(entry->transaction);
  SurveyedDatabase* const decider =
      gid.ok() ? survey.FindByIdentity(gid->decider) : nullptr;
  if (entry->decider.empty() && decider != nullptr) {
    entry->decider = decider->name;
  }
  if (!entry->conflicts.empty()) {
    entry->state = TransactionEntry::kConflict;
  } else if (!entry->decision.empty()) {
    entry->state = entry->prepared_on.empty() ? TransactionEntry::kFinished
                                              : TransactionEntry::kPending;
  } else if (decider != nullptr && decider->error.ok()) {
    entry->state = TransactionEntry::kUndecided;
  }
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Something is to be done yet for which the database is needed.
bool Needs(const TransactionEntry& entry, const std::string& name) {
  return Contains(entry.prepared_on, name) ||
         (entry.decider == name && !entry.prepared_on.empty());
}

// All is done, but another database keeps a row that goes only as long as this
// one can be asked.
bool IsNamedElsewhere(const TransactionEntry& entry, const std::string& name) {
  const bool took_part =
      entry.decider == name || Contains(entry.participants, name);
  return took_part && std::any_of(entry.kept_on.begin(), entry.kept_on.end(),
                                  [&](const auto& at) { return at != name; });
}

}  // namespace

std::string_view TransactionStateName(TransactionEntry::State state) {
  switch (state) {
    case TransactionEntry::kPending:
      return "pending";
    case TransactionEntry::kUndecided:
      return "undecided";
    case TransactionEntry::kUnknown:
      return "unknown";
    case TransactionEntry::kConflict:
      return "conflict";
    case TransactionEntry::kFinished:
      return "finished";
  }
  return "unknown";
}

TransactionList ListTransactions(Topology& topology, absl::Duration patience) {
  Survey survey = Survey::Take(topology, patience);
  TransactionList list;
  Entries entries;
  for (const SurveyedDatabase& database : survey.databases) {
    if (!database.error.ok()) {
      list.problems.push_back({database.name, database.error});
    }
    for (const auto& prepared : database.prepared) {
      AddPrepared(database, prepared, &entries);
    }
  }
  for (const SurveyedDatabase& database : survey.databases) {
    for (const DecisionRow& row : database.decisions) {
      AddDecision(database, row, &entries);
    }
  }
  for (SurveyedDatabase& database : survey.databases) {
    if (!database.error.ok()) continue;
    for (const DecisionRow& row : database.decisions) {
      AddMissing(survey, database, row, &entries);
    }
    AddMarker(database, &entries);
  }
  for (auto& [txn, entry] : entries) {
    Judge(survey, &entry);
    list.transactions.push_back(std::move(entry));
  }
  std::stable_sort(list.transactions.begin(), list.transactions.end(),
                   [](const auto& a, const auto& b) { return a.age > b.age; });
  return list;
}

absl::Status CheckRemoval(Topology& topology, std::string_view database,
                          absl::Duration patience) {
  const std::string name(database);
  const TransactionList list = ListTransactions(topology, patience);
  const auto databases = topology.databases();
  if (std::none_of(databases.begin(), databases.end(),
                   [&](const auto& entry) { return entry.first == name; })) {
    return absl::NotFoundError(
        absl::StrCat("the topology has no database '", name, "'"));
  }
  if (!list.problems.empty()) {
    return absl::UnavailableError(absl::StrCat(
        "whether '", name,
        "' has unfinished transactions cannot be told, since '",
        list.problems.front().database,
        "' cannot be read: ", list.problems.front().error.message()));
  }
  std::string unfinished, kept;
  for (const TransactionEntry& entry : list.transactions) {
    if (Needs(entry, name)) {
      absl::StrAppend(&unfinished, " ", entry.transaction);
    } else if (IsNamedElsewhere(entry, name)) {
      absl::StrAppend(&kept, " ", entry.transaction);
    }
  }
  if (!unfinished.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "'", name,
        "' cannot be removed before these transactions are finished:",
        unfinished, "; run recovery first"));
  }
  if (kept.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "'", name,
      "' cannot be removed as long as another database keeps a decision about "
      "these transactions, which are finished:",
      kept,
      "; end the programs that use it, and run recovery with a "
      "decision_retention of 0 (shardctl recover --retention 0s)"));
}

}  // namespace shard
