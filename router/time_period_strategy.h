// Rows placed by the hour, day, week, month, quarter or year of their key.
#ifndef SHARD_ROUTER_TIME_PERIOD_STRATEGY_H_
#define SHARD_ROUTER_TIME_PERIOD_STRATEGY_H_

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
#include "shard/router/time_period.h"
#include "shard/sql/value.h"
#include "shard/sql/value_type.h"

namespace shard {

// Takes a key of one column, a date or a timestamp (by UTC); the same time has
// the same shard in both. A statement with a range of times visits the shards
// of the periods in it. Immutable and thread-safe.
class TimePeriodStrategy : public ShardingStrategy {
 public:
  // Period number p (time_period.h) is on shard p modulo n, in an order that
  // must stay as it is. Spreads load, and lets a range of n periods or more
  // visit all shards. kInvalidArgument: as HashStrategy::Create.
  static absl::StatusOr<std::shared_ptr<TimePeriodStrategy>> RoundRobin(
      TimePeriod period, const std::vector<std::string>& shard_names);

  // From each given period on, up to the next that is given, one shard:
  //
  //   TimePeriodStrategy::From(
  //       TimePeriod::kYear, {{Date of 2023-01-01, "archive"},
  //                           {Date of 2025-01-01, "current"}}, "archive")
  //
  // `before` is the shard of what is earlier; empty: it is refused.
  // kInvalidArgument for no periods, a time that is no date or timestamp or
  // does not begin a period, periods that do not rise, or one without a shard.
  static absl::StatusOr<std::shared_ptr<TimePeriodStrategy>> From(
      TimePeriod period,
      const std::vector<std::pair<sql::Value, std::string>>& firsts,
      const std::string& before = "");

  absl::StatusOr<ShardId> ShardFor(
      absl::Span<const sql::ValueView> key) const override;
  const std::vector<ShardId>& shards() const override { return shards_; }
  ShardSet ShardsFor(absl::Span<const KeyDomain> key) const override;
  // One column, a date or a timestamp; dates have no hours.
  absl::Status CheckKey(absl::Span<const sql::ValueType> types) const override;

 private:
  explicit TimePeriodStrategy(TimePeriod period) : period_(period) {}
  bool IsTime(sql::ValueType type) const;
  // None: there is no shard for what is so early.
  ShardId ShardOf(std::int64_t number) const;
  // The number of the given period that `number` belongs to, from 1; 0: before
  // all.
  std::size_t SpanOf(std::int64_t number) const;
  ShardSet ShardsBetween(const std::int64_t* low,
                         const std::int64_t* high) const;

  TimePeriod period_;
  std::vector<std::int64_t> firsts_;  // empty: round robin
  std::vector<ShardId> places_;       // before the first, then of each
  std::vector<ShardId> shards_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_TIME_PERIOD_STRATEGY_H_
