// Kinds of work that a file which follows may have to do again.
#ifndef SHARD_TESTS_SESSION_TWO_PHASE_FOLLOWER_WORKS_H_
#define SHARD_TESTS_SESSION_TWO_PHASE_FOLLOWER_WORKS_H_

#include <string>
#include <vector>

namespace shard::testing {

struct FollowerWork {
  std::string name;
  std::string schema;               // a script, with the rows from before
  std::vector<std::string> script;  // statements of the transaction
};

const std::vector<FollowerWork>& FollowerWorks();

}  // namespace shard::testing

#endif  // SHARD_TESTS_SESSION_TWO_PHASE_FOLLOWER_WORKS_H_
