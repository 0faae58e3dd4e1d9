#include "shard/dialects/sqlite/sqlite_values.h"

#include <sqlite3.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/dialects/errors.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/types.h"
#include "shard/sql/value.h"
#include "shard/sql/value_type.h"

namespace shard {
namespace {

using sql::ValueType;
using sql::ValueView;

constexpr std::int64_t kMicrosPerDay = 86'400'000'000;
constexpr std::int64_t kFirstDay = -719'162;  // 0001-01-01
constexpr std::int64_t kLastDay = 2'932'896;  // 9999-12-31

bool IsStorable(const ValueView& value, std::size_t max_bytes) {
  switch (value.type()) {
    case ValueType::kDouble:
      return !std::isnan(value.real());
    case ValueType::kTimestamp:
      return value.integer() >= kFirstDay * kMicrosPerDay &&
             value.integer() < (kLastDay + 1) * kMicrosPerDay;
    case ValueType::kDate:
      return value.integer() >= kFirstDay && value.integer() <= kLastDay;
    case ValueType::kUuid:
      return value.bytes().size() == sizeof(Uuid);
    case ValueType::kText:
    case ValueType::kBytes:
    case ValueType::kDecimal:
    case ValueType::kJson:
      return value.bytes().size() <= max_bytes;
    default:
      return true;
  }
}

// Why the value at `place`, from 1, is not storable.
absl::Status NotStorable(const ValueView& value, std::size_t place,
                         std::size_t max_bytes) {
  switch (value.type()) {
    case ValueType::kDouble:
      return absl::InvalidArgumentError(
          absl::StrCat("value ", place,
                       " is not a number (NaN), which SQLite would store as "
                       "NULL"));
    case ValueType::kTimestamp:
    case ValueType::kDate:
      return absl::OutOfRangeError(
          absl::StrCat("value ", place,
                       " is outside the years 0001 to 9999; no text that "
                       "SQLite could sort by stands for it"));
    case ValueType::kUuid:
      return absl::InvalidArgumentError(
          absl::StrCat("value ", place, " is a UUID that has not 16 bytes"));
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("value ", place, " has ", value.bytes().size(),
                       " bytes; SQLite takes ", max_bytes, " at most"));
  }
}

int BindText(sqlite3_stmt* statement, int index, std::string_view text) {
  // A null pointer would bind NULL.
  return sqlite3_bind_text(statement, index, text.empty() ? "" : text.data(),
                           static_cast<int>(text.size()), SQLITE_STATIC);
}

int BindBlob(sqlite3_stmt* statement, int index, std::string_view bytes) {
  return sqlite3_bind_blob(statement, index, bytes.empty() ? "" : bytes.data(),
                           static_cast<int>(bytes.size()), SQLITE_STATIC);
}

template <class Time>
int BindTime(sqlite3_stmt* statement, int index, Time time,
             sql::ByteArena& scratch) {
  char* text = scratch.Allocate(Time::kTextBytes);
  time.WriteText(text);
  return BindText(statement, index, {text, Time::kTextBytes});
}

}  // namespace

absl::Status CheckValues(absl::Span<const ValueView> values,
                         std::size_t max_bytes) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!IsStorable(values[i], max_bytes)) {
      return ValueError(NotStorable(values[i], i + 1, max_bytes));
    }
  }
  return absl::OkStatus();
}

int BindValue(sqlite3_stmt* statement, int index, const ValueView& value,
              sql::ByteArena& scratch) {
  switch (value.type()) {
    case ValueType::kNull:
      return sqlite3_bind_null(statement, index);
    case ValueType::kBool:
    case ValueType::kInt32:
    case ValueType::kInt64:
      return sqlite3_bind_int64(statement, index, value.integer());
    case ValueType::kDouble:
      return sqlite3_bind_double(statement, index, value.real());
    case ValueType::kText:
    case ValueType::kDecimal:
    case ValueType::kJson:
      return BindText(statement, index, value.bytes());
    case ValueType::kBytes:
    case ValueType::kUuid:
      return BindBlob(statement, index, value.bytes());
    case ValueType::kTimestamp:
      return BindTime(statement, index, Timestamp{value.integer()}, scratch);
    case ValueType::kDate:
      return BindTime(statement, index,
                      Date{static_cast<std::int32_t>(value.integer())},
                      scratch);
  }
  return SQLITE_MISUSE;
}

}  // namespace shard
