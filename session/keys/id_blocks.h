// Dense numbers, from blocks reserved in a table.
#ifndef SHARD_SESSION_KEYS_ID_BLOCKS_H_
#define SHARD_SESSION_KEYS_ID_BLOCKS_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/engine.h"
#include "shard/session/keys/id_block_table.h"
#include "shard/session/keys/key_generator.h"
#include "shard/session/keys/single_flight.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/value.h"

namespace shard {

struct IdBlockOptions {
  // How many ids are reserved at once. A process that ends leaves the rest of
  // its block unused: larger blocks cost fewer transactions and more gaps.
  std::int64_t block_size = 1000;
  // Where a sequence begins whose row is not there yet; 1 or above.
  std::int64_t first = 1;
  // No id is above it.
  std::int64_t last = std::numeric_limits<std::int64_t>::max();
  // Reserves the next block in a thread of its own once less than half of one
  // is left, so that nobody has to wait for the database.
  bool prefetch = false;
  // How long the database may take to reserve one.
  absl::Duration timeout = absl::Seconds(5);
};

// Ids from a sequence that many processes share: a row of the table
// shard_id_blocks, in one database, which is made there if need be. Each block
// is reserved by one statement in a transaction of its own, which is on disk
// before the first of its ids is given; so none is ever given twice, after a
// crash, a rollback or a restart either. Ids grow within a process; between
// processes their order says nothing.
//
//   auto ids = IdBlocks::Open(engine, "orders");
//   SessionOptions options{..., .keys = {GenerateKey(Order::c.id, *ids)}};
//
// A SQLite file has one writer at a time: where the ids of a file are reserved
// in that same file, a transaction that has written to it and needs another
// block waits for itself, and gets kAborted. Give the table a file of its own.
//
// Thread-safe. Keeps the engine alive, and one connection of its own.
class IdBlocks final : public KeyGenerator {
 public:
  // `name`: of the sequence, 1 to 200 bytes. Makes the table, reserves nothing
  // yet. kInvalidArgument: the options, or a database in memory; the errors of
  // a Connection.
  static absl::StatusOr<std::shared_ptr<IdBlocks>> Open(
      std::shared_ptr<Engine> engine, std::string_view name,
      const IdBlockOptions& options = {});
  ~IdBlocks() override;

  // As many as there are in memory, and for the rest one block, of block_size
  // or more. kOutOfRange: IdBlockOptions::last is reached. kFailedPrecondition:
  // the process was forked since Open. Otherwise the errors of a Connection.
  absl::Status Take(std::size_t count, std::vector<sql::ValueView>* keys,
                    sql::ByteArena& arena) override;

 private:
  IdBlocks(std::shared_ptr<Engine> engine, std::string_view name,
           const IdBlockOptions& options);
  absl::Status Reserve(std::size_t least, std::unique_lock<std::mutex>& lock);
  void Prefetch();  // in thread_
  bool runs_low() const {
    return available_ <= static_cast<std::uint64_t>(options_.block_size) / 2;
  }

  const std::string name_;
  const IdBlockOptions options_;
  const std::uint64_t forks_;
  IdBlockTable table_;  // used by whoever is in flight_
  std::mutex mutex_;
  // The rest is guarded by mutex_.
  SingleFlight flight_;
  std::deque<IdRange> ranges_;
  std::uint64_t available_ = 0;  // in ranges_
  std::condition_variable wake_;
  bool wanted_ = false;  // another block, by the thread
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace shard

#endif  // SHARD_SESSION_KEYS_ID_BLOCKS_H_
