#include "shard/dialects/connection.h"

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"

namespace shard {

absl::StatusOr<bool> Cursor::Next(RowBatch* batch) {
  SHARD_RETURN_IF_ERROR(Start());
  return Finish(batch);
}

absl::StatusOr<Outcome> Connection::Execute(const Request& request,
                                            RowBatch* rows) {
  SHARD_RETURN_IF_ERROR(Start(request));
  return Finish(rows);
}

absl::StatusOr<Outcome> Connection::Insert(const InsertRequest& request) {
  SHARD_RETURN_IF_ERROR(StartInsert(request));
  return FinishInsert();
}

absl::Status Connection::ExecuteScript(std::string_view sql) {
  SHARD_RETURN_IF_ERROR(StartScript(sql));
  return FinishScript();
}

absl::Status Connection::Begin(const TransactionOptions& options) {
  return ExecuteScript(BeginText(options));
}

absl::Status Connection::Commit() { return ExecuteScript("COMMIT"); }

absl::Status Connection::Rollback() { return ExecuteScript("ROLLBACK"); }

absl::Status Connection::Savepoint(std::string_view name) {
  SHARD_ASSIGN_OR_RETURN(const std::string quoted,
                         dialect().QuoteIdentifier(name));
  return ExecuteScript(absl::StrCat("SAVEPOINT ", quoted));
}

absl::Status Connection::RollbackTo(std::string_view name) {
  SHARD_ASSIGN_OR_RETURN(const std::string quoted,
                         dialect().QuoteIdentifier(name));
  return ExecuteScript(absl::StrCat("ROLLBACK TO SAVEPOINT ", quoted));
}

absl::Status Connection::Release(std::string_view name) {
  SHARD_ASSIGN_OR_RETURN(const std::string quoted,
                         dialect().QuoteIdentifier(name));
  return ExecuteScript(absl::StrCat("RELEASE SAVEPOINT ", quoted));
}

void Connection::LiftTimeLimits() {}

absl::Status Connection::LimitLockWaits(absl::Duration) {
  return absl::OkStatus();
}

void Connection::set_progress(std::function<void()>) {}

void Connection::set_deadline(absl::Time) {}

}  // namespace shard
