// How one kind of database writes SQL.
#ifndef SHARD_DIALECTS_DIALECT_H_
#define SHARD_DIALECTS_DIALECT_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/table_naming.h"
#include "shard/sql/statement.h"
#include "shard/sql/table.h"
#include "shard/sql/value_type.h"

namespace shard {

// Turns statements into text. One immutable object for each kind of database,
// and one more for each way of naming tables there, alive until the program
// ends; thread-safe.
//
// A new dialect overrides the protected functions where its database differs
// from standard SQL; see dialects/sqlite/sqlite_dialect.h for a small one.
class Dialect {
 public:
  virtual ~Dialect() = default;
  Dialect& operator=(const Dialect&) = delete;

  virtual std::string_view name() const = 0;  // "sqlite", "postgresql"
  // NULL sorts below everything, as in SQLite, or above, as in PostgreSQL.
  virtual bool nulls_sort_low() const = 0;

  // The text of `statement`, made once and kept with it. kInvalidArgument says
  // what is wrong with the statement; kUnimplemented what the database lacks.
  absl::StatusOr<std::shared_ptr<const CompiledStatement>> Compile(
      const sql::Statement& statement) const;

  // The same dialect for tables that go by other names. The same object for
  // equal namings, and for one that changes nothing the dialect itself, so its
  // address says which it is. kInvalidArgument for a pattern or schema that
  // cannot be one; kUnimplemented: the database has no schemas, or the dialect
  // no Copy().
  absl::StatusOr<const Dialect*> Named(const TableNaming& naming) const;
  const TableNaming& naming() const { return naming_; }
  // The dialect without a naming.
  const Dialect& plain() const { return plain_ == nullptr ? *this : *plain_; }
  // Names that differ in case only, as ASCII has it, are one.
  virtual bool names_ignore_case() const { return false; }

  // The table's name in the database, with its schema if it is given one,
  // quoted. kInvalidArgument: see QuoteIdentifier.
  absl::StatusOr<std::string> QuoteTable(std::string_view table) const;
  // The same of a name that stands as it is in the database.
  absl::StatusOr<std::string> QuoteQualified(std::string_view schema,
                                             std::string_view name) const;

  // CREATE TABLE IF NOT EXISTS / DROP TABLE IF EXISTS. kInvalidArgument for a
  // name that cannot be one.
  absl::StatusOr<std::string> CreateTable(const sql::Table& table) const;
  absl::StatusOr<std::string> DropTable(const sql::Table& table) const;
  // What makes the schema of the naming, unless it is there; empty: it has
  // none.
  absl::StatusOr<std::string> CreateSchema() const;

  // "name" in quotes, with quotes inside doubled. kInvalidArgument for an empty
  // name, a NUL byte, or a name longer than max_identifier_bytes().
  absl::StatusOr<std::string> QuoteIdentifier(std::string_view name) const;

  // For ReflectTable. A SELECT with a row for each column of the table :table,
  // of the schema :schema if that is not '', in the table's order: its name,
  // its type as TypeOfDeclared takes it and as people know it, whether it is
  // NOT NULL, is in the primary key, its default (SQL or NULL), whether the
  // database numbers it, and whether the database always makes its value.
  // Empty: there is none.
  virtual std::string_view ColumnsQuery() const { return ""; }
  // kNull for a type that no ValueType stands for.
  virtual sql::ValueType TypeOfDeclared(std::string_view /*type*/) const {
    return sql::ValueType::kNull;
  }

  // SQL for the time by the database's own clock, in whole milliseconds since
  // 1970 UTC: of the moment, where the database tells that, not of the
  // transaction's begin.
  virtual std::string_view MillisecondsNow() const {
    return "CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000 AS BIGINT)";
  }

 protected:
  Dialect() = default;
  Dialect(const Dialect&) = default;

 private:
  friend class Compiler;
  absl::StatusOr<const Dialect*> Intern(const TableNaming& naming) const;
  // For Named: a copy of the whole object. Null: it can have no other names.
  virtual std::unique_ptr<Dialect> Copy() const { return nullptr; }
  virtual bool has_schemas() const { return true; }
  // CREATE SCHEMA for a quoted name; does nothing where it exists.
  virtual std::string SchemaText(const std::string& quoted) const;
  // The text of the n-th placeholder, from 1.
  virtual std::string Placeholder(std::size_t n) const = 0;
  // The column's type in CREATE TABLE, with what numbers a generated key.
  virtual std::string ColumnType(const sql::Column& column) const = 0;
  virtual std::string CastType(sql::ValueType type) const = 0;
  // The collation by bytes, quoted.
  virtual std::string_view BinaryCollation() const = 0;
  virtual bool supports_for_update() const = 0;
  virtual std::size_t max_identifier_bytes() const = 0;
  // True when text of this type must be compared by a collation of its own
  // (decimals kept as text), whose name is DecimalCollation().
  virtual bool decimals_are_text() const { return false; }
  virtual std::string_view DecimalCollation() const { return ""; }
  virtual std::string_view LikeSuffix() const { return ""; }
  // OFFSET may not stand without LIMIT; "LIMIT -1" then means all.
  virtual bool offset_needs_limit() const { return false; }

  TableNaming naming_;
  const Dialect* plain_ = nullptr;  // this object's origin; null: itself
};

}  // namespace shard

#endif  // SHARD_DIALECTS_DIALECT_H_
