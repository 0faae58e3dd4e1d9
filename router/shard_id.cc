#include "shard/router/shard_id.h"

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace shard {
namespace {

struct Names {
  std::mutex mutex;
  std::map<std::string, std::uint32_t, std::less<>> numbers;
  std::deque<std::string> names{""};  // by number; a deque never moves them
};

// Never destroyed: ids may be asked for their names while the program ends.
Names& TheNames() {
  static Names& names = *new Names;
  return names;
}

}  // namespace

ShardId ShardId::Of(std::string_view name) {
  if (name.empty()) return ShardId();
  Names& names = TheNames();
  const std::lock_guard lock(names.mutex);
  if (const auto found = names.numbers.find(name);
      found != names.numbers.end()) {
    return ShardId(found->second);
  }
  const auto number = static_cast<std::uint32_t>(names.names.size());
  names.names.emplace_back(name);
  names.numbers.emplace(std::string(name), number);
  return ShardId(number);
}

const std::string& ShardId::name() const {
  Names& names = TheNames();
  const std::lock_guard lock(names.mutex);
  return names.names[number_];
}

}  // namespace shard
