#include "shard/dialects/sqlite/sqlite_redo.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/sqlite/sqlite_changes.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_dialect.h"
#include "shard/dialects/sqlite/sqlite_query.h"
#include "shard/dialects/sqlite/sqlite_redo_format.h"
#include "shard/dialects/sqlite/sqlite_sequences.h"
#include "shard/dialects/sqlite/sqlite_table_facts.h"

namespace shard {
namespace {

constexpr std::size_t kMostConflicts = 100;
constexpr std::size_t kMostKeyBytes = 64;

// Turns triggers and foreign keys off, and back on when it ends. The PRAGMA
// for foreign keys does nothing in a transaction.
class WithoutTriggers {
 public:
  explicit WithoutTriggers(sqlite3* handle) : handle_(handle) {
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_FKEY, -1, &foreign_keys_);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_TRIGGER, -1, &triggers_);
    Set(0, 0);
  }
  ~WithoutTriggers() { Set(foreign_keys_, triggers_); }
  WithoutTriggers(const WithoutTriggers&) = delete;
  WithoutTriggers& operator=(const WithoutTriggers&) = delete;

 private:
  void Set(int foreign_keys, int triggers) {
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_FKEY, foreign_keys,
                      nullptr);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_TRIGGER, triggers,
                      nullptr);
  }

  sqlite3* const handle_;
  int foreign_keys_ = 0;
  int triggers_ = 0;
};

std::string ValueText(sqlite3_value* value) {
  if (value == nullptr) return "?";
  const int type = sqlite3_value_type(value);
  if (type == SQLITE_NULL) return "NULL";
  const auto* data = static_cast<const char*>(sqlite3_value_blob(value));
  std::string text(data == nullptr ? "" : data,
                   static_cast<std::size_t>(sqlite3_value_bytes(value)));
  const bool cut = text.size() > kMostKeyBytes;
  if (cut) text.resize(kMostKeyBytes);
  if (type == SQLITE_BLOB) text = absl::BytesToHexString(text);
  if (cut) text += "...";
  if (type == SQLITE_BLOB) return absl::StrCat("x'", text, "'");
  return type == SQLITE_TEXT ? absl::StrCat("'", text, "'") : text;
}

std::string_view WhatOf(int conflict, int operation) {
  switch (conflict) {
    case SQLITE_CHANGESET_DATA:
      return operation == SQLITE_DELETE ? "the row to delete has other values"
                                        : "the row to update has other values";
    case SQLITE_CHANGESET_NOTFOUND:
      return operation == SQLITE_DELETE ? "the row to delete is gone"
                                        : "the row to update is gone";
    case SQLITE_CHANGESET_CONFLICT:
      return "the row to insert is there already";
    default:
      return "another row has a unique value of it, or a constraint forbids it";
  }
}

absl::Status Refused(std::string_view table, std::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat("the redo cannot be applied to table '", ToAbsl(table),
                   "': ", ToAbsl(what)));
}

class Applier {
 public:
  Applier(SqliteDatabase& database, const SqliteRedo& redo,
          OnConflict on_conflict, std::vector<RedoConflict>* conflicts)
      : database_(database),
        redo_(redo),
        on_conflict_(on_conflict),
        conflicts_(*conflicts) {}

  absl::Status Apply() {
    SHARD_RETURN_IF_ERROR(CheckTables());
    SHARD_ASSIGN_OR_RETURN(SqliteSequences sequences,
                           SqliteSequences::Look(database_, redo_));
    SHARD_RETURN_IF_ERROR(ApplyChanges());
    SHARD_RETURN_IF_ERROR(sequences.Set());
    return RefreshFullText();
  }

 private:
  // Applying a changeset passes over tables that are not there.
  absl::Status CheckTables() {
    SHARD_RETURN_IF_ERROR(database_.tables().Refresh());
    for (const SqliteRedo::Table& table : redo_.tables) {
      SHARD_ASSIGN_OR_RETURN(std::string why_not, WhyNotApply(table));
      if (!why_not.empty()) PassOver(table.name, std::move(why_not));
    }
    return absl::OkStatus();
  }

  // What has become of the table, past this library, so that it cannot take its
  // changes; empty when it can.
  absl::StatusOr<std::string> WhyNotApply(const SqliteRedo::Table& table) {
    const absl::StatusOr<const SqliteTableFacts*> facts =
        database_.tables().Find(table.name);
    if (absl::IsNotFound(facts.status())) {
      return "there is no such table with rows of its own any more";
    }
    SHARD_RETURN_IF_ERROR(facts.status());
    if ((*facts)->table.columns != table.columns) {
      return "it has other columns, or another primary key, than when the "
             "redo was made";
    }
    if (!(*facts)->refusal.empty()) return (*facts)->refusal;
    const std::string& full_text = (*facts)->full_text;
    if (!full_text.empty() &&
        (full_texts_.empty() || full_texts_.back() != full_text)) {
      full_texts_.push_back(full_text);
    }
    return "";
  }

  void PassOver(const std::string& table, std::string why) {
    if (on_conflict_ != OnConflict::kKeep && status_.ok()) {
      status_ = Refused(
          table, absl::StrCat(why,
                              "; no rows can be written over there: make the "
                              "table what it was, or keep it as it is, which "
                              "gives up what was written to it"));
    }
    unfit_.push_back(table);
    if (conflicts_.size() >= kMostConflicts) return;
    conflicts_.push_back({table, "", std::move(why)});
  }

  bool IsUnfit(std::string_view table) const {
    return std::any_of(unfit_.begin(), unfit_.end(),
                       [table](const std::string& name) {
                         return absl::EqualsIgnoreCase(name, ToAbsl(table));
                       });
  }

