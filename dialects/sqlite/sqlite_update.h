// UPDATEs of many rows by key.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_UPDATE_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_UPDATE_H_

#include <sqlite3.h>

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/row_update.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/sql/byte_arena.h"

namespace shard {

// Does many runs of a RowUpdate as UPDATE ... FROM (VALUES ...), kChunkRows a
// statement, which takes some 0.7 of their time. Not thread-safe.
class SqliteUpdater {
 public:
  static constexpr std::size_t kChunkRows = 128;  // more gain little

  explicit SqliteUpdater(SqliteDatabase* database) : database_(*database) {}

  // For a request with one_row_each: does runs from `first` on in whole chunks,
  // and says how many; each changed one row, and is so entered in `outcome`.
  // Stops at a chunk of which that is not so, or that a constraint forbids:
  // done one by one its runs will show which it was. (A chunk in which a row is
  // missing has changed the others by then: a savepoint around it would cost
  // more than is gained, and the transaction is over.) Zero where the
  // transaction has not written yet: a first write may entail more.
  absl::StatusOr<std::size_t> Run(const Request& request, std::size_t first,
                                  Outcome* outcome);

 private:
  absl::StatusOr<bool> RunChunk(const Request& request, std::size_t first,
                                sqlite3_stmt* statement,
                                const std::string& text);
  absl::StatusOr<std::string> ChunkText(const RowUpdate& update) const;

  SqliteDatabase& database_;
  sql::ByteArena scratch_;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_UPDATE_H_
