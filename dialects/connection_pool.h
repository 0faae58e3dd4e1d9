// The connections of one engine.
#ifndef SHARD_DIALECTS_CONNECTION_POOL_H_
#define SHARD_DIALECTS_CONNECTION_POOL_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"

namespace shard {

// Bounded; the connection that came back last is lent first, so that spare ones
// fall idle. Thread-safe. (std::mutex, not Abseil's: a system's Abseil is built
// without the annotations that the thread sanitizer needs.)
class ConnectionPool {
 public:
  ConnectionPool(Engine::Opener* opener, const EngineOptions* options);

  absl::StatusOr<PooledConnection> Borrow();
  // Rolls back what is open and keeps the connection, or drops a lost one.
  void Return(std::unique_ptr<Connection> connection);
  std::size_t open_connections() const;
  std::size_t in_use() const { return in_use_; }
  absl::Time unreachable_at() const;
  bool is_private() const { return private_; }

  // One that never was in the pool and never comes to it.
  absl::StatusOr<std::unique_ptr<Connection>> OpenOutside(absl::Time until);

  // See Engine. Connections that are lent while the check is set are dropped
  // when they come back. A database that lives in its one connection keeps it:
  // there the check looks before the connection is lent next. Both wait until
  // no thread runs the `look` that was there before, so that its owner may go:
  // never call them from a check, nor under a lock that a check takes. They do
  // not wait for `may_write`, which must keep alive what it looks at.
  absl::Status SetCheck(const void* owner, Engine::ConnectCheck look,
                        Engine::WriteCheck may_write);
  void RemoveCheck(const void* owner);
  absl::Status CheckMayWrite() const;

 private:
  struct Idle {
    std::unique_ptr<Connection> connection;
    absl::Time since;
    bool passed = true;
  };
  struct Check {
    const void* owner;
    Engine::ConnectCheck look;
    Engine::WriteCheck may_write;
    int running = 0;  // guarded by mutex_: threads that run it
  };

  absl::StatusOr<std::unique_ptr<Connection>> Find();
  absl::StatusOr<std::unique_ptr<Connection>> OpenForPool();
  // How a try to reach the database went.
  void NoteReached(const absl::Status& status);
  void TakeBack(std::unique_ptr<Connection> connection);
  // Waits for an idle connection or the right to open one (null).
  absl::StatusOr<Idle> TakeIdleOrPermit();
  absl::StatusOr<std::unique_ptr<Connection>> Open(
      absl::Time until = absl::InfiniteFuture());
  // Has the check look at a connection, again if another check is set
  // meanwhile, and keeps in mind that it has passed if it is the pool's.
  absl::Status Look(Connection& connection, bool pooled);
  void WaitUntilNobodyRuns(const Check& check,
                           std::unique_lock<std::mutex>& lock);
  bool Passed(const Connection& connection) const;  // needs mutex_
  void Forget(const Connection& connection);        // that it has passed
  void PutBack(std::unique_ptr<Connection> connection);
  // Closes a connection and gives its permit back.
  void Drop(std::unique_ptr<Connection> connection);
  void GiveBackPermit();

  Engine::Opener* const opener_;
  const EngineOptions* const options_;
  const std::size_t limit_;
  // The database lives in its one connection, and ends with it.
  const bool private_;
  std::atomic<std::size_t> in_use_ = 0;
  std::atomic<std::int64_t> unreachable_at_ = 0;  // Unix nanoseconds; 0: never
  mutable std::mutex mutex_;
  std::condition_variable returned_;
  std::condition_variable looked_;
  // All that follows is guarded by mutex_.
  std::vector<Idle> idle_;
  std::size_t open_ = 0;  // lent, idle or being opened
  std::shared_ptr<Check> check_;
  // The pool's connections that check_ has passed; empty without a check.
  std::unordered_set<const Connection*> passed_;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_CONNECTION_POOL_H_
