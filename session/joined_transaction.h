// A session's transaction on a connection that it has joined.
#ifndef SHARD_SESSION_JOINED_TRANSACTION_H_
#define SHARD_SESSION_JOINED_TRANSACTION_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/transaction_guest.h"
#include "shard/dialects/transaction_options.h"
#include "shard/session/joined_connection.h"

namespace shard {

// Ended by the first of the three verbs, by RollBack when destroyed. Not
// thread-safe.
class JoinedTransaction {
 public:
  // Begins one, or a savepoint, where the mode says so. From then on
  // `listener`, if there is one, hears of the statements in place of the
  // owner's, and of those of other guests, who may end in any order. Errors
  // leave the connection as it was. kInvalidArgument: no such mode;
  // kFailedPrecondition: a transaction is open already, and `how` cannot be had
  // in it; kUnavailable: the connection is lost.
  static absl::StatusOr<std::unique_ptr<JoinedTransaction>> Enter(
      const JoinedConnection& joined, const TransactionOptions& how,
      OnStatement listener);
  ~JoinedTransaction();
  JoinedTransaction(const JoinedTransaction&) = delete;
  JoinedTransaction& operator=(const JoinedTransaction&) = delete;

  Connection& connection() { return connection_; }
  // To be called before the connection is used: from now on its own listener
  // hears. kAborted: another guest of the transaction has rolled back what this
  // one has done, or stands in; it can only be rolled back.
  absl::Status Resume(bool writes);
  // Whether Commit can be: the same error, or kFailedPrecondition, since
  // another guest stands in what it would end, and must end first.
  absl::Status CheckMayCommit() const;
  // After an error it is still there, to be rolled back.
  absl::Status Commit();
  // The session stands in a savepoint of its own inside.
  void NestedBegun();
  // Before that ends: kFailedPrecondition when another guest stands above it,
  // or, unless it is rolled back, in it.
  absl::Status CheckMayEndNested(bool rolls_back) const;
  void NestedEnded(bool rolled_back);
  // Rolls the whole transaction back where the savepoint cannot be: the owner
  // must not commit what the session disowned. Other errors show in the
  // connection.
  void RollBack();
  // The session goes, without having anything to say about its work. True when
  // that stays, in a transaction that goes on.
  bool Leave();

 private:
  enum class Part { kTransaction, kSavepoint };
  JoinedTransaction(Connection* connection, OnStatement listener);
  absl::Status Begin(JoinTransactionMode mode, const TransactionOptions& how);
  bool EndsTransaction() const;
  template <class F>
  bool AnyOther(F&& is) const;
  bool AnotherStandsAbove(std::size_t savepoints) const;
  // Ends those that the session has made inside.
  absl::Status ReleaseDownTo(std::size_t savepoints);
  // Tells the other guests what was rolled back: all, or what was done in more
  // than so many savepoints.
  void NoteRolledBack(bool all, std::size_t savepoints);

  Connection& connection_;
  TransactionGuest guest_;
  Part part_ = Part::kTransaction;
  bool may_commit_ = true;
  std::size_t around_ = 0;  // savepoints that are none of its business
  std::size_t kept_ = 0;    // savepoints that its commit leaves
  bool over_ = true;        // or not begun
};

}  // namespace shard

#endif  // SHARD_SESSION_JOINED_TRANSACTION_H_
