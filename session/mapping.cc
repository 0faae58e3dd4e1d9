#include "shard/session/mapping.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
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

absl::Status Mapping::BadVersion(const sql::Column& column,
                                 const char* problem) const {
  return absl::InvalidArgumentError(absl::StrCat(
      "class ", class_info_.name, ": '", column.name(), "' ", problem));
}

void Mapping::TakeTraits(const sql::Column& column, const FieldTraits& traits) {
  const std::uint64_t bit = std::uint64_t{1} << column.index();
  if (column.nullable() && !traits.evaluates_none) {
    null_means_default_ |= (server_defaults_ | client_defaults_) & bit;
  }
  if (traits.custom_type) custom_fields_ |= bit;
  if (traits.custom_type && traits.evaluates_none) stores_none_ |= bit;
  if (traits.version == VersionKind::kNone) return;
  if (version() != VersionKind::kNone) {
    status_ = BadVersion(column, "is a second version; keep one of them");
  } else if (column.nullable()) {
    status_ = BadVersion(
        column,
        "is a version and may be NULL, which equals nothing; make its "
        "type none of std::optional");
  } else if (traits.counts && column.type() != sql::ValueType::kInt32 &&
             column.type() != sql::ValueType::kInt64) {
    status_ = BadVersion(column,
                         "counts versions and is no integer; use VersionBy for "
                         "a version of another type");
  } else if (column.primary_key()) {
    status_ = BadVersion(
        column, "is a version and part of the primary key; take it out");
  }
  traits_of_version_ = traits;
  version_field_ = column.index();
  onupdates_ &= ~bit;
}

Mapping::Mapping(const Definition& definition)
    : table_(definition.table_name, Columns(definition.fields), &class_info_),
      options_(definition.options),
      make_(definition.make),
      attributes_(definition.attributes) {
  class_info_.name = std::string(definition.class_name);
  class_info_.table = &table_;
  class_info_.bases = options_.bases;
  for (const sql::Column& column : table_.columns()) {
    const FieldInfo& field = definition.fields[column.index()];
    TakeColumn(column, field.ops, field.traits);
  }
  Finish();
  if (key_fields_.empty()) {
    status_ = absl::InvalidArgumentError(
        absl::StrCat("class ", class_info_.name,
                     " has no primary key; mark a field with PrimaryKey"));
  }
}

Mapping::Mapping(std::string_view table_name,
                 std::vector<sql::ColumnSpec> columns)
    : table_(table_name, std::move(columns), &class_info_) {
  class_info_.name = table_.name();
  class_info_.table = &table_;
  if (table_.columns().size() > kMostFields) {
    status_ = absl::InvalidArgumentError(absl::StrCat(
        "table '", table_.name(), "' has ", table_.columns().size(),
        " columns, and a mapping ", kMostFields, " at most; leave some out"));
    return;
  }
  FieldTraits traits;
  traits.evaluates_none = true;
  for (const sql::Column& column : table_.columns()) {
    TakeColumn(column, nullptr, traits);
  }
  Finish();
}

void Mapping::TakeColumn(const sql::Column& column, const AttributeOps* ops,
                         const FieldTraits& traits) {
  if (column.primary_key()) {
    key_fields_.push_back(static_cast<std::uint16_t>(column.index()));
  }
  if (table_.FindColumn(column.name()) != &column) {
    status_ = absl::InvalidArgumentError(
        has_class()
            ? absl::StrCat("class ", class_info_.name, " maps column '",
                           column.name(), "' twice; rename one of the fields")
            : absl::StrCat("table '", table_.name(), "' has column '",
                           column.name(), "' twice; leave one out"));
  }
  const std::uint64_t bit = std::uint64_t{1} << column.index();
  if (column.primary_key()) key_set_ |= bit;
  if (!column.server_default().empty()) server_defaults_ |= bit;
  if (column.client_default()) client_defaults_ |= bit;
  if (column.onupdate()) onupdates_ |= bit;
  TakeTraits(column, traits);
  if (traits.deferred && column.primary_key()) {
    status_ = absl::InvalidArgumentError(absl::StrCat(
        "class ", class_info_.name, " defers '", column.name(),
        "', a part of its primary key, which every object has; leave out "
        "Deferred"));
  }
  fields_.push_back({&column, ops, traits.deferred});
}

void Mapping::Finish() {
  std::vector<std::uint16_t> loaded;
  for (const MappedField& field : fields_) {
    if (!field.deferred) {
      loaded.push_back(static_cast<std::uint16_t>(field.column->index()));
    }
  }
  layout_ = LayoutOf(std::move(loaded));
  if (key_fields_.size() == 1) {
    const sql::ValueType type = fields_[key_fields_[0]].column->type();
    has_integer_key_ =
        type == sql::ValueType::kInt64 || type == sql::ValueType::kInt32;
  }
}

RowLayout Mapping::LayoutOf(std::vector<std::uint16_t> fields) const {
  RowLayout layout;
  for (const std::uint16_t key : key_fields_) {
    const auto cell = std::find(fields.begin(), fields.end(), key);
    layout.key_cells.push_back(
        static_cast<std::uint16_t>(cell - fields.begin()));
  }
  for (std::size_t field = 0; field < fields_.size(); ++field) {
    if (std::find(fields.begin(), fields.end(), field) == fields.end()) {
      layout.missing |= std::uint64_t{1} << field;
    }
  }
  layout.fields = std::move(fields);
  return layout;
}

}  // namespace shard
