#include "shard/sql/select.h"

#include <algorithm>
#include <vector>

namespace shard::sql {

std::vector<TableRef> SelectStatement::Tables() const {
  std::vector<TableRef> tables;
  if (from.table != nullptr) {
    tables.push_back(from);
    for (const JoinClause& join : joins) tables.push_back(join.table);
    return tables;
  }
  const auto note = [&tables](const Expression& expression) {
    const auto* column = expression.As<ColumnNode>();
    if (column == nullptr) return;
    TableRef ref(column->column->table());
    ref.alias = column->alias;
    if (std::find(tables.begin(), tables.end(), ref) == tables.end()) {
      tables.push_back(ref);
    }
  };
  for (const SelectItem& item : columns) Walk(item.expression, note);
  Walk(where, note);
  for (const JoinClause& join : joins) {
    if (std::find(tables.begin(), tables.end(), join.table) == tables.end()) {
      tables.push_back(join.table);
    }
  }
  return tables;
}

}  // namespace shard::sql
