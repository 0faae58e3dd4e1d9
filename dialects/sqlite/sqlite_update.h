// UPDATEs of many rows by key.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_UPDATE_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_UPDATE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/row_update.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/sql/byte_arena.h"

namespace shard {

// Does many runs of a RowUpdate as UPDATE ... FROM (VALUES ...), kChunkRows a
// statement, which takes some 0.6 of their time. Not thread-safe.
class SqliteUpdater {
 public:
  static constexpr std::size_t kChunkRows = 64;

  explicit SqliteUpdater(SqliteDatabase* database) : database_(*database) {}

  // Does the runs of `request` from `first` on, as many as make whole chunks,
  // and says how many these were; each changed one row, and is so entered in
  // `outcome`. Zero, with nothing done, where that is not so, or a constraint
  // was violated: done one by one they will show which it was. Zero as well
  // where the transaction has not written yet: a first write may entail more.
  absl::StatusOr<std::size_t> Run(const Request& request, std::size_t first,
                                  Outcome* outcome);

 private:
  absl::StatusOr<bool> RunChunks(const Request& request, std::size_t first,
                                 std::size_t rows);
  absl::StatusOr<std::string> ChunkText(const RowUpdate& update) const;

  SqliteDatabase& database_;
  sql::ByteArena scratch_;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_UPDATE_H_
