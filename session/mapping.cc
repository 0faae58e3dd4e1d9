#include "shard/session/mapping.h"

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/sql/column.h"

namespace shard {

Mapping::Mapping(Definition definition)
    : table_(definition.table_name, std::move(definition.columns)),
      make_(definition.make),
      attributes_(definition.attributes) {
  class_info_.name = std::move(definition.class_name);
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
    fields_.push_back({&column, definition.ops[column.index()]});
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
