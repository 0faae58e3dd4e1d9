#include "shard/dialects/sqlite/sqlite_sequences.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_query.h"
#include "shard/dialects/sqlite/sqlite_redo_format.h"
#include "shard/dialects/sqlite/sqlite_table_facts.h"

namespace shard {
namespace {

// False for a table that is gone.
absl::StatusOr<bool> GivesNumbers(SqliteDatabase& database,
                                  const std::string& table) {
  const absl::StatusOr<const SqliteTableFacts*> facts =
      database.tables().Find(table);
  if (absl::IsNotFound(facts.status())) return false;
  SHARD_RETURN_IF_ERROR(facts.status());
  return (*facts)->autoincrement;
}

}  // namespace

absl::StatusOr<std::vector<SqliteRedo::Sequence>> ReadSqliteSequences(
    SqliteDatabase& database) {
  std::vector<SqliteRedo::Sequence> sequences;
  if (!database.tables().has_sequences()) return sequences;
  SHARD_ASSIGN_OR_RETURN(
      SqliteQuery query,
      SqliteQuery::Open(database,
                        "SELECT name, seq FROM main.sqlite_sequence"));
  while (true) {
    SHARD_ASSIGN_OR_RETURN(const bool found, query.Next());
    if (!found) return sequences;
    sequences.push_back({query.Text(0), query.Integer(1)});
  }
}

absl::StatusOr<SqliteSequences> SqliteSequences::Look(SqliteDatabase& database,
                                                      const SqliteRedo& redo) {
  SqliteSequences sequences(&database);
  auto& wanted = sequences.wanted_;
  for (const SqliteRedo::Table& table : redo.tables) {
    SHARD_ASSIGN_OR_RETURN(const bool gives,
                           GivesNumbers(database, table.name));
    if (gives) wanted[table.name];
  }
  for (const SqliteRedo::Sequence& sequence : redo.sequences) {
    SHARD_ASSIGN_OR_RETURN(const bool gives,
                           GivesNumbers(database, sequence.table));
    if (gives) wanted[sequence.table] = sequence.value;
  }
  SHARD_ASSIGN_OR_RETURN(const auto before, ReadSqliteSequences(database));
  for (const SqliteRedo::Sequence& sequence : before) {
    const auto found = wanted.find(sequence.table);
    if (found == wanted.end()) continue;
    found->second =
        std::max(found->second.value_or(sequence.value), sequence.value);
  }
  return sequences;
}

absl::Status SqliteSequences::Set() {
  SHARD_ASSIGN_OR_RETURN(const auto now, ReadSqliteSequences(*database_));
  for (const auto& [table, value] : wanted_) {
    const auto found = std::find_if(
        now.begin(), now.end(),
        [&table = table](const auto& at) { return at.table == table; });
    const bool right =
        found == now.end() ? !value.has_value() : value == found->value;
    if (!right) SHARD_RETURN_IF_ERROR(SetOne(table, value));
  }
  return absl::OkStatus();
}

absl::Status SqliteSequences::SetOne(const std::string& table,
                                     const std::optional<std::int64_t>& value) {
  {
    SHARD_ASSIGN_OR_RETURN(
        SqliteQuery remove,
        SqliteQuery::Open(*database_,
                          "DELETE FROM main.sqlite_sequence WHERE name = ?",
                          {table}));
    SHARD_RETURN_IF_ERROR(remove.Next().status());
  }
  if (!value.has_value()) return absl::OkStatus();
  SHARD_ASSIGN_OR_RETURN(
      SqliteQuery insert,
      SqliteQuery::Open(
          *database_,
          "INSERT INTO main.sqlite_sequence(name, seq) VALUES (?, ?)",
          {table}));
  insert.BindInteger(2, *value);
  return insert.Next().status();
}

}  // namespace shard
