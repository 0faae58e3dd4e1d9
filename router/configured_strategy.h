// A sharding strategy out of a topology file.
#ifndef SHARD_ROUTER_CONFIGURED_STRATEGY_H_
#define SHARD_ROUTER_CONFIGURED_STRATEGY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/router/config_node.h"
#include "shard/router/sharding_strategy.h"
#include "shard/router/strategy_registry.h"

namespace shard {

// "hash", or {"type": "list", "places": {...}}: any registered strategy, by
// name, with its members as RegisterStrategy has them. Two are added: the slots
// of a hash may be ranges (ReadSlotMap), and where one of the library's own
// strategies takes all `shards` of the router it need not list them.
//
// kInvalidArgument names field and line.
absl::StatusOr<std::shared_ptr<const ShardingStrategy>> MakeConfiguredStrategy(
    const ConfigNode& node, const std::vector<std::string>& shards,
    const StrategyContext& context);

}  // namespace shard

#endif  // SHARD_ROUTER_CONFIGURED_STRATEGY_H_
