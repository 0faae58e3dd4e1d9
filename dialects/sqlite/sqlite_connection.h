// A connection to a SQLite database.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_CONNECTION_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_CONNECTION_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/row_batch.h"
#include "shard/dialects/sqlite/sqlite_cursor.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_insert.h"
#include "shard/dialects/sqlite/sqlite_participant.h"
#include "shard/dialects/sqlite/sqlite_update.h"
#include "shard/sql/byte_arena.h"

namespace shard {

// All work is done in Finish, in the caller's thread. Outside a transaction
// each run of a Request is a transaction of its own, an InsertRequest is one
// as a whole. A cursor may be destroyed after its connection; it then only
// returns errors. Not thread-safe.
//
// SQLite ends a transaction by itself upon some errors (disk full, I/O), and
// would then commit each further statement alone. So here such a transaction
// stays, as on a server: everything but Rollback answers kAborted.
class SqliteConnection : public Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Open(
      const SqliteOptions& options);
  ~SqliteConnection() override;

  const Dialect& dialect() const override;
  bool usable() const override { return database_->usable(); }
  absl::Status Ping() override;
  bool works_in_finish() const override { return true; }
  bool text_sorts_by_bytes() const override { return true; }

  absl::Status Start(const Request& request) override;
  absl::StatusOr<Outcome> Finish(RowBatch* rows) override;
  absl::StatusOr<bool> CountsRowsOf(const sql::Table& table,
                                    const Dialect& names) override;
  absl::Status StartInsert(const InsertRequest& request) override;
  absl::StatusOr<Outcome> FinishInsert() override;
  absl::StatusOr<std::unique_ptr<Cursor>> OpenCursor(
      const Request& request, std::size_t batch_rows) override;
  absl::Status StartScript(std::string_view sql) override;
  absl::Status FinishScript() override;
  Participant& participant() override { return participant_; }

  // Every transaction is serializable, so each isolation is given.
  absl::Status Begin(const TransactionOptions& options = {}) override;
  void LiftTimeLimits() override { database_->limits().LiftTimeLimits(); }
  bool in_transaction() const override {
    return database_->transaction_lost() || was_in_transaction_ ||
           database_->in_transaction();
  }
  void set_progress(std::function<void()> progress) override {
    database_->limits().set_progress(std::move(progress));
  }

 private:
  explicit SqliteConnection(std::unique_ptr<SqliteDatabase> database);

  std::string BeginText(const TransactionOptions& options) const override;
  absl::Status Check(const Request& request) const;
  absl::Status Run(RowBatch* rows, Outcome* outcome);
  absl::Status RunOnce(const Request& request, sqlite3_stmt* statement,
                       bool shape, RowBatch* rows, Outcome* outcome);
  absl::Status RunScript(const std::string& script);
  absl::Status RunScriptStatement(sqlite3_stmt* statement);
  // Does work that may end the transaction, if it is not lost already.
  template <typename Work>
  absl::Status RunWatched(const Work& work);
  absl::Status CheckNotLost();
  // After anything that may have ended a transaction: COMMIT, and errors upon
  // which SQLite rolls back by itself.
  void NoteEndOfTransaction();

  std::unique_ptr<SqliteDatabase> database_;
  SqliteInserter inserter_;
  SqliteUpdater updater_;
  SqliteParticipant participant_;
  SqliteCursorList cursors_;
  Request request_;       // between Start and Finish
  InsertRequest insert_;  // between StartInsert and FinishInsert
  std::string script_;    // between StartScript and FinishScript
  sql::ByteArena scratch_;
  bool was_in_transaction_ = false;  // when last looked at
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_CONNECTION_H_
