#include "shard/sql/value.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"

namespace shard::sql {

std::string_view ValueTypeName(ValueType type) {
  switch (type) {
    case ValueType::kNull:
      return "null";
    case ValueType::kBool:
      return "bool";
    case ValueType::kInt32:
      return "int32";
    case ValueType::kInt64:
      return "int64";
    case ValueType::kDouble:
      return "double";
    case ValueType::kText:
      return "text";
    case ValueType::kBytes:
      return "bytes";
    case ValueType::kTimestamp:
      return "timestamp";
    case ValueType::kDate:
      return "date";
    case ValueType::kDecimal:
      return "decimal";
    case ValueType::kUuid:
      return "uuid";
    case ValueType::kJson:
      return "json";
  }
  return "unknown";
}

bool operator==(const ValueView& a, const ValueView& b) {
  const auto widened = [](ValueType type) {
    return type == ValueType::kInt32 ? ValueType::kInt64 : type;
  };
  if (widened(a.type()) != widened(b.type())) return false;
  switch (a.type()) {
    case ValueType::kNull:
      return true;
    case ValueType::kDouble:
      return a.real() == b.real();
    case ValueType::kDecimal:
      return Decimal::CompareText(a.bytes(), b.bytes()) == 0;
    default:
      return a.holds_bytes() ? a.bytes() == b.bytes()
                             : a.integer() == b.integer();
  }
}

Value::Value(std::string v)
    : scalar_(ValueView::Text({})), bytes_(std::move(v)) {}

Value::Value(const ValueView& view) : scalar_(view) {
  if (view.holds_bytes()) {
    bytes_ = std::string(view.bytes());
    scalar_ = ValueView::Bytes(view.type(), {});
  }
}

std::string DebugString(const ValueView& value) {
  switch (value.type()) {
    case ValueType::kNull:
      return "NULL";
    case ValueType::kBool:
      return value.integer() != 0 ? "true" : "false";
    case ValueType::kInt32:
    case ValueType::kInt64:
      return absl::StrCat(value.integer());
    case ValueType::kDouble:
      return absl::StrCat(value.real());
    case ValueType::kTimestamp:
      return Timestamp{value.integer()}.ToText().value_or("out of range");
    case ValueType::kDate:
      return Date{static_cast<std::int32_t>(value.integer())}.ToText().value_or(
          "out of range");
    case ValueType::kDecimal:
      return std::string(value.bytes());
    case ValueType::kText:
    case ValueType::kJson:
      return absl::StrCat("'", ToAbsl(value.bytes()), "'");
    case ValueType::kUuid: {
      Uuid uuid;
      std::copy_n(value.bytes().data(), uuid.bytes.size(), uuid.bytes.begin());
      return uuid.ToText();
    }
    case ValueType::kBytes:
      return absl::StrCat("X'", absl::BytesToHexString(ToAbsl(value.bytes())),
                          "'");
  }
  return "?";
}

}  // namespace shard::sql
