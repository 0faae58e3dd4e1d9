// A database past the library that is on trial: libpq and SQLite by hand.
#ifndef SHARD_TESTS_CRASH_RAW_DATABASE_H_
#define SHARD_TESTS_CRASH_RAW_DATABASE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace shard::bank {

// One connection. Not thread-safe.
class RawDatabase {
 public:
  using Rows = std::vector<std::vector<std::string>>;

  // By a URL as OpenEngine takes it.
  static absl::StatusOr<std::unique_ptr<RawDatabase>> Open(
      const std::string& url);
  virtual ~RawDatabase() = default;

  virtual bool is_postgres() const = 0;
  // The rows of the last statement; NULL is "". kUnknown with the driver's
  // words; of a file kAborted when it is locked, kUnavailable when it cannot be
  // written to now.
  virtual absl::StatusOr<Rows> Query(const std::string& sql) = 0;
};

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_RAW_DATABASE_H_
