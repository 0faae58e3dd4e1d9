// The table that worker numbers are leased in.
#ifndef SHARD_SESSION_KEYS_WORKER_LEASES_H_
#define SHARD_SESSION_KEYS_WORKER_LEASES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/row_batch.h"
#include "shard/session/keys/key_connection.h"
#include "shard/sql/statement.h"
#include "shard/sql/table.h"

namespace shard {

// shard_id_workers(name, worker, holder, expires_at, reserved_to, epoch): a row
// for each number that was ever leased. `expires_at` is by the database's own
// clock, in milliseconds since 1970; `reserved_to` is the last millisecond
// since `epoch` that some holder may have used.
const sql::Table& IdWorkersTable();

// A number, and the milliseconds since the epoch, both included, that its
// holder may put into ids. No two leases of a number have one in common, so
// that ids differ whatever any clock does, and however late a holder finds out
// that it is none any more.
struct WorkerLease {
  std::int64_t worker = -1;  // none
  std::int64_t reserved_from = 0;
  std::int64_t reserved_to = -1;
};

// The numbers of one name, 0 to `workers` - 1, for one holder. All times are in
// milliseconds. Not thread-safe.
class WorkerLeases {
 public:
  struct Terms {
    std::int64_t workers = 0;
    std::int64_t epoch = 0;  // since 1970
    std::int64_t length = 0;
  };
  // `holder`: at random, another for each object.
  WorkerLeases(std::shared_ptr<Engine> engine, std::string name,
               std::string holder, const Terms& terms, absl::Duration timeout);

  absl::Status EnsureTable() {
    return connection_.EnsureTable(IdWorkersTable());
  }

  // Leases a number that nobody holds; one that was held before rather than one
  // that is new. Its first time is `now`, or later by `most_ahead` at most
  // where the holder before was further. kUnavailable: all are held, or were
  // held longer than that. kInvalidArgument: the name goes with another epoch.
  absl::StatusOr<WorkerLease> Acquire(std::int64_t now,
                                      std::int64_t most_ahead);
  // Goes on with it, up to `reserve_to`. False: somebody else has it.
  absl::StatusOr<bool> Renew(const WorkerLease& lease, std::int64_t reserve_to);
  // Gives it back; nothing behind `used_to` was used.
  absl::Status Release(const WorkerLease& lease, std::int64_t used_to);

 private:
  struct Row {
    std::int64_t worker;
    std::string holder;
    std::int64_t reserved_to;
    bool free;
  };
  absl::StatusOr<std::vector<Row>> ReadRows();
  // Both false when somebody was faster.
  absl::StatusOr<bool> TakeOver(const Row& row, const WorkerLease& lease);
  absl::StatusOr<bool> Insert(const WorkerLease& lease);
  absl::StatusOr<bool> Changes(const sql::Statement& statement,
                               sql::Parameters parameters);

  const std::string name_;
  const std::string holder_;
  const Terms terms_;
  KeyConnection connection_;
  RowBatch rows_;
  const sql::Statement read_, take_over_, insert_, renew_, release_;
};

}  // namespace shard

#endif  // SHARD_SESSION_KEYS_WORKER_LEASES_H_
