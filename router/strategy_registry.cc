#include "shard/router/strategy_registry.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/router/builtin_strategies.h"

namespace shard {
namespace {

struct Registry {
  std::mutex mutex;
  std::map<std::string, StrategyFactory, std::less<>> factories;
};

// Made by the first who asks, so that others can register before main(); never
// destroyed. The library's own come from a table: a linker that leaves out what
// nobody names would leave out registrations.
Registry& TheRegistry() {
  static Registry& registry = *[] {
    auto* made = new Registry;
    for (auto& [name, factory] : BuiltinStrategies()) {
      made->factories.emplace(name, std::move(factory));
    }
    return made;
  }();
  return registry;
}

}  // namespace

bool RegisterStrategy(std::string_view name, StrategyFactory factory) {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  return registry.factories.emplace(name, std::move(factory)).second;
}

std::vector<std::string> StrategyNames() {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  std::vector<std::string> names;
  for (const auto& [name, factory] : registry.factories) names.push_back(name);
  return names;
}

absl::StatusOr<std::shared_ptr<const ShardingStrategy>> MakeStrategy(
    std::string_view name, const StrategyConfig& config,
    const StrategyContext& context) {
  StrategyFactory factory;
  {
    Registry& registry = TheRegistry();
    const std::lock_guard lock(registry.mutex);
    const auto found = registry.factories.find(name);
    if (found != registry.factories.end()) factory = found->second;
  }
  // (Not under the lock: a factory may ask for further strategies.)
  if (factory != nullptr) return factory(config, context);
  return absl::NotFoundError(absl::StrCat(
      "there is no strategy '", ToAbsl(name), "'; there are '",
      absl::StrJoin(StrategyNames(), "', '"),
      "', and a strategy of yours must be registered (RegisterStrategy) before "
      "it is asked for"));
}

absl::StatusOr<std::shared_ptr<const ShardingStrategy>> MakeStrategy(
    const StrategyConfig& config, const StrategyContext& context) {
  SHARD_ASSIGN_OR_RETURN(const StrategyConfig member,
                         config.Member("strategy"));
  SHARD_ASSIGN_OR_RETURN(const std::string name, member.AsText());
  auto made = MakeStrategy(name, config, context);
  if (absl::IsNotFound(made.status())) {
    return member.Error(ToStd(made.status().message()));
  }
  return made;
}

}  // namespace shard
