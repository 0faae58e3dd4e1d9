// Doing again, on a SQLite file, what was recorded there before.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_REDO_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_REDO_H_

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/sqlite/sqlite_database.h"

namespace shard {

// Applies the redo of SqliteRecording::Finish in the caller's open write
// transaction; triggers and foreign keys do nothing meanwhile. After an error
// roll back.
//
// kFailedPrecondition, with `conflicts` filled in: with kReport for all rows
// that are not as the transaction found them; with kOverwrite for those that
// cannot be written over; with both for tables that are missing or have other
// columns now. With kOverwrite and kKeep `conflicts` also holds, on success,
// the rows, and with kKeep the tables, that were dealt with so: all changes of
// such a table are given up. kDataLoss for bytes that are no redo.
absl::Status ApplySqliteRedo(SqliteDatabase& database, std::string_view redo,
                             OnConflict on_conflict,
                             std::vector<RedoConflict>* conflicts);

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_REDO_H_
