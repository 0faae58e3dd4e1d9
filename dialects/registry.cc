#include "shard/dialects/registry.h"

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"

namespace shard {
namespace {

struct Registry {
  std::mutex mutex;
  std::map<std::string, OpenerFactory, std::less<>> factories;
};

// Never destroyed: globals of other files register into it, in any order.
Registry& TheRegistry() {
  static Registry& registry = *new Registry;
  return registry;
}

}  // namespace

bool RegisterDialect(std::string_view scheme, OpenerFactory factory) {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  registry.factories[std::string(scheme)] = std::move(factory);
  return true;
}

absl::StatusOr<OpenerFactory> FindDialect(std::string_view scheme) {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  const auto found = registry.factories.find(scheme);
  if (found != registry.factories.end()) return found->second;
  std::string known;
  for (const auto& [name, factory] : registry.factories) {
    absl::StrAppend(&known, known.empty() ? "" : ", ", name);
  }
  return absl::NotFoundError(
      absl::StrCat("no dialect '", ToAbsl(scheme),
                   "' is linked into this program (there is: ",
                   known.empty() ? "none" : known,
                   "); depend on its Bazel target, such as //dialects/sqlite"));
}

}  // namespace shard
