#include "shard/dialects/postgres/copy_runner.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/postgres/results.h"
#include "shard/dialects/postgres/sqlstate.h"

namespace shard::postgres {

absl::Status CopyRunner::Start(CopyTask* task) {
  const std::string& statement = task->text();
  if (!link_.usable()) return link_.Lost(statement);
  SHARD_RETURN_IF_ERROR(late_begin_.CheckMayRun(statement));
  SHARD_RETURN_IF_ERROR(
      late_begin_.CheckInTime(statement, PQtransactionStatus(libpq())));
  const bool look = look_ahead_.Renew();
  std::string text = opening_.Take(statement, late_begin_, link_);
  SHARD_ASSIGN_OR_RETURN(const std::string message,
                         task->Message(opening_.fresh()));
  absl::StrAppend(&text, message);
  if (look) absl::StrAppend(&text, ";", LookAhead::kQuery);
  sent_at_ = listeners_.Now();
  if (PQsendQuery(libpq(), text.c_str()) != 1) return link_.Lost(statement);
  PQflush(libpq());  // a lost connection shows when it is read from
  task_ = task;
  page_ = 0;
  guarded_ = feeding_ = lost_ = done_ = false;
  error_ = absl::OkStatus();
  return absl::OkStatus();
}

bool CopyRunner::Advance() {
  if (!running() || done_ || !link_.usable()) return false;
  // Of a loss Finish will say more.
  if (PQconsumeInput(libpq()) != 1 || PQflush(libpq()) < 0) return false;
  return !Step();
}

absl::Status CopyRunner::Finish() {
  if (!running()) {
    return absl::FailedPreconditionError("nothing was started");
  }
  while (!Step()) Wait();
  link_.GiveUpAt(absl::InfiniteFuture());
  if (!link_.usable()) error_ = link_.AsLoss(error_, task_->text());
  if (!error_.ok()) look_ahead_.Renew();  // not all of the task was done
  task_ = nullptr;
  return std::exchange(error_, absl::OkStatus());
}

void CopyRunner::Abandon() {
  if (!running()) return;
  if (error_.ok()) error_ = absl::CancelledError("given up");
  Finish().IgnoreError();
}

// Does what can be done without waiting; true when nothing is left.
bool CopyRunner::Step() {
  while (!done_ && !link_.broken()) {
    if (feeding_) {
      if (!Feed()) return false;
      continue;
    }
    if (!lost_ && PQisBusy(libpq())) return false;
    const Result result(PQgetResult(libpq()));
    if (result != nullptr) Take(result.get());
    done_ = lost_ || result == nullptr;
  }
  return true;
}

// False when the server takes no more for now.
bool CopyRunner::Feed() {
  while (error_.ok()) {
    const int unsent = PQflush(libpq());
    if (unsent > 0) return false;
    const std::string_view piece =
        unsent < 0 ? std::string_view() : task_->NextPiece();
    if (unsent == 0 && piece.empty()) break;
    if (unsent < 0 || PQputCopyData(libpq(), piece.data(),
                                    static_cast<int>(piece.size())) != 1) {
      Fail(link_.Lost(task_->text()));
      return true;
    }
  }
  // With words the server fails the statement, and what stands behind it.
  const char* const words = error_.ok() ? nullptr : "given up by the client";
  feeding_ = false;
  if (PQputCopyEnd(libpq(), words) != 1) Fail(link_.Lost(task_->text()));
  return true;
}

void CopyRunner::Wait() {
  const absl::Status status = link_.Wait(task_->text());
  if (status.ok()) return;
  if (absl::IsDeadlineExceeded(status) || feeding_) {
    Fail(status);
    link_.Break();
  }
  lost_ = true;  // libpq has a result for that
}

void CopyRunner::Take(const PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_COPY_IN:
      return StartPage();
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
      if (!opening_.TakeAnswer(late_begin_, listeners_, &sent_at_)) {
        TakeRows(result);
      }
      return;
    default:
      return TakeError(result);
  }
}

void CopyRunner::StartPage() {
  feeding_ = true;
  if (!error_.ok()) return;
  // Each page has its time from the server; only here they add up.
  if (page_ > 0) {
    Fail(late_begin_.CheckInTime(task_->text(), PQtransactionStatus(libpq())));
  }
  task_->StartPage(page_);
}

// Of the lock, the guard, a page or the look behind the last.
void CopyRunner::TakeRows(const PGresult* result) {
  const bool has_rows = PQresultStatus(result) == PGRES_TUPLES_OK;
  if (!guarded_) {
    if (!has_rows) return;
    guarded_ = true;
    Fail(task_->TakeGuard(result));
  } else if (page_ < task_->pages()) {
    task_->TakePage(result);
    if (!task_->refused()) Tell(CopiedRows(result), true);
    ++page_;
  } else if (has_rows && PQntuples(result) == 1) {
    look_ahead_.Learn(PQgetvalue(result, 0, 0));
  }
}

void CopyRunner::TakeError(const PGresult* result) {
  if (!error_.ok()) return;
  Tell(0, false);
  const absl::Status error = ErrorOfResult(result, task_->text());
  const bool of_page = guarded_ && page_ < task_->pages();
  Fail(of_page ? task_->Explain(page_, error) : error);
}

void CopyRunner::Tell(std::size_t rows, bool ok) {
  const std::size_t page = std::min(page_, task_->pages() - 1);
  listeners_.Tell(task_->text(), task_->parameters(page), rows, ok, sent_at_);
  sent_at_ = listeners_.Now();
}

void CopyRunner::Fail(const absl::Status& error) {
  if (error_.ok()) error_ = error;
}

}  // namespace shard::postgres
