#include "shard/dialects/sqlite/sqlite_settings.h"

#include <sqlite3.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/statement_cache.h"

namespace shard {
namespace {

// Runs a PRAGMA and returns its value, empty where it has none. Not from the
// cache: what a PRAGMA does, it does in part while it is prepared.
absl::StatusOr<std::string> RunPragma(SqliteDatabase& database,
                                      const std::string& text) {
  const char* rest = text.c_str();
  SHARD_ASSIGN_OR_RETURN(const SqliteStatementPtr statement,
                         database.PrepareNext(&rest));
  SHARD_ASSIGN_OR_RETURN(const bool has_row, database.Step(statement.get()));
  if (!has_row) return std::string();
  const unsigned char* value = sqlite3_column_text(statement.get(), 0);
  if (value == nullptr) return std::string();
  return std::string(reinterpret_cast<const char*>(value));
}

}  // namespace

absl::StatusOr<std::string> ReadSqliteSetting(SqliteDatabase& database,
                                              std::string_view name) {
  return RunPragma(database, absl::StrCat("PRAGMA ", ToAbsl(name)));
}

absl::Status ChangeSqliteSetting(SqliteDatabase& database,
                                 std::string_view name,
                                 std::string_view value) {
  return RunPragma(database,
                   absl::StrCat("PRAGMA ", ToAbsl(name), "=", ToAbsl(value)))
      .status();
}

absl::Status CheckCommitsAreDurable(SqliteDatabase& database) {
  // As long as this connection is open no other can take away the log.
  if (database.commits_known_durable()) return absl::OkStatus();
  SHARD_ASSIGN_OR_RETURN(const std::string mode,
                         ReadSqliteSetting(database, "main.journal_mode"));
  if (mode != "wal") {
    return absl::FailedPreconditionError(absl::StrCat(
        "journal_mode is '", mode,
        "', and an atomic commit needs a write-ahead log; run PRAGMA "
        "journal_mode=WAL, on a database that is a file"));
  }
  SHARD_ASSIGN_OR_RETURN(const std::string synchronous,
                         ReadSqliteSetting(database, "main.synchronous"));
  if (IsDurableSynchronous(synchronous)) {
    database.NoteCommitsAreDurable();
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "synchronous is ", ToAbsl(SqliteSynchronousName(synchronous)),
      ", and an atomic commit must be on disk before it returns; run PRAGMA "
      "synchronous=FULL on this connection"));
}

absl::Status CheckSyncsCommits(SqliteDatabase& database) {
  if (database.commits_known_durable()) return absl::OkStatus();
  SHARD_ASSIGN_OR_RETURN(const std::string synchronous,
                         ReadSqliteSetting(database, "main.synchronous"));
  if (IsDurableSynchronous(synchronous)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "synchronous is ", ToAbsl(SqliteSynchronousName(synchronous)),
      ", and what is committed here must be on disk; open the file without "
      "?synchronous=normal"));
}

std::string_view SqliteSynchronousName(std::string_view value) {
  if (value == "0") return "OFF";
  if (value == "1") return "NORMAL";
  if (value == "2") return "FULL";
  if (value == "3") return "EXTRA";
  return value;
}

bool IsDurableSynchronous(std::string_view value) {
  return value == "2" || value == "3";
}

}  // namespace shard
