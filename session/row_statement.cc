#include "shard/session/row_statement.h"

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/session/flush_fields.h"
#include "shard/sql/expression.h"

namespace shard {

absl::StatusOr<RowStatement> RowStatement::Make(
    std::shared_ptr<const CompiledStatement> compiled, const Mapping& mapping,
    std::size_t condition) {
  RowStatement statement;
  const std::size_t set = compiled->parameters.size() - condition;
  for (std::size_t i = 0; i < compiled->parameters.size(); ++i) {
    const CompiledParameter& parameter = compiled->parameters[i];
    if (parameter.literal.has_value()) {
      statement.sources_.push_back(
          {0, parameter.literal->view(), Source::kLiteral});
      continue;
    }
    const sql::Column* const column =
        mapping.table().FindColumn(parameter.name);
    if (column == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the SQL of a default of ", mapping.class_info().name,
          " has a parameter ':", parameter.name,
          "', which has no value in a bulk operation; use a literal"));
    }
    const bool next = i < set && condition != 0 &&
                      mapping.version() == VersionKind::kClient &&
                      column->index() == mapping.version_field();
    statement.sets_version_ = statement.sets_version_ || next;
    statement.sources_.push_back(
        {column->index(), {}, next ? Source::kNextVersion : Source::kField});
  }
  statement.compiled_ = std::move(compiled);
  return statement;
}

void RowStatement::AppendValues(const BulkRow& row,
                                const sql::ValueView& next_version,
                                std::size_t begin, std::size_t end,
                                std::vector<sql::ValueView>* out) const {
  for (std::size_t i = begin; i < end; ++i) {
    const Source& source = sources_[i];
    switch (source.kind) {
      case Source::kLiteral:
        out->push_back(source.literal);
        break;
      case Source::kField:
        out->push_back(row.cells[source.field]);
        break;
      case Source::kNextVersion:
        out->push_back(next_version);
        break;
    }
  }
}

sql::InsertStatement BulkInsertOf(const BulkPart& part, const BulkShape& shape,
                                  std::size_t rows) {
  sql::InsertStatement insert(part.mapping().table());
  for (std::size_t row = 0; row < rows; ++row) {
    std::vector<sql::ColumnAssignment> cells;
    for (const MappedField& field : part.mapping().fields()) {
      const sql::Column& column = *field.column;
      if (HasField(shape.values, column.index())) {
        cells.push_back(
            {&column, sql::Parameter(column.name(), column.type())});
      } else if (HasField(shape.expressions, column.index())) {
        cells.push_back({&column, column.client_default()()});
      }
    }
    insert.Values(std::move(cells));
  }
  return insert;
}

KeyValue KeyOfReturned(const Mapping& mapping,
                       absl::Span<const sql::ValueView> row) {
  if (mapping.has_integer_key()) return KeyValue(row[0].integer());
  return KeyValue::FromViews(row.subspan(0, mapping.key_fields().size()));
}

}  // namespace shard
