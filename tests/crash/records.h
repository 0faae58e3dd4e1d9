// What stands in the databases at the end, and what clients were told.
#ifndef SHARD_TESTS_CRASH_RECORDS_H_
#define SHARD_TESTS_CRASH_RECORDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/tests/crash/database.h"
#include "shard/tests/crash/journal.h"
#include "shard/tests/crash/plan.h"

namespace shard::bank {

struct AccountRecord {
  std::string home;  // the database that it was found in
  std::int64_t number = 0;
  std::int64_t balance = 0;
  std::int64_t version = 0;
};

struct TransferRecord {
  std::string transfer;
  Leg leg;  // with the database that it was found in
  std::int64_t version = 0;
  std::vector<Leg> legs;  // of the whole transfer
};

struct Records {
  std::vector<AccountRecord> accounts;
  std::vector<TransferRecord> transfers;
  Told told;
  // In words, each one thing that recovery should have ended.
  std::vector<std::string> unfinished;
  // Likewise, what SQLite says of files that are damaged.
  std::vector<std::string> damaged;
};

// Reads all of it, by SQL on connections of its own; asks for every lock, too.
absl::StatusOr<Records> ReadRecords(const std::vector<Database>& databases,
                                    const std::string& journals);

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_RECORDS_H_
