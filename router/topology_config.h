// A topology, written down: docs/topology_file.md.
#ifndef SHARD_ROUTER_TOPOLOGY_CONFIG_H_
#define SHARD_ROUTER_TOPOLOGY_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/dialects/engine.h"
#include "shard/router/config_node.h"
#include "shard/router/url_variables.h"

namespace shard {

// A database, or a replica of one. `options.name` is its name.
struct DatabaseConfig {
  std::string name;
  std::string url;  // may hold a password: for opening only, never for showing
  EngineOptions options;
  std::vector<DatabaseConfig> replicas;
  ConfigNode source;  // as it stands in the file, for errors
};

struct RouterConfig {
  std::string name;
  std::string type;   // see RegisterRouter
  ConfigNode source;  // all of it; its factory reads it
};

// Which database or router a class, or all that is not bound, goes to.
struct PlaceConfig {
  std::string class_name;  // empty: the default
  std::string place;
  ConfigNode source;
};

struct TopologyConfig {
  std::string cluster = "main";
  std::optional<std::int64_t> epoch;  // as somebody has said it
  std::vector<DatabaseConfig> databases;
  std::vector<RouterConfig> routers;
  std::vector<PlaceConfig> binds;
  std::optional<PlaceConfig> otherwise;  // "default"

  // Null where there is none of that name. A replica is no database.
  const DatabaseConfig* FindDatabase(std::string_view name) const;
  const RouterConfig* FindRouter(std::string_view name) const;
  // Of databases and routers.
  std::vector<std::string> Places() const;
};

// kInvalidArgument: no JSON, members that are not known, missing, given twice
// or of another kind, a name that cannot be one or is given twice, a bind to a
// place that there is not, a variable that is not set; it names field and line
// ("databases.eu.url, line 7: ...") and shows nothing of a URL. What stands in
// a router is looked at when it is made.
absl::StatusOr<TopologyConfig> ParseTopologyConfig(
    std::string_view json, const Variables& variables = EnvironmentVariable);

// Of a file; errors name it, too. kNotFound: it cannot be read.
absl::StatusOr<TopologyConfig> ReadTopologyFile(
    const std::string& path, const Variables& variables = EnvironmentVariable);

}  // namespace shard

#endif  // SHARD_ROUTER_TOPOLOGY_CONFIG_H_
