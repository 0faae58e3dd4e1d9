#include "shard/dialects/postgres/results.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"
#include "shard/dialects/postgres/text_formats.h"
#include "shard/dialects/postgres/wire.h"
#include "shard/sql/types.h"

namespace shard::postgres {
namespace {

using sql::ValueType;
using sql::ValueView;

// kNull: a type that we have no own for, read as the text the server writes.
ValueType TypeOfOid(TypeOid oid) {
  switch (oid) {
    case kBoolOid:
      return ValueType::kBool;
    case kInt2Oid:
    case kInt4Oid:
      return ValueType::kInt32;
    case kInt8Oid:
    case kOidOid:
      return ValueType::kInt64;
    case kFloat4Oid:
    case kFloat8Oid:
      return ValueType::kDouble;
    case kTextOid:
    case kVarcharOid:
    case kBpcharOid:
    case kNameOid:
      return ValueType::kText;
    case kByteaOid:
      return ValueType::kBytes;
    case kTimestampOid:
    case kTimestamptzOid:
      return ValueType::kTimestamp;
    case kDateOid:
      return ValueType::kDate;
    case kNumericOid:
      return ValueType::kDecimal;
    case kUuidOid:
      return ValueType::kUuid;
    case kJsonOid:
    case kJsonbOid:
      return ValueType::kJson;
    default:
      return ValueType::kNull;
  }
}

bool IsInteger(ValueType type) {
  return type == ValueType::kInt32 || type == ValueType::kInt64;
}

// The type of the cells of a column that the database has as `actual` and the
// statement's author expects to be `expected`.
ValueType CellType(ValueType actual, ValueType expected) {
  switch (expected) {
    case ValueType::kInt64:
      // The server sums and rounds to numeric.
      if (IsInteger(actual) || actual == ValueType::kDecimal) return expected;
      break;
    case ValueType::kDouble:
      if (IsInteger(actual) || actual == ValueType::kDecimal) return expected;
      break;
    case ValueType::kJson:
    case ValueType::kDecimal:
      if (actual == ValueType::kText) return expected;
      break;
    default:
      break;
  }
  return actual;
}

template <class T>
std::optional<T> ParseNumber(std::string_view text) {
  T number{};
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

std::optional<std::int64_t> ReadInteger(TypeOid oid, bool binary,
                                        std::string_view cell) {
  if (!binary) return ParseNumber<std::int64_t>(cell);
  switch (oid) {
    case kInt2Oid:
      return Take<std::int16_t>(cell.data());
    case kInt4Oid:
      return Take<std::int32_t>(cell.data());
    case kInt8Oid:
      return Take<std::int64_t>(cell.data());
    default:
      return static_cast<std::uint32_t>(Take<std::int32_t>(cell.data()));
  }
}

std::optional<double> ReadDouble(TypeOid oid, bool binary,
                                 std::string_view cell) {
  if (oid == kFloat4Oid) {
    // Rounded to 32 bits in both forms.
    if (!binary) return ParseNumber<float>(cell);
    return std::bit_cast<float>(Take<std::int32_t>(cell.data()));
  }
  if (!binary) return ParseNumber<double>(cell);
  return std::bit_cast<double>(Take<std::int64_t>(cell.data()));
}

std::optional<std::int64_t> ReadTimestamp(bool binary, std::string_view cell) {
  if (!binary) return ParseTimestamp(cell);
  const auto microseconds = Take<std::int64_t>(cell.data());
  std::int64_t sum = 0;
  // The least number stands for -infinity.
  if (microseconds == std::numeric_limits<std::int64_t>::min() ||
      __builtin_add_overflow(microseconds, kEpochMicroseconds, &sum)) {
    return std::nullopt;
  }
  return sum;
}

std::optional<std::int64_t> ReadDate(bool binary, std::string_view cell) {
  if (!binary) return ParseDate(cell);
  const auto days = Take<std::int32_t>(cell.data());
  if (days == std::numeric_limits<std::int32_t>::min() ||
      days == std::numeric_limits<std::int32_t>::max()) {
    return std::nullopt;  // -infinity, infinity
  }
  return days + kEpochDays;
}

// False when there is no memory.
bool AddEscapedBytes(std::string_view cell, RowBatch& rows) {
  std::size_t size = 0;
  const std::unique_ptr<unsigned char, decltype(&PQfreemem)> bytes(
      PQunescapeBytea(reinterpret_cast<const unsigned char*>(cell.data()),
                      &size),
      &PQfreemem);
  if (bytes == nullptr) return false;
  rows.AddBytes(ValueType::kBytes,
                {reinterpret_cast<const char*>(bytes.get()), size});
  return true;
}

bool AddUuid(bool binary, std::string_view cell, RowBatch& rows) {
  if (binary) {
    rows.AddBytes(ValueType::kUuid, cell);
    return true;
  }
  const absl::StatusOr<Uuid> uuid = Uuid::Parse(cell);
  if (!uuid.ok()) return false;
  rows.AddBytes(ValueType::kUuid, ValueView::Of(*uuid).bytes());
  return true;
}

// A numeric as the type that is expected: itself, a double or an integer.
bool AddNumeric(std::string_view text, ValueType type, RowBatch& rows) {
  if (type == ValueType::kDouble) {
    const auto number = ParseNumber<double>(text);
    if (number.has_value()) rows.Add(ValueView::Double(*number));
    return number.has_value();
  }
  if (type == ValueType::kInt64) {
    const auto number = ParseNumber<std::int64_t>(text);
    if (number.has_value()) rows.Add(ValueView::Int64(*number));
    return number.has_value();
  }
  rows.Add(ValueView::Bytes(type, text));
  return true;
}

std::string_view Cell(const PGresult* result, int row, int column) {
  return {PQgetvalue(result, row, column),
          static_cast<std::size_t>(PQgetlength(result, row, column))};
}

// libpq takes what it does not change as non-const.
std::int64_t RowsOfTag(const PGresult* result) {
  const char* const digits = PQcmdTuples(const_cast<PGresult*>(result));
  std::int64_t rows = 0;
  std::from_chars(digits, digits + std::strlen(digits), rows);
  return rows;
}

}  // namespace

bool AllReadableInBinary(const PGresult* result) {
  for (int i = 0; i < PQnfields(result); ++i) {
    if (TypeOfOid(PQftype(result, i)) == ValueType::kNull) return false;
  }
  return true;
}

std::optional<std::int64_t> IntegerCell(const PGresult* result, int row,
                                        int column) {
  const TypeOid oid = PQftype(result, column);
  if (!IsInteger(TypeOfOid(oid)) || PQgetisnull(result, row, column)) {
    return std::nullopt;
  }
  return ReadInteger(oid, PQfformat(result, column) == 1,
                     Cell(result, row, column));
}

void RowReader::Start(const CompiledStatement* compiled, RowBatch* rows) {
  compiled_ = compiled;
  rows_ = rows;
  shaped_ = false;
  if (rows_ != nullptr) rows_->ClearRows();
}

void RowReader::Finish() {
  if (rows_ != nullptr && !shaped_ && !rows_->columns().empty()) {
    rows_->Reset({});
  }
}

bool RowReader::HasShapeOf(const PGresult* result) const {
  const std::size_t count = PQnfields(result);
  if (columns_.size() != count) return false;
  for (std::size_t i = 0; i < count; ++i) {
    const int index = static_cast<int>(i);
    if (columns_[i].oid != PQftype(result, index) ||
        columns_[i].binary != (PQfformat(result, index) == 1)) {
      return false;
    }
  }
  return true;
}

void RowReader::TakeShape(const PGresult* result) {
  columns_.clear();
  std::vector<ResultColumn> shape;
  for (int i = 0; i < PQnfields(result); ++i) {
    const TypeOid oid = PQftype(result, i);
    const std::size_t index = i;
    ValueType type = TypeOfOid(oid);
    if (type == ValueType::kNull) type = ValueType::kText;
    if (compiled_ != nullptr && index < compiled_->columns.size()) {
      type = CellType(type, compiled_->columns[index].type);
    }
    columns_.push_back({oid, PQfformat(result, i) == 1, type});
    shape.push_back({PQfname(result, i), type});
  }
  if (!shaped_) rows_->Reset(std::move(shape));
  shaped_ = true;
}

absl::Status RowReader::Add(const PGresult* result) {
  if (rows_ == nullptr) return absl::OkStatus();
  if (!shaped_ || !HasShapeOf(result)) TakeShape(result);
  const int count = static_cast<int>(columns_.size());
  for (int row = 0; row < PQntuples(result); ++row) {
    for (int i = 0; i < count; ++i) {
      if (PQgetisnull(result, row, i)) {
        rows_->Add(ValueView());
      } else if (!AddCell(columns_[i], Cell(result, row, i))) {
        return absl::OutOfRangeError(absl::StrCat(
            "column \"", PQfname(result, i), "\", row ", row + 1,
            ": the database has a value that no ",
            ToAbsl(sql::ValueTypeName(columns_[i].type)), " can hold"));
      }
    }
    rows_->FinishRow();
  }
  return absl::OkStatus();
}

bool RowReader::AddCell(const Column& column, std::string_view cell) {
  switch (column.oid) {
    case kBoolOid:
      rows_->Add(ValueView::Bool(column.binary ? cell[0] != 0 : cell == "t"));
      return true;
    case kInt2Oid:
    case kInt4Oid:
    case kInt8Oid:
    case kOidOid: {
      const auto number = ReadInteger(column.oid, column.binary, cell);
      if (!number.has_value()) return false;
      if (column.type == ValueType::kDouble) {
        rows_->Add(ValueView::Double(static_cast<double>(*number)));
      } else if (column.type == ValueType::kInt32) {
        rows_->Add(ValueView::Int32(static_cast<std::int32_t>(*number)));
      } else {
        rows_->Add(ValueView::Int64(*number));
      }
      return true;
    }
    case kFloat4Oid:
    case kFloat8Oid: {
      const auto number = ReadDouble(column.oid, column.binary, cell);
      if (number.has_value()) rows_->Add(ValueView::Double(*number));
      return number.has_value();
    }
    case kByteaOid:
      if (!column.binary) return AddEscapedBytes(cell, *rows_);
      rows_->AddBytes(ValueType::kBytes, cell);
      return true;
    case kTimestampOid:
    case kTimestamptzOid: {
      const auto time = ReadTimestamp(column.binary, cell);
      if (time.has_value()) rows_->Add(ValueView::Of(Timestamp{*time}));
      return time.has_value();
    }
    case kDateOid: {
      const auto days = ReadDate(column.binary, cell);
      if (!days.has_value()) return false;
      rows_->Add(ValueView::Of(Date{static_cast<std::int32_t>(*days)}));
      return true;
    }
    case kNumericOid: {
      const auto text = column.binary
                            ? NumericText(cell, rows_->arena())
                            : std::optional(rows_->arena().Copy(cell));
      return text.has_value() && AddNumeric(*text, column.type, *rows_);
    }
    case kUuidOid:
      return AddUuid(column.binary, cell, *rows_);
    case kJsonbOid:
      // The binary form has a version byte in front.
      rows_->AddBytes(column.type, column.binary ? cell.substr(1) : cell);
      return true;
    default:
      rows_->AddBytes(column.type, cell);
      return true;
  }
}

std::int64_t AffectedRows(const PGresult* result) {
  const absl::string_view tag = PQcmdStatus(const_cast<PGresult*>(result));
  if (!absl::StartsWith(tag, "INSERT") && !absl::StartsWith(tag, "UPDATE") &&
      !absl::StartsWith(tag, "DELETE") && !absl::StartsWith(tag, "MERGE")) {
    return 0;
  }
  return RowsOfTag(result);
}

std::int64_t CopiedRows(const PGresult* result) { return RowsOfTag(result); }

std::size_t CountRows(const PGresult* result) {
  const int read = PQntuples(result);
  return static_cast<std::size_t>(read > 0 ? read : AffectedRows(result));
}

}  // namespace shard::postgres
