// Proving a redo by doing the work again, before it is committed.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_REPLAY_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_REPLAY_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/sqlite/sqlite_database.h"

namespace shard {

// The first table for which applying the redo where the transaction began might
// lead to anything else than its work; empty when there is none. Most redos are
// simple, that is, provably the same:
//
// - A row is found by the bytes of its key. That is in doubt where SQLite holds
//   keys of other bytes for equal; see KeyDoubt.
// - Changes of different rows get into each other's way by UNIQUE indexes
//   alone. A change that meets a conflict there is tried again behind the
//   others: deletes never meet any, inserts have to wait for the rest, and one
//   UPDATE of unique values has to wait for deletes. Two of those may wait for
//   each other.
absl::StatusOr<std::string> FindDoubtfulTable(SqliteDatabase& database,
                                              std::string_view redo);

// Goes back to the begin of the transaction, applies the redo, and compares all
// rows that it names with what the transaction had made of them. The write lock
// is kept. kFailedPrecondition, naming a table (`doubtful`, where SQLite does
// not say which), when it cannot be applied, or a row is not the same; roll
// back then.
absl::Status ReplaySqliteRedo(SqliteDatabase& database, std::string_view redo,
                              std::string_view doubtful);

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_REPLAY_H_
