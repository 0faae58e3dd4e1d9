#include "shard/session/flush_step.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/session/attribute.h"
#include "shard/session/flush_fields.h"
#include "shard/session/stale_version.h"

namespace shard {
namespace {

// What was sent is loaded now; what the database computed is to be loaded.
void SettleFields(AttributeBase* const* attributes, std::uint64_t fields) {
  for (; fields != 0; fields &= fields - 1) {
    const int i = std::countr_zero(fields);
    switch (attributes[i]->state()) {
      case AttributeState::kModified:
        AttributeAccess::SetState(*attributes[i], AttributeState::kLoaded);
        break;
      case AttributeState::kExpression:
      case AttributeState::kUnset:
        AttributeAccess::SetState(*attributes[i], AttributeState::kExpired);
        AttributeAccess::SetMadeByDatabase(*attributes[i]);
        break;
      default:
        break;
    }
  }
}

}  // namespace

void FlushStep::AppendFields(AttributeBase* const* attributes,
                             std::uint64_t fields) {
  for (; fields != 0; fields &= fields - 1) {
    const int i = std::countr_zero(fields);
    values_.push_back(mapping_->field(i).ops->view(*attributes[i], arena_));
  }
}

void FlushStep::AppendCondition(const EntityBase& object,
                                AttributeBase* const* attributes) {
  InstanceAccess::State(object).key.AppendTo(values_);
  if (mapping_->version() == VersionKind::kNone) return;
  const std::size_t field = mapping_->version_field();
  values_.push_back(
      mapping_->field(field).ops->view(*attributes[field], arena_));
}

sql::ValueView FlushStep::NextVersion(AttributeBase* const* attributes) {
  const std::size_t field = mapping_->version_field();
  const sql::Value next = mapping_->NextVersion(
      mapping_->field(field).ops->view(*attributes[field], arena_));
  const sql::ValueView view = next.view();
  return view.holds_bytes()
             ? sql::ValueView::Bytes(view.type(), arena_.Copy(view.bytes()))
             : view;
}

// A view's triggers may have done what the database does not count.
bool FlushStep::MayBeUncounted(Share& share) const {
  if (mapping_->options().returning) return false;
  const absl::StatusOr<bool> counts = share.CountsRowsOf(mapping_->table());
  return counts.ok() && !*counts;
}

absl::Status FlushStep::CheckOneRowEach(const Outcome& outcome,
                                        const char* verb, Share& share) {
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    if (outcome.affected[i] == 1) continue;
    if (outcome.affected[i] == 0 && MayBeUncounted(share)) {
      if (mapping_->version() == VersionKind::kNone) return absl::OkStatus();
      return share.Failed(absl::FailedPreconditionError(absl::StrCat(
          verb, " of ", mapping_->class_info().name,
          " goes to a view whose rows the database does not count, so that "
          "nobody can tell whether the version was the right one; map the "
          "table instead, or a class without a version")));
    }
    if (outcome.affected[i] == 0) missed_ = objects_[i];
    const std::string what =
        absl::StrCat(verb, " of ", mapping_->class_info().name, " ",
                     InstanceAccess::State(*objects_[i]).key.DebugString());
    if (mapping_->version() != VersionKind::kNone) {
      return share.Failed(StaleVersion(*objects_[i], what, share));
    }
    return share.Failed(absl::AbortedError(absl::StrCat(
        what, " met ", outcome.affected[i],
        " rows instead of 1; another transaction deleted or changed it: roll "
        "back, load it again and retry")));
  }
  return absl::OkStatus();
}

void FlushStep::BecomeClean(InstanceState& state) {
  state.dirty = false;
  state.has_values = true;
  state.written_in_transaction = true;
  state.expressions.Clear();
}

absl::Status FlushStep::ReadReturned(
    AttributeBase* const* attributes, std::uint64_t fields,
    absl::Span<const sql::ValueView> cells) const {
  std::size_t next = 0;
  for (std::size_t i = 0; i < mapping_->fields().size(); ++i) {
    if (!HasField(fields, i)) continue;
    const sql::ValueView& cell = cells[next++];
    const absl::Status status = mapping_->field(i).ops->read(
        *attributes[i], cell, AttributeState::kLoaded);
    if (!status.ok()) return CellError(*mapping_, i, cell, status);
    AttributeAccess::SetMadeByDatabase(*attributes[i]);
  }
  return absl::OkStatus();
}

absl::Status FlushStep::TakeVersion(AttributeBase* const* attributes,
                                    const sql::ValueView& next,
                                    std::uint64_t returned) {
  const std::size_t field = mapping_->version_field();
  if (mapping_->version() == VersionKind::kClient) {
    const absl::Status status = mapping_->field(field).ops->read(
        *attributes[field], next, AttributeState::kLoaded);
    return status.ok() ? status : CellError(*mapping_, field, next, status);
  }
  if (mapping_->version() == VersionKind::kServer &&
      !HasField(returned, field)) {
    AttributeAccess::SetState(*attributes[field], AttributeState::kExpired);
  }
  return absl::OkStatus();
}

void FlushStep::BecomePersistent(EntityBase& object,
                                 AttributeBase* const* attributes,
                                 const Share& share, ObjectLoader& loader) {
  SettleFields(attributes, AllFields(*mapping_));
  InstanceState& state = InstanceAccess::State(object);
  BecomeClean(state);
  state.key = KeyOf(*mapping_, attributes);
  state.shard = loader.ShardInIdentity(*mapping_, share.bind());
  state.engine = share.bind().engine;
  state.inserted_at = static_cast<std::uint16_t>(share.depth() + 1);
  loader.Adopt(object);
}

void FlushStep::TakeUpdate(EntityBase& object, AttributeBase* const* attributes,
                           std::uint64_t fields, ObjectLoader& loader) {
  SettleFields(attributes, fields);
  InstanceState& state = InstanceAccess::State(object);
  BecomeClean(state);
  if ((fields & mapping_->key_set()) == 0) return;
  if (KeyValue key = KeyOf(*mapping_, attributes); !(key == state.key)) {
    loader.Rekey(object, std::move(key));
  }
}

}  // namespace shard
