// Which database decides.
#ifndef SHARD_SESSION_TWO_PHASE_DECIDER_CHOICE_H_
#define SHARD_SESSION_TWO_PHASE_DECIDER_CHOICE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/session/two_phase/commit_member.h"

namespace shard {

// The one of `members` that decides if all of those that wrote, or may have
// written, take part: the one that can neither prepare nor follow, since its
// work was not recorded; else one that can follow; else one that can prepare.
// Where there are several, the one called `preferred`; else the first by name.
// Null when none wrote. What keeps nothing (a database in memory) never does.
//
// kFailedPrecondition, naming both and the reasons, when two can neither
// prepare nor follow, and when one is a server and another a file, whether that
// was recorded or not: a file follows files only.
absl::StatusOr<CommitMember*> ChooseDecider(std::vector<CommitMember>& members,
                                            const std::string& preferred);

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_DECIDER_CHOICE_H_
