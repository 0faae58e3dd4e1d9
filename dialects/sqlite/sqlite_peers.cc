#include "shard/dialects/sqlite/sqlite_peers.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/row_batch.h"
#include "shard/dialects/sqlite/sqlite_decisions.h"
#include "shard/sql/value.h"

namespace shard {
namespace {

using sql::ValueView;

constexpr std::string_view kCreate =
    "CREATE TABLE IF NOT EXISTS main.shard_peers("
    "identity TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID";

absl::Status Insert(Connection& connection,
                    const std::vector<std::string>& identities) {
  SHARD_RETURN_IF_ERROR(RunSqliteText(connection, kCreate));
  for (const std::string& identity : identities) {
    SHARD_RETURN_IF_ERROR(RunSqliteText(
        connection, "INSERT OR IGNORE INTO main.shard_peers VALUES (?)",
        {ValueView::Text(identity)}));
  }
  return absl::OkStatus();
}

absl::Status InsertInTransaction(Connection& connection,
                                 const std::vector<std::string>& identities) {
  SHARD_RETURN_IF_ERROR(connection.ExecuteScript("BEGIN IMMEDIATE"));
  absl::Status status = Insert(connection, identities);
  if (status.ok()) status = connection.Commit();
  if (!status.ok()) connection.Rollback().IgnoreError();
  return status;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ListSqlitePeers(
    Connection& connection) {
  std::vector<std::string> identities;
  SHARD_ASSIGN_OR_RETURN(const bool has_table,
                         HasSqliteTable(connection, "shard_peers"));
  if (!has_table) return identities;
  RowBatch rows;
  SHARD_RETURN_IF_ERROR(RunSqliteText(
      connection, "SELECT identity FROM main.shard_peers", {}, &rows));
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    identities.emplace_back(rows.row(i)[0].bytes());
  }
  return identities;
}

absl::StatusOr<bool> AddSqlitePeers(
    Connection& connection, const std::vector<std::string>& identities) {
  SHARD_ASSIGN_OR_RETURN(const std::vector<std::string> known,
                         ListSqlitePeers(connection));
  std::vector<std::string> missing;
  for (const std::string& identity : identities) {
    if (std::find(known.begin(), known.end(), identity) == known.end()) {
      missing.push_back(identity);
    }
  }
  if (missing.empty()) return false;
  SHARD_RETURN_IF_ERROR(InsertInTransaction(connection, missing));
  return true;
}

absl::Status RemoveSqlitePeers(Connection& connection,
                               const std::vector<std::string>& identities) {
  for (const std::string& identity : identities) {
    SHARD_RETURN_IF_ERROR(RunSqliteText(
        connection, "DELETE FROM main.shard_peers WHERE identity = ?",
        {ValueView::Text(identity)}));
  }
  return absl::OkStatus();
}

}  // namespace shard
