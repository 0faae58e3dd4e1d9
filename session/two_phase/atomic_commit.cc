#include "shard/session/two_phase/atomic_commit.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "shard/base/environment.h"
#include "shard/base/failpoint.h"
#include "shard/base/random_hex.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/participant.h"
#include "shard/session/commit_result.h"
#include "shard/session/fan_out.h"
#include "shard/session/two_phase/decider_choice.h"
#include "shard/session/two_phase/follower.h"
#include "shard/session/two_phase/recoverer.h"
#include "shard/session/two_phase/redo_list.h"
#include "shard/session/two_phase/settlement.h"
#include "shard/session/two_phase/writer_check.h"

namespace shard {
namespace {

using State = CommitMember::State;
using Work = CommitMember::Work;

Participant& ParticipantOf(CommitMember& member) {
  return member.connection->participant();
}

// The same piece of work on each member at once, to a time at most. Statuses
// come back in the order of the members.
std::vector<absl::Status> OnEach(
    const std::vector<CommitMember*>& members, absl::Time deadline,
    const std::function<absl::Status(CommitMember&)>& start,
    const std::function<absl::Status(CommitMember&)>& finish) {
  std::vector<FanOutTask> tasks;
  tasks.reserve(members.size());
  for (CommitMember* member : members) {
    member->connection->set_deadline(deadline);
    tasks.push_back({member->connection,
                     [&start, member] { return start(*member); },
                     [&finish, member] { return finish(*member); },
                     {}});
  }
  FanOut(absl::MakeSpan(tasks)).IgnoreError();  // each has its own
  std::vector<absl::Status> statuses;
  for (std::size_t i = 0; i < members.size(); ++i) {
    members[i]->connection->set_deadline(absl::InfiniteFuture());
    statuses.push_back(std::move(tasks[i].status));
  }
  return statuses;
}

absl::Status On(const CommitMember& member, const absl::Status& status) {
  return Annotate(status, absl::StrCat("'", member.name, "'"));
}

// The share was prepared. If it is not there any more, recovery was faster, and
// ended it as was decided.
absl::Status UnlessGone(const absl::Status& ended) {
  return absl::IsNotFound(ended) ? absl::OkStatus() : ended;
}

}  // namespace

AtomicCommit::AtomicCommit(const SessionOptions* options,
                           std::vector<CommitMember> members)
    : options_(*options), members_(std::move(members)) {}

absl::Status AtomicCommit::Prepare() {
  Identify(options_, members_);
  SHARD_RETURN_IF_ERROR(Look());
  SHARD_RETURN_IF_ERROR(CheckWriters(options_, members_));
  for (CommitMember& member : members_) {
    if (!member.wrote() || member.durable()) continue;
    // After the decision it will be too late to refuse.
    SHARD_RETURN_IF_ERROR(On(member, ParticipantOf(member).CheckMayCommit()));
  }
  if (decider_ == nullptr) return absl::OkStatus();
  SHARD_RETURN_IF_ERROR(NameBranches());
  return PrepareOthers();
}

// Finds out who wrote, and the number that the decider gives the transaction,
// in one round if possible: who would decide if all had written is asked too.
absl::Status AtomicCommit::Look() {
  const auto guess = ChooseDecider(members_, options_);
  decider_ = guess.ok() ? *guess : nullptr;
  std::vector<CommitMember*> unknown;
  for (CommitMember& member : members_) {
    if (member.work == Work::kUnknown || &member == decider_) {
      unknown.push_back(&member);
    }
  }
  SHARD_RETURN_IF_ERROR(LookAt(unknown));
  const CommitMember* const looked_at = decider_;
  SHARD_ASSIGN_OR_RETURN(decider_, ChooseDecider(members_, options_));
  if (Writers().size() < 2) {
    decider_ = nullptr;
    return absl::OkStatus();
  }
  return decider_ == looked_at ? absl::OkStatus() : LookAt({decider_});
}

absl::Status AtomicCommit::LookAt(const std::vector<CommitMember*>& members) {
  const auto statuses = OnEach(
      members, Now() + options_.prepare_timeout,
      [](CommitMember& member) {
        FailPoint("look.send");
        return ParticipantOf(member).StartLook();
      },
      [](CommitMember& member) -> absl::Status {
        SHARD_ASSIGN_OR_RETURN(const WorkDone done,
                               ParticipantOf(member).FinishLook());
        FailPoint("look.answered");
        member.work = done.wrote ? Work::kWrote : Work::kRead;
        member.number = done.number;
        return absl::OkStatus();
      });
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (statuses[i].ok()) continue;
    Undo();
    return On(*members[i], statuses[i]);
  }
  return absl::OkStatus();
}

