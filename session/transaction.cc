#include "shard/session/transaction.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/environment.h"
#include "shard/base/failpoint.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"
#include "shard/session/two_phase/decider_choice.h"
#include "shard/session/two_phase/recoverer.h"
#include "shard/session/two_phase/writer_check.h"

namespace shard {
namespace {

CommitMember MemberOf(Branch& branch) {
  CommitMember member;
  member.engine = &branch.engine();
  member.connection = &branch.connection();
  // A standby's share need not be asked, nor be there any more.
  member.work = member.connection->participant().cannot_have_written()
                    ? CommitMember::Work::kRead
                    : branch.work();
  return member;
}

// After the decision; only what keeps nothing can still fail.
bool IsCommitted(const CommitMember& member) {
  const bool pending = member.state == CommitMember::State::kPending;
  const bool lost = member.wrote() && !member.durable() && !member.error.ok();
  return !pending && !lost;
}

// Those of the shares, each once.
std::vector<Branch*> BranchesOf(const std::vector<Share*>& shares) {
  std::vector<Branch*> branches;
  for (const Share* share : shares) {
    Branch* const branch = &share->branch();
    if (std::find(branches.begin(), branches.end(), branch) == branches.end()) {
      branches.push_back(branch);
    }
  }
  return branches;
}

}  // namespace

absl::Status Transaction::CheckMayWrite(const std::vector<Share*>& shares) {
  SHARD_RETURN_IF_ERROR(CheckNotReadOnly());
  for (const Share* share : shares) {
    SHARD_RETURN_IF_ERROR(MayWrite(*share->bind().engine));
  }
  const bool stamped = options_.topology != nullptr;
  if (!options_.two_phase || (branches_.size() < 2 && !stamped)) {
    return absl::OkStatus();
  }
  SHARD_RETURN_IF_ERROR(RecordFollowers(shares));
  likely_decider_ = nullptr;
  if (branches_.size() < 2) return absl::OkStatus();  // nothing to agree on
  const std::vector<Branch*> writers = BranchesOf(shares);
  std::vector<CommitMember> members;
  for (const auto& branch : branches_) {
    if (!branch->open()) continue;
    members.push_back(MemberOf(*branch));
    const bool shall_write = std::find(writers.begin(), writers.end(),
                                       branch.get()) != writers.end();
    if (shall_write) members.back().work = CommitMember::Work::kWrote;
    if (!members.back().wrote())
      members.back().work = CommitMember::Work::kRead;
  }
  Identify(options_, members);
  SHARD_RETURN_IF_ERROR(CheckWriters(options_, members));
  NoteDecider(members);
  return absl::OkStatus();
}

absl::Status Transaction::MayWrite(const Engine& engine) const {
  SHARD_RETURN_IF_ERROR(engine.CheckMayWrite());
  if (options_.topology == nullptr) return absl::OkStatus();
  return options_.topology->CheckEpoch(options_.epoch);
}

void Transaction::NoteDecider(std::vector<CommitMember>& members) {
  if (members.size() < 2) return;
  const auto decider = ChooseDecider(members, options_);
  if (decider.ok() && *decider != nullptr) {
    likely_decider_ = (*decider)->connection;
  }
}

void Transaction::ExpectCommit(Share& share) {
  if (&share.connection() != likely_decider_) return;
  share.connection().participant().LookWithNext();
}

bool Transaction::InTopology(const Branch& branch) const {
  return options_.two_phase && options_.topology != nullptr &&
         !options_.topology->NameOf(&branch.engine()).empty();
}

absl::Status Transaction::RecordFollowers(const std::vector<Share*>& shares) {
  bool another_decides = AnotherMayDecide();
  std::vector<Branch*> files;
  for (Branch* branch : BranchesOf(shares)) {
    if (branch->announced() || !branch->open() || !InTopology(*branch))
      continue;
    if (branch->connection().participant().can_follow()) {
      files.push_back(branch);
    } else {
      branch->Announce();
    }
  }
  // The named one comes first, so that it decides.
  std::stable_partition(
      files.begin(), files.end(), [this](const Branch* branch) {
        return options_.topology->NameOf(&branch->engine()) == options_.decider;
      });
  for (Branch* branch : files) {
    if (std::exchange(another_decides, true)) {
      SHARD_RETURN_IF_ERROR(RecordFollower(*branch));
    }
    // Not before: a file that is not recorded yet, since it was locked, say,
    // must be when its write is tried again.
    branch->Announce();
  }
  return absl::OkStatus();
}

absl::Status Transaction::RecordFollower(Branch& branch) {
  const absl::StatusOr<bool> listed = options_.topology->EnsurePeers(
      &branch.engine(), IdentitiesThatMayDecide());
  if (!listed.ok()) return branch.Refused(listed.status());
  const bool has_read = branch.work() != CommitMember::Work::kRead;
  if (*listed && has_read) {
    return branch.Refused(absl::AbortedError(
        "the file has been changed since this transaction read from it: it "
        "lists now another one of the transaction, which it may follow, as it "
        "does once for each file; roll back, and try again"));
  }
  const absl::Status recorded = branch.connection().participant().Record();
  return recorded.ok() ? recorded : branch.Refused(recorded);
}

// The files that came before, and the named one, which may come yet.
std::vector<std::string> Transaction::IdentitiesThatMayDecide() const {
  const Topology& topology = *options_.topology;
  std::vector<std::string> identities;
  for (const auto& branch : branches_) {
    if (!branch->open() || !branch->announced() || !InTopology(*branch))
      continue;
    identities.push_back(
        topology.IdentityOf(topology.NameOf(&branch->engine())));
  }
  if (!options_.decider.empty()) {
    identities.push_back(topology.IdentityOf(options_.decider));
  }
  return identities;
}

// A file that may have been written to, and was not recorded.
bool Transaction::AnotherMayDecide() const {
  return std::any_of(
      branches_.begin(), branches_.end(), [](const auto& branch) {
        if (!branch->open() || !branch->announced()) return false;
        const Participant& participant = branch->connection().participant();
        return participant.can_follow() && !participant.recording();
      });
}

void Transaction::Poison(const absl::Status& error) {
  for (const auto& branch : branches_) {
    if (branch->open()) branch->Failed(error).IgnoreError();
  }
}

absl::Status Transaction::CheckHealthy() const {
  for (const auto& branch : branches_) {
    if (!branch->first_error().ok()) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the transaction can only be rolled back, since a statement failed: ",
          branch->first_error().message(), "; call Rollback()"));
    }
  }
  return absl::OkStatus();
}

