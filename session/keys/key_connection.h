// How key generators talk to their database.
#ifndef SHARD_SESSION_KEYS_KEY_CONNECTION_H_
#define SHARD_SESSION_KEYS_KEY_CONNECTION_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/row_batch.h"
#include "shard/sql/statement.h"
#include "shard/sql/table.h"

namespace shard {

// A connection of its own, outside of the pool: what it commits does not depend
// on any session's transaction, and does not wait for a session to give a
// connection back. Opened when first needed. Not thread-safe.
class KeyConnection {
 public:
  // `timeout`: for one Run, where the database can be made to keep to it.
  KeyConnection(std::shared_ptr<Engine> engine, absl::Duration timeout);
  ~KeyConnection();
  KeyConnection(const KeyConnection&) = delete;
  KeyConnection& operator=(const KeyConnection&) = delete;

  // Makes the table where it is not there yet. kInvalidArgument: the database
  // lives in one connection, so there cannot be another.
  absl::Status EnsureTable(const sql::Table& table);

  // Runs one statement in a transaction of its own, which is on disk when this
  // returns. A connection that was lost since the last time is replaced, and
  // the statement run again: it must be one that may run twice. The errors of a
  // Connection, with the engine's name in front.
  absl::StatusOr<Outcome> Run(const sql::Statement& statement,
                              const sql::Parameters& parameters,
                              RowBatch* rows);

  const Engine& engine() const { return *engine_; }

 private:
  absl::StatusOr<Outcome> RunOnce(const sql::Statement& statement,
                                  const sql::Parameters& parameters,
                                  RowBatch* rows);
  absl::StatusOr<Outcome> Transact(const sql::Statement& statement,
                                   const sql::Parameters& parameters,
                                   RowBatch* rows);

  const std::shared_ptr<Engine> engine_;
  const absl::Duration timeout_;
  const std::uint64_t forks_;
  std::unique_ptr<Connection> connection_;
};

// kFailedPrecondition unless `forks` is the ForkCount() of now. `what`: "id
// blocks 'orders'".
absl::Status CheckNotForked(std::uint64_t forks, std::string_view what);

}  // namespace shard

#endif  // SHARD_SESSION_KEYS_KEY_CONNECTION_H_
