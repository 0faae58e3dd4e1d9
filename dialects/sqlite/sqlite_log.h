// The write-ahead log as a file.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_LOG_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_LOG_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/sqlite/sqlite_database.h"

namespace shard {

// Makes durable all that the connection has read, whoever wrote it: syncs the
// log. What is not in the log any more a checkpoint has synced. OK, with
// nothing done, for a database in memory.
absl::Status SyncSqliteLog(SqliteDatabase& database);

// Whether the log goes on, behind what is published, with a COMMIT that died
// half-way: readers do not see it, and a recovery of the log would bring it to
// life. The rest of a transaction that was rolled back, or of one whose COMMIT
// was not written whole, does not count. To be called with the write lock held
// and nothing written.
absl::StatusOr<bool> LogGoesOnUnpublished(SqliteDatabase& database);

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_LOG_H_
