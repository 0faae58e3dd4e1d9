#include "shard/session/retry.h"

#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "shard/base/environment.h"
#include "shard/session/commit_result.h"

namespace shard {
namespace {

// After so many tries have failed.
absl::Duration PauseAfter(int tries, const RetryPolicy& policy) {
  const absl::Duration longest =
      std::min(policy.base_pause * std::exp2(std::min(tries - 1, 60)),
               policy.longest_pause);
  return longest * Jitter(0.0, 1.0);
}

}  // namespace

bool MayTryAgain(const absl::Status& status) {
  return absl::IsAborted(status) && !InDoubtOf(status).has_value() &&
         !AnswerLostOf(status).has_value() &&
         !CommitResultOf(status).has_value();
}

Retries::Retries(const RetryPolicy& policy)
    : policy_(policy), until_(Now() + policy.time_limit) {}

bool Retries::Again(const absl::Status& status) {
  ++tries_;
  if (!MayTryAgain(status) || tries_ >= policy_.most_tries) return false;
  const absl::Duration pause =
      std::max(PauseAfter(tries_, policy_), absl::ZeroDuration());
  if (Now() + pause >= until_) return false;
  if (pause > absl::ZeroDuration()) Pause(pause);
  return true;
}

}  // namespace shard
