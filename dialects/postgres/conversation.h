// All that one connection says to its server.
#ifndef SHARD_DIALECTS_POSTGRES_CONVERSATION_H_
#define SHARD_DIALECTS_POSTGRES_CONVERSATION_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/postgres/copy_runner.h"
#include "shard/dialects/postgres/late_begin.h"
#include "shard/dialects/postgres/link.h"
#include "shard/dialects/postgres/look_ahead.h"
#include "shard/dialects/postgres/pipeline.h"
#include "shard/dialects/postgres/script_runner.h"
#include "shard/dialects/postgres/server_state.h"
#include "shard/dialects/transaction_options.h"

namespace shard::postgres {

using ScriptResults = std::vector<ScriptResult>;

// Tasks, scripts and COPYs, one at a time, in the transaction that they share.
// Not thread-safe.
class Conversation {
 public:
  // `listeners` must outlive it.
  Conversation(std::unique_ptr<Link> link, const StatementListeners* listeners);

  Link& link() { return *link_; }
  const Link& link() const { return *link_; }
  Pipeline& pipeline() { return pipeline_; }
  CopyRunner& copies() { return copies_; }

  // kFailedPrecondition between the start and the finish of any of them.
  absl::Status CheckIdle() const;

  // Sends nothing yet. kFailedPrecondition in a transaction.
  absl::Status Begin(std::string text, const TransactionOptions& options);
  bool in_transaction() const;
  // In a transaction of which the server has not heard yet.
  bool begin_pending() const { return late_begin_.pending(); }
  // kFailedPrecondition outside of a transaction.
  absl::Status LimitLockWaits(absl::Duration limit);
  void LiftTimeLimits() { late_begin_.LiftTimeLimits(); }
  absl::Status CheckOutsideTransaction() const;  // kFailedPrecondition inside
  LookAhead& look_ahead() { return look_ahead_; }

  // Gives up what is still running: a rollback must get through.
  absl::Status StartScript(Script script);
  absl::Status FinishScript() { return scripts_.Finish(); }

  // For statements of the library's own, whose results are wanted. `shown`: see
  // Script.
  absl::Status StartOwn(std::string text, std::string shown);
  absl::StatusOr<ScriptResults> FinishOwn();
  // Outside of a transaction, else kFailedPrecondition.
  absl::StatusOr<ScriptResults> RunOwn(std::string text, std::string shown);
  // Likewise, in a transaction of its own, of which nothing is left upon an
  // error. Its BEGIN is the first of the results, COMMIT the last.
  absl::StatusOr<ScriptResults> RunOwnTransaction(std::string_view text,
                                                  std::string shown);

 private:
  const std::unique_ptr<Link> link_;
  ServerState state_;
  LateBegin late_begin_;
  LookAhead look_ahead_;
  Pipeline pipeline_;
  ScriptRunner scripts_;
  CopyRunner copies_;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_CONVERSATION_H_
