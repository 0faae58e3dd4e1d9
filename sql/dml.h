// INSERT, UPDATE and DELETE as plain values.
#ifndef SHARD_SQL_DML_H_
#define SHARD_SQL_DML_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shard/sql/expression.h"
#include "shard/sql/select.h"
#include "shard/sql/table.h"

namespace shard::sql {

struct ColumnAssignment {
  const Column* column = nullptr;
  Expression value;
};

// ON CONFLICT (target) DO NOTHING, or DO UPDATE SET assignments. In an
// assignment, Excluded(column) is the value that was to be inserted.
struct ConflictClause {
  std::vector<const Column*> target;     // may be empty for DO NOTHING
  std::vector<ColumnAssignment> update;  // empty: DO NOTHING
};

// Every row has one expression for each of `columns`.
struct InsertStatement {
  const Table* table = nullptr;
  std::vector<const Column*> columns;
  std::vector<std::vector<Expression>> rows;  // none: one row of defaults
  std::optional<ConflictClause> on_conflict;
  std::vector<SelectItem> returning;

  explicit InsertStatement(const Table& into) : table(&into) {}
  // Adds a row. The first row fixes the columns; a later row with others makes
  // the statement compile to kInvalidArgument.
  InsertStatement& Values(std::vector<ColumnAssignment> row);
  InsertStatement& OnConflictDoNothing(std::vector<const Column*> target = {});
  InsertStatement& OnConflictUpdate(std::vector<const Column*> target,
                                    std::vector<ColumnAssignment> update);
  InsertStatement& Returning(Expression expression, std::string label = "");

  absl::Status error;  // what went wrong while building
};

struct UpdateStatement {
  const Table* table = nullptr;
  std::vector<ColumnAssignment> assignments;
  Expression where;
  std::vector<SelectItem> returning;

  explicit UpdateStatement(const Table& target) : table(&target) {}
  UpdateStatement& Set(ColumnAssignment assignment) {
    assignments.push_back(std::move(assignment));
    return *this;
  }
  UpdateStatement& Where(Expression condition) {
    where = And(std::move(where), std::move(condition));
    return *this;
  }
  UpdateStatement& Returning(Expression expression, std::string label = "") {
    returning.push_back({std::move(expression), std::move(label)});
    return *this;
  }
};

struct DeleteStatement {
  const Table* table = nullptr;
  Expression where;
  std::vector<SelectItem> returning;

  explicit DeleteStatement(const Table& target) : table(&target) {}
  DeleteStatement& Where(Expression condition) {
    where = And(std::move(where), std::move(condition));
    return *this;
  }
  DeleteStatement& Returning(Expression expression, std::string label = "") {
    returning.push_back({std::move(expression), std::move(label)});
    return *this;
  }
};

// "table.name = value" for an untyped INSERT or UPDATE. An unknown name makes
// the statement compile to kInvalidArgument naming table and column.
ColumnAssignment Assign(const Table& table, std::string_view column,
                        Expression value);

// The value that a conflicting INSERT wanted to write.
Expression Excluded(const Column& column);

}  // namespace shard::sql

#endif  // SHARD_SQL_DML_H_
