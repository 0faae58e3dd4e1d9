// The bank's databases, through the library.
#ifndef SHARD_TESTS_CRASH_DATABASES_H_
#define SHARD_TESTS_CRASH_DATABASES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/session/session_options.h"
#include "shard/tests/crash/database.h"
#include "shard/tests/crash/stop_signal.h"

namespace shard::bank {

constexpr std::size_t kAccountsEach = 25;
constexpr std::int64_t kOpeningBalance = 1000;

// Options for sessions and recovery over all of them, with a topology of its
// own: impatient, since what takes seconds in life must happen often here. The
// background recoverer is on.
absl::StatusOr<SessionOptions> OpenBank(const std::vector<Database>& databases);

// The same, as often as it takes while files are locked or cannot be written
// to. kCancelled: `stop` came first.
absl::StatusOr<SessionOptions> OpenBankInTime(
    const std::vector<Database>& databases, const StopSignal& stop);

// Makes the tables and, in one atomic commit, the accounts.
absl::Status FoundBank(const std::vector<Database>& databases);

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_DATABASES_H_
