// A session's running transaction over all the databases it has touched.
#ifndef SHARD_SESSION_TRANSACTION_H_
#define SHARD_SESSION_TRANSACTION_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/router/bind.h"
#include "shard/session/commit_result.h"

namespace shard {

// The transaction's part on one database: one connection, taken when the
// database is first needed. The verbs are the connection's; they add the
// shard's name to errors and remember the first, which poisons the share: it
// can then only be rolled back. Not thread-safe, except that shares may be
// worked on by one thread each.
class Share {
 public:
  Share(const Bind& bind, PooledConnection connection)
      : bind_(bind), connection_(std::move(connection)) {}

  const Bind& bind() const { return bind_; }
  Connection& connection() { return *connection_; }
  const Dialect& dialect() const { return bind_.engine->dialect(); }
  // The shard's name, or the engine's where it is not a shard.
  const std::string& name() const;
  const absl::Status& first_error() const { return first_error_; }
  // False when all that was done here was to read.
  bool may_have_written() const { return may_have_written_; }
  // Others are going to work on the connection.
  void ExpectWrites() { may_have_written_ = true; }

  absl::Status Start(const Request& request);
  absl::StatusOr<Outcome> Finish(RowBatch* rows);
  absl::StatusOr<Outcome> Execute(const Request& request, RowBatch* rows);
  absl::Status StartInsert(const InsertRequest& request);
  absl::StatusOr<Outcome> FinishInsert();
  absl::StatusOr<std::unique_ptr<Cursor>> OpenCursor(const Request& request,
                                                     std::size_t batch_rows);
  // For errors of a cursor of this share: names it, and poisons.
  absl::Status Failed(const absl::Status& error);

 private:
  friend class Transaction;
  // A request refused before anything was sent leaves the share as it was.
  absl::Status Refused(const absl::Status& error);

  Bind bind_;
  PooledConnection connection_;
  absl::Status first_error_;
  bool may_have_written_ = false;
};

// Begins on each database when it is first needed. Not thread-safe.
class Transaction {
 public:
  bool empty() const { return shares_.empty(); }
  // The share on `bind`'s engine; opens and begins it on first use. The pointer
  // is good until Commit or Rollback.
  absl::StatusOr<Share*> ShareFor(const Bind& bind);
  std::vector<std::unique_ptr<Share>>& shares() { return shares_; }

  // kFailedPrecondition, naming the shard and its first error, when a share is
  // poisoned.
  absl::Status CheckHealthy() const;

  // Commits share by share, in the order in which they were begun, and ends the
  // transaction. Stops at the first that fails and rolls the rest back:
  // kDataLoss if some that wrote were committed by then (CommitResultOf tells
  // which), else the error.
  absl::StatusOr<CommitResult> Commit();
  // Rolls all back and ends the transaction. An error of the database is not
  // worth reporting: what it has not committed it forgets.
  void Rollback();

 private:
  std::vector<std::unique_ptr<Share>> shares_;
};

}  // namespace shard

#endif  // SHARD_SESSION_TRANSACTION_H_
