#include "shard/dialects/sqlite/sqlite_table_facts.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_dialect.h"
#include "shard/dialects/sqlite/sqlite_query.h"
#include "shard/dialects/sqlite/sqlite_redo_format.h"
#include "shard/dialects/sqlite/sqlite_words.h"

namespace shard {
namespace {

constexpr std::string_view kTableQuery =
    "SELECT l.name, l.type, l.wr, l.strict, s.sql "
    "FROM pragma_table_list(?1) AS l "
    "LEFT JOIN main.sqlite_schema AS s ON s.type = 'table' AND s.name = l.name "
    "WHERE l.schema = 'main'";
constexpr std::string_view kColumnQuery =
    "SELECT name, type, \"notnull\", pk, hidden "
    "FROM pragma_table_xinfo(?1, 'main')";
// The columns of a unique index; cid is -2 for an expression.
constexpr std::string_view kUniqueQuery =
    "SELECT l.origin, l.partial, x.cid, x.coll "
    "FROM pragma_index_list(?1, 'main') AS l, "
    "pragma_index_xinfo(l.name, 'main') AS x "
    "WHERE l.\"unique\" AND x.key";
constexpr std::string_view kTriggerQuery =
    "SELECT name, sql FROM main.sqlite_schema "
    "WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE";
// The virtual table that owns a table of that name.
constexpr std::string_view kOwnerQuery =
    "SELECT name, sql FROM main.sqlite_schema "
    "WHERE type = 'table' AND rootpage = 0 AND "
    "substr(?1, 1, length(name) + 1) = name || '_' COLLATE NOCASE "
    "ORDER BY length(name) DESC LIMIT 1";

constexpr std::string_view kSequenceQuery =
    "SELECT 1 FROM main.sqlite_schema WHERE name = 'sqlite_sequence'";

constexpr char kBinary[] = "BINARY";

// The affinity of a column by its declared type decides, in this order.
KeyDoubt DoubtByType(std::string_view type, bool strict) {
  const std::string upper = absl::AsciiStrToUpper(ToAbsl(type));
  const auto has = [&upper](absl::string_view part) {
    return absl::StrContains(upper, part);
  };
  if (strict) {  // holds values of its type alone
    if (upper == "REAL") return KeyDoubt::kAlways;
    return upper == "ANY" ? KeyDoubt::kNumbers : KeyDoubt::kNone;
  }
  if (has("INT")) return KeyDoubt::kUnusualNumbers;
  if (has("CHAR") || has("CLOB") || has("TEXT")) return KeyDoubt::kNone;
  if (has("BLOB") || upper.empty()) return KeyDoubt::kNumbers;
  if (has("REAL") || has("FLOA") || has("DOUB")) return KeyDoubt::kAlways;
  return KeyDoubt::kUnusualNumbers;
}

class Finder {
 public:
  Finder(SqliteDatabase& database, std::string_view name)
      : database_(database), name_(name) {}

  absl::StatusOr<std::unique_ptr<SqliteTableFacts>> Find() {
    SHARD_RETURN_IF_ERROR(ReadTable());
    SHARD_RETURN_IF_ERROR(ReadColumns());
    SHARD_RETURN_IF_ERROR(ReadUniqueIndexes());
    facts_->hidden_row_numbers = !key_is_row_number_ && !without_rowid_;
    SHARD_RETURN_IF_ERROR(ReadCollations());
    if (type_ == "shadow") {
      SHARD_RETURN_IF_ERROR(ReadOwner());
    }
    SHARD_RETURN_IF_ERROR(MakeNullKeyQuery());
    SHARD_RETURN_IF_ERROR(Judge());
    facts_->redo_bytes = FormatRedoTable(facts_->table);
    for (const KeyDoubt doubt : facts_->doubts) {
      facts_->key_in_doubt |= doubt != KeyDoubt::kNone;
    }
    return std::move(facts_);
  }

 private:
  absl::Status ReadTable() {
    SHARD_ASSIGN_OR_RETURN(SqliteQuery query,
                           SqliteQuery::Open(database_, kTableQuery, {name_}));
    SHARD_ASSIGN_OR_RETURN(const bool found, query.Next());
    type_ = found ? query.Text(1) : "";
    if (type_ != "table" && type_ != "shadow") {
      return absl::NotFoundError(absl::StrCat(
          "there is no table '", ToAbsl(name_), "' with rows of its own"));
    }
    facts_->table.name = query.Text(0);
    without_rowid_ = query.Integer(2) != 0;
    strict_ = query.Integer(3) != 0;
    sql_ = query.Text(4);
    return absl::OkStatus();
  }

