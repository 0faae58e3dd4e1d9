// The limits of a transaction on a SQLite database.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_LIMITS_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_LIMITS_H_

#include <sqlite3.h>

#include <functional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "shard/dialects/transaction_options.h"

namespace shard {

// SQLite has one handler for long work and one for waiting, so both are here.
// They are set while there is something to limit, or somebody to call. Belongs
// to a connection; not thread-safe.
class SqliteLimits {
 public:
  explicit SqliteLimits(sqlite3* handle) : handle_(handle) {}
  SqliteLimits(const SqliteLimits&) = delete;
  SqliteLimits& operator=(const SqliteLimits&) = delete;

  // Does it limit anything at all?
  static bool Wanted(const TransactionOptions& options);
  // `patience`: for locks, where the options do not say; it holds again
  // afterwards.
  void Begin(const TransactionOptions& options, absl::Duration patience);
  // Time no longer counts.
  void LiftTimeLimits();
  // The transaction is over.
  void End();

  // Whether time counts.
  bool active() const { return active_; }
  // From now on this statement is at work. kDeadlineExceeded: there is no time
  // left for it. What ends a savepoint may do so behind the deadline.
  absl::Status Start(std::string_view statement);
  // Whether it, once it was interrupted or kept waiting, had taken its time.
  bool overdue() const { return active() && absl::Now() >= until_; }
  static absl::Status TookTooLong(std::string_view statement);

  // Called every now and then while a statement is at work.
  void set_progress(std::function<void()> progress);

 private:
  static int OnProgress(void* self);
  static int OnBusy(void* self, int times);
  void SetHandler();

  sqlite3* const handle_;
  std::function<void()> progress_;
  bool begun_ = false;
  bool active_ = false;
  absl::Time deadline_ = absl::InfiniteFuture();
  absl::Duration timeout_ = absl::InfiniteDuration();  // of a statement
  absl::Time until_ = absl::InfiniteFuture();          // the one at work
  absl::Duration patience_;
  absl::Duration lock_timeout_;
  absl::Time waiting_since_;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_LIMITS_H_
