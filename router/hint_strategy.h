// Rows placed by whoever writes them.
#ifndef SHARD_ROUTER_HINT_STRATEGY_H_
#define SHARD_ROUTER_HINT_STRATEGY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/router/key_domain.h"
#include "shard/router/shard_id.h"
#include "shard/router/shard_set.h"
#include "shard/router/sharding_strategy.h"
#include "shard/sql/value.h"

namespace shard {

// No column decides: a write must name its shard, with OnShard("a")
// (BindRequest::shard). A read that names none visits all. Declared by
// ShardByHint(table, strategy). Immutable and thread-safe.
class HintStrategy : public ShardingStrategy {
 public:
  // kInvalidArgument: as HashStrategy::Create.
  static absl::StatusOr<std::shared_ptr<HintStrategy>> Create(
      const std::vector<std::string>& shard_names);

  // kInvalidArgument, whatever the key: the shard must be named.
  absl::StatusOr<ShardId> ShardFor(
      absl::Span<const sql::ValueView> key) const override;
  const std::vector<ShardId>& shards() const override { return shards_; }
  // All: a row may be on any.
  ShardSet ShardsFor(absl::Span<const KeyDomain> key) const override;

 private:
  explicit HintStrategy(std::vector<ShardId> shards);
  std::vector<ShardId> shards_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_HINT_STRATEGY_H_
