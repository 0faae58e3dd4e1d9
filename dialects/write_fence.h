// Keeps writers from getting past work that a database still lacks.
#ifndef SHARD_DIALECTS_WRITE_FENCE_H_
#define SHARD_DIALECTS_WRITE_FENCE_H_

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"

namespace shard {

class Connection;

// One for each database of a topology that can be a follower, shared by all its
// connections in this process. A connection passes it with the first write of
// each transaction, once it holds the write lock and before it writes: most
// often that is a look at two flags and for the mark beside the database. What
// a mark means only recovery knows, so that is handed in. Thread-safe.
class WriteFence {
 public:
  // Asks the decider of the transaction that `mark` names, if there is one,
  // and, with `ask_peers`, all that the database may ever have followed.
  // `locked` holds the write lock and has written nothing. OK: nothing is
  // missing, the mark may go.
  // kAborted: something is, and it is going to be applied once the lock is
  // given up, or nobody could be asked right now; kUnavailable: who must be
  // asked cannot be reached; kFailedPrecondition: what is missing cannot be
  // applied (shardctl says why).
  using Settle = std::function<absl::Status(
      Connection& locked, const std::optional<std::string>& mark,
      bool ask_peers)>;

  // Before the first writer comes.
  void set_settle(Settle settle) { settle_ = std::move(settle); }

  // Whether nobody in this process has asked all peers yet.
  bool must_ask_peers() const {
    return must_ask_peers_.load(std::memory_order_acquire);
  }
  // `mark`: see Participant::ReadMark; absent when there is no mark, empty when
  // it could not be read, so that all peers are asked.
  absl::Status Pass(Connection& locked, const std::optional<std::string>& mark);

 private:
  Settle settle_;
  std::atomic<bool> must_ask_peers_ = true;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_WRITE_FENCE_H_
