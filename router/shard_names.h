// The shards that a strategy is made with.
#ifndef SHARD_ROUTER_SHARD_NAMES_H_
#define SHARD_ROUTER_SHARD_NAMES_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/router/shard_id.h"

namespace shard {

// `who` is "a hash strategy" in messages. kInvalidArgument for none, more than
// there are slots, an empty name, or a name that stands there twice.
absl::StatusOr<std::vector<ShardId>> ShardsNamed(
    const std::vector<std::string>& names, std::string_view who);

// Appends it unless it is there.
void AddOnce(std::vector<ShardId>& shards, ShardId shard);

}  // namespace shard

#endif  // SHARD_ROUTER_SHARD_NAMES_H_
