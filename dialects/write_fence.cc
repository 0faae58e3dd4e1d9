#include "shard/dialects/write_fence.h"

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "shard/base/status_macros.h"

namespace shard {

absl::Status WriteFence::Pass(Connection& locked,
                              const std::optional<std::string>& mark) {
  if (!settle_) {
    return absl::FailedPreconditionError(
        "a transaction over several databases may be unfinished here, and "
        "nobody in this program could finish it; write through a session, or "
        "run shardctl recover");
  }
  const bool unreadable = mark.has_value() && mark->empty();
  const bool ask_peers = must_ask_peers() || unreadable;
  SHARD_RETURN_IF_ERROR(settle_(locked, mark, ask_peers));
  // What comes to be missing from now on leaves a mark: its owner's process
  // dies, but not the machine.
  if (ask_peers) must_ask_peers_.store(false, std::memory_order_release);
  return absl::OkStatus();
}

}  // namespace shard
