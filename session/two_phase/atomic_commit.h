// One commit over several databases: all of them or none.
#ifndef SHARD_SESSION_TWO_PHASE_ATOMIC_COMMIT_H_
#define SHARD_SESSION_TWO_PHASE_ATOMIC_COMMIT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/session/session_options.h"
#include "shard/session/two_phase/commit_member.h"
#include "shard/session/two_phase/gid.h"
#include "shard/session/two_phase/participant_list.h"

namespace shard {

// The coordinator's part of the protocol. There is no log of the coordinator's:
// the decision is a row in one of the databases, the decider, and is committed
// there together with the decider's own share of the work.
//
//   1. Those that wrote are found out. If it is one, it simply commits.
//   2. All but the decider prepare, in parallel. A file, which cannot, keeps
//   its
//      transaction open, and hands in what does its work again.
//   3. The decider adds the row, with that, and commits: that decides.
//   4. The others commit, in parallel. Then the row can go.
// What keeps nothing, a database in memory, commits last.
//
// Anyone may find a prepared share later and ask the decider (see settlement.h
// and recoverer.h). Known from Vitess (its metadata manager) and Narayana
// (commit-markable resources); checked as a model in tests/model.
//
// Not thread-safe; the options must outlive it.
class AtomicCommit {
 public:
  AtomicCommit(const SessionOptions* options,
               std::vector<CommitMember> members);

  // Steps 1 and 2. After an error all is rolled back, unless open() says that
  // nothing has been done: kFailedPrecondition and kUnimplemented for databases
  // that cannot be in one transaction, or not be written to. kAborted,
  // kUnavailable and others: a database could not prepare.
  absl::Status Prepare();
  // Steps 3 and 4, after Prepare. kAborted: recovery decided against it, or the
  // decider failed; all is rolled back. In doubt: see CommitInDoubt.
  // AnswerLostOf: only one database wrote, and its answer was lost.
  absl::Status Commit();
  // Instead of Commit.
  void Rollback();

  // The transactions on the databases are all as they were.
  bool open() const { return open_; }
  // What became of each, in the order given.
  const std::vector<CommitMember>& members() const { return members_; }
  // The gid of the whole, once it has one.
  const std::string& transaction() const { return list_.gid; }

 private:
  absl::Status Look();
  absl::Status LookAt(const std::vector<CommitMember*>& members);
  absl::Status NameBranches();
  absl::Status PrepareOthers();
  absl::Status Ready(CommitMember& member);
  absl::Status CheckRedoSize() const;
  absl::Status CommitOne();
  absl::Status CommitWriter(CommitMember& writer);
  absl::Status Decide();
  DecisionRow Row() const;
  absl::Status AskAgain(const absl::Status& lost);
  void Finish(absl::Time until);
  void TryAgain(const std::vector<CommitMember*>& members, absl::Time until);
  void FinishLater(CommitMember& member, absl::Time until);
  void CommitTheRest(absl::Time until);
  void Undo();

  // Those that wrote, and keep what they have.
  std::vector<CommitMember*> Writers();
  std::vector<CommitMember*> In(CommitMember::State state);
  void Tell(TwoPhaseStep step, const CommitMember& member,
            const absl::Status& status);

  const SessionOptions& options_;
  std::vector<CommitMember> members_;
  CommitMember* decider_ = nullptr;  // null when fewer than two wrote
  Gid gid_;                          // of the whole
  ParticipantList list_;
  bool open_ = true;
  absl::Time step_began_;
};

}  // namespace shard

#endif  // SHARD_SESSION_TWO_PHASE_ATOMIC_COMMIT_H_
