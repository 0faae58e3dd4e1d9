// A process that transfers money.
#ifndef SHARD_TESTS_CRASH_CLIENT_H_
#define SHARD_TESTS_CRASH_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "shard/tests/crash/databases.h"

namespace shard::bank {

struct ClientSettings {
  std::vector<Database> databases;
  std::string name;     // "2.7": its number and its life
  std::string journal;  // the file to make
  std::size_t threads = 2;
  std::uint64_t seed = 0;
};

// Transfers, in several threads, each with sessions of its own, until SIGTERM
// comes. Nothing stops it before: not a database that is down, not a refusal.
// An error only if it could not begin, or could not note what it was told.
absl::Status RunClient(const ClientSettings& settings);

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_CLIENT_H_
