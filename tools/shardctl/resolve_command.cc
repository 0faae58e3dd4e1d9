// shardctl resolve: decides a transaction by hand.
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/participant.h"
#include "shard/router/topology.h"
#include "shard/session/two_phase/manual_decision.h"
#include "shard/tools/shardctl/commands.h"
#include "shard/tools/shardctl/confirmation.h"
#include "shard/tools/shardctl/style.h"

namespace shard::shardctl {
namespace {

// What the decider knows about its own share, and what follows.
std::string FateText(const ManualDecision& plan, const std::string& decider) {
  if (plan.decider_fate() == TransactionFate::kAborted) {
    return absl::StrCat(decider, " says that it was rolled back.\nSo");
  }
  if (plan.decider_fate() == TransactionFate::kCommitted) {
    // No proof: a server that crashes gives out numbers again.
    return absl::StrCat("In ", decider,
                        " a transaction of its number has committed, but\nno "
                        "decision is there. Unless it was this one");
  }
  return absl::StrCat("There is no decision in ", decider,
                      ", so most likely it was rolled\nback. Then");
}

// A decision for the transaction is none for the share of its decider, which is
// never prepared and so cannot be committed by anybody.
std::string CommitWarning(const ManualDecision& plan) {
  const std::string decider = absl::StrCat("'", plan.decider(), "'");
  return absl::StrCat(
      "WARNING: the share of ", decider,
      ", which decides, was never prepared, and this cannot\ncommit it. ",
      FateText(plan, decider),
      " the transaction will be torn: the shares above committed, and that one "
      "not.\nRecovery and --abort never tear a transaction. Commit only if you "
      "know better,\nor will repair ",
      decider, " by hand.");
}

std::string AbortWarning(const ManualDecision& plan) {
  return absl::StrCat(
      "Every share is rolled back; the session of the transaction, if it is "
      "alive, is\ntold so when it commits in '",
      plan.decider(), "'.");
}

// The files that lack their share were written to by a program that knows
// nothing of it.
std::string ConflictWarning(OnConflict on_conflict) {
  return on_conflict == OnConflict::kOverwrite
             ? "WARNING: rows that were changed since by another program are "
               "overwritten by what\nthe transaction wrote."
             : "WARNING: rows that were changed since by another program stay "
               "as they are; what\nthe transaction wrote to them is given up. "
               "So is all that it wrote to tables that\nwere dropped or got "
               "other columns.";
}

void ShowPlan(const Context& context, const ManualDecision& plan) {
  std::ostream& text = context.output.text();
  text << "Transaction " << plan.gid().Transaction() << "\ndecided by '"
       << plan.decider() << "'; "
       << (plan.decided()
               ? absl::StrCat("the decision stands: ",
                              ToAbsl(DecisionName(*context.line.decision)))
               : "no decision yet")
       << "\n\n";
  Table table({"PREPARED ON", "AGE", "SHARE"});
  for (const ManualDecision::Share& share : plan.shares()) {
    table.Add({share.database, AgeText(share.age), share.gid});
  }
  if (!plan.shares().empty()) {
    context.output.Print(table);
    text << "\n";
  }
}

absl::Status Ask(const Context& context, const ManualDecision& plan) {
  const bool commit = context.line.decision == Decision::kCommit;
  context.output.text().flush();
  if (plan.decided()) {
    std::cerr << ConflictWarning(context.line.on_conflict) << "\n";
  } else {
    std::cerr << (commit ? CommitWarning(plan) : AbortWarning(plan)) << "\n";
  }
  if (context.line.yes) return absl::OkStatus();
  return Confirm(
      absl::StrCat(commit ? "commit " : "abort ", plan.gid().txn.substr(0, 8)));
}

absl::Status With(const absl::Status& error, const char* consequence) {
  return absl::Status(error.code(),
                      absl::StrCat(error.message(), "; ", consequence));
}

absl::StatusOr<ManualDecision> Plan(const Context& context,
                                    Topology& topology) {
  const CommandLine& line = context.line;
  SHARD_ASSIGN_OR_RETURN(
      ManualDecision plan,
      ManualDecision::Plan(topology, line.gid, *line.decision, line.timeout));
  Json& object = context.output.object();
  object["transaction"] = plan.gid().Transaction();
  object["decision"] = std::string(DecisionName(*line.decision));
  object["decider"] = plan.decider();
  object["stood_before"] = plan.decided();
  ShowPlan(context, plan);
  if (!plan.decided() || line.on_conflict != OnConflict::kReport) {
    SHARD_RETURN_IF_ERROR(Ask(context, plan));
  }
  return plan;
}

absl::StatusOr<ManualDecision> PlanAndDecide(const Context& context,
                                             Topology& topology) {
  absl::StatusOr<ManualDecision> plan = Plan(context, topology);
  if (!plan.ok()) return With(plan.status(), "nothing was changed");
  const absl::Status decided = plan->Decide();
  if (decided.ok()) return plan;
  // Decide asks for the row by putting it in, and the answer may be lost.
  return With(decided, ExitCodeOf(decided) == ExitCode::kUnreachable
                           ? "whether it is decided now is not known: repeat "
                             "the command"
                           : "nothing was changed");
}

ExitCode ShowShares(const Context& context, const ManualDecision& plan) {
  const std::string done =
      context.line.decision == Decision::kCommit ? "committed" : "rolled back";
  const std::string word =
      context.line.decision == Decision::kCommit ? "committed" : "rolled_back";
  const std::string settled = context.line.on_conflict == OnConflict::kKeep
                                  ? "given up: "
                                  : "overwritten: ";
  ExitCode code = ExitCode::kOk;
  Table table({"DATABASE", "RESULT", "SHARE"});
  Json shares = Json::array();
  for (const ManualDecision::Share& share : plan.shares()) {
    const bool ok = share.ended.ok();
    if (!ok) {
      code = Worse(code, ExitCodeOf(share.ended) == ExitCode::kUnreachable
                             ? ExitCode::kUnreachable
                             : ExitCode::kUnfinished);
    }
    table.Add({share.database,
               {ok ? done : "failed", ok ? Color::kGreen : Color::kRed},
               share.gid});
    if (!ok) table.AddNote(std::string(ToStd(share.ended.message())));
    Json conflicts = Json::array();
    for (const RedoConflict& conflict : share.conflicts) {
      table.AddNote(absl::StrCat(
          ok ? settled : "",
          ConflictText(conflict.table, conflict.key, conflict.what)));
      conflicts.push_back({{"table", conflict.table},
                           {"key", conflict.key},
                           {"what", conflict.what}});
    }
    shares.push_back({{"database", share.database},
                      {"gid", share.gid},
                      {"result", ok ? word : "failed"},
                      {"conflicts", std::move(conflicts)},
                      {"error", ErrorJson(share.ended)}});
  }
  context.output.object()["shares"] = std::move(shares);
  if (plan.shares().empty()) {
    context.output.text() << "no share is prepared any more\n";
  } else {
    context.output.Print(table);
  }
  return code;
}

}  // namespace

ExitCode RunResolve(Context& context) {
  Output& output = context.output;
  const absl::StatusOr<std::shared_ptr<Topology>> topology =
      OpenTopology(context.config, context.databases);
  if (!topology.ok()) {
    output.Error(topology.status());
    return ExitCodeOf(topology.status());
  }
  absl::StatusOr<ManualDecision> plan = PlanAndDecide(context, **topology);
  if (!plan.ok()) {
    output.Error(plan.status());
    return ExitCodeOf(plan.status());
  }
  plan->CarryOut(context.line.on_conflict);
  ExitCode code = ShowShares(context, *plan);
  for (const RecoveryProblem& problem : plan->problems()) {
    output.Problem(problem.database, problem.error);
    code = ExitCode::kUnreachable;
  }
  if (code != ExitCode::kOk) {
    output.text() << "the decision stands; recovery carries out the rest\n";
  }
  return code;
}

}  // namespace shard::shardctl
