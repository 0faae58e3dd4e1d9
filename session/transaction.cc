#include "shard/session/transaction.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"

namespace shard {
namespace {

std::string ShardName(const Bind& bind) {
  return bind.shard.is_none() ? "a database that is no shard"
                              : absl::StrCat("shard '", bind.shard.name(), "'");
}

}  // namespace

const std::string& Share::name() const {
  return bind_.shard.is_none() ? bind_.engine->name() : bind_.shard.name();
}

absl::Status Share::Refused(const absl::Status& error) {
  const std::string where =
      absl::StrCat(bind_.shard.is_none() ? "'" : "shard '", name(), "'");
  return absl::StartsWith(error.message(), where) ? error
                                                  : Annotate(error, where);
}

absl::Status Share::Failed(const absl::Status& error) {
  absl::Status annotated = Refused(error);
  if (first_error_.ok()) first_error_ = annotated;
  return annotated;
}

absl::Status Share::Start(const Request& request) {
  may_have_written_ = may_have_written_ || request.statement->is_write;
  const absl::Status status = connection_->Start(request);
  if (status.ok()) return status;
  return absl::IsInvalidArgument(status) || absl::IsOutOfRange(status)
             ? Refused(status)
             : Failed(status);
}

absl::StatusOr<Outcome> Share::Finish(RowBatch* rows) {
  absl::StatusOr<Outcome> outcome = connection_->Finish(rows);
  if (!outcome.ok()) return Failed(outcome.status());
  return outcome;
}

absl::StatusOr<Outcome> Share::Execute(const Request& request, RowBatch* rows) {
  SHARD_RETURN_IF_ERROR(Start(request));
  return Finish(rows);
}

absl::Status Share::StartInsert(const InsertRequest& request) {
  may_have_written_ = true;
  const absl::Status status = connection_->StartInsert(request);
  return status.ok() ? status : Failed(status);
}

absl::StatusOr<Outcome> Share::FinishInsert() {
  absl::StatusOr<Outcome> outcome = connection_->FinishInsert();
  if (!outcome.ok()) return Failed(outcome.status());
  return outcome;
}

absl::StatusOr<std::unique_ptr<Cursor>> Share::OpenCursor(
    const Request& request, std::size_t batch_rows) {
  auto cursor = connection_->OpenCursor(request, batch_rows);
  if (!cursor.ok()) return Refused(cursor.status());
  return cursor;
}

absl::StatusOr<Share*> Transaction::ShareFor(const Bind& bind) {
  if (bind.engine == nullptr) {
    return absl::InternalError(
        "the bind resolver answered with no engine; return a Bind with one");
  }
  for (const auto& share : shares_) {
    if (share->bind().engine != bind.engine) continue;
    if (share->bind() == bind) return share.get();
    return absl::FailedPreconditionError(absl::StrCat(
        "engine '", bind.engine->name(), "' is used as ",
        ShardName(share->bind()), " and as ", ShardName(bind),
        " in one transaction, which is not supported yet; keep them on "
        "different databases"));
  }
  absl::StatusOr<PooledConnection> connection = bind.engine->Connect();
  if (!connection.ok()) {
    return bind.shard.is_none()
               ? connection.status()
               : Annotate(connection.status(),
                          absl::StrCat("shard '", bind.shard.name(), "'"));
  }
  auto share = std::make_unique<Share>(bind, *std::move(connection));
  if (absl::Status begun = share->connection().Begin(); !begun.ok()) {
    return share->Failed(begun);
  }
  shares_.push_back(std::move(share));
  return shares_.back().get();
}

absl::Status Transaction::CheckHealthy() const {
  for (const auto& share : shares_) {
    if (!share->first_error().ok()) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the transaction can only be rolled back, since a statement failed: ",
          share->first_error().message(), "; call Rollback()"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<CommitResult> Transaction::Commit() {
  CommitResult result;
  absl::Status first_failure;
  bool some_written = false;
  for (const auto& share : shares_) {
    const Bind& bind = share->bind();
    CommitShare done{bind.engine->name(), bind.shard.name(), false, {}};
    if (first_failure.ok()) {
      done.error = share->connection().Commit();
      done.committed = done.error.ok();
      some_written =
          some_written || (done.committed && share->may_have_written());
      if (!done.committed) first_failure = share->Failed(done.error);
    } else {
      done.error =
          absl::AbortedError("rolled back, since another failed first");
    }
    result.shares.push_back(std::move(done));
  }
  Rollback();  // what was not committed; and gives the connections back
  if (first_failure.ok()) return result;
  if (!some_written) return first_failure;
  return PartlyCommitted(result);
}

void Transaction::Rollback() { shares_.clear(); }  // the pools roll back

}  // namespace shard
