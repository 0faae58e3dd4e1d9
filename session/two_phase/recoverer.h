// Finishes what others have left unfinished.
#ifndef SHARD_SESSION_TWO_PHASE_RECOVERER_H_
#define SHARD_SESSION_TWO_PHASE_RECOVERER_H_

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/participant.h"
#include "shard/router/topology.h"
#include "shard/session/two_phase/gid.h"
#include "shard/session/two_phase/recovery_options.h"
#include "shard/session/two_phase/recovery_pass.h"
#include "shard/session/two_phase/recovery_report.h"

namespace shard {

// Recovery of one topology in this process: runs passes, one at a time, from a
// thread of its own or when asked. Other processes may do the same at the same
// time. Thread-safe; lives as long as the topology.
class Recoverer : public TopologyService {
 public:
  // The topology's own. Starts its thread when `options` want one and there are
  // several databases, the first time that this is so.
  static Recoverer& Of(Topology& topology, const RecoveryOptions& options);

  explicit Recoverer(Topology* topology) : topology_(*topology) {}
  ~Recoverer() override;

  // A pass, now; waits for one that is running.
  RecoveryReport Run(const RecoveryOptions& options);
  // Has the thread, if there is one, run a pass now rather than later.
  void Hurry();
  // All databases have finished the transaction that `decider` decided: its row
  // can go, with the next pass. Where no thread runs passes, many rows go at
  // once, by way of `connection`, the session's own to the decider.
  void Confirmed(const Engine* decider, ConfirmedDecision decision,
                 Connection& connection);
  // A writer found that its database lacks a decided share.
  void WantRedo() { redo_wanted_.store(true); }
  // Runs a pass if somebody wanted that since the last one. To be called by who
  // holds no locks.
  void RedoIfWanted(const RecoveryOptions& options);
  // See ShardedSession::Resolve.
  absl::StatusOr<Decision> Resolve(std::string_view transaction,
                                   absl::Time until);

 private:
  void EnsureThread(const RecoveryOptions& options);
  absl::StatusOr<Engine*> DeciderOf(const Gid& gid, absl::Time until);
  void Loop();
  void RedoFollowersOf(const DecisionRow& row, const Gid& gid, Engine& decider,
                       absl::Time until);
  // Removes the rows of confirmed decisions.
  void RemoveConfirmed();
  // For the next pass: their rows could not be removed.
  void PutBack(ConfirmedDecisions left);

  Topology& topology_;
  std::mutex pass_mutex_;  // held while a pass runs
  std::mutex mutex_;
  std::condition_variable wake_;
  RecoveryOptions options_;       // of the thread; guarded by mutex_
  ConfirmedDecisions confirmed_;  // guarded by mutex_
  std::atomic<bool> redo_wanted_ = false;
  bool hurry_ = false;
  bool stop_ = false;
  std::thread thread_;  // guarded by mutex_ until it is joined
};

// Runs one pass and returns what it found and did. What cannot be done now, in
// a database that is down for instance, is a problem in the report.
RecoveryReport Recover(Topology& topology, const RecoveryOptions& options = {});

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_RECOVERER_H_
