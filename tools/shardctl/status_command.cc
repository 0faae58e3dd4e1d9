// shardctl status: which transactions are unfinished.
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "shard/router/topology.h"
#include "shard/session/two_phase/transaction_list.h"
#include "shard/tools/shardctl/commands.h"
#include "shard/tools/shardctl/style.h"

namespace shard::shardctl {
namespace {

using State = TransactionEntry::State;

struct StateWords {
  State state;
  Color color;
  std::string_view meaning;
};

constexpr std::array<StateWords, 5> kStates = {{
    {TransactionEntry::kConflict, Color::kRed,
     "decided, and a file was changed past the library since, so that its "
     "share does not fit: see resolve --overwrite and --keep"},
    {TransactionEntry::kPending, Color::kYellow,
     "decided, and not carried out everywhere yet; recovery does that"},
    {TransactionEntry::kUndecided, Color::kYellow,
     "at work, or its session has died; recovery asks its decider"},
    {TransactionEntry::kUnknown, Color::kRed,
     "in doubt: the database that decides it cannot be read"},
    {TransactionEntry::kFinished, Color::kDim,
     "done; recovery removes the decision after a while"},
}};

const StateWords& WordsOf(State state) {
  for (const StateWords& words : kStates) {
    if (words.state == state) return words;
  }
  return kStates.back();
}

Json ConflictsJson(const TransactionEntry& entry) {
  Json conflicts = Json::array();
  for (const TransactionEntry::Conflict& conflict : entry.conflicts) {
    conflicts.push_back({{"database", conflict.database},
                         {"table", conflict.row.table},
                         {"key", conflict.row.key},
                         {"what", conflict.row.what}});
  }
  return conflicts;
}

Json EntryJson(const TransactionEntry& entry) {
  return {{"transaction", entry.transaction},
          {"state", std::string(TransactionStateName(entry.state))},
          {"decision", TextJson(entry.decision)},
          {"decider", TextJson(entry.decider)},
          {"age_seconds", AgeJson(entry.age)},
          {"prepared_on", entry.prepared_on},
          {"participants", entry.participants},
          {"conflicts", ConflictsJson(entry)}};
}

void PrintTable(const std::vector<TransactionEntry>& entries, Output& output) {
  if (entries.empty()) return;
  Table table(
      {"STATE", "AGE", "DECISION", "DECIDER", "PREPARED ON", "TRANSACTION"});
  for (const TransactionEntry& entry : entries) {
    table.Add({{std::string(TransactionStateName(entry.state)),
                WordsOf(entry.state).color},
               AgeText(entry.age),
               entry.decision,
               entry.decider,
               absl::StrJoin(entry.prepared_on, ","),
               entry.transaction});
    for (const TransactionEntry::Conflict& conflict : entry.conflicts) {
      const RedoConflict& row = conflict.row;
      table.AddNote(absl::StrCat("'", conflict.database, "': ",
                                 ConflictText(row.table, row.key, row.what)));
    }
  }
  output.Print(table);
  output.text() << "\n";
  for (const StateWords& words : kStates) {
    for (const TransactionEntry& entry : entries) {
      if (entry.state != words.state) continue;
      output.text() << TransactionStateName(words.state) << ": "
                    << words.meaning << "\n";
      break;
    }
  }
}

std::string Summary(const Context& context, const TransactionList& list,
                    std::size_t unfinished) {
  const std::size_t all = context.databases.size();
  const std::size_t finished = list.transactions.size() - unfinished;
  std::string text = unfinished == 0
                         ? absl::StrCat("nothing unfinished in cluster '",
                                        context.config.cluster, "'")
                         : absl::StrCat(unfinished, " unfinished in cluster '",
                                        context.config.cluster, "'");
  absl::StrAppend(&text, " (", all - list.problems.size(), " of ", all,
                  " databases read)");
  if (finished > 0 && !context.line.all) {
    absl::StrAppend(
        &text, "; ", finished,
        finished == 1 ? " finished decision is" : " finished decisions are",
        " still kept, see --all");
  }
  return text;
}

}  // namespace

ExitCode RunStatus(Context& context) {
  Output& output = context.output;
  const absl::StatusOr<std::shared_ptr<Topology>> topology =
      OpenTopology(context.config, context.databases);
  if (!topology.ok()) {
    output.Error(topology.status());
    return ExitCodeOf(topology.status());
  }
  const TransactionList list =
      ListTransactions(**topology, context.line.timeout);
  std::vector<TransactionEntry> shown;
  std::size_t unfinished = 0;
  Json entries = Json::array();
  for (const TransactionEntry& entry : list.transactions) {
    const bool finished = entry.state == TransactionEntry::kFinished;
    if (!finished) ++unfinished;
    if (!finished || context.line.all) shown.push_back(entry);
    entries.push_back(EntryJson(entry));
  }
  output.object()["unfinished"] = unfinished;
  output.object()["transactions"] = std::move(entries);
  PrintTable(shown, output);
  output.text() << Summary(context, list, unfinished) << "\n";
  for (const RecoveryProblem& problem : list.problems) {
    output.Problem(problem.database, problem.error);
  }
  if (!list.problems.empty()) return ExitCode::kUnreachable;
  return unfinished > 0 ? ExitCode::kUnfinished : ExitCode::kOk;
}

}  // namespace shard::shardctl
