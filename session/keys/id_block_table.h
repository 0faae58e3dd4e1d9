// The table that blocks of ids are reserved in.
#ifndef SHARD_SESSION_KEYS_ID_BLOCK_TABLE_H_
#define SHARD_SESSION_KEYS_ID_BLOCK_TABLE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/engine.h"
#include "shard/session/keys/key_connection.h"
#include "shard/sql/statement.h"
#include "shard/sql/table.h"

namespace shard {

// shard_id_blocks(name, reserved_to): a row for each sequence, with the highest
// id that somebody has reserved.
const sql::Table& IdBlocksTable();

// Ids from `first` to `last`, both included.
struct IdRange {
  std::int64_t first = 0;
  std::int64_t last = -1;
  std::uint64_t size() const {
    return static_cast<std::uint64_t>(last - first + 1);
  }
};

// One sequence of that table. Not thread-safe.
class IdBlockTable {
 public:
  // Ids are those of `bounds`, which begins at 1 or above.
  IdBlockTable(std::shared_ptr<Engine> engine, std::string name, IdRange bounds,
               absl::Duration timeout);

  absl::Status EnsureTable() {
    return connection_.EnsureTable(IdBlocksTable());
  }

  // Reserves the next `most` ids, or all that are left, durably; no other
  // process gets one of them, whatever becomes of this one. kOutOfRange: there
  // are fewer than `least`.
  absl::StatusOr<IdRange> Reserve(std::int64_t least, std::int64_t most);

 private:
  // What one statement returns, if it does.
  absl::StatusOr<std::optional<std::int64_t>> Run(
      const sql::Statement& statement, const sql::Parameters& parameters);
  absl::StatusOr<std::optional<std::int64_t>> Move(std::int64_t count);
  absl::StatusOr<std::optional<std::int64_t>> Begin(std::int64_t count);

  const std::string name_;
  const IdRange bounds_;
  KeyConnection connection_;
  RowBatch rows_;
};

}  // namespace shard

#endif  // SHARD_SESSION_KEYS_ID_BLOCK_TABLE_H_
