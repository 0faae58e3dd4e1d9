// What a commit did.
#ifndef SHARD_SESSION_COMMIT_RESULT_H_
#define SHARD_SESSION_COMMIT_RESULT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "shard/router/shard_id.h"

namespace shard {

// The part of one database in a commit.
struct CommitShare {
  std::string engine;  // Engine::name()
  std::string shard;   // empty where the engine is not a shard
  // Known to be committed. AnswerLostOf(error): the answer was lost.
  bool committed = false;
  absl::Status error;  // why not, where it is not
  // Decided to be committed, and not known to be so yet: recovery does it.
  bool pending = false;
};

// Plain value. Shares stand in the order in which the transaction came to them.
struct CommitResult {
  std::vector<CommitShare> shares;
  // The name of a transaction that wrote to several databases of a topology and
  // was committed atomically; else empty.
  std::string transaction;

  bool all_committed() const;
  bool has_pending() const;
  // "committed on 'a', 'b'; pending on 'd'; not on 'c': disk full".
  std::string ToString() const;
};

// The result inside the error of a commit without two_phase that reached some
// databases but not all; nullopt for any other status.
std::optional<CommitResult> CommitResultOf(const absl::Status& status);

// kDataLoss with the result inside.
absl::Status PartlyCommitted(const CommitResult& result);

// A commit of which nobody knows yet whether it happened: the database that
// decides it was lost while it did. Recovery will find out and finish it either
// way; ShardedSession::Resolve(transaction) waits for the answer.
struct InDoubt {
  std::string transaction;
  std::string decider;  // the name of its database
};

// What is in doubt, if the status says so.
std::optional<InDoubt> InDoubtOf(const absl::Status& status);

// kUnavailable with it inside; `cause` is why the decider cannot be asked.
absl::Status CommitInDoubt(const InDoubt& in_doubt, const absl::Status& cause);

// A plain COMMIT, of a transaction that wrote to one database only, whose
// answer was lost: it happened or not, and nobody will find out, since there is
// no decision to ask for. Look for what was written before you repeat it.
struct AnswerLost {
  std::string database;  // its name in the topology, else the engine's
};

// What the answer was lost of, if the status says so. Any other kUnavailable
// says that nothing was committed, InDoubtOf aside.
std::optional<AnswerLost> AnswerLostOf(const absl::Status& status);

// Whether the error of a COMMIT leaves open whether it happened.
bool MayHaveHappened(const absl::Status& commit);

// kUnavailable with it inside, and with the payloads of `cause`.
absl::Status CommitAnswerLost(const AnswerLost& lost,
                              const absl::Status& cause);

}  // namespace shard

#endif  // SHARD_SESSION_COMMIT_RESULT_H_
