// A primary, which takes the writes, and replicas, which share the reads.
#ifndef SHARD_ROUTER_REPLICA_SET_H_
#define SHARD_ROUTER_REPLICA_SET_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/engine.h"
#include "shard/router/balancer.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/replica.h"
#include "shard/router/session_history.h"

namespace shard {

// How much of what a session has written its own later reads see.
enum class OwnWrites : std::uint8_t {
  // All, within the transaction. After the commit a replica may not show it
  // yet.
  kInTransaction,
  // All: a session that has written reads from the primary from then on.
  kFromPrimary,
  // All: after a commit the session waits for a replica that shows it, up to
  // catch_up_timeout, and reads from the primary where none does by then.
  // Costs a round trip more at each commit. PostgreSQL; elsewhere it is
  // kFromPrimary.
  kFromCaughtUp,
};

struct ReplicaSetOptions {
  struct Member {
    std::shared_ptr<Engine> engine;
    std::uint32_t weight = 1;  // for Balance::kWeighted
  };
  // Null: this set is only read from, and refuses writes. May stand among the
  // replicas as well, to take its part of the reads.
  std::shared_ptr<Engine> primary = nullptr;
  std::vector<Member> replicas = {};
  Balance balance = Balance::kRandom;
  // Of what is random; nullopt: the system's.
  std::optional<std::uint64_t> seed = std::nullopt;
  OwnWrites own_writes = OwnWrites::kInTransaction;
  absl::Duration catch_up_timeout = absl::Seconds(1);
  // When no replica can be read from: from the primary, or kUnavailable.
  bool fall_back_to_primary = true;
  // A replica that could not be connected to is left out, and asked again after
  // that time, by one of those who read then.
  absl::Duration retry_after = absl::Seconds(5);
  // PostgreSQL: a replica is left out while what it shows may be older. Asked
  // at most once in each interval, by one of those who read then. A standby
  // that has replayed all that it received does not lag, however long its
  // primary has been idle; one that is cut off from it does.
  absl::Duration lag_limit = absl::InfiniteDuration();
  absl::Duration sample_every = absl::Seconds(1);
  // How long one such question may take; then the replica counts as unfit.
  absl::Duration sample_timeout = absl::Seconds(1);
};

// What may write (MayWrite) goes to the primary. A read goes
//
// 1. where the session's running transaction is already: to the primary if it
//    has been there, whose uncommitted work and locks no replica shows, else to
//    the replica that it has read from. So a transaction is on one replica at
//    most, and what it reads there fits together.
// 2. by OwnWrites, when the session has committed to the primary.
// 3. to a replica of those that can be read from, by Balance.
//
// What a session holds and reads again (BindRequest::origin) must not come from
// a replica that knows less than the place it came from. So it is read from the
// same replica; from the primary when that one is left out, or when the session
// has committed to the primary, unless kFromCaughtUp finds that the replica
// shows it.
//
// When a replica goes down, the sessions that connect to it find out, go on to
// another, and their callers see nothing of it. Only who is reading from it
// just then gets kUnavailable: the transaction must be rolled back.
//
// On PostgreSQL replicas are hot standbys. They take no serializable
// transactions: let those go to the primary by a rule. They are no members of a
// Topology, and take no part in an atomic commit.
//
// Immutable but for what it learns of its replicas; thread-safe; choosing takes
// no lock. Waiting for a replica does.
class ReplicaSet : public BindResolver {
 public:
  // kInvalidArgument without replicas, with more than 64, one twice, a null
  // engine, a weight of 0, or a time below zero. Connects to nothing.
  static absl::StatusOr<std::shared_ptr<ReplicaSet>> Create(
      ReplicaSetOptions options);

  // kFailedPrecondition for a write without a primary; kUnavailable, with the
  // reasons, when there is nothing left to read from; kInvalidArgument when the
  // caller names a shard.
  absl::StatusOr<Bind> Resolve(const BindRequest& request) override;
  bool Reaches(const Engine& engine) const override;

 private:
  // Replica i in bit i.
  using Set = std::uint64_t;

  explicit ReplicaSet(ReplicaSetOptions options);
  absl::StatusOr<Engine*> EngineFor(const BindRequest& request);
  absl::StatusOr<Engine*> Primary(const BindRequest& request) const;
  // Where the running transaction is; null: on none of them.
  Engine* InTransaction(const SessionHistory& history) const;
  // The replica's bit; 0 when it is none.
  Set SetOf(const Engine* engine) const;
  Set Fit(Set among);
  absl::StatusOr<Engine*> PickFit(Set among);
  // One that shows the log up to there, or the primary.
  Engine* CaughtUp(std::uint64_t position, Set among);
  Set Showing(std::uint64_t position, Set among);
  absl::Status NoneIsFit() const;

  const ReplicaSetOptions options_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  Balancer balancer_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_REPLICA_SET_H_
