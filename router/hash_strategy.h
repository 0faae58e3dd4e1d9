// Rows spread evenly, by a hash of their key.
#ifndef SHARD_ROUTER_HASH_STRATEGY_H_
#define SHARD_ROUTER_HASH_STRATEGY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/router/shard_id.h"
#include "shard/router/sharding_strategy.h"
#include "shard/sql/value.h"

namespace shard {

// Placement xxh3-v1 (placement.h) gives a slot, the slot map a shard. Takes
// keys of any columns that can be one. Immutable and thread-safe.
class HashStrategy : public ShardingStrategy {
 public:
  // The i-th of n shards has the slots from i * 4096 / n on. At least one shard
  // and at most 4096, in an order that must stay as it is. kInvalidArgument for
  // no shards, too many, or one without a name or named twice.
  static absl::StatusOr<std::shared_ptr<HashStrategy>> Create(
      const std::vector<std::string>& shard_names);

  // By a slot map of your own: each entry is the first slot of a range and the
  // shard that has the slots from there up to the next entry. A shard may have
  // several ranges, which is how one is split without moving the others:
  //
  //   HashStrategy::FromSlots({{0, "a"}, {1024, "c"}, {2048, "b"}})
  //
  // kInvalidArgument unless the first slots rise from 0 and stay below 4096,
  // and every range names a shard.
  static absl::StatusOr<std::shared_ptr<HashStrategy>> FromSlots(
      const std::vector<std::pair<std::uint32_t, std::string>>& ranges);

  absl::StatusOr<ShardId> ShardFor(
      absl::Span<const sql::ValueView> key) const override;
  const std::vector<ShardId>& shards() const override { return shards_; }
  // Of a slot below 4096.
  ShardId ShardOfSlot(std::uint32_t slot) const { return slots_[slot]; }

 private:
  HashStrategy(std::vector<ShardId> shards, std::vector<ShardId> slots);
  std::vector<ShardId> shards_;
  std::vector<ShardId> slots_;  // the slot map: 4096 shards
};

}  // namespace shard

#endif  // SHARD_ROUTER_HASH_STRATEGY_H_
