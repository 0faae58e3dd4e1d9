// The write-ahead log as a file. All of it belongs to the thread that uses the
// connection. Errors are the connection's: of reading and syncing files.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_LOG_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_LOG_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/sqlite/sqlite_database.h"

namespace shard {

// Makes durable all that the connection has read, whoever wrote it: syncs the
// log. What is not in the log any more a checkpoint has synced. OK, with
// nothing done, for a database in memory.
absl::Status SyncSqliteLog(SqliteDatabase& database);

// How far the log is published. Two that are equal are of the same round of the
// log, with nothing committed in between.
struct SqliteLogPosition {
  std::array<char, 8> salts = {};  // of the round
  std::uint32_t frames = 0;

  std::string ToBytes() const;
};
// To be called with the write lock held and nothing written.
absl::StatusOr<SqliteLogPosition> PublishedEndOfLog(SqliteDatabase& database);

// Whether the log goes on, behind what is published, with a COMMIT that died
// half-way: readers do not see it, and a recovery of the log would bring it to
// life. The rest of a transaction that was rolled back, or of one whose COMMIT
// was not written whole, does not count. To be called with the write lock held
// and nothing written.
absl::StatusOr<bool> LogGoesOnUnpublished(SqliteDatabase& database);

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_LOG_H_
