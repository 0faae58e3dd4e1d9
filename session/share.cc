#include "shard/session/share.h"

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"

namespace shard {

void Share::NoteWrites(const absl::StatusOr<Outcome>& outcome) {
  if (outcome.ok() && outcome->total_affected() > 0) branch_.NoteWritten();
}

absl::Status Share::Refused(const absl::Status& error) const {
  return NamedError(error, !bind_.shard.is_none(), name());
}

absl::Status Share::Failed(const absl::Status& error) {
  absl::Status named = Refused(error);
  branch_.NoteError(named);
  return named;
}

absl::Status Share::Start(const Request& request) {
  // A SELECT may lock rows or call what writes: only the database knows.
  branch_.Touch(request.statement->is_write);
  Speak();
  if (const absl::Status there = branch_.Resume(request.statement->is_write);
      !there.ok()) {
    return Failed(there);
  }
  const absl::Status status = branch_.connection().Start(request);
  if (status.ok()) return status;
  return absl::IsInvalidArgument(status) || absl::IsOutOfRange(status)
             ? Refused(status)
             : Failed(status);
}

absl::StatusOr<Outcome> Share::Finish(RowBatch* rows) {
  absl::StatusOr<Outcome> outcome = branch_.connection().Finish(rows);
  if (!outcome.ok()) return Failed(outcome.status());
  NoteWrites(outcome);
  return outcome;
}

absl::StatusOr<Outcome> Share::Execute(const Request& request, RowBatch* rows) {
  SHARD_RETURN_IF_ERROR(Start(request));
  return Finish(rows);
}

absl::Status Share::StartInsert(InsertRequest request) {
  request.names = bind_.names;
  branch_.Touch(true);
  Speak();
  absl::Status status = branch_.Resume(true);
  if (status.ok()) status = branch_.connection().StartInsert(request);
  return status.ok() ? status : Failed(status);
}

absl::StatusOr<Outcome> Share::FinishInsert() {
  absl::StatusOr<Outcome> outcome = branch_.connection().FinishInsert();
  if (!outcome.ok()) return Failed(outcome.status());
  NoteWrites(outcome);
  return outcome;
}

absl::StatusOr<bool> Share::CountsRowsOf(const sql::Table& table) {
  return branch_.connection().CountsRowsOf(table, dialect_);
}

absl::StatusOr<std::unique_ptr<Cursor>> Share::OpenCursor(
    const Request& request, std::size_t batch_rows) {
  branch_.Touch(false);
  Speak();
  if (const absl::Status there = branch_.Resume(false); !there.ok()) {
    return Failed(there);
  }
  auto cursor = branch_.connection().OpenCursor(request, batch_rows);
  if (!cursor.ok()) return Refused(cursor.status());
  return cursor;
}

}  // namespace shard
