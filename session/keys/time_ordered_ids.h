// Numbers that sort by the time they were made at.
#ifndef SHARD_SESSION_KEYS_TIME_ORDERED_IDS_H_
#define SHARD_SESSION_KEYS_TIME_ORDERED_IDS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/engine.h"
#include "shard/session/keys/key_generator.h"
#include "shard/session/keys/single_flight.h"
#include "shard/session/keys/worker_leases.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/value.h"

namespace shard {

struct TimeOrderedIdOptions {
  // What milliseconds are counted from; whole ones. The same for all processes
  // and for ever: the default is 2024-01-01, and lasts until 2093.
  absl::Time epoch = absl::FromUnixSeconds(1704067200);
  // How many processes can give ids at the same time; 1024 at most.
  std::int64_t workers = 1024;
  // A worker number is leased for so long, and again when half of it is over. A
  // process that was stopped, or cut off from the database, for longer gives no
  // ids until it has a lease again.
  absl::Duration lease = absl::Seconds(30);
  // How far ids may be ahead of the clock, since it was set back or many were
  // asked for at once.
  absl::Duration most_ahead = absl::Seconds(5);
  // How long the database may take to answer.
  absl::Duration timeout = absl::Seconds(5);
  // For tests; null: the system's clock, and one that nobody sets.
  std::function<absl::Time()> clock = nullptr;
  std::function<absl::Duration()> stopwatch = nullptr;
};

// What an id says.
struct TimeOrderedId {
  absl::Time time;
  std::int64_t worker = 0;
  std::int64_t sequence = 0;
};
TimeOrderedId ReadTimeOrderedId(
    std::int64_t id, absl::Time epoch = TimeOrderedIdOptions().epoch);

// Ids of 64 bits, by time:
//
//    1 bit   0, so that all are positive
//   41       milliseconds since the epoch
//   10       number of the worker, which is a process
//   12       sequence within the millisecond
//
// Each is greater than all that this object gave before. Over processes they
// sort as well as the clocks agree.
//
// The worker number is leased in the table shard_id_workers of a database,
// which is made there if need be. With a lease goes the stretch of time that
// its holder may put into ids, kept on disk; the next holder's begins behind
// it. So no id is given twice even by a process that was stopped in the midst
// of giving one, or whose clock, or the database's, is wrong or was set. What
// clocks decide is only who may go on:
//
//  - A lease counts from before the database was asked for it, by a clock that
//    nobody sets and that goes on while the machine sleeps. It is renewed by
//    the first Take behind its half; if that fails, there is the other half.
//  - Behind its end ids are given only when it could be renewed, since nobody
//    has taken the number meanwhile, or another number was leased: else Take
//    returns kUnavailable, and tries again the next time.
//  - A clock that is set back: ids go on from the last one, up to `most_ahead`
//    before the clock; further they are refused (kUnavailable).
//  - At a restart, or under a number that somebody else had, they begin behind
//    what was reserved before, with the same bound.
//
// Where that database loses what it has committed (it is restored from a
// backup, or fails over to a copy that lags), ids can be given again.
//
// As with IdBlocks, in a SQLite file use one that no session writes to.
// Thread-safe. Keeps the engine alive, and one connection of its own.
class TimeOrderedIds final : public KeyGenerator {
 public:
  // `name`: of those who share the numbers, 1 to 200 bytes. Makes the table and
  // takes a lease. kInvalidArgument: the options, another epoch than the name
  // was used with, a database in memory; kUnavailable: no number is free, or
  // the clock is behind; else the errors of a Connection.
  static absl::StatusOr<std::shared_ptr<TimeOrderedIds>> Open(
      std::shared_ptr<Engine> engine, std::string_view name,
      TimeOrderedIdOptions options = {});
  // Gives the number back, so that it is free at once.
  ~TimeOrderedIds() override;

  // kUnavailable: no lease, see above, or the ids would be too far ahead of the
  // clock. kOutOfRange: the clock is before the epoch, or 69 years behind it.
  // kFailedPrecondition: the process was forked since Open. Otherwise the
  // errors of a Connection.
  absl::Status Take(std::size_t count, std::vector<sql::ValueView>* keys,
                    sql::ByteArena& arena) override;

  // The number that it has, or had last.
  std::int64_t worker() const;

 private:
  // Milliseconds and sequence of ids that follow each other, as numbers.
  struct Stretch {
    std::int64_t first, last, now;
  };

  TimeOrderedIds(std::shared_ptr<Engine> engine, std::string_view name,
                 std::string holder, TimeOrderedIdOptions options);
  absl::StatusOr<std::int64_t> Milliseconds() const;
  absl::StatusOr<Stretch> Next(std::size_t count) const;
  bool leased() const { return options_.stopwatch() < ends_at_; }
  // Renews the lease, or takes another, for ids up to that time.
  absl::Status Extend(std::int64_t now, std::int64_t until,
                      std::unique_lock<std::mutex>& lock);
  absl::Status AskForLease(WorkerLease lease, std::int64_t now,
                           std::int64_t until);
  void Give(const Stretch& stretch, std::vector<sql::ValueView>* keys);

  const std::string name_;
  const TimeOrderedIdOptions options_;
  const std::int64_t epoch_, length_, most_ahead_;  // in milliseconds
  const std::uint64_t forks_;
  WorkerLeases leases_;  // used by whoever is in flight_
  mutable std::mutex mutex_;
  // The rest is guarded by mutex_.
  SingleFlight flight_;
  WorkerLease lease_;
  absl::Duration ends_at_ = absl::ZeroDuration();   // by the stopwatch
  absl::Duration renew_at_ = absl::ZeroDuration();  // the same
  std::int64_t latest_ = -1;  // that was given: milliseconds and sequence
};

}  // namespace shard

#endif  // SHARD_SESSION_KEYS_TIME_ORDERED_IDS_H_
