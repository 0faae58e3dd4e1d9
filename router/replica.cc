#include "shard/router/replica.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/environment.h"
#include "shard/base/status_macros.h"

namespace shard {
namespace {

constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::max();

}  // namespace

Replica::Replica(std::shared_ptr<Engine> engine, const Watch& watch)
    : engine_(std::move(engine)),
      watch_(watch),
      lag_(limits_lag() ? kUnknown : 0),
      up_to_date_at_(absl::InfinitePast()) {}

// True for one thread of those that come when the time is over.
bool Replica::IsDue(absl::Duration every) {
  const std::int64_t now = absl::ToUnixNanos(Now());
  std::int64_t last = asked_at_.load(std::memory_order_relaxed);
  return now - last >= absl::ToInt64Nanoseconds(every) &&
         asked_at_.compare_exchange_strong(last, now);
}

bool Replica::IsFit() {
  const absl::Time unreachable_at = engine_->unreachable_at();
  if (unreachable_at != absl::InfinitePast()) {
    if (Now() - unreachable_at < watch_.retry_after) return false;
    if (!IsDue(watch_.retry_after)) return false;
    const std::lock_guard lock(mutex_);
    Ask();
    if (engine_->unreachable_at() != absl::InfinitePast()) return false;
  } else if (limits_lag() && IsDue(watch_.sample_every)) {
    const std::lock_guard lock(mutex_);
    Ask();
  }
  return !LagsTooFar();
}

bool Replica::LagsTooFar() const {
  return limits_lag() && lag_.load(std::memory_order_relaxed) >
                             absl::ToInt64Nanoseconds(watch_.lag_limit);
}

std::string Replica::WhyUnfit() const {
  if (engine_->unreachable_at() != absl::InfinitePast()) {
    return "could not be reached";
  }
  const std::int64_t lag = lag_;
  if (lag == kUnknown) return "does not say how far it lags behind";
  return absl::StrCat("lags ", absl::FormatDuration(absl::Nanoseconds(lag)),
                      " behind");
}

bool Replica::Shows(std::uint64_t position) {
  const std::lock_guard lock(mutex_);
  // After a crash a standby may show less than it did before.
  if (position_ >= position && connection_ != nullptr &&
      !connection_->HasHungUp()) {
    return true;
  }
  Ask();
  return position_ >= position;
}

void Replica::Ask() {
  if (Learn().ok()) return;
  connection_.reset();
  position_ = 0;
  if (limits_lag()) lag_ = kUnknown;
}

absl::Status Replica::Learn() {
  if (engine_->is_private()) {  // a copy in memory, which follows nobody
    lag_ = 0;
    return absl::OkStatus();
  }
  const absl::Time asked_at = Now();
  if (connection_ != nullptr && connection_->HasHungUp()) connection_.reset();
  if (connection_ == nullptr) {
    SHARD_ASSIGN_OR_RETURN(connection_,
                           engine_->OpenConnection(asked_at + watch_.patience));
  }
  connection_->set_deadline(asked_at + watch_.patience);
  SHARD_ASSIGN_OR_RETURN(const auto state, connection_->ReadReplication());
  position_ = state.has_value() ? state->position : 0;
  absl::Duration lag = state.has_value() ? state->lag : absl::ZeroDuration();
  if (lag == absl::ZeroDuration()) up_to_date_at_ = asked_at;
  // The first transaction after a quiet hour makes the last one look an hour
  // old until it is there, too.
  lag = std::min(lag, asked_at - up_to_date_at_);
  lag_ =
      lag < absl::InfiniteDuration() ? absl::ToInt64Nanoseconds(lag) : kUnknown;
  if (!limits_lag() && !watch_.positions) connection_.reset();
  return absl::OkStatus();
}

}  // namespace shard
