#include "shard/dialects/sqlite/sqlite_rows.h"

#include <sqlite3.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/row_batch.h"
#include "shard/sql/types.h"
#include "shard/sql/value.h"
#include "shard/sql/value_type.h"

namespace shard {
namespace {

using sql::ValueType;
using sql::ValueView;

// One cell of the row that a statement stands on. Each function adds the cell
// to the batch, or returns false when it is none of that type. The functions of
// sqlite3_value cost less than those of columns, each of which finds the column
// anew; they may be used here since nobody else uses the connection meanwhile.
class CellReader {
 public:
  CellReader(sqlite3_stmt* statement, int column, RowBatch* batch)
      : value_(sqlite3_column_value(statement, column)),
        storage_(sqlite3_value_type(value_)),
        batch_(batch) {}

  int storage() const { return storage_; }
  bool Read(ValueType type);

 private:
  bool ReadAsStored();
  bool ReadBool();
  bool ReadInt32();
  bool ReadInt64();
  bool ReadDouble();
  bool ReadText(ValueType type);
  bool ReadBytes();
  bool ReadTimestamp();
  bool ReadDate();
  bool ReadDecimal();
  bool ReadUuid();

  bool Add(ValueView cell) {
    batch_->Add(cell);
    return true;
  }
  bool AddBytes(ValueType type, std::string_view bytes) {
    batch_->AddBytes(type, bytes);
    return true;
  }
  bool AddDecimal(std::string_view text);
  std::int64_t Integer() const { return sqlite3_value_int64(value_); }
  double Real() const { return sqlite3_value_double(value_); }
  std::string_view Text() const {
    const unsigned char* text = sqlite3_value_text(value_);
    return {reinterpret_cast<const char*>(text), Bytes()};
  }
  std::string_view Blob() const {
    const void* blob = sqlite3_value_blob(value_);
    return {static_cast<const char*>(blob), Bytes()};
  }
  std::size_t Bytes() const {
    return static_cast<std::size_t>(sqlite3_value_bytes(value_));
  }

