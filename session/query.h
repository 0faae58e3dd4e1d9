// Statements over mapped classes.
//
//   Select<Account>().Where(c.balance > 100).OrderBy(c.id).Limit(10)
//   Select(c.owner, Count()).GroupBy(c.owner)
//   Insert<Account>().Values(c.owner = "ada", c.balance = 1)
//   Update<Account>().Set(c.balance = c.balance + 1).Where(c.id == 7)
//   Delete<Account>().Where(c.balance == 0)
//
// with `constexpr auto& c = Account::c`.
#ifndef SHARD_SESSION_QUERY_H_
#define SHARD_SESSION_QUERY_H_

#include <concepts>
#include <utility>

#include "shard/session/entity.h"
#include "shard/session/mapping_statements.h"
#include "shard/sql/dml.h"
#include "shard/sql/statement.h"
#include "shard/sql/typed_expression.h"
#include "shard/sql/typed_select.h"

namespace shard {

// Whole objects of class E, deferred fields excepted.
template <MappedClass E>
TypedSelect<E> Select() {
  return TypedSelect<E>(SelectFields(E::ClassMapping()), &E::class_info());
}

namespace internal {
template <class X>
const sql::ClassInfo* ClassOf() {
  if constexpr (requires { typename X::entity_type; }) {
    return &X::entity_type::class_info();
  } else {
    return nullptr;
  }
}
}  // namespace internal

// Columns and expressions; the statement is about the class of the first mapped
// column.
template <SqlExpression... Xs>
requires(sizeof...(Xs) >
         0) TypedSelect<typename Xs::value_type...> Select(const Xs&... xs) {
  sql::SelectStatement statement;
  (statement.Column(ToExpression(xs)), ...);
  const sql::ClassInfo* class_info = nullptr;
  ((class_info = class_info != nullptr ? class_info : internal::ClassOf<Xs>()),
   ...);
  return {std::move(statement), class_info};
}

// INSERT, UPDATE and DELETE of class E. Plain values; methods chain.
template <MappedClass E>
class TypedInsert {
 public:
  // One row; call it again for more, with the same columns.
  template <std::same_as<sql::ColumnAssignment>... Cells>
  TypedInsert& Values(Cells... cells) {
    statement_.Values({std::move(cells)...});
    return *this;
  }
  template <class... Columns>
  TypedInsert& OnConflictDoNothing(const Columns&...) {
    statement_.OnConflictDoNothing({&Columns::column()...});
    return *this;
  }
  template <class Column, std::same_as<sql::ColumnAssignment>... Cells>
  TypedInsert& OnConflictUpdate(const Column&, Cells... cells) {
    statement_.OnConflictUpdate({&Column::column()}, {std::move(cells)...});
    return *this;
  }
  template <SqlExpression... Xs>
  TypedInsert& Returning(const Xs&... xs) {
    (statement_.Returning(ToExpression(xs)), ...);
    return *this;
  }
  operator sql::Statement() const {  // NOLINT: an INSERT is a statement
    return sql::Statement(statement_, &E::class_info());
  }

 private:
  sql::InsertStatement statement_{E::table()};
};

template <MappedClass E>
class TypedUpdate {
 public:
  template <std::same_as<sql::ColumnAssignment>... Cells>
  TypedUpdate& Set(Cells... cells) {
    (statement_.Set(std::move(cells)), ...);
    return *this;
  }
  template <SqlCondition C>
  TypedUpdate& Where(const C& condition) {
    statement_.Where(ToExpression(condition));
    return *this;
  }
  template <SqlExpression... Xs>
  TypedUpdate& Returning(const Xs&... xs) {
    (statement_.Returning(ToExpression(xs)), ...);
    return *this;
  }
  operator sql::Statement() const {  // NOLINT: an UPDATE is a statement
    return sql::Statement(statement_, &E::class_info());
  }

 private:
  sql::UpdateStatement statement_{E::table()};
};

template <MappedClass E>
class TypedDelete {
 public:
  template <SqlCondition C>
  TypedDelete& Where(const C& condition) {
    statement_.Where(ToExpression(condition));
    return *this;
  }
  template <SqlExpression... Xs>
  TypedDelete& Returning(const Xs&... xs) {
    (statement_.Returning(ToExpression(xs)), ...);
    return *this;
  }
  operator sql::Statement() const {  // NOLINT: a DELETE is a statement
    return sql::Statement(statement_, &E::class_info());
  }

 private:
  sql::DeleteStatement statement_{E::table()};
};

template <MappedClass E>
TypedInsert<E> Insert() {
  return {};
}
template <MappedClass E>
TypedUpdate<E> Update() {
  return {};
}
template <MappedClass E>
TypedDelete<E> Delete() {
  return {};
}

// In OnConflictUpdate: the value that was to be inserted.
template <class Column>
Expr<typename Column::value_type> Excluded(const Column&) {
  return {sql::Excluded(Column::column())};
}

}  // namespace shard

#endif  // SHARD_SESSION_QUERY_H_
