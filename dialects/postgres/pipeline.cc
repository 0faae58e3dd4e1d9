#include "shard/dialects/postgres/pipeline.h"

#include <libpq-fe.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/postgres/results.h"
#include "shard/dialects/postgres/sqlstate.h"

namespace shard::postgres {
namespace {

constexpr std::size_t kMostStepsRunning = 512;
// Where there is a deadline: those that are sent can no longer be held back.
constexpr std::size_t kMostTimedStepsRunning = 32;
constexpr std::size_t kBytesAtOnce = 64 << 10;

constexpr char kNoSuchStatement[] = "26000";

// Errors that a statement gives when tables changed after it was prepared: its
// columns, or the types that were found for its parameters, are of then.
// Prepared anew it may work.
bool MayBeStale(std::string_view sqlstate) {
  for (const std::string_view prefix : {"0A", "22P", "26", "42", "XX"}) {
    if (sqlstate.substr(0, prefix.size()) == prefix) return true;
  }
  return false;
}

}  // namespace

Pipeline::Pipeline(Link* link, ServerState* state, LateBegin* late_begin,
                   LookAhead* look_ahead, const StatementListeners* listeners)
    : link_(link),
      state_(state),
      late_begin_(late_begin),
      look_ahead_(look_ahead),
      listeners_(listeners) {}

absl::Status Pipeline::Start(PipelineTask* task) {
  if (!running() && !link_->usable()) return link_->Lost(task->text(0));
  if (running() || PQtransactionStatus(libpq()) == PQTRANS_ACTIVE) {
    return absl::FailedPreconditionError(
        "the connection is busy: finish what was started first");
  }
  SHARD_RETURN_IF_ERROR(CheckMayRun(task->text(0)));
  SHARD_RETURN_IF_ERROR(
      late_begin_->CheckInTime(task->text(0), PQtransactionStatus(libpq())));
  if (PQenterPipelineMode(libpq()) != 1) return link_->Lost(task->text(0));
  task_ = task;
  told_at_ = listeners_->Now();
  next_step_ = 0;
  steps_running_ = 0;
  bytes_unsent_ = 0;
  look_ = look_ahead_->Renew();
  end_sent_ = false;
  error_ = absl::OkStatus();
  SendOpening();
  SendHousekeeping();
  SendMore();
  PQflush(libpq());  // a lost connection shows when it is read from
  return absl::OkStatus();
}

// In a transaction that failed without the server's knowledge.
absl::Status Pipeline::CheckMayRun(std::string_view statement) {
  absl::Status status = late_begin_->CheckMayRun(statement);
  if (status.ok()) return status;
  switch (EndingOf(statement)) {
    case Ending::kNone:
      return status;
    case Ending::kCommit:
      late_begin_->End();
      return RolledBack(statement);
    case Ending::kRollback:
      late_begin_->End();
      return absl::OkStatus();  // the server does not mind
  }
  return status;
}

void Pipeline::SendPlain(const std::string& text) {
  if (PQsendQueryParams(libpq(), text.c_str(), 0, nullptr, nullptr, nullptr,
                        nullptr, 0) != 1) {
    return Lose();
  }
  awaited_.push_back({Awaited::kHousekeeping, 0, nullptr});
}

void Pipeline::SendOwn(Awaited::Kind kind, std::string_view text) {
  const auto statement = state_->statements().Find(text, {});
  if (!EnsurePrepared(Awaited::kPrepareOwn, statement, text, {}) ||
      PQsendQueryPrepared(libpq(), statement->name.c_str(), 0, nullptr, nullptr,
                          nullptr, 0) != 1) {
    return Lose();
  }
  awaited_.push_back({kind, 0, statement});
}

void Pipeline::SendOpening() {
  LateBegin::Opening opening =
      late_begin_->TakeOpening(task_->text(0), PQtransactionStatus(libpq()));
  if (!opening.begin.empty()) SendOwn(Awaited::kBegin, opening.begin);
  for (const LateBegin::Setting& setting : opening.settings) {
    setting.same_again ? SendOwn(Awaited::kHousekeeping, setting.text)
                       : SendPlain(setting.text);
  }
  if (!opening.limit.empty()) SendOwn(Awaited::kHousekeeping, opening.limit);
  link_->GiveUpAt(opening.give_up_at);
  begin_ = std::move(opening.begin);
}

// Drops what the server need not keep any longer, along with other work.
void Pipeline::SendHousekeeping() {
  if (PQtransactionStatus(libpq()) == PQTRANS_INERROR) return;
  for (const std::string& name : state_->statements().TakeDropped()) {
    SendPlain(absl::StrCat("DEALLOCATE ", name));
  }
  for (const std::string& name : state_->TakeCursorsToClose()) {
    SendPlain(absl::StrCat("CLOSE ", name));
  }
}

std::size_t Pipeline::MostStepsRunning() const {
  return late_begin_->has_deadline() ? kMostTimedStepsRunning
                                     : kMostStepsRunning;
}

void Pipeline::SendMore() {
  // Each step has its time from the server; only here they add up.
  if (next_step_ > 0 && next_step_ < task_->steps() && error_.ok()) {
    const absl::Status in_time = late_begin_->CheckInTime(
        task_->text(next_step_), PQtransactionStatus(libpq()));
    if (!in_time.ok()) Fail(next_step_, in_time);
  }
  const std::size_t most_running = MostStepsRunning();
  while (!link_->broken() && error_.ok() && next_step_ < task_->steps() &&
         steps_running_ < most_running) {
    if (!task_->Send(next_step_, *this)) return Lose();
    awaited_.push_back({Awaited::kStep, next_step_, nullptr});
    std::swap(awaited_.back().statement, last_statement_);
    ++next_step_;
    ++steps_running_;
    if (bytes_unsent_ >= kBytesAtOnce) {
      bytes_unsent_ = 0;
      // The server is not reading: perhaps it waits for us to do so.
      if (PQflush(libpq()) != 0) break;
    }
  }
  if (link_->broken() || end_sent_) return;
  if (!error_.ok() || next_step_ == task_->steps()) {
    SendEnd();
  } else if (PQsendFlushRequest(libpq()) != 1) {
    Lose();  // else the server could keep its answers to itself
  }
}

void Pipeline::SendEnd() {
  if (look_ && error_.ok()) SendOwn(Awaited::kLook, LookAhead::kQuery);
  if (PQpipelineSync(libpq()) != 1) return Lose();
  end_sent_ = true;
  awaited_.push_back({Awaited::kEnd, 0, nullptr});
}

bool Pipeline::EnsurePrepared(
    Awaited::Kind kind, const std::shared_ptr<PreparedStatement>& statement,
    std::string_view text, absl::Span<const TypeOid> types) {
  if (statement->sent) return true;
  const std::string terminated(text);
  if (PQsendPrepare(libpq(), statement->name.c_str(), terminated.c_str(),
                    static_cast<int>(types.size()), types.data()) != 1) {
    return false;
  }
  statement->sent = true;
  awaited_.push_back({kind, next_step_, statement});
  return true;
}

bool Pipeline::SendPrepared(const std::shared_ptr<PreparedStatement>& statement,
                            std::string_view text,
                            absl::Span<const TypeOid> types,
                            const ParameterBuffer& parameters,
                            bool binary_rows) {
  if (!EnsurePrepared(Awaited::kPrepare, statement, text, types)) return false;
  last_statement_ = statement;
  bytes_unsent_ += parameters.bytes() + 64;
  return PQsendQueryPrepared(libpq(), statement->name.c_str(),
                             parameters.count(), parameters.values(),
                             parameters.lengths(), parameters.formats(),
                             binary_rows ? 1 : 0) == 1;
}

bool Pipeline::SendUnprepared(const std::string& text,
                              absl::Span<const TypeOid> types,
                              const ParameterBuffer& parameters,
                              bool binary_rows) {
  bytes_unsent_ += parameters.bytes() + text.size() + 64;
  return PQsendQueryParams(libpq(), text.c_str(), parameters.count(),
                           types.data(), parameters.values(),
                           parameters.lengths(), parameters.formats(),
                           binary_rows ? 1 : 0) == 1;
}

absl::Status Pipeline::Finish() {
  if (!running()) {
    return absl::FailedPreconditionError("nothing was started");
  }
  while (!link_->broken() && !(end_sent_ && awaited_.empty())) AwaitNext();
  if (!link_->broken() && PQexitPipelineMode(libpq()) != 1) Lose();
  link_->GiveUpAt(absl::InfiniteFuture());
  if (!error_.ok()) look_ahead_->Renew();  // not all of the task was done
  awaited_.clear();
  last_statement_ = nullptr;
  task_ = nullptr;
  return std::exchange(error_, absl::OkStatus());
}

void Pipeline::Abandon() {
  if (!running()) return;
  if (error_.ok()) error_ = absl::CancelledError("given up");
  Finish().IgnoreError();
}

// Waits for the next answer and takes it.
void Pipeline::AwaitNext() {
  if (awaited_.empty()) return SendMore();
  absl::StatusOr<Result> answer = link_->NextResult(task_->text(0));
  if (!answer.ok()) {
    error_ = answer.status();  // whatever was first: the connection is lost
    return;
  }
  const Result result = *std::move(answer);
  if (result == nullptr) {
    // One stands behind each answer; more mean that there is none to come.
    if (PQstatus(libpq()) != CONNECTION_OK || ++empty_answers_ > 3) Lose();
    return;
  }
  empty_answers_ = 0;
  if (PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) {
    if (awaited_.front().kind != Awaited::kEnd) return Lose();
    awaited_.pop_front();
    return;
  }
  const Awaited awaited = std::move(awaited_.front());
  if (awaited.kind == Awaited::kEnd) {
    // Only a deferred constraint, or a loss, speaks up here.
    if (PQresultStatus(result.get()) != PGRES_FATAL_ERROR) return Lose();
    awaited_.front() = awaited;
  } else {
    awaited_.pop_front();
  }
  Take(awaited, result.get());
  if (PQstatus(libpq()) != CONNECTION_OK) return Lose();
  if (!end_sent_ && steps_running_ <= MostStepsRunning() / 2) SendMore();
}

void Pipeline::Take(const Awaited& awaited, const PGresult* result) {
  if (awaited.kind == Awaited::kStep) --steps_running_;
  switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
      if (awaited.kind == Awaited::kBegin) {
        late_begin_->NoteBegun();
        Tell(begin_, 0, 0, true);
      }
      if (awaited.kind == Awaited::kStep) TakeStep(awaited, result);
      if (awaited.kind == Awaited::kLook) TakeLook(result);
      return;
    case PGRES_PIPELINE_ABORTED:
      // Was not run. What it would have prepared does not exist.
      if (awaited.prepares()) {
        awaited.statement->sent = false;
        state_->statements().Forget(*awaited.statement);
      }
      return;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      // A pipeline cannot come back from there.
      Fail(awaited.step, CopyRefused(task_->text(awaited.step)));
      return Lose();
    default:
      return TakeError(awaited, result);
  }
}

