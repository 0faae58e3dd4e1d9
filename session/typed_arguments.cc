#include "shard/session/typed_arguments.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"

namespace shard::internal {
namespace {

bool IsInteger(sql::ValueType type) {
  return type == sql::ValueType::kInt64 || type == sql::ValueType::kInt32;
}

}  // namespace

absl::StatusOr<std::uint64_t> FieldsOf(
    const Mapping& mapping, std::initializer_list<const sql::Column*> columns) {
  std::uint64_t fields = 0;
  for (const sql::Column* column : columns) {
    if (&column->table() != &mapping.table()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", column->QualifiedName(), "' is no attribute of class ",
          mapping.class_info().name));
    }
    fields |= std::uint64_t{1} << column->index();
  }
  return fields;
}

absl::StatusOr<KeyValue> MakeKey(const Mapping& mapping,
                                 absl::Span<const sql::Value> values) {
  SHARD_RETURN_IF_ERROR(mapping.status());
  const auto& fields = mapping.key_fields();
  if (values.size() != fields.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the primary key of ", mapping.class_info().name, " has ",
        fields.size(), " columns, and ", values.size(), " values were given"));
  }
  absl::InlinedVector<sql::ValueView, 2> views;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const sql::Column& column = *mapping.field(fields[i]).column;
    const sql::ValueType found = values[i].type();
    if (found != column.type() &&
        !(IsInteger(found) && IsInteger(column.type()))) {
      return absl::InvalidArgumentError(absl::StrCat(
          mapping.class_info().name, ".", column.name(), " is of type ",
          ToAbsl(sql::ValueTypeName(column.type())),
          ", and its key was given as ", ToAbsl(sql::ValueTypeName(found))));
    }
    views.push_back(values[i].view());
  }
  return KeyValue::FromViews(views);
}

}  // namespace shard::internal
