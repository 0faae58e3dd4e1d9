// The numbers that AUTOINCREMENT tables have given, in table sqlite_sequence,
// which SQLite records nowhere.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_SEQUENCES_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_SEQUENCES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_redo_format.h"

namespace shard {

// Those of all tables. SqliteTables must be fresh.
absl::StatusOr<std::vector<SqliteRedo::Sequence>> ReadSqliteSequences(
    SqliteDatabase& database);

// Makes the numbers what the recorded transaction left. To apply its changes
// may raise them further: a key that an UPDATE has changed is inserted anew.
// They are never taken back from what they were before, though: somebody else
// may have been given some since.
class SqliteSequences {
 public:
  // Before the changes are applied.
  static absl::StatusOr<SqliteSequences> Look(SqliteDatabase& database,
                                              const SqliteRedo& redo);
  // Behind them.
  absl::Status Set();

 private:
  explicit SqliteSequences(SqliteDatabase* database) : database_(database) {}

  absl::Status SetOne(const std::string& table,
                      const std::optional<std::int64_t>& value);

  SqliteDatabase* database_;
  std::map<std::string, std::optional<std::int64_t>> wanted_;  // null: none
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_SEQUENCES_H_
