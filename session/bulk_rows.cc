#include "shard/session/bulk_rows.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/session/attribute.h"
#include "shard/session/flush_fields.h"
#include "shard/session/stale_version.h"

namespace shard {
namespace {

absl::Status BadObject(const Mapping& mapping, std::string_view problem) {
  return absl::FailedPreconditionError(
      absl::StrCat(mapping.class_info().name, ": ", ToAbsl(problem)));
}

// What of an object's attributes a kind of work sends.
bool IsSent(AttributeState state, bool changed_only) {
  return state == AttributeState::kModified ||
         (!changed_only && state == AttributeState::kLoaded);
}

}  // namespace

absl::Status ColumnError(const Mapping& mapping, std::size_t field,
                         std::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat(mapping.class_info().name, ".",
                   mapping.field(field).column->name(), ": ", ToAbsl(problem)));
}

const sql::Column* MappingRows::ColumnAt(std::size_t place,
                                         std::string_view name) const {
  if (place < columns_.size() && columns_[place] != nullptr &&
      columns_[place]->name() == name) {
    return columns_[place];
  }
  if (place >= columns_.size()) columns_.resize(place + 1);
  return columns_[place] = mapping().table().FindColumn(name);
}

absl::Status MappingRows::Read(std::size_t index, BulkRow* row,
                               sql::ByteArena& arena) const {
  row->given = 0;
  row->object = nullptr;
  const auto& values = rows_[index].values();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const sql::Column* column = ColumnAt(i, values[i].first);
    if (column == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(mapping().class_info().name, " has no column '",
                       values[i].first, "'"));
    }
    if (HasField(row->given, column->index())) {
      return ColumnError(mapping(), column->index(), "is named twice");
    }
    sql::ValueView& cell = row->cells[column->index()];
    cell = values[i].second.view();
    SHARD_RETURN_IF_ERROR(fitter_.Fit(column->index(), &cell, arena));
    row->given |= FieldBit(column->index());
  }
  return absl::OkStatus();
}

// The key that the row has in the database, which the attributes may no longer
// say.
absl::Status ObjectRows::TakeKeyOfRow(const EntityBase& object,
                                      AttributeBase* const* attributes,
                                      BulkRow* row) const {
  const auto key = InstanceAccess::State(object).key.Views();
  for (std::size_t i = 0; i < key.size(); ++i) {
    const std::uint16_t field = mapping().key_fields()[i];
    if (attributes[field]->state() == AttributeState::kModified &&
        !(row->cells[field] == key[i])) {
      return ColumnError(mapping(), field,
                         "a bulk operation cannot change the primary key of a "
                         "row; flush the object instead");
    }
    row->cells[field] = key[i];
    row->given |= FieldBit(field);
  }
  return absl::OkStatus();
}

absl::Status ObjectRows::Read(std::size_t index, BulkRow* row,
                              sql::ByteArena& arena) const {
  EntityBase& object = *objects_[index];
  const bool has_row = HasRow(object);
  row->given = 0;
  row->object = &object;
  if (object.object_state() == ObjectState::kPending) {
    return BadObject(mapping(),
                     "the object is in a session that is going to insert it; "
                     "flush it instead");
  }
  if (object.object_state() == ObjectState::kDeleted ||
      (has_row && kind_ == BulkKind::kInsert)) {
    return BadObject(mapping(), has_row ? "the object has a row already"
                                        : "the object was deleted");
  }
  AttributeBase* attributes[kMostFields];
  mapping().Attributes(object, attributes);
  const std::uint64_t always = mapping().key_set() | mapping().version_set();
  for (std::size_t i = 0; i < mapping().fields().size(); ++i) {
    const AttributeState state = attributes[i]->state();
    if (state == AttributeState::kExpression) {
      return ColumnError(mapping(), i,
                         "was assigned SQL, which bulk operations do not "
                         "write; flush the object instead");
    }
    const bool changed_only = changed_only_ && has_row && !HasField(always, i);
    if (!IsSent(state, changed_only)) continue;
    row->cells[i] = mapping().field(i).ops->view(*attributes[i], arena);
    row->given |= FieldBit(i);
  }
  if (!has_row) return absl::OkStatus();
  SHARD_RETURN_IF_ERROR(TakeKeyOfRow(object, attributes, row));
  const bool writes =
      kind_ == BulkKind::kDelete ||
      (kind_ == BulkKind::kUpdate && (row->given & ~always) != 0);
  return writes ? TakeVersion(object, attributes, row, arena)
                : absl::OkStatus();
}

// That of an object in a session is read, if it is expired.
absl::Status ObjectRows::TakeVersion(EntityBase& object,
                                     AttributeBase* const* attributes,
                                     BulkRow* row,
                                     sql::ByteArena& arena) const {
  const std::uint64_t version = mapping().version_set();
  if ((version & ~row->given) == 0 ||
      InstanceAccess::State(object).host == nullptr) {
    return absl::OkStatus();
  }
  SHARD_RETURN_IF_ERROR(KnowVersion(object, attributes));
  const std::size_t field = mapping().version_field();
  row->cells[field] =
      mapping().field(field).ops->view(*attributes[field], arena);
  row->given |= version;
  return absl::OkStatus();
}

}  // namespace shard
