#include "shard/dialects/postgres/late_begin.h"

#include <libpq-fe.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/savepoint_text.h"

namespace shard::postgres {
namespace {

// SET TRANSACTION must come before any query, and no SET waits for a lock but
// SET CONSTRAINTS, which checks them.
bool MustComeFirst(std::string_view statement) {
  const absl::string_view text =
      absl::StripLeadingAsciiWhitespace(ToAbsl(statement));
  return absl::StartsWithIgnoreCase(text, "set") &&
         !absl::StartsWithIgnoreCase(text, "set constraints");
}

// How much later than the server's own timeout the connection is given up.
constexpr absl::Duration kGrace = absl::Seconds(1);

// As the server's settings take it.
std::int64_t Milliseconds(absl::Duration limit) {
  return std::clamp<std::int64_t>(
      absl::ToInt64Milliseconds(absl::Ceil(limit, absl::Milliseconds(1))), 1,
      std::numeric_limits<std::int32_t>::max());
}

}  // namespace

Ending EndingOf(std::string_view text) {
  absl::string_view word = absl::StripAsciiWhitespace(ToAbsl(text));
  absl::ConsumeSuffix(&word, ";");
  word = absl::StripTrailingAsciiWhitespace(word);
  for (const char* commit : {"commit", "end"}) {
    if (absl::EqualsIgnoreCase(word, commit)) return Ending::kCommit;
  }
  for (const char* rollback : {"rollback", "abort"}) {
    if (absl::EqualsIgnoreCase(word, rollback)) return Ending::kRollback;
  }
  return Ending::kNone;
}

void LateBegin::Begin(std::string text, const TransactionOptions& options) {
  End();
  begin_ = std::move(text);
  durable_due_ = options.durable;
  deadline_ = options.deadline;
  if (options.statement_timeout != absl::InfiniteDuration()) {
    statement_ms_ = Milliseconds(options.statement_timeout);
  }
  if (options.lock_timeout != absl::InfiniteDuration()) {
    lock_ms_ = Milliseconds(options.lock_timeout);
  }
}

void LateBegin::LimitLockWaits(absl::Duration limit) {
  limit_ = absl::StrCat(
      "SELECT pg_catalog.set_config('lock_timeout', '", Milliseconds(limit),
      "', true) WHERE pg_catalog.current_setting('lock_timeout') = '0'");
  limit_due_ = true;
}

void LateBegin::LiftTimeLimits() {
  deadline_ = absl::InfiniteFuture();
  statement_ms_ = kUnset;
}

void LateBegin::ClearLimits() {
  limit_.clear();
  deadline_ = absl::InfiniteFuture();
  statement_ms_ = lock_ms_ = sent_statement_ms_ = sent_lock_ms_ = kUnset;
}

absl::Status LateBegin::CheckMayRun(std::string_view statement) const {
  if (!failed_) return absl::OkStatus();
  return DatabaseError(absl::StatusCode::kFailedPrecondition,
                       "the transaction has failed; it can only be rolled back",
                       statement, "25P02");
}

absl::Status LateBegin::CheckInTime(std::string_view statement,
                                    PGTransactionStatusType status) const {
  if (!has_deadline() || absl::Now() < deadline_) return absl::OkStatus();
  const bool is_over = !open() && status == PQTRANS_IDLE;
  if (is_over || EndingOf(statement) != Ending::kNone ||
      EndsSavepoints(statement)) {
    return absl::OkStatus();
  }
  return DatabaseError(absl::StatusCode::kDeadlineExceeded,
                       "the transaction's deadline is over; roll it back",
                       statement, "");
}

void LateBegin::End() {
  begin_.clear();
  durable_due_ = false;
  ClearLimits();
  failed_ = false;
}

// SET, since it takes no snapshot: the caller's SET TRANSACTION may follow. It
// is LOCAL to the transaction.
void LateBegin::AddSettings(bool in_time, std::vector<Setting>* settings) {
  if (std::exchange(durable_due_, false)) {
    settings->push_back({"SET LOCAL synchronous_commit = on", true});
  }
  if (lock_ms_ != sent_lock_ms_ && lock_ms_ != kUnset) {
    settings->push_back(
        {absl::StrCat("SET LOCAL lock_timeout = ", lock_ms_), true});
  }
  sent_lock_ms_ = lock_ms_;
  std::int64_t wanted = statement_ms_;
  if (has_deadline() && in_time) {
    const std::int64_t left = Milliseconds(deadline_ - absl::Now());
    wanted = wanted == kUnset ? left : std::min(wanted, left);
  }
  if (wanted == sent_statement_ms_) return;
  sent_statement_ms_ = wanted;
  if (wanted == kUnset) {
    settings->push_back({"SET LOCAL statement_timeout TO DEFAULT", true});
  } else {
    settings->push_back({absl::StrCat("SET LOCAL statement_timeout = ", wanted),
                         wanted == statement_ms_});
  }
}

LateBegin::Opening LateBegin::TakeOpening(std::string_view statement,
                                          PGTransactionStatusType status) {
  Opening opening;
  if (status == PQTRANS_INERROR) return opening;
  // Nobody's: its transaction was ended by a text that we did not look into.
  const bool over = !pending() && status != PQTRANS_INTRANS;
  switch (EndingOf(statement)) {
    case Ending::kNone:
      if (over) ClearLimits();
      break;
    case Ending::kCommit:
      // Cut short it could be told of as done without being replicated.
      over ? ClearLimits() : LiftTimeLimits();
      break;
    case Ending::kRollback:
      ClearLimits();
      break;
  }
  failed_ = pending();
  const absl::Time now = has_deadline() ? absl::Now() : absl::InfinitePast();
  const bool in_time = now < deadline_ || !EndsSavepoints(statement);
  AddSettings(in_time, &opening.settings);
  if (has_deadline()) opening.give_up_at = (in_time ? deadline_ : now) + kGrace;
  // It may go back to any that was set since the savepoint.
  if (!in_time) sent_statement_ms_ = kUnknown;
  opening.begin = std::exchange(begin_, std::string());
  if (limit_due_ && !MustComeFirst(statement)) {
    limit_due_ = false;
    opening.limit = limit_;
  }
  return opening;
}

}  // namespace shard::postgres
