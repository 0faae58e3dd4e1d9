// Some of a strategy's shards.
#ifndef SHARD_ROUTER_SHARD_SET_H_
#define SHARD_ROUTER_SHARD_SET_H_

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "shard/router/shard_id.h"

namespace shard {

// Each once, in the strategy's order.
using ShardSet = absl::InlinedVector<ShardId, 8>;

bool Contains(absl::Span<const ShardId> shards, ShardId shard);
// Appends it unless it is there.
void AddOnce(ShardSet& shards, ShardId shard);
// Those that are in both, in the order of `a`.
ShardSet Intersection(absl::Span<const ShardId> a, absl::Span<const ShardId> b);

}  // namespace shard

#endif  // SHARD_ROUTER_SHARD_SET_H_
