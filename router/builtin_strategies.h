// The library's own strategies, from configuration.
#ifndef SHARD_ROUTER_BUILTIN_STRATEGIES_H_
#define SHARD_ROUTER_BUILTIN_STRATEGIES_H_

#include <string>
#include <utility>
#include <vector>

#include "shard/router/strategy_registry.h"

namespace shard {

// Each with the name it is known by; strategy_registry.h says what they take.
std::vector<std::pair<std::string, StrategyFactory>> BuiltinStrategies();

}  // namespace shard

#endif  // SHARD_ROUTER_BUILTIN_STRATEGIES_H_
