// A column of a table.
#ifndef SHARD_SQL_COLUMN_H_
#define SHARD_SQL_COLUMN_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "shard/sql/expression.h"
#include "shard/sql/value_type.h"

namespace shard::sql {

class Table;

// Makes the value that a column gets when none was given: a literal (Value
// wrapped by Literal()) or SQL that the database evaluates.
using DefaultMaker = std::function<Expression()>;

// What a column is declared as.
struct ColumnSpec {
  std::string name;
  ValueType type = ValueType::kText;
  bool primary_key = false;
  bool nullable = true;           // a primary key never is
  std::string server_default{};   // SQL, in the table's DDL; empty for none
  DefaultMaker client_default{};  // of an object whose attribute is unset
  DefaultMaker onupdate{};        // of an object that changed otherwise
};

// Immutable, owned by its Table, at an address that stays. Thread-safe.
class Column {
 public:
  Column(ColumnSpec spec, const Table* table, std::size_t index);
  Column(const Column&) = delete;
  Column& operator=(const Column&) = delete;

  const std::string& name() const { return spec_.name; }
  ValueType type() const { return spec_.type; }
  bool primary_key() const { return spec_.primary_key; }
  bool nullable() const { return spec_.nullable; }
  const std::string& server_default() const { return spec_.server_default; }
  const DefaultMaker& client_default() const { return spec_.client_default; }
  const DefaultMaker& onupdate() const { return spec_.onupdate; }
  const Table& table() const { return *table_; }
  std::size_t index() const { return index_; }  // place in the table, from 0

  // "table.column", for messages.
  std::string QualifiedName() const;
  // The column in an expression; made once.
  const Expression& expression() const { return expression_; }

 private:
  ColumnSpec spec_;
  const Table* table_;
  std::size_t index_;
  Expression expression_;
};

}  // namespace shard::sql

#endif  // SHARD_SQL_COLUMN_H_
