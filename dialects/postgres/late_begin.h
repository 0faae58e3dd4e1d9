// Beginning a transaction together with its first statement.
#ifndef SHARD_DIALECTS_POSTGRES_LATE_BEGIN_H_
#define SHARD_DIALECTS_POSTGRES_LATE_BEGIN_H_

#include <libpq-fe.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace shard::postgres {

// How a text on its own ends the transaction, if it does.
enum class Ending { kNone, kCommit, kRollback };
Ending EndingOf(std::string_view text);

// What has yet to be sent in front of the next statement: BEGIN, and the limit
// on waiting for locks. Saves a round trip each. Not thread-safe.
//
// A BEGIN may be sent and not run: the server parses all of a message with
// several statements first, and may refuse it for a fault in a later one. For
// the caller the transaction has failed then, as it would have with a BEGIN of
// its own, and nothing may run as if there were none.
class LateBegin {
 public:
  void Begin(std::string text);
  void LimitLockWaits(absl::Duration limit);

  // From Begin until the BEGIN is sent.
  bool pending() const { return !begin_.empty(); }
  // There is a transaction that the server does not know.
  bool open() const { return pending() || failed_; }
  // A failed transaction takes nothing but its end.
  absl::Status CheckMayRun(std::string_view statement) const;
  void End();

  struct Opening {
    std::string begin;  // either may be empty
    std::string limit;
  };
  // What to send in front of `statement`, to a server in that state. The BEGIN
  // counts as not run until NoteBegun.
  Opening TakeOpening(std::string_view statement,
                      PGTransactionStatusType status);
  void NoteBegun() { failed_ = false; }
  // A statement answered with this tag: rolling back to a savepoint undoes
  // settings too.
  void NoteCommandTag(std::string_view tag) {
    if (tag == "ROLLBACK") limit_due_ = true;
  }

 private:
  std::string begin_;
  std::string limit_;  // of this transaction; empty: none
  bool limit_due_ = false;
  bool failed_ = false;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_LATE_BEGIN_H_
