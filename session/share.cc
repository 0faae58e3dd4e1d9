#include "shard/session/share.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"

namespace shard {

using Work = CommitMember::Work;

const std::string& Share::name() const {
  return bind_.shard.is_none() ? bind_.engine->name() : bind_.shard.name();
}

void Share::Touch() {
  if (work_ == Work::kRead) work_ = Work::kUnknown;
}

void Share::ExpectWrites() {
  Touch();
  may_have_written_ = true;
}

void Share::NoteWrites(const absl::StatusOr<Outcome>& outcome) {
  if (outcome.ok() && outcome->total_affected() > 0) work_ = Work::kWrote;
}

void Share::ForgetErrors(std::size_t depth) {
  if (error_depth_ >= depth) first_error_ = absl::OkStatus();
}

absl::Status Share::Refused(const absl::Status& error) const {
  const std::string where =
      absl::StrCat(bind_.shard.is_none() ? "'" : "shard '", name(), "'");
  return absl::StartsWith(error.message(), where) ? error
                                                  : Annotate(error, where);
}

absl::Status Share::Failed(const absl::Status& error) {
  absl::Status annotated = Refused(error);
  if (first_error_.ok()) {
    first_error_ = annotated;
    error_depth_ = depth_;
  }
  return annotated;
}

absl::Status Share::Start(const Request& request) {
  // A SELECT may lock rows or call what writes: only the database knows.
  Touch();
  may_have_written_ = may_have_written_ || request.statement->is_write;
  if (const absl::Status there = Resume(request.statement->is_write);
      !there.ok()) {
    return Failed(there);
  }
  const absl::Status status = connection_->Start(request);
  if (status.ok()) return status;
  return absl::IsInvalidArgument(status) || absl::IsOutOfRange(status)
             ? Refused(status)
             : Failed(status);
}

absl::StatusOr<Outcome> Share::Finish(RowBatch* rows) {
  absl::StatusOr<Outcome> outcome = connection_->Finish(rows);
  if (!outcome.ok()) return Failed(outcome.status());
  NoteWrites(outcome);
  return outcome;
}

absl::StatusOr<Outcome> Share::Execute(const Request& request, RowBatch* rows) {
  SHARD_RETURN_IF_ERROR(Start(request));
  return Finish(rows);
}

absl::Status Share::StartInsert(const InsertRequest& request) {
  ExpectWrites();
  absl::Status status = Resume(true);
  if (status.ok()) status = connection_->StartInsert(request);
  return status.ok() ? status : Failed(status);
}

absl::StatusOr<Outcome> Share::FinishInsert() {
  absl::StatusOr<Outcome> outcome = connection_->FinishInsert();
  if (!outcome.ok()) return Failed(outcome.status());
  NoteWrites(outcome);
  return outcome;
}

absl::StatusOr<std::unique_ptr<Cursor>> Share::OpenCursor(
    const Request& request, std::size_t batch_rows) {
  Touch();
  if (const absl::Status there = Resume(false); !there.ok()) {
    return Failed(there);
  }
  auto cursor = connection_->OpenCursor(request, batch_rows);
  if (!cursor.ok()) return Refused(cursor.status());
  return cursor;
}

}  // namespace shard
