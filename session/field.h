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
// The list is instantiated three times: as the object's attributes, as the
// class's columns, and as a plain struct of values, E::Row. std::optional makes
// a column nullable.
//
// What an INSERT writes for an attribute, by the options of its field:
//
//                  unset        std::nullopt  Null()
//   no option      NULL         NULL          NULL
//   ServerDefault  the default  the default   NULL
//   ClientDefault  the default  the default   NULL
//   EvaluatesNone  its default  NULL          NULL
//
// An UPDATE knows no defaults: nullopt and Null() write NULL. The options are
// in field_options.h.
#ifndef SHARD_SESSION_FIELD_H_
#define SHARD_SESSION_FIELD_H_

#include <type_traits>

#include "shard/session/attribute.h"
#include "shard/session/field_options.h"
#include "shard/session/fixed_string.h"
#include "shard/session/mapping.h"
#include "shard/sql/column.h"
#include "shard/sql/dml.h"
#include "shard/sql/expression.h"
#include "shard/sql/type_adapter.h"
#include "shard/sql/typed_expression.h"

namespace shard {

// A column of class E in SQL expressions: the type of E::c.name. Empty.
template <class E, class T, FixedString Name, class... Options>
struct MappedColumn {
  using value_type = T;
  using entity_type = E;

  static const sql::Column& column() {
    static const sql::Column& column = *E::table().FindColumn(Name.view());
    return column;
  }
  static constexpr FieldInfo kInfo{Name.view(),
                                   sql::TypeAdapter<T>::kType,
                                   sql::StripOptional<T>::kNullable,
                                   &kAttributeOps<T>,
                                   &internal::ApplyOptions<Options...>,
                                   internal::TraitsOf<T, Options...>()};

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

// What Field makes of the list: attributes of objects, columns of E, or values.
struct AsAttributes {
  template <class T, FixedString Name, class... Options>
  using Apply = Attribute<T>;
};
template <class E>
struct AsColumns {
  template <class T, FixedString Name, class... Options>
  using Apply = MappedColumn<E, T, Name, Options...>;
};
struct AsValues {
  template <class T, FixedString Name, class... Options>
  using Apply = T;
};

template <class F, class T, FixedString Name, class... Options>
using Field = typename F::template Apply<T, Name, Options...>;

}  // namespace shard

#endif  // SHARD_SESSION_FIELD_H_
