// A table: a name and columns.
#ifndef SHARD_SQL_TABLE_H_
#define SHARD_SQL_TABLE_H_

#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "shard/sql/column.h"
#include "shard/sql/expression.h"

namespace shard::sql {

struct ClassInfo;

// Immutable, thread-safe; columns live as long as their table. Mapped classes
// make theirs by themselves; make one by hand for a table without a class:
//
//   const sql::Table audit("audit", {{.name = "at", .type = kTimestamp}, ...});
//   session.Execute(sql::InsertStatement(audit).Values({...}));
class Table {
 public:
  // `mapped_class`: the class that is making it, if one is.
  Table(std::string_view name, std::vector<ColumnSpec> columns,
        const ClassInfo* mapped_class = nullptr);
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  const std::string& name() const { return name_; }
  const std::deque<Column>& columns() const { return columns_; }
  const std::vector<const Column*>& primary_key() const { return primary_key_; }
  // The class that is mapped to it, or null.
  const ClassInfo* mapped_class() const { return mapped_class_; }
  // The one integer primary key column that the database numbers when no value
  // is given, or null: a lone integer key without defaults of its own.
  const Column* generated_key() const { return generated_key_; }

  // Null when there is no such column.
  const Column* FindColumn(std::string_view name) const;
  // The column as an expression. An unknown name gives an expression that
  // compiles to kInvalidArgument naming table and column.
  Expression c(std::string_view name) const;

 private:
  std::string name_;
  std::deque<Column> columns_;
  std::vector<const Column*> primary_key_;
  const Column* generated_key_ = nullptr;
  const ClassInfo* mapped_class_;
};

// A table under another name in one statement, for self-joins:
//
//   sql::Alias boss(people, "boss");  ... boss.c("id") ...
class Alias {
 public:
  Alias(const Table& table, std::string_view name)
      : table_(&table), name_(name) {}
  const Table& table() const { return *table_; }
  const std::string& name() const { return name_; }
  Expression c(std::string_view column) const;

 private:
  const Table* table_;
  std::string name_;
};

// The tables that belong together, in the order they are created in.
// Does no I/O itself: CreateAll and DropAll of dialects/schema.h take one.
class MetaData {
 public:
  MetaData() = default;
  MetaData(std::initializer_list<const Table*> tables) : tables_(tables) {}
  void Add(const Table& table) { tables_.push_back(&table); }
  const std::vector<const Table*>& tables() const { return tables_; }

 private:
  std::vector<const Table*> tables_;
};

}  // namespace shard::sql

#endif  // SHARD_SQL_TABLE_H_
