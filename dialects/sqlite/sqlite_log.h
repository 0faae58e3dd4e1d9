// The write-ahead log as a file.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_LOG_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_LOG_H_

#include "absl/status/status.h"
#include "shard/dialects/sqlite/sqlite_database.h"

namespace shard {

// Makes durable all that the connection has read, whoever wrote it: syncs the
// log. What is not in the log any more a checkpoint has synced. OK, with
// nothing done, for a database in memory.
absl::Status SyncSqliteLog(SqliteDatabase& database);

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_LOG_H_
