// Which database decides.
#ifndef SHARD_SESSION_TWO_PHASE_DECIDER_CHOICE_H_
#define SHARD_SESSION_TWO_PHASE_DECIDER_CHOICE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/session/two_phase/commit_member.h"

namespace shard {

// The one of `members` that decides if all of those that wrote, or may have
// written, take part: the one that cannot prepare; else the one called
// `preferred`; else the first by name. Null when none wrote.
//
// kFailedPrecondition, naming both and the reasons, when two cannot prepare;
// kUnimplemented when one keeps nothing (a database in memory).
absl::StatusOr<CommitMember*> ChooseDecider(std::vector<CommitMember>& members,
                                            const std::string& preferred);

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_DECIDER_CHOICE_H_
