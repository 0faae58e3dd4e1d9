// The routers of a topology file, in a program that has none of its classes.
#ifndef SHARD_TOOLS_SHARDCTL_FILE_ROUTING_H_
#define SHARD_TOOLS_SHARDCTL_FILE_ROUTING_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/router/routing.h"
#include "shard/router/topology_config.h"

namespace shard::shardctl {

// Routers whose type only the programs know that register it.
std::vector<std::string> UnknownRouters(const TopologyConfig& config);

// Connects to nothing. Unknown routers stand in it, and say that they are
// unknown when they are asked. Errors are those of MakeRouting.
absl::StatusOr<Routing> MakeFileRouting(const TopologyConfig& config);

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_FILE_ROUTING_H_
