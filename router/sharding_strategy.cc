#include "shard/router/sharding_strategy.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/router/placement.h"

namespace shard {
namespace {

void AddOnce(std::vector<ShardId>& shards, ShardId shard) {
  if (!Contains(shards, shard)) shards.push_back(shard);
}

ShardSet All(const ShardingStrategy& strategy) {
  return {strategy.shards().begin(), strategy.shards().end()};
}

}  // namespace

ShardSet ShardingStrategy::ShardsFor(absl::Span<const KeyDomain> key) const {
  std::size_t combinations = 1;
  for (const KeyDomain& domain : key) {
    if (!domain.values.has_value()) return All(*this);
    combinations *= domain.values->size();
    if (combinations > kMostKeys) return All(*this);
  }
  ShardSet found;
  absl::InlinedVector<sql::ValueView, 4> one(key.size());
  for (std::size_t n = 0; n < combinations; ++n) {
    std::size_t rest = n;
    for (std::size_t i = 0; i < key.size(); ++i) {
      one[i] = (*key[i].values)[rest % key[i].values->size()];
      rest /= key[i].values->size();
    }
    const absl::StatusOr<ShardId> shard = ShardFor(one);
    if (shard.ok()) {
      shard::AddOnce(found, *shard);
    } else if (!absl::IsInvalidArgument(shard.status())) {
      return All(*this);  // it could not tell
    }
    // A key that no shard takes has no rows.
  }
  return found.size() < 2 ? found : Intersection(shards(), found);
}

absl::StatusOr<std::shared_ptr<HashStrategy>> HashStrategy::Create(
    const std::vector<std::string>& shard_names) {
  if (shard_names.empty() || shard_names.size() > kSlotCount) {
    return absl::InvalidArgumentError(
        absl::StrCat("a hash strategy needs 1 to ", kSlotCount, " shards, not ",
                     shard_names.size()));
  }
  std::vector<ShardId> shards;
  for (const std::string& name : shard_names) {
    if (name.empty()) {
      return absl::InvalidArgumentError(
          "a hash strategy has a shard with an empty name; name it");
    }
    AddOnce(shards, ShardId::Of(name));
  }
  if (shards.size() != shard_names.size()) {
    return absl::InvalidArgumentError(
        "a hash strategy names a shard twice; name each once");
  }
  return std::shared_ptr<HashStrategy>(new HashStrategy(std::move(shards)));
}

HashStrategy::HashStrategy(std::vector<ShardId> shards)
    : shards_(std::move(shards)) {
  slots_.reserve(kSlotCount);
  for (std::size_t slot = 0; slot < kSlotCount; ++slot) {
    slots_.push_back(shards_[slot * shards_.size() / kSlotCount]);
  }
}

absl::StatusOr<ShardId> HashStrategy::ShardFor(
    absl::Span<const sql::ValueView> key) const {
  SHARD_ASSIGN_OR_RETURN(const std::uint32_t slot, SlotOf(key));
  return slots_[slot];
}

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
    AddOnce(list->shards_, list->places_.back().shard);
  }
  list->otherwise_ = ShardId::Of(otherwise);
  if (!list->otherwise_.is_none()) AddOnce(list->shards_, list->otherwise_);
  std::sort(list->places_.begin(), list->places_.end(),
            [](const Place& a, const Place& b) { return a.slot < b.slot; });
  return list;
}

absl::StatusOr<ShardId> ListStrategy::ShardFor(
    absl::Span<const sql::ValueView> key) const {
  if (key.size() != 1) {
    return absl::InvalidArgumentError(
        "a list strategy takes a shard key of one column");
  }
  SHARD_ASSIGN_OR_RETURN(const std::uint32_t slot, SlotOf(key));
  auto place = std::lower_bound(
      places_.begin(), places_.end(), slot,
      [](const Place& p, std::uint32_t s) { return p.slot < s; });
  for (; place != places_.end() && place->slot == slot; ++place) {
    if (place->value.view() == key[0]) return place->shard;
  }
  if (otherwise_.is_none()) {
    return absl::InvalidArgumentError(
        "the value of the shard key is not in the list strategy; list it or "
        "name a shard for all others");
  }
  return otherwise_;
}

}  // namespace shard
