// Whether databases can be written to in one atomic commit.
#ifndef SHARD_SESSION_TWO_PHASE_WRITER_CHECK_H_
#define SHARD_SESSION_TWO_PHASE_WRITER_CHECK_H_

#include <vector>

#include "absl/status/status.h"
#include "shard/session/session_options.h"
#include "shard/session/two_phase/commit_member.h"

namespace shard {

// Fills in name and identity of each.
void Identify(const SessionOptions& options,
              std::vector<CommitMember>& members);

// Whether those that wrote may have done so together. kFailedPrecondition: a
// database's slot map is newer than the topology; there are several and one is
// in no topology; two can neither prepare nor follow. `members` as Identify
// left them.
absl::Status CheckWriters(const SessionOptions& options,
                          std::vector<CommitMember>& members);

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_WRITER_CHECK_H_
