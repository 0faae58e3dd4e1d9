// How the Compiler writes INSERT, UPDATE and DELETE.
#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/dialects/compiler.h"
#include "shard/dialects/row_update.h"
#include "shard/sql/dml.h"
#include "shard/sql/expression.h"

namespace shard {

void Compiler::Compile(const sql::InsertStatement& insert) {
  Fail(insert.error);
  scope_ = {sql::TableRef(*insert.table)};
  Append("INSERT INTO ");
  Target(*insert.table);
  if (insert.columns.empty()) {
    if (insert.rows.size() > 1) {
      Fail(absl::InvalidArgumentError(
          "INSERT of several rows needs at least one column"));
    }
    Append(" DEFAULT VALUES");
  } else {
    Append(" (");
    std::vector<const sql::Column*> seen;
    for (std::size_t i = 0; i < insert.columns.size(); ++i) {
      if (i > 0) Append(", ");
      TargetColumn(insert.columns[i],
                   insert.rows.empty() ? sql::Expression() : insert.rows[0][i],
                   seen);
    }
    Append(") VALUES ");
    for (std::size_t i = 0; i < insert.rows.size(); ++i) {
      if (i > 0) Append(", ");
      WriteList(insert.rows[i]);
    }
  }
  if (insert.on_conflict.has_value()) Conflict(*insert.on_conflict);
  Returning(insert.returning);
  out_.is_write = true;
}

void Compiler::Conflict(const sql::ConflictClause& conflict) {
  Append(" ON CONFLICT");
  std::vector<const sql::Column*> seen;
  for (std::size_t i = 0; i < conflict.target.size(); ++i) {
    Append(i == 0 ? " (" : ", ");
    TargetColumn(conflict.target[i], {}, seen);
  }
  if (!conflict.target.empty()) Append(")");
  if (conflict.update.empty()) return Append(" DO NOTHING");
  Append(" DO UPDATE SET ");
  // Bare names are ambiguous between the row and "excluded" in PostgreSQL.
  qualify_columns_ = true;
  scope_.push_back(scope_.front());
  scope_.back().alias = "excluded";
  Assignments(conflict.update);
  scope_.pop_back();
  qualify_columns_ = false;
}

void Compiler::Returning(const std::vector<sql::SelectItem>& items) {
  if (items.empty()) return;
  Append(" RETURNING ");
  SelectList(items, false);
  ResultColumns(items);
}

void Compiler::TargetColumn(const sql::Column* column,
                            const sql::Expression& value,
                            std::vector<const sql::Column*>& seen) {
  const sql::Table& table = *scope_.front().table;
  if (column == nullptr) {
    if (value) Write(value);  // Assign() leaves there what was wrong
    return Fail(absl::InvalidArgumentError(
        absl::StrCat("the statement writes to a column that '", table.name(),
                     "' does not have; name one of its declared columns")));
  }
  if (&column->table() != &table) {
    return Fail(absl::InvalidArgumentError(
        absl::StrCat("column '", column->QualifiedName(), "' is none of '",
                     table.name(), "', which the statement writes to")));
  }
  if (std::find(seen.begin(), seen.end(), column) != seen.end()) {
    return Fail(absl::InvalidArgumentError(
        absl::StrCat("column '", column->QualifiedName(),
                     "' is named twice; name it once")));
  }
  seen.push_back(column);
  Identifier(column->name());
}

void Compiler::Assignments(
    const std::vector<sql::ColumnAssignment>& assignments) {
  if (assignments.empty()) {
    return Fail(absl::InvalidArgumentError("UPDATE sets no column; add Set()"));
  }
  std::vector<const sql::Column*> seen;
  for (std::size_t i = 0; i < assignments.size(); ++i) {
    if (i > 0) Append(", ");
    const sql::ColumnAssignment& assignment = assignments[i];
    TargetColumn(assignment.column, assignment.value, seen);
    Append(" = ");
    Write(assignment.value);
  }
}

void Compiler::Compile(const sql::UpdateStatement& update) {
  scope_ = {sql::TableRef(*update.table)};
  Append("UPDATE ");
  Target(*update.table);
  Append(" SET ");
  Assignments(update.assignments);
  Where(update.where);
  Returning(update.returning);
  out_.is_write = true;
  out_.row_update = RowUpdateOf(update, dialect_.naming());
}

void Compiler::Compile(const sql::DeleteStatement& remove) {
  scope_ = {sql::TableRef(*remove.table)};
  Append("DELETE FROM ");
  Target(*remove.table);
  Where(remove.where);
  Returning(remove.returning);
  out_.is_write = true;
}

}  // namespace shard
