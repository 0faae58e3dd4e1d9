// Somebody who writes to the bank's SQLite files past the library.
#ifndef SHARD_TESTS_CRASH_FOREIGN_WRITER_H_
#define SHARD_TESTS_CRASH_FOREIGN_WRITER_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "shard/tests/crash/database.h"
#include "shard/tests/crash/plan.h"

namespace shard::bank {

// A table for it in each file. What it does there changes nothing that the bank
// keeps: a redo never meets it.
absl::Status MakeForeignTables(const std::vector<Database>& files);

// Until SIGTERM comes: writes little and much, commits it or not, keeps the
// write lock or a snapshot for a while, empties the log, changes the schema.
// Databases that are no files are left alone. An error: a file is broken.
absl::Status RunForeignWriter(const std::vector<Database>& databases,
                              std::uint64_t seed);

// A commit to each of the files, as a coin falls, unless it is locked. Opens
// them: where a process has just died, that may be the first to do so.
void WriteAtOnce(const std::vector<Database>& files, Random& random);

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_FOREIGN_WRITER_H_
