// A primary with its replicas out of a topology file.
#ifndef SHARD_ROUTER_REPLICA_CONFIG_H_
#define SHARD_ROUTER_REPLICA_CONFIG_H_

#include <memory>

#include "absl/status/statusor.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/router_registry.h"

namespace shard {

// {"type": "replicas", "primary": "us", "balance": "fewest_in_use",
//  "own_writes": "from_primary", "lag_limit": "2s"}: writes to the database,
// reads from its replicas. The other members are those of ReplicaSetOptions;
// "replicas" chooses some of them, as a list or with weights: {"us-1": 3}.
absl::StatusOr<std::shared_ptr<BindResolver>> MakeReplicaRouter(
    const RouterConfig& config, RouterContext& context);

}  // namespace shard

#endif  // SHARD_ROUTER_REPLICA_CONFIG_H_
