// SQL expressions that know the C++ type of their value.
//
//   c.balance + 1          Expr<int64_t>
//   c.id == 7              Expr<bool>; c.id == "seven" does not compile
//   c.region == "eu" && !c.closed
//
// An operand is a mapped column, an Expr, or a plain C++ value, which is bound
// as a parameter. Nullable columns count as their bare type. Types exist only
// here: what is built is the untyped tree of expression.h.
#ifndef SHARD_SQL_TYPED_EXPRESSION_H_
#define SHARD_SQL_TYPED_EXPRESSION_H_

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "shard/sql/expression.h"
#include "shard/sql/select.h"
#include "shard/sql/type_adapter.h"

namespace shard {

// An expression with a value of type T. Cheap to copy.
template <class T>
struct Expr {
  using value_type = T;
  sql::Expression expression;
};

// A mapped column or an Expr.
template <class X>
concept SqlExpression = requires(const X& x) {
  typename X::value_type;
  { ToExpression(x) } -> std::convertible_to<sql::Expression>;
};

template <class T>
const sql::Expression& ToExpression(const Expr<T>& expr) {
  return expr.expression;
}

// The C++ type of an expression's value, without std::optional.
template <class X>
using ValueOf = sql::Bare<typename X::value_type>;

namespace sql::internal {
// Whether a V may stand for a T without losing anything.
template <class V, class T>
constexpr bool FitsInto() {
  if constexpr (std::is_same_v<V, T>) {
    return true;
  } else if constexpr (std::is_arithmetic_v<T>) {
    if constexpr (!std::is_arithmetic_v<V> || std::is_same_v<V, bool> ||
                  std::is_same_v<T, bool>) {
      return false;
    } else if constexpr (std::is_floating_point_v<T>) {
      return true;
    } else {
      return std::is_integral_v<V> &&
             (std::is_signed_v<V> ? sizeof(V) <= sizeof(T)
                                  : sizeof(V) < sizeof(T));
    }
  } else if constexpr (std::is_same_v<T, std::string>) {
    // A null pointer would convert, and crash.
    return std::is_convertible_v<V, std::string_view> &&
           !std::is_null_pointer_v<V>;
  } else if constexpr (std::is_same_v<T, std::string>) {
    return std::is_convertible_v<V, std::string_view>;
  } else {
    return std::is_convertible_v<V, T>;
  }
}
}  // namespace sql::internal

// A plain C++ value that may stand beside an expression of type T.
template <class V, class T>
concept SqlLiteral = !SqlExpression<std::remove_cvref_t<V>> &&
                     sql::internal::FitsInto<std::decay_t<V>, T>();

// What may stand beside an expression of type T: a value or an expression.
template <class R, class T>
concept SqlOperand = SqlLiteral<R, T> ||
    (SqlExpression<std::remove_cvref_t<R>>&&
         std::is_same_v<ValueOf<std::remove_cvref_t<R>>, T>);

template <class T, class R>
sql::Expression OperandOf(const R& operand) {
  if constexpr (SqlExpression<R>) {
    return ToExpression(operand);
  } else {
    return sql::Literal(sql::ToValue<T>(static_cast<T>(operand)));
  }
}

template <class T>
constexpr bool kIsSqlNumber = (std::is_arithmetic_v<T> &&
                               !std::is_same_v<T, bool>) ||
                              std::is_same_v<T, Decimal>;

namespace sql::internal {
template <class Result, class L, class R>
Expr<Result> MakeBinary(BinaryOp op, const L& left, const R& right) {
  return {Binary(op, ToExpression(left), OperandOf<ValueOf<L>>(right))};
}
}  // namespace sql::internal

// The operators; a macro since C++ has no other way to name an operator.
#define SHARD_SQL_COMPARISON_(symbol, op)                                   \
  template <SqlExpression L, SqlOperand<ValueOf<L>> R>                      \
  Expr<bool> operator symbol(const L& left, const R& right) {               \
    return sql::internal::MakeBinary<bool>(sql::BinaryOp::op, left, right); \
  }
SHARD_SQL_COMPARISON_(==, kEqual)
SHARD_SQL_COMPARISON_(!=, kNotEqual)
SHARD_SQL_COMPARISON_(<, kLess)
SHARD_SQL_COMPARISON_(<=, kLessOrEqual)
SHARD_SQL_COMPARISON_(>, kGreater)
SHARD_SQL_COMPARISON_(>=, kGreaterOrEqual)
#undef SHARD_SQL_COMPARISON_

#define SHARD_SQL_ARITHMETIC_(symbol, op)                                 \
  template <SqlExpression L, SqlOperand<ValueOf<L>> R>                    \
  requires kIsSqlNumber<ValueOf<L>> Expr<ValueOf<L>>                      \
  operator symbol(const L& left, const R& right) {                        \
    return sql::internal::MakeBinary<ValueOf<L>>(sql::BinaryOp::op, left, \
                                                 right);                  \
  }
SHARD_SQL_ARITHMETIC_(+, kAdd)
SHARD_SQL_ARITHMETIC_(-, kSubtract)
SHARD_SQL_ARITHMETIC_(*, kMultiply)
SHARD_SQL_ARITHMETIC_(/, kDivide)
SHARD_SQL_ARITHMETIC_(%, kModulo)
#undef SHARD_SQL_ARITHMETIC_

// Text: "||" of SQL.
template <SqlExpression L, SqlOperand<std::string> R>
requires std::is_same_v<ValueOf<L>, std::string> Expr<std::string>
operator+(const L& left, const R& right) {
  return sql::internal::MakeBinary<std::string>(sql::BinaryOp::kConcat, left,
                                                right);
}

template <SqlExpression X>
requires kIsSqlNumber<ValueOf<X>> Expr<ValueOf<X>>
operator-(const X& x) {
  return {sql::Unary(sql::UnaryOp::kNegate, ToExpression(x))};
}

template <class X>
concept SqlCondition = SqlExpression<X> && std::is_same_v < ValueOf<X>,
bool > ;

template <SqlCondition L, SqlCondition R>
Expr<bool> operator&&(const L& left, const R& right) {
  return {sql::And(ToExpression(left), ToExpression(right))};
}
template <SqlCondition L, SqlCondition R>
Expr<bool> operator||(const L& left, const R& right) {
  return {sql::Or(ToExpression(left), ToExpression(right))};
}
template <SqlCondition X>
Expr<bool> operator!(const X& x) {
  return {sql::Unary(sql::UnaryOp::kNot, ToExpression(x))};
}

template <SqlExpression X>
Expr<bool> IsNull(const X& x) {
  return {sql::Unary(sql::UnaryOp::kIsNull, ToExpression(x))};
}
template <SqlExpression X>
Expr<bool> IsNotNull(const X& x) {
  return {sql::Unary(sql::UnaryOp::kIsNotNull, ToExpression(x))};
}

// A container of what may stand beside an expression of type T.
template <class List, class T>
concept SqlList = requires(const List& list) {
  { *std::begin(list) } -> SqlOperand<T>;
  std::end(list);
};

// x IN (list); an empty list is never true. Also for any container of values.
template <SqlExpression X,
          SqlList<ValueOf<X>> List = std::initializer_list<ValueOf<X>>>
Expr<bool> In(const X& x, const List& list) {
  std::vector<sql::Expression> items;
  for (const auto& item : list) items.push_back(OperandOf<ValueOf<X>>(item));
  return {sql::In(ToExpression(x), std::move(items))};
}
template <SqlExpression X,
          SqlList<ValueOf<X>> List = std::initializer_list<ValueOf<X>>>
Expr<bool> NotIn(const X& x, const List& list) {
  std::vector<sql::Expression> items;
  for (const auto& item : list) items.push_back(OperandOf<ValueOf<X>>(item));
  return {sql::In(ToExpression(x), std::move(items), /*negated=*/true)};
}

template <SqlExpression X, SqlOperand<ValueOf<X>> L, SqlOperand<ValueOf<X>> H>
Expr<bool> Between(const X& x, const L& low, const H& high) {
  return {sql::Between(ToExpression(x), OperandOf<ValueOf<X>>(low),
                       OperandOf<ValueOf<X>>(high))};
}

// '%' any text, '_' any character, '\' escapes; case counts on every engine.
template <SqlExpression X, SqlOperand<std::string> R>
requires std::is_same_v<ValueOf<X>, std::string> Expr<bool> Like(
    const X& x, const R& pattern) {
  return sql::internal::MakeBinary<bool>(sql::BinaryOp::kLike, x, pattern);
}

// Order and comparison by another collation; "C" is by bytes everywhere.
template <SqlExpression X>
Expr<ValueOf<X>> Collate(const X& x, std::string_view collation) {
  return {sql::Collate(ToExpression(x), collation)};
}

template <class T, SqlExpression X>
Expr<T> Cast(const X& x) {
  return {sql::Cast(ToExpression(x), sql::TypeAdapter<T>::kType)};
}

// SQL text as an expression of type T, with ":name" parameters. The text goes
// into the statement as it is: never build it from untrusted input.
template <class T>
Expr<T> SqlText(std::string_view text,
                std::vector<std::pair<std::string, sql::Value>> values = {}) {
  return {sql::Text(text, std::move(values), sql::TypeAdapter<T>::kType)};
}

// ":name", given its value when the statement runs.
template <class T>
Expr<T> Param(std::string_view name) {
  return {sql::Parameter(name, sql::TypeAdapter<T>::kType)};
}

// The word NULL itself: assigned to an attribute it bypasses every default.
struct NullExpression {};
inline NullExpression Null() { return {}; }

// Untyped columns and expressions, taken at their word.
template <class T>
Expr<T> Typed(sql::Expression expression) {
  return {std::move(expression)};
}

// Terms of ORDER BY.
template <SqlExpression X>
sql::OrderTerm Asc(const X& x, sql::NullOrder nulls = sql::NullOrder::kEngine) {
  return {ToExpression(x), false, nulls};
}
template <SqlExpression X>
sql::OrderTerm Desc(const X& x,
                    sql::NullOrder nulls = sql::NullOrder::kEngine) {
  return {ToExpression(x), true, nulls};
}

}  // namespace shard

#endif  // SHARD_SQL_TYPED_EXPRESSION_H_
