// shardctl forget: a database is gone for good.
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/router/topology.h"
#include "shard/session/two_phase/forget.h"
#include "shard/session/two_phase/recovery_report.h"
#include "shard/tools/shardctl/commands.h"
#include "shard/tools/shardctl/style.h"

namespace shard::shardctl {
// Files list the databases that they may have followed, and ask them before
// they are written to. One that is not there any more would have to be asked
// for ever. Decisions that name it, or that it made, could not be removed by
// recovery.
ExitCode RunForget(Context& context) {
  Output& output = context.output;
  const absl::StatusOr<std::shared_ptr<Topology>> topology =
      OpenTopology(context.config, context.databases);
  if (!topology.ok()) {
    output.Error(topology.status());
    return ExitCodeOf(topology.status());
  }
  const std::string& identity = context.line.identity;
  const absl::StatusOr<ForgetReport> report =
      ForgetDatabase(**topology, identity, context.line.timeout);
  if (!report.ok()) {
    output.Error(report.status());
    return ExitCodeOf(report.status());
  }
  ExitCode code = ExitCode::kOk;
  for (const RecoveryProblem& problem : report->problems) {
    output.Problem(problem.database, problem.error);
    code = Worse(code, absl::IsFailedPrecondition(problem.error)
                           ? ExitCode::kUnfinished
                           : ExitCodeOf(problem.error));
  }
  output.object()["identity"] = identity;
  output.object()["decisions_removed"] = report->decisions_removed;
  Json given_up = Json::array();
  for (const GivenUpShare& share : report->given_up) {
    given_up.push_back({{"database", share.database}, {"gid", share.gid}});
    output.text() << "'" << share.database
                  << "' gives up its share, if any, of " << share.gid
                  << ", whose outcome nobody knows any more\n";
  }
  output.object()["given_up"] = std::move(given_up);
  if (code == ExitCode::kOk) {
    output.text() << "no file asks for " << identity << " any more; "
                  << report->decisions_removed << " decisions removed\n";
  }
  return code;
}

}  // namespace shard::shardctl
