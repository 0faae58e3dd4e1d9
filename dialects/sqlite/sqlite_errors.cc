#include "shard/dialects/sqlite/sqlite_errors.h"

#include <sqlite3.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "shard/dialects/errors.h"

namespace shard {
namespace {

// The low byte of an extended result code is the code it extends.
int PrimaryCode(int result) { return result & 0xff; }

absl::StatusCode ConstraintCode(int result) {
  switch (result) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return absl::StatusCode::kAlreadyExists;
    default:
      return absl::StatusCode::kFailedPrecondition;
  }
}

}  // namespace

absl::StatusCode SqliteStatusCode(int result) {
  switch (PrimaryCode(result)) {
    case SQLITE_CONSTRAINT:
      return ConstraintCode(result);
    case SQLITE_BUSY:      // also 517: a reader's snapshot is too old to write
    case SQLITE_LOCKED:    // by another statement of the same connection
    case SQLITE_ABORT:     // its transaction was rolled back
    case SQLITE_SCHEMA:    // changed under the statement, again and again
    case SQLITE_PROTOCOL:  // lost the race for the write-ahead log's locks
      return absl::StatusCode::kAborted;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_PERM:
      return absl::StatusCode::kUnavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_NOLFS:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_INTERRUPT:
      return absl::StatusCode::kCancelled;
    case SQLITE_AUTH:
      return absl::StatusCode::kPermissionDenied;
    case SQLITE_ERROR:  // bad SQL, mostly
    case SQLITE_TOOBIG:
    case SQLITE_RANGE:
    case SQLITE_MISMATCH:
      return absl::StatusCode::kInvalidArgument;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::Status SqliteError(int result, std::string_view words,
                         std::string_view statement) {
  return DatabaseError(SqliteStatusCode(result), words, statement,
                       std::to_string(result));
}

bool IsLostBySqliteError(int result) {
  switch (PrimaryCode(result)) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_IOERR:
      return true;
    default:
      return false;
  }
}

}  // namespace shard
