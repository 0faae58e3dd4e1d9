// The table shard_decisions of a SQLite file.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_DECISIONS_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_DECISIONS_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/row_batch.h"
#include "shard/sql/value.h"

namespace shard {

// Runs one statement, given as text, with values.
absl::Status RunSqliteText(Connection& connection, std::string_view text,
                           std::initializer_list<sql::ValueView> values = {},
                           RowBatch* rows = nullptr);
// Whether the file, in its main schema, has that table.
absl::StatusOr<bool> HasSqliteTable(Connection& connection,
                                    std::string_view table);

// Reading takes a missing table for an empty one. Errors are the connection's.
// Not thread-safe, as the connection is not.
class SqliteDecisions {
 public:
  explicit SqliteDecisions(Connection* connection) : connection_(*connection) {}

  // Where there is none.
  absl::Status CreateTable();
  // kAlreadyExists when the transaction is decided already.
  absl::Status Add(const DecisionRow& row);
  absl::StatusOr<std::optional<DecisionRow>> Find(std::string_view txn);
  // The oldest first.
  absl::StatusOr<std::vector<DecisionRow>> List();
  struct Summary {
    std::int64_t rows = 0;
    absl::Duration oldest;  // its age
  };
  // Without reading the redo.
  absl::StatusOr<Summary> Summarise();
  // In the running transaction.
  absl::Status Delete(const std::vector<std::string>& txns);
  // Writes and takes back, in the running transaction, so that its COMMIT has
  // something to write.
  absl::Status Touch();

 private:
  Connection& connection_;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_DECISIONS_H_