  absl::Status ReadColumns() {
    SHARD_ASSIGN_OR_RETURN(SqliteQuery query,
                           SqliteQuery::Open(database_, kColumnQuery, {name_}));
    while (true) {
      SHARD_ASSIGN_OR_RETURN(const bool found, query.Next());
      if (!found) break;
      const bool key = query.Integer(3) != 0;
      facts_->table.columns.push_back({query.Text(0), key});
      facts_->doubts.push_back(key ? DoubtByType(query.Text(1), strict_)
                                   : KeyDoubt::kNone);
      nullable_.push_back(key && query.Integer(2) == 0);
      has_key_ |= key;
      generated_ |= query.Integer(4) != 0;
    }
    facts_->unique.resize(facts_->table.columns.size());
    key_is_row_number_ = has_key_ && !without_rowid_;
    return absl::OkStatus();
  }

  absl::Status ReadUniqueIndexes() {
    SHARD_ASSIGN_OR_RETURN(SqliteQuery query,
                           SqliteQuery::Open(database_, kUniqueQuery, {name_}));
    while (true) {
      SHARD_ASSIGN_OR_RETURN(const bool found, query.Next());
      if (!found) break;
      const std::int64_t column = query.Integer(2);
      const bool plain = column >= 0 && query.Integer(1) == 0;
      if (query.Text(0) == "pk") {
        // A key that is the row's number has no index.
        key_is_row_number_ = false;
        if (plain && query.Text(3) != kBinary) Doubt(column);
        continue;
      }
      facts_->has_unique = true;
      if (plain) {
        facts_->unique[static_cast<std::size_t>(column)] = true;
      } else {
        facts_->unique.assign(facts_->unique.size(), true);
      }
    }
    return absl::OkStatus();
  }

  void Doubt(std::int64_t column) {
    facts_->doubts[static_cast<std::size_t>(column)] = KeyDoubt::kAlways;
  }

  absl::Status ReadCollations() {
    const std::vector<SqliteRedo::Column>& columns = facts_->table.columns;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (!columns[i].key) continue;
      if (key_is_row_number_) facts_->doubts[i] = KeyDoubt::kNone;
      const char* collation = kBinary;
      int autoincrement = 0;
      const int result = sqlite3_table_column_metadata(
          database_.handle(), "main", facts_->table.name.c_str(),
          columns[i].name.c_str(), nullptr, &collation, nullptr, nullptr,
          &autoincrement);
      if (result != SQLITE_OK) return database_.Error(result, "");
      if (!key_is_row_number_ && sqlite3_stricmp(collation, kBinary) != 0) {
        Doubt(static_cast<std::int64_t>(i));
      }
      facts_->autoincrement |= autoincrement != 0;
    }
    return absl::OkStatus();
  }

  absl::Status ReadOwner() {
    SHARD_ASSIGN_OR_RETURN(SqliteQuery query,
                           SqliteQuery::Open(database_, kOwnerQuery, {name_}));
    SHARD_ASSIGN_OR_RETURN(const bool found, query.Next());
    if (!found) return absl::OkStatus();
    owner_ = query.Text(0);
    module_ = ReadSqliteModule(query.Text(1));
    if (module_.name != "fts5") return absl::OkStatus();
    facts_->full_text = owner_;
    // FTS5 writes its keys itself: integers and blobs, never reals.
    std::fill(facts_->doubts.begin(), facts_->doubts.end(), KeyDoubt::kNone);
    return absl::OkStatus();
  }

  absl::Status MakeNullKeyQuery() {
    if (!facts_->hidden_row_numbers) return absl::OkStatus();
    const SqliteDialect& dialect = SqliteDialect::Get();
    SHARD_ASSIGN_OR_RETURN(const std::string table,
                           dialect.QuoteIdentifier(facts_->table.name));
    for (std::size_t i = 0; i < nullable_.size(); ++i) {
      if (!nullable_[i]) continue;
      SHARD_ASSIGN_OR_RETURN(
          const std::string column,
          dialect.QuoteIdentifier(facts_->table.columns[i].name));
      // Column by column, so that each may use an index.
      absl::StrAppend(&facts_->null_key_query,
                      facts_->null_key_query.empty() ? "SELECT " : " OR ",
                      "EXISTS (SELECT 1 FROM main.", table, " WHERE ", column,
                      " IS NULL)");
    }
    return absl::OkStatus();
  }

  void Refuse(std::string_view words) {
    if (!facts_->refusal.empty()) return;
    facts_->refusal =
        absl::StrCat("table '", facts_->table.name, "' ", ToAbsl(words));
  }

