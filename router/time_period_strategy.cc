#include "shard/router/time_period_strategy.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/router/shard_names.h"
#include "shard/sql/types.h"

namespace shard {
namespace {

// The first period that a time from `low` on can be in: above the last day of a
// month is the next month.
std::int64_t FirstPeriod(TimePeriod period, const KeyBound& low) {
  const std::int64_t number = PeriodNumber(period, low.value);
  const std::int64_t value = low.value.integer();
  if (low.inclusive || low.value.type() != sql::ValueType::kDate ||
      value == std::numeric_limits<std::int32_t>::max()) {
    return number;
  }
  const Date next{static_cast<std::int32_t>(value + 1)};
  return PeriodNumber(period, sql::ValueView::Of(next));
}

// The last period that a time up to `high` can be in.
std::int64_t LastPeriod(TimePeriod period, const KeyBound& high) {
  const std::int64_t number = PeriodNumber(period, high.value);
  return !high.inclusive && BeginsPeriod(period, high.value) ? number - 1
                                                             : number;
}

}  // namespace

absl::StatusOr<std::shared_ptr<TimePeriodStrategy>>
TimePeriodStrategy::RoundRobin(TimePeriod period,
                               const std::vector<std::string>& shard_names) {
  std::shared_ptr<TimePeriodStrategy> strategy(new TimePeriodStrategy(period));
  SHARD_ASSIGN_OR_RETURN(strategy->shards_,
                         ShardsNamed(shard_names, "a time period strategy"));
  return strategy;
}

absl::StatusOr<std::shared_ptr<TimePeriodStrategy>> TimePeriodStrategy::From(
    TimePeriod period,
    const std::vector<std::pair<sql::Value, std::string>>& firsts,
    const std::string& before) {
  const std::string name(TimePeriodName(period));
  if (firsts.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a time period strategy needs shards, or at least one first ", name,
        " with its shard"));
  }
  std::shared_ptr<TimePeriodStrategy> strategy(new TimePeriodStrategy(period));
  strategy->places_.push_back(ShardId::Of(before));
  for (const auto& [first, shard] : firsts) {
    const std::string which =
        absl::StrCat("a time period strategy has as first ", name, " number ",
                     strategy->firsts_.size() + 1, " ");
    if (!strategy->IsTime(first.type())) {
      return absl::InvalidArgumentError(absl::StrCat(
          which, "a value of type ", ToAbsl(sql::ValueTypeName(first.type())),
          "; give a ",
          period == TimePeriod::kHour ? "timestamp" : "date or timestamp"));
    }
    if (!BeginsPeriod(period, first.view())) {
      return absl::InvalidArgumentError(
          absl::StrCat(which, "a time in the middle of a ", name,
                       "; give its beginning, in UTC"));
    }
    const std::int64_t number = PeriodNumber(period, first.view());
    if (!strategy->firsts_.empty() && number <= strategy->firsts_.back()) {
      return absl::InvalidArgumentError(absl::StrCat(
          which, "one that is not after the one before; let them rise"));
    }
    if (shard.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(which, "one without a shard; name its shard"));
    }
    strategy->firsts_.push_back(number);
    strategy->places_.push_back(ShardId::Of(shard));
    AddOnce(strategy->shards_, strategy->places_.back());
  }
  if (!before.empty()) AddOnce(strategy->shards_, strategy->places_.front());
  return strategy;
}

bool TimePeriodStrategy::IsTime(sql::ValueType type) const {
  return type == sql::ValueType::kTimestamp ||
         (type == sql::ValueType::kDate && period_ != TimePeriod::kHour);
}

absl::Status TimePeriodStrategy::CheckKey(
    absl::Span<const sql::ValueType> types) const {
  if (types.size() == 1 && IsTime(types[0])) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "a time period strategy takes a shard key of one column, a ",
      period_ == TimePeriod::kHour ? "timestamp" : "date or timestamp",
      types.size() == 1
          ? absl::StrCat(", not of type ", ToAbsl(sql::ValueTypeName(types[0])))
          : ""));
}

std::size_t TimePeriodStrategy::SpanOf(std::int64_t number) const {
  return static_cast<std::size_t>(
      std::upper_bound(firsts_.begin(), firsts_.end(), number) -
      firsts_.begin());
}

ShardId TimePeriodStrategy::ShardOf(std::int64_t number) const {
  if (!firsts_.empty()) return places_[SpanOf(number)];
  const auto count = static_cast<std::int64_t>(shards_.size());
  const std::int64_t rest = number % count;
  return shards_[static_cast<std::size_t>(rest < 0 ? rest + count : rest)];
}

absl::StatusOr<ShardId> TimePeriodStrategy::ShardFor(
    absl::Span<const sql::ValueView> key) const {
  if (key.size() != 1) return CheckKey({});
  if (!IsTime(key[0].type())) return CheckKey({key[0].type()});
  const ShardId shard = ShardOf(PeriodNumber(period_, key[0]));
  if (shard.is_none()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the shard key is before the first ", ToAbsl(TimePeriodName(period_)),
        " of the time period strategy; add an earlier one or name a shard for "
        "what is before"));
  }
  return shard;
}

ShardSet TimePeriodStrategy::ShardsBetween(const std::int64_t* low,
                                           const std::int64_t* high) const {
  if (low != nullptr && high != nullptr && *low > *high) return {};
  ShardSet found;
  if (!firsts_.empty()) {
    const std::size_t first = low == nullptr ? 0 : SpanOf(*low);
    const std::size_t last = high == nullptr ? firsts_.size() : SpanOf(*high);
    for (std::size_t i = first; i <= last; ++i) {
      if (!places_[i].is_none()) shard::AddOnce(found, places_[i]);
    }
    return InOrder(found);
  }
  if (low == nullptr || high == nullptr ||
      *high - *low >= static_cast<std::int64_t>(shards_.size()) - 1) {
    return All();
  }
  for (std::int64_t i = *low; i <= *high; ++i) {
    shard::AddOnce(found, ShardOf(i));
  }
  return InOrder(found);
}

ShardSet TimePeriodStrategy::ShardsFor(absl::Span<const KeyDomain> key) const {
  if (key.size() != 1 || key[0].is_any()) return All();
  const KeyDomain& domain = key[0];
  if (domain.values.has_value()) return ShardingStrategy::ShardsFor(key);
  std::optional<std::int64_t> low, high;
  if (domain.low.has_value()) {
    if (!IsTime(domain.low->value.type())) return All();
    low = FirstPeriod(period_, *domain.low);
  }
  if (domain.high.has_value()) {
    if (!IsTime(domain.high->value.type())) return All();
    high = LastPeriod(period_, *domain.high);
  }
  return ShardsBetween(low.has_value() ? &*low : nullptr,
                       high.has_value() ? &*high : nullptr);
}

}  // namespace shard