absl::Status Transaction::CheckNotPrepared() const {
  if (!prepared_) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the session is prepared, so it can run no more SQL in this transaction; "
      "call Commit() or Rollback()");
}

// One database decides for itself.
bool Transaction::IsAtomic() const {
  return options_.two_phase && branches_.size() > 1;
}

// Where a database must not be written to: whether text, or a function that a
// SELECT called, has done so.
absl::Status Transaction::CheckHasNotWritten() {
  for (const auto& branch : branches_) {
    if (!branch->open()) continue;
    const absl::Status may_write = MayWrite(branch->engine());
    if (may_write.ok()) continue;
    Participant& participant = branch->connection().participant();
    SHARD_RETURN_IF_ERROR(participant.StartLook());
    SHARD_ASSIGN_OR_RETURN(const WorkDone done, participant.FinishLook());
    if (done.wrote) return may_write;
  }
  return absl::OkStatus();
}

void Transaction::MakeAtomic() {
  // Planned by a flush that was refused.
  std::erase_if(shares_, [](const auto& share) { return !share->open(); });
  std::erase_if(branches_, [](const auto& branch) { return !branch->open(); });
  std::vector<CommitMember> members;
  for (const auto& branch : branches_) members.push_back(MemberOf(*branch));
  atomic_ = std::make_unique<AtomicCommit>(&options_, std::move(members));
}

absl::Status Transaction::Prepare() {
  SHARD_RETURN_IF_ERROR(CheckNotPrepared());
  SHARD_RETURN_IF_ERROR(CheckInTime());
  SHARD_RETURN_IF_ERROR(CheckHealthy());
  MakeAtomic();
  const absl::Status status = atomic_->Prepare();
  if (status.ok()) {
    prepared_ = true;
  } else if (std::exchange(atomic_, nullptr)->open()) {
    return status;
  } else {
    End();
  }
  return status;
}

absl::StatusOr<CommitResult> Transaction::Commit() {
  if (!prepared_) SHARD_RETURN_IF_ERROR(CheckInTime());
  if (!prepared_ && !IsAtomic()) return CommitEach();
  if (!prepared_) SHARD_RETURN_IF_ERROR(Prepare());
  return CommitAtomically();
}

absl::StatusOr<CommitResult> Transaction::CommitAtomically() {
  LiftTimeLimits();
  const absl::Status status = atomic_->Commit();
  CommitResult result = ResultOf(*atomic_);
  if (status.ok() || InDoubtOf(status).has_value() ||
      AnswerLostOf(status).has_value()) {
    for (std::size_t i = 0; i < branches_.size(); ++i) {
      NoteCommitted(*branches_[i],
                    status.ok() && IsCommitted(atomic_->members()[i]));
    }
  }
  End();
  if (!status.ok()) return status;
  return result;
}

