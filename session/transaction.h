// A session's running transaction over all the databases it has touched.
#ifndef SHARD_SESSION_TRANSACTION_H_
#define SHARD_SESSION_TRANSACTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/dialects/transaction_options.h"
#include "shard/router/bind.h"
#include "shard/router/session_history.h"
#include "shard/session/branch.h"
#include "shard/session/commit_result.h"
#include "shard/session/session_options.h"
#include "shard/session/share.h"
#include "shard/session/two_phase/atomic_commit.h"

namespace shard {

// Begins on each database when it is first needed. Not thread-safe; the options
// must outlive it.
class Transaction final : public SessionHistory {
 public:
  explicit Transaction(const SessionOptions* options) : options_(*options) {}

  // How it is to begin on each database. kFailedPrecondition when it has begun
  // already; kInvalidArgument and kDeadlineExceeded: see TransactionOptions.
  absl::Status Begin(const TransactionOptions& options);
  // By Begin, or on a database.
  bool begun() const;
  // kFailedPrecondition where it needs a Begin first, and had none.
  absl::Status CheckBegun() const;
  // Begins, where it has not, before a database is needed. Errors: as above.
  absl::Status Autobegin();
  // kFailedPrecondition in one that is to write nothing.
  absl::Status CheckNotReadOnly() const;

  bool empty() const { return shares_.empty(); }
  // The share at `bind`; opens and begins its branch on first use. The pointer
  // is good until the transaction ends. kFailedPrecondition after Prepare.
  absl::StatusOr<Share*> ShareFor(const Bind& bind);
  // The same without opening it: Open must come before its first verb.
  absl::StatusOr<Share*> PlanShare(const Bind& bind);
  // Opens those that are not open, in the order of the names of their engines,
  // so that sessions that need the same databases do not take them crosswise.
  absl::Status Open(std::vector<Share*> shares);
  // In the order in which the transaction came to them; those of one database
  // have one branch.
  const std::vector<std::unique_ptr<Share>>& shares() const { return shares_; }

  // Before they are written to: whether they can be, together with those that
  // were already, in one atomic commit; an error leaves all as it is.
  absl::Status CheckMayWrite(const std::vector<Share*>& shares);
  // The part of it that must not be left out: a file that is written to after
  // another one, and so is to follow it, is recorded from its first write on.
  absl::Status RecordFollowers(const std::vector<Share*>& shares);
  // To be called after that, before a share's last statement: if its database
  // would decide over a commit, the statement brings along what the commit is
  // going to ask there.
  void ExpectCommit(Share& share);

  // Something went wrong that no branch knows of.
  void Poison(const absl::Status& error);
  // kFailedPrecondition, naming the shard and its first error, when a share is
  // poisoned.
  absl::Status CheckHealthy() const;

  // Savepoints on all databases, those that join later too; they nest.
  std::size_t depth() const { return depth_; }
  absl::Status BeginNested();
  absl::Status CommitNested();
  // Also what was poisoned since is well again.
  absl::Status RollbackNested();

  // The first phase of an atomic commit. After an error the transaction is
  // over, unless empty() is still false: then nothing was done.
  absl::Status Prepare();
  bool prepared() const { return prepared_; }

  // Ends the transaction. With two_phase, see AtomicCommit: when it is refused,
  // with nothing done, the transaction goes on (empty() is false). Without,
  // share by share in the order in which they were begun: stops at the first
  // that fails and rolls the rest back: kDataLoss if some that wrote were
  // committed by then (CommitResultOf tells which), else the error.
  absl::StatusOr<CommitResult> Commit();
  // Rolls all back and ends the transaction. An error of the database is not
  // worth reporting: what it has not committed it forgets.
  void Rollback();
  // The same, but leaves open a joined one that says so, unless a statement
  // failed somewhere. Returns where that is.
  std::vector<const Engine*> Close();

  // Also of those that were committed before.
  EngineHistory With(const Engine& engine) const override;
  bool read_only() const override { return how_.read_only; }
  void ForgetCommitted() { committed_.clear(); }

 private:
  // An engine that was written to, and where its log was afterwards.
  struct Committed {
    const Engine* engine = nullptr;
    std::optional<std::uint64_t> position{};
  };
  // `is_over`: it is known to be committed.
  void NoteCommitted(Branch& branch, bool is_over);
  std::optional<std::uint64_t> PositionBehind(Branch& branch) const;
  absl::Status CheckNotPrepared() const;
  static std::string SavepointName(std::size_t depth);
  absl::Status CheckInTime() const;
  absl::Status MayWrite(const Engine& engine) const;
  void LiftTimeLimits();
  Branch& BranchOn(Engine& engine);
  absl::Status OpenOne(Branch& branch);
  OnStatement ListenerFor(const Branch& branch) const;
  absl::StatusOr<const JoinedConnection*> JoinedFor(const Branch& branch) const;
  absl::Status OpenJoined(Branch& branch, const JoinedConnection& joined);
  absl::Status MakeSavepoints(const Branch& branch,
                              Connection& connection) const;
  absl::Status CheckMayEndNested(bool rolls_back) const;
  void NoteReleased(bool rolled_back);
  absl::Status LimitLockWaits(const Branch& branch);
  absl::Status OnAll(const std::string& script);
  bool InTopology(const Branch& branch) const;
  bool AnotherMayDecide() const;
  absl::Status RecordFollower(Branch& branch);
  std::vector<std::string> IdentitiesThatMayDecide() const;
  void NoteDecider(std::vector<CommitMember>& members);
  bool IsAtomic() const;
  void MakeAtomic();
  absl::StatusOr<CommitResult> CommitAtomically();
  absl::Status CheckHasNotWritten();
  absl::StatusOr<CommitResult> CommitEach();
  absl::Status CommitOne(Branch& branch);
  // What became of each branch, told for each of its shares.
  CommitResult ResultOf(const std::vector<CommitShare>& branches) const;
  CommitResult ResultOf(const AtomicCommit& commit) const;
  void End();

  const SessionOptions& options_;
  std::vector<std::unique_ptr<Branch>> branches_;
  std::vector<std::unique_ptr<Share>> shares_;
  TransactionOptions how_;
  bool begun_ = false;  // by Begin
  // Null: nothing is to be decided.
  const Connection* likely_decider_ = nullptr;
  std::size_t depth_ = 0;
  bool prepared_ = false;
  std::unique_ptr<AtomicCommit> atomic_;  // from Prepare on
  std::vector<Committed> committed_;      // by those before
};

}  // namespace shard

#endif  // SHARD_SESSION_TRANSACTION_H_
