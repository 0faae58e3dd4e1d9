// Rows placed by a list of values.
#ifndef SHARD_ROUTER_LIST_STRATEGY_H_
#define SHARD_ROUTER_LIST_STRATEGY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/router/key_domain.h"
#include "shard/router/shard_id.h"
#include "shard/router/shard_set.h"
#include "shard/router/sharding_strategy.h"
#include "shard/sql/value.h"
#include "shard/sql/value_type.h"

namespace shard {

// Names the shard of each value: ListStrategy::Create({{"EU", "europe"}, ...}).
// Keys are compared by type and value, text by bytes. Immutable and
// thread-safe.
//
// A statement visits the shards of the listed values that its conditions leave
// in (a shard all of whose values are excluded is left out), and the shard of
// the others.
class ListStrategy : public ShardingStrategy {
 public:
  // `otherwise` is the shard of values not listed; empty: they are refused.
  // kInvalidArgument for an empty list, a value listed twice or a type that
  // cannot be a key.
  static absl::StatusOr<std::shared_ptr<ListStrategy>> Create(
      const std::vector<std::pair<sql::Value, std::string>>& places,
      const std::string& otherwise = "");

  absl::StatusOr<ShardId> ShardFor(
      absl::Span<const sql::ValueView> key) const override;
  const std::vector<ShardId>& shards() const override { return shards_; }
  ShardSet ShardsFor(absl::Span<const KeyDomain> key) const override;
  // One column, of the type of a listed value.
  absl::Status CheckKey(absl::Span<const sql::ValueType> types) const override;

 private:
  ListStrategy() = default;
  // None: it is not listed.
  absl::StatusOr<ShardId> Find(const sql::ValueView& value) const;
  // Sorted by slot, so that a look-up compares few values.
  struct Place {
    std::uint32_t slot;
    sql::Value value;
    ShardId shard;
  };
  std::vector<Place> places_;
  // The same for the commonest types. (What absl::Hash says matters to nobody
  // outside of the map.)
  absl::flat_hash_map<std::int64_t, ShardId> of_integer_;
  absl::flat_hash_map<std::string, ShardId> of_text_;
  ShardId otherwise_;
  std::vector<ShardId> shards_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_LIST_STRATEGY_H_
