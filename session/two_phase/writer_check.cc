#include "shard/session/two_phase/writer_check.h"

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/session/two_phase/decider_choice.h"

namespace shard {

void Identify(const SessionOptions& options,
              std::vector<CommitMember>& members) {
  for (CommitMember& member : members) {
    if (options.topology != nullptr) {
      member.name = options.topology->NameOf(member.engine);
      member.identity = options.topology->IdentityOf(member.name);
    }
    if (member.name.empty()) member.name = member.engine->name();
  }
}

absl::Status CheckWriters(const SessionOptions& options,
                          std::vector<CommitMember>& members) {
  std::size_t writers = 0;
  const CommitMember* stranger = nullptr;
  for (const CommitMember& member : members) {
    if (!member.wrote() || !member.durable()) continue;
    ++writers;
    if (member.identity.empty()) stranger = &member;
    SHARD_RETURN_IF_ERROR(member.engine->CheckMayWrite());
    if (options.topology != nullptr) {
      SHARD_RETURN_IF_ERROR(options.topology->CheckEpoch(options.epoch));
    }
  }
  if (writers < 2) return absl::OkStatus();
  if (stranger == nullptr) {
    return ChooseDecider(members, options).status();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "a transaction cannot write to ", writers, " databases as long as '",
      stranger->name,
      "' is in no topology: nobody could finish its commit after a crash. "
      "Nothing was committed; open a Topology with all databases and put it "
      "into SessionOptions::topology, or switch two_phase off to commit one "
      "after the other"));
}

}  // namespace shard
