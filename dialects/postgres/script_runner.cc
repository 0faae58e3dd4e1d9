#include "shard/dialects/postgres/script_runner.h"

#include <libpq-fe.h>

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/postgres/results.h"
#include "shard/dialects/postgres/sqlstate.h"

namespace shard::postgres {
namespace {

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

}  // namespace

absl::Status ScriptRunner::Start(Script script) {
  script_ = std::move(script);
  results_.clear();
  error_ = absl::OkStatus();
  was_sent_ = false;
  look_ahead_.Renew();
  if (!link_.usable()) return link_.Lost(shown());
  sent_at_ = listeners_.Now();
  rows_ = 0;
  if (!StartLocally()) {
    SHARD_RETURN_IF_ERROR(late_begin_.CheckMayRun(shown()));
    SHARD_RETURN_IF_ERROR(late_begin_.CheckInTime(
        script_.text, PQtransactionStatus(link_.libpq())));
    const std::string text =
        opening_.Take(script_.text, late_begin_, link_) + script_.text;
    if (PQsendQuery(link_.libpq(), text.c_str()) != 1) {
      return link_.Lost(shown());
    }
    PQflush(link_.libpq());  // a lost connection shows when it is read from
    was_sent_ = true;
  }
  running_ = true;
  return absl::OkStatus();
}

bool ScriptRunner::StartLocally() {
  const Ending ending = EndingOf(script_.text);
  if (!late_begin_.open() || ending == Ending::kNone) return false;
  if (ending == Ending::kCommit && !late_begin_.pending()) {
    error_ = RolledBack(shown());
  }
  late_begin_.End();
  return true;
}

absl::Status ScriptRunner::Finish() {
  if (!std::exchange(running_, false)) {
    return absl::FailedPreconditionError("nothing was started");
  }
  if (!was_sent_) return error_;
  while (true) {
    absl::StatusOr<Result> result = link_.NextResult(shown());
    if (!result.ok()) Fail(result.status());
    if (!result.ok() || *result == nullptr) break;
    Take(result->get());
    if (link_.broken()) break;
  }
  link_.GiveUpAt(absl::InfiniteFuture());
  if (!link_.usable()) error_ = link_.AsLoss(error_, shown());
  listeners_.Tell(shown(), 0, rows_, error_.ok(), sent_at_);
  return error_;
}

void ScriptRunner::Take(const PGresult* result) {
  if (PQresultStatus(result) == PGRES_FATAL_ERROR) {
    return Fail(ErrorOfResult(result, shown()));
  }
  if (opening_.TakeAnswer(late_begin_, listeners_, &sent_at_)) return;
  if (IsCopy(result)) {
    Fail(CopyRefused(shown()));
    if (absl::Status status = DiscardCopy(result); !status.ok()) {
      error_ = status;
    }
  } else {
    TakeResult(result);
  }
}

void ScriptRunner::TakeResult(const PGresult* result) {
  const std::string_view tag = CommandTag(result);
  state_.NoteCommandTag(tag);
  late_begin_.NoteCommandTag(tag);
  rows_ += CountRows(result);
  if (WasRolledBack(shown(), tag)) Fail(RolledBack(shown()));
  if (!script_.collect || !error_.ok()) return;
  results_.push_back({std::string(tag), RowsOf(result)});
}

absl::Status ScriptRunner::DiscardCopy(const PGresult* result) {
  if (PQresultStatus(result) == PGRES_COPY_OUT) {
    char* line = nullptr;
    while (true) {
      const int got = PQgetCopyData(link_.libpq(), &line, /*async=*/1);
      if (got < 0) return absl::OkStatus();
      if (got > 0) {
        PQfreemem(line);
      } else if (const absl::Status status = link_.Wait(shown());
                 !status.ok()) {
        return status;
      }
    }
  }
  while (PQputCopyEnd(link_.libpq(), "not supported") == 0) {
    SHARD_RETURN_IF_ERROR(link_.Wait(shown()));
  }
  return absl::OkStatus();
}

void ScriptRunner::Fail(const absl::Status& error) {
  if (error_.ok()) error_ = error;
}

}  // namespace shard::postgres
