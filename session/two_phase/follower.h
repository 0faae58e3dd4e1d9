// Doing the work of a follower again, whose transaction was lost.
#ifndef SHARD_SESSION_TWO_PHASE_FOLLOWER_H_
#define SHARD_SESSION_TWO_PHASE_FOLLOWER_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/participant.h"
#include "shard/session/two_phase/gid.h"

namespace shard {

// A follower: a database that cannot prepare and does not decide. Between the
// decision and its COMMIT its work may be lost, and then lies with the decider,
// as redo. The functions here use the connections of the participants that they
// are given, which nobody else may use meanwhile; else they are thread-safe.

// The row that a follower adds to its own decisions with its work: that it is
// there shows that the work is.
DecisionRow FollowerRow(const Gid& transaction);

// Whether a row of shard_decisions is such a one, for who has that identity.
bool IsFollowerRow(const DecisionRow& row, std::string_view identity);

// With the follower's write lock held, which its owner held until it was over:
// the redo of the database of that identity. nullopt: the transaction was not
// decided and never can be, or is finished and its decision removed. kAborted:
// the decider is being written to, and cannot tell now.
absl::StatusOr<std::optional<std::string>> AskDecider(Participant& decider,
                                                      const Gid& transaction,
                                                      std::string_view identity,
                                                      absl::Duration patience);

struct FollowerRedo {
  Gid transaction;
  std::string identity;  // of the follower
  absl::Duration patience;
  OnConflict on_conflict = OnConflict::kReport;
};

// Takes the follower's write lock, asks the decider, and does what is missing;
// then the follower has the row, durably, or the transaction is not to commit.
// See Participant::ApplyRedo for errors.
absl::StatusOr<RedoOutcome> RedoFollower(
    Participant& follower, Participant& decider, const FollowerRedo& redo,
    std::vector<RedoConflict>* conflicts = nullptr);

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_FOLLOWER_H_
