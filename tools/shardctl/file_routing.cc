#include "shard/tools/shardctl/file_routing.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/engine.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/router_registry.h"

namespace shard::shardctl {
namespace {

absl::StatusOr<std::shared_ptr<BindResolver>> MakeStandIn(
    const RouterConfig& config, RouterContext&) {
  const absl::Status unknown = absl::UnimplementedError(
      absl::StrCat("only programs that register router type '", config.type,
                   "' know where router '", config.name, "' sends work"));
  return std::make_shared<FunctionResolver>(
      [unknown](const BindRequest&) -> absl::StatusOr<Bind> {
        return unknown;
      });
}

using Engines = std::map<std::string, std::shared_ptr<Engine>>;

absl::Status Open(const DatabaseConfig& database, Engines* engines) {
  auto engine = OpenEngine(database.url, database.options);
  if (!engine.ok()) {
    return database.source.Wrong(ToStd(engine.status().message()));
  }
  (*engines)[database.name] = *std::move(engine);
  for (const DatabaseConfig& replica : database.replicas) {
    SHARD_RETURN_IF_ERROR(Open(replica, engines));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> UnknownRouters(const TopologyConfig& config) {
  std::vector<std::string> unknown;
  for (const RouterConfig& router : config.routers) {
    if (!FindRouterFactory(router).ok()) unknown.push_back(router.name);
  }
  return unknown;
}

absl::StatusOr<Routing> MakeFileRouting(const TopologyConfig& config) {
  Engines engines;
  for (const DatabaseConfig& database : config.databases) {
    SHARD_RETURN_IF_ERROR(Open(database, &engines));
  }
  for (const RouterConfig& router : config.routers) {
    if (FindRouterFactory(router).ok()) continue;
    RegisterRouter(router.type, &MakeStandIn);
  }
  RoutingOptions options;
  options.engine = [&](const std::string& name) { return engines.at(name); };
  options.without_classes = true;
  return MakeRouting(config, options);
}

}  // namespace shard::shardctl
