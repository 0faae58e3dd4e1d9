#include "shard/router/shard_names.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"
#include "shard/router/placement.h"
#include "shard/router/shard_set.h"

namespace shard {

absl::StatusOr<std::vector<ShardId>> ShardsNamed(
    const std::vector<std::string>& names, std::string_view who) {
  if (names.empty() || names.size() > kSlotCount) {
    return absl::InvalidArgumentError(absl::StrCat(ToAbsl(who), " needs 1 to ",
                                                   kSlotCount, " shards, not ",
                                                   names.size()));
  }
  std::vector<ShardId> shards;
  for (const std::string& name : names) {
    if (name.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          ToAbsl(who), " has a shard with an empty name; name it"));
    }
    AddOnce(shards, ShardId::Of(name));
  }
  if (shards.size() != names.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(ToAbsl(who), " names a shard twice; name each once"));
  }
  return shards;
}

void AddOnce(std::vector<ShardId>& shards, ShardId shard) {
  if (!Contains(shards, shard)) shards.push_back(shard);
}

}  // namespace shard
