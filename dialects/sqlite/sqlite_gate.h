// Where a transaction on a file comes by with its first write.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_GATE_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_GATE_H_

#include <sqlite3.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/sqlite/sqlite_log.h"
#include "shard/dialects/sqlite/sqlite_marker.h"
#include "shard/dialects/sqlite/statement_cache.h"
#include "shard/dialects/write_fence.h"

namespace shard {

class SqliteDatabase;

// Takes the write lock, then looks whether the file lacks a share of an atomic
// commit whose owner died: a marker that names one it has no row of, or, once
// in a process, what the databases say that it may have followed. If it does,
// the transaction ends with the fence's error. Without a fence it is open.
// Belongs to a connection. Not thread-safe.
class SqliteGate {
 public:
  // Both must outlive it; `connection` is that of `database`.
  SqliteGate(Connection* connection, SqliteDatabase* database);

  void set_fence(std::shared_ptr<WriteFence> fence) {
    fence_ = std::move(fence);
  }
  // Asked before each statement that writes.
  bool must_pass() const {
    return fence_ != nullptr && !passed_ && exemptions_ == 0;
  }
  // Before `statement`, which writes, runs.
  absl::Status Pass(sqlite3_stmt* statement);
  void TransactionEnded() {
    passed_ = false;
    recorded_ = false;
  }
  // The running transaction is recorded: what its redo is to find must be what
  // it found. So nothing may come to life in the log behind it.
  void ExpectRecording() { recorded_ = true; }

  SqliteMarker& marker() { return marker_; }
  // This connection's own COMMIT has put that transaction's row into the file,
  // so a marker that names it needs no second look.
  void NoteSettled(std::string txn) { settled_ = std::move(txn); }

  // The running transaction has been committed. If COMMIT syncs, all that was
  // in the log before is on disk too.
  void NoteCommit();

  // While it lives all may pass: for the tables that this library keeps.
  class Exemption {
   public:
    explicit Exemption(SqliteGate* gate) : gate_(*gate) { ++gate_.exemptions_; }
    ~Exemption() { --gate_.exemptions_; }
    Exemption(const Exemption&) = delete;
    Exemption& operator=(const Exemption&) = delete;

   private:
    SqliteGate& gate_;
  };

 private:
  absl::Status PassInTransaction(sqlite3_stmt* statement);
  absl::Status PassAlone();
  absl::Status CheckBase();
  absl::Status ClearUnpublished();
  absl::Status TakeLock(sqlite3_stmt* statement);
  absl::Status LookForMissing();
  absl::StatusOr<bool> IsSettled(const FollowMarker& marker);

  Connection& connection_;
  SqliteDatabase& database_;
  SqliteMarker marker_;
  std::shared_ptr<WriteFence> fence_;
  SqliteStatementPtr lock_;  // prepared when first needed
  bool passed_ = false;      // in the running transaction
  bool recorded_ = false;    // likewise
  int exemptions_ = 0;
  std::string settled_;     // a transaction, or empty
  SqliteLogPosition base_;  // what the running transaction writes on
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_GATE_H_
