// Processes that recover, beside the clients' own background recoverers.
#ifndef SHARD_TESTS_CRASH_RECOVERING_H_
#define SHARD_TESTS_CRASH_RECOVERING_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "shard/tests/crash/databases.h"

namespace shard::bank {

// Passes of recovery, one after the other, until SIGTERM comes: patient ones,
// and some that ask about every transaction at once, however young it is. That
// ends live transactions, and must do no other harm.
absl::Status RunRecoverer(const std::vector<Database>& databases,
                          std::uint64_t seed);

// With everything up and nobody at work: passes until nothing is prepared any
// more and no decision is left. kDeadlineExceeded, saying what is left.
absl::Status RecoverAll(const std::vector<Database>& databases,
                        absl::Duration patience);

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_RECOVERING_H_
