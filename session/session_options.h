// How a session behaves.
#ifndef SHARD_SESSION_SESSION_OPTIONS_H_
#define SHARD_SESSION_SESSION_OPTIONS_H_

#include <any>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/topology.h"
#include "shard/session/joined_connection.h"
#include "shard/session/keys/generated_key.h"
#include "shard/session/session_listener.h"
#include "shard/session/two_phase/recovery_options.h"
#include "shard/session/two_phase/two_phase_event.h"

namespace shard {

// When Commit returns: once every database has committed its share, or as soon
// as it is decided; recovery, in some process, then does the rest.
enum class DecisionMode { kAfterAll, kAfterDecision };

// What a flush does with an object whose shard key was changed so that its row
// belongs on another shard.
enum class ShardKeyChange {
  kRefuse,   // kFailedPrecondition, naming both shards
  kMoveRow,  // deletes it there and inserts it here; see row_mover.h
};

// Whatever a program wants to keep with a session, by name.
using SessionInfo = std::map<std::string, std::any, std::less<>>;

struct SessionOptions {
  // Where work goes; required. Shared by all sessions made with it.
  std::shared_ptr<BindResolver> resolver = nullptr;
  // Flush before each statement, so that it sees the session's own changes.
  bool autoflush = true;
  // The first statement, or a flush with something to write, begins a
  // transaction. Off: ShardedSession::Begin has to.
  bool autobegin = true;
  // Expire all objects after a commit, so that the next read sees what others
  // have written since. Off: objects keep what they hold.
  bool expire_on_commit = true;
  ShardKeyChange shard_key_change = ShardKeyChange::kRefuse;

  // Which columns get values from generators: where the attribute of a new
  // object is unset when a flush writes it, or a row of a BulkInsert or a Load
  // gives none or NULL. All that lack one get theirs in one batch, before they
  // are routed, and before defaults; where that fails nothing is written.
  //
  //   .keys = {GenerateKey(Order::c.id, ids), GenerateKey(Item::c.id, ids)}
  GeneratedKeys keys = {};
  // Who hears of what the session does, in that order.
  SessionListeners listeners = {};
  // Connections of the caller's to work on, instead of ones from the engines'
  // pools. Needs two_phase off. See ShardedSession::Join.
  std::vector<JoinedConnection> joined = {};

  // A commit to several databases happens on all of them or on none, whatever
  // crashes. They must be in `topology`. Off: one after the other, and the
  // result says which are committed.
  bool two_phase = true;
  std::shared_ptr<Topology> topology = nullptr;
  // Of the slot map that `resolver` goes by, where the topology may learn of a
  // newer one while it is used (Topology::Extend): from then on the session may
  // read and not write, kFailedPrecondition. 0: whatever the topology has.
  std::int64_t epoch = 0;
  DecisionMode decision = DecisionMode::kAfterAll;
  // The name of the database to decide where there is a choice; empty: the
  // first by name. Where files are written to, the first of them decides (the
  // named one, if it is among those that are written to first); so does a
  // server that cannot prepare.
  std::string decider = "";
  // The decider keeps what does the work of the other files again until they
  // have committed. A transaction that needs more than so many bytes for that
  // is refused with kResourceExhausted: write it in parts.
  std::size_t max_redo_bytes = 64 << 20;
  // Preparing must be done by then, or all is rolled back.
  absl::Duration prepare_timeout = absl::Seconds(30);
  // How long the COMMIT that decides, or the only one, may take; and then how
  // long a database that was lost while it committed is asked for.
  absl::Duration resolve_timeout = absl::Seconds(10);
  // How long after the decision the others are waited for; what is not
  // committed by then is pending. Half of it is for the first try of all
  // together, the other half for trying those again, each for itself, that
  // failed or gave no answer.
  absl::Duration finish_timeout = absl::Seconds(5);
  // Once a transaction is on two servers: how long it waits for a lock, on a
  // server that has no limit of its own. Ends deadlocks that no server sees.
  absl::Duration lock_timeout = absl::Seconds(5);
  // Hears of each step of a commit over several databases.
  std::function<void(const TwoPhaseEvent&)> on_two_phase = nullptr;
  // A copy for each session: ShardedSession::info().
  SessionInfo info = {};
  // What finishes the work of those who crash, for the topology.
  RecoveryOptions recovery = {};
};

}  // namespace shard

#endif  // SHARD_SESSION_SESSION_OPTIONS_H_
