#include "shard/sql/table.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"
#include "shard/sql/column.h"
#include "shard/sql/expression.h"

namespace shard::sql {
namespace {

Expression NoSuchColumn(const Table& table, std::string_view column) {
  return Error(absl::InvalidArgumentError(
      absl::StrCat("table '", table.name(), "' has no column '", ToAbsl(column),
                   "'; name one of its declared columns")));
}

}  // namespace

Column::Column(ColumnSpec spec, const Table* table, std::size_t index)
    : spec_(std::move(spec)),
      table_(table),
      index_(index),
      expression_(Node{ColumnNode{this, ""}, spec_.type}) {
  if (spec_.primary_key) spec_.nullable = false;
}

std::string Column::QualifiedName() const {
  return absl::StrCat(table_->name(), ".", spec_.name);
}

Table::Table(std::string_view name, std::vector<ColumnSpec> columns,
             const ClassInfo* mapped_class)
    : name_(name), mapped_class_(mapped_class) {
  for (ColumnSpec& spec : columns) {
    const Column& column =
        columns_.emplace_back(std::move(spec), this, columns_.size());
    if (column.primary_key()) primary_key_.push_back(&column);
  }
  if (primary_key_.size() == 1) {
    const Column& key = *primary_key_.front();
    const bool integer =
        key.type() == ValueType::kInt64 || key.type() == ValueType::kInt32;
    if (integer && key.server_default().empty() && !key.client_default()) {
      generated_key_ = &key;
    }
  }
}

const Column* Table::FindColumn(std::string_view name) const {
  for (const Column& column : columns_) {
    if (column.name() == name) return &column;
  }
  return nullptr;
}

Expression Table::c(std::string_view name) const {
  const Column* column = FindColumn(name);
  return column == nullptr ? NoSuchColumn(*this, name) : column->expression();
}

Expression Alias::c(std::string_view column) const {
  const Column* found = table_->FindColumn(column);
  if (found == nullptr) return NoSuchColumn(*table_, column);
  return Expression(Node{ColumnNode{found, name_}, found->type()});
}

}  // namespace shard::sql
