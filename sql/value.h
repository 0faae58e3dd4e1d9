// One value as databases know it: owned (Value) or only looked at (ValueView).
#ifndef SHARD_SQL_VALUE_H_
#define SHARD_SQL_VALUE_H_

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "shard/sql/types.h"
#include "shard/sql/value_type.h"

namespace shard::sql {

// A value without its memory: text, bytes, decimals, JSON and UUIDs point to
// bytes owned elsewhere, which must outlive the view. 24 bytes, trivially
// copyable; what rows and parameters are made of between session and driver.
class ValueView {
 public:
  ValueView() = default;  // NULL
  static ValueView Bool(bool v) { return Number(ValueType::kBool, v); }
  static ValueView Int32(std::int32_t v) {
    return Number(ValueType::kInt32, v);
  }
  static ValueView Int64(std::int64_t v) {
    return Number(ValueType::kInt64, v);
  }
  static ValueView Double(double v) {
    ValueView view;
    view.type_ = ValueType::kDouble;
    view.double_ = v;
    return view;
  }
  static ValueView Of(Timestamp v) {
    return Number(ValueType::kTimestamp, v.microseconds);
  }
  static ValueView Of(Date v) { return Number(ValueType::kDate, v.days); }
  static ValueView Of(const Uuid& v) {
    return Bytes(ValueType::kUuid,
                 {reinterpret_cast<const char*>(v.bytes.data()), 16});
  }
  static ValueView Text(std::string_view v) {
    return Bytes(ValueType::kText, v);
  }
  // `type` is one of kText, kBytes, kDecimal, kUuid (16 bytes), kJson.
  static ValueView Bytes(ValueType type, std::string_view v) {
    ValueView view;
    view.type_ = type;
    view.data_ = v.data();
    view.size_ = v.size();
    return view;
  }

  ValueType type() const { return type_; }
  bool is_null() const { return type_ == ValueType::kNull; }
  // kBool, kInt32, kInt64; also kTimestamp (microseconds) and kDate (days).
  std::int64_t integer() const { return integer_; }
  double real() const { return double_; }
  // kText, kBytes, kDecimal (its text), kJson (its text), kUuid (16 bytes).
  std::string_view bytes() const { return {data_, size_}; }
  bool holds_bytes() const {
    switch (type_) {
      case ValueType::kText:
      case ValueType::kBytes:
      case ValueType::kDecimal:
      case ValueType::kUuid:
      case ValueType::kJson:
        return true;
      default:
        return false;
    }
  }

  // Same type (kInt32 and kInt64 count as one) and same value. Decimals compare
  // as numbers. NULL equals NULL: this is identity, not SQL's "=".
  friend bool operator==(const ValueView& a, const ValueView& b);

 private:
  static ValueView Number(ValueType type, std::int64_t v) {
    ValueView view;
    view.type_ = type;
    view.integer_ = v;
    return view;
  }

  ValueType type_ = ValueType::kNull;
  std::size_t size_ = 0;
  union {
    std::int64_t integer_ = 0;
    double double_;
    const char* data_;
  };
};

// A value that owns its bytes.
class Value {
 public:
  Value() = default;                                        // NULL
  template <std::same_as<bool> B>                           // no pointers
  Value(B v) : Value(ValueView::Bool(v)) {}                 // NOLINT
  Value(std::int32_t v) : Value(ValueView::Int32(v)) {}     // NOLINT
  Value(std::int64_t v) : Value(ValueView::Int64(v)) {}     // NOLINT
  Value(long long v) : Value(ValueView::Int64(v)) {}        // NOLINT
  Value(double v) : Value(ValueView::Double(v)) {}          // NOLINT
  Value(const char* v) : Value(ValueView::Text(v)) {}       // NOLINT
  Value(std::string_view v) : Value(ValueView::Text(v)) {}  // NOLINT
  Value(std::string v);                                     // NOLINT
  Value(const shard::Bytes& v)                              // NOLINT
      : Value(ValueView::Bytes(ValueType::kBytes, v.data)) {}
  Value(Timestamp v) : Value(ValueView::Of(v)) {}  // NOLINT
  Value(Date v) : Value(ValueView::Of(v)) {}       // NOLINT
  Value(const Decimal& v)                          // NOLINT
      : Value(ValueView::Bytes(ValueType::kDecimal, v.text())) {}
  Value(const Uuid& v) : Value(ValueView::Of(v)) {}  // NOLINT
  Value(const Json& v)                               // NOLINT
      : Value(ValueView::Bytes(ValueType::kJson, v.text)) {}
  explicit Value(const ValueView& view);

  ValueType type() const { return scalar_.type(); }
  bool is_null() const { return scalar_.is_null(); }
  // Valid while this value lives and is not assigned to.
  ValueView view() const {
    return scalar_.holds_bytes() ? ValueView::Bytes(scalar_.type(), bytes_)
                                 : scalar_;
  }

  friend bool operator==(const Value& a, const Value& b) {
    return a.view() == b.view();
  }

 private:
  ValueView scalar_;   // its type; its number unless it holds bytes
  std::string bytes_;  // its bytes, where it holds bytes
};

// A short text for messages and screens: NULL, 12, 'text', X'..'. Never put it
// into a Status: bound values do not belong in error messages.
std::string DebugString(const ValueView& value);

}  // namespace shard::sql

#endif  // SHARD_SQL_VALUE_H_
