// Options of a field, behind its column's name:
//
//   Field<F, std::int64_t, "id", PrimaryKey> id;
//
// Version and its like are in row_version.h.
#ifndef SHARD_SESSION_FIELD_OPTIONS_H_
#define SHARD_SESSION_FIELD_OPTIONS_H_

#include <concepts>
#include <optional>
#include <string>

#include "shard/session/field_traits.h"
#include "shard/session/fixed_string.h"
#include "shard/session/row_version.h"
#include "shard/sql/column.h"
#include "shard/sql/expression.h"
#include "shard/sql/type_adapter.h"
#include "shard/sql/typed_expression.h"

namespace shard {

// Part of the primary key.
struct PrimaryKey {
  static void Apply(sql::ColumnSpec& spec) { spec.primary_key = true; }
};

// SQL that the database uses when an INSERT leaves the column out, since the
// attribute is unset or nullopt; part of CREATE TABLE: ServerDefault<"'none'">,
// ServerDefault<"0">.
template <FixedString Sql>
struct ServerDefault {
  static void Apply(sql::ColumnSpec& spec) {
    spec.server_default = std::string(Sql.view());
  }
};

namespace internal {
// A literal for a value, the tree for an Expr.
template <auto Default>
sql::Expression MakeDefault() {
  if constexpr (std::invocable<decltype(Default)>) {
    auto made = Default();
    if constexpr (SqlExpression<decltype(made)>) {
      return ToExpression(made);
    } else {
      return sql::Literal(sql::ToValue(made));
    }
  } else {
    return sql::Literal(sql::ToValue(Default));
  }
}
}  // namespace internal

// What an INSERT uses when the attribute is unset, or nullopt: a number, or a
// function of no arguments that returns a value or an SQL expression:
// ClientDefault<0>, ClientDefault<&Timestamp::Now>. (A lambda is fine too, but
// not in a header: it would be another type in every file.)
template <auto Default>
struct ClientDefault {
  static void Apply(sql::ColumnSpec& spec) {
    spec.client_default = &internal::MakeDefault<Default>;
  }
};

// The same for an UPDATE that changes other columns of the row.
template <auto Default>
struct OnUpdate {
  static void Apply(sql::ColumnSpec& spec) {
    spec.onupdate = &internal::MakeDefault<Default>;
  }
};

// nullopt is a value to store, not the lack of one: an INSERT binds NULL (or
// what the type's StoreNone() gives) past any default.
struct EvaluatesNone {
  static constexpr void Apply(FieldTraits& traits) {
    traits.evaluates_none = true;
  }
};

// Not read together with the object, but by a SELECT of its own when it is
// first used: for large values that few readers want. Written like any other.
// One query reads it at once with Select<E>().Undefer(c.body). Not for keys.
struct Deferred {
  static constexpr void Apply(FieldTraits& traits) { traits.deferred = true; }
};

namespace internal {
template <class Option, class Target>
constexpr void ApplyOption(Target& target) {
  if constexpr (requires { Option::Apply(target); }) Option::Apply(target);
}
template <class... Options>
void ApplyOptions(sql::ColumnSpec& spec) {
  (ApplyOption<Options>(spec), ...);
}
template <class T>
constexpr bool kStoresNone = false;
template <class T>
constexpr bool kStoresNone<std::optional<T>> = sql::StoresNone<T>;
template <class T>
constexpr bool kIsCustom = requires {
  typename CustomType<T>::Stored;
};
template <class T>
constexpr bool kIsCustom<std::optional<T>> = kIsCustom<T>;
template <class T, class... Options>
constexpr FieldTraits TraitsOf() {
  FieldTraits traits;
  traits.evaluates_none = kStoresNone<T>;
  traits.custom_type = kIsCustom<T>;
  (ApplyOption<Options>(traits), ...);
  return traits;
}
}  // namespace internal

}  // namespace shard

#endif  // SHARD_SESSION_FIELD_OPTIONS_H_
