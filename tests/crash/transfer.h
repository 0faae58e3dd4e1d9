// One attempt at a transfer.
#ifndef SHARD_TESTS_CRASH_TRANSFER_H_
#define SHARD_TESTS_CRASH_TRANSFER_H_

#include "absl/status/status.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/crash/journal.h"
#include "shard/tests/crash/plan.h"

namespace shard::bank {

// The ways in which a session can be used; all shall come to the same.
struct Manner {
  bool statements = false;   // UPDATE statements; else objects that change
  bool one_by_one = false;   // flush after each account, the first database
                             // first; else all at once
  bool nested = false;       // in a savepoint, after some work undone in one
  bool prepare = false;      // Prepare(), then Commit()
  bool change_mind = false;  // Rollback() instead of Commit()
};
Manner RandomManner(Random& random);

struct Attempt {
  Outcome outcome = Outcome::kAborted;
  absl::Status status;  // why, where it was not committed
};

// Runs it in the session's transaction and ends that.
Attempt TryTransfer(ShardedSession& session, const Plan& plan,
                    const Manner& manner);

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_TRANSFER_H_
