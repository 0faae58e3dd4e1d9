#include "shard/session/flush_fields.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "shard/base/status_macros.h"
#include "shard/session/object_loader.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/expression.h"

namespace shard {
namespace {

// Gives an attribute what a default makes: a value, or SQL.
absl::Status ApplyDefault(const Mapping& mapping, std::size_t field,
                          const sql::DefaultMaker& make, EntityBase& object,
                          AttributeBase& attribute) {
  sql::Expression made = make();
  if (const auto* literal = made.As<sql::LiteralNode>()) {
    const sql::ValueView value = literal->value.view();
    const absl::Status status = mapping.field(field).ops->read(
        attribute, value, AttributeState::kModified);
    return status.ok() ? status : CellError(mapping, field, value, status);
  }
  InstanceAccess::State(object).expressions.Set(
      static_cast<std::uint16_t>(field), std::move(made));
  AttributeAccess::SetState(attribute, AttributeState::kExpression);
  return absl::OkStatus();
}

const sql::Expression& ExpressionFor(const EntityBase& object,
                                     std::size_t field) {
  for (const auto& [index, expression] :
       InstanceAccess::State(object).expressions.entries()) {
    if (index == field) return expression;
  }
  static const sql::Expression none;
  return none;
}

}  // namespace

std::uint64_t LeaveNullsToDefaults(const Mapping& mapping,
                                   AttributeBase* const* attributes) {
  std::uint64_t left = 0;
  if (mapping.null_means_default() == 0) return left;
  sql::ByteArena arena;
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    if (HasField(mapping.null_means_default(), i) &&
        attributes[i]->state() == AttributeState::kModified &&
        mapping.field(i).ops->view(*attributes[i], arena).is_null()) {
      AttributeAccess::SetState(*attributes[i], AttributeState::kUnset);
      left |= FieldBit(i);
    }
  }
  return left;
}

absl::Status ApplyClientDefaults(const Mapping& mapping, EntityBase& object,
                                 AttributeBase* const* attributes) {
  if (mapping.client_defaults() == 0) return absl::OkStatus();
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    if (HasField(mapping.client_defaults(), i) &&
        attributes[i]->state() == AttributeState::kUnset) {
      SHARD_RETURN_IF_ERROR(
          ApplyDefault(mapping, i, mapping.field(i).column->client_default(),
                       object, *attributes[i]));
      // A row that is inserted again begins with it again.
      if (HasField(mapping.version_set(), i)) {
        AttributeAccess::SetMadeByDatabase(*attributes[i]);
      }
    }
  }
  return absl::OkStatus();
}

absl::Status ApplyOnUpdate(const Mapping& mapping, EntityBase& object,
                           AttributeBase* const* attributes) {
  if (mapping.onupdates() == 0) return absl::OkStatus();
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    if (!HasField(mapping.onupdates(), i)) continue;
    const AttributeState state = attributes[i]->state();
    if (state != AttributeState::kModified &&
        state != AttributeState::kExpression) {
      SHARD_RETURN_IF_ERROR(ApplyDefault(mapping, i,
                                         mapping.field(i).column->onupdate(),
                                         object, *attributes[i]));
    }
  }
  return absl::OkStatus();
}

FieldSets ChangedFields(const Mapping& mapping,
                        AttributeBase* const* attributes) {
  FieldSets sets;
  for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
    const AttributeState state = attributes[i]->state();
    if (state == AttributeState::kModified) sets.values |= FieldBit(i);
    if (state == AttributeState::kExpression) sets.expressions |= FieldBit(i);
  }
  return sets;
}

bool HasChanges(EntityBase& object) {
  AttributeBase* attributes[kMostFields];
  object.mapping().Attributes(object, attributes);
  const FieldSets sets = ChangedFields(object.mapping(), attributes);
  return (sets.values | sets.expressions) != 0;
}

bool HasKey(const Mapping& mapping, AttributeBase* const* attributes) {
  return std::all_of(
      mapping.key_fields().begin(), mapping.key_fields().end(),
      [&](const std::uint16_t field) { return HasValue(*attributes[field]); });
}

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

std::vector<sql::ColumnAssignment> Assignments(const Mapping& mapping,
                                               const EntityBase& object,
                                               std::uint64_t values) {
  std::vector<sql::ColumnAssignment> assignments;
  for (const MappedField& field : mapping.fields()) {
    const std::size_t i = field.column->index();
    const sql::Expression& expression = ExpressionFor(object, i);
    if (!expression.empty()) {
      assignments.push_back({field.column, expression});
    } else if ((values & FieldBit(i)) != 0) {
      assignments.push_back(
          {field.column,
           sql::Parameter(field.column->name(), field.column->type())});
    }
  }
  return assignments;
}

sql::Expression ServerMadeVersion(const Mapping& mapping) {
  if (mapping.version() != VersionKind::kServer) return {};
  const sql::DefaultMaker& make =
      mapping.field(mapping.version_field()).column->onupdate();
  return make ? make() : sql::Expression();
}

}  // namespace shard
