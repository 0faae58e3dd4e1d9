#include "shard/router/shard_set.h"

#include <algorithm>

namespace shard {

bool Contains(absl::Span<const ShardId> shards, ShardId shard) {
  return std::find(shards.begin(), shards.end(), shard) != shards.end();
}

void AddOnce(ShardSet& shards, ShardId shard) {
  if (!Contains(shards, shard)) shards.push_back(shard);
}

ShardSet Intersection(absl::Span<const ShardId> a,
                      absl::Span<const ShardId> b) {
  ShardSet both;
  for (const ShardId shard : a) {
    if (Contains(b, shard)) both.push_back(shard);
  }
  return both;
}

}  // namespace shard
