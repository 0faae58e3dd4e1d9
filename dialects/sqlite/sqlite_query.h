// A query of the library's own, of which no listener hears.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_QUERY_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_QUERY_H_

#include <sqlite3.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/statement_cache.h"

namespace shard {

// Steps through the rows of one cached statement. Given back when destroyed.
class SqliteQuery {
 public:
  // Texts for its parameters; they must live as long as the query.
  static absl::StatusOr<SqliteQuery> Open(
      SqliteDatabase& database, std::string_view text,
      std::initializer_list<std::string_view> parameters = {});

  // From 1; replaces the parameter.
  void BindInteger(int index, std::int64_t value);
  // False at the end.
  absl::StatusOr<bool> Next();
  // Of the row, from 0; NULL is "" and 0.
  std::string Text(int column) const;
  std::int64_t Integer(int column) const;
  sqlite3_stmt* statement() const { return loan_.get(); }

 private:
  SqliteQuery(SqliteDatabase& database, StatementCache::Loan loan)
      : database_(&database), loan_(std::move(loan)) {}

  SqliteDatabase* database_;
  StatementCache::Loan loan_;
};

// Runs one statement of the library's own, ignoring its rows.
absl::Status RunUnheard(SqliteDatabase& database, std::string_view text);

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_QUERY_H_
