#include "shard/router/sharding_strategy.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace shard {

ShardSet ShardingStrategy::InOrder(const ShardSet& found) const {
  return found.size() < 2 ? found : Intersection(shards(), found);
}

ShardSet ShardingStrategy::ShardsFor(absl::Span<const KeyDomain> key) const {
  ShardSet found;
  const bool all_told =
      ForEachKey(key, kMostKeys, [&](absl::Span<const sql::ValueView> one) {
        const absl::StatusOr<ShardId> shard = ShardFor(one);
        if (shard.ok()) {
          AddOnce(found, *shard);
          return true;
        }
        // A key that no shard takes has no rows.
        return absl::IsInvalidArgument(shard.status());
      });
  return all_told ? InOrder(found) : All();
}

}  // namespace shard
