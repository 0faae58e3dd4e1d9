// Functions of SQL, typed.
#ifndef SHARD_SQL_FUNCTIONS_H_
#define SHARD_SQL_FUNCTIONS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "shard/sql/typed_expression.h"

namespace shard {

namespace sql::internal {
template <class T>
Expr<T> Aggregate(std::string_view name, std::vector<Expression> arguments) {
  return {Function(name, std::move(arguments), FunctionKind::kAggregate,
                   TypeAdapter<T>::kType)};
}
template <class T>
Expr<T> Scalar(std::string_view name, std::vector<Expression> arguments) {
  return {Function(name, std::move(arguments), FunctionKind::kScalar,
                   TypeAdapter<T>::kType)};
}
}  // namespace sql::internal

// Aggregates. Of no rows they are NULL, except Count.
Expr<std::int64_t> Count();  // COUNT(*)
template <SqlExpression X>
Expr<std::int64_t> Count(const X& x) {
  return sql::internal::Aggregate<std::int64_t>("count", {ToExpression(x)});
}
template <SqlExpression X>
Expr<std::int64_t> CountDistinct(const X& x) {
  return {sql::CountDistinct(ToExpression(x))};
}
template <SqlExpression X>
Expr<ValueOf<X>> Min(const X& x) {
  return sql::internal::Aggregate<ValueOf<X>>("min", {ToExpression(x)});
}
template <SqlExpression X>
Expr<ValueOf<X>> Max(const X& x) {
  return sql::internal::Aggregate<ValueOf<X>>("max", {ToExpression(x)});
}
// The sum of 32-bit integers is a 64-bit one. (PostgreSQL sums 64-bit integers
// as NUMERIC; the cast makes both engines answer alike or fail when too large.)
template <SqlExpression X>
requires kIsSqlNumber<ValueOf<X>>
auto Sum(const X& x) {
  using T = ValueOf<X>;
  if constexpr (std::is_integral_v<T>) {
    return Cast<std::int64_t>(
        sql::internal::Aggregate<std::int64_t>("sum", {ToExpression(x)}));
  } else {
    return sql::internal::Aggregate<T>("sum", {ToExpression(x)});
  }
}
template <SqlExpression X>
requires kIsSqlNumber<ValueOf<X>> Expr<double> Avg(const X& x) {
  return Cast<double>(
      sql::internal::Aggregate<double>("avg", {ToExpression(x)}));
}

// Functions of one row's values.
template <SqlExpression X>
requires std::is_same_v<ValueOf<X>, std::string> Expr<std::string> Lower(
    const X& x) {
  return sql::internal::Scalar<std::string>("lower", {ToExpression(x)});
}
template <SqlExpression X>
requires std::is_same_v<ValueOf<X>, std::string> Expr<std::string> Upper(
    const X& x) {
  return sql::internal::Scalar<std::string>("upper", {ToExpression(x)});
}
template <SqlExpression X>
requires std::is_same_v<ValueOf<X>, std::string> Expr<std::int64_t> Length(
    const X& x) {  // in characters
  return sql::internal::Scalar<std::int64_t>("length", {ToExpression(x)});
}
template <SqlExpression X>
requires kIsSqlNumber<ValueOf<X>> Expr<ValueOf<X>> Abs(const X& x) {
  return sql::internal::Scalar<ValueOf<X>>("abs", {ToExpression(x)});
}
template <SqlExpression X, SqlOperand<ValueOf<X>> R>
Expr<ValueOf<X>> Coalesce(const X& x, const R& otherwise) {
  return sql::internal::Scalar<ValueOf<X>>(
      "coalesce", {ToExpression(x), OperandOf<ValueOf<X>>(otherwise)});
}

// Any function by name, with a result of type T:
//   Func<std::string>("substr", c.name, 1, 3)
// A statement over several shards refuses it, since what it does with rows is
// not known; ScalarFunc says that it looks at one row only.
template <class T, class... Args>
Expr<T> Func(std::string_view name, const Args&... args);
template <class T, class... Args>
Expr<T> ScalarFunc(std::string_view name, const Args&... args);

// CASE WHEN a THEN x WHEN b THEN y ELSE z END:
//   Case<std::string>().When(c.balance < 0, "red").Else("black")
template <class T>
class Case {
 public:
  template <SqlCondition C, SqlOperand<T> V>
  Case& When(const C& condition, const V& value) {
    branches_.emplace_back(ToExpression(condition), OperandOf<T>(value));
    return *this;
  }
  template <SqlOperand<T> V>
  Expr<T> Else(const V& value) {
    return {sql::Case(branches_, OperandOf<T>(value))};
  }
  Expr<T> End() { return {sql::Case(branches_)}; }  // else NULL

 private:
  std::vector<std::pair<sql::Expression, sql::Expression>> branches_;
};

// Implementation only below.

namespace sql::internal {
template <class A>
Expression Argument(const A& argument) {
  if constexpr (SqlExpression<A>) {
    return ToExpression(argument);
  } else {
    return Literal(Value(argument));
  }
}
}  // namespace sql::internal

template <class T, class... Args>
Expr<T> Func(std::string_view name, const Args&... args) {
  return {sql::Function(name, {sql::internal::Argument(args)...},
                        sql::FunctionKind::kUnknown,
                        sql::TypeAdapter<T>::kType)};
}

template <class T, class... Args>
Expr<T> ScalarFunc(std::string_view name, const Args&... args) {
  return sql::internal::Scalar<T>(name, {sql::internal::Argument(args)...});
}

inline Expr<std::int64_t> Count() { return {sql::CountRows()}; }

}  // namespace shard

#endif  // SHARD_SQL_FUNCTIONS_H_
