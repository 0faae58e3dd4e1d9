// What recording and redoing need to know of the tables of a SQLite file.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_TABLE_FACTS_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_TABLE_FACTS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/sqlite/sqlite_redo_format.h"

namespace shard {

class SqliteDatabase;

// A row is found again by the bytes of its key, while SQLite may hold two keys
// of other bytes for equal ("a" and "A", 1 and 1.0). Which values of a column
// of the key leave that in doubt:
enum class KeyDoubt {
  kNone,
  kUnusualNumbers,  // affinity INTEGER or NUMERIC: reals, the lowest integer
  kNumbers,         // affinity BLOB
  kAlways,          // a collation, or affinity REAL
};

struct SqliteTableFacts {
  SqliteRedo::Table table;
  std::string redo_bytes;  // of `table`, as a redo holds them
  // Why its changes cannot be recorded, and what to do, as a sentence that
  // names it; empty when they can.
  std::string refusal;

  std::vector<KeyDoubt> doubts;  // of each column; kNone outside the key
  bool key_in_doubt = false;     // some column is not kNone
  // Whether an UPDATE of the column may touch a UNIQUE index besides the key's.
  std::vector<bool> unique;
  bool has_unique = false;
  // Asks whether a row has NULL in its key; empty where none can have.
  std::string null_key_query;
  bool autoincrement = false;
  // Rows have numbers that are not the key: a redo gives them others.
  bool hidden_row_numbers = false;
  std::string full_text;  // the FTS5 table that keeps its data here, or empty
};

// Facts of tables in schema main, kept until the schema changes. Belongs to a
// SqliteDatabase. Not thread-safe.
class SqliteTables {
 public:
  explicit SqliteTables(SqliteDatabase* database) : database_(*database) {}

  // Forgets all when the schema has changed since. In a transaction that has
  // taken the write lock, once; pointers from before are void then.
  absl::Status Refresh();
  // Whether the file has the table sqlite_sequence.
  bool has_sequences() const { return has_sequences_; }
  // kNotFound for no table, or a virtual one or a view. Lives until Refresh.
  absl::StatusOr<const SqliteTableFacts*> Find(std::string_view name);

 private:
  SqliteDatabase& database_;
  std::int64_t schema_version_ = -1;
  bool has_sequences_ = false;
  absl::flat_hash_map<std::string, std::unique_ptr<SqliteTableFacts>> facts_;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_TABLE_FACTS_H_
