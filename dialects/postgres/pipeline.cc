#include "shard/dialects/postgres/pipeline.h"

#include <libpq-fe.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/postgres/results.h"
#include "shard/dialects/postgres/sqlstate.h"

namespace shard::postgres {
namespace {

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

constexpr std::size_t kMostStepsRunning = 512;
constexpr std::size_t kBytesAtOnce = 64 << 10;

bool IsCopy(const PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      return true;
    default:
      return false;
  }
}

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

// PQcmdStatus takes what it does not change as non-const.
std::string_view CommandTag(const PGresult* result) {
  return PQcmdStatus(const_cast<PGresult*>(result));
}

absl::Status RolledBack(std::string_view statement) {
  return DatabaseError(absl::StatusCode::kAborted,
                       "the transaction had failed before, so the server "
                       "rolled it back instead",
                       statement, "25P02");
}

absl::Status CopyRefused(std::string_view statement) {
  return DatabaseError(absl::StatusCode::kUnimplemented,
                       "COPY from or to the client is not supported", statement,
                       "");
}

}  // namespace

Pipeline::Pipeline(Link* link, ServerState* state,
                   std::function<void(const StatementEvent&)> on_statement,
                   std::string engine_name)
    : link_(link),
      state_(state),
      on_statement_(std::move(on_statement)),
      engine_name_(std::move(engine_name)) {}

bool Pipeline::usable() const {
  return !broken_ && PQstatus(libpq()) == CONNECTION_OK;
}

void Pipeline::Tell(std::string_view text, std::size_t parameters, bool ok) {
  if (on_statement_) on_statement_({engine_name_, text, parameters, ok});
}

absl::Status Pipeline::Start(PipelineTask* task) {
  if (running()) {
    return absl::FailedPreconditionError(
        "the connection is busy: finish what was started first");
  }
  if (!usable() || PQenterPipelineMode(libpq()) != 1) {
    broken_ = true;
    return ErrorOfLostConnection(libpq(), task->text(0));
  }
  task_ = task;
  next_step_ = 0;
  steps_running_ = 0;
  bytes_unsent_ = 0;
  end_sent_ = false;
  error_ = absl::OkStatus();
  SendHousekeeping();
  SendMore();
  PQflush(libpq());  // a lost connection shows when it is read from
  return absl::OkStatus();
}

// Drops what the server need not keep any longer, along with other work.
void Pipeline::SendHousekeeping() {
  const auto send = [&](std::string_view verb, const std::string& name) {
    const std::string text = absl::StrCat(ToAbsl(verb), " ", name);
    if (PQsendQueryParams(libpq(), text.c_str(), 0, nullptr, nullptr, nullptr,
                          nullptr, 0) != 1) {
      return Lose();
    }
    awaited_.push_back({Awaited::kHousekeeping, 0, nullptr});
  };
  if (PQtransactionStatus(libpq()) == PQTRANS_INERROR) return;
  for (const std::string& name : state_->statements().TakeDropped()) {
    send("DEALLOCATE", name);
  }
  for (const std::string& name : state_->TakeCursorsToClose()) {
    send("CLOSE", name);
  }
}

