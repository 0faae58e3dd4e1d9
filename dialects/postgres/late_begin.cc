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
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"

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

void LateBegin::Begin(std::string text) {
  End();
  begin_ = std::move(text);
}

void LateBegin::LimitLockWaits(absl::Duration limit) {
  const std::int64_t milliseconds = std::clamp<std::int64_t>(
      absl::ToInt64Milliseconds(absl::Ceil(limit, absl::Milliseconds(1))), 1,
      std::numeric_limits<std::int32_t>::max());
  limit_ = absl::StrCat(
      "SELECT pg_catalog.set_config('lock_timeout', '", milliseconds,
      "', true) WHERE pg_catalog.current_setting('lock_timeout') = '0'");
  limit_due_ = true;
}

absl::Status LateBegin::CheckMayRun(std::string_view statement) const {
  if (!failed_) return absl::OkStatus();
  return DatabaseError(absl::StatusCode::kFailedPrecondition,
                       "the transaction has failed; it can only be rolled back",
                       statement, "25P02");
}

void LateBegin::End() {
  begin_.clear();
  limit_.clear();
  failed_ = false;
}

LateBegin::Opening LateBegin::TakeOpening(std::string_view statement,
                                          PGTransactionStatusType status) {
  Opening opening;
  if (status == PQTRANS_INERROR) return opening;
  // Nobody's: its transaction was ended by a text that we did not look into.
  if (!pending() && status != PQTRANS_INTRANS) limit_.clear();
  if (EndingOf(statement) == Ending::kRollback) limit_.clear();
  failed_ = pending();
  opening.begin = std::exchange(begin_, std::string());
  if (limit_due_ && !MustComeFirst(statement)) {
    limit_due_ = false;
    opening.limit = limit_;
  }
  return opening;
}

}  // namespace shard::postgres
