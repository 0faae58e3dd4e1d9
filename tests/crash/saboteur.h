// The proof that the proof can fail.
#ifndef SHARD_TESTS_CRASH_SABOTEUR_H_
#define SHARD_TESTS_CRASH_SABOTEUR_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "shard/tests/crash/databases.h"

namespace shard::bank {

// Until SIGTERM comes: ends prepared shares as a coin falls, without asking who
// decides over them; removes decisions that followers may still need, and sees
// to it that they do: just then their disks are full.
absl::Status RunSaboteur(const std::vector<Database>& databases,
                         std::uint64_t seed);

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_SABOTEUR_H_
