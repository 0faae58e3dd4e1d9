// Whether a running program can go over to another topology file.
#ifndef SHARD_ROUTER_TOPOLOGY_CHANGE_H_
#define SHARD_ROUTER_TOPOLOGY_CHANGE_H_

#include "absl/status/status.h"
#include "shard/router/topology_config.h"

namespace shard {

// OK for more databases, replicas, routers and classes; for other replicas; and
// for anything that places rows otherwise (shards, strategies, slot maps, keys,
// binds), if the epoch is higher.
//
// kFailedPrecondition, naming what: another cluster; a database that is gone,
// or has another URL or options; an older epoch; other places without a higher
// one.
absl::Status CheckTopologyChange(const TopologyConfig& before,
                                 const TopologyConfig& after);

}  // namespace shard

#endif  // SHARD_ROUTER_TOPOLOGY_CHANGE_H_
