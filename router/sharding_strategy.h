// From the value of a shard key to a shard.
#ifndef SHARD_ROUTER_SHARDING_STRATEGY_H_
#define SHARD_ROUTER_SHARDING_STRATEGY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/router/key_domain.h"
#include "shard/router/shard_id.h"
#include "shard/router/shard_set.h"
#include "shard/sql/value.h"

namespace shard {

// Where a row with this key lives. Thread-safe. Write your own by overriding
// the two pure functions; an answer must never change while rows are stored by
// it.
class ShardingStrategy {
 public:
  virtual ~ShardingStrategy() = default;

  // The shard for a key of one or more columns, none of them NULL.
  // kInvalidArgument for a key that the strategy has no shard for.
  virtual absl::StatusOr<ShardId> ShardFor(
      absl::Span<const sql::ValueView> key) const = 0;

  // All shards that it may answer with, each once, in the user's order.
  virtual const std::vector<ShardId>& shards() const = 0;

  // The shards that can hold rows whose key is in these domains, one for each
  // column of the key: rather too many than too few; none, when no row can be.
  // Unless overridden: where every column has values, the shards of all that
  // they can be combined to, up to kMostKeys; else all. Override it where the
  // strategy can tell more: from a range, or from a part of the key.
  virtual ShardSet ShardsFor(absl::Span<const KeyDomain> key) const;

 protected:
  // More combinations than this are not worth counting out.
  static constexpr std::size_t kMostKeys = 1024;
};

// Spreads keys evenly: placement xxh3-v1 gives a slot, the slot map a shard. By
// default the i-th of n shards has the slots from i * 4096 / n on. At least one
// shard and at most 4096, in an order that must stay as it is.
class HashStrategy : public ShardingStrategy {
 public:
  // kInvalidArgument for no shards, too many, or one without a name or named
  // twice.
  static absl::StatusOr<std::shared_ptr<HashStrategy>> Create(
      const std::vector<std::string>& shard_names);

  absl::StatusOr<ShardId> ShardFor(
      absl::Span<const sql::ValueView> key) const override;
  const std::vector<ShardId>& shards() const override { return shards_; }

 private:
  explicit HashStrategy(std::vector<ShardId> shards);
  std::vector<ShardId> shards_;
  std::vector<ShardId> slots_;  // the slot map: 4096 shards
};

// Names the shard of each value: ListStrategy::Create({{"EU", "europe"}, ...}).
// Keys are compared by type and value, text by bytes.
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

 private:
  ListStrategy() = default;
  // Sorted by slot, so that a look-up compares few values.
  struct Place {
    std::uint32_t slot;
    sql::Value value;
    ShardId shard;
  };
  std::vector<Place> places_;
  ShardId otherwise_;
  std::vector<ShardId> shards_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_SHARDING_STRATEGY_H_
