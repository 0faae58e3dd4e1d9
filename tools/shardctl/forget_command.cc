// shardctl forget: a database is gone for good.
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/engine.h"
#include "shard/router/topology.h"
#include "shard/tools/shardctl/commands.h"
#include "shard/tools/shardctl/style.h"

namespace shard::shardctl {
namespace {

absl::Status Forget(Engine& engine, const std::string& identity) {
  SHARD_ASSIGN_OR_RETURN(const auto connection, engine.OpenConnection());
  return connection->participant().RemovePeers({identity});
}

}  // namespace

// Files list the databases that they may have followed, and ask them before
// they are written to. One that is not there any more would have to be asked
// for ever.
ExitCode RunForget(Context& context) {
  Output& output = context.output;
  const absl::StatusOr<std::shared_ptr<Topology>> topology =
      OpenTopology(context.config, context.databases);
  if (!topology.ok()) {
    output.Error(topology.status());
    return ExitCodeOf(topology.status());
  }
  const std::string& identity = context.line.identity;
  if ((*topology)->FindByIdentity(identity) != nullptr) {
    const absl::Status status = absl::FailedPreconditionError(
        "that database is in the topology; take it out first, after check "
        "--remove has said that it may go");
    output.Error(status);
    return ExitCodeOf(status);
  }
  ExitCode code = ExitCode::kOk;
  for (const auto& [name, engine] : (*topology)->databases()) {
    const absl::Status status = Forget(*engine, identity);
    if (status.ok()) continue;
    output.Problem(name, status);
    code = Worse(code, ExitCodeOf(status));
  }
  output.object()["identity"] = identity;
  if (code == ExitCode::kOk) {
    output.text() << "no file asks for " << identity << " any more\n";
  }
  return code;
}

}  // namespace shard::shardctl
