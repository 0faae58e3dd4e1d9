// Recording what a transaction writes to a SQLite file, so that it can be done
// again.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_RECORDING_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_RECORDING_H_

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct sqlite3_session;

namespace shard {

class SqliteDatabase;
struct SqliteTableFacts;

// Begin with TransactionOptions::may_follow; Start before anything is written;
// work; Finish, and only then COMMIT or ROLLBACK. It keeps to the rows that the
// work changes, by SQLite's session extension, whatever changes them: triggers,
// cascades, REPLACE, FTS5. Savepoints may be rolled back. Not recorded, and
// refused by Finish with kFailedPrecondition:
//
//  - tables without PRIMARY KEY, and rows with NULL in it;
//  - generated columns, ON CONFLICT clauses of tables, virtual tables other
//    than FTS5, tables of SQLite (sqlite_*) and of this library (shard_*);
//  - DDL and PRAGMAs that write to the file's header;
//  - writes to temporary tables and attached databases;
//  - triggers and FTS5 tables that depend on row numbers that are no key, and
//    rows that were put in where a statement reads such numbers of their table.
//    (Not seen: last_insert_rowid(), and numbers that a program gives
//    itself.);
//  - deferred foreign keys that are not fulfilled.
//
// Values of AUTOINCREMENT are part of the redo. Changes that cannot be proved
// simple are done again by Finish; see sqlite_replay.h. Not thread-safe; must
// end before its database.
class SqliteRecording {
 public:
  static absl::StatusOr<std::unique_ptr<SqliteRecording>> Start(
      SqliteDatabase* database);
  ~SqliteRecording();
  SqliteRecording(const SqliteRecording&) = delete;
  SqliteRecording& operator=(const SqliteRecording&) = delete;

  // Once; returns the redo, for ApplySqliteRedo. What is written afterwards is
  // not recorded. No cursor that writes may be open. kFailedPrecondition,
  // naming table and reason, for what cannot be recorded; kResourceExhausted
  // for more than `max_redo_bytes`; kAborted when SQLite has rolled the
  // transaction back. After an error the transaction may be anything: roll
  // back.
  absl::StatusOr<std::string> Finish(std::size_t max_redo_bytes);

 private:
  explicit SqliteRecording(SqliteDatabase* database);

  static int OnTable(void* self, const char* table);
  static void OnRollback(void* self);
  static void OnRow(void* self, int operation, const char* schema,
                    const char* table, sqlite3_int64 number);
  void End();

  // Whether changes of the table, which is about to be written to for the first
  // time, are to be recorded.
  absl::StatusOr<bool> Meet(std::string_view table);
  // Of the row that is about to be changed, then of all others.
  absl::Status CheckKeyOfRow(const SqliteTableFacts& table);
  absl::Status CheckKeysNotNull(const SqliteTableFacts& table);
  absl::Status CheckTransaction();
  absl::Status CheckOtherSchemas();
  absl::Status CheckTables();
  // Rows that are put in again get other numbers than those that were read.
  absl::Status CheckRowNumbers(std::string_view changeset);
  absl::StatusOr<std::string> TakeRedo(std::size_t max_redo_bytes);
  absl::Status Prove(const std::string& redo);

  SqliteDatabase& database_;
  sqlite3_session* session_ = nullptr;
  bool listening_ = true;  // to SQLite, by hooks
  bool rolled_back_ = false;
  std::uint64_t unrecordable_;                // noted before the start
  std::vector<const SqliteTableFacts*> met_;  // tables written to
  std::vector<std::string> inserted_;         // tables that got rows
  // Of the last of them, where SQLite keeps it: to know it at once.
  const char* last_inserted_ = nullptr;
  absl::Status met_status_;  // the first that was refused
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_RECORDING_H_
