#include "shard/router/statement_tables.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "shard/sql/dml.h"
#include "shard/sql/select.h"

namespace shard {
namespace {

using sql::Expression;

void Add(std::vector<const sql::Table*>& tables, const sql::Table* table) {
  if (std::find(tables.begin(), tables.end(), table) == tables.end()) {
    tables.push_back(table);
  }
}

void AddTables(const sql::SelectStatement& select,
               std::vector<const sql::Table*>& tables) {
  for (const sql::TableRef& ref : select.Tables()) Add(tables, ref.table);
  for (const auto& query : SubqueriesOf(ExpressionsOf(select))) {
    AddTables(*query, tables);
  }
}

void AddItems(const std::vector<sql::SelectItem>& items,
              std::vector<Expression>& out) {
  for (const sql::SelectItem& item : items) out.push_back(item.expression);
}

}  // namespace

std::vector<Expression> ExpressionsOf(const sql::SelectStatement& select) {
  std::vector<Expression> out;
  AddItems(select.columns, out);
  for (const sql::JoinClause& join : select.joins) out.push_back(join.on);
  out.push_back(select.where);
  out.insert(out.end(), select.group_by.begin(), select.group_by.end());
  out.push_back(select.having);
  for (const sql::OrderTerm& term : select.order_by) {
    out.push_back(term.expression);
  }
  return out;
}

std::vector<Expression> ExpressionsOf(const sql::Statement& statement) {
  if (const auto* select = statement.As<sql::SelectStatement>()) {
    return ExpressionsOf(*select);
  }
  std::vector<Expression> out;
  if (const auto* insert = statement.As<sql::InsertStatement>()) {
    for (const auto& row : insert->rows) {
      out.insert(out.end(), row.begin(), row.end());
    }
    if (insert->on_conflict.has_value()) {
      for (const auto& set : insert->on_conflict->update) {
        out.push_back(set.value);
      }
    }
    AddItems(insert->returning, out);
  } else if (const auto* update = statement.As<sql::UpdateStatement>()) {
    for (const auto& set : update->assignments) out.push_back(set.value);
    out.push_back(update->where);
    AddItems(update->returning, out);
  } else if (const auto* remove = statement.As<sql::DeleteStatement>()) {
    out.push_back(remove->where);
    AddItems(remove->returning, out);
  }
  return out;
}

std::vector<std::shared_ptr<const sql::SelectStatement>> SubqueriesOf(
    const std::vector<Expression>& expressions) {
  std::vector<std::shared_ptr<const sql::SelectStatement>> queries;
  for (const Expression& expression : expressions) {
    sql::Walk(expression, [&queries](const Expression& e) {
      if (const auto* scalar = e.As<sql::SubqueryNode>()) {
        queries.push_back(scalar->query);
      } else if (const auto* in = e.As<sql::InNode>(); in && in->query) {
        queries.push_back(in->query);
      }
    });
  }
  return queries;
}

std::vector<const sql::Table*> TablesOf(const sql::Statement& statement) {
  std::vector<const sql::Table*> tables;
  if (const auto* select = statement.As<sql::SelectStatement>()) {
    AddTables(*select, tables);
    return tables;
  }
  if (const auto* insert = statement.As<sql::InsertStatement>()) {
    Add(tables, insert->table);
  } else if (const auto* update = statement.As<sql::UpdateStatement>()) {
    Add(tables, update->table);
  } else if (const auto* remove = statement.As<sql::DeleteStatement>()) {
    Add(tables, remove->table);
  }
  for (const auto& query : SubqueriesOf(ExpressionsOf(statement))) {
    AddTables(*query, tables);
  }
  return tables;
}

}  // namespace shard
