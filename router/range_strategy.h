// Rows placed by the range that their key is in.
#ifndef SHARD_ROUTER_RANGE_STRATEGY_H_
#define SHARD_ROUTER_RANGE_STRATEGY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

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

// Each range ends below a bound, and the next begins there:
//
//   RangeStrategy::Create({{1000, "low"}, {2000, "middle"}}, "high")
//
// has keys below 1000 on "low", 1000 to 1999 on "middle", the rest on "high".
// A shard may have several ranges. Keys of one column of any type that can be
// one, in the order of CompareKeys: text by bytes. A statement with a range of
// keys visits the shards of the ranges that it meets. Immutable and
// thread-safe.
class RangeStrategy : public ShardingStrategy {
 public:
  // `last` is the shard of keys from the last bound on; empty: they are
  // refused. kInvalidArgument for no bounds, bounds of different types or of
  // one that cannot be a key, bounds that do not rise, or a range without a
  // shard.
  static absl::StatusOr<std::shared_ptr<RangeStrategy>> Create(
      const std::vector<std::pair<sql::Value, std::string>>& ends,
      const std::string& last);

  absl::StatusOr<ShardId> ShardFor(
      absl::Span<const sql::ValueView> key) const override;
  const std::vector<ShardId>& shards() const override { return shards_; }
  ShardSet ShardsFor(absl::Span<const KeyDomain> key) const override;
  // One column, of the bounds' type.
  absl::Status CheckKey(absl::Span<const sql::ValueType> types) const override;

 private:
  RangeStrategy() = default;
  // The number of the range that holds `value`.
  std::size_t RangeOf(const sql::ValueView& value) const;

  sql::ValueType type_ = sql::ValueType::kNull;
  std::vector<sql::Value> ends_;
  // The same, where the type is kept as an integer: for look-ups.
  std::vector<std::int64_t> numbers_;
  std::vector<ShardId> places_;  // of the ranges, the last included
  std::vector<ShardId> shards_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_RANGE_STRATEGY_H_
