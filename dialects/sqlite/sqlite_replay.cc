#include "shard/dialects/sqlite/sqlite_replay.h"

#include <sqlite3.h>
#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/sqlite/sqlite_changes.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_dialect.h"
#include "shard/dialects/sqlite/sqlite_query.h"
#include "shard/dialects/sqlite/sqlite_redo.h"
#include "shard/dialects/sqlite/sqlite_redo_format.h"
#include "shard/dialects/sqlite/sqlite_table_facts.h"

namespace shard {
namespace {

bool InDoubt(KeyDoubt doubt, sqlite3_value* value) {
  const int type = sqlite3_value_type(value);
  switch (doubt) {
    case KeyDoubt::kNone:
      return false;
    case KeyDoubt::kUnusualNumbers:
      return type == SQLITE_FLOAT ||
             (type == SQLITE_INTEGER &&
              sqlite3_value_int64(value) ==
                  std::numeric_limits<std::int64_t>::min());
    case KeyDoubt::kNumbers:
      return type == SQLITE_FLOAT || type == SQLITE_INTEGER;
    case KeyDoubt::kAlways:
      return true;
  }
  return true;
}

bool KeyInDoubt(const SqliteTableFacts& facts, const SqliteChange& change) {
  if (!facts.key_in_doubt) return false;
  for (std::size_t i = 0; i < change.columns(); ++i) {
    if (facts.doubts[i] != KeyDoubt::kNone &&
        InDoubt(facts.doubts[i], change.key_value(i))) {
      return true;
    }
  }
  return false;
}

bool UpdatesUnique(const SqliteTableFacts& facts, const SqliteChange& change) {
  if (!facts.has_unique || change.operation() != SQLITE_UPDATE) return false;
  for (std::size_t i = 0; i < change.columns(); ++i) {
    if (facts.unique[i] && change.new_value(i) != nullptr) return true;
  }
  return false;
}

// The rows that a changeset names, as they are now.
class RowReader {
 public:
  explicit RowReader(SqliteDatabase& database) : database_(database) {}

  // A fingerprint of each row, in the order of the changes.
  absl::StatusOr<std::vector<XXH128_hash_t>> Read(std::string_view changeset) {
    std::vector<XXH128_hash_t> rows;
    SqliteChanges changes(changeset);
    while (true) {
      SHARD_ASSIGN_OR_RETURN(const bool more, changes.Next());
      if (!more) return rows;
      SHARD_ASSIGN_OR_RETURN(rows.emplace_back(), ReadRow(changes.change()));
    }
  }

 private:
  absl::StatusOr<XXH128_hash_t> ReadRow(const SqliteChange& change) {
    if (table_ != change.table()) {
      SHARD_RETURN_IF_ERROR(OpenTable(change));
    }
    sqlite3_stmt* const statement = query_->statement();
    sqlite3_reset(statement);
    int index = 0;
    for (std::size_t i = 0; i < change.columns(); ++i) {
      if (!change.is_key(i)) continue;
      sqlite3_bind_value(statement, ++index, change.key_value(i));
    }
    SHARD_ASSIGN_OR_RETURN(const bool found, query_->Next());
    bytes_.clear();
    if (found) AppendRow(statement);
    return XXH3_128bits(bytes_.data(), bytes_.size());
  }

  absl::Status OpenTable(const SqliteChange& change) {
    SHARD_ASSIGN_OR_RETURN(const SqliteTableFacts* facts,
                           database_.tables().Find(change.table()));
    const SqliteDialect& dialect = SqliteDialect::Get();
    SHARD_ASSIGN_OR_RETURN(const std::string name,
                           dialect.QuoteIdentifier(facts->table.name));
    std::string text = absl::StrCat("SELECT * FROM main.", name);
    const char* before = " WHERE ";
    for (const SqliteRedo::Column& column : facts->table.columns) {
      if (!column.key) continue;
      SHARD_ASSIGN_OR_RETURN(const std::string quoted,
                             dialect.QuoteIdentifier(column.name));
      absl::StrAppend(&text, before, quoted, " = ?");
      before = " AND ";
    }
    query_.reset();
    SHARD_ASSIGN_OR_RETURN(SqliteQuery query,
                           SqliteQuery::Open(database_, text));
    query_.emplace(std::move(query));
    table_ = change.table();
    return absl::OkStatus();
  }

