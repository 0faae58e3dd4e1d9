#include "shard/router/range_strategy.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/router/key_order.h"
#include "shard/router/placement.h"
#include "shard/router/shard_names.h"
#include "shard/sql/types.h"

namespace shard {
namespace {

absl::Status CheckBound(const sql::Value& end, const sql::Value* before,
                        const std::string& shard, std::size_t number) {
  const std::string which =
      absl::StrCat("a range strategy has for range ", number, " ");
  const sql::ValueView view = end.view();
  const auto slot = SlotOf(absl::MakeConstSpan(&view, 1));
  if (!slot.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        which, "a bound that cannot be a key: ", slot.status().message()));
  }
  if (shard.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(which, "no shard; name its shard"));
  }
  if (before == nullptr) return absl::OkStatus();
  if (!SameKeyType(before->type(), end.type())) {
    return absl::InvalidArgumentError(absl::StrCat(
        which,
        "a bound of another type than the one before; give all the "
        "same"));
  }
  if (CompareKeys(before->view(), view) >= 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(which,
                     "a bound that is not above the one before; let the bounds "
                     "rise"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<RangeStrategy>> RangeStrategy::Create(
    const std::vector<std::pair<sql::Value, std::string>>& ends,
    const std::string& last) {
  if (ends.empty()) {
    return absl::InvalidArgumentError(
        "a range strategy needs at least one bound with its shard");
  }
  std::shared_ptr<RangeStrategy> ranges(new RangeStrategy);
  for (const auto& [end, name] : ends) {
    SHARD_RETURN_IF_ERROR(
        CheckBound(end, ranges->ends_.empty() ? nullptr : &ranges->ends_.back(),
                   name, ranges->ends_.size() + 1));
    ranges->ends_.push_back(end);
    if (!end.view().holds_bytes()) {
      ranges->numbers_.push_back(end.view().integer());
    }
    ranges->places_.push_back(ShardId::Of(name));
    AddOnce(ranges->shards_, ranges->places_.back());
  }
  ranges->type_ = ends.front().first.type();
  ranges->places_.push_back(ShardId::Of(last));
  if (!last.empty()) AddOnce(ranges->shards_, ranges->places_.back());
  return ranges;
}

std::size_t RangeStrategy::RangeOf(const sql::ValueView& value) const {
  if (!numbers_.empty()) {
    const auto end =
        std::upper_bound(numbers_.begin(), numbers_.end(), value.integer());
    return static_cast<std::size_t>(end - numbers_.begin());
  }
  const auto end =
      std::upper_bound(ends_.begin(), ends_.end(), value,
                       [](const sql::ValueView& v, const sql::Value& end) {
                         return CompareKeys(v, end.view()) < 0;
                       });
  return static_cast<std::size_t>(end - ends_.begin());
}

absl::Status RangeStrategy::CheckKey(
    absl::Span<const sql::ValueType> types) const {
  if (types.size() != 1) {
    return absl::InvalidArgumentError(
        "a range strategy takes a shard key of one column");
  }
  if (SameKeyType(types[0], type_)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "a range strategy has bounds of type ", ToAbsl(sql::ValueTypeName(type_)),
      ", and a shard key of type ", ToAbsl(sql::ValueTypeName(types[0]))));
}

absl::StatusOr<ShardId> RangeStrategy::ShardFor(
    absl::Span<const sql::ValueView> key) const {
  if (key.size() != 1 || !SameKeyType(key[0].type(), type_)) {
    if (key.size() != 1) return CheckKey({});
    return CheckKey({key[0].type()});
  }
  if (type_ == sql::ValueType::kDecimal) {
    // NaN and infinity have a place in the order, but are no keys.
    SHARD_RETURN_IF_ERROR(Decimal::Parse(key[0].bytes()).status());
  }
  const ShardId shard = places_[RangeOf(key[0])];
  if (shard.is_none()) {
    return absl::InvalidArgumentError(
        "the shard key is above all ranges of the range strategy; add a range "
        "or name a shard for the rest");
  }
  return shard;
}

ShardSet RangeStrategy::ShardsFor(absl::Span<const KeyDomain> key) const {
  if (key.size() != 1 || key[0].is_any()) return All();
  const KeyDomain& domain = key[0];
  if (domain.values.has_value()) return ShardingStrategy::ShardsFor(key);
  std::size_t first = 0, last = places_.size() - 1;
  if (domain.low.has_value()) {
    if (!SameKeyType(domain.low->value.type(), type_)) return All();
    first = RangeOf(domain.low->value);
    // Nothing is between an integer and the next.
    if (!domain.low->inclusive && first < numbers_.size() &&
        domain.low->value.integer() == numbers_[first] - 1) {
      ++first;
    }
  }
  if (domain.high.has_value()) {
    if (!SameKeyType(domain.high->value.type(), type_)) return All();
    last = RangeOf(domain.high->value);
    // Below the very bound where that range begins.
    if (last > 0 && !domain.high->inclusive &&
        CompareKeys(domain.high->value, ends_[last - 1].view()) == 0) {
      --last;
    }
  }
  ShardSet found;
  for (std::size_t i = first; i <= last; ++i) {
    if (!places_[i].is_none()) shard::AddOnce(found, places_[i]);
  }
  return InOrder(found);
}

}  // namespace shard
