#include "shard/dialects/postgres/postgres_cursor.h"

#include <libpq-fe.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"

namespace shard::postgres {

PostgresCursor::PostgresCursor(Pipeline* pipeline, const Request& request,
                               std::size_t batch_rows)
    : pipeline_(pipeline),
      request_(request),
      batch_rows_(std::max<std::size_t>(batch_rows, 1)),
      name_(pipeline->state().NewCursorName()),
      declare_(absl::StrCat("DECLARE ", name_, " NO SCROLL CURSOR FOR ",
                            request.statement->text)),
      fetch_(absl::StrCat("FETCH ", batch_rows_, " FROM ", name_)) {}

PostgresCursor::~PostgresCursor() {
  if (started_) pipeline_->Abandon();
  if (declared_) pipeline_->state().CloseLater(name_, era_);
}

absl::Status PostgresCursor::Prepare() {
  if (request_.runs != 1) {
    return absl::InvalidArgumentError("a cursor is for one run");
  }
  return run_.Prepare(request_);
}

absl::Status PostgresCursor::Start() {
  if (started_ || failed_) {
    return absl::FailedPreconditionError(
        failed_ ? "the cursor failed before"
                : "the cursor's last batch was not finished");
  }
  if (!at_end_) SHARD_RETURN_IF_ERROR(pipeline_->Start(this));
  started_ = true;
  return absl::OkStatus();
}

absl::StatusOr<bool> PostgresCursor::Finish(RowBatch* batch) {
  if (!std::exchange(started_, false)) {
    return absl::FailedPreconditionError("no batch was asked for");
  }
  reader_.Start(request_.statement, batch);
  if (at_end_) return false;
  rows_read_ = 0;
  absl::Status status = pipeline_->Finish();
  if (!status.ok()) {
    failed_ = true;
    return status;
  }
  declared_ = true;
  at_end_ = rows_read_ < batch_rows_;
  return rows_read_ > 0;
}

bool PostgresCursor::Send(std::size_t step, Pipeline& pipeline) {
  if (IsDeclare(step)) {
    era_ = pipeline.state().era();
    return pipeline.SendUnprepared(declare_, run_.types(), run_.Encode(0),
                                   /*binary_rows=*/false);
  }
  return pipeline.SendUnprepared(fetch_, {}, ParameterBuffer(), binary_rows_);
}

absl::Status PostgresCursor::Receive(std::size_t, const PGresult* result) {
  if (PQresultStatus(result) != PGRES_TUPLES_OK) return absl::OkStatus();
  rows_read_ = PQntuples(result);
  binary_rows_ = AllReadableInBinary(result);
  return reader_.Add(result);
}

}  // namespace shard::postgres
