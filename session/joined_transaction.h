// A session's transaction on a connection that it has joined.
#ifndef SHARD_SESSION_JOINED_TRANSACTION_H_
#define SHARD_SESSION_JOINED_TRANSACTION_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/transaction_options.h"
#include "shard/session/joined_connection.h"

namespace shard {

// Ended by the first of the three verbs, by RollBack when destroyed. Not
// thread-safe.
class JoinedTransaction {
 public:
  // Begins one, or a savepoint, where the mode says so. kFailedPrecondition: a
  // transaction is open already, and `how` cannot be had in it; kUnavailable:
  // the connection is lost.
  static absl::StatusOr<std::unique_ptr<JoinedTransaction>> Enter(
      const JoinedConnection& joined, const TransactionOptions& how);
  ~JoinedTransaction() {
    RollBack();
    if (listens_) {
      connection_.listeners().SetBorrower(std::move(former_listener_));
    }
  }
  JoinedTransaction(const JoinedTransaction&) = delete;
  JoinedTransaction& operator=(const JoinedTransaction&) = delete;

  Connection& connection() { return connection_; }
  // From now on `listener` hears of the statements, in place of the owner's.
  void TellOfStatements(OnStatement listener) {
    if (!listener) return;
    listens_ = true;
    former_listener_ = connection_.listeners().SetBorrower(std::move(listener));
  }
  // After an error it is still there, to be rolled back.
  absl::Status Commit();
  // Errors show in the connection.
  void RollBack();
  // The session goes, without having anything to say about its work. True when
  // that stays, in a transaction that goes on.
  bool Leave();

 private:
  enum class Part { kTransaction, kSavepoint };
  JoinedTransaction(Connection* connection, Part part, bool may_commit,
                    std::size_t around)
      : connection_(*connection),
        part_(part),
        may_commit_(may_commit),
        around_(around) {}

  Connection& connection_;
  const Part part_;
  const bool may_commit_;
  const std::size_t around_;  // savepoints that are none of its business
  bool listens_ = false;
  OnStatement former_listener_;
  bool over_ = false;
};

}  // namespace shard

#endif  // SHARD_SESSION_JOINED_TRANSACTION_H_
