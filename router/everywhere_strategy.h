// For rows that stand on all shards.
#ifndef SHARD_ROUTER_EVERYWHERE_STRATEGY_H_
#define SHARD_ROUTER_EVERYWHERE_STRATEGY_H_

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/router/shard_id.h"
#include "shard/router/sharding_strategy.h"

namespace shard {

// What a router gives a ReferenceTable, whose rows no column places. Immutable,
// thread-safe.
class EverywhereStrategy : public ShardingStrategy {
 public:
  // At least one shard, each once. The first is where rows are written first.
  explicit EverywhereStrategy(std::vector<ShardId> shards)
      : shards_(std::move(shards)) {}
  absl::StatusOr<ShardId> ShardFor(
      absl::Span<const sql::ValueView>) const override {
    return absl::InvalidArgumentError("the rows stand on all shards");
  }
  const std::vector<ShardId>& shards() const override { return shards_; }

 private:
  const std::vector<ShardId> shards_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_EVERYWHERE_STRATEGY_H_