  absl::Status ApplyChanges() {
    const WithoutTriggers without(database_.handle());
    const int result = sqlite3changeset_apply_v2(
        database_.handle(), static_cast<int>(redo_.changeset.size()),
        const_cast<char*>(redo_.changeset.data()), &OnTable, &OnConflictFound,
        this, nullptr, nullptr, 0);
    SHARD_RETURN_IF_ERROR(status_);
    return result == SQLITE_OK ? absl::OkStatus() : database_.Error(result, "");
  }

  static int OnTable(void* self, const char* name) {
    auto& applier = *static_cast<Applier*>(self);
    const auto& tables = applier.redo_.tables;
    const bool known = std::any_of(
        tables.begin(), tables.end(), [name](const SqliteRedo::Table& table) {
          return absl::EqualsIgnoreCase(table.name, name);
        });
    if (!known && applier.status_.ok()) {
      applier.status_ = absl::DataLossError(absl::StrCat(
          "the redo changes table '", name, "', which it does not list"));
    }
    return known && !applier.IsUnfit(name) ? 1 : 0;
  }

  static int OnConflictFound(void* self, int conflict,
                             sqlite3_changeset_iter* iterator) {
    return static_cast<Applier*>(self)->Resolve(conflict,
                                                SqliteChange(iterator));
  }

  int Resolve(int conflict, const SqliteChange& change) {
    Report(conflict, change);
    switch (on_conflict_) {
      case OnConflict::kKeep:
        return SQLITE_CHANGESET_OMIT;
      case OnConflict::kOverwrite:
        if (conflict == SQLITE_CHANGESET_DATA ||
            conflict == SQLITE_CHANGESET_CONFLICT) {
          return SQLITE_CHANGESET_REPLACE;
        }
        // What is gone need not be deleted. But an UPDATE does not hold the
        // whole row, and a unique value belongs to another row.
        if (conflict == SQLITE_CHANGESET_NOTFOUND &&
            change.operation() == SQLITE_DELETE) {
          return SQLITE_CHANGESET_OMIT;
        }
        break;
      case OnConflict::kReport:
      case OnConflict::kOnlyTry:
        break;
    }
    if (status_.ok()) {
      status_ = Refused(change.table(), WhatOf(conflict, change.operation()));
    }
    // Goes on, to find the other conflicts.
    return conflicts_.size() < kMostConflicts ? SQLITE_CHANGESET_OMIT
                                              : SQLITE_CHANGESET_ABORT;
  }

  void Report(int conflict, const SqliteChange& change) {
    if (conflicts_.size() >= kMostConflicts) return;
    RedoConflict& found = conflicts_.emplace_back();
    found.table = change.table();
    found.what = WhatOf(conflict, change.operation());
    const absl::StatusOr<const SqliteTableFacts*> facts =
        database_.tables().Find(change.table());
    for (std::size_t i = 0; facts.ok() && i < change.columns(); ++i) {
      if (!change.is_key(i)) continue;
      absl::StrAppend(&found.key, found.key.empty() ? "" : ", ",
                      (*facts)->table.columns[i].name, "=",
                      ValueText(change.key_value(i)));
    }
  }

  // FTS5 keeps parts of its index in memory, and looks whether another
  // connection has changed the file, not whether this one has. It forgets them
  // when a savepoint is rolled back in which it was written to.
  absl::Status RefreshFullText() {
    for (const std::string& name : full_texts_) {
      SHARD_ASSIGN_OR_RETURN(const std::string table,
                             SqliteDialect::Get().QuoteIdentifier(name));
      SHARD_RETURN_IF_ERROR(RunUnheard(database_, "SAVEPOINT shard_refresh"));
      SHARD_RETURN_IF_ERROR(RunUnheard(
          database_, absl::StrCat("DELETE FROM main.", table, " WHERE 0")));
      SHARD_RETURN_IF_ERROR(RunUnheard(database_, "ROLLBACK TO shard_refresh"));
      SHARD_RETURN_IF_ERROR(RunUnheard(database_, "RELEASE shard_refresh"));
      // The index may be of rows that were kept, or not.
      if (conflicts_.empty()) continue;
      SHARD_RETURN_IF_ERROR(
          RunUnheard(database_, absl::StrCat("INSERT INTO main.", table, "(",
                                             table, ") VALUES ('rebuild')")));
    }
    return absl::OkStatus();
  }

  SqliteDatabase& database_;
  const SqliteRedo& redo_;
  const OnConflict on_conflict_;
  std::vector<RedoConflict>& conflicts_;
  std::vector<std::string> full_texts_;  // FTS5 tables that the redo changes
  std::vector<std::string> unfit_;       // tables whose changes are left out
  absl::Status status_;
};

}  // namespace

absl::Status ApplySqliteRedo(SqliteDatabase& database, std::string_view redo,
                             OnConflict on_conflict,
                             std::vector<RedoConflict>* conflicts) {
  conflicts->clear();
  SHARD_ASSIGN_OR_RETURN(const SqliteRedo parsed, ParseSqliteRedo(redo));
  SHARD_RETURN_IF_ERROR(RunUnheard(database, "SAVEPOINT shard_redo"));
  const absl::Status status =
      Applier(database, parsed, on_conflict, conflicts).Apply();
  if (!status.ok() || on_conflict == OnConflict::kOnlyTry) {
    RunUnheard(database, "ROLLBACK TO shard_redo").IgnoreError();
  }
  const absl::Status released = RunUnheard(database, "RELEASE shard_redo");
  return status.ok() ? released : status;
}

}  // namespace shard
