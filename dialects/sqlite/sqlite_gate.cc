#include "shard/dialects/sqlite/sqlite_gate.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/failpoint.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_decisions.h"

namespace shard {
namespace {

// Writes nothing, and takes the lock to do so.
constexpr char kLock[] = "UPDATE main.shard_stamp SET epoch = epoch WHERE 0";

std::string FileOf(const SqliteDatabase& database) {
  const char* const path = sqlite3_db_filename(database.handle(), "main");
  return path == nullptr ? "" : path;
}

}  // namespace

SqliteGate::SqliteGate(Connection* connection, SqliteDatabase* database)
    : connection_(*connection),
      database_(*database),
      marker_(FileOf(*database)) {}

absl::Status SqliteGate::Pass(sqlite3_stmt* statement) {
  const Exemption for_our_own_statements(this);
  if (!database_.in_transaction()) return PassAlone();
  const absl::Status status = PassInTransaction(statement);
  if (!status.ok() && !database_.in_transaction()) {
    database_.set_transaction_lost(true);
  }
  return status;
}

absl::Status SqliteGate::PassInTransaction(sqlite3_stmt* statement) {
  SHARD_RETURN_IF_ERROR(TakeLock(statement));
  FailPoint("fence.locked");
  database_.TakeFramesCommitted();
  if (recorded_ || database_.commits_known_durable()) {
    SHARD_ASSIGN_OR_RETURN(base_, PublishedEndOfLog(database_));
  }
  if (recorded_) SHARD_RETURN_IF_ERROR(CheckBase());
  if (fence_->must_ask_peers() || marker_.exists()) {
    const absl::Status status = LookForMissing();
    if (!status.ok()) {
      // What is missing can be applied only by who gets the lock.
      connection_.Rollback().IgnoreError();
      return status;
    }
  }
  passed_ = true;
  return absl::OkStatus();
}

// What a redo is to find must neither change nor go: a COMMIT that lies in the
// log unpublished could come to life, and one that is published without being
// synced (of a writer with synchronous=NORMAL, or of a dead process, brought to
// life by a recovery of the log) could be lost with the power.
absl::Status SqliteGate::CheckBase() {
  SHARD_ASSIGN_OR_RETURN(const bool goes_on, LogGoesOnUnpublished(database_));
  if (goes_on) return ClearUnpublished();
  const std::string base = base_.ToBytes();
  if (base == fence_->durable_end()) return absl::OkStatus();
  SHARD_RETURN_IF_ERROR(SyncSqliteLog(database_));
  fence_->set_durable_end(base);
  return absl::OkStatus();
}

// If this COMMIT began the log anew, the salts are others than those of the
// base: it is then synced once more.
void SqliteGate::NoteCommit() {
  if (!passed_) return;
  const std::uint32_t frames = database_.TakeFramesCommitted();
  if (frames == 0 || !database_.commits_known_durable()) return;
  fence_->set_durable_end(SqliteLogPosition{base_.salts, frames}.ToBytes());
}

// A small COMMIT is written over the one that died, as any would be; but this
// transaction's own may never come.
absl::Status SqliteGate::ClearUnpublished() {
  connection_.Rollback().IgnoreError();
  SHARD_RETURN_IF_ERROR(connection_.ExecuteScript("BEGIN IMMEDIATE"));
  absl::Status status = SqliteDecisions(&connection_).Touch();
  if (status.ok()) status = connection_.Commit();
  if (!status.ok()) {
    connection_.Rollback().IgnoreError();
    return status;
  }
  return absl::AbortedError(
      "a COMMIT of another process died half-way and had to be cleared out of "
      "the log; try again");
}

// A statement outside of a transaction takes the lock by itself, and gives it
// up: so it can only be looked before. Sessions always have a transaction.
absl::Status SqliteGate::PassAlone() {
  if (!fence_->must_ask_peers() && !marker_.exists()) return absl::OkStatus();
  SHARD_RETURN_IF_ERROR(connection_.ExecuteScript("BEGIN IMMEDIATE"));
  const absl::Status status = LookForMissing();
  connection_.Rollback().IgnoreError();
  return status;
}

absl::Status SqliteGate::TakeLock(sqlite3_stmt* statement) {
  if (lock_ == nullptr) {
    const char* rest = kLock;
    SHARD_ASSIGN_OR_RETURN(lock_, database_.PrepareNext(&rest));
  }
  const int result = sqlite3_step(lock_.get());
  sqlite3_reset(lock_.get());
  if (result == SQLITE_DONE) return absl::OkStatus();
  // It is the statement that wants the lock.
  return database_.Error(result, sqlite3_sql(statement));
}

absl::Status SqliteGate::LookForMissing() {
  SHARD_ASSIGN_OR_RETURN(std::optional<FollowMarker> marker, marker_.Read());
  if (marker.has_value() && !marker->txn.empty()) {
    // A marker that is settled stays until its row goes, or the next one is
    // written over it: making and removing files costs as much as a commit's
    // writes.
    SHARD_ASSIGN_OR_RETURN(const bool settled, IsSettled(*marker));
    if (settled) marker.reset();
  }
  if (!marker.has_value() && !fence_->must_ask_peers()) return absl::OkStatus();
  SHARD_RETURN_IF_ERROR(fence_->Pass(connection_, marker));
  FailPoint("fence.asked");
  return marker.has_value() ? marker_.Remove() : absl::OkStatus();
}

absl::StatusOr<bool> SqliteGate::IsSettled(const FollowMarker& marker) {
  if (marker.txn == settled_) return true;
  SHARD_ASSIGN_OR_RETURN(const std::optional<DecisionRow> row,
                         SqliteDecisions(&connection_).Find(marker.txn));
  return row.has_value();
}

}  // namespace shard
