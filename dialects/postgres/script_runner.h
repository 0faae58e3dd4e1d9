// Running statements without parameters, all in one message.
#ifndef SHARD_DIALECTS_POSTGRES_SCRIPT_RUNNER_H_
#define SHARD_DIALECTS_POSTGRES_SCRIPT_RUNNER_H_

#include <libpq-fe.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "shard/dialects/postgres/late_begin.h"
#include "shard/dialects/postgres/link.h"
#include "shard/dialects/postgres/look_ahead.h"
#include "shard/dialects/postgres/script_opening.h"
#include "shard/dialects/postgres/server_state.h"

namespace shard::postgres {

struct Script {
  std::string text;
  // For messages and listeners, if not the text: without its values.
  std::string shown = {};
  // Whether the results are wanted.
  bool collect = false;
};

// Of one statement of a script that went well.
struct ScriptResult {
  std::string tag;  // "COMMIT", "INSERT 0 1"
  TextRows rows;
};

// Runs one script after the other. What it is given must outlive it. Not
// thread-safe.
class ScriptRunner {
 public:
  ScriptRunner(Link* link, ServerState* state, LateBegin* late_begin,
               LookAhead* look_ahead, const StatementListeners* listeners)
      : link_(*link),
        state_(*state),
        late_begin_(*late_begin),
        look_ahead_(*look_ahead),
        listeners_(*listeners) {}

  // Sends what can be sent at once; there is no Finish after an error. The end
  // of a transaction that the server does not know is not sent.
  absl::Status Start(Script script);
  // Sends the rest and waits for all results. When the connection was lost the
  // code is kUnavailable whatever the server said as it went down (or
  // kDeadlineExceeded): what was sent may have been done.
  absl::Status Finish();
  bool running() const { return running_; }
  // Of the script that was finished last, up to its first error.
  const std::vector<ScriptResult>& results() const { return results_; }

 private:
  const std::string& shown() const {
    return script_.shown.empty() ? script_.text : script_.shown;
  }
  bool StartLocally();
  void Take(const PGresult* result);
  void TakeResult(const PGresult* result);
  absl::Status DiscardCopy(const PGresult* result);
  void Fail(const absl::Status& error);

  Link& link_;
  ServerState& state_;
  LateBegin& late_begin_;
  LookAhead& look_ahead_;
  const StatementListeners& listeners_;

  Script script_;
  std::vector<ScriptResult> results_;
  absl::Status error_;  // the first one
  ScriptOpening opening_;
  bool running_ = false;
  StatementListeners::Clock::time_point sent_at_;  // or the last one told of
  std::size_t rows_ = 0;                           // of all its statements
  bool was_sent_ = false;  // else the answer is known without the server
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_SCRIPT_RUNNER_H_
