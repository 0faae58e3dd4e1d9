// shardctl recover: one pass of recovery.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_replace.h"
#include "shard/base/strings.h"
#include "shard/router/topology.h"
#include "shard/session/two_phase/recoverer.h"
#include "shard/session/two_phase/recovery_report.h"
#include "shard/tools/shardctl/commands.h"
#include "shard/tools/shardctl/style.h"

namespace shard::shardctl {
namespace {

Color ColorOf(RecoveredShare::Action action) {
  switch (action) {
    case RecoveredShare::kCommitted:
    case RecoveredShare::kRolledBack:
      return Color::kGreen;
    case RecoveredShare::kLeftAlone:
      return Color::kYellow;
    case RecoveredShare::kFailed:
      return Color::kRed;
    case RecoveredShare::kForeign:
    case RecoveredShare::kGone:
      break;
  }
  return Color::kPlain;
}

// "rolled_back": a word for programs.
std::string ActionWord(RecoveredShare::Action action) {
  return absl::StrReplaceAll(RecoveryActionName(action), {{" ", "_"}});
}

void Show(const RecoveryReport& report, Output& output) {
  Table table({"ACTION", "AGE", "DATABASE", "SHARE"});
  Json shares = Json::array();
  for (const RecoveredShare& share : report.shares) {
    table.Add({{RecoveryActionName(share.action), ColorOf(share.action)},
               AgeText(share.age),
               share.database,
               share.gid});
    if (!share.error.ok()) {
      table.AddNote(std::string(ToStd(share.error.message())));
    }
    shares.push_back({{"database", share.database},
                      {"gid", share.gid},
                      {"age_seconds", AgeJson(share.age)},
                      {"action", ActionWord(share.action)},
                      {"error", ErrorJson(share.error)}});
  }
  if (!report.shares.empty()) output.Print(table);
  output.text() << report.Count(RecoveredShare::kCommitted) << " committed, "
                << report.Count(RecoveredShare::kRolledBack) << " rolled back, "
                << report.Count(RecoveredShare::kLeftAlone) << " left alone, "
                << report.Count(RecoveredShare::kFailed)
                << " failed; decisions: " << report.decisions_removed
                << " removed, " << report.decisions_kept << " kept\n";
  Json& object = output.object();
  object["shares"] = std::move(shares);
  object["decisions_removed"] = report.decisions_removed;
  object["decisions_kept"] = report.decisions_kept;
}

// Its own row has told of it already.
bool IsOfAShare(const RecoveryReport& report, const RecoveryProblem& problem) {
  return std::any_of(report.shares.begin(), report.shares.end(),
                     [&](const RecoveredShare& share) {
                       return share.action == RecoveredShare::kFailed &&
                              share.database == problem.database &&
                              share.error == problem.error;
                     });
}

// Else it could, and something in it needs a look.
bool CouldNotBeRead(const absl::Status& error) {
  return !absl::IsDataLoss(error) && !absl::IsFailedPrecondition(error) &&
         !absl::IsInvalidArgument(error) && !absl::IsAborted(error);
}

}  // namespace

ExitCode RunRecover(Context& context) {
  Output& output = context.output;
  const absl::StatusOr<std::shared_ptr<Topology>> topology =
      OpenTopology(context.config, context.databases);
  if (!topology.ok()) {
    output.Error(topology.status());
    return ExitCodeOf(topology.status());
  }
  RecoveryOptions options;
  options.background = false;
  options.recover_after = context.line.recover_after;
  options.decision_retention = context.line.retention;
  options.patience = context.line.timeout;
  const RecoveryReport report = Recover(**topology, options);
  Show(report, output);
  ExitCode code = report.clean() ? ExitCode::kOk : ExitCode::kUnfinished;
  for (const RecoveryProblem& problem : report.problems) {
    if (CouldNotBeRead(problem.error)) {
      code = Worse(code, ExitCode::kUnreachable);
    }
    if (!IsOfAShare(report, problem)) {
      output.Problem(problem.database, problem.error);
    }
  }
  return code;
}

}  // namespace shard::shardctl
