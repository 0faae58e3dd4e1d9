#include "shard/router/list_strategy.h"

#include <algorithm>
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

namespace shard {
namespace {

bool IsInteger(const sql::ValueView& value) {
  return SameKeyType(value.type(), sql::ValueType::kInt64);
}

absl::Status OneColumn() {
  return absl::InvalidArgumentError(
      "a list strategy takes a shard key of one column");
}

}  // namespace

absl::StatusOr<std::shared_ptr<ListStrategy>> ListStrategy::Create(
    const std::vector<std::pair<sql::Value, std::string>>& places,
    const std::string& otherwise) {
  if (places.empty()) {
    return absl::InvalidArgumentError(
        "a list strategy needs at least one value with its shard");
  }
  std::shared_ptr<ListStrategy> list(new ListStrategy);
  for (const auto& [value, name] : places) {
    const sql::ValueView view = value.view();
    SHARD_ASSIGN_OR_RETURN(const std::uint32_t slot,
                           SlotOf(absl::MakeConstSpan(&view, 1)));
    if (name.empty()) {
      return absl::InvalidArgumentError(
          "a list strategy has a value without a shard; name its shard");
    }
    for (const Place& other : list->places_) {
      if (other.slot == slot && other.value == value) {
        return absl::InvalidArgumentError(absl::StrCat(
            "a list strategy places its value number ",
            list->places_.size() + 1, " a second time; place each value once"));
      }
    }
    list->places_.push_back({slot, value, ShardId::Of(name)});
    const ShardId shard = list->places_.back().shard;
    AddOnce(list->shards_, shard);
    if (IsInteger(view)) list->of_integer_[view.integer()] = shard;
    if (view.type() == sql::ValueType::kText) {
      list->of_text_.emplace(view.bytes(), shard);
    }
  }
  list->otherwise_ = ShardId::Of(otherwise);
  if (!list->otherwise_.is_none()) AddOnce(list->shards_, list->otherwise_);
  std::sort(list->places_.begin(), list->places_.end(),
            [](const Place& a, const Place& b) { return a.slot < b.slot; });
  return list;
}

absl::StatusOr<ShardId> ListStrategy::Find(const sql::ValueView& value) const {
  if (IsInteger(value)) {
    const auto found = of_integer_.find(value.integer());
    return found == of_integer_.end() ? ShardId() : found->second;
  }
  if (value.type() == sql::ValueType::kText) {
    const auto found = of_text_.find(ToAbsl(value.bytes()));
    return found == of_text_.end() ? ShardId() : found->second;
  }
  SHARD_ASSIGN_OR_RETURN(const std::uint32_t slot,
                         SlotOf(absl::MakeConstSpan(&value, 1)));
  auto place = std::lower_bound(
      places_.begin(), places_.end(), slot,
      [](const Place& p, std::uint32_t s) { return p.slot < s; });
  for (; place != places_.end() && place->slot == slot; ++place) {
    if (place->value.view() == value) return place->shard;
  }
  return ShardId();
}

absl::StatusOr<ShardId> ListStrategy::ShardFor(
    absl::Span<const sql::ValueView> key) const {
  if (key.size() != 1) return OneColumn();
  absl::StatusOr<ShardId> listed = Find(key[0]);
  if (!listed.ok() || !listed->is_none()) return listed;
  if (otherwise_.is_none()) {
    return absl::InvalidArgumentError(
        "the value of the shard key is not in the list strategy; list it or "
        "name a shard for all others");
  }
  return otherwise_;
}

ShardSet ListStrategy::ShardsFor(absl::Span<const KeyDomain> key) const {
  if (key.size() != 1 || key[0].is_any()) return All();
  if (key[0].values.has_value()) return ShardingStrategy::ShardsFor(key);
  ShardSet found;
  for (const Place& place : places_) {
    if (MayBe(key[0], place.value.view())) shard::AddOnce(found, place.shard);
  }
  if (!otherwise_.is_none()) shard::AddOnce(found, otherwise_);
  return InOrder(found);
}

absl::Status ListStrategy::CheckKey(
    absl::Span<const sql::ValueType> types) const {
  if (types.size() != 1) return OneColumn();
  for (const Place& place : places_) {
    if (SameKeyType(place.value.type(), types[0])) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "a list strategy lists no value of type ",
      ToAbsl(sql::ValueTypeName(types[0])), ", which its key has"));
}

}  // namespace shard
