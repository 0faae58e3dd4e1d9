// What a file's writers wait for before they write.
#ifndef SHARD_SESSION_TWO_PHASE_FENCE_SETTLER_H_
#define SHARD_SESSION_TWO_PHASE_FENCE_SETTLER_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/participant.h"
#include "shard/router/topology.h"

namespace shard {

// See WriteFence::Settle; every topology in a program that links the session
// has its fences ask here. What turns out to be missing is applied by the next
// pass of recovery, or by the session that was kept back, once it has given up
// its locks. Called by the thread that is to write, from many threads at once,
// each with its own `locked` connection; the topology must outlive the call.
absl::Status SettleFence(Topology& topology, const std::string& database,
                         Connection& locked,
                         const std::optional<FollowMarker>& marker,
                         bool ask_peers);

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_FENCE_SETTLER_H_
