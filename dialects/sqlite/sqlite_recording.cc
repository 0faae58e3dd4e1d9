#include "shard/dialects/sqlite/sqlite_recording.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/sqlite/sqlite_changes.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_query.h"
#include "shard/dialects/sqlite/sqlite_redo_format.h"
#include "shard/dialects/sqlite/sqlite_replay.h"
#include "shard/dialects/sqlite/sqlite_sequences.h"
#include "shard/dialects/sqlite/sqlite_settings.h"
#include "shard/dialects/sqlite/sqlite_table_facts.h"

namespace shard {
namespace {

constexpr std::string_view kAlone = "; do it in a transaction of its own";

// Where SQLite writes a changeset to, piece by piece.
struct Sink {
  std::string* bytes;
  std::size_t limit;
  bool full = false;

  static int Take(void* self, const void* piece, int size) {
    auto& sink = *static_cast<Sink*>(self);
    const auto bytes = static_cast<std::size_t>(size);
    sink.full = bytes > sink.limit - sink.bytes->size();
    if (sink.full) return SQLITE_FULL;
    sink.bytes->append(static_cast<const char*>(piece), bytes);
    return SQLITE_OK;
  }
};

absl::Status TooLong(std::size_t limit) {
  return absl::ResourceExhaustedError(absl::StrCat(
      "what the transaction wrote does not fit into a redo of ", limit,
      " bytes; write less at a time, or raise max_redo_bytes"));
}

absl::Status NullInKey(const SqliteTableFacts& table) {
  return absl::FailedPreconditionError(absl::StrCat(
      "table '", table.table.name,
      "' has rows with NULL in the primary key, which cannot be found again; "
      "declare the key's columns NOT NULL"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteRecording>> SqliteRecording::Start(
    SqliteDatabase* database) {
  if (!database->in_transaction()) {
    return absl::FailedPreconditionError(
        "there is no transaction to record; begin one");
  }
  std::unique_ptr<SqliteRecording> recording(new SqliteRecording(database));
  int result =
      sqlite3session_create(database->handle(), "main", &recording->session_);
  if (result == SQLITE_OK) {
    sqlite3session_table_filter(recording->session_, &OnTable, recording.get());
    result = sqlite3session_attach(recording->session_, nullptr);
  }
  if (result != SQLITE_OK) return database->Error(result, "");
  return recording;
}

SqliteRecording::SqliteRecording(SqliteDatabase* database)
    : database_(*database), unrecordable_(database->effects().unrecordable()) {
  sqlite3_rollback_hook(database_.handle(), &OnRollback, this);
  sqlite3_update_hook(database_.handle(), &OnRow, this);
  database_.effects().set_recording(true);
}

SqliteRecording::~SqliteRecording() { End(); }

void SqliteRecording::End() {
  if (!std::exchange(listening_, false)) return;
  if (session_ != nullptr) {
    sqlite3session_delete(std::exchange(session_, nullptr));
  }
  sqlite3_rollback_hook(database_.handle(), nullptr, nullptr);
  sqlite3_update_hook(database_.handle(), nullptr, nullptr);
  database_.effects().set_recording(false);
}

void SqliteRecording::OnRollback(void* self) {
  static_cast<SqliteRecording*>(self)->rolled_back_ = true;
}

// The changeset does not tell a row that was replaced from one that was
// updated.
void SqliteRecording::OnRow(void* self, int operation, const char*,
                            const char* table, sqlite3_int64) {
  auto& recording = *static_cast<SqliteRecording*>(self);
  if (operation != SQLITE_INSERT || table == recording.last_inserted_) return;
  recording.last_inserted_ = table;
  auto& inserted = recording.inserted_;
  if (std::find(inserted.begin(), inserted.end(), table) == inserted.end()) {
    inserted.emplace_back(table);
  }
}

int SqliteRecording::OnTable(void* self, const char* table) {
  auto& recording = *static_cast<SqliteRecording*>(self);
  // A table that was refused is asked for at each of its rows.
  if (!recording.met_status_.ok()) return 0;
  const absl::StatusOr<bool> recorded = recording.Meet(table);
  if (!recorded.ok()) recording.met_status_ = recorded.status();
  return recorded.ok() && *recorded ? 1 : 0;
}

absl::StatusOr<bool> SqliteRecording::Meet(std::string_view table) {
  // What is known of tables is kept by schema, and this one may be rolled back.
  if (database_.effects().unrecordable() != unrecordable_) return false;
  if (met_.empty()) SHARD_RETURN_IF_ERROR(database_.tables().Refresh());
  SHARD_ASSIGN_OR_RETURN(const SqliteTableFacts* facts,
                         database_.tables().Find(table));
  if (!facts->refusal.empty()) {
    return absl::FailedPreconditionError(facts->refusal);
  }
  // SQLite has taken this row out of the index by now.
  SHARD_RETURN_IF_ERROR(CheckKeyOfRow(*facts));
  SHARD_RETURN_IF_ERROR(CheckKeysNotNull(*facts));
  met_.push_back(facts);
  return true;
}

absl::Status SqliteRecording::CheckKeyOfRow(const SqliteTableFacts& table) {
  if (table.null_key_query.empty()) return absl::OkStatus();
  for (std::size_t i = 0; i < table.table.columns.size(); ++i) {
    sqlite3_value* value = nullptr;
    if (!table.table.columns[i].key ||
        sqlite3_preupdate_old(database_.handle(), static_cast<int>(i),
                              &value) != SQLITE_OK) {
      continue;  // an insert has no old row
    }
    if (sqlite3_value_type(value) == SQLITE_NULL) return NullInKey(table);
  }
  return absl::OkStatus();
}

absl::Status SqliteRecording::CheckKeysNotNull(const SqliteTableFacts& table) {
  if (table.null_key_query.empty()) return absl::OkStatus();
  SHARD_ASSIGN_OR_RETURN(SqliteQuery query,
                         SqliteQuery::Open(database_, table.null_key_query));
  SHARD_RETURN_IF_ERROR(query.Next().status());
  return query.Integer(0) == 0 ? absl::OkStatus() : NullInKey(table);
}

absl::StatusOr<std::string> SqliteRecording::Finish(
    std::size_t max_redo_bytes) {
  absl::StatusOr<std::string> redo = TakeRedo(max_redo_bytes);
  End();
  if (redo.ok()) SHARD_RETURN_IF_ERROR(Prove(*redo));
  return redo;
}

absl::StatusOr<std::string> SqliteRecording::TakeRedo(
    std::size_t max_redo_bytes) {
  if (session_ == nullptr) {
    return absl::FailedPreconditionError("the recording is finished already");
  }
  SHARD_RETURN_IF_ERROR(CheckTransaction());
  // FTS5 keeps what it is given in memory until then.
  SHARD_RETURN_IF_ERROR(RunUnheard(database_, "SAVEPOINT shard_flush"));
  SHARD_RETURN_IF_ERROR(RunUnheard(database_, "RELEASE shard_flush"));
  SHARD_RETURN_IF_ERROR(CheckTables());
  // An INSERT that is ignored takes a number, and meets no table.
  if (met_.empty()) SHARD_RETURN_IF_ERROR(database_.tables().Refresh());
  SHARD_ASSIGN_OR_RETURN(const auto sequences, ReadSqliteSequences(database_));
  std::vector<std::string_view> tables;
  for (const SqliteTableFacts* table : met_) {
    tables.push_back(table->redo_bytes);
  }
  std::string redo = FormatRedoHead(tables, sequences);
  if (redo.size() + kRedoSealBytes > max_redo_bytes) {
    return TooLong(max_redo_bytes);
  }
  const std::size_t head_bytes = redo.size();
  Sink sink{&redo, max_redo_bytes - kRedoSealBytes};
  const int result =
      sqlite3session_changeset_strm(session_, &Sink::Take, &sink);
  if (sink.full) return TooLong(max_redo_bytes);
  if (result != SQLITE_OK) return database_.Error(result, "");
  SHARD_RETURN_IF_ERROR(
      CheckRowNumbers(std::string_view(redo).substr(head_bytes)));
  SealRedo(&redo);
  return redo;
}

absl::Status SqliteRecording::CheckTransaction() {
  if (rolled_back_ || !database_.in_transaction()) {
    return absl::AbortedError(
        "the transaction is over; SQLite has rolled it back upon an earlier "
        "error");
  }
  if (database_.effects().unrecordable() != unrecordable_) {
    return absl::FailedPreconditionError(
        absl::StrCat(database_.effects().last_unrecordable(),
                     ": changes of the schema or of the file's header cannot "
                     "be recorded",
                     ToAbsl(kAlone)));
  }
  int deferred = 0;
  int highest = 0;
  sqlite3_db_status(database_.handle(), SQLITE_DBSTATUS_DEFERRED_FKS, &deferred,
                    &highest, 0);
  if (deferred != 0) {
    return absl::FailedPreconditionError(
        "FOREIGN KEY constraint failed: a deferred one is not fulfilled");
  }
  if (database_.effects().may_ignore_checks()) {
    SHARD_ASSIGN_OR_RETURN(
        const std::string on,
        ReadSqliteSetting(database_, "ignore_check_constraints"));
    if (on != "0") {
      return absl::FailedPreconditionError(
          "ignore_check_constraints is on, and rows that break a CHECK could "
          "not be written again; turn it off");
    }
  }
  return CheckOtherSchemas();
}

absl::Status SqliteRecording::CheckOtherSchemas() {
  // 0 is main.
  for (int i = 1; const char* name = sqlite3_db_name(database_.handle(), i);
       ++i) {
    if (sqlite3_txn_state(database_.handle(), name) < SQLITE_TXN_WRITE) {
      continue;
    }
    return absl::FailedPreconditionError(
        absl::StrCat("the transaction wrote to schema '", name,
                     "' too, which is not recorded", ToAbsl(kAlone)));
  }
  return absl::OkStatus();
}

absl::Status SqliteRecording::CheckTables() {
  SHARD_RETURN_IF_ERROR(met_status_);
  for (const SqliteTableFacts* table : met_) {
    SHARD_RETURN_IF_ERROR(CheckKeysNotNull(*table));
  }
  return absl::OkStatus();
}

absl::Status SqliteRecording::CheckRowNumbers(std::string_view changeset) {
  std::vector<std::string_view> read;
  for (const SqliteTableFacts* table : met_) {
    if (table->hidden_row_numbers &&
        database_.effects().ReadsRowNumbers(table->table.name)) {
      read.push_back(table->table.name);
    }
  }
  if (read.empty()) return absl::OkStatus();
  std::vector<std::string> got_rows = inserted_;
  SqliteChanges changes(changeset);
  while (true) {  // an UPDATE of the key is an insert here
    SHARD_ASSIGN_OR_RETURN(const bool found, changes.Next());
    if (!found) break;
    const SqliteChange change = changes.change();
    if (change.operation() != SQLITE_INSERT) continue;
    if (got_rows.empty() || got_rows.back() != change.table()) {
      got_rows.emplace_back(change.table());
    }
  }
  for (const std::string_view table : read) {
    if (std::none_of(got_rows.begin(), got_rows.end(),
                     [table](const std::string& name) {
                       return absl::EqualsIgnoreCase(name, ToAbsl(table));
                     })) {
      continue;
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "table '", ToAbsl(table),
        "' got rows in a transaction that also reads its row numbers (rowid), "
        "and they are not kept when rows are inserted again; make an INTEGER "
        "PRIMARY KEY its key, or refer to its rows by the key that it has"));
  }
  return absl::OkStatus();
}

absl::Status SqliteRecording::Prove(const std::string& redo) {
  const bool simple =
      std::none_of(met_.begin(), met_.end(), [](const SqliteTableFacts* table) {
        return table->has_unique || table->key_in_doubt;
      });
  if (simple) return absl::OkStatus();
  SHARD_ASSIGN_OR_RETURN(const std::string doubtful,
                         FindDoubtfulTable(database_, redo));
  if (doubtful.empty()) return absl::OkStatus();
  return ReplaySqliteRedo(database_, redo, doubtful);
}

}  // namespace shard
