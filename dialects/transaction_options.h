// How a transaction is begun.
#ifndef SHARD_DIALECTS_TRANSACTION_OPTIONS_H_
#define SHARD_DIALECTS_TRANSACTION_OPTIONS_H_

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace shard {

// What it sees of others. Each database gives at least what is asked for: on
// SQLite every transaction is serializable, whatever stands here. On PostgreSQL
// kDefault is what the database or the role is set to.
enum class Isolation {
  kDefault,
  kReadCommitted,
  kRepeatableRead,
  kSerializable
};

// Plain value. All of it ends with the transaction: whoever gets the connection
// next finds it as it was.
//
// A statement that took too long gives kDeadlineExceeded, one that waited too
// long for a lock kAborted. The transaction can then only be rolled back, and
// the connection is good for another one. COMMIT itself is not bounded: cut
// short, it would leave open what happened.
struct TransactionOptions {
  Isolation isolation = Isolation::kDefault;
  // What writes is refused.
  bool read_only = false;
  // All statements must have ended by then; none is begun later, but for those
  // that end the transaction, or a savepoint in it. A server that does not keep
  // to it (or cannot be reached) is given up a second later, and the connection
  // with it.
  absl::Time deadline = absl::InfiniteFuture();
  // How long one statement may take; fetching a batch of a cursor is one.
  // Whole milliseconds, rounded up.
  absl::Duration statement_timeout = absl::InfiniteDuration();
  // How long one statement may wait for a lock. Infinite: what the database or
  // the engine is set to (EngineOptions::busy_timeout for a SQLite file).
  absl::Duration lock_timeout = absl::InfiniteDuration();
  // It may come to be recorded (Participant::Record), and then be done again
  // before it is committed.
  bool may_follow = false;
  // What it commits is on disk when COMMIT returns, whatever the database or
  // the role is set to: PostgreSQL commits it with synchronous_commit = on; a
  // SQLite connection that does not sync each commit refuses it with
  // kFailedPrecondition.
  bool durable = false;

  friend bool operator==(const TransactionOptions&,
                         const TransactionOptions&) = default;
};

// kInvalidArgument, naming it: a timeout that is not above zero.
// kDeadlineExceeded: the deadline is over already.
absl::Status CheckTransactionOptions(const TransactionOptions& options,
                                     absl::Time now);

}  // namespace shard

#endif  // SHARD_DIALECTS_TRANSACTION_OPTIONS_H_
