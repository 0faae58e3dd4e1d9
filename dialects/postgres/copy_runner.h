// Sending rows by COPY.
#ifndef SHARD_DIALECTS_POSTGRES_COPY_RUNNER_H_
#define SHARD_DIALECTS_POSTGRES_COPY_RUNNER_H_

#include <libpq-fe.h>

#include <cstddef>

#include "absl/status/status.h"
#include "shard/dialects/postgres/copy_task.h"
#include "shard/dialects/postgres/late_begin.h"
#include "shard/dialects/postgres/link.h"
#include "shard/dialects/postgres/look_ahead.h"
#include "shard/dialects/postgres/script_opening.h"
#include "shard/dialects/statement_listeners.h"

namespace shard::postgres {

// Runs one CopyTask after the other, outside of libpq's pipeline mode, which
// knows no COPY. The server has to say that it is ready before it can be given
// rows; it then gets as many as it takes, a piece at a time, and an error shows
// at the end of its page. Outside of a transaction the pages are one. Not
// thread-safe.
class CopyRunner {
 public:
  // What it is given must outlive it.
  CopyRunner(Link* link, LateBegin* late_begin, LookAhead* look_ahead,
             const StatementListeners* listeners)
      : link_(*link),
        late_begin_(*late_begin),
        look_ahead_(*look_ahead),
        listeners_(*listeners) {}

  // Sends what stands in front of the rows; there is no Finish after an error.
  // `task` must live until Finish.
  absl::Status Start(CopyTask* task);
  // Gives the server what it takes without waiting. True when there is more to
  // be done before Finish need only wait.
  bool Advance();
  // Sends the rest and waits. kUnavailable, or kDeadlineExceeded, when the
  // connection was lost, whatever the server said as it went down.
  absl::Status Finish();
  // Has the server throw away what it was given.
  void Abandon();
  bool running() const { return task_ != nullptr; }

 private:
  PGconn* libpq() const { return link_.libpq(); }
  bool Step();
  bool Feed();
  void Wait();
  void StartPage();
  void Take(const PGresult* result);
  void TakeRows(const PGresult* result);
  void TakeError(const PGresult* result);
  void Tell(std::size_t rows, bool ok);
  void Fail(const absl::Status& error);

  Link& link_;
  LateBegin& late_begin_;
  LookAhead& look_ahead_;
  const StatementListeners& listeners_;

  CopyTask* task_ = nullptr;
  ScriptOpening opening_;
  StatementListeners::Clock::time_point sent_at_;  // or the last one told of
  std::size_t page_ = 0;  // that the server is at, or will be at next
  bool guarded_ = false;  // the guard has answered
  bool feeding_ = false;  // the server waits for rows
  bool lost_ = false;     // nothing more comes but what libpq makes of it
  bool done_ = false;
  absl::Status error_;  // the first one
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_COPY_RUNNER_H_
