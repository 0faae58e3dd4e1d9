#include "shard/session/two_phase/transaction_list.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"
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

void AddDecision(const SurveyedDatabase& database, const DecisionRow& row,
                 Entries* entries) {
  TransactionEntry& entry = (*entries)[row.txn];
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
}

// From all that was read about it.
void Judge(Survey& survey, TransactionEntry* entry) {
  if (!entry->decision.empty()) {
    entry->state = entry->prepared_on.empty() ? TransactionEntry::kFinished
                                              : TransactionEntry::kPending;
    return;
  }
  const auto gid = Gid::Parse(entry->transaction);
  SurveyedDatabase* const decider =
      gid.ok() ? survey.FindByIdentity(gid->decider) : nullptr;
  if (decider == nullptr) return;
  entry->decider = decider->name;
  if (decider->error.ok()) entry->state = TransactionEntry::kUndecided;
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
  const auto& databases = topology.databases();
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
  std::string unfinished;
  for (const TransactionEntry& entry : list.transactions) {
    const bool holds =
        std::find(entry.prepared_on.begin(), entry.prepared_on.end(), name) !=
        entry.prepared_on.end();
    const bool decides = entry.decider == name && !entry.prepared_on.empty();
    if (holds || decides) absl::StrAppend(&unfinished, " ", entry.transaction);
  }
  if (unfinished.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "'", name, "' cannot be removed before these transactions are finished:",
      unfinished, "; run recovery first"));
}

}  // namespace shard
