// RowMover's writing of rows.
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/session/attribute.h"
#include "shard/session/expression_step.h"
#include "shard/session/flush_fields.h"
#include "shard/session/mapping_statements.h"
#include "shard/session/row_cells.h"
#include "shard/session/row_mover.h"
#include "shard/sql/dml.h"

namespace shard {

// SQL is evaluated over the row as it was.
absl::Status RowMover::RunExpressions(std::size_t index) {
  MovedRow& row = rows_[index];
  if (!row.asked) return absl::OkStatus();
  EntityBase& object = *row.object;
  const Mapping& mapping = object.mapping();
  sql::UpdateStatement update(mapping.table());
  update.assignments = Assignments(mapping, object, 0);
  const sql::Expression version = ServerMadeVersion(mapping);
  if (!version.empty()) {
    update.Set({mapping.field(mapping.version_field()).column, version});
  }
  if (update.assignments.empty()) return absl::OkStatus();
  update.Where(RowCondition(mapping));
  AttributeBase* attributes[kMostFields];
  mapping.Attributes(object, attributes);
  SHARD_ASSIGN_OR_RETURN(auto compiled,
                         row.from->dialect().Compile(std::move(update)));
  ExpressionUpdateStep step(&mapping, std::move(compiled), 0);
  SHARD_RETURN_IF_ERROR(step.TakeParameters(object, attributes));
  SHARD_RETURN_IF_ERROR(step.Start(*row.from));
  SHARD_RETURN_IF_ERROR(step.Finish(*row.from));
  SHARD_ASSIGN_OR_RETURN(
      const auto select,
      row.from->dialect().Compile(
          SelectForUpdate(*row.table).Where(ByKey(mapping))));
  const auto key = row.key.Views();
  RowBatch batch;
  SHARD_RETURN_IF_ERROR(
      row.from->Execute({select.get(), key, 1}, &batch).status());
  if (batch.rows() != 1) {
    return row.from->Failed(absl::AbortedError(absl::StrCat(
        NameOfRowsIn(*row.table), " ", row.key.DebugString(),
        " was there, and is gone after an UPDATE; does a trigger delete it?")));
  }
  std::vector<sql::Value> repeated = std::move(row.after);
  row.after = OwnedCells(batch.row(0));
  TakeChanges(object, row.after);
  for (const sql::Column* column : row.repeats) {
    row.after[column->index()] = repeated[column->index()];
  }
  return absl::OkStatus();
}

absl::Status RowMover::Delete(const Indices& group) {
  const MovedRow& first = rows_[group.front()];
  sql::DeleteStatement remove(*first.table);
  for (const sql::Column* column : first.table->primary_key()) {
    remove.Where(EqualsParameter(*column));
  }
  SHARD_ASSIGN_OR_RETURN(const auto compiled,
                         first.from->dialect().Compile(std::move(remove)));
  std::vector<sql::ValueView> values;
  for (const std::size_t index : group) rows_[index].key.AppendTo(values);
  SHARD_ASSIGN_OR_RETURN(
      const Outcome outcome,
      first.from->Execute({compiled.get(), values, group.size()}, nullptr));
  if (outcome.total_affected() == static_cast<std::int64_t>(group.size())) {
    return absl::OkStatus();
  }
  return first.from->Failed(absl::AbortedError(absl::StrCat(
      group.size(), " rows of ", NameOfRowsIn(*first.table),
      " were to move from '", first.from->name(), "', and ",
      outcome.total_affected(),
      " were deleted there; does a foreign key or trigger delete them?")));
}

absl::Status RowMover::Insert(const Indices& group) {
  const MovedRow& first = rows_[group.front()];
  std::vector<const sql::Column*> columns;
  for (const sql::Column& column : first.table->columns()) {
    columns.push_back(&column);
  }
  std::vector<sql::ValueView> values;
  for (const std::size_t index : group) {
    for (const sql::Value& cell : rows_[index].after) {
      values.push_back(cell.view());
    }
  }
  InsertRequest request;
  request.table = first.table;
  request.columns = columns;
  request.rows = group.size();
  request.values = values;
  SHARD_RETURN_IF_ERROR(first.to->StartInsert(request));
  SHARD_ASSIGN_OR_RETURN(const Outcome outcome, first.to->FinishInsert());
  if (outcome.total_affected() == static_cast<std::int64_t>(group.size())) {
    return absl::OkStatus();
  }
  return first.to->Failed(absl::FailedPreconditionError(absl::StrCat(
      group.size(), " rows of ", NameOfRowsIn(*first.table), " moved to '",
      first.to->name(), "', which put in ", outcome.total_affected(),
      "; does a trigger or rule swallow rows?")));
}

}  // namespace shard
