#include "shard/dialects/sqlite/sqlite_log.h"

#include <sqlite3.h>

#include "absl/status/status.h"

namespace shard {

absl::Status SyncSqliteLog(SqliteDatabase& database) {
  sqlite3_file* log = nullptr;
  const int found = sqlite3_file_control(database.handle(), "main",
                                         SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (found != SQLITE_OK) return database.Error(found, "sync of the log");
  // No methods: the file is not open, so nothing was read from it.
  if (log == nullptr || log->pMethods == nullptr) return absl::OkStatus();
  const int result = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
  if (result == SQLITE_OK) return absl::OkStatus();
  return database.Error(result, "sync of the log");
}

}  // namespace shard