  void AppendRow(sqlite3_stmt* statement) {
    for (int i = 0; i < sqlite3_column_count(statement); ++i) {
      const int type = sqlite3_column_type(statement, i);
      bytes_ += static_cast<char>(type);
      if (type == SQLITE_INTEGER) {
        AppendBits(sqlite3_column_int64(statement, i));
      } else if (type == SQLITE_FLOAT) {
        AppendBits(sqlite3_column_double(statement, i));
      } else if (type != SQLITE_NULL) {
        const void* data = sqlite3_column_blob(statement, i);
        const auto size =
            static_cast<std::size_t>(sqlite3_column_bytes(statement, i));
        AppendBits(size);
        if (size > 0) bytes_.append(static_cast<const char*>(data), size);
      }
    }
  }

  template <class Number>
  void AppendBits(Number number) {
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof(number));
  }

  SqliteDatabase& database_;
  std::string table_;
  std::optional<SqliteQuery> query_;
  std::string bytes_;
};

absl::Status CannotReplay(std::string_view table) {
  return absl::FailedPreconditionError(absl::StrCat(
      "changes of table '", ToAbsl(table),
      "' cannot be done again: unique values were swapped, or its primary key "
      "was changed to one that counts as equal; make them in a transaction of "
      "their own"));
}

absl::Status Compare(std::string_view changeset,
                     const std::vector<XXH128_hash_t>& before,
                     const std::vector<XXH128_hash_t>& after) {
  if (before.size() != after.size()) {
    return absl::InternalError("a changeset was read twice, differently");
  }
  SqliteChanges changes(changeset);
  for (std::size_t i = 0; i < before.size(); ++i) {
    SHARD_RETURN_IF_ERROR(changes.Next().status());
    if (XXH128_isEqual(before[i], after[i]) != 0) continue;
    return CannotReplay(changes.change().table());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> FindDoubtfulTable(SqliteDatabase& database,
                                              std::string_view redo) {
  SHARD_ASSIGN_OR_RETURN(const SqliteRedo parsed, ParseSqliteRedo(redo));
  SqliteChanges changes(parsed.changeset);
  const SqliteTableFacts* facts = nullptr;
  int unique_updates = 0;
  while (true) {
    SHARD_ASSIGN_OR_RETURN(const bool more, changes.Next());
    if (!more) return std::string();
    const SqliteChange change = changes.change();
    if (facts == nullptr || change.table() != facts->table.name) {
      SHARD_ASSIGN_OR_RETURN(facts, database.tables().Find(change.table()));
      unique_updates = 0;
    }
    if (UpdatesUnique(*facts, change)) ++unique_updates;
    if (unique_updates > 1 || KeyInDoubt(*facts, change)) {
      return facts->table.name;
    }
  }
}

absl::Status ReplaySqliteRedo(SqliteDatabase& database, std::string_view redo,
                              std::string_view doubtful) {
  SHARD_ASSIGN_OR_RETURN(const SqliteRedo parsed, ParseSqliteRedo(redo));
  SHARD_ASSIGN_OR_RETURN(const std::vector<XXH128_hash_t> before,
                         RowReader(database).Read(parsed.changeset));
  SHARD_RETURN_IF_ERROR(RunUnheard(database, "ROLLBACK TO shard_transaction"));
  std::vector<RedoConflict> conflicts;
  const absl::Status status =
      ApplySqliteRedo(database, redo, OnConflict::kReport, &conflicts);
  if (!conflicts.empty()) return CannotReplay(conflicts.front().table);
  // A change from one key to another that counts as equal gives bad SQL.
  if (absl::IsInvalidArgument(status)) return CannotReplay(doubtful);
  SHARD_RETURN_IF_ERROR(status);
  SHARD_ASSIGN_OR_RETURN(const std::vector<XXH128_hash_t> after,
                         RowReader(database).Read(parsed.changeset));
  return Compare(parsed.changeset, before, after);
}

}  // namespace shard
