#include "shard/router/composite_strategy.h"

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
#include "shard/router/list_strategy.h"
#include "shard/router/placement.h"
#include "shard/router/shard_names.h"

namespace shard {
namespace {

constexpr char kOthers[] = "others";

// Chooses the one group for everybody.
class OneGroup : public ShardingStrategy {
 public:
  absl::StatusOr<ShardId> ShardFor(
      absl::Span<const sql::ValueView>) const override {
    return shards_[0];
  }
  const std::vector<ShardId>& shards() const override { return shards_; }
  ShardSet ShardsFor(absl::Span<const KeyDomain>) const override {
    return All();
  }

 private:
  const std::vector<ShardId> shards_{ShardId::Of(kOthers)};
};

absl::StatusOr<std::shared_ptr<const ShardingStrategy>> ByTenant(
    const std::vector<TenantGroup>& groups, bool has_others,
    std::vector<ShardGroup>* named) {
  if (groups.empty()) return std::make_shared<OneGroup>();
  std::vector<std::pair<sql::Value, std::string>> places;
  for (const TenantGroup& group : groups) {
    const std::string name = absl::StrCat("group ", named->size() + 1);
    if (group.tenants.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " of a composite strategy has no tenants"));
    }
    for (const sql::Value& tenant : group.tenants) {
      places.emplace_back(tenant, name);
    }
    named->push_back({name, group.shards});
  }
  auto list = ListStrategy::Create(places, has_others ? kOthers : "");
  if (list.ok()) return *std::move(list);
  return absl::InvalidArgumentError(absl::StrCat(
      "the tenants of a composite strategy: ", list.status().message()));
}

}  // namespace

absl::StatusOr<std::shared_ptr<CompositeStrategy>> CompositeStrategy::Create(
    const std::vector<TenantGroup>& groups,
    const std::vector<std::string>& others) {
  if (groups.empty() && others.empty()) {
    return absl::InvalidArgumentError(
        "a composite strategy needs groups of shards, or shards for all");
  }
  std::vector<ShardGroup> named;
  SHARD_ASSIGN_OR_RETURN(auto chooser,
                         ByTenant(groups, !others.empty(), &named));
  if (!others.empty()) named.push_back({kOthers, others});
  return Over(std::move(chooser), 1, named);
}

absl::StatusOr<std::shared_ptr<CompositeStrategy>> CompositeStrategy::Over(
    std::shared_ptr<const ShardingStrategy> chooser, std::size_t columns,
    const std::vector<ShardGroup>& groups) {
  if (chooser == nullptr || columns == 0) {
    return absl::InvalidArgumentError(
        "a composite strategy needs a strategy that chooses the group, and at "
        "least one column for it");
  }
  std::shared_ptr<CompositeStrategy> strategy(
      new CompositeStrategy(std::move(chooser), columns));
  for (const ShardGroup& group : groups) {
    SHARD_RETURN_IF_ERROR(strategy->AddGroup(group));
  }
  for (const ShardId name : strategy->chooser_->shards()) {
    if (strategy->FindGroup(name) != nullptr) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("a composite strategy may choose the group '", name.name(),
                     "', which there is not; give its shards"));
  }
  return strategy;
}

CompositeStrategy::CompositeStrategy(
    std::shared_ptr<const ShardingStrategy> chooser, std::size_t columns)
    : chooser_(std::move(chooser)), columns_(columns) {}

absl::Status CompositeStrategy::AddGroup(const ShardGroup& group) {
  if (group.name.empty()) {
    return absl::InvalidArgumentError(
        "a composite strategy has a group without a name; name it");
  }
  const ShardId name = ShardId::Of(group.name);
  if (FindGroup(name) != nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("a composite strategy has two groups '", group.name, "'"));
  }
  SHARD_ASSIGN_OR_RETURN(
      std::vector<ShardId> shards,
      ShardsNamed(group.shards,
                  absl::StrCat("'", group.name, "' of a composite strategy")));
  for (const ShardId shard : shards) AddOnce(shards_, shard);
  if (groups_.size() <= name.number()) groups_.resize(name.number() + 1);
  groups_[name.number()] = {name, std::move(shards)};
  return absl::OkStatus();
}

const CompositeStrategy::Group* CompositeStrategy::FindGroup(
    ShardId name) const {
  return name.number() < groups_.size() &&
                 !groups_[name.number()].name.is_none()
             ? &groups_[name.number()]
             : nullptr;
}

absl::Status CompositeStrategy::CheckColumns(std::size_t columns) const {
  if (columns >= columns_) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a composite strategy takes a shard key of ", columns_,
                   " columns or more, not ", columns));
}

absl::Status CompositeStrategy::CheckKey(
    absl::Span<const sql::ValueType> types) const {
  SHARD_RETURN_IF_ERROR(CheckColumns(types.size()));
  return chooser_->CheckKey(types.first(columns_));
}

absl::StatusOr<ShardId> CompositeStrategy::ShardIn(
    absl::StatusOr<ShardId> group, absl::Span<const sql::ValueView> key) const {
  if (!group.ok()) return group;
  const Group* found = FindGroup(*group);
  if (found == nullptr) {
    return absl::InternalError(absl::StrCat("a strategy chose the group '",
                                            group->name(),
                                            "', which is none of "
                                            "its shards()"));
  }
  SHARD_ASSIGN_OR_RETURN(
      const std::uint32_t slot,
      SlotOf(key.size() == columns_ ? key : key.subspan(columns_)));
  return found->shards[slot * found->shards.size() / kSlotCount];
}

absl::StatusOr<ShardId> CompositeStrategy::ShardFor(
    absl::Span<const sql::ValueView> key) const {
  SHARD_RETURN_IF_ERROR(CheckColumns(key.size()));
  return ShardIn(chooser_->ShardFor(key.first(columns_)), key);
}

absl::StatusOr<ShardId> CompositeStrategy::ShardForNew(
    absl::Span<const sql::ValueView> key) const {
  SHARD_RETURN_IF_ERROR(CheckColumns(key.size()));
  return ShardIn(chooser_->ShardForNew(key.first(columns_)), key);
}

ShardSet CompositeStrategy::ShardsFor(absl::Span<const KeyDomain> key) const {
  if (key.size() < columns_) return All();
  ShardSet found;
  const absl::Span<const KeyDomain> rest = key.subspan(columns_);
  for (const ShardId name : chooser_->ShardsFor(key.first(columns_))) {
    const Group* group = FindGroup(name);
    if (group == nullptr) return All();
    const auto add_slot = [&](absl::Span<const sql::ValueView> one) {
      const auto slot = SlotOf(one);
      if (!slot.ok()) return absl::IsInvalidArgument(slot.status());
      shard::AddOnce(found,
                     group->shards[*slot * group->shards.size() / kSlotCount]);
      return true;
    };
    if (!rest.empty() && ForEachKey(rest, kMostKeys, add_slot)) continue;
    for (const ShardId shard : group->shards) shard::AddOnce(found, shard);
  }
  if (!rest.empty()) return InOrder(found);
  // The hash of a whole key tells which of its group, too.
  return Intersection(InOrder(found), ShardingStrategy::ShardsFor(key));
}

bool CompositeStrategy::Forget(absl::Span<const sql::ValueView> key) const {
  return key.size() >= columns_ && chooser_->Forget(key.first(columns_));
}

}  // namespace shard
