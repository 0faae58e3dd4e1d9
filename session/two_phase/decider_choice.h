// Which database decides.
#ifndef SHARD_SESSION_TWO_PHASE_DECIDER_CHOICE_H_
#define SHARD_SESSION_TWO_PHASE_DECIDER_CHOICE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "shard/session/session_options.h"
#include "shard/session/two_phase/commit_member.h"

namespace shard {

// The one of `members` that decides if all of those that wrote, or may have
// written, take part: the one that can neither prepare nor follow, since its
// work was not recorded; else one that can follow, and that all the other files
// list (Topology::Lists), as those do that came to the transaction after it;
// else one that can prepare. Where there are several, `options.decider`; else
// the first by name. Null when none wrote. What keeps nothing (a database in
// memory) never does.
//
// kFailedPrecondition, naming both and the reasons, when two can neither
// prepare nor follow, and when one is a server and another a file, whether that
// was recorded or not: a file follows files only. Also when no file is listed
// by all others, which a transaction sees to before it writes.
absl::StatusOr<CommitMember*> ChooseDecider(std::vector<CommitMember>& members,
                                            const SessionOptions& options);

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_DECIDER_CHOICE_H_
