// How a C++ type becomes a database value and comes back.
//
// Built in: bool, std::int32_t, std::int64_t, double, std::string, Bytes,
// Timestamp, Date, Decimal, Uuid, Json, and std::optional of each (NULL).
//
// A type of your own (an enum, a strong id) is stored as one of these through
// one trait:
//
//   enum class Color { kRed, kBlue };
//   template <> struct shard::CustomType<Color> {
//     using Stored = std::string;
//     static std::string ToStored(Color c) { return c == Color::kRed ? "r" :
//     "b"; } static absl::StatusOr<Color> FromStored(const std::string& s);
//   };
//
// With `static Stored StoreNone()` besides, nullopt of a std::optional<Color>
// is stored as what that gives instead of NULL.
#ifndef SHARD_SQL_TYPE_ADAPTER_H_
#define SHARD_SQL_TYPE_ADAPTER_H_

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/types.h"
#include "shard/sql/value.h"

namespace shard {

// Specialise for a type of your own; see the top of this file. FromStored may
// fail: a row that holds what the type does not know is an error, not a crash.
template <class T>
struct CustomType;

namespace sql {

// kInvalidArgument that names both types.
absl::Status WrongType(ValueType expected, ValueType found);

// kType, View (points into `value`, or into `arena` where a temporary must be
// kept) and Read (kInvalidArgument for another type or NULL).
template <class T>
struct TypeAdapter;

namespace internal {
template <ValueType kColumnType, class T>
struct BuiltinAdapter {
  static constexpr ValueType kType = kColumnType;
  static ValueView View(const T& value, ByteArena&);
  static absl::Status Read(const ValueView& view, T* out);
};
extern template struct BuiltinAdapter<ValueType::kBool, bool>;
extern template struct BuiltinAdapter<ValueType::kInt32, std::int32_t>;
extern template struct BuiltinAdapter<ValueType::kInt64, std::int64_t>;
extern template struct BuiltinAdapter<ValueType::kDouble, double>;
extern template struct BuiltinAdapter<ValueType::kText, std::string>;
extern template struct BuiltinAdapter<ValueType::kBytes, Bytes>;
extern template struct BuiltinAdapter<ValueType::kTimestamp, Timestamp>;
extern template struct BuiltinAdapter<ValueType::kDate, Date>;
extern template struct BuiltinAdapter<ValueType::kDecimal, Decimal>;
extern template struct BuiltinAdapter<ValueType::kUuid, Uuid>;
extern template struct BuiltinAdapter<ValueType::kJson, Json>;
}  // namespace internal

template <>
struct TypeAdapter<bool> : internal::BuiltinAdapter<ValueType::kBool, bool> {};
template <>
struct TypeAdapter<std::int32_t>
    : internal::BuiltinAdapter<ValueType::kInt32, std::int32_t> {};
template <>
struct TypeAdapter<std::int64_t>
    : internal::BuiltinAdapter<ValueType::kInt64, std::int64_t> {};
template <>
struct TypeAdapter<double>
    : internal::BuiltinAdapter<ValueType::kDouble, double> {};
template <>
struct TypeAdapter<std::string>
    : internal::BuiltinAdapter<ValueType::kText, std::string> {};
template <>
struct TypeAdapter<Bytes> : internal::BuiltinAdapter<ValueType::kBytes, Bytes> {
};
template <>
struct TypeAdapter<Timestamp>
    : internal::BuiltinAdapter<ValueType::kTimestamp, Timestamp> {};
template <>
struct TypeAdapter<Date> : internal::BuiltinAdapter<ValueType::kDate, Date> {};
template <>
struct TypeAdapter<Decimal>
    : internal::BuiltinAdapter<ValueType::kDecimal, Decimal> {};
template <>
struct TypeAdapter<Uuid> : internal::BuiltinAdapter<ValueType::kUuid, Uuid> {};
template <>
struct TypeAdapter<Json> : internal::BuiltinAdapter<ValueType::kJson, Json> {};

namespace internal {
// Of a temporary: what it points to is kept in `arena`.
template <class T>
ValueView StoredView(const typename CustomType<T>::Stored& stored,
                     ByteArena& arena) {
  const ValueView view =
      TypeAdapter<typename CustomType<T>::Stored>::View(stored, arena);
  return view.holds_bytes()
             ? ValueView::Bytes(view.type(), arena.Copy(view.bytes()))
             : view;
}
}  // namespace internal

template <class T>
requires requires { typename CustomType<T>::Stored; }
struct TypeAdapter<T> {
  using Stored = typename CustomType<T>::Stored;
  static constexpr ValueType kType = TypeAdapter<Stored>::kType;
  static ValueView View(const T& value, ByteArena& arena) {
    return internal::StoredView<T>(CustomType<T>::ToStored(value), arena);
  }
  static absl::Status Read(const ValueView& view, T* out) {
    Stored stored{};
    absl::Status status = TypeAdapter<Stored>::Read(view, &stored);
    if (!status.ok()) return status;
    absl::StatusOr<T> value = CustomType<T>::FromStored(std::move(stored));
    if (!value.ok()) return value.status();
    *out = *std::move(value);
    return absl::OkStatus();
  }
};

// A CustomType whose nullopt is stored as a value of its own, not as NULL:
// StoreNone() gives it. A NULL in the database is nullopt too.
template <class T>
concept StoresNone = requires {
  {
    CustomType<T>::StoreNone()
    } -> std::same_as<typename CustomType<T>::Stored>;
};

template <class T>
struct TypeAdapter<std::optional<T>> {
  static constexpr ValueType kType = TypeAdapter<T>::kType;
  static ValueView View(const std::optional<T>& value, ByteArena& arena) {
    if (value.has_value()) return TypeAdapter<T>::View(*value, arena);
    if constexpr (StoresNone<T>) {
      return internal::StoredView<T>(CustomType<T>::StoreNone(), arena);
    } else {
      return ValueView();
    }
  }
  static absl::Status Read(const ValueView& view, std::optional<T>* out) {
    if (view.is_null()) {
      out->reset();
      return absl::OkStatus();
    }
    if constexpr (StoresNone<T>) {
      typename CustomType<T>::Stored stored{};
      absl::Status status =
          TypeAdapter<typename CustomType<T>::Stored>::Read(view, &stored);
      if (!status.ok() || stored == CustomType<T>::StoreNone()) {
        out->reset();
        return status;
      }
    }
    return TypeAdapter<T>::Read(view, &out->emplace());
  }
};

// std::optional<T> -> T; anything else stays.
template <class T>
struct StripOptional {
  using type = T;
  static constexpr bool kNullable = false;
};
template <class T>
struct StripOptional<std::optional<T>> {
  using type = T;
  static constexpr bool kNullable = true;
};
template <class T>
using Bare = typename StripOptional<T>::type;

// An owned Value of any type that has an adapter.
template <class T>
Value ToValue(const T& value) {
  ByteArena arena;
  return Value(TypeAdapter<T>::View(value, arena));
}

}  // namespace sql
}  // namespace shard

#endif  // SHARD_SQL_TYPE_ADAPTER_H_