void Pipeline::TakeStep(const Awaited& awaited, const PGresult* result) {
  PreparedStatement* const statement = awaited.statement.get();
  if (statement != nullptr && !statement->described &&
      PQresultStatus(result) == PGRES_TUPLES_OK) {
    statement->described = true;
    statement->binary_rows = AllReadableInBinary(result);
  }
  const std::string_view text = task_->text(awaited.step);
  const std::string_view tag = CommandTag(result);
  state_->NoteCommandTag(tag);
  late_begin_->NoteCommandTag(tag);
  absl::Status status;
  if (WasRolledBack(text, tag)) {
    status = RolledBack(text);
  } else if (error_.ok()) {
    status = task_->Receive(awaited.step, result);
  }
  Tell(text, task_->parameters(awaited.step), task_->rows(awaited.step, result),
       status.ok());
  if (!status.ok()) Fail(awaited.step, status);
}

void Pipeline::TakeLook(const PGresult* result) {
  if (PQntuples(result) != 1 || PQnfields(result) != 1) return Lose();
  look_ahead_->Learn(PQgetvalue(result, 0, 0));
}

void Pipeline::TakeError(const Awaited& awaited, const PGresult* result) {
  const std::size_t step = std::min(awaited.step, task_->steps() - 1);
  const std::string_view text = task_->text(step);
  const absl::Status error = ErrorOfResult(result, text);
  const std::string code = DatabaseCode(error).value_or("");
  if (awaited.prepares()) awaited.statement->sent = false;
  if (awaited.statement != nullptr &&
      (awaited.prepares() || MayBeStale(code))) {
    if (code == kNoSuchStatement) awaited.statement->sent = false;
    state_->statements().Forget(*awaited.statement);
  }
  if (awaited.kind == Awaited::kStep || awaited.kind == Awaited::kPrepare) {
    Tell(text, task_->parameters(awaited.step), 0, false);
    Fail(awaited.step, error);
  } else if (error_.ok()) {
    error_ = error;
  }
}

void Pipeline::Tell(std::string_view text, std::size_t parameters,
                    std::size_t rows, bool ok) {
  listeners_->Tell(text, parameters, rows, ok, told_at_);
  told_at_ = listeners_->Now();
}

void Pipeline::Fail(std::size_t step, const absl::Status& error) {
  if (error_.ok()) error_ = task_->Explain(step, error);
}

void Pipeline::Lose() {
  const absl::Status lost =
      link_->Lost(task_ == nullptr ? std::string_view() : task_->text(0));
  if (error_.ok()) error_ = lost;
}

}  // namespace shard::postgres
