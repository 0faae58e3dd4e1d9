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
  // Known to be committed. kUnavailable in `error`: the answer was lost.
  bool committed = false;
  absl::Status error;  // why not, where it is not
};

// Plain value. Shares stand in the order in which they were committed.
struct CommitResult {
  std::vector<CommitShare> shares;

  bool all_committed() const;
  // "committed on 'a', 'b'; not on 'c': disk full".
  std::string ToString() const;
};

// The result inside the error of a commit that reached some databases but not
// all; nullopt for any other status.
std::optional<CommitResult> CommitResultOf(const absl::Status& status);

// kDataLoss with the result inside.
absl::Status PartlyCommitted(const CommitResult& result);

}  // namespace shard

#endif  // SHARD_SESSION_COMMIT_RESULT_H_
