// One replica, and whether it is fit to be read from.
#ifndef SHARD_ROUTER_REPLICA_H_
#define SHARD_ROUTER_REPLICA_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"

namespace shard {

// Thread-safe. Keeps the engine alive. Where it has to ask the database it does
// so on a connection of its own, so that it never waits for the engine's pool,
// and one thread asks at a time; the others go by what is known.
class Replica {
 public:
  struct Watch {
    // A replica that was found down is asked for a sign of life again so long
    // after the last time.
    absl::Duration retry_after;
    // Left out while it may lag further behind; how old that knowledge may be.
    absl::Duration lag_limit;  // infinite: never asked
    absl::Duration sample_every;
    // How long one question may take.
    absl::Duration patience;
    // Its position in the log will be asked for: the connection is kept.
    bool positions;
  };
  Replica(std::shared_ptr<Engine> engine, const Watch& watch);

  Engine& engine() const { return *engine_; }

  // Whether reads may go there now, as far as is known. Asks when it is time.
  bool IsFit();
  // Whether it shows all of the log up to there. Asks, unless it was seen to
  // before.
  bool Shows(std::uint64_t position);
  // Why it is not fit, in words to end a sentence.
  std::string WhyUnfit() const;

 private:
  bool IsDue(absl::Duration every);
  // One question. Needs mutex_.
  void Ask();
  absl::Status Learn();
  bool LagsTooFar() const;
  bool limits_lag() const {
    return watch_.lag_limit < absl::InfiniteDuration();
  }

  const std::shared_ptr<Engine> engine_;
  const Watch watch_;
  // Unix nanoseconds: when somebody last set out to ask.
  std::atomic<std::int64_t> asked_at_ = 0;
  // Nanoseconds behind, when it was asked; the greatest number: not known.
  std::atomic<std::int64_t> lag_;
  std::mutex mutex_;
  // All that follows is guarded by mutex_.
  std::unique_ptr<Connection> connection_;
  std::uint64_t position_ = 0;  // seen on connection_
  absl::Time up_to_date_at_;    // when it last lagged behind nobody
};

}  // namespace shard

#endif  // SHARD_ROUTER_REPLICA_H_
