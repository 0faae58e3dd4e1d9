#include "shard/dialects/write_fence.h"

#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "shard/base/status_macros.h"

namespace shard {

void WriteFence::set_settle(Settle settle) {
  const std::lock_guard lock(mutex_);
  settle_ = std::move(settle);
}

std::string WriteFence::durable_end() const {
  const std::lock_guard lock(end_mutex_);
  return durable_end_;
}

void WriteFence::set_durable_end(std::string end) {
  const std::lock_guard lock(end_mutex_);
  durable_end_ = std::move(end);
}

absl::Status WriteFence::Pass(Connection& locked,
                              const std::optional<FollowMarker>& marker) {
  // One at a time: there is one write lock anyway.
  const std::lock_guard lock(mutex_);
  const bool ask_peers =
      must_ask_peers() || (marker.has_value() && marker->txn.empty());
  if (settle_ == nullptr) {
    return absl::FailedPreconditionError(
        "a transaction over several databases may be unfinished here, and "
        "nobody in this program can find out; write through a session with "
        "the topology, or run shardctl recover first");
  }
  SHARD_RETURN_IF_ERROR(settle_(locked, marker, ask_peers));
  // What comes to be missing from now on leaves a marker, as long as this
  // machine runs.
  if (ask_peers) must_ask_peers_.store(false, std::memory_order_release);
  return absl::OkStatus();
}

}  // namespace shard
