#include "shard/tools/shardctl/cluster_config.h"

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/router/config_node.h"
#include "shard/router/topology_config.h"

namespace shard::shardctl {
namespace {

// As Topology does. Looked at here as well, since its message shows the name: a
// URL that somebody has put in a name's place must not show.
absl::Status CheckNames(const ClusterConfig& config) {
  const auto wrong = [](const std::string& what) {
    return absl::InvalidArgumentError(absl::StrCat(
        what, " has 1 to 63 letters, digits, '_', '-' and '.', and no others"));
  };
  if (!IsConfigName(config.cluster)) return wrong("the name of a cluster");
  for (std::size_t i = 0; i < config.databases.size(); ++i) {
    const std::string& name = config.databases[i].first;
    if (!IsConfigName(name)) {
      return wrong(absl::StrCat("the name of a database (number ", i + 1, ")"));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (config.databases[j].first != name) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("database '", name, "' is given twice"));
    }
  }
  if (!config.databases.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "no databases: give --topology FILE.json, or --database NAME=URL for "
      "each");
}

}  // namespace

ClusterConfig ClusterConfigOf(const TopologyConfig& file) {
  ClusterConfig config{file.cluster, file.epoch, {}};
  for (const DatabaseConfig& database : file.databases) {
    config.databases.emplace_back(database.name, database.url);
  }
  return config;
}

absl::StatusOr<ClusterConfig> ReadClusterConfig(const CommandLine& line) {
  ClusterConfig config;
  if (!line.topology_file.empty()) {
    if (line.cluster.has_value() || line.epoch.has_value() ||
        !line.databases.empty()) {
      return absl::InvalidArgumentError(
          "--topology says all: leave out --cluster, --epoch and --database");
    }
    SHARD_ASSIGN_OR_RETURN(const TopologyConfig file,
                           ReadTopologyFile(line.topology_file));
    config = ClusterConfigOf(file);
  } else {
    config = {line.cluster.value_or("main"), line.epoch, line.databases};
  }
  SHARD_RETURN_IF_ERROR(CheckNames(config));
  return config;
}

}  // namespace shard::shardctl
