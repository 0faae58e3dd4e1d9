// Strategies by name, made from configuration.
#ifndef SHARD_ROUTER_STRATEGY_REGISTRY_H_
#define SHARD_ROUTER_STRATEGY_REGISTRY_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/dialects/engine.h"
#include "shard/router/sharding_strategy.h"
#include "shard/router/strategy_config.h"

namespace shard {

// What a strategy may need besides its configuration.
struct StrategyContext {
  // The engine of the database that the configuration calls so; null when there
  // is none. May be empty.
  std::function<std::shared_ptr<Engine>(std::string_view name)> find_engine =
      nullptr;
};

// Makes a strategy; kInvalidArgument for a bad configuration, best by
// StrategyConfig::Error. Thread-safe.
using StrategyFactory =
    std::function<absl::StatusOr<std::shared_ptr<const ShardingStrategy>>(
        const StrategyConfig& config, const StrategyContext& context)>;

// From now on MakeStrategy knows the name. False when it is taken: the first
// stays. Thread-safe. Call it from main(), or once in a .cc file that is linked
// in for sure (in a cc_library of its own: alwayslink = 1):
//
//   const bool registered = RegisterStrategy("evens_and_odds", &Make);
//
// Known from the beginning, with these members ("?": may be left out; a shard
// is a name, a key stands as StrategyConfig::AsKey says):
//
//   hash         shards: [shard]           or slots: [{first, shard}]
//   list         places: {shard: [key]}, otherwise?: shard, key_type?
//   range        ranges: [{below?: key, shard}], key_type?; the last may have
//                no `below`
//   time_period  period: "month", shards: [shard]
//                or from: [{first: time, shard}], before?: shard, key_type?
//   directory    database: name, shards: [shard], table?, assign?: {strategy,
//                ...}, cache_entries?, max_age?, recheck_after?
//   composite    groups?: [{tenants: [key], shards: [shard]}], others?:
//   [shard],
//                key_type?; or by: {strategy, ...}, columns?, groups: {name:
//                [shard]}
//   region       regions: [{name, locations: [code], shards: [shard]}],
//                otherwise?: name
//   hint         shards: [shard]
bool RegisterStrategy(std::string_view name, StrategyFactory factory);

// kNotFound, with the names that there are, when nobody has registered it;
// else what the factory says.
absl::StatusOr<std::shared_ptr<const ShardingStrategy>> MakeStrategy(
    std::string_view name, const StrategyConfig& config,
    const StrategyContext& context = {});

// The same by the member "strategy". An unknown name is kInvalidArgument, too,
// and says where it stands.
absl::StatusOr<std::shared_ptr<const ShardingStrategy>> MakeStrategy(
    const StrategyConfig& config, const StrategyContext& context = {});

// All names, sorted.
std::vector<std::string> StrategyNames();

}  // namespace shard

#endif  // SHARD_ROUTER_STRATEGY_REGISTRY_H_
