#include "shard/session/keys/time_ordered_ids.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/environment.h"
#include "shard/base/fork_count.h"
#include "shard/base/random_hex.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"

namespace shard {
namespace {

constexpr int kWorkerBits = 10;
constexpr int kSequenceBits = 12;
constexpr std::int64_t kWorkers = std::int64_t{1} << kWorkerBits;
constexpr std::int64_t kSequences = std::int64_t{1} << kSequenceBits;
constexpr std::int64_t kMostMilliseconds = (std::int64_t{1} << 41) - 1;
constexpr std::size_t kLongestName = 200;
constexpr std::size_t kHolderBytes = 16;
// Of leases that do not last long enough to be used.
constexpr int kMostTries = 10;

std::int64_t IdOf(std::int64_t place, std::int64_t worker) {
  return place / kSequences << (kWorkerBits + kSequenceBits) |
         worker << kSequenceBits | place % kSequences;
}

// Goes on while the process is stopped and while the machine sleeps.
absl::Duration Stopwatch() {
#ifdef CLOCK_BOOTTIME
  constexpr clockid_t kClock = CLOCK_BOOTTIME;
#else
  constexpr clockid_t kClock = CLOCK_MONOTONIC;
#endif
  timespec now;
  clock_gettime(kClock, &now);
  return absl::DurationFromTimespec(now);
}

absl::Status CheckOptions(std::string_view name,
                          const TimeOrderedIdOptions& options) {
  const auto bad = [&](const char* problem) {
    return absl::InvalidArgumentError(
        absl::StrCat("time-ordered ids '", ToAbsl(name), "': ", problem));
  };
  if (name.empty() || name.size() > kLongestName) {
    return bad("the name must have 1 to 200 bytes");
  }
  if (options.workers < 1 || options.workers > kWorkers) {
    return bad("workers is not between 1 and 1024");
  }
  if (absl::FromUnixMillis(absl::ToUnixMillis(options.epoch)) !=
      options.epoch) {
    return bad("epoch is no whole millisecond");
  }
  if (options.lease < absl::Milliseconds(2) ||
      options.lease > absl::Hours(24)) {
    return bad("lease is not between 2 ms and 24 h");
  }
  if (options.most_ahead < absl::ZeroDuration() ||
      options.most_ahead > absl::Hours(24)) {
    return bad("most_ahead is not between 0 and 24 h");
  }
  if (options.timeout <= absl::ZeroDuration()) {
    return bad("timeout is not above zero");
  }
  return absl::OkStatus();
}

}  // namespace

TimeOrderedId ReadTimeOrderedId(std::int64_t id, absl::Time epoch) {
  return {epoch + absl::Milliseconds(id >> (kWorkerBits + kSequenceBits)),
          id >> kSequenceBits & (kWorkers - 1), id & (kSequences - 1)};
}

TimeOrderedIds::TimeOrderedIds(std::shared_ptr<Engine> engine,
                               std::string_view name, std::string holder,
                               TimeOrderedIdOptions options)
    : name_(absl::StrCat("time-ordered ids '", ToAbsl(name), "'")),
      options_(std::move(options)),
      epoch_(absl::ToUnixMillis(options_.epoch)),
      length_(absl::ToInt64Milliseconds(options_.lease)),
      most_ahead_(absl::ToInt64Milliseconds(options_.most_ahead)),
      forks_(ForkCount()),
      leases_(std::move(engine), std::string(name), std::move(holder),
              {options_.workers, epoch_, length_}, options_.timeout) {}

absl::StatusOr<std::shared_ptr<TimeOrderedIds>> TimeOrderedIds::Open(
    std::shared_ptr<Engine> engine, std::string_view name,
    TimeOrderedIdOptions options) {
  if (engine == nullptr) {
    return absl::InvalidArgumentError("TimeOrderedIds::Open needs an engine");
  }
  SHARD_RETURN_IF_ERROR(CheckOptions(name, options));
  if (options.clock == nullptr) options.clock = &Now;
  if (options.stopwatch == nullptr) options.stopwatch = &Stopwatch;
  SHARD_ASSIGN_OR_RETURN(std::string holder, RandomHex(kHolderBytes));
  const std::shared_ptr<TimeOrderedIds> ids(new TimeOrderedIds(
      std::move(engine), name, std::move(holder), std::move(options)));
  SHARD_RETURN_IF_ERROR(Annotate(ids->leases_.EnsureTable(), ids->name_));
  SHARD_ASSIGN_OR_RETURN(const std::int64_t now, ids->Milliseconds());
  std::unique_lock lock(ids->mutex_);
  SHARD_RETURN_IF_ERROR(ids->Extend(now, now, lock));
  return ids;
}

TimeOrderedIds::~TimeOrderedIds() {
  if (lease_.worker < 0 || ForkCount() != forks_) return;
  // If it fails, the lease comes to its end by itself.
  leases_.Release(lease_, latest_ < 0 ? -1 : latest_ / kSequences)
      .IgnoreError();
}

std::int64_t TimeOrderedIds::worker() const {
  const std::lock_guard lock(mutex_);
  return lease_.worker;
}

absl::StatusOr<std::int64_t> TimeOrderedIds::Milliseconds() const {
  const std::int64_t now = absl::ToUnixMillis(options_.clock()) - epoch_;
  if (now >= 0 && now <= kMostMilliseconds) return now;
  return absl::OutOfRangeError(absl::StrCat(
      name_, ": the clock is ",
      now < 0 ? "before the epoch" : "69 years behind the epoch",
      ", which ids cannot hold; set it, or choose another epoch and name"));
}

absl::StatusOr<TimeOrderedIds::Stretch> TimeOrderedIds::Next(
    std::size_t count) const {
  SHARD_ASSIGN_OR_RETURN(const std::int64_t now, Milliseconds());
  const std::int64_t first = std::max(now * kSequences, latest_ + 1);
  constexpr std::int64_t kEnd = (kMostMilliseconds + 1) * kSequences;
  if (count > static_cast<std::uint64_t>(kEnd - first)) {
    return absl::OutOfRangeError(
        absl::StrCat(name_,
                     ": there are no more ids; choose another epoch and "
                     "name"));
  }
  const std::int64_t last = first + static_cast<std::int64_t>(count) - 1;
  const std::int64_t ahead = last / kSequences - now;
  if (ahead > most_ahead_) {
    return absl::UnavailableError(absl::StrCat(
        name_, ": ids would be ", ahead, " ms ahead of the clock, and ",
        most_ahead_,
        " ms are the most; the clock was set back, or too many were asked for: "
        "wait, or take fewer at once"));
  }
  return Stretch{first, last, now};
}

absl::Status TimeOrderedIds::AskForLease(WorkerLease lease, std::int64_t now,
                                         std::int64_t until) {
  const absl::Duration begin = options_.stopwatch();
  absl::StatusOr<bool> renewed = false;
  if (lease.worker >= 0) {
    lease.reserved_to =
        std::max(std::max(now, until) + length_, lease.reserved_to);
    renewed = leases_.Renew(lease, lease.reserved_to);
  }
  absl::StatusOr<WorkerLease> got = lease;
  if (!renewed.ok()) {
    got = renewed.status();
  } else if (!*renewed) {
    got = leases_.Acquire(now, most_ahead_);
  }
  const std::lock_guard lock(mutex_);
  if (!got.ok()) {
    // Where it was not renewed, though the database answered, it is lost.
    if (renewed.ok()) ends_at_ = -absl::InfiniteDuration();
    renew_at_ = begin + options_.lease / 10;
    return Annotate(got.status(), absl::StrCat(name_, ": no lease"));
  }
  lease_ = *got;
  ends_at_ = begin + options_.lease;
  renew_at_ = begin + options_.lease / 2;
  latest_ = std::max(latest_, lease_.reserved_from * kSequences - 1);
  return absl::OkStatus();
}

absl::Status TimeOrderedIds::Extend(std::int64_t now, std::int64_t until,
                                    std::unique_lock<std::mutex>& lock) {
  return flight_.Run(lock, [this, now, until, lease = lease_] {
    return AskForLease(lease, now, until);
  });
}

void TimeOrderedIds::Give(const Stretch& stretch,
                          std::vector<sql::ValueView>* keys) {
  latest_ = stretch.last;
  keys->reserve(keys->size() +
                static_cast<std::size_t>(stretch.last - stretch.first + 1));
  for (std::int64_t place = stretch.first; place <= stretch.last; ++place) {
    keys->push_back(sql::ValueView::Int64(IdOf(place, lease_.worker)));
  }
}

absl::Status TimeOrderedIds::Take(std::size_t count,
                                  std::vector<sql::ValueView>* keys,
                                  sql::ByteArena&) {
  SHARD_RETURN_IF_ERROR(CheckNotForked(forks_, name_));
  if (count == 0) return absl::OkStatus();
  std::unique_lock lock(mutex_);
  bool refused = false;
  for (int tries = 0; tries < kMostTries; ++tries) {
    SHARD_ASSIGN_OR_RETURN(const Stretch next, Next(count));
    const std::int64_t until = next.last / kSequences;
    const bool may = leased() && until <= lease_.reserved_to;
    const bool due = options_.stopwatch() >= renew_at_ && !flight_.busy();
    if (may && (refused || !due)) {
      Give(next, keys);
      return absl::OkStatus();
    }
    const absl::Status extended = Extend(next.now, until, lock);
    if (!extended.ok() && !may) return extended;
    refused = !extended.ok();
  }
  return absl::UnavailableError(absl::StrCat(
      name_,
      ": the lease of a worker number is over before the database has "
      "answered; take a longer one (TimeOrderedIdOptions::lease)"));
}

}  // namespace shard
