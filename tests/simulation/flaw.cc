#include "shard/tests/simulation/flaw.h"

#include <vector>

namespace shard::testing {

const std::vector<FlawName>& FlawNames() {
  static const std::vector<FlawName>& names = *new std::vector<FlawName>{
      {Flaw::kNone, "none"},
      {Flaw::kNoUniqueKey, "no-unique-key"},
      {Flaw::kSelectInsteadOfSettle, "select-instead-of-settle"},
      {Flaw::kForgetPrepared, "forget-prepared"},
      {Flaw::kEarlyClean, "early-clean"},
      {Flaw::kTrustUnsynced, "trust-unsynced"},
      {Flaw::kOpenFence, "open-fence"},
      {Flaw::kMarkersOnly, "markers-only"},
      {Flaw::kUnlistedDecider, "unlisted-decider"},
      {Flaw::kNoFollowerRow, "no-follower-row"},
      {Flaw::kFollowerCleanedFirst, "follower-cleaned-first"},
      {Flaw::kFollowOverHidden, "follow-over-hidden"},
  };
  return names;
}

}  // namespace shard::testing
