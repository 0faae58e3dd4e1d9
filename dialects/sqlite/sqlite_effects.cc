#include "shard/dialects/sqlite/sqlite_effects.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"

namespace shard {
namespace {

struct Verb {
  int action;
  const char* words;
};

// REINDEX is not among them: it changes no row.
constexpr Verb kSchemaVerbs[] = {
    {SQLITE_ALTER_TABLE, "ALTER TABLE"},
    {SQLITE_ANALYZE, "ANALYZE"},
    {SQLITE_CREATE_INDEX, "CREATE INDEX"},
    {SQLITE_CREATE_TABLE, "CREATE TABLE"},
    {SQLITE_CREATE_TEMP_INDEX, "CREATE INDEX"},
    {SQLITE_CREATE_TEMP_TABLE, "CREATE TEMP TABLE"},
    {SQLITE_CREATE_TEMP_TRIGGER, "CREATE TEMP TRIGGER"},
    {SQLITE_CREATE_TEMP_VIEW, "CREATE TEMP VIEW"},
    {SQLITE_CREATE_TRIGGER, "CREATE TRIGGER"},
    {SQLITE_CREATE_VIEW, "CREATE VIEW"},
    {SQLITE_CREATE_VTABLE, "CREATE VIRTUAL TABLE"},
    {SQLITE_DROP_INDEX, "DROP INDEX"},
    {SQLITE_DROP_TABLE, "DROP TABLE"},
    {SQLITE_DROP_TEMP_INDEX, "DROP INDEX"},
    {SQLITE_DROP_TEMP_TABLE, "DROP TABLE"},
    {SQLITE_DROP_TEMP_TRIGGER, "DROP TRIGGER"},
    {SQLITE_DROP_TEMP_VIEW, "DROP VIEW"},
    {SQLITE_DROP_TRIGGER, "DROP TRIGGER"},
    {SQLITE_DROP_VIEW, "DROP VIEW"},
    {SQLITE_DROP_VTABLE, "DROP VIRTUAL TABLE"},
};

// Those that write to the header of the file, or let statements do so.
constexpr const char* kHeaderPragmas[] = {
    "application_id", "auto_vacuum",    "default_cache_size", "encoding",
    "user_version",   "schema_version", "writable_schema"};

// What SQLite calls the number of a row where it has no other name.
constexpr char kRowNumber[] = "ROWID";

constexpr char kIgnoreChecks[] = "ignore_check_constraints";

const char* VerbOf(int action) {
  const auto* found = std::find_if(
      std::begin(kSchemaVerbs), std::end(kSchemaVerbs),
      [action](const Verb& verb) { return verb.action == action; });
  return found == std::end(kSchemaVerbs) ? nullptr : found->words;
}

}  // namespace

void SqliteEffects::Install(sqlite3* handle) {
  handle_ = handle;
  sqlite3_set_authorizer(handle, &OnAction, this);
}

void SqliteEffects::StartCompiling() {
  compiling_ = true;
  compiled_delete_ = false;
  compiled_row_number_ = false;
}

SqliteEffects::Mark SqliteEffects::FinishCompiling() {
  compiling_ = false;
  const bool silent = compiled_row_number_ || (compiled_delete_ && !recording_);
  return silent ? kSilent : silent_recompilations_;
}

void SqliteEffects::set_recording(bool on) {
  recording_ = on;
  row_number_tables_.clear();
}

bool SqliteEffects::ReadsRowNumbers(std::string_view table) const {
  return std::any_of(row_number_tables_.begin(), row_number_tables_.end(),
                     [table](const std::string& name) {
                       return absl::EqualsIgnoreCase(name, ToAbsl(table));
                     });
}

int SqliteEffects::OnAction(void* self, int action, const char* first,
                            const char* second, const char* schema,
                            const char*) {
  auto& effects = *static_cast<SqliteEffects*>(self);
  switch (action) {
    case SQLITE_READ:  // by far the most frequent
      // A number that is the key goes by the name of its column.
      if (std::strcmp(second, kRowNumber) == 0) {
        effects.NoteRowNumber(first, schema);
      }
      return SQLITE_OK;
    case SQLITE_SELECT:
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_FUNCTION:
      return SQLITE_OK;
    case SQLITE_DELETE:
      effects.NoteDelete();
      return SQLITE_OK;
    case SQLITE_PRAGMA:
      effects.NotePragma(first, second);
      return SQLITE_OK;
    case SQLITE_SAVEPOINT:
      return effects.CheckSavepoint(first, second);
    default:
      break;
  }
  const char* const verb = VerbOf(action);
  // ALTER TABLE comes with the schema first.
  if (verb != nullptr) {
    effects.Note(verb, action == SQLITE_ALTER_TABLE ? second : first);
  }
  return SQLITE_OK;
}

void SqliteEffects::Note(const char* verb, const char* name) {
  ++unrecordable_;
  last_ = verb;
  if (name != nullptr) absl::StrAppend(&last_, " ", name);
}

void SqliteEffects::NotePragma(const char* name, const char* value) {
  if (value == nullptr) return;
  const auto is = [name](const char* other) {
    return sqlite3_stricmp(name, other) == 0;
  };
  if (is(kIgnoreChecks)) may_ignore_checks_ = true;
  if (is("synchronous") || is("journal_mode")) ++durability_pragmas_;
  if (std::any_of(std::begin(kHeaderPragmas), std::end(kHeaderPragmas), is)) {
    Note("PRAGMA", name);
  }
}

void SqliteEffects::NoteDelete() {
  if (compiling_) {
    compiled_delete_ = true;
  } else if (!recording_) {
    ++silent_recompilations_;
  }
}

void SqliteEffects::NoteRowNumber(const char* table, const char* schema) {
  if (schema == nullptr || std::strcmp(schema, "main") != 0) return;
  if (recording_ && !ReadsRowNumbers(table)) {
    row_number_tables_.emplace_back(table);
  }
  if (compiling_) {
    compiled_row_number_ = true;
  } else {
    ++silent_recompilations_;
  }
}

int SqliteEffects::CheckSavepoint(const char* verb, const char* name) const {
  if (sqlite3_stricmp(name, kSqliteTransactionSavepoint) != 0) {
    return SQLITE_OK;
  }
  const std::string_view does = verb;
  const bool allowed = does == "ROLLBACK" ||
                       (does == "BEGIN" && sqlite3_get_autocommit(handle_));
  return allowed ? SQLITE_OK : SQLITE_DENY;
}

}  // namespace shard
