#include "shard/sql/type_adapter.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"

namespace shard::sql {

absl::Status WrongType(ValueType expected, ValueType found) {
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", ToAbsl(ValueTypeName(expected)), ", found ",
                   ToAbsl(ValueTypeName(found))));
}

namespace internal {
namespace {

bool IsInteger(ValueType type) {
  return type == ValueType::kInt64 || type == ValueType::kInt32;
}

ValueView Make(bool v) { return ValueView::Bool(v); }
ValueView Make(std::int32_t v) { return ValueView::Int32(v); }
ValueView Make(std::int64_t v) { return ValueView::Int64(v); }
ValueView Make(double v) { return ValueView::Double(v); }
ValueView Make(const std::string& v) { return ValueView::Text(v); }
ValueView Make(const Bytes& v) {
  return ValueView::Bytes(ValueType::kBytes, v.data);
}
ValueView Make(Timestamp v) { return ValueView::Of(v); }
ValueView Make(Date v) { return ValueView::Of(v); }
ValueView Make(const Decimal& v) {
  return ValueView::Bytes(ValueType::kDecimal, v.text());
}
ValueView Make(const Uuid& v) { return ValueView::Of(v); }
ValueView Make(const Json& v) {
  return ValueView::Bytes(ValueType::kJson, v.text);
}

// Databases answer with what they store; a bool of SQLite is an integer there,
// so an integer is taken for a bool, and text for what is written as text.
absl::Status Get(const ValueView& view, bool* out) {
  if (view.type() != ValueType::kBool && !IsInteger(view.type())) {
    return WrongType(ValueType::kBool, view.type());
  }
  *out = view.integer() != 0;
  return absl::OkStatus();
}

absl::Status Get(const ValueView& view, std::int64_t* out) {
  if (!IsInteger(view.type())) return WrongType(ValueType::kInt64, view.type());
  *out = view.integer();
  return absl::OkStatus();
}

absl::Status Get(const ValueView& view, std::int32_t* out) {
  if (!IsInteger(view.type())) return WrongType(ValueType::kInt32, view.type());
  if (view.integer() < std::numeric_limits<std::int32_t>::min() ||
      view.integer() > std::numeric_limits<std::int32_t>::max()) {
    return absl::OutOfRangeError("integer does not fit in 32 bits");
  }
  *out = static_cast<std::int32_t>(view.integer());
  return absl::OkStatus();
}

absl::Status Get(const ValueView& view, double* out) {
  if (view.type() == ValueType::kDouble) {
    *out = view.real();
  } else if (IsInteger(view.type())) {
    *out = static_cast<double>(view.integer());
  } else {
    return WrongType(ValueType::kDouble, view.type());
  }
  return absl::OkStatus();
}

absl::Status Get(const ValueView& view, std::string* out) {
  if (view.type() != ValueType::kText) {
    return WrongType(ValueType::kText, view.type());
  }
  out->assign(view.bytes());
  return absl::OkStatus();
}

absl::Status Get(const ValueView& view, Bytes* out) {
  if (view.type() != ValueType::kBytes) {
    return WrongType(ValueType::kBytes, view.type());
  }
  out->data.assign(view.bytes());
  return absl::OkStatus();
}

absl::Status Get(const ValueView& view, Timestamp* out) {
  if (view.type() == ValueType::kTimestamp) {
    out->microseconds = view.integer();
    return absl::OkStatus();
  }
  if (view.type() != ValueType::kText) {
    return WrongType(ValueType::kTimestamp, view.type());
  }
  absl::StatusOr<Timestamp> parsed = Timestamp::Parse(view.bytes());
  if (!parsed.ok()) return parsed.status();
  *out = *parsed;
  return absl::OkStatus();
}

absl::Status Get(const ValueView& view, Date* out) {
  if (view.type() == ValueType::kDate) {
    out->days = static_cast<std::int32_t>(view.integer());
    return absl::OkStatus();
  }
  if (view.type() != ValueType::kText) {
    return WrongType(ValueType::kDate, view.type());
  }
  absl::StatusOr<Date> parsed = Date::Parse(view.bytes());
  if (!parsed.ok()) return parsed.status();
  *out = *parsed;
  return absl::OkStatus();
}

absl::Status Get(const ValueView& view, Decimal* out) {
  std::string digits;
  if (IsInteger(view.type())) {
    digits = absl::StrCat(view.integer());
  } else if (view.type() == ValueType::kDecimal ||
             view.type() == ValueType::kText) {
    digits = std::string(view.bytes());
  } else {
    return WrongType(ValueType::kDecimal, view.type());
  }
  absl::StatusOr<Decimal> parsed = Decimal::Parse(digits);
  if (!parsed.ok()) return parsed.status();
  *out = *std::move(parsed);
  return absl::OkStatus();
}

absl::Status Get(const ValueView& view, Uuid* out) {
  if (view.type() == ValueType::kText) {
    absl::StatusOr<Uuid> parsed = Uuid::Parse(view.bytes());
    if (!parsed.ok()) return parsed.status();
    *out = *parsed;
    return absl::OkStatus();
  }
  if ((view.type() != ValueType::kUuid && view.type() != ValueType::kBytes) ||
      view.bytes().size() != out->bytes.size()) {
    return WrongType(ValueType::kUuid, view.type());
  }
  std::copy_n(view.bytes().data(), out->bytes.size(), out->bytes.begin());
  return absl::OkStatus();
}

absl::Status Get(const ValueView& view, Json* out) {
  if (view.type() != ValueType::kJson && view.type() != ValueType::kText) {
    return WrongType(ValueType::kJson, view.type());
  }
  out->text.assign(view.bytes());
  return absl::OkStatus();
}

}  // namespace

template <ValueType kColumnType, class T>
ValueView BuiltinAdapter<kColumnType, T>::View(const T& value, ByteArena&) {
  return Make(value);
}

template <ValueType kColumnType, class T>
absl::Status BuiltinAdapter<kColumnType, T>::Read(const ValueView& view,
                                                  T* out) {
  return Get(view, out);
}

template struct BuiltinAdapter<ValueType::kBool, bool>;
template struct BuiltinAdapter<ValueType::kInt32, std::int32_t>;
template struct BuiltinAdapter<ValueType::kInt64, std::int64_t>;
template struct BuiltinAdapter<ValueType::kDouble, double>;
template struct BuiltinAdapter<ValueType::kText, std::string>;
template struct BuiltinAdapter<ValueType::kBytes, Bytes>;
template struct BuiltinAdapter<ValueType::kTimestamp, Timestamp>;
template struct BuiltinAdapter<ValueType::kDate, Date>;
template struct BuiltinAdapter<ValueType::kDecimal, Decimal>;
template struct BuiltinAdapter<ValueType::kUuid, Uuid>;
template struct BuiltinAdapter<ValueType::kJson, Json>;

}  // namespace internal
}  // namespace shard::sql
