#include "shard/dialects/sqlite/sqlite_limits.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/savepoint_text.h"

namespace shard {
namespace {

// Instructions of SQLite's virtual machine between two calls: some 20 us.
constexpr int kProgressInstructions = 2000;

// How long to sleep before a lock is tried again: the longer it is waited for.
absl::Duration NapAfter(absl::Duration waited) {
  return std::clamp(waited / 4, absl::Milliseconds(1), absl::Milliseconds(50));
}

int Milliseconds(absl::Duration timeout) {
  return static_cast<int>(std::clamp<std::int64_t>(
      absl::ToInt64Milliseconds(timeout), 0, std::numeric_limits<int>::max()));
}

}  // namespace

bool SqliteLimits::Wanted(const TransactionOptions& options) {
  return options.deadline != absl::InfiniteFuture() ||
         options.statement_timeout != absl::InfiniteDuration() ||
         options.lock_timeout != absl::InfiniteDuration();
}

void SqliteLimits::Begin(const TransactionOptions& options,
                         absl::Duration patience) {
  begun_ = true;
  deadline_ = options.deadline;
  timeout_ = options.statement_timeout;
  patience_ = patience;
  lock_timeout_ = std::min(options.lock_timeout, absl::Hours(24 * 365));
  if (options.lock_timeout == absl::InfiniteDuration()) {
    lock_timeout_ = patience;
  }
  sqlite3_busy_handler(handle_, &OnBusy, this);
  SetHandler();
}

void SqliteLimits::LiftTimeLimits() {
  deadline_ = absl::InfiniteFuture();
  timeout_ = absl::InfiniteDuration();
  SetHandler();
}

void SqliteLimits::End() {
  if (!std::exchange(begun_, false)) return;
  LiftTimeLimits();
  sqlite3_busy_timeout(handle_, Milliseconds(patience_));
}

absl::Status SqliteLimits::Start(std::string_view statement) {
  const absl::Time now = absl::Now();
  until_ = std::min(deadline_, now + timeout_);
  if (now < deadline_) return absl::OkStatus();
  if (EndsSavepoints(statement)) {
    until_ = now + timeout_;
    return absl::OkStatus();
  }
  return DatabaseError(absl::StatusCode::kDeadlineExceeded,
                       "the transaction's deadline is over; roll it back",
                       statement, "");
}

absl::Status SqliteLimits::TookTooLong(std::string_view statement) {
  return DatabaseError(absl::StatusCode::kDeadlineExceeded,
                       "the statement took longer than its transaction's "
                       "statement_timeout or deadline allows",
                       statement, std::to_string(SQLITE_INTERRUPT));
}

void SqliteLimits::set_progress(std::function<void()> progress) {
  progress_ = std::move(progress);
  SetHandler();
}

void SqliteLimits::SetHandler() {
  active_ = deadline_ != absl::InfiniteFuture() ||
            timeout_ != absl::InfiniteDuration();
  const bool wanted = active_ || progress_ != nullptr;
  sqlite3_progress_handler(handle_, kProgressInstructions,
                           wanted ? &OnProgress : nullptr, this);
}

// Anything but 0 interrupts the statement.
int SqliteLimits::OnProgress(void* self) {
  const auto& limits = *static_cast<SqliteLimits*>(self);
  if (limits.progress_) limits.progress_();
  return limits.overdue() ? 1 : 0;
}

// 0 gives up.
int SqliteLimits::OnBusy(void* self, int times) {
  auto& limits = *static_cast<SqliteLimits*>(self);
  const absl::Time now = absl::Now();
  if (times == 0) limits.waiting_since_ = now;
  absl::Time until = limits.waiting_since_ + limits.lock_timeout_;
  if (limits.active()) until = std::min(until, limits.until_);
  if (now >= until) return 0;
  absl::SleepFor(std::min(NapAfter(now - limits.waiting_since_), until - now));
  return 1;
}

}  // namespace shard
