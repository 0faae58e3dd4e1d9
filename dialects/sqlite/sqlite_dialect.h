// How SQLite writes SQL.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_DIALECT_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_DIALECT_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "shard/dialects/dialect.h"
#include "shard/sql/column.h"
#include "shard/sql/value_type.h"

namespace shard {

// The collation that compares decimals, which are kept as text, as numbers.
// Every connection registers it. It stands in statements and never in a table,
// so that other tools can read the files.
inline constexpr char kDecimalCollation[] = "shard_decimal";

// SQLite has five types of values. Timestamps, dates, decimals and JSON are
// text, in forms that sort and that SQLite's own functions read; UUIDs are
// blobs of 16 bytes. Thread-safe.
class SqliteDialect : public Dialect {
 public:
  // The one object; alive until the program ends.
  static const SqliteDialect& Get();

  std::string_view name() const override { return "sqlite"; }
  bool nulls_sort_low() const override { return true; }
  bool names_ignore_case() const override { return true; }
  std::string_view ColumnsQuery() const override;
  sql::ValueType TypeOfDeclared(std::string_view type) const override;
  std::string_view MillisecondsNow() const override {
    return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";
  }

 private:
  SqliteDialect() = default;
  SqliteDialect(const SqliteDialect&) = default;

  std::unique_ptr<Dialect> Copy() const override;
  // A connection has one file open.
  bool has_schemas() const override { return false; }
  std::string Placeholder(std::size_t) const override { return "?"; }
  // A key that is exactly "INTEGER" is the rowid itself: no second index.
  std::string ColumnType(const sql::Column& column) const override;
  std::string CastType(sql::ValueType type) const override;
  std::string_view BinaryCollation() const override { return "\"BINARY\""; }
  // One writer at a time has the whole file: there are no rows to lock.
  bool supports_for_update() const override { return false; }
  std::size_t max_identifier_bytes() const override;
  bool decimals_are_text() const override { return true; }
  std::string_view DecimalCollation() const override {
    return kDecimalCollation;
  }
  std::string_view LikeSuffix() const override { return " ESCAPE '\\'"; }
  bool offset_needs_limit() const override { return true; }
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_DIALECT_H_
