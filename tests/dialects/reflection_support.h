// A table with a column of every type, for tests of reflection.
#ifndef SHARD_TESTS_DIALECTS_REFLECTION_SUPPORT_H_
#define SHARD_TESTS_DIALECTS_REFLECTION_SUPPORT_H_

#include <string>
#include <vector>

#include "shard/dialects/reflection.h"
#include "shard/sql/column.h"
#include "shard/sql/table.h"
#include "shard/sql/value_type.h"

namespace shard::testing {

inline std::vector<sql::ColumnSpec> EveryType() {
  using sql::ValueType;
  return {{.name = "id", .type = ValueType::kInt64, .primary_key = true},
          {.name = "a_bool", .type = ValueType::kBool, .nullable = false},
          {.name = "an_int32", .type = ValueType::kInt32},
          {.name = "an_int64", .type = ValueType::kInt64},
          {.name = "a_double", .type = ValueType::kDouble},
          {.name = "A \"text\"",
           .type = ValueType::kText,
           .nullable = false,
           .server_default = "'none'"},
          {.name = "bytes", .type = ValueType::kBytes},
          {.name = "a_timestamp",
           .type = ValueType::kTimestamp,
           .server_default = "CURRENT_TIMESTAMP"},
          {.name = "a_date", .type = ValueType::kDate},
          {.name = "a_decimal", .type = ValueType::kDecimal},
          {.name = "a_uuid", .type = ValueType::kUuid},
          {.name = "a_json", .type = ValueType::kJson}};
}

// "id int64 KEY", "a_bool bool NOT NULL", ...; defaults are only noted.
inline std::string Told(const sql::ColumnSpec& spec) {
  std::string text =
      spec.name + " " + std::string(sql::ValueTypeName(spec.type));
  if (spec.primary_key) {
    text += " KEY";
  } else if (!spec.nullable) {
    text += " NOT NULL";
  }
  return spec.server_default.empty() ? text : text + " DEFAULT";
}

inline std::vector<std::string> Told(const std::vector<sql::ColumnSpec>& all) {
  std::vector<std::string> told;
  for (const sql::ColumnSpec& spec : all) told.push_back(Told(spec));
  return told;
}

}  // namespace shard::testing

#endif  // SHARD_TESTS_DIALECTS_REFLECTION_SUPPORT_H_
