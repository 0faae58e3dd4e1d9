// Known bugs that can be planted, to show that the simulation finds them.
#ifndef SHARD_TESTS_SIMULATION_FLAW_H_
#define SHARD_TESTS_SIMULATION_FLAW_H_

#include <string_view>
#include <vector>

namespace shard::testing {

enum class Flaw {
  kNone,
  kNoUniqueKey,            // decisions of one transaction stand side by side
  kSelectInsteadOfSettle,  // to look for the row is taken for an answer
  kForgetPrepared,         // a server that crashes loses what was prepared
  kEarlyClean,             // somebody removes a young decision to commit
  kTrustUnsynced,          // what was read from a file counts unsynced
  kOpenFence,              // every writer of a file may pass
  kMarkersOnly,            // the first writer of a process asks no peers
  kUnlistedDecider,        // a file does not keep the list of whom it follows
  kNoFollowerRow,          // a follower's share leaves no row there
  kFollowerCleanedFirst,   // its row goes before the decider's
  kFollowOverHidden,       // a COMMIT that died may come to life under a redo
};

struct FlawName {
  Flaw flaw;
  std::string_view name;
};

// By the names that a command line takes.
const std::vector<FlawName>& FlawNames();

}  // namespace shard::testing

#endif  // SHARD_TESTS_SIMULATION_FLAW_H_