  absl::Status Judge() {
    const std::string& name = facts_->table.name;
    if (absl::StartsWithIgnoreCase(name, "sqlite_")) {
      Refuse("is SQLite's own; do not write to it yourself");
    }
    if (absl::StartsWithIgnoreCase(name, "shard_")) {
      Refuse("is the library's own; do not write to it yourself");
    }
    if (type_ == "shadow" && facts_->full_text.empty()) {
      Refuse(absl::StrCat("holds the data of the virtual table '", owner_,
                          "', and of those only FTS5 tables can be recorded; "
                          "write to it in a transaction of its own"));
    }
    if (!has_key_) {
      Refuse("has no PRIMARY KEY to find its rows by; give it one");
    }
    if (generated_) {
      Refuse(
          "has generated columns, which SQLite cannot record; compute them "
          "in a view or a trigger");
    }
    if (HasSqliteKeywords(sql_, {"ON", "CONFLICT"})) {
      Refuse(
          "has an ON CONFLICT clause, which would hide conflicts when its "
          "changes are done again; put it into the statements instead");
    }
    return JudgeRowNumbers();
  }

  // Rows that are inserted again get other numbers when these are not the key.
  absl::Status JudgeRowNumbers() {
    if (!facts_->full_text.empty()) return JudgeFullText();
    if (!facts_->hidden_row_numbers) return absl::OkStatus();
    SHARD_ASSIGN_OR_RETURN(
        SqliteQuery query,
        SqliteQuery::Open(database_, kTriggerQuery, {name_}));
    while (true) {
      SHARD_ASSIGN_OR_RETURN(const bool found, query.Next());
      if (!found) return absl::OkStatus();
      if (!MentionsRowNumber(query.Text(1))) continue;
      Refuse(absl::StrCat("has trigger '", query.Text(0),
                          "', which reads row numbers, and they are not kept "
                          "when rows are inserted again; make an INTEGER "
                          "PRIMARY KEY its key"));
    }
  }

  // An FTS5 table over another's rows finds them by number.
  absl::Status JudgeFullText() {
    const SqliteWord* const content = module_.Option("content");
    if (content == nullptr || content->text.empty()) return absl::OkStatus();
    absl::StatusOr<std::unique_ptr<SqliteTableFacts>> table =
        Finder(database_, content->text).Find();
    if (absl::IsNotFound(table.status())) return absl::OkStatus();  // a view
    SHARD_RETURN_IF_ERROR(table.status());
    const SqliteWord* const column = module_.Option("content_rowid");
    const std::string number = column == nullptr ? "rowid" : column->text;
    const std::vector<SqliteRedo::Column>& columns = (*table)->table.columns;
    const bool kept =
        std::any_of(columns.begin(), columns.end(),
                    [&number](const SqliteRedo::Column& at) {
                      return absl::EqualsIgnoreCase(at.name, number);
                    });
    if (kept || !(*table)->hidden_row_numbers) return absl::OkStatus();
    Refuse(absl::StrCat("holds the index of '", owner_, "' over the rows of '",
                        content->text,
                        "' by their numbers, which are not kept when rows are "
                        "inserted again; make an INTEGER PRIMARY KEY its key"));
    return absl::OkStatus();
  }

  SqliteDatabase& database_;
  const std::string_view name_;
  std::unique_ptr<SqliteTableFacts> facts_ =
      std::make_unique<SqliteTableFacts>();
  std::string type_;
  std::string sql_;
  bool without_rowid_ = false;
  bool strict_ = false;
  bool has_key_ = false;
  bool generated_ = false;
  bool key_is_row_number_ = false;
  std::vector<bool> nullable_;
  std::string owner_;  // the virtual table whose data are here
  SqliteModule module_;
};

}  // namespace

absl::Status SqliteTables::Refresh() {
  SHARD_ASSIGN_OR_RETURN(
      SqliteQuery query,
      SqliteQuery::Open(database_, "PRAGMA main.schema_version"));
  SHARD_RETURN_IF_ERROR(query.Next().status());
  const std::int64_t version = query.Integer(0);
  if (version == schema_version_) return absl::OkStatus();
  facts_.clear();
  schema_version_ = -1;
  SHARD_ASSIGN_OR_RETURN(SqliteQuery sequences,
                         SqliteQuery::Open(database_, kSequenceQuery));
  SHARD_ASSIGN_OR_RETURN(has_sequences_, sequences.Next());
  schema_version_ = version;
  return absl::OkStatus();
}

absl::StatusOr<const SqliteTableFacts*> SqliteTables::Find(
    std::string_view name) {
  const auto found = facts_.find(ToAbsl(name));
  if (found != facts_.end()) return found->second.get();
  SHARD_ASSIGN_OR_RETURN(std::unique_ptr<SqliteTableFacts> facts,
                         Finder(database_, name).Find());
  const SqliteTableFacts* const kept = facts.get();
  facts_.emplace(std::string(name), std::move(facts));
  return kept;
}

}  // namespace shard
