// The connections of one engine.
#ifndef SHARD_DIALECTS_CONNECTION_POOL_H_
#define SHARD_DIALECTS_CONNECTION_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

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

 private:
  struct Idle {
    std::unique_ptr<Connection> connection;
    absl::Time since;
  };

  // Waits for an idle connection or the right to open one (null).
  absl::StatusOr<Idle> TakeIdleOrPermit();
  void GiveBackPermit();

  Engine::Opener* const opener_;
  const EngineOptions* const options_;
  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<Idle> idle_;  // guarded by mutex_
  std::size_t open_ = 0;    // guarded by mutex_: lent, idle or being opened
};

}  // namespace shard

#endif  // SHARD_DIALECTS_CONNECTION_POOL_H_