absl::Status AtomicCommit::NameBranches() {
  SHARD_ASSIGN_OR_RETURN(gid_.txn, RandomHex(16));
  gid_.cluster = options_.topology->cluster();
  gid_.decider = decider_->identity;
  gid_.number = decider_->number.empty() ? "0" : decider_->number;
  list_.gid = gid_.Transaction();
  std::uint32_t branch = 0;
  for (CommitMember* writer : Writers()) {
    if (writer == decider_) continue;
    Gid gid = gid_;
    gid.branch = ++branch;
    writer->gid = gid.ToString();
    writer->follows = !writer->can_prepare();
    auto& list = writer->follows ? list_.followers : list_.prepared;
    list.push_back({writer->name, writer->identity, writer->gid});
  }
  return absl::OkStatus();
}

absl::Status AtomicCommit::PrepareOthers() {
  open_ = false;
  step_began_ = Now();
  std::vector<CommitMember*> others;
  for (CommitMember* writer : Writers()) {
    if (writer != decider_) others.push_back(writer);
  }
  const auto statuses = OnEach(
      others, step_began_ + options_.prepare_timeout,
      [this](CommitMember& member) {
        FailPoint("prepare.send");
        Participant& participant = ParticipantOf(member);
        const absl::Status sent =
            member.follows ? participant.StartFollow(FollowerRow(gid_),
                                                     options_.max_redo_bytes)
                           : participant.StartPrepare(member.gid);
        FailPoint("prepare.sent");
        return sent;
      },
      [this](CommitMember& member) {
        const absl::Status ready = Ready(member);
        FailPoint("prepare.answered");
        return ready;
      });
  absl::Status first;
  for (std::size_t i = 0; i < others.size(); ++i) {
    others[i]->state = statuses[i].ok() ? State::kPrepared : State::kOver;
    others[i]->error = statuses[i];
    Tell(TwoPhaseStep::kPrepare, *others[i], statuses[i]);
    if (first.ok() && !statuses[i].ok()) first = On(*others[i], statuses[i]);
  }
  if (first.ok()) first = CheckRedoSize();
  if (!first.ok()) Undo();
  return first;
}

absl::Status AtomicCommit::Ready(CommitMember& member) {
  if (!member.follows) return ParticipantOf(member).FinishPrepare();
  SHARD_ASSIGN_OR_RETURN(member.redo, ParticipantOf(member).FinishFollow());
  return absl::OkStatus();
}

absl::Status AtomicCommit::CheckRedoSize() const {
  std::size_t size = 0;
  for (const CommitMember& member : members_) size += member.redo.size();
  if (size <= options_.max_redo_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("what would do the work of ", list_.followers.size(),
                   " files again takes ", size,
                   " bytes, and max_redo_bytes is ", options_.max_redo_bytes,
                   "; write it in several transactions, or raise the limit"));
}

absl::Status AtomicCommit::Commit() {
  open_ = false;
  if (decider_ == nullptr) return CommitOne();
  SHARD_RETURN_IF_ERROR(Decide());
  const absl::Time until = Now() + options_.finish_timeout;
  Finish(until);
  CommitTheRest(until);
  return absl::OkStatus();
}

// At most one wrote: there is nothing to agree on.
absl::Status AtomicCommit::CommitOne() {
  for (CommitMember* writer : Writers()) {
    const absl::Status status = CommitWriter(*writer);
    if (!status.ok()) {
      writer->error = On(*writer, status);
      Undo();
      return writer->error;
    }
    writer->state = State::kCommitted;
  }
  CommitTheRest(Now() + options_.finish_timeout);
  return absl::OkStatus();
}

absl::Status AtomicCommit::CommitWriter(CommitMember& writer) {
  const bool was_lost_before = !writer.connection->usable();
  const absl::Status status = OnEach(
      {&writer}, Now() + options_.resolve_timeout,
      [](CommitMember& member) {
        FailPoint("one.send");
        return member.connection->StartScript("COMMIT");
      },
      [](CommitMember& member) {
        const absl::Status committed = member.connection->FinishScript();
        FailPoint("one.answered");
        return committed;
      })[0];
  if (!MayHaveHappened(status) || was_lost_before) return status;
  if (!writer.number.empty()) {
    const auto fate = FateUntil(*writer.engine, writer.number,
                                Now() + options_.resolve_timeout);
    // "Committed" may be said of another transaction: a server that crashed
    // gives out again the numbers of those that it lost.
    if (fate.ok() && *fate == TransactionFate::kAborted) {
      return absl::AbortedError(
          "the connection was lost, and the transaction rolled back");
    }
  }
  return CommitAnswerLost({writer.name}, status);
}

