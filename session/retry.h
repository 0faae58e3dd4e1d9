// Doing a unit of work again when it met another.
#ifndef SHARD_SESSION_RETRY_H_
#define SHARD_SESSION_RETRY_H_

#include <concepts>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace shard {

// How often, and how soon. Before the n-th try it waits a random time between
// nothing and base_pause * 2^(n-2), or longest_pause: so those who met do not
// meet again.
struct RetryPolicy {
  int most_tries = 10;  // the first one counts
  absl::Duration base_pause = absl::Milliseconds(10);
  absl::Duration longest_pause = absl::Seconds(1);
  // From the first try on; no try begins later. The work itself is not cut
  // short: TransactionOptions::deadline does that.
  absl::Duration time_limit = absl::InfiniteDuration();
};

// Whether it is safe and sensible to do the work again: kAborted, with nothing
// committed. Never what is in doubt, or whose answer was lost.
bool MayTryAgain(const absl::Status& status);

// The tries of one piece of work. Time, pauses and chance come from
// base/environment.h. Not thread-safe.
class Retries {
 public:
  explicit Retries(const RetryPolicy& policy);

  // After a try: false when it is not to be done again, true after a pause.
  bool Again(const absl::Status& status);
  int tries() const { return tries_; }

 private:
  const RetryPolicy policy_;
  const absl::Time until_;
  int tries_ = 0;
};

namespace internal {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}
template <class T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

template <class T>
constexpr bool kIsStatusOr = false;
template <class T>
constexpr bool kIsStatusOr<absl::StatusOr<T>> = true;

// When `work` throws, the session's end rolls back.
template <class Session, class Work>
std::invoke_result_t<Work&, Session&> RunAndCommit(Session& session,
                                                   Work& work) {
  auto result = work(session);
  if (!StatusOf(result).ok()) {
    session.Rollback();
    return result;
  }
  const auto committed = session.Commit();
  if (committed.ok()) return result;
  session.Rollback();  // where the commit was refused
  return committed.status();
}

}  // namespace internal

// What takes a session and returns an absl::Status or an absl::StatusOr<T>.
template <class Work, class Session>
concept SessionWork = std::invocable<Work&, Session&> &&
    (std::same_as<std::invoke_result_t<Work&, Session&>, absl::Status> ||
     internal::kIsStatusOr<std::invoke_result_t<Work&, Session&>>);

}  // namespace shard

#endif  // SHARD_SESSION_RETRY_H_
