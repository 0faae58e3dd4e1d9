#include "shard/dialects/connection.h"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

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

absl::StatusOr<bool> Connection::CountsRowsOf(const sql::Table&,
                                              const Dialect&) {
  return true;
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
  SHARD_RETURN_IF_ERROR(ExecuteScript(BeginText(options)));
  ForgetSavepoints();
  return absl::OkStatus();
}

absl::Status Connection::Commit() { return ExecuteScript("COMMIT"); }

absl::Status Connection::Rollback() { return ExecuteScript("ROLLBACK"); }

const std::vector<std::string>& Connection::savepoints() const {
  static const std::vector<std::string>* const none =
      new std::vector<std::string>;
  return in_transaction() ? savepoints_ : *none;
}

void Connection::NoteSavepoint(std::string_view name) {
  if (!in_transaction()) return;
  savepoints_.emplace_back(name);
}

void Connection::NoteReleased(std::string_view name) {
  savepoints_.resize(IndexOfSavepoint(name));
}

// Of the innermost of that name; behind the last, if there is none.
std::size_t Connection::IndexOfSavepoint(std::string_view name) const {
  for (std::size_t i = savepoints_.size(); i > 0; --i) {
    if (savepoints_[i - 1] == name) return i - 1;
  }
  return savepoints_.size();
}

absl::Status Connection::Savepoint(std::string_view name) {
  SHARD_ASSIGN_OR_RETURN(const std::string quoted,
                         dialect().QuoteIdentifier(name));
  SHARD_RETURN_IF_ERROR(ExecuteScript(absl::StrCat("SAVEPOINT ", quoted)));
  NoteSavepoint(name);
  return absl::OkStatus();
}

absl::Status Connection::RollbackTo(std::string_view name) {
  SHARD_ASSIGN_OR_RETURN(const std::string quoted,
                         dialect().QuoteIdentifier(name));
  SHARD_RETURN_IF_ERROR(
      ExecuteScript(absl::StrCat("ROLLBACK TO SAVEPOINT ", quoted)));
  const std::size_t kept = IndexOfSavepoint(name) + 1;
  if (kept < savepoints_.size()) savepoints_.resize(kept);
  return absl::OkStatus();
}

absl::Status Connection::Release(std::string_view name) {
  SHARD_ASSIGN_OR_RETURN(const std::string quoted,
                         dialect().QuoteIdentifier(name));
  SHARD_RETURN_IF_ERROR(
      ExecuteScript(absl::StrCat("RELEASE SAVEPOINT ", quoted)));
  NoteReleased(name);
  return absl::OkStatus();
}

void Connection::LiftTimeLimits() {}

absl::Status Connection::LimitLockWaits(absl::Duration) {
  return absl::OkStatus();
}

void Connection::set_progress(std::function<void()>) {}

void Connection::set_deadline(absl::Time) {}

}  // namespace shard
