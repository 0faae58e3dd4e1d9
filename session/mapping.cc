#include "shard/session/mapping.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/sql/column.h"

namespace shard {

namespace {

std::vector<sql::ColumnSpec> Columns(absl::Span<const FieldInfo> fields) {
  std::vector<sql::ColumnSpec> columns;
  for (const FieldInfo& field : fields) {
    sql::ColumnSpec& spec = columns.emplace_back();
    spec.name = std::string(field.name);
    spec.type = field.type;
    spec.nullable = field.nullable;
    field.apply_options(spec);
  }
  return columns;
}

}  // namespace

Mapping::Mapping(const Definition& definition)
    : table_(definition.table_name, Columns(definition.fields), &class_info_),
      make_(definition.make),
      attributes_(definition.attributes) {
  class_info_.name = std::string(definition.class_name);
  class_info_.table = &table_;
  for (const sql::Column& column : table_.columns()) {
    if (column.primary_key()) {
      key_fields_.push_back(static_cast<std::uint16_t>(column.index()));
    }
    if (table_.FindColumn(column.name()) != &column) {
      status_ = absl::InvalidArgumentError(
          absl::StrCat("class ", class_info_.name, " maps column '",
                       column.name(), "' twice; rename one of the fields"));
    }
    fields_.push_back({&column, definition.fields[column.index()].ops});
  }
  if (key_fields_.size() == 1) {
    const sql::ValueType type = fields_[key_fields_[0]].column->type();
    has_integer_key_ =
        type == sql::ValueType::kInt64 || type == sql::ValueType::kInt32;
  }
  if (key_fields_.empty()) {
    status_ = absl::InvalidArgumentError(
        absl::StrCat("class ", class_info_.name,
                     " has no primary key; mark a field with PrimaryKey"));
  }
}

}  // namespace shard
