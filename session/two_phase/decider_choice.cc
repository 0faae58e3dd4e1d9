#include "shard/session/two_phase/decider_choice.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace shard {
namespace {

absl::Status TwoCannotPrepare(const CommitMember& one,
                              const CommitMember& other) {
  return absl::FailedPreconditionError(absl::StrCat(
      "a transaction cannot be atomic over '", one.name, "' (",
      one.connection->participant().why_not_prepare(), ") and '", other.name,
      "' (", other.connection->participant().why_not_prepare(),
      "): all but one of the databases that it writes to must be able to "
      "prepare. Nothing was committed; write to them in transactions of their "
      "own, or switch two_phase off to commit one after the other"));
}

}  // namespace

absl::StatusOr<CommitMember*> ChooseDecider(std::vector<CommitMember>& members,
                                            const std::string& preferred) {
  CommitMember* chosen = nullptr;
  CommitMember* cannot_prepare = nullptr;
  for (CommitMember& member : members) {
    if (member.work == CommitMember::Work::kRead) continue;
    if (!member.connection->participant().durable() && members.size() > 1) {
      return absl::UnimplementedError(absl::StrCat(
          "'", member.name,
          "' keeps nothing when the program ends, so it cannot take part in "
          "an atomic commit over several databases"));
    }
    if (!member.can_prepare()) {
      if (cannot_prepare != nullptr) {
        return TwoCannotPrepare(*cannot_prepare, member);
      }
      cannot_prepare = &member;
    }
    const bool better =
        chosen == nullptr || member.name == preferred ||
        (chosen->name != preferred && member.name < chosen->name);
    if (better) chosen = &member;
  }
  return cannot_prepare != nullptr ? cannot_prepare : chosen;
}

}  // namespace shard