void Pipeline::SendMore() {
  while (!broken_ && error_.ok() && next_step_ < task_->steps() &&
         steps_running_ < kMostStepsRunning) {
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
  if (broken_ || end_sent_) return;
  if (!error_.ok() || next_step_ == task_->steps()) {
    SendEnd();
  } else if (PQsendFlushRequest(libpq()) != 1) {
    Lose();  // else the server could keep its answers to itself
  }
}

void Pipeline::SendEnd() {
  if (PQpipelineSync(libpq()) != 1) return Lose();
  end_sent_ = true;
  awaited_.push_back({Awaited::kEnd, 0, nullptr});
}

bool Pipeline::SendPrepared(const std::shared_ptr<PreparedStatement>& statement,
                            std::string_view text,
                            absl::Span<const TypeOid> types,
                            const ParameterBuffer& parameters,
                            bool binary_rows) {
  if (!statement->sent) {
    const std::string terminated(text);
    if (PQsendPrepare(libpq(), statement->name.c_str(), terminated.c_str(),
                      static_cast<int>(types.size()), types.data()) != 1) {
      return false;
    }
    statement->sent = true;
    awaited_.push_back({Awaited::kPrepare, next_step_, statement});
  }
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
  while (!broken_ && !(end_sent_ && awaited_.empty())) AwaitNext();
  if (!broken_ && PQexitPipelineMode(libpq()) != 1) broken_ = true;
  if (broken_ && error_.ok()) {
    error_ = ErrorOfLostConnection(libpq(), task_->text(0));
  }
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
  while (PQisBusy(libpq())) {
    if (!WaitForServer(libpq())) break;
  }
  const Result result(PQgetResult(libpq()), &PQclear);
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
  if (!end_sent_ && steps_running_ <= kMostStepsRunning / 2) SendMore();
}

void Pipeline::Take(const Awaited& awaited, const PGresult* result) {
  if (awaited.kind == Awaited::kStep) --steps_running_;
  switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
      if (awaited.kind == Awaited::kStep) TakeStep(awaited, result);
      return;
    case PGRES_PIPELINE_ABORTED:
      // Was not run. What it would have prepared does not exist.
      if (awaited.kind == Awaited::kPrepare) {
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
  absl::Status status;
  if (WasRolledBack(text, tag)) {
    status = RolledBack(text);
  } else if (error_.ok()) {
    status = task_->Receive(awaited.step, result);
  }
  Tell(text, task_->parameters(awaited.step), status.ok());
  if (!status.ok()) Fail(awaited.step, status);
}

void Pipeline::TakeError(const Awaited& awaited, const PGresult* result) {
  const std::string_view text = task_->text(awaited.step);
  const absl::Status error = ErrorOfResult(result, text);
  const std::string code = DatabaseCode(error).value_or("");
  if (awaited.kind == Awaited::kPrepare) awaited.statement->sent = false;
  if (awaited.statement != nullptr &&
      (awaited.kind == Awaited::kPrepare || MayBeStale(code))) {
    if (code == kNoSuchStatement) awaited.statement->sent = false;
    state_->statements().Forget(*awaited.statement);
  }
  if (awaited.kind == Awaited::kStep || awaited.kind == Awaited::kPrepare) {
    Tell(text, task_->parameters(awaited.step), false);
    Fail(awaited.step, error);
  } else if (error_.ok()) {
    error_ = error;
  }
}

void Pipeline::Fail(std::size_t step, const absl::Status& error) {
  if (error_.ok()) error_ = task_->Explain(step, error);
}

void Pipeline::Lose() {
  broken_ = true;
  if (error_.ok()) {
    error_ = ErrorOfLostConnection(
        libpq(), task_ == nullptr ? std::string_view() : task_->text(0));
  }
}

absl::Status Pipeline::RunScript(std::string_view sql) {
  Abandon();  // a rollback must get through
  const std::string text(sql);
  if (!usable() || PQsendQuery(libpq(), text.c_str()) != 1) {
    broken_ = true;
    return ErrorOfLostConnection(libpq(), sql);
  }
  absl::Status status;
  while (true) {
    const Result result(PQgetResult(libpq()), &PQclear);
    if (result == nullptr) break;
    if (IsCopy(result.get())) {
      if (status.ok()) status = CopyRefused(sql);
      DiscardCopy(result.get());
      if (PQstatus(libpq()) != CONNECTION_OK) break;
    } else if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) {
      if (status.ok()) status = ErrorOfResult(result.get(), sql);
    } else {
      const std::string_view tag = CommandTag(result.get());
      state_->NoteCommandTag(tag);
      if (status.ok() && WasRolledBack(sql, tag)) status = RolledBack(sql);
    }
  }
  if (PQstatus(libpq()) != CONNECTION_OK) {
    broken_ = true;
    if (status.ok()) status = ErrorOfLostConnection(libpq(), sql);
  }
  Tell(sql, 0, status.ok());
  return status;
}

void Pipeline::DiscardCopy(const PGresult* result) {
  if (PQresultStatus(result) == PGRES_COPY_OUT) {
    char* line = nullptr;
    while (PQgetCopyData(libpq(), &line, /*async=*/0) > 0) PQfreemem(line);
  } else {
    PQputCopyEnd(libpq(), "not supported");
  }
}

}  // namespace shard::postgres
