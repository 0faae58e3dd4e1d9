#include "shard/dialects/sqlite/sqlite_query.h"

#include <sqlite3.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/statement_cache.h"

namespace shard {

absl::StatusOr<SqliteQuery> SqliteQuery::Open(
    SqliteDatabase& database, std::string_view text,
    std::initializer_list<std::string_view> parameters) {
  SHARD_ASSIGN_OR_RETURN(StatementCache::Loan loan, database.Prepare(text));
  int index = 0;
  for (const std::string_view parameter : parameters) {
    const int result =
        sqlite3_bind_text(loan.get(), ++index, parameter.data(),
                          static_cast<int>(parameter.size()), SQLITE_STATIC);
    if (result != SQLITE_OK) return database.Error(result, text);
  }
  return SqliteQuery(database, std::move(loan));
}

void SqliteQuery::BindInteger(int index, std::int64_t value) {
  sqlite3_bind_int64(loan_.get(), index, value);
}

absl::StatusOr<bool> SqliteQuery::Next() {
  return database_->Step(loan_.get());
}

std::string SqliteQuery::Text(int column) const {
  const unsigned char* text = sqlite3_column_text(loan_.get(), column);
  return text == nullptr ? "" : reinterpret_cast<const char*>(text);
}

std::int64_t SqliteQuery::Integer(int column) const {
  return sqlite3_column_int64(loan_.get(), column);
}

absl::Status RunUnheard(SqliteDatabase& database, std::string_view text) {
  SHARD_ASSIGN_OR_RETURN(SqliteQuery query, SqliteQuery::Open(database, text));
  absl::StatusOr<bool> row = query.Next();
  while (row.ok() && *row) row = query.Next();
  return row.status();
}

}  // namespace shard