CommitResult Transaction::ResultOf(
    const std::vector<CommitShare>& branches) const {
  CommitResult result;
  for (const auto& share : shares_) {
    std::size_t i = 0;
    for (const auto& branch : branches_) {
      if (!branch->open()) continue;
      if (branch.get() == &share->branch()) {
        result.shares.push_back(branches[i]);
        result.shares.back().shard = share->bind().shard.name();
      }
      ++i;
    }
  }
  return result;
}

CommitResult Transaction::ResultOf(const AtomicCommit& commit) const {
  std::vector<CommitShare> branches;
  for (const CommitMember& member : commit.members()) {
    const bool committed = IsCommitted(member);
    branches.push_back({member.engine->name(), "", committed,
                        committed ? absl::OkStatus() : member.error,
                        member.state == CommitMember::State::kPending});
  }
  CommitResult result = ResultOf(branches);
  result.transaction = commit.transaction();
  return result;
}

absl::Status Transaction::CommitOne(Branch& branch) {
  Connection& connection = branch.connection();
  if (connection.participant().cannot_have_written() &&
      branch.joined() == nullptr) {
    branch.Commit().IgnoreError();  // of nothing
    return absl::OkStatus();
  }
  const bool was_lost_before = !connection.usable();
  connection.set_deadline(Now() + options_.resolve_timeout);
  FailPoint("plain.send");
  const absl::Status status = branch.Commit();
  FailPoint("plain.answered");
  connection.set_deadline(absl::InfiniteFuture());
  const bool sent_something = branch.work() != CommitMember::Work::kRead;
  // A timeout of the server's own is an answer, and it rolled back; ours would
  // have cost the connection.
  const bool answered = absl::IsDeadlineExceeded(status) && connection.usable();
  if (!MayHaveHappened(status) || answered || was_lost_before ||
      !sent_something) {
    return status;
  }
  std::string name;
  if (options_.topology != nullptr) {
    name = options_.topology->NameOf(&branch.engine());
  }
  return CommitAnswerLost({name.empty() ? branch.engine().name() : name},
                          status);
}

absl::StatusOr<CommitResult> Transaction::CommitEach() {
  SHARD_RETURN_IF_ERROR(CheckHasNotWritten());
  for (const auto& branch : branches_) {
    if (absl::Status ready = branch->CheckMayCommit(); !ready.ok()) {
      return branch->Refused(ready);
    }
  }
  LiftTimeLimits();
  std::vector<CommitShare> branches;
  absl::Status first_failure;
  bool some_written = false;
  for (const auto& branch : branches_) {
    if (!branch->open()) continue;
    CommitShare done{branch->engine().name(), "", false, {}, false};
    if (first_failure.ok()) {
      done.error = CommitOne(*branch);
      done.committed = done.error.ok();
      some_written =
          some_written || (done.committed && branch->may_have_written());
      const bool lost = !done.committed && MayHaveHappened(done.error);
      if (done.committed || lost) NoteCommitted(*branch, done.committed);
      if (!done.committed) first_failure = branch->Failed(done.error);
    } else {
      done.error =
          absl::AbortedError("rolled back, since another failed first");
    }
    branches.push_back(std::move(done));
  }
  CommitResult result = ResultOf(branches);
  End();  // rolls back what was not committed
  if (first_failure.ok()) return result;
  if (!some_written) return first_failure;
  return PartlyCommitted(result);
}

std::vector<const Engine*> Transaction::Close() {
  std::vector<const Engine*> left_open;
  // After an error half of a flush may be there, on any of them.
  const bool healthy = CheckHealthy().ok();
  for (const auto& branch : branches_) {
    if (healthy && branch->joined() != nullptr && branch->joined()->Leave()) {
      left_open.push_back(&branch->engine());
    }
  }
  Rollback();
  return left_open;
}

void Transaction::Rollback() {
  if (atomic_ != nullptr) atomic_->Rollback();
  End();
}

// The pools roll back what is open.
void Transaction::End() {
  const bool kept_back =
      options_.topology != nullptr &&
      std::any_of(branches_.begin(), branches_.end(), [](const auto& branch) {
        return absl::IsAborted(branch->first_error());
      });
  atomic_.reset();
  shares_.clear();
  branches_.clear();
  likely_decider_ = nullptr;
  depth_ = 0;
  prepared_ = false;
  begun_ = false;
  how_ = TransactionOptions();
  // What kept a writer back can be done now that the locks are given up.
  if (kept_back) {
    RecoveryOptions once = options_.recovery;
    once.background = false;
    Recoverer::Of(*options_.topology, once).RedoIfWanted(once);
  }
}

}  // namespace shard
