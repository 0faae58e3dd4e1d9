// Whether a SQLite file is fit for its part in an atomic commit.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_INSPECTION_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_INSPECTION_H_

#include <vector>

#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/sqlite/sqlite_database.h"

namespace shard {

// See Participant::Inspect. `connection` is that of `database`. Writes nothing.
absl::StatusOr<std::vector<Finding>> InspectSqlite(Connection& connection,
                                                   SqliteDatabase& database);

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_INSPECTION_H_
