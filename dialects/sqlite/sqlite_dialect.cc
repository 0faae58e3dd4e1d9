#include "shard/dialects/sqlite/sqlite_dialect.h"

#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "shard/base/strings.h"
#include "shard/sql/column.h"
#include "shard/sql/value_type.h"

namespace shard {
namespace {

// A default is told without the parentheses that an expression needs. Hidden
// are 1: columns of virtual tables, 2 and 3: generated ones.
constexpr std::string_view kColumnsQuery =
    "SELECT c.name, c.type, c.type, c.\"notnull\", c.pk > 0, "
    "'(' || c.dflt_value || ')', 0, c.hidden > 0 "
    "FROM pragma_table_list(:table) AS l, "
    "pragma_table_xinfo(l.name, 'main') AS c "
    "WHERE l.schema = 'main' AND l.type = 'table' ORDER BY c.cid";

// A type whose name says what it is for; SQLite itself takes it for NUMERIC.
sql::ValueType TypeOfName(absl::string_view name) {
  using sql::ValueType;
  if (name == "BOOLEAN" || name == "BOOL") return ValueType::kBool;
  if (name == "DATE") return ValueType::kDate;
  if (name == "DATETIME" || absl::StartsWith(name, "TIMESTAMP")) {
    return ValueType::kTimestamp;
  }
  if (name == "UUID") return ValueType::kUuid;
  if (name == "JSON") return ValueType::kJson;
  return ValueType::kNull;
}

}  // namespace

const SqliteDialect& SqliteDialect::Get() {
  static const SqliteDialect& dialect = *new SqliteDialect;
  return dialect;
}

std::unique_ptr<Dialect> SqliteDialect::Copy() const {
  return std::unique_ptr<Dialect>(new SqliteDialect(*this));
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

std::string_view SqliteDialect::ColumnsQuery() const { return kColumnsQuery; }

sql::ValueType SqliteDialect::TypeOfDeclared(std::string_view type) const {
  const std::string upper = absl::AsciiStrToUpper(ToAbsl(type));
  const sql::ValueType named = TypeOfName(upper);
  if (named != sql::ValueType::kNull) return named;
  // The rules of affinity, in their order.
  const auto has = [&upper](absl::string_view part) {
    return absl::StrContains(upper, part);
  };
  if (has("INT")) return sql::ValueType::kInt64;
  if (has("CHAR") || has("CLOB") || has("TEXT")) return sql::ValueType::kText;
  if (upper.empty() || upper == "ANY") return sql::ValueType::kNull;
  if (has("BLOB")) return sql::ValueType::kBytes;
  if (has("REAL") || has("FLOA") || has("DOUB")) return sql::ValueType::kDouble;
  return sql::ValueType::kDecimal;
}

std::size_t SqliteDialect::max_identifier_bytes() const {
  return std::numeric_limits<std::size_t>::max();  // SQLite sets no limit
}

}  // namespace shard
