// Working inside a transaction that somebody else has begun.
#ifndef SHARD_SESSION_JOINED_CONNECTION_H_
#define SHARD_SESSION_JOINED_CONNECTION_H_

namespace shard {

class Connection;
class Engine;

// What the end of a session's transaction does to the one that it has joined:
//
//                     Commit             Rollback             Close
//   kRollbackOnly     leaves it open     rolls it back        leaves it open
//   kControlFully     commits it         rolls it back        rolls it back
//   kCreateSavepoint  keeps the work     undoes its own work  undoes its own
//                     for it             alone                work alone
//
// "It" is the innermost savepoint made by Connection::Savepoint (or by another
// session's BeginNested), where there is one, else the whole transaction.
// kConditionalSavepoint is kCreateSavepoint where there is one, and else
// kRollbackOnly. Nested transactions that the session has left open end with
// it: their work is kept where the session's is. Where a statement failed,
// Close does what Rollback does, since half of a flush may be there; and where
// a savepoint cannot be rolled back, all of the transaction is. If the
// connection is in no transaction, the session begins one of its own, and ends
// it, whatever the mode.
//
// Several sessions may have joined one transaction, and take turns in it. They
// end in any order, as far as that can be: Commit says kFailedPrecondition, and
// the session goes on, while another one stands in what it would end; and once
// one has rolled back what another one did, or stands in, that one's statements
// and Commit say kAborted, and it can only be rolled back. Nested transactions
// count as savepoints: they end from the inside to the outside. Who writes past
// the session must ask it for its Connection anew for each turn.
enum class JoinTransactionMode {
  kConditionalSavepoint,
  kRollbackOnly,
  kControlFully,
  kCreateSavepoint,
};

// For SessionOptions::joined: work for `engine` is done on `connection`, which
// is one of that engine's, and must outlive the session (or its Close). It
// stays the caller's: the session neither closes it nor gives it back to a
// pool. While the session's transaction is open, the caller must not end the
// one joined.
struct JoinedConnection {
  const Engine* engine = nullptr;
  Connection* connection = nullptr;
  JoinTransactionMode mode = JoinTransactionMode::kConditionalSavepoint;
};

}  // namespace shard

#endif  // SHARD_SESSION_JOINED_CONNECTION_H_
