#include "shard/dialects/sqlite/sqlite_dialect.h"

#include <limits>
#include <string>

#include "shard/sql/column.h"
#include "shard/sql/value_type.h"

namespace shard {

const SqliteDialect& SqliteDialect::Get() {
  static const SqliteDialect& dialect = *new SqliteDialect;
  return dialect;
}

std::string SqliteDialect::ColumnType(const sql::Column& column) const {
  const std::string type = CastType(column.type());
  // A key of type INTEGER is numbered by SQLite, past any default.
  return type == "INTEGER" && column.primary_key() &&
                 !column.server_default().empty()
             ? "BIGINT"
             : type;
}

std::string SqliteDialect::CastType(sql::ValueType type) const {
  switch (type) {
    case sql::ValueType::kBool:
    case sql::ValueType::kInt32:
    case sql::ValueType::kInt64:
      return "INTEGER";
    case sql::ValueType::kDouble:
      return "REAL";
    case sql::ValueType::kBytes:
    case sql::ValueType::kUuid:
      return "BLOB";
    case sql::ValueType::kText:
    case sql::ValueType::kTimestamp:
    case sql::ValueType::kDate:
    case sql::ValueType::kDecimal:
    case sql::ValueType::kJson:
    case sql::ValueType::kNull:
      return "TEXT";
  }
  return "TEXT";
}

std::size_t SqliteDialect::max_identifier_bytes() const {
  return std::numeric_limits<std::size_t>::max();  // SQLite sets no limit
}

}  // namespace shard
