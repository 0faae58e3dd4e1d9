// Which databases a command is about.
#ifndef SHARD_TOOLS_SHARDCTL_CLUSTER_CONFIG_H_
#define SHARD_TOOLS_SHARDCTL_CLUSTER_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/router/topology_config.h"
#include "shard/tools/shardctl/command_line.h"

namespace shard::shardctl {

// URLs may hold passwords: they are for opening only, never for showing.
struct ClusterConfig {
  std::string cluster = "main";
  std::optional<std::int64_t> epoch;  // as somebody has said it
  std::vector<std::pair<std::string, std::string>> databases;  // name, URL
};

// What a topology file says of them.
ClusterConfig ClusterConfigOf(const TopologyConfig& file);

// From the command line, or from the file that it names. kInvalidArgument, as
// ReadTopologyFile; kNotFound: there is no such file.
absl::StatusOr<ClusterConfig> ReadClusterConfig(const CommandLine& line);

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_CLUSTER_CONFIG_H_
