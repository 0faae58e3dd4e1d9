#include "shard/session/keyed_rows.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "shard/base/status_macros.h"
#include "shard/session/fit_cell.h"
#include "shard/session/flush_fields.h"

namespace shard {

// Those that cannot be read are refused when they are planned.
std::vector<std::uint32_t> KeyedRows::LackOf(std::size_t field, bool all) {
  std::vector<std::uint32_t> lack;
  BulkRow row;
  sql::ByteArena arena;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    bool lacks = all;
    if (!all) {
      arena.Clear();
      lacks = rows_.Look(i, &row, arena).ok() &&
              (!HasField(row.given, field) || row.cells[field].is_null());
    }
    if (lacks) lack.push_back(static_cast<std::uint32_t>(i));
  }
  return lack;
}

absl::Status KeyedRows::Make(const KeyField& field, bool all) {
  const std::vector<std::uint32_t> lack = LackOf(field.field, all);
  if (lack.empty()) return absl::OkStatus();
  std::vector<sql::ValueView> keys;
  const absl::Status taken =
      shard::TakeKeys(*field.generator, lack.size(), &keys, bytes_);
  if (!taken.ok()) return NoKeyError(mapping(), field.field, taken);
  for (sql::ValueView& key : keys) {
    SHARD_RETURN_IF_ERROR(
        FitCell(mapping(), field.field, &key, bytes_, &converter_));
  }
  Made made{field.field, {}};
  if (lack.size() == rows_.size()) {
    made.keys = std::move(keys);
  } else {
    made.keys.resize(rows_.size());
    for (std::size_t i = 0; i < lack.size(); ++i) made.keys[lack[i]] = keys[i];
  }
  if (all) made_for_all_ |= FieldBit(field.field);
  made_.push_back(std::move(made));
  return absl::OkStatus();
}

absl::Status KeyedRows::TakeKeys(const KeyFields& fields) {
  const std::optional<std::uint64_t> common = rows_.common_fields();
  for (const KeyField& field : fields) {
    const bool given = common.has_value() && HasField(*common, field.field);
    // Where all give it and none can be NULL there is nothing to look for.
    if (given && HasField(rows_.never_null(), field.field)) continue;
    SHARD_RETURN_IF_ERROR(Make(field, common.has_value() && !given));
  }
  return absl::OkStatus();
}

void KeyedRows::FillIn(std::size_t index, BulkRow* row) const {
  for (const Made& made : made_) {
    const sql::ValueView& key = made.keys[index];
    if (key.is_null()) continue;
    row->cells[made.field] = key;
    row->given |= FieldBit(made.field);
  }
}

absl::Status KeyedRows::Look(std::size_t index, BulkRow* row,
                             sql::ByteArena& arena) {
  SHARD_RETURN_IF_ERROR(rows_.Look(index, row, arena));
  FillIn(index, row);
  return absl::OkStatus();
}

absl::Status KeyedRows::Read(std::size_t index, BulkRow* row,
                             sql::ByteArena& arena) const {
  SHARD_RETURN_IF_ERROR(rows_.Read(index, row, arena));
  FillIn(index, row);
  return absl::OkStatus();
}

absl::Status KeyedRows::ReadKey(std::size_t index, BulkRow* row,
                                sql::ByteArena& arena) const {
  SHARD_RETURN_IF_ERROR(rows_.ReadKey(index, row, arena));
  FillIn(index, row);
  return absl::OkStatus();
}

std::optional<std::uint64_t> KeyedRows::common_fields() const {
  const std::optional<std::uint64_t> common = rows_.common_fields();
  if (!common.has_value()) return common;
  return *common | made_for_all_;
}

sql::ValueView KeyedRows::Cell(std::size_t index, std::size_t field,
                               sql::ByteArena& arena) const {
  for (const Made& made : made_) {
    if (made.field == field && !made.keys[index].is_null()) {
      return made.keys[index];
    }
  }
  return rows_.Cell(index, field, arena);
}

}  // namespace shard
