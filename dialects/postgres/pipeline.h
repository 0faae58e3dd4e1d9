// Several statements on their way at once.
#ifndef SHARD_DIALECTS_POSTGRES_PIPELINE_H_
#define SHARD_DIALECTS_POSTGRES_PIPELINE_H_

#include <libpq-fe.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "shard/dialects/postgres/late_begin.h"
#include "shard/dialects/postgres/link.h"
#include "shard/dialects/postgres/look_ahead.h"
#include "shard/dialects/postgres/parameters.h"
#include "shard/dialects/postgres/results.h"
#include "shard/dialects/postgres/server_state.h"

namespace shard::postgres {

class Pipeline;

// Work of one or many statements, its steps. Outside of a transaction they are
// one transaction.
class PipelineTask {
 public:
  virtual ~PipelineTask() = default;
  virtual std::size_t steps() const = 0;
  // Puts the statement of a step into the pipeline; in order, possibly while
  // earlier ones are still running. False when it could not.
  virtual bool Send(std::size_t step, Pipeline& pipeline) = 0;
  // The result of a step that went well.
  virtual absl::Status Receive(std::size_t step, const PGresult* result) = 0;
  // For messages and listeners.
  virtual std::string_view text(std::size_t step) const = 0;
  virtual std::size_t parameters(std::size_t step) const = 0;
  // For listeners: read or changed by a step.
  virtual std::size_t rows(std::size_t step, const PGresult* result) const {
    (void)step;
    return CountRows(result);
  }
  // Says in front of an error which step it was.
  virtual absl::Status Explain(std::size_t step,
                               const absl::Status& error) const {
    (void)step;
    return error;
  }
};

// Runs one task after the other. Sends as much as the server takes without
// waiting and reads between, so that neither side blocks the other however
// much goes either way. Not thread-safe.
class Pipeline {
 public:
  // What it is given must outlive it.
  Pipeline(Link* link, ServerState* state, LateBegin* late_begin,
           LookAhead* look_ahead, const StatementListeners* listeners);

  // Sends what can be sent at once. `task` must live until Finish; there is no
  // Finish after an error.
  absl::Status Start(PipelineTask* task);
  // Sends the rest and waits. After an error of a step those behind it are not
  // run, and the connection is ready for the next task.
  absl::Status Finish();
  // Takes the answers to what was sent and throws them away. The task is not
  // asked for more.
  void Abandon();
  bool running() const { return task_ != nullptr; }

  // For tasks.
  bool SendPrepared(const std::shared_ptr<PreparedStatement>& statement,
                    std::string_view text, absl::Span<const TypeOid> types,
                    const ParameterBuffer& parameters, bool binary_rows);
  bool SendUnprepared(const std::string& text, absl::Span<const TypeOid> types,
                      const ParameterBuffer& parameters, bool binary_rows);
  ServerState& state() { return *state_; }

 private:
  // What the server will answer next.
  struct Awaited {
    enum Kind {
      kBegin,
      kHousekeeping,
      kPrepareOwn,  // a statement of our own
      kPrepare,
      kStep,
      kLook,
      kEnd
    } kind;
    std::size_t step = 0;
    std::shared_ptr<PreparedStatement> statement;
    bool prepares() const { return kind == kPrepareOwn || kind == kPrepare; }
  };

  PGconn* libpq() const { return link_->libpq(); }
  absl::Status CheckMayRun(std::string_view statement);
  void SendOpening();
  void SendHousekeeping();
  void SendPlain(const std::string& text);
  // What is sent again and again, and is no step.
  void SendOwn(Awaited::Kind kind, std::string_view text);
  bool EnsurePrepared(Awaited::Kind kind,
                      const std::shared_ptr<PreparedStatement>& statement,
                      std::string_view text, absl::Span<const TypeOid> types);
  std::size_t MostStepsRunning() const;
  void SendMore();
  void SendEnd();
  void AwaitNext();
  void Take(const Awaited& awaited, const PGresult* result);
  void TakeLook(const PGresult* result);
  void TakeError(const Awaited& awaited, const PGresult* result);
  void TakeStep(const Awaited& awaited, const PGresult* result);
  void Tell(std::string_view text, std::size_t parameters, std::size_t rows,
            bool ok);
  void Fail(std::size_t step, const absl::Status& error);
  void Lose();

  Link* const link_;
  ServerState* const state_;
  LateBegin* const late_begin_;
  LookAhead* const look_ahead_;
  const StatementListeners* const listeners_;

  PipelineTask* task_ = nullptr;
  std::deque<Awaited> awaited_;
  std::string begin_;  // was sent with this task, and not answered yet
  std::shared_ptr<PreparedStatement> last_statement_;  // of the step being sent
  std::size_t next_step_ = 0;                          // to be sent
  std::size_t steps_running_ = 0;                      // sent and not answered
  std::size_t bytes_unsent_ = 0;  // since libpq was last asked to send
  int empty_answers_ = 0;         // one behind the other
  StatementListeners::Clock::time_point told_at_;  // of what came last
  bool look_ = false;  // to be sent behind the last step
  bool end_sent_ = false;
  absl::Status error_;  // the first one
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_PIPELINE_H_
