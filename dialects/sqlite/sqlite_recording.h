// Recording what a transaction writes to a SQLite file, so that it can be done
// again.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_RECORDING_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_RECORDING_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct sqlite3_session;

namespace shard {

class SqliteDatabase;

// A transaction is begun with TransactionOptions::may_follow; before it writes,
// Start; when its work is done, Finish, which returns the redo, and COMMIT or
// ROLLBACK. Not thread-safe. Ends before its database.
class SqliteRecording {
 public:
  static absl::StatusOr<std::unique_ptr<SqliteRecording>> Start(
      SqliteDatabase* database);
  ~SqliteRecording();
  SqliteRecording(const SqliteRecording&) = delete;
  SqliteRecording& operator=(const SqliteRecording&) = delete;

  // Once. No cursor that writes may be open. kFailedPrecondition, naming table
  // and reason, for what cannot be recorded; kResourceExhausted for more than
  // `max_redo_bytes`; kAborted when SQLite has rolled the transaction back.
  // After an error the transaction may be anything: roll back.
  absl::StatusOr<std::string> Finish(std::size_t max_redo_bytes);

 private:
  explicit SqliteRecording(SqliteDatabase* database) : database_(*database) {}

  SqliteDatabase& database_;
  sqlite3_session* session_ = nullptr;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_RECORDING_H_
