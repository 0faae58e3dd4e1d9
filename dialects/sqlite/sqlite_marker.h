// The file beside a database that names a transaction to be settled.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_MARKER_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_MARKER_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/participant.h"

namespace shard {

// "<database>-shard", two lines behind a first one that names the format:
//   shard-marker 1
//   <txn>
//   <participants>
// Written, replaced and removed only by who holds the database's write lock.
// It is not synced: it keeps writers back after the death of a process; after a
// loss of power the database's own table shard_peers does. Not thread-safe.
class SqliteMarker {
 public:
  // Empty: a database in memory, which nobody else could get past.
  explicit SqliteMarker(const std::string& database_path);

  bool exists() const;
  // Both members are empty when it was left half-written. kUnavailable when it
  // is there and cannot be read.
  absl::StatusOr<std::optional<FollowMarker>> Read() const;
  // kResourceExhausted when the disk is full.
  absl::Status Write(const FollowMarker& marker) const;
  absl::Status Remove() const;

 private:
  absl::Status Error(int error, std::string_view what) const;

  const std::string path_;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_MARKER_H_
