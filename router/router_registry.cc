#include "shard/router/router_registry.h"

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/router/horizontal_config.h"
#include "shard/router/replica_config.h"
#include "shard/router/vertical_config.h"

namespace shard {
namespace {

struct Factories {
  std::mutex mutex;
  std::map<std::string, RouterFactory, std::less<>> by_type = {
      {"horizontal", &MakeHorizontalRouter},
      {"replicas", &MakeReplicaRouter},
      {"vertical", &MakeVerticalRouter}};
};

// Never destroyed: globals of other files may use it.
Factories& TheFactories() {
  static Factories& factories = *new Factories;
  return factories;
}

}  // namespace

bool RegisterRouter(std::string_view type, RouterFactory factory) {
  Factories& factories = TheFactories();
  const std::lock_guard lock(factories.mutex);
  factories.by_type.insert_or_assign(std::string(type), std::move(factory));
  return true;
}

absl::StatusOr<RouterFactory> FindRouterFactory(const RouterConfig& config) {
  Factories& factories = TheFactories();
  const std::lock_guard lock(factories.mutex);
  const auto found = factories.by_type.find(config.type);
  if (found != factories.by_type.end()) return found->second;
  std::vector<std::string> types;
  for (const auto& [type, factory] : factories.by_type) types.push_back(type);
  return config.source.Find("type")->NoSuch("router type", config.type, types);
}

}  // namespace shard
