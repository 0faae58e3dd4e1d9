#include "shard/session/bulk_rows.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/session/attribute.h"
#include "shard/session/fit_cell.h"
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

absl::StatusOr<MappingRows::Layout> MappingRows::MakeLayout(
    const sql::Parameters& row) const {
  Layout layout;
  for (const auto& [name, value] : row.values()) {
    const sql::Column* column = mapping().table().FindColumn(name);
    if (column == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          mapping().class_info().name, " has no column '", name, "'"));
    }
    if (HasField(layout.given, column->index())) {
      return ColumnError(mapping(), column->index(), "is named twice");
    }
    layout.columns.push_back(column);
    layout.given |= FieldBit(column->index());
  }
  return layout;
}

absl::StatusOr<std::size_t> MappingRows::LayoutOf(const sql::Parameters& row) {
  const auto fits = [&row](const Layout& layout) {
    return std::equal(layout.columns.begin(), layout.columns.end(),
                      row.values().begin(), row.values().end(),
                      [](const sql::Column* column, const auto& named) {
                        return column->name() == named.first;
                      });
  };
  if (!layouts_.empty() && fits(layouts_[latest_])) return latest_;
  std::string names;
  for (const auto& [name, value] : row.values()) {
    absl::StrAppend(&names, name.size(), ":", name);
  }
  const auto known = by_names_.find(names);
  if (known != by_names_.end()) return latest_ = known->second;
  SHARD_ASSIGN_OR_RETURN(Layout made, MakeLayout(row));
  layouts_.push_back(std::move(made));
  latest_ = layouts_.size() - 1;
  by_names_.emplace(std::move(names), latest_);
  return latest_;
}

absl::Status MappingRows::Take(std::size_t index, const Layout& layout,
                               BulkRow* row, sql::ByteArena& arena) const {
  row->given = layout.given;
  row->object = nullptr;
  const auto& values = rows_[index].values();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t field = layout.columns[i]->index();
    sql::ValueView& cell = row->cells[field];
    cell = values[i].second.view();
    SHARD_RETURN_IF_ERROR(
        FitCell(mapping(), field, &cell, arena, &row->scratch));
  }
  return absl::OkStatus();
}

absl::Status MappingRows::Look(std::size_t index, BulkRow* row,
                               sql::ByteArena& arena) {
  SHARD_ASSIGN_OR_RETURN(const std::size_t layout, LayoutOf(rows_[index]));
  layout_of_.resize(rows_.size());
  layout_of_[index] = static_cast<std::uint32_t>(layout);
  return Take(index, layouts_[layout], row, arena);
}

absl::Status MappingRows::Read(std::size_t index, BulkRow* row,
                               sql::ByteArena& arena) const {
  return Take(index, layouts_[layout_of_[index]], row, arena);
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

absl::Status ObjectRows::ReadKey(std::size_t index, BulkRow* row,
                                 sql::ByteArena& arena) const {
  EntityBase& object = *objects_[index];
  row->given = 0;
  row->object = &object;
  if (HasRow(object)) {
    const auto key = InstanceAccess::State(object).key.Views();
    for (std::size_t i = 0; i < key.size(); ++i) {
      row->cells[mapping().key_fields()[i]] = key[i];
    }
    row->given = mapping().key_set();
    return absl::OkStatus();
  }
  AttributeBase* attributes[kMostFields];
  mapping().Attributes(object, attributes);
  for (const std::uint16_t field : mapping().key_fields()) {
    if (!IsSent(attributes[field]->state(), false)) continue;
    row->cells[field] =
        mapping().field(field).ops->view(*attributes[field], arena);
    row->given |= FieldBit(field);
  }
  return absl::OkStatus();
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

absl::Status DistinctObjects::Add(const EntityBase* object,
                                  std::size_t position) {
  if (object == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("row ", position + 1, ": a null pointer"));
  }
  const auto [known, is_new] = positions_.emplace(object, position);
  if (is_new) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "row ", position + 1, ": the ", object->mapping().class_info().name,
      " stands in row ", known->second + 1, ", too; give each object once"));
}

}  // namespace shard
