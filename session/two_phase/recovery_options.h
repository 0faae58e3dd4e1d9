// How recovery behaves.
#ifndef SHARD_SESSION_TWO_PHASE_RECOVERY_OPTIONS_H_
#define SHARD_SESSION_TWO_PHASE_RECOVERY_OPTIONS_H_

#include <functional>

#include "absl/time/time.h"

namespace shard {

struct RecoveryReport;

// One set for each topology: those of the first session that wants a background
// thread hold for it until the topology ends, and what later sessions say about
// the thread changes nothing.
struct RecoveryOptions {
  // A thread that recovers from time to time, for as long as the topology
  // lives, if that has several databases. It is started by the first two-phase
  // session with the topology, not by Topology::Open: a process that has made
  // none recovers nothing (call Recover). One in each process is fine.
  bool background = true;
  // From one pass to the next, give or take a fifth.
  absl::Duration interval = absl::Seconds(5);
  // How long a transaction lies prepared before its decider is asked while the
  // decider's part still runs. Asking then ends it, and its session's Commit
  // says kAborted: choose more than what the slowest prepare takes, and more
  // than a session is ever held between Prepare() and Commit(). Where a SQLite
  // file decides, its write lock keeps the session safe however long that
  // takes. It is no question of safety. The shortest of all processes counts.
  absl::Duration recover_after = absl::Seconds(5);
  // How long a decision to commit outlives its transaction if the session that
  // made it did not remove it itself. Keep it far above every session's
  // resolve_timeout: a session that lost its decider's answer and finds no
  // decision takes it that there was none.
  absl::Duration decision_retention = absl::Hours(1);
  // How long one answer of a database is waited for.
  absl::Duration patience = absl::Seconds(2);
  // Hears of each pass of the background thread, in that thread, which the
  // topology's end waits for. It must therefore not own the Topology, nor a
  // session or options with it: as its last owner it would wait for itself.
  std::function<void(const RecoveryReport&)> on_pass = nullptr;
};

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_RECOVERY_OPTIONS_H_
