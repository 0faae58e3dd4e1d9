#include "shard/dialects/sqlite/sqlite_recording.h"

#include <sqlite3.h>

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/sqlite/sqlite_database.h"

namespace shard {

absl::StatusOr<std::unique_ptr<SqliteRecording>> SqliteRecording::Start(
    SqliteDatabase* database) {
  std::unique_ptr<SqliteRecording> recording(new SqliteRecording(database));
  int result =
      sqlite3session_create(database->handle(), "main", &recording->session_);
  if (result == SQLITE_OK) {
    result = sqlite3session_attach(recording->session_, nullptr);
  }
  if (result != SQLITE_OK) return database->Error(result, "");
  return recording;
}

SqliteRecording::~SqliteRecording() {
  if (session_ != nullptr) sqlite3session_delete(session_);
}

absl::StatusOr<std::string> SqliteRecording::Finish(
    std::size_t max_redo_bytes) {
  if (!database_.in_transaction()) {
    return absl::AbortedError(
        "the transaction is over; SQLite has rolled it back upon an earlier "
        "error");
  }
  // FTS5 keeps what it is given in memory until then.
  SHARD_RETURN_IF_ERROR(database_.Run("SAVEPOINT shard_flush"));
  SHARD_RETURN_IF_ERROR(database_.Run("RELEASE shard_flush"));
  int bytes = 0;
  void* changeset = nullptr;
  const int result = sqlite3session_changeset(session_, &bytes, &changeset);
  if (result != SQLITE_OK) return database_.Error(result, "");
  std::string redo(static_cast<const char*>(changeset),
                   static_cast<std::size_t>(bytes));
  sqlite3_free(changeset);
  if (redo.size() <= max_redo_bytes) return redo;
  return absl::ResourceExhaustedError(
      absl::StrCat("the redo has ", redo.size(), " bytes, and ", max_redo_bytes,
                   " are allowed"));
}

}  // namespace shard
