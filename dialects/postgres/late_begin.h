// Beginning a transaction together with its first statement.
#ifndef SHARD_DIALECTS_POSTGRES_LATE_BEGIN_H_
#define SHARD_DIALECTS_POSTGRES_LATE_BEGIN_H_

#include <libpq-fe.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "shard/dialects/transaction_options.h"

namespace shard::postgres {

// How a text on its own ends the transaction, if it does.
enum class Ending { kNone, kCommit, kRollback };
Ending EndingOf(std::string_view text);

// What has yet to be sent in front of the next statement: BEGIN, and the
// transaction's limits. Saves a round trip each. Not thread-safe.
//
// A BEGIN may be sent and not run: the server parses all of a message with
// several statements first, and may refuse it for a fault in a later one. For
// the caller the transaction has failed then, as it would have with a BEGIN of
// its own, and nothing may run as if there were none.
class LateBegin {
 public:
  // The options' limits go with it.
  void Begin(std::string text, const TransactionOptions& options);
  void LimitLockWaits(absl::Duration limit);

  // From Begin until the BEGIN is sent.
  bool pending() const { return !begin_.empty(); }
  // There is a transaction that the server does not know.
  bool open() const { return pending() || failed_; }
  // A failed transaction takes nothing but its end.
  absl::Status CheckMayRun(std::string_view statement) const;
  // kDeadlineExceeded once the deadline of the transaction is over, which takes
  // only its end then, and that of savepoints in it.
  absl::Status CheckInTime(std::string_view statement,
                           PGTransactionStatusType status) const;
  bool has_deadline() const { return deadline_ != absl::InfiniteFuture(); }
  // Deadline and statement timeout no longer count.
  void LiftTimeLimits();
  void End();

  struct Setting {
    std::string text;
    bool same_again = true;  // worth preparing
  };
  struct Opening {
    std::string begin;  // each may be empty
    std::vector<Setting> settings;
    std::string limit;
    // When the server has had its chance to keep to the deadline.
    absl::Time give_up_at = absl::InfiniteFuture();
  };
  // What to send in front of `statement`, to a server in that state. The BEGIN
  // counts as not run until NoteBegun.
  Opening TakeOpening(std::string_view statement,
                      PGTransactionStatusType status);
  void NoteBegun() { failed_ = false; }
  // A statement answered with this tag: rolling back to a savepoint undoes
  // settings too.
  void NoteCommandTag(std::string_view tag) {
    if (tag != "ROLLBACK") return;
    limit_due_ = true;
    if (sent_statement_ms_ != kUnset) sent_statement_ms_ = kUnknown;
    if (sent_lock_ms_ != kUnset) sent_lock_ms_ = kUnknown;
  }

 private:
  static constexpr std::int64_t kUnset = 0;  // the server's own
  static constexpr std::int64_t kUnknown = -1;

  void ClearLimits();
  void AddSettings(bool in_time, std::vector<Setting>* settings);

  std::string begin_;
  std::string limit_;  // of this transaction; empty: none
  bool limit_due_ = false;
  bool durable_due_ = false;
  absl::Time deadline_ = absl::InfiniteFuture();
  std::int64_t statement_ms_ = kUnset;  // wanted, whatever the deadline
  std::int64_t lock_ms_ = kUnset;
  std::int64_t sent_statement_ms_ = kUnset;  // what the server has been told
  std::int64_t sent_lock_ms_ = kUnset;
  bool failed_ = false;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_LATE_BEGIN_H_
