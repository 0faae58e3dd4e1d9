// Rows placed by a lookup table in a database.
#ifndef SHARD_ROUTER_DIRECTORY_STRATEGY_H_
#define SHARD_ROUTER_DIRECTORY_STRATEGY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "shard/dialects/engine.h"
#include "shard/router/directory_cache.h"
#include "shard/router/directory_table.h"
#include "shard/router/key_domain.h"
#include "shard/router/shard_id.h"
#include "shard/router/shard_set.h"
#include "shard/router/sharding_strategy.h"
#include "shard/sql/value.h"

namespace shard {

struct DirectoryOptions {
  // Where the table is. Look-ups and assignments borrow a connection for a
  // moment, also while a session holds others: give the directory an engine of
  // its own, and on SQLite a file of its own.
  std::shared_ptr<Engine> engine;
  std::string table = "shard_directory";  // DirectoryStrategy::CreateTable
  // All that entries may name.
  std::vector<std::string> shards;
  // Who places a new row whose key has no entry; the answer is recorded. Null:
  // such a row is refused.
  std::shared_ptr<const ShardingStrategy> assign = nullptr;
  // How many entries are remembered at most.
  std::size_t cache_entries = 65'536;
  // An entry that was read longer ago is read again. What another process moves
  // is noticed by then, also where no row is missed.
  absl::Duration max_age = absl::InfiniteDuration();
  // An entry that was read less long ago is believed when a row was not found
  // where it says: bounds what looking for rows that do not exist costs, and is
  // how long a row that was moved right after may not be found.
  absl::Duration recheck_after = absl::ZeroDuration();
};

// Each key has an entry in a table: any key can be on any shard, and be moved.
// Keys of any columns that can be one; tables with keys of the same types can
// share a directory, and are then together. Thread-safe.
//
// Known entries are remembered (directory_cache.h), so most decisions ask no
// database. When another process has moved a key, what is remembered of it is
// old: the session then does not find its rows, has the entry read again
// (Forget) and asks the right shard; a flush that misses its row fails with
// kAborted, and SessionMaker::Run does the work again.
//
// An entry is committed by itself at once, so one for a row that is rolled back
// stays. Errors of the database pass as they are; kFailedPrecondition for an
// entry that names a shard which is none of `shards`.
class DirectoryStrategy : public ShardingStrategy {
 public:
  // kInvalidArgument for no engine, table or room for entries, for shards as in
  // HashStrategy::Create, and for an `assign` with other shards. Asks no
  // database.
  static absl::StatusOr<std::shared_ptr<DirectoryStrategy>> Create(
      DirectoryOptions options);

  // Makes the table where there is none yet.
  static absl::Status CreateTable(const std::shared_ptr<Engine>& engine,
                                  const std::string& table = "shard_directory");

  // The entry; of a key without one what `assign` would say, which need not be
  // recorded, since there are no rows. kInvalidArgument where that is null.
  absl::StatusOr<ShardId> ShardFor(
      absl::Span<const sql::ValueView> key) const override;
  // The entry; of a key without one what `assign` says, recorded. All who ask
  // at once, in other processes too, get the same answer.
  absl::StatusOr<ShardId> ShardForNew(
      absl::Span<const sql::ValueView> key) const override;
  const std::vector<ShardId>& shards() const override { return shards_; }
  // Keys without an entry have no rows. Reads what is not remembered at once.
  ShardSet ShardsFor(absl::Span<const KeyDomain> key) const override;
  bool Forget(absl::Span<const sql::ValueView> key) const override;

  // From now on the key is on that shard: the entry is written and committed,
  // or made. Moves no row: see to that while nobody writes rows of the key,
  // and change the entry in between. kInvalidArgument for a shard that is none
  // of `shards`, or for no key.
  absl::Status Move(absl::Span<const sql::ValueView> key,
                    std::string_view shard) const;

  // How many entries are remembered now.
  std::size_t remembered() const { return cache_.entries(); }

 private:
  explicit DirectoryStrategy(DirectoryOptions options);
  // None for no entry, or one that is too old.
  ShardId ShardOf(const std::optional<DirectoryCache::Entry>& entry) const;
  // What is remembered of a key that needs no string to be looked up.
  ShardId Known(absl::Span<const sql::ValueView> key) const;
  // The entries in the database, which are remembered; none where there is
  // none.
  absl::StatusOr<std::vector<ShardId>> Read(
      const std::vector<std::string>& encoded) const;
  // Remembered or read; none where there is none.
  absl::StatusOr<ShardId> Find(const std::string& encoded) const;
  // The number of the shard that an entry names.
  absl::StatusOr<std::uint32_t> PlaceOf(std::string_view name) const;
  absl::Status NoEntry() const;

  const DirectoryOptions options_;
  std::vector<ShardId> shards_;
  const std::unique_ptr<DirectoryTable> table_;
  const bool entries_age_;
  mutable DirectoryCache cache_;  // places are indices of shards_
};

}  // namespace shard

#endif  // SHARD_ROUTER_DIRECTORY_STRATEGY_H_
