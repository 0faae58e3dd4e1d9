// Settings of an open SQLite database, which users may change by PRAGMA.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_SETTINGS_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_SETTINGS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/sqlite/sqlite_database.h"

namespace shard {

// What "PRAGMA <name>" says now: "wal", "2". No listener hears of it.
absl::StatusOr<std::string> ReadSqliteSetting(SqliteDatabase& database,
                                              std::string_view name);
// "PRAGMA <name>=<value>". SQLite says nothing about a wrong value.
absl::Status ChangeSqliteSetting(SqliteDatabase& database,
                                 std::string_view name, std::string_view value);

// kFailedPrecondition, naming the setting, unless every COMMIT on this
// connection is on disk, in a write-ahead log, when it returns. Asks SQLite
// only where a PRAGMA may have changed it.
absl::Status CheckCommitsAreDurable(SqliteDatabase& database);

// kFailedPrecondition unless SQLite syncs each COMMIT on this connection,
// whatever its journal is.
absl::Status CheckSyncsCommits(SqliteDatabase& database);

// The name of a value of "synchronous": "FULL" for "2".
std::string_view SqliteSynchronousName(std::string_view value);
bool IsDurableSynchronous(std::string_view value);

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_SETTINGS_H_
