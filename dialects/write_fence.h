// Keeps writers from getting past work that a database still lacks.
#ifndef SHARD_DIALECTS_WRITE_FENCE_H_
#define SHARD_DIALECTS_WRITE_FENCE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "shard/dialects/participant.h"

namespace shard {

class Connection;

// One for each database of a topology that can follow, shared by all its
// connections in this process. A connection passes it with the first write of
// each transaction, once it holds the write lock and before it writes: most
// often that is a look at a flag and for the marker beside the database. What a
// marker means only recovery knows, so that is handed in. Thread-safe.
class WriteFence {
 public:
  // Asks the decider of the transaction that `marker` names, if there is one,
  // and, with `ask_peers`, all that the database may ever have followed.
  // `locked` holds the write lock and has written nothing. OK: nothing is
  // missing, the marker may go. kAborted: something is, and is going to be
  // applied once the lock is given up, or nobody could be asked right now;
  // kUnavailable: who must be asked cannot be reached; kFailedPrecondition:
  // what is missing cannot be applied (shardctl status says why).
  using Settle = std::function<absl::Status(
      Connection& locked, const std::optional<FollowMarker>& marker,
      bool ask_peers)>;

  // Null: nobody can be asked. Waits for those who are asking.
  void set_settle(Settle settle);

  // Whether nobody in this process has asked all peers yet.
  bool must_ask_peers() const {
    return must_ask_peers_.load(std::memory_order_acquire);
  }
  // `marker`: absent when there is none. One that could not be read has all
  // peers asked.
  absl::Status Pass(Connection& locked,
                    const std::optional<FollowMarker>& marker);

  // How far the database's log is known to be on disk, in its dialect's own
  // words; empty when it is not known. What one connection knows no other need
  // sync.
  std::string durable_end() const;
  void set_durable_end(std::string end);

 private:
  mutable std::mutex end_mutex_;  // held for no longer than a copy
  std::string durable_end_;       // guarded by end_mutex_
  std::mutex mutex_;
  Settle settle_;  // guarded by mutex_
  std::atomic<bool> must_ask_peers_ = true;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_WRITE_FENCE_H_
