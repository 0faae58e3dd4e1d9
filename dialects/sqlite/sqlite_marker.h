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

// "<database>-shard", four lines; what is behind them does not count:
//   shard-marker 2
//   <txn>
//   <participants>
//   <the XXH3 of the lines before, 16 hexadecimal digits>
// Written, replaced and removed only by who holds the database's write lock. A
// new one is written over the old one, in the same file: to cut a file and fill
// it again costs as much as a COMMIT. It is not synced: it keeps writers back
// after the death of a process; after a loss of power the database's own table
// shard_peers does. It has the mode, and made by root the owner, of the
// database. Not thread-safe.
class SqliteMarker {
 public:
  // Empty: a database in memory, which nobody else could get past.
  explicit SqliteMarker(const std::string& database_path);
  ~SqliteMarker();
  SqliteMarker(const SqliteMarker&) = delete;
  SqliteMarker& operator=(const SqliteMarker&) = delete;

  bool exists() const;
  // Both members are empty when it was left half-written. kUnavailable when it
  // is there and cannot be read.
  absl::StatusOr<std::optional<FollowMarker>> Read() const;
  // kResourceExhausted when the disk is full.
  absl::Status Write(const FollowMarker& marker);
  absl::Status Remove() const;

 private:
  bool HoldsCurrentFile() const;
  int OpenOrMake() const;
  void Close();
  absl::Status Error(int error, std::string_view what) const;

  const std::string database_path_;
  const std::string path_;
  int file_ = -1;  // the one that was written last; others may have removed it
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_MARKER_H_