absl::Status AtomicCommit::Decide() {
  step_began_ = Now();
  const DecisionRow row = Row();
  Participant& participant = ParticipantOf(*decider_);
  absl::Status status = OnEach(
      {decider_}, step_began_ + options_.resolve_timeout,
      [&](CommitMember&) {
        FailPoint("decide.send");
        const absl::Status sent = participant.StartDecide(row);
        FailPoint("decide.sent");
        return sent;
      },
      [&](CommitMember&) {
        const absl::Status decided = participant.FinishDecide();
        FailPoint("decide.answered");
        return decided;
      })[0];
  Tell(TwoPhaseStep::kDecide, *decider_, status);
  if (MayHaveHappened(status)) {
    status = AskAgain(status);
    if (InDoubtOf(status).has_value()) return status;
  } else if (absl::IsAlreadyExists(status)) {
    status = absl::AbortedError(
        "recovery decided against this transaction while it was being "
        "prepared; it was rolled back everywhere, try again");
  }
  if (status.ok()) {
    decider_->state = State::kCommitted;
    return status;
  }
  decider_->error = On(*decider_, status);
  Undo();
  return decider_->error;
}

DecisionRow AtomicCommit::Row() const {
  DecisionRow row;
  row.txn = gid_.txn;
  row.outcome = Decision::kCommit;
  row.participants = list_.ToJson();
  std::vector<RedoEntry> redo;
  for (const CommitMember& member : members_) {
    if (member.follows) redo.push_back({member.identity, member.redo});
  }
  row.redo = EncodeRedoList(redo);
  return row;
}

// The decider was lost with the COMMIT on its way.
absl::Status AtomicCommit::AskAgain(const absl::Status& lost) {
  // Its write lock, or backend, must not outlive the question.
  if (decider_->connection->usable()) {
    decider_->connection->Rollback().IgnoreError();
  }
  const absl::StatusOr<Decision> decision =
      Settle(*decider_->engine, gid_, list_, Now() + options_.resolve_timeout);
  Tell(TwoPhaseStep::kSettle, *decider_, decision.status());
  if (!decision.ok()) {
    Recoverer::Of(*options_.topology, options_.recovery).Hurry();
    return CommitInDoubt({list_.gid, decider_->name}, decision.status());
  }
  if (*decision == Decision::kCommit) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat(
      "the database was lost before it had committed, and the transaction was "
      "rolled back everywhere: ",
      lost.message()));
}

void AtomicCommit::Finish(absl::Time until) {
  Recoverer& recoverer = Recoverer::Of(*options_.topology, options_.recovery);
  std::vector<CommitMember*> prepared = In(State::kPrepared);
  step_began_ = Now();
  bool all = true;
  if (options_.decision == DecisionMode::kAfterDecision) {
    // A file's transaction is open here, and only here can it be committed.
    std::erase_if(prepared, [&](CommitMember* member) {
      if (member->follows) return false;
      member->state = State::kPending;
      Tell(TwoPhaseStep::kPending, *member, absl::OkStatus());
      all = false;
      return true;
    });
  }
  // All are waited for together: one that gives no answer must leave time to
  // try those again that failed at once.
  const auto statuses = OnEach(
      prepared, step_began_ + (until - step_began_) / 2,
      [](CommitMember& member) {
        FailPoint("commit.send");
        const absl::Status sent =
            ParticipantOf(member).StartEnd(member.gid, Decision::kCommit);
        FailPoint("commit.sent");
        return sent;
      },
      [](CommitMember& member) {
        const absl::Status ended = ParticipantOf(member).FinishEnd();
        FailPoint("commit.answered");
        return UnlessGone(ended);
      });
  std::vector<CommitMember*> failed;
  for (std::size_t i = 0; i < prepared.size(); ++i) {
    prepared[i]->state = State::kCommitted;
    prepared[i]->error = statuses[i];
    if (statuses[i].ok()) continue;
    prepared[i]->state = State::kPending;
    failed.push_back(prepared[i]);
  }
  TryAgain(failed, until);
  for (const CommitMember* member : prepared) {
    const bool pending = member->state == State::kPending;
    all = all && !pending;
    Tell(pending ? TwoPhaseStep::kPending : TwoPhaseStep::kCommit, *member,
         member->error);
  }
  if (!all) return recoverer.Hurry();
  ConfirmedDecision confirmed{gid_.txn, {}};
  for (const CommitMember* member : prepared) {
    if (member->follows) confirmed.followers.push_back(member->engine);
  }
  recoverer.Confirmed(decider_->engine, std::move(confirmed),
                      *decider_->connection);
}

