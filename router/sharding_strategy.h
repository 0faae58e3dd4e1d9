// From the value of a shard key to a shard.
#ifndef SHARD_ROUTER_SHARDING_STRATEGY_H_
#define SHARD_ROUTER_SHARDING_STRATEGY_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/router/key_domain.h"
#include "shard/router/shard_id.h"
#include "shard/router/shard_set.h"
#include "shard/sql/value.h"
#include "shard/sql/value_type.h"

namespace shard {

// Where a row with this key lives. Thread-safe. Ready-made, each in a file of
// its name: HashStrategy, ListStrategy, RangeStrategy, TimePeriodStrategy,
// DirectoryStrategy, CompositeStrategy, RegionStrategy and HintStrategy.
//
// Write your own by overriding the two pure functions; an answer must never
// change while rows are stored by it. strategy_registry.h gives it a name that
// files of configuration can use.
class ShardingStrategy {
 public:
  virtual ~ShardingStrategy() = default;

  // The shard for a key of one or more columns, none of them NULL.
  // kInvalidArgument for a key that the strategy has no shard for; any other
  // error: it cannot tell now.
  virtual absl::StatusOr<ShardId> ShardFor(
      absl::Span<const sql::ValueView> key) const = 0;

  // All shards that it may answer with, each once, in the user's order.
  virtual const std::vector<ShardId>& shards() const = 0;

  // The shard that a new row with this key is to be put on. Unless overridden:
  // ShardFor. Override it where that is decided when the first row comes, and
  // must be remembered then.
  virtual absl::StatusOr<ShardId> ShardForNew(
      absl::Span<const sql::ValueView> key) const {
    return ShardFor(key);
  }

  // The shards that can hold rows whose key is in these domains, one for each
  // column of the key: rather too many than too few; none, when no row can be.
  // Unless overridden: where every column has values, the shards of all that
  // they can be combined to, up to kMostKeys; else all. Override it where the
  // strategy can tell more: from a range, or from a part of the key.
  virtual ShardSet ShardsFor(absl::Span<const KeyDomain> key) const;

  // Asked when a router is made: kInvalidArgument when keys with columns of
  // these types cannot be placed. Unless overridden: OK.
  virtual absl::Status CheckKey(absl::Span<const sql::ValueType> types) const {
    (void)types;
    return absl::OkStatus();
  }

  // No row was found where ShardFor had said. Drops what is remembered of this
  // key; true if asking again may give another answer. Unless overridden:
  // nothing is remembered, false.
  virtual bool Forget(absl::Span<const sql::ValueView> key) const {
    (void)key;
    return false;
  }

 protected:
  // More combinations than this are not worth counting out.
  static constexpr std::size_t kMostKeys = 1024;

  // Those of `found` in the order of shards().
  ShardSet InOrder(const ShardSet& found) const;
  ShardSet All() const { return {shards().begin(), shards().end()}; }
};

}  // namespace shard

#endif  // SHARD_ROUTER_SHARDING_STRATEGY_H_
