#include "shard/session/flush_step.h"

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
#include "shard/base/status_macros.h"
#include "shard/session/attribute.h"
#include "shard/session/flush_fields.h"

namespace shard {
namespace {

// What was sent is loaded now; what the database computed is to be loaded.
void SettleFields(const Mapping& mapping, AttributeBase* const* attributes) {
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    switch (attributes[i]->state()) {
      case AttributeState::kModified:
        AttributeAccess::SetState(*attributes[i], AttributeState::kLoaded);
        break;
      case AttributeState::kExpression:
      case AttributeState::kUnset:
        AttributeAccess::SetState(*attributes[i], AttributeState::kExpired);
        break;
      default:
        break;
    }
  }
}

// The key as the attributes have it now.
KeyValue KeyOf(const Mapping& mapping, AttributeBase* const* attributes) {
  sql::ByteArena arena;
  if (mapping.has_integer_key()) {
    const std::uint16_t field = mapping.key_fields().front();
    return KeyValue(
        mapping.field(field).ops->view(*attributes[field], arena).integer());
  }
  absl::InlinedVector<sql::ValueView, 2> parts;
  for (const std::uint16_t field : mapping.key_fields()) {
    parts.push_back(mapping.field(field).ops->view(*attributes[field], arena));
  }
  return KeyValue::FromViews(parts);
}

}  // namespace

void FlushStep::AppendFields(AttributeBase* const* attributes,
                             std::uint64_t fields) {
  const std::vector<MappedField>& mapped = mapping_->fields();
  for (std::size_t i = 0; i < mapped.size(); ++i) {
    if (HasField(fields, i)) {
      values_.push_back(mapped[i].ops->view(*attributes[i], arena_));
    }
  }
}

void FlushStep::AppendKey(const EntityBase& object) {
  for (const sql::ValueView& part : InstanceAccess::State(object).key.Views()) {
    values_.push_back(part);
  }
}

absl::Status FlushStep::CheckOneRowEach(const Outcome& outcome,
                                        const char* verb) const {
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    if (outcome.affected[i] == 1) continue;
    return absl::AbortedError(
        absl::StrCat(verb, " of ", mapping_->class_info().name, " ",
                     InstanceAccess::State(*objects_[i]).key.DebugString(),
                     " met ", outcome.affected[i],
                     " rows instead of 1; another transaction deleted "
                     "or changed it: roll back, load it again and retry"));
  }
  return absl::OkStatus();
}

void FlushStep::BecomeClean(InstanceState& state) {
  state.dirty = false;
  state.written_in_transaction = true;
  state.expressions.clear();
}

absl::Status FlushStep::ReadKey(AttributeBase* const* attributes,
                                absl::Span<const sql::ValueView> key) const {
  const auto& fields = mapping_->key_fields();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const absl::Status status = mapping_->field(fields[i]).ops->read(
        *attributes[fields[i]], key[i], AttributeState::kLoaded);
    if (!status.ok()) return CellError(*mapping_, fields[i], key[i], status);
  }
  return absl::OkStatus();
}

void FlushStep::BecomePersistent(EntityBase& object,
                                 AttributeBase* const* attributes,
                                 const Share& share) {
  SettleFields(*mapping_, attributes);
  InstanceState& state = InstanceAccess::State(object);
  BecomeClean(state);
  state.key = KeyOf(*mapping_, attributes);
  state.shard = share.bind().shard;
  state.engine = share.bind().engine;
  state.inserted_at = static_cast<std::uint16_t>(share.depth() + 1);
}

void FlushStep::TakeUpdate(EntityBase& object, AttributeBase* const* attributes,
                           ObjectLoader& loader) {
  SettleFields(*mapping_, attributes);
  InstanceState& state = InstanceAccess::State(object);
  BecomeClean(state);
  if (KeyValue key = KeyOf(*mapping_, attributes); !(key == state.key)) {
    loader.Rekey(object, std::move(key));
  }
}

}  // namespace shard