// Each has all the time that is left, which is half of it at least: here one
// that is dead takes none of the others'.
void AtomicCommit::TryAgain(const std::vector<CommitMember*>& members,
                            absl::Time until) {
  if (Now() >= until) return;
  std::vector<std::function<void()>> tasks;
  for (CommitMember* member : members) {
    tasks.emplace_back([this, member, until] { FinishLater(*member, until); });
  }
  RunSideBySide(tasks);
}

void AtomicCommit::FinishLater(CommitMember& member, absl::Time until) {
  member.error =
      member.follows
          ? RedoUntil(*member.engine, *decider_->engine,
                      {gid_, member.identity, options_.recovery.patience},
                      until)
          : EndPrepared(*member.engine, member.gid, Decision::kCommit, until);
  member.state = member.error.ok() ? State::kCommitted : State::kPending;
}

void AtomicCommit::Rollback() {
  open_ = false;
  Undo();
}

// Rolls back whatever can be. What stays prepared, since its database cannot be
// reached, recovery rolls back: the decider's share, and so a decision to
// commit, can never come now.
void AtomicCommit::Undo() {
  open_ = false;
  step_began_ = Now();
  std::vector<CommitMember*> to_end;
  for (CommitMember& member : members_) {
    const bool open =
        member.state == State::kOpen && member.connection->usable();
    if (open || member.state == State::kPrepared) to_end.push_back(&member);
  }
  const auto statuses = OnEach(
      to_end, step_began_ + options_.finish_timeout,
      [](CommitMember& member) {
        FailPoint("rollback.send");
        return member.state == State::kPrepared
                   ? ParticipantOf(member).StartEnd(member.gid,
                                                    Decision::kAbort)
                   : member.connection->StartScript("ROLLBACK");
      },
      [](CommitMember& member) {
        const absl::Status ended =
            member.state == State::kPrepared
                ? UnlessGone(ParticipantOf(member).FinishEnd())
                : member.connection->FinishScript();
        FailPoint("rollback.answered");
        return ended;
      });
  bool left_prepared = false;
  for (std::size_t i = 0; i < to_end.size(); ++i) {
    if (decider_ != nullptr) {
      Tell(TwoPhaseStep::kRollback, *to_end[i], statuses[i]);
    }
    left_prepared = left_prepared ||
                    (to_end[i]->state == State::kPrepared && !statuses[i].ok());
    to_end[i]->state = State::kOver;
  }
  // Also a share whose answer to PREPARE was lost may be prepared.
  for (const CommitMember& member : members_) {
    left_prepared =
        left_prepared || (!member.gid.empty() && MayHaveHappened(member.error));
  }
  if (left_prepared) {
    Recoverer::Of(*options_.topology, options_.recovery).Hurry();
  }
}

// Readers stayed open until the decision, so that what they read held until
// then. What keeps nothing commits now: it has been asked whether it can. A
// reader for whom no time is left loses its connection, and nothing else.
void AtomicCommit::CommitTheRest(absl::Time until) {
  std::vector<CommitMember*> open = In(State::kOpen);
  std::erase_if(
      open, [](CommitMember* member) { return !member->connection->usable(); });
  const auto statuses = OnEach(
      open, until,
      [](CommitMember& member) {
        FailPoint("rest.send");
        return member.connection->StartScript("COMMIT");
      },
      [](CommitMember& member) {
        const absl::Status committed = member.connection->FinishScript();
        FailPoint("rest.answered");
        return committed;
      });
  for (std::size_t i = 0; i < open.size(); ++i) {
    open[i]->state =
        open[i]->wrote() && statuses[i].ok() ? State::kCommitted : State::kOver;
    if (open[i]->wrote()) open[i]->error = statuses[i];
  }
}

std::vector<CommitMember*> AtomicCommit::Writers() {
  std::vector<CommitMember*> writers;
  for (CommitMember& member : members_) {
    if (member.wrote() && member.durable()) writers.push_back(&member);
  }
  return writers;
}

std::vector<CommitMember*> AtomicCommit::In(State state) {
  std::vector<CommitMember*> found;
  for (CommitMember& member : members_) {
    if (member.state == state) found.push_back(&member);
  }
  return found;
}

void AtomicCommit::Tell(TwoPhaseStep step, const CommitMember& member,
                        const absl::Status& status) {
  if (!options_.on_two_phase) return;
  options_.on_two_phase(
      {step, list_.gid, member.name, status, Now() - step_began_});
}

}  // namespace shard
