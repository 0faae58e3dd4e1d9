#include "shard/session/two_phase/decider_choice.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"

namespace shard {
namespace {

// The higher, the sooner a database decides.
enum Claim {
  kNone,     // it read, or keeps nothing
  kPrepare,  // it can prepare
  kFollow,   // it cannot, but was recorded: it can follow
  kMust,     // it can do neither
};

Claim ClaimOf(const CommitMember& member) {
  if (member.work == CommitMember::Work::kRead || !member.durable()) {
    return kNone;
  }
  if (member.can_prepare()) return kPrepare;
  return member.recorded() ? kFollow : kMust;
}

absl::Status NotAtomic(const CommitMember& one, const CommitMember& other,
                       std::string_view why, std::string_view remedy) {
  return absl::FailedPreconditionError(absl::StrCat(
      "a transaction cannot be atomic over '", one.name, "' (",
      one.connection->participant().why_not_prepare(), ") and '", other.name,
      "' (", other.connection->participant().why_not_prepare(),
      "): ", ToAbsl(why), ". Nothing was committed; ", ToAbsl(remedy),
      "write to them in transactions of their own, or switch two_phase off to "
      "commit one after the other"));
}

absl::Status TwoMustDecide(const CommitMember& one, const CommitMember& other) {
  return NotAtomic(one, other,
                   "one of them must be able to prepare, or be a file that is "
                   "written to after another file",
                   "");
}

// A file asks the files that it may have followed, never a server: see
// Participant::ListPeers.
absl::Status NoFileFollowsAServer(const CommitMember& server,
                                  const CommitMember& file) {
  return NotAtomic(server, file,
                   "the server would have to decide, and a file follows files "
                   "only",
                   "set max_prepared_transactions there, ");
}

// What a file follows it must list: its part of the work lies there alone, if
// it is lost with the power.
bool IsListedByOthers(const CommitMember& decider,
                      const std::vector<CommitMember>& members,
                      const SessionOptions& options) {
  return std::all_of(members.begin(), members.end(), [&](const auto& member) {
    return &member == &decider || ClaimOf(member) != kFollow ||
           options.topology->Lists(member.engine, decider.identity);
  });
}

absl::Status NotListed(const CommitMember& file) {
  return absl::FailedPreconditionError(absl::StrCat(
      "the other files of the transaction do not list '", file.name,
      "', and none of them is listed by all others: after a loss of power they "
      "would not know whom to ask for their work. Nothing was committed; roll "
      "back, and try again"));
}

}  // namespace

absl::StatusOr<CommitMember*> ChooseDecider(std::vector<CommitMember>& members,
                                            const SessionOptions& options) {
  const std::string& preferred = options.decider;
  CommitMember* chosen = nullptr;
  const CommitMember* follower = nullptr;
  Claim highest = kNone;
  for (CommitMember& member : members) {
    const Claim claim = ClaimOf(member);
    if (claim == kFollow) follower = &member;
    if (claim == kNone || claim < highest) continue;
    if (claim == kFollow && !IsListedByOthers(member, members, options)) {
      continue;
    }
    if (claim == kMust && highest == kMust) {
      return TwoMustDecide(*chosen, member);
    }
    const bool better =
        claim > highest || member.name == preferred ||
        (chosen->name != preferred && member.name < chosen->name);
    if (better) chosen = &member;
    highest = claim;
  }
  if (follower == nullptr || highest == kFollow) return chosen;
  if (highest != kMust) return NotListed(*follower);
  if (!chosen->connection->participant().can_follow()) {
    return NoFileFollowsAServer(*chosen, *follower);
  }
  if (!IsListedByOthers(*chosen, members, options)) return NotListed(*chosen);
  return chosen;
}

}  // namespace shard