  sqlite3_value* const value_;
  const int storage_;
  RowBatch* const batch_;
};

bool CellReader::Read(ValueType type) {
  if (storage_ == SQLITE_NULL) return Add(ValueView());
  switch (type) {
    case ValueType::kNull:
      return ReadAsStored();
    case ValueType::kBool:
      return ReadBool();
    case ValueType::kInt32:
      return ReadInt32();
    case ValueType::kInt64:
      return ReadInt64();
    case ValueType::kDouble:
      return ReadDouble();
    case ValueType::kText:
    case ValueType::kJson:
      return ReadText(type);
    case ValueType::kBytes:
      return ReadBytes();
    case ValueType::kTimestamp:
      return ReadTimestamp();
    case ValueType::kDate:
      return ReadDate();
    case ValueType::kDecimal:
      return ReadDecimal();
    case ValueType::kUuid:
      return ReadUuid();
  }
  return false;
}

bool CellReader::ReadAsStored() {
  switch (storage_) {
    case SQLITE_INTEGER:
      return Add(ValueView::Int64(Integer()));
    case SQLITE_FLOAT:
      return Add(ValueView::Double(Real()));
    case SQLITE_TEXT:
      return AddBytes(ValueType::kText, Text());
    default:
      return AddBytes(ValueType::kBytes, Blob());
  }
}

bool CellReader::ReadBool() {
  return storage_ == SQLITE_INTEGER && Add(ValueView::Bool(Integer() != 0));
}

bool CellReader::ReadInt32() {
  if (storage_ != SQLITE_INTEGER) return false;
  const std::int64_t number = Integer();
  return std::in_range<std::int32_t>(number) &&
         Add(ValueView::Int32(static_cast<std::int32_t>(number)));
}

bool CellReader::ReadInt64() {
  return storage_ == SQLITE_INTEGER && Add(ValueView::Int64(Integer()));
}

bool CellReader::ReadDouble() {
  // Expressions such as a sum may come as an integer.
  const bool number = storage_ == SQLITE_FLOAT || storage_ == SQLITE_INTEGER;
  return number && Add(ValueView::Double(Real()));
}

bool CellReader::ReadText(ValueType type) {
  // A number in a column without affinity, or from json_extract, reads as text.
  return storage_ != SQLITE_BLOB && AddBytes(type, Text());
}

bool CellReader::ReadBytes() {
  const bool bytes = storage_ == SQLITE_BLOB || storage_ == SQLITE_TEXT;
  return bytes && AddBytes(ValueType::kBytes, Blob());
}

bool CellReader::ReadTimestamp() {
  if (storage_ == SQLITE_INTEGER)
    return Add(ValueView::Of(Timestamp{Integer()}));
  if (storage_ != SQLITE_TEXT) return false;
  const absl::StatusOr<Timestamp> time = Timestamp::Parse(Text());
  return time.ok() && Add(ValueView::Of(*time));
}

bool CellReader::ReadDate() {
  if (storage_ == SQLITE_INTEGER) {
    const std::int64_t days = Integer();
    return std::in_range<std::int32_t>(days) &&
           Add(ValueView::Of(Date{static_cast<std::int32_t>(days)}));
  }
  if (storage_ != SQLITE_TEXT) return false;
  const absl::StatusOr<Date> date = Date::Parse(Text());
  return date.ok() && Add(ValueView::Of(*date));
}

bool CellReader::ReadDecimal() {
  if (storage_ == SQLITE_BLOB) return false;
  if (storage_ != SQLITE_FLOAT) return AddDecimal(Text());
  char shortest[64];  // the shortest text that reads back as the same double
  const auto [end, error] =
      std::to_chars(shortest, shortest + sizeof(shortest), Real());
  return error == std::errc() &&
         AddDecimal({shortest, static_cast<std::size_t>(end - shortest)});
}

bool CellReader::AddDecimal(std::string_view text) {
  const absl::StatusOr<Decimal> decimal = Decimal::Parse(text);
  return decimal.ok() && AddBytes(ValueType::kDecimal, decimal->text());
}

bool CellReader::ReadUuid() {
  if (storage_ == SQLITE_BLOB) {
    const std::string_view bytes = Blob();
    return bytes.size() == sizeof(Uuid) && AddBytes(ValueType::kUuid, bytes);
  }
  if (storage_ != SQLITE_TEXT) return false;
  const absl::StatusOr<Uuid> uuid = Uuid::Parse(Text());
  return uuid.ok() && AddBytes(ValueType::kUuid, ValueView::Of(*uuid).bytes());
}

std::string_view StorageName(int storage) {
  switch (storage) {
    case SQLITE_INTEGER:
      return "an integer";
    case SQLITE_FLOAT:
      return "a real number";
    case SQLITE_TEXT:
      return "text";
    default:
      return "a blob";
  }
}

absl::Status WrongCell(const ResultColumn& column, int storage) {
  return absl::InvalidArgumentError(absl::StrCat(
      "column '", column.name, "' holds ", ToAbsl(StorageName(storage)),
      " that is not a valid ", ToAbsl(sql::ValueTypeName(column.type))));
}

}  // namespace

void ShapeBatch(sqlite3_stmt* statement, const CompiledStatement& compiled,
                RowBatch* batch) {
  const std::vector<ResultColumn>& known = compiled.columns;
  const auto count = static_cast<std::size_t>(sqlite3_column_count(statement));
  if (known.size() == count) return batch->ResetFor(compiled);
  std::vector<ResultColumn> columns(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (i < known.size()) {
      columns[i] = known[i];
    } else if (const char* name =
                   sqlite3_column_name(statement, static_cast<int>(i))) {
      columns[i].name = name;
    }
  }
  batch->Reset(std::move(columns));
}

absl::Status AppendRow(sqlite3_stmt* statement, RowBatch* batch) {
  const std::vector<ResultColumn>& columns = batch->columns();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    CellReader cell(statement, static_cast<int>(i), batch);
    if (!cell.Read(columns[i].type)) {
      return WrongCell(columns[i], cell.storage());
    }
  }
  batch->FinishRow();
  return absl::OkStatus();
}

}  // namespace shard
