// SessionCore's taking over of an object's state.
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/session/attribute.h"
#include "shard/session/flush_fields.h"
#include "shard/session/object_key_reader.h"
#include "shard/session/session_core.h"
#include "shard/session/stale_version.h"
#include "shard/sql/byte_arena.h"

namespace shard {
namespace {

absl::Status CopyValue(const MappedField& field, const AttributeBase& from,
                       AttributeBase& to) {
  sql::ByteArena arena;
  const sql::ValueView value = field.ops->view(from, arena);
  if (HasValue(to) && field.ops->view(to, arena) == value) {
    return absl::OkStatus();
  }
  SHARD_RETURN_IF_ERROR(field.ops->read(to, value, to.state()));
  AttributeAccess::MarkModified(to);
  return absl::OkStatus();
}

// What is set in one object is assigned in the other. The versions of a row are
// equal then, so that one is not.
absl::Status CopyAttributes(const EntityBase& given,
                            AttributeBase* const* given_attributes,
                            EntityBase& target) {
  const Mapping& mapping = given.mapping();
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(target, attributes);
  if (InstanceAccess::State(target).object_state == ObjectState::kPersistent) {
    SHARD_RETURN_IF_ERROR(
        CheckSameVersion(given_attributes, target, attributes));
  }
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    if (HasValue(*given_attributes[i])) {
      SHARD_RETURN_IF_ERROR(
          CopyValue(mapping.field(i), *given_attributes[i], *attributes[i]));
    }
  }
  for (const auto& [field, expression] :
       InstanceAccess::State(given).expressions.entries()) {
    AttributeAccess::SetExpression(*attributes[field], expression);
  }
  return absl::OkStatus();
}

}  // namespace

// The session's object of the same identity, or null.
absl::StatusOr<std::shared_ptr<EntityBase>> SessionCore::MergeTarget(
    const EntityBase& given, AttributeBase* const* attributes) {
  const Mapping& mapping = given.mapping();
  const InstanceState& state = InstanceAccess::State(given);
  BindArguments bind;
  std::optional<KeyValue> key;
  if (state.object_state == ObjectState::kPersistent ||
      state.object_state == ObjectState::kDetached) {
    key = state.key;
    if (!state.shard.is_none()) bind.shard = state.shard;
  } else if (HasKey(mapping, attributes)) {
    key = KeyOf(mapping, attributes);
  }
  if (!key.has_value()) return nullptr;
  if (!bind.shard.has_value()) {
    if (auto known = FindUnsharded(mapping, *key)) return known;
  }
  // It may know its shard key, which the primary key alone does not say.
  ObjectKeyReader reader(given, attributes);
  return FindOrLoad(mapping, *key, reader, bind);
}

absl::StatusOr<std::shared_ptr<EntityBase>> SessionCore::Merge(
    const EntityBase& given) {
  const Mapping& mapping = given.mapping();
  SHARD_RETURN_IF_ERROR(mapping.status());
  const InstanceState& state = InstanceAccess::State(given);
  // Reading attributes takes a pointer that could write them.
  EntityBase& readable = const_cast<EntityBase&>(given);
  if (state.host == this) return readable.shared_from_this();
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(readable, attributes);
  SHARD_ASSIGN_OR_RETURN(std::shared_ptr<EntityBase> target,
                         MergeTarget(given, attributes));
  const bool is_new = target == nullptr;
  if (is_new) target = mapping.Make();
  SHARD_RETURN_IF_ERROR(CopyAttributes(given, attributes, *target));
  if (is_new) SHARD_RETURN_IF_ERROR(Add(target));
  return target;
}

}  // namespace shard
