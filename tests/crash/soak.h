// The whole: a bank, its clients, their nemesis and the audit at the end.
#ifndef SHARD_TESTS_CRASH_SOAK_H_
#define SHARD_TESTS_CRASH_SOAK_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/tests/crash/audit.h"

namespace shard::bank {

struct SoakSettings {
  absl::Duration time = absl::Seconds(30);
  std::uint64_t seed = 1;
  std::size_t clients = 3;
  std::size_t threads = 2;  // of each client
  std::size_t recoverers = 2;
  std::size_t foreign_writers = 1;  // if there are files
  std::size_t servers = 3;
  std::size_t files = 1;        // of SQLite
  bool break_protocol = false;  // a saboteur is among them
  bool keep = false;            // the folder, with databases and logs
};

struct SoakResult {
  Findings findings;
  std::size_t kills = 0;
  // Processes that ended though nobody killed them, or would not end; a long
  // time in which nobody could commit; recovery that did not come to an end.
  std::size_t troubles = 0;
};

// Prints how it goes. An error says why there is no result: something could not
// be started, or SIGINT or SIGTERM came (kCancelled). Leaves nothing behind.
absl::StatusOr<SoakResult> RunSoak(const SoakSettings& settings);

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_SOAK_H_
