// Transactions over all databases of a cluster whose traces can be counted.
#ifndef SHARD_TESTS_SESSION_TWO_PHASE_NUMBERED_WORK_H_
#define SHARD_TESTS_SESSION_TWO_PHASE_NUMBERED_WORK_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/session/commit_result.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/two_phase/cluster.h"

namespace shard::testing {

// Transaction number n inserts, updates and deletes on each database: the city
// "Tn" comes, "Tn-1" goes, and "Counter" has one more inhabitant. So each
// database tells how many transactions it has, and nothing can be applied twice
// or in part without being seen.
class NumberedWork {
 public:
  // Does not wait long for databases that have failed.
  explicit NumberedWork(Cluster* cluster);

  // The rows to start from: transaction 0. Throws when that fails.
  void Begin();
  // Adds transaction n to a session; then it can be committed.
  absl::Status Do(ShardedSession& session, std::int64_t number);
  // In a session of its own.
  absl::StatusOr<CommitResult> Commit(std::int64_t number);
  // Commits something else, on this database alone, that changes a row which
  // every transaction changes too.
  absl::Status CommitAlone(std::size_t database);

  struct Done {
    std::int64_t transactions;
    std::vector<std::int64_t> alone;  // on each database
  };
  // What is there. kDataLoss says which rows are where, when the databases do
  // not have the same transactions, or one has a part of them.
  absl::StatusOr<Done> Find();

 private:
  absl::StatusOr<std::string> Rows(std::size_t database);

  Cluster& cluster_;
  SessionOptions options_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SESSION_TWO_PHASE_NUMBERED_WORK_H_
