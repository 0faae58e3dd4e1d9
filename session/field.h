// The fields of a mapped class, declared once:
//
//   template <class F>
//   struct AccountFields {
//     Field<F, std::int64_t, "id", PrimaryKey> id;
//     Field<F, std::string, "owner"> owner;
//     Field<F, std::optional<std::string>, "note", ServerDefault<"'none'">>
//     note; Field<F, Timestamp, "opened", ClientDefault<&Timestamp::Now>>
//     opened;
//   };
//
// The list is instantiated twice: as the object's attributes and as the class's
// columns. std::optional makes a column nullable.
#ifndef SHARD_SESSION_FIELD_H_
#define SHARD_SESSION_FIELD_H_

#include <concepts>
#include <string>
#include <type_traits>

#include "shard/session/attribute.h"
#include "shard/session/fixed_string.h"
#include "shard/session/mapping.h"
#include "shard/sql/column.h"
#include "shard/sql/dml.h"
#include "shard/sql/expression.h"
#include "shard/sql/type_adapter.h"
#include "shard/sql/typed_expression.h"

namespace shard {

// Options of a field.

// Part of the primary key.
struct PrimaryKey {
  static void Apply(sql::ColumnSpec& spec) { spec.primary_key = true; }
};

// SQL that the database uses when an INSERT leaves the column out; part of
// CREATE TABLE: ServerDefault<"'none'">, ServerDefault<"0">.
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

// What an INSERT uses when the attribute is unset: a number, or a function of
// no arguments that returns a value or an SQL expression: ClientDefault<0>,
// ClientDefault<&Timestamp::Now>. (A lambda is fine too, but not in a header:
// it would be another type in every file.)
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

namespace internal {
template <class... Options>
void ApplyOptions(sql::ColumnSpec& spec) {
  (Options::Apply(spec), ...);
}
}  // namespace internal

// A column of class E in SQL expressions: the type of E::c.name. Empty.
template <class E, class T, FixedString Name, class... Options>
struct MappedColumn {
  using value_type = T;
  using entity_type = E;

  static const sql::Column& column() {
    static const sql::Column& column = *E::table().FindColumn(Name.view());
    return column;
  }
  static constexpr FieldInfo kInfo{
      Name.view(), sql::TypeAdapter<T>::kType, sql::StripOptional<T>::kNullable,
      &kAttributeOps<T>, &internal::ApplyOptions<Options...>};

  // `c.balance = 5` and `c.balance = c.balance + 1` for Update and Insert.
  template <SqlOperand<sql::Bare<T>> V>
  sql::ColumnAssignment operator=(const V& value) const {
    return {&column(), OperandOf<sql::Bare<T>>(value)};
  }
  sql::ColumnAssignment operator=(NullExpression) const {
    return {&column(), sql::Null()};
  }
};

template <class E, class T, FixedString Name, class... Options>
const sql::Expression& ToExpression(
    const MappedColumn<E, T, Name, Options...>&) {
  return MappedColumn<E, T, Name, Options...>::column().expression();
}

// What Field makes of the list: attributes of objects, or columns of E.
struct AsAttributes {
  template <class T, FixedString Name, class... Options>
  using Apply = Attribute<T>;
};
template <class E>
struct AsColumns {
  template <class T, FixedString Name, class... Options>
  using Apply = MappedColumn<E, T, Name, Options...>;
};

template <class F, class T, FixedString Name, class... Options>
using Field = typename F::template Apply<T, Name, Options...>;

}  // namespace shard

#endif  // SHARD_SESSION_FIELD_H_
