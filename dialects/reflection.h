// What tables there are already: their columns, from the database itself.
#ifndef SHARD_DIALECTS_REFLECTION_H_
#define SHARD_DIALECTS_REFLECTION_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/table_naming.h"
#include "shard/sql/column.h"

namespace shard {

struct ReflectedColumn {
  // Of type kNull where no ValueType stands for the column's own. A number that
  // the database gives to the rows of a lone integer key is no server default:
  // see sql::Table::generated_key.
  sql::ColumnSpec spec;
  std::string type;        // as the database has it: "character varying(20)"
  bool generated = false;  // always by the database: it cannot be written
};

// Plain value.
struct ReflectedTable {
  std::vector<ReflectedColumn> columns;  // in the table's order

  // What an sql::Table for statements is made from: those that have a ValueType
  // and can be written. The others are left out.
  std::vector<sql::ColumnSpec> usable() const;
};

// The table that is declared by that name, and goes by it or by what `naming`
// makes of it, where an unqualified name leads unless the naming has a schema:
// in PostgreSQL along the search path, in SQLite in the main file. Views are no
// tables here.
//
// PostgreSQL: domains are what they are made of, enums are text, and so is
// every type of strings; smallint is int32, real is double, jsonb is json.
// SQLite declares types and hardly has any: INTEGER is int64, TEXT text, BLOB
// bytes, whatever ValueType the column was made for. BOOLEAN, DATE, TIMESTAMP,
// DATETIME, UUID and JSON say what they are; others go by SQLite's rules of
// affinity, where NUMERIC is decimal. A column without a type, or of type ANY,
// has no ValueType.
//
// kNotFound names the table; kUnimplemented: the database tells of no tables;
// other errors are the connection's.
absl::StatusOr<ReflectedTable> ReflectTable(Connection& connection,
                                            std::string_view table,
                                            const TableNaming& naming = {});

}  // namespace shard

#endif  // SHARD_DIALECTS_REFLECTION_H_
