#include "shard/session/bulk_statement_step.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/session/bulk_insert_step.h"
#include "shard/session/flush_fields.h"
#include "shard/session/mapping_statements.h"
#include "shard/sql/expression.h"

namespace shard {

RowStatement::RowStatement(std::shared_ptr<const CompiledStatement> compiled,
                           const Mapping& mapping, std::size_t condition)
    : compiled_(std::move(compiled)) {
  const std::size_t set = compiled_->parameters.size() - condition;
  for (std::size_t i = 0; i < compiled_->parameters.size(); ++i) {
    const CompiledParameter& parameter = compiled_->parameters[i];
    if (parameter.literal.has_value()) {
      sources_.push_back({0, parameter.literal->view(), Source::kLiteral});
      continue;
    }
    const std::size_t field =
        mapping.table().FindColumn(parameter.name)->index();
    const bool next = condition != 0 && i < set &&
                      mapping.version() == VersionKind::kClient &&
                      field == mapping.version_field();
    sets_version_ = sets_version_ || next;
    sources_.push_back(
        {field, {}, next ? Source::kNextVersion : Source::kField});
  }
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

absl::StatusOr<std::unique_ptr<BulkStep>> BulkReturningStep::Make(
    const BulkPart* part, const BulkShape& shape, const Dialect& dialect) {
  sql::InsertStatement insert = BulkInsertOf(*part, shape, 1);
  if (part->options().return_defaults && shape.key != BulkKeySource::kGiven) {
    AddReturning(part->mapping(), part->mapping().key_set(), insert);
  }
  SHARD_ASSIGN_OR_RETURN(auto compiled, dialect.Compile(std::move(insert)));
  return std::make_unique<BulkReturningStep>(
      part, shape, RowStatement(std::move(compiled), part->mapping(), 0));
}

bool BulkReturningStep::NotesKeys() const {
  return part().options().return_defaults &&
         shape().key == BulkKeySource::kGiven;
}

void BulkReturningStep::Append(const BulkRow& row) {
  statement_.AppendValues(row, {}, &values_);
}

absl::Status BulkReturningStep::Send(Share& share) {
  return share.Start({statement_.get(), values_, chunk()});
}

absl::Status BulkReturningStep::Finish(Share& share) {
  SHARD_ASSIGN_OR_RETURN(outcome_, share.Finish(&returned_));
  if (statement_.get()->returns_rows) {
    return CheckArrived(returned_.rows(), share);
  }
  if (!mapping().options().returning) return absl::OkStatus();
  return CheckArrived(static_cast<std::size_t>(outcome_.total_affected()),
                      share);
}

absl::Status BulkReturningStep::Apply(const Share& share, BulkReport* report) {
  report->inserted += chunk();
  if (!part().options().return_defaults) return absl::OkStatus();
  for (std::size_t i = 0; i < chunk(); ++i) {
    TakeInserted(part(), index_of(i),
                 NotesKeys() ? std::move(keys_[i])
                             : KeyOfReturned(mapping(), returned_.row(i)),
                 share, shape().values, report);
  }
  return absl::OkStatus();
}

}  // namespace shard
