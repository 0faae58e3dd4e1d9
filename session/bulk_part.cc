#include "shard/session/bulk_part.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/session/fit_cell.h"
#include "shard/session/flush_fields.h"
#include "shard/session/identity_key.h"
#include "shard/sql/expression.h"

namespace shard {
namespace {

// Columns whose NULL the database would refuse; keys are asked for elsewhere.
std::uint64_t NotNullFields(const Mapping& mapping) {
  std::uint64_t fields = 0;
  for (const MappedField& field : mapping.fields()) {
    if (!field.column->nullable() && !field.column->primary_key()) {
      fields |= FieldBit(field.column->index());
    }
  }
  return fields;
}

// The first of a set of fields.
std::size_t FirstOf(std::uint64_t fields) {
  return static_cast<std::size_t>(std::countr_zero(fields));
}

}  // namespace

BulkPart::BulkPart(BulkKind kind, BulkRows* rows, const BulkOptions* options)
    : kind_(kind),
      rows_(*rows),
      options_(*options),
      not_null_(NotNullFields(rows->mapping())) {
  const Mapping& mapping = rows_.mapping();
  null_is_default_ = not_null_ | mapping.key_set();
  if (!options_.render_nulls) {
    null_is_default_ |= mapping.null_means_default();
  }
  null_is_default_ &=
      mapping.server_defaults() | mapping.client_defaults() | mapping.key_set();
}

void BulkPart::LeaveNullsToDefaults(BulkRow* row) const {
  // It begins anew with each row.
  row->given &= ~mapping().version_set();
  for (std::uint64_t left = row->given & null_is_default_; left != 0;
       left &= left - 1) {
    const std::size_t field = FirstOf(left);
    if (row->cells[field].is_null()) row->given &= ~FieldBit(field);
  }
}

absl::Status BulkPart::CheckNulls(const BulkRow& row) const {
  if (rows_.is_typed()) return absl::OkStatus();
  for (std::uint64_t left = row.given & not_null_; left != 0;
       left &= left - 1) {
    const std::size_t field = FirstOf(left);
    if (row.cells[field].is_null()) {
      return ColumnError(mapping(), field, "is NULL, which it cannot be");
    }
  }
  return absl::OkStatus();
}

absl::Status BulkPart::Make(std::uint64_t fields, std::size_t index,
                            BulkRow* row, BulkShape* shape) {
  for (std::uint64_t left = fields; left != 0; left &= left - 1) {
    const std::size_t field = FirstOf(left);
    const sql::Column& column = *mapping().field(field).column;
    const sql::Expression made =
        puts_in() ? column.client_default()() : column.onupdate()();
    const auto* literal = made.As<sql::LiteralNode>();
    if (literal == nullptr) {
      shape->expressions |= FieldBit(field);
      continue;
    }
    sql::ValueView value = literal->value.view();
    if (value.holds_bytes()) {
      value =
          sql::ValueView::Bytes(value.type(), made_bytes_.Copy(value.bytes()));
    }
    SHARD_RETURN_IF_ERROR(
        FitCell(mapping(), field, &value, made_bytes_, &converter_));
    if (made_at_.empty()) made_at_.resize(rows_.size());
    if (made_at_[index] == 0) {
      made_at_[index] = static_cast<std::uint32_t>(made_.size() + 1);
    }
    made_.push_back(value);
    row->cells[field] = value;
    row->given |= FieldBit(field);
  }
  return absl::OkStatus();
}

absl::Status BulkPart::FindKeySource(const BulkRow& row,
                                     BulkShape* shape) const {
  for (const std::uint16_t field : mapping().key_fields()) {
    if (HasField(row.given, field)) continue;
    const bool numbered =
        mapping().field(field).column == mapping().table().generated_key();
    if (!numbered &&
        !HasField(shape->expressions | mapping().server_defaults(), field)) {
      return ColumnError(mapping(), field,
                         "is part of the primary key and has no value, and the "
                         "database does not make one");
    }
    shape->key = numbered && shape->expressions == 0 ? BulkKeySource::kNumbered
                                                     : BulkKeySource::kReturned;
    if (options_.return_defaults && !mapping().options().returning &&
        (shape->key == BulkKeySource::kReturned ||
         kind_ == BulkKind::kUpsert)) {
      return ColumnError(mapping(), field,
                         "is made by the database, which without RETURNING "
                         "cannot say what it made (the class has the option "
                         "NoReturning); give it a value");
    }
  }
  return absl::OkStatus();
}

absl::Status BulkPart::LookAtNew(std::size_t index, BulkRow* row,
                                 BulkShape* shape) {
  const std::uint64_t given = row->given;
  LeaveNullsToDefaults(row);
  SHARD_RETURN_IF_ERROR(CheckNulls(*row));
  if (kind_ == BulkKind::kUpsert) {
    // A row that is there gets the NULLs that were given.
    const std::uint64_t nulls =
        given & ~row->given & ~not_null_ & ~mapping().version_set();
    shape->updated = (row->given | nulls) & ~mapping().key_set();
  }
  if (row->given == latest_given_ && shape->updated == latest_shape_.updated) {
    *shape = latest_shape_;
    return absl::OkStatus();
  }
  const std::uint64_t made = mapping().client_defaults() & ~row->given;
  SHARD_RETURN_IF_ERROR(Make(made, index, row, shape));
  shape->values = row->given;
  SHARD_RETURN_IF_ERROR(FindKeySource(*row, shape));
  if (made == 0) {
    latest_given_ = row->given;
    latest_shape_ = *shape;
  }
  return absl::OkStatus();
}

std::optional<BulkShape> BulkPart::CommonShape() const {
  const std::optional<std::uint64_t> fields = rows_.common_fields();
  if (kind_ != BulkKind::kInsert || !fields.has_value()) return std::nullopt;
  BulkRow row;
  row.given = *fields & ~mapping().version_set();
  // A NULL may leave a row to a default that other rows do not get.
  if ((row.given & null_is_default_ & ~rows_.never_null()) != 0 ||
      (mapping().client_defaults() & ~row.given) != 0) {
    return std::nullopt;
  }
  BulkShape shape;
  shape.values = row.given;
  if (!FindKeySource(row, &shape).ok()) return std::nullopt;
  return shape;
}

absl::Status BulkPart::LookAtKnown(std::size_t index, BulkRow* row,
                                   BulkShape* shape) {
  for (const std::uint16_t field : mapping().key_fields()) {
    if (!HasField(row->given, field) || row->cells[field].is_null()) {
      return ColumnError(mapping(), field,
                         "is part of the primary key, which says whose row it "
                         "is, and has no value");
    }
  }
  const std::uint64_t version = mapping().version_set();
  if ((version & ~row->given) != 0 ||
      (version != 0 && row->cells[mapping().version_field()].is_null())) {
    return ColumnError(mapping(), mapping().version_field(),
                       "is the version of the row, which must be the one that "
                       "was read, and has no value");
  }
  SHARD_RETURN_IF_ERROR(CheckNulls(*row));
  if (kind_ == BulkKind::kDelete) return absl::OkStatus();
  const std::uint64_t condition = mapping().key_set() | version;
  if ((row->given & ~condition) == 0) return absl::OkStatus();
  SHARD_RETURN_IF_ERROR(
      Make(mapping().onupdates() & ~row->given, index, row, shape));
  shape->values = row->given & ~condition;
  if (mapping().version() == VersionKind::kClient) shape->values |= version;
  if (mapping().version() == VersionKind::kServer &&
      mapping().field(mapping().version_field()).column->onupdate()) {
    shape->expressions |= version;
  }
  return absl::OkStatus();
}

absl::Status BulkPart::Look(std::size_t index, BulkRow* row, BulkShape* shape) {
  scratch_.Clear();
  *shape = {};
  SHARD_RETURN_IF_ERROR(rows_.Look(index, row, scratch_));
  return puts_in() ? LookAtNew(index, row, shape)
                   : LookAtKnown(index, row, shape);
}

absl::Status BulkPart::Read(std::size_t index, std::uint64_t values,
                            BulkRow* row, sql::ByteArena& arena) const {
  SHARD_RETURN_IF_ERROR(rows_.Read(index, row, arena));
  if (made_at_.empty()) return absl::OkStatus();
  if (puts_in()) LeaveNullsToDefaults(row);
  std::uint64_t made = values & ~row->given;
  if (made == 0) return absl::OkStatus();
  std::size_t next = made_at_[index] - 1;
  for (; made != 0; made &= made - 1) {
    row->cells[FirstOf(made)] = made_[next++];
  }
  row->given |= values;
  return absl::OkStatus();
}

absl::StatusOr<sql::ValueView> BulkKeyReader::Read(const sql::Column& column) {
  if (&column.table() == &mapping_.table() &&
      HasField(row_.given, column.index())) {
    return row_.cells[column.index()];
  }
  return absl::NotFoundError(
      absl::StrCat("no value is known for '", column.QualifiedName(), "'"));
}

absl::StatusOr<sql::ValueView> AlikeKeyReader::Read(const sql::Column& column) {
  if (&column.table() == &rows_.mapping().table() &&
      HasField(given_, column.index())) {
    return rows_.Cell(index_, column.index(), arena_);
  }
  return absl::NotFoundError(
      absl::StrCat("no value is known for '", column.QualifiedName(), "'"));
}

bool HasKey(const Mapping& mapping, const BulkRow& row) {
  return std::all_of(mapping.key_fields().begin(), mapping.key_fields().end(),
                     [&row](std::uint16_t field) {
                       return HasField(row.given, field) &&
                              !row.cells[field].is_null();
                     });
}

KeyValue KeyOf(const Mapping& mapping, const BulkRow& row) {
  if (mapping.has_integer_key()) {
    return KeyValue(row.cells[mapping.key_fields().front()].integer());
  }
  absl::InlinedVector<sql::ValueView, 2> parts;
  for (const std::uint16_t field : mapping.key_fields()) {
    parts.push_back(row.cells[field]);
  }
  return KeyValue::FromViews(parts);
}

}  // namespace shard
