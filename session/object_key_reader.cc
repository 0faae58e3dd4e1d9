#include "shard/session/object_key_reader.h"

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/sql/expression.h"

namespace shard {
namespace {

absl::Status Unknown(const sql::Column& column) {
  return absl::NotFoundError(
      absl::StrCat("no value is known for '", column.QualifiedName(), "'"));
}

}  // namespace

absl::StatusOr<sql::ValueView> ObjectKeyReader::Read(
    const sql::Column& column) {
  if (&column.table() != &mapping_.table()) return Unknown(column);
  const AttributeBase& attribute = *attributes_[column.index()];
  switch (attribute.state()) {
    case AttributeState::kLoaded:
    case AttributeState::kModified:
      return mapping_.field(column.index()).ops->view(attribute, arena_);
    case AttributeState::kExpression:
      return absl::InvalidArgumentError(
          absl::StrCat(mapping_.class_info().name, ".", column.name(),
                       " decides where the object goes and cannot be an SQL "
                       "expression; give it a value"));
    default:
      return Unknown(column);
  }
}

absl::StatusOr<sql::ValueView> PrimaryKeyReader::Read(
    const sql::Column& column) {
  const auto& fields = mapping_.key_fields();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (mapping_.field(fields[i]).column == &column) return key_[i];
  }
  return Unknown(column);
}

absl::StatusOr<sql::ValueView> InsertRowReader::Read(
    const sql::Column& column) {
  for (std::size_t i = 0; i < insert_.columns.size(); ++i) {
    if (insert_.columns[i] != &column) continue;
    const sql::Expression& cell = insert_.rows[row_][i];
    if (const auto* literal = cell.As<sql::LiteralNode>()) {
      return literal->value.view();
    }
    if (cell.As<sql::NullNode>() != nullptr) return sql::ValueView();
    if (const auto* parameter = cell.As<sql::ParameterNode>()) {
      const sql::Value* value = parameters_.Find(parameter->name);
      if (value != nullptr) return value->view();
    }
    return absl::InvalidArgumentError(
        absl::StrCat("row ", row_ + 1, ": '", column.QualifiedName(),
                     "' decides where the row goes and must be a value, not an "
                     "SQL expression"));
  }
  return Unknown(column);
}

}  // namespace shard
