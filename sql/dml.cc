#include "shard/sql/dml.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace shard::sql {

InsertStatement& InsertStatement::Values(std::vector<ColumnAssignment> row) {
  if (rows.empty()) {
    for (const ColumnAssignment& cell : row) columns.push_back(cell.column);
  }
  std::vector<Expression> values(columns.size());
  std::size_t placed = 0;
  for (ColumnAssignment& cell : row) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (columns[i] == cell.column && values[i].empty()) {
        values[i] = std::move(cell.value);
        ++placed;
        break;
      }
    }
  }
  if (placed != columns.size() || row.size() != columns.size()) {
    error = absl::InvalidArgumentError(absl::StrCat(
        "INSERT into '", table->name(), "': row ", rows.size() + 1,
        " names other columns than the first row; give every row the same"));
  }
  rows.push_back(std::move(values));
  return *this;
}

InsertStatement& InsertStatement::OnConflictDoNothing(
    std::vector<const Column*> target) {
  on_conflict = ConflictClause{std::move(target), {}};
  return *this;
}

InsertStatement& InsertStatement::OnConflictUpdate(
    std::vector<const Column*> target, std::vector<ColumnAssignment> update) {
  if (target.empty() || update.empty()) {
    error = absl::InvalidArgumentError(absl::StrCat(
        "INSERT into '", table->name(),
        "': ON CONFLICT DO UPDATE needs target columns and assignments"));
  }
  on_conflict = ConflictClause{std::move(target), std::move(update)};
  return *this;
}

InsertStatement& InsertStatement::Returning(Expression expression,
                                            std::string label) {
  returning.push_back({std::move(expression), std::move(label)});
  return *this;
}

ColumnAssignment Assign(const Table& table, std::string_view column,
                        Expression value) {
  const Column* found = table.FindColumn(column);
  // The error expression carries what is wrong to where it can be reported.
  if (found == nullptr) return {nullptr, table.c(column)};
  return {found, std::move(value)};
}

Expression Excluded(const Column& column) {
  return Expression(Node{ColumnNode{&column, "excluded"}, column.type()});
}

}  // namespace shard::sql
