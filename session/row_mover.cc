#include "shard/session/row_mover.h"

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
#include "shard/base/status_macros.h"
#include "shard/session/attribute.h"
#include "shard/session/expression_step.h"
#include "shard/session/flush_fields.h"
#include "shard/session/shard_key_change.h"
#include "shard/session/stale_version.h"

namespace shard {
namespace {

// "Customer 7 cannot move from shard 'eu' to 'us'".
std::string CannotMove(const EntityBase& object, const Share& from,
                       const Bind& to) {
  return absl::StrCat(object.mapping().class_info().name, " ",
                      InstanceAccess::State(object).key.DebugString(),
                      " cannot move from shard '", from.name(), "' to '",
                      to.shard.name(), "'");
}

}  // namespace

absl::Status RowMover::Find(
    const std::vector<std::shared_ptr<EntityBase>>& changed) {
  const Mapping* mapping = nullptr;
  std::uint64_t shard_key = 0;
  for (const std::shared_ptr<EntityBase>& object : changed) {
    if (&object->mapping() != mapping) {
      mapping = &object->mapping();
      shard_key = ShardKeyFieldsOf(*parts_.resolver, *mapping);
    }
    const InstanceState& state = InstanceAccess::State(*object);
    if (shard_key == 0 || state.marked_deleted ||
        state.object_state != ObjectState::kPersistent) {
      continue;
    }
    AttributeBase* attributes[kMostFields];
    mapping->Attributes(*object, attributes);
    const FieldSets sets = ChangedFields(*mapping, attributes);
    if (((sets.values | sets.expressions) & shard_key) == 0) continue;
    SHARD_RETURN_IF_ERROR(FindOne(object));
  }
  return absl::OkStatus();
}

absl::Status RowMover::FindOne(const std::shared_ptr<EntityBase>& object) {
  const Mapping& mapping = object->mapping();
  const InstanceState& state = InstanceAccess::State(*object);
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(*object, attributes);
  SHARD_ASSIGN_OR_RETURN(
      const Bind to, PlaceByShardKey(*parts_.resolver, *object, attributes));
  if (to.shard == state.shard) return absl::OkStatus();
  BindRequest request;
  request.class_info = &mapping.class_info();
  request.operation = Operation::kFlush;
  if (!state.shard.is_none()) request.shard = state.shard;
  SHARD_ASSIGN_OR_RETURN(const Bind from, parts_.resolver->Resolve(request));
  MovedRow row;
  row.table = &mapping.table();
  row.key = state.key;
  row.object = object;
  row.asked = true;
  SHARD_ASSIGN_OR_RETURN(row.from, parts_.transaction->PlanShare(from));
  SHARD_ASSIGN_OR_RETURN(row.to, parts_.transaction->PlanShare(to));
  if (mapping.version() != VersionKind::kNone) {
    SHARD_RETURN_IF_ERROR(KnowVersion(*object, attributes));
  }
  SHARD_RETURN_IF_ERROR(ApplyOnUpdate(mapping, *object, attributes));
  SHARD_RETURN_IF_ERROR(CheckCanMove(*object, *row.from, to));
  SHARD_RETURN_IF_ERROR(CheckSubqueries(*parts_.resolver, *object, *row.from));
  if (known_.try_emplace({row.table, row.from, row.key}, rows_.size()).second) {
    rows_.push_back(std::move(row));
  }
  return absl::OkStatus();
}

absl::Status RowMover::CheckCanMove(const EntityBase& object, const Share& from,
                                    const Bind& to) const {
  const Mapping& mapping = object.mapping();
  if (to.shard.is_none() || from.bind().shard.is_none()) {
    return absl::FailedPreconditionError(
        absl::StrCat(CannotMove(object, from, to),
                     ": only from shard to shard, each with a name"));
  }
  if (from.bind().engine != to.engine && !parts_.two_phase) {
    return absl::FailedPreconditionError(absl::StrCat(
        CannotMove(object, from, to),
        " with SessionOptions::two_phase off: a crash between the two commits "
        "would lose the row, or leave it twice"));
  }
  if (!mapping.options().returning) {
    return absl::UnimplementedError(absl::StrCat(
        CannotMove(object, from, to),
        ": its class has the option NoReturning, so that what becomes of its "
        "rows is not told; delete it and add a new one"));
  }
  if (mapping.version() == VersionKind::kServer &&
      ServerMadeVersion(mapping).empty()) {
    return absl::UnimplementedError(absl::StrCat(
        CannotMove(object, from, to),
        ": triggers make its version, which would begin anew; delete it and "
        "add a new one"));
  }
  for (const auto& [field, sql] :
       InstanceAccess::State(object).expressions.entries()) {
    if (!HasField(mapping.key_set(), field)) continue;
    return absl::UnimplementedError(
        absl::StrCat(CannotMove(object, from, to),
                     ": its primary key was assigned SQL; assign a value"));
  }
  return absl::OkStatus();
}

void RowMover::RemoveFrom(
    std::vector<std::shared_ptr<EntityBase>>& objects) const {
  std::erase_if(objects, [this](const std::shared_ptr<EntityBase>& object) {
    return std::any_of(rows_.begin(), rows_.end(), [&](const MovedRow& row) {
      return row.asked && row.object == object;
    });
  });
}

// The session's objects of rows that follow.
void RowMover::CollectObjects() {
  if (rows_.size() == known_.size() &&
      std::all_of(rows_.begin(), rows_.end(),
                  [](const MovedRow& row) { return row.asked; })) {
    return;
  }
  std::vector<const Share*> places;
  for (const MovedRow& row : rows_) {
    if (std::find(places.begin(), places.end(), row.from) == places.end()) {
      places.push_back(row.from);
    }
  }
  parts_.identity_map->ForEach([&](const std::shared_ptr<EntityBase>& object) {
    const InstanceState& state = InstanceAccess::State(*object);
    for (const Share* place : places) {
      if (place->bind().engine != state.engine ||
          place->bind().shard != state.shard) {
        continue;
      }
      const auto found =
          known_.find({&object->mapping().table(), place, state.key});
      if (found != known_.end()) rows_[found->second].object = object;
    }
  });
}

// What it repeats of another row it must not have been assigned otherwise.
absl::Status RowMover::CheckFollower(std::size_t index) const {
  const MovedRow& row = rows_[index];
  if (row.object == nullptr || row.repeats.empty()) return absl::OkStatus();
  const Mapping& mapping = row.object->mapping();
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(*row.object, attributes);
  sql::ByteArena arena;
  for (const sql::Column* column : row.repeats) {
    const std::size_t field = column->index();
    const AttributeState state = attributes[field]->state();
    if (state != AttributeState::kModified &&
        state != AttributeState::kExpression) {
      continue;
    }
    if (state == AttributeState::kModified &&
        mapping.field(field).ops->view(*attributes[field], arena) ==
            row.after[field].view()) {
      continue;
    }
    return absl::FailedPreconditionError(absl::StrCat(
        mapping.class_info().name, " ", row.key.DebugString(),
        " follows a row that moves from shard '", row.from->name(), "' to '",
        row.to->name(), "', and its '", column->name(),
        "' was assigned otherwise; flush that before, or leave it alone"));
  }
  return absl::OkStatus();
}

// The object has its row elsewhere now.
absl::Status RowMover::TakeMoved(std::size_t index) {
  const MovedRow& row = rows_[index];
  if (row.object == nullptr) return absl::OkStatus();
  const Mapping& mapping = row.object->mapping();
  InstanceState& state = InstanceAccess::State(*row.object);
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(*row.object, attributes);
  const auto take = [&](std::size_t field) {
    const sql::ValueView cell = row.after[field].view();
    const absl::Status status = mapping.field(field).ops->read(
        *attributes[field], cell, AttributeState::kLoaded);
    return status.ok() ? status : CellError(mapping, field, cell, status);
  };
  if (row.asked) {
    for (std::size_t i = 0; i < mapping.fields().size(); ++i) {
      SHARD_RETURN_IF_ERROR(take(i));
    }
    state.expressions.Clear();
    state.dirty = false;
    state.expired = false;
  } else {
    for (const sql::Column* column : row.repeats) {
      SHARD_RETURN_IF_ERROR(take(column->index()));
    }
  }
  state.has_values = true;
  state.written_in_transaction = true;
  std::vector<sql::ValueView> key;
  for (const std::uint16_t field : mapping.key_fields()) {
    key.push_back(row.after[field].view());
  }
  parts_.loader->Relocate(*row.object, KeyValue::FromViews(key),
                          row.to->bind());
  return absl::OkStatus();
}

absl::Status RowMover::Write() {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    SHARD_RETURN_IF_ERROR(RunExpressions(i));
  }
  const std::vector<Indices> old_places = Groups(&MovedRow::from);
  for (auto group = old_places.rbegin(); group != old_places.rend(); ++group) {
    SHARD_RETURN_IF_ERROR(Delete(*group));
  }
  for (const Indices& group : Groups(&MovedRow::to)) {
    SHARD_RETURN_IF_ERROR(Insert(group));
  }
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const absl::Status taken = TakeMoved(i);
    if (!taken.ok()) return rows_[i].to->Failed(taken);
  }
  return absl::OkStatus();
}

}  // namespace shard
