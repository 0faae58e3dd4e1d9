// SELECT as a plain value.
#ifndef SHARD_SQL_SELECT_H_
#define SHARD_SQL_SELECT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shard/sql/expression.h"
#include "shard/sql/table.h"

namespace shard::sql {

struct SelectItem {
  Expression expression;
  std::string label;  // the result column's name; empty: the column's own
};

enum class NullOrder : std::uint8_t { kEngine, kFirst, kLast };

struct OrderTerm {
  Expression expression;
  bool descending = false;
  NullOrder nulls = NullOrder::kEngine;
};

// A table in FROM, under another name if `alias` is not empty.
struct TableRef {
  const Table* table = nullptr;
  std::string alias;

  TableRef() = default;
  TableRef(const Table& t) : table(&t) {}                           // NOLINT
  TableRef(const Alias& a) : table(&a.table()), alias(a.name()) {}  // NOLINT
  friend bool operator==(const TableRef&, const TableRef&) = default;
};

enum class JoinKind : std::uint8_t { kInner, kLeft };

struct JoinClause {
  JoinKind kind;
  TableRef table;
  Expression on;
};

// Fields are public so that routers and dialects can read them; the methods
// build one in a chain. With no From, the one table that the columns come from
// is meant; several tables need From and Join, else compiling says so.
struct SelectStatement {
  std::vector<SelectItem> columns;
  TableRef from;
  std::vector<JoinClause> joins;
  Expression where;
  std::vector<Expression> group_by;
  Expression having;
  std::vector<OrderTerm> order_by;
  std::optional<std::int64_t> limit;
  std::int64_t offset = 0;
  bool distinct = false;
  bool for_update = false;  // FOR UPDATE; SQLite locks its file instead

  SelectStatement& Column(Expression expression, std::string label = "") {
    columns.push_back({std::move(expression), std::move(label)});
    return *this;
  }
  SelectStatement& From(TableRef table) {
    from = std::move(table);
    return *this;
  }
  SelectStatement& Join(TableRef table, Expression on,
                        JoinKind kind = JoinKind::kInner) {
    joins.push_back({kind, std::move(table), std::move(on)});
    return *this;
  }
  SelectStatement& Where(Expression condition) {  // again: AND
    where = And(std::move(where), std::move(condition));
    return *this;
  }
  SelectStatement& GroupBy(Expression expression) {
    group_by.push_back(std::move(expression));
    return *this;
  }
  SelectStatement& Having(Expression condition) {
    having = And(std::move(having), std::move(condition));
    return *this;
  }
  SelectStatement& OrderBy(OrderTerm term) {
    order_by.push_back(std::move(term));
    return *this;
  }

  // The tables of FROM and JOIN; where From was not said, those that the
  // columns, WHERE and JOIN name. Empty for a SELECT of constants.
  std::vector<TableRef> Tables() const;
};

}  // namespace shard::sql

#endif  // SHARD_SQL_SELECT_H_
