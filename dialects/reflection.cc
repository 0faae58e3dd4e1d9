#include "shard/dialects/reflection.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/dialect.h"
#include "shard/dialects/row_batch.h"
#include "shard/sql/statement.h"
#include "shard/sql/value.h"
#include "shard/sql/value_type.h"

namespace shard {
namespace {

// The columns of Dialect::ColumnsQuery.
enum Cell : std::size_t {
  kName,
  kType,
  kShownType,
  kNotNull,
  kKey,
  kDefault,
  kNumbered,
  kGenerated,
  kCells
};

std::string TextOf(const sql::ValueView& cell) {
  return cell.is_null() ? "" : std::string(cell.bytes());
}

bool IsSet(const sql::ValueView& cell) {
  return !cell.is_null() && cell.integer() != 0;
}

ReflectedColumn ColumnOf(const Dialect& dialect,
                         absl::Span<const sql::ValueView> row) {
  ReflectedColumn column;
  column.spec.name = TextOf(row[kName]);
  column.spec.type = dialect.TypeOfDeclared(TextOf(row[kType]));
  column.spec.primary_key = IsSet(row[kKey]);
  column.spec.nullable = !IsSet(row[kNotNull]) && !column.spec.primary_key;
  column.spec.server_default = TextOf(row[kDefault]);
  column.type = TextOf(row[kShownType]);
  column.generated = IsSet(row[kGenerated]);
  return column;
}

bool IsInteger(sql::ValueType type) {
  return type == sql::ValueType::kInt32 || type == sql::ValueType::kInt64;
}

}  // namespace

std::vector<sql::ColumnSpec> ReflectedTable::usable() const {
  std::vector<sql::ColumnSpec> specs;
  for (const ReflectedColumn& column : columns) {
    if (column.generated || column.spec.type == sql::ValueType::kNull) continue;
    specs.push_back(column.spec);
  }
  return specs;
}

absl::StatusOr<ReflectedTable> ReflectTable(Connection& connection,
                                            std::string_view table,
                                            const TableNaming& naming) {
  SHARD_RETURN_IF_ERROR(connection.dialect().Named(naming).status());
  const Dialect& dialect = connection.dialect();
  if (dialect.ColumnsQuery().empty()) {
    return absl::UnimplementedError(
        absl::StrCat("a database of kind ", ToAbsl(dialect.name()),
                     " does not tell of its tables; declare the columns of '",
                     ToAbsl(table), "' yourself"));
  }
  SHARD_ASSIGN_OR_RETURN(const std::shared_ptr<const CompiledStatement> query,
                         dialect.Compile(sql::TextSql(dialect.ColumnsQuery())));
  const sql::Parameters parameters = {
      {"table", sql::Value(naming.NameOf(table))},
      {"schema", sql::Value(naming.schema)}};
  std::vector<sql::ValueView> values;
  SHARD_RETURN_IF_ERROR(
      BindParameters(*query, parameters, &values, UnusedValues::kAllowed));
  RowBatch rows;
  SHARD_RETURN_IF_ERROR(
      connection.Execute({query.get(), values, 1}, &rows).status());
  if (rows.rows() == 0) {
    return absl::NotFoundError(
        absl::StrCat("there is no table '", naming.NameOf(table), "'",
                     naming.schema.empty() ? "" : " in schema '", naming.schema,
                     naming.schema.empty() ? "" : "'"));
  }
  ReflectedTable reflected;
  ReflectedColumn* numbered = nullptr;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    reflected.columns.push_back(ColumnOf(dialect, rows.row(i)));
  }
  std::size_t keys = 0;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    ReflectedColumn& column = reflected.columns[i];
    if (!column.spec.primary_key) continue;
    ++keys;
    if (IsSet(rows.row(i)[kNumbered])) numbered = &column;
  }
  if (keys == 1 && numbered != nullptr && IsInteger(numbered->spec.type)) {
    numbered->spec.server_default.clear();
  }
  return reflected;
}

}  // namespace shard
