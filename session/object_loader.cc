#include "shard/session/object_loader.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"
#include "shard/session/attribute.h"

namespace shard {
namespace {

// A small one is in the cache.
bool IsLarge(const IdentityMap& identity_map) {
  constexpr std::size_t kLarge = 4096;
  return identity_map.size() >= kLarge;
}

// They are loaded when first used.
void ExpireFields(std::uint64_t fields, AttributeBase* const* attributes) {
  for (std::size_t i = 0; fields != 0; ++i, fields >>= 1) {
    if ((fields & 1) == 0) continue;
    AttributeAccess::SetState(*attributes[i], AttributeState::kExpired);
  }
}

}  // namespace

KeyValue KeyOfRow(const Mapping& mapping, const RowLayout& layout,
                  absl::Span<const sql::ValueView> row) {
  const auto& cells = layout.key_cells;
  if (mapping.has_integer_key() && !row[cells.front()].is_null()) {
    return KeyValue(row[cells.front()].integer());
  }
  if (cells.size() == 1) {
    return KeyValue::FromViews(row.subspan(cells.front(), 1));
  }
  absl::InlinedVector<sql::ValueView, 4> parts;
  for (const std::uint16_t cell : cells) parts.push_back(row[cell]);
  return KeyValue::FromViews(parts);
}

absl::Status CellError(const Mapping& mapping, std::size_t field,
                       const sql::ValueView& cell, const absl::Status& error) {
  const std::string where = absl::StrCat(mapping.class_info().name, ".",
                                         mapping.field(field).column->name());
  if (!cell.is_null()) return Annotate(error, where);
  return absl::InvalidArgumentError(absl::StrCat(
      where,
      " is NULL in the database, which its type has no value for; make "
      "the field a std::optional"));
}

void ObjectLoader::LookUp(const Mapping& mapping) const {
  BindRequest request;
  request.class_info = &mapping.class_info();
  request.operation = Operation::kFlush;
  latest_is_everywhere_ = resolver_.WritesEverywhere(request);
  latest_mapping_ = &mapping;
}

void ObjectLoader::Adopt(EntityBase& object) {
  InstanceState& state = InstanceAccess::State(object);
  state.object_state = ObjectState::kPersistent;
  state.host = host_;
  state.has_values = true;
  identity_map_->Insert(object);
}

void ObjectLoader::Rekey(EntityBase& object, KeyValue key) {
  const InstanceState& state = InstanceAccess::State(object);
  Relocate(object, std::move(key), {state.engine, state.shard});
}

void ObjectLoader::Relocate(EntityBase& object, KeyValue key,
                            const Bind& place) {
  identity_map_->Erase(object);
  InstanceState& state = InstanceAccess::State(object);
  rekeyed_->push_back({object.shared_from_this(),
                       std::exchange(state.key, std::move(key)),
                       {state.engine, state.shard}});
  state.engine = place.engine;
  state.shard = place.shard;
  identity_map_->Insert(object);
}

absl::StatusOr<std::shared_ptr<EntityBase>> ObjectLoader::Load(
    const Mapping& mapping, const RowLayout& layout, const Bind& bind,
    absl::Span<const sql::ValueView> row) {
  KeyValue key = KeyOfRow(mapping, layout, row);
  const ShardId shard = ShardInIdentity(mapping, bind);
  auto [known, place] = identity_map_->At({&mapping, shard, key});
  if (known != nullptr) {
    SHARD_RETURN_IF_ERROR(FillExpired(*known, layout.fields, row));
    InstanceAccess::State(*known).expired = false;
    return std::move(known);
  }
  std::shared_ptr<EntityBase> object = mapping.Make();
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(*object, attributes);
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::uint16_t field = layout.fields[i];
    absl::Status status = mapping.field(field).ops->read(
        *attributes[field], row[i], AttributeState::kLoaded);
    if (!status.ok()) return CellError(mapping, field, row[i], status);
  }
  if (layout.missing != 0) ExpireFields(layout.missing, attributes);
  InstanceState& state = InstanceAccess::State(*object);
  state.key = std::move(key);
  state.shard = shard;
  state.engine = bind.engine;
  state.object_state = ObjectState::kPersistent;
  state.host = host_;
  state.has_values = true;
  *place = object;
  TellLoaded(*object);
  return object;
}

void ObjectLoader::Expect(const Mapping& mapping, const RowLayout& layout,
                          const Bind& bind,
                          absl::Span<const sql::ValueView> row) const {
  // Other keys cost more to hash than they save.
  if (!IsLarge(*identity_map_) || !mapping.has_integer_key()) return;
  identity_map_->Prefetch({&mapping, ShardInIdentity(mapping, bind),
                           KeyOfRow(mapping, layout, row)});
}

void ObjectLoader::Expect(const Mapping& mapping, const Bind& bind,
                          std::int64_t key) const {
  if (!IsLarge(*identity_map_)) return;
  identity_map_->Prefetch(
      {&mapping, ShardInIdentity(mapping, bind), KeyValue(key)});
}

absl::Status ObjectLoader::FillExpired(EntityBase& object,
                                       absl::Span<const std::uint16_t> fields,
                                       absl::Span<const sql::ValueView> row) {
  const Mapping& mapping = object.mapping();
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(object, attributes);
  InstanceAccess::State(object).has_values = true;
  bool filled = false;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::uint16_t field = fields[i];
    if (attributes[field]->state() != AttributeState::kExpired) continue;
    filled = true;
    absl::Status status = mapping.field(field).ops->read(
        *attributes[field], row[i], AttributeState::kLoaded);
    if (!status.ok()) return CellError(mapping, field, row[i], status);
  }
  if (filled) TellLoaded(object);
  return absl::OkStatus();
}

}  // namespace shard
