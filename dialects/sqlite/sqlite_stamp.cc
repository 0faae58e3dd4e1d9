#include "shard/dialects/sqlite/sqlite_stamp.h"

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/row_batch.h"
#include "shard/dialects/sqlite/sqlite_decisions.h"
#include "shard/sql/value.h"

namespace shard {
namespace {

using sql::ValueView;

constexpr std::string_view kCreate =
    "CREATE TABLE IF NOT EXISTS main.shard_stamp("
    "only INTEGER PRIMARY KEY CHECK (only = 1), "
    "cluster TEXT NOT NULL, "
    "shard TEXT NOT NULL, "
    "identity TEXT NOT NULL, "
    "epoch INTEGER NOT NULL, "
    "hash TEXT NOT NULL)";

bool SamePlace(const Stamp& a, const Stamp& b) {
  return a.cluster == b.cluster && a.shard == b.shard && a.hash == b.hash;
}

bool NeedsNothing(const std::optional<Stamp>& standing, const Stamp& wanted) {
  return standing.has_value() &&
         (standing->epoch >= wanted.epoch || !SamePlace(*standing, wanted));
}

absl::Status Write(Connection& connection, const Stamp& stamp) {
  SHARD_RETURN_IF_ERROR(SqliteDecisions(&connection).CreateTable());
  SHARD_RETURN_IF_ERROR(RunSqliteText(connection, kCreate));
  SHARD_ASSIGN_OR_RETURN(const std::optional<Stamp> standing,
                         ReadSqliteStamp(connection));
  if (NeedsNothing(standing, stamp)) return absl::OkStatus();
  if (standing.has_value()) {
    return RunSqliteText(connection, "UPDATE main.shard_stamp SET epoch = ?",
                         {ValueView::Int64(stamp.epoch)});
  }
  return RunSqliteText(
      connection, "INSERT INTO main.shard_stamp VALUES (1, ?, ?, ?, ?, ?)",
      {ValueView::Text(stamp.cluster), ValueView::Text(stamp.shard),
       ValueView::Text(stamp.identity), ValueView::Int64(stamp.epoch),
       ValueView::Text(stamp.hash)});
}

}  // namespace

absl::StatusOr<std::optional<Stamp>> ReadSqliteStamp(Connection& connection) {
  SHARD_ASSIGN_OR_RETURN(const bool has_table,
                         HasSqliteTable(connection, "shard_stamp"));
  if (!has_table) return std::nullopt;
  RowBatch rows;
  SHARD_RETURN_IF_ERROR(
      RunSqliteText(connection,
                    "SELECT cluster, shard, identity, epoch, hash "
                    "FROM main.shard_stamp",
                    {}, &rows));
  if (rows.rows() == 0) return std::nullopt;
  const absl::Span<const ValueView> cells = rows.row(0);
  Stamp stamp;
  stamp.cluster = cells[0].bytes();
  stamp.shard = cells[1].bytes();
  stamp.identity = cells[2].bytes();
  stamp.epoch = cells[3].integer();
  stamp.hash = cells[4].bytes();
  return stamp;
}

absl::StatusOr<Stamp> PutSqliteStamp(Connection& connection,
                                     const Stamp& stamp) {
  SHARD_ASSIGN_OR_RETURN(std::optional<Stamp> standing,
                         ReadSqliteStamp(connection));
  SHARD_ASSIGN_OR_RETURN(const bool has_decisions,
                         HasSqliteTable(connection, "shard_decisions"));
  if (has_decisions && NeedsNothing(standing, stamp)) return *standing;
  SHARD_RETURN_IF_ERROR(connection.ExecuteScript("BEGIN IMMEDIATE"));
  absl::Status status = Write(connection, stamp);
  if (status.ok()) status = connection.Commit();
  if (!status.ok()) {
    connection.Rollback().IgnoreError();
    return status;
  }
  SHARD_ASSIGN_OR_RETURN(standing, ReadSqliteStamp(connection));
  if (standing.has_value()) return *standing;
  return absl::AbortedError(
      "the stamp was removed by somebody else while it was put in");
}

}  // namespace shard
