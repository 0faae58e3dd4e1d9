// SELECT with types: Select<Account>() and Select(c.owner, Count()), built in
// session/query.h.
#ifndef SHARD_SQL_TYPED_SELECT_H_
#define SHARD_SQL_TYPED_SELECT_H_

#include <cstdint>
#include <tuple>
#include <utility>

#include "shard/sql/class_info.h"
#include "shard/sql/select.h"
#include "shard/sql/statement.h"
#include "shard/sql/typed_expression.h"

namespace shard {

namespace sql::internal {
inline OrderTerm ToOrderTerm(OrderTerm term) { return term; }
template <SqlExpression X>
OrderTerm ToOrderTerm(const X& x) {
  return Asc(x);
}

// What all TypedSelects have in common, compiled once.
class SelectBase {
 public:
  SelectBase(SelectStatement statement, const ClassInfo* class_info);
  SelectBase(const SelectBase&);
  SelectBase(SelectBase&&) noexcept;
  SelectBase& operator=(const SelectBase&);
  SelectBase& operator=(SelectBase&&) noexcept;
  ~SelectBase();

  operator Statement() const;  // NOLINT: a SELECT is a statement
  const SelectStatement& statement() const { return statement_; }

 protected:
  void AddJoin(JoinKind kind, const Table& table, Expression on);
  SelectStatement statement_;

 private:
  const ClassInfo* class_info_;
};
}  // namespace sql::internal

// A SELECT whose rows are made of Ts: one mapped class, or values. A plain
// value; each method changes it and returns it, so calls chain. Convert it to
// an sql::Statement once to compile it once for many runs.
template <class... Ts>
class TypedSelect : public sql::internal::SelectBase {
 public:
  using SelectBase::SelectBase;

  template <SqlCondition C>
  TypedSelect& Where(const C& condition) {  // again: AND
    statement_.Where(ToExpression(condition));
    return *this;
  }
  // E: a mapped class; its columns are then usable in conditions.
  template <class E, SqlCondition C>
  TypedSelect& Join(const C& on) {
    AddJoin(sql::JoinKind::kInner, E::table(), ToExpression(on));
    return *this;
  }
  template <class E, SqlCondition C>
  TypedSelect& LeftJoin(const C& on) {
    AddJoin(sql::JoinKind::kLeft, E::table(), ToExpression(on));
    return *this;
  }
  template <class E>
  TypedSelect& From() {
    statement_.From(E::table());
    return *this;
  }
  template <SqlExpression... Xs>
  TypedSelect& GroupBy(const Xs&... xs) {
    (statement_.GroupBy(ToExpression(xs)), ...);
    return *this;
  }
  template <SqlCondition C>
  TypedSelect& Having(const C& condition) {
    statement_.Having(ToExpression(condition));
    return *this;
  }
  // Columns, expressions, Asc(...) or Desc(...).
  template <class... Terms>
  TypedSelect& OrderBy(const Terms&... terms) {
    (statement_.OrderBy(sql::internal::ToOrderTerm(terms)), ...);
    return *this;
  }
  // Of a SELECT of whole objects: with these columns, which are deferred
  // otherwise.
  template <SqlExpression... Columns>
  requires(sizeof...(Ts) == 1) TypedSelect& Undefer(const Columns&... columns) {
    (statement_.Column(ToExpression(columns)), ...);
    return *this;
  }
  TypedSelect& Limit(std::int64_t rows) {
    statement_.limit = rows;
    return *this;
  }
  TypedSelect& Offset(std::int64_t rows) {
    statement_.offset = rows;
    return *this;
  }
  TypedSelect& Distinct() {
    statement_.distinct = true;
    return *this;
  }
  TypedSelect& ForUpdate() {
    statement_.for_update = true;
    return *this;
  }
};

// The SELECT as a scalar subquery, a value in another statement.
template <class T>
Expr<T> Subquery(const TypedSelect<T>& select) {
  return {sql::Subquery(select.statement())};
}

// x IN (SELECT ...), x NOT IN (SELECT ...).
template <SqlExpression X, class T>
requires std::is_same_v<ValueOf<X>, sql::Bare<T>> Expr<bool> In(
    const X& x, const TypedSelect<T>& select) {
  return {sql::InQuery(ToExpression(x), select.statement())};
}
template <SqlExpression X, class T>
requires std::is_same_v<ValueOf<X>, sql::Bare<T>> Expr<bool> NotIn(
    const X& x, const TypedSelect<T>& select) {
  return {sql::InQuery(ToExpression(x), select.statement(), true)};
}

}  // namespace shard

#endif  // SHARD_SQL_TYPED_SELECT_H_
