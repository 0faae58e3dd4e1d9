#include "shard/tests/simulation/sqlite_connection.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/session/two_phase/gid.h"
#include "shard/session/two_phase/participant_list.h"

namespace shard::testing {
namespace {

constexpr absl::Duration kBusyTimeout = absl::Milliseconds(300);

absl::Status Busy() {
  return absl::AbortedError("the file is locked by a writer");
}

// "<the tag it was written behind>,<tag>": as a changeset knows what a row was.
std::string RedoOf(const FileContents& before, int tag) {
  return absl::StrCat(before.tags.empty() ? 0 : before.tags.back(), ",", tag);
}

}  // namespace

SqliteSimulatedConnection::SqliteSimulatedConnection(World* world, Flaw flaw,
                                                     SqliteFile* file)
    : world_(*world), flaw_(flaw), file_(*file) {
  file_.Open();
}

SqliteSimulatedConnection::~SqliteSimulatedConnection() {
  file_.Unlock(this);
  file_.Close();
}

absl::Status SqliteSimulatedConnection::NoPrepare() {
  return absl::UnimplementedError("SQLite has no PREPARE TRANSACTION");
}

const std::string& SqliteSimulatedConnection::why_not_prepare() const {
  static const std::string& why_not =
      *new std::string("SQLite has no PREPARE TRANSACTION");
  return why_not;
}

void SqliteSimulatedConnection::Say(std::string_view what,
                                    const absl::Status& status) {
  world_.Note({file_.name(), ": ", what, ": ",
               status.ok() ? "OK" : absl::StatusCodeToString(status.code())});
}

// --- Transactions ---

absl::Status SqliteSimulatedConnection::TakeLock(absl::Duration patience) {
  if (draft_ != nullptr) return absl::OkStatus();
  if (!usable()) return absl::UnavailableError("the process is dead");
  world_.Step();
  if (!world_.WaitFor([this] { return file_.LockIsFree(); },
                      world_.Now() + patience)) {
    return Busy();
  }
  file_.Lock(this);
  draft_ = std::make_unique<FileContents>(file_.visible());
  world_.Step();
  return absl::OkStatus();
}

void SqliteSimulatedConnection::RollbackDraft() {
  draft_.reset();
  file_.Unlock(this);
  in_transaction_ = false;
  recording_ = false;
  redo_.clear();
  follows_ = false;
}

absl::Status SqliteSimulatedConnection::CommitDraft(bool sync) {
  absl::Status status;
  if (draft_ != nullptr) {
    status = file_.Commit(this, *std::move(draft_), sync);
  }
  RollbackDraft();
  return status;
}

absl::Status SqliteSimulatedConnection::StartWrite(int tag, int) {
  tag_ = tag;
  return absl::OkStatus();
}

absl::Status SqliteSimulatedConnection::FinishWrite() {
  if (!in_transaction_) return absl::AbortedError("no transaction is open");
  if (draft_ == nullptr) {
    SHARD_RETURN_IF_ERROR(TakeLock(kBusyTimeout));
    if (absl::Status passed = PassGate(); !passed.ok()) {
      Say("gate", passed);
      RollbackDraft();
      return passed;
    }
  }
  if (recording_) redo_ = RedoOf(*draft_, tag_);
  draft_->tags.push_back(tag_);
  Say(absl::StrCat("write ", tag_), absl::OkStatus());
  return absl::OkStatus();
}

// What it records must be what was there when it began, or a redo would find
// something else. So nothing may come to life in the log behind it.
absl::Status SqliteSimulatedConnection::CheckBase() {
  if (!file_.HasHiddenCommit() || flaw_ == Flaw::kFollowOverHidden) {
    return absl::OkStatus();
  }
  RollbackDraft();
  SHARD_RETURN_IF_ERROR(UnderWriteLock(kBusyTimeout, /*sync=*/true,
                                       [] { return absl::OkStatus(); }));
  return absl::AbortedError("another's COMMIT died half-way; try again");
}

absl::Status SqliteSimulatedConnection::PassGate() {
  if (recording_) SHARD_RETURN_IF_ERROR(CheckBase());
  if (fence_ == nullptr || flaw_ == Flaw::kOpenFence) return absl::OkStatus();
  if (!fence_->must_ask_peers() && !file_.marker().has_value()) {
    return absl::OkStatus();
  }
  return LookForMissing();
}

absl::Status SqliteSimulatedConnection::LookForMissing() {
  std::optional<FollowMarker> marker = file_.marker();
  world_.Step();
  if (marker.has_value() && !marker->txn.empty() &&
      contents().decisions.contains(marker->txn)) {
    file_.RemoveMarker();
    marker.reset();
  }
  if (!marker.has_value() && !fence_->must_ask_peers()) return absl::OkStatus();
  if (flaw_ == Flaw::kMarkersOnly && !marker.has_value()) {
    return absl::OkStatus();
  }
  SHARD_RETURN_IF_ERROR(fence_->Pass(*this, marker));
  if (marker.has_value()) file_.RemoveMarker();
  return absl::OkStatus();
}

absl::Status SqliteSimulatedConnection::StartScript(std::string_view sql) {
  script_ = sql;
  return absl::OkStatus();
}

absl::Status SqliteSimulatedConnection::FinishScript() {
  std::optional<World::Shield> shield;  // pools roll back in destructors
  if (script_ == "ROLLBACK") shield.emplace(&world_);
  if (!usable()) return absl::UnavailableError("the process is dead");
  if (script_ == "BEGIN") {
    in_transaction_ = true;
    return absl::OkStatus();
  }
  world_.Step();
  if (script_ == "ROLLBACK") {
    RollbackDraft();
    return absl::OkStatus();
  }
  if (script_ != "COMMIT") return NoSql();
  if (!in_transaction_) return absl::AbortedError("no transaction is open");
  const absl::Status status = CommitDraft(/*sync=*/true);
  Say("COMMIT", status);
  return status;
}

absl::Status SqliteSimulatedConnection::UnderWriteLock(
    absl::Duration patience, bool sync,
    const std::function<absl::Status()>& work) {
  SHARD_RETURN_IF_ERROR(TakeLock(patience));
  absl::Status status = work();
  if (status.ok()) status = CommitDraft(sync);
  if (!status.ok()) RollbackDraft();
  return status;
}

absl::StatusOr<WorkDone> SqliteSimulatedConnection::FinishLook() {
  return WorkDone{draft_ != nullptr, ""};
}

// --- The decider ---

void SqliteSimulatedConnection::AddRow(const DecisionRow& row) {
  draft_->decisions[row.txn] = {row, world_.Now()};
}

absl::Status SqliteSimulatedConnection::StartDecide(const DecisionRow& row) {
  row_ = row;
  return absl::OkStatus();
}

absl::Status SqliteSimulatedConnection::FinishDecide() {
  if (draft_ == nullptr) return absl::AbortedError("the transaction is over");
  world_.Step();
  if (draft_->decisions.contains(row_.txn)) {
    return absl::AlreadyExistsError("duplicate key in shard_decisions");
  }
  AddRow(row_);
  const absl::Status status = CommitDraft(/*sync=*/true);
  Say(absl::StrCat("decide ", row_.txn), status);
  return status;
}

// --- Followers ---

absl::Status SqliteSimulatedConnection::Record() {
  if (!in_transaction_ || draft_ != nullptr) {
    return absl::FailedPreconditionError("it has written already");
  }
  recording_ = true;
  return absl::OkStatus();
}

absl::Status SqliteSimulatedConnection::StartFollow(const DecisionRow& own,
                                                    std::size_t) {
  row_ = own;
  return absl::OkStatus();
}

absl::StatusOr<std::string> SqliteSimulatedConnection::FinishFollow() {
  if (draft_ == nullptr || !recording_) {
    return absl::FailedPreconditionError("the work was not recorded");
  }
  world_.Step();
  CheckListsDecider();
  DecisionRow own = row_;
  own.redo.clear();
  if (flaw_ != Flaw::kNoFollowerRow) AddRow(own);
  file_.WriteMarker({own.txn, own.participants});
  follows_ = true;
  Say(absl::StrCat("follow ", own.txn), absl::OkStatus());
  return redo_;
}

// What that leads to takes a loss of power at the right moment.
void SqliteSimulatedConnection::CheckListsDecider() {
  if (flaw_ == Flaw::kUnlistedDecider) return;  // that must be found
  const auto list = ParticipantList::FromJson(row_.participants);
  const auto gid = list.ok() ? Gid::Parse(list->gid) : list.status();
  if (gid.ok() && file_.ListsDurably(gid->decider)) return;
  world_.Violation(
      absl::StrCat(file_.name(), " follows whom it does not list"));
}

absl::Status SqliteSimulatedConnection::StartEnd(std::string_view,
                                                 Decision decision) {
  if (!follows_) return NoPrepare();
  ending_ = decision;
  return absl::OkStatus();
}

absl::Status SqliteSimulatedConnection::FinishEnd() {
  if (!usable()) return absl::UnavailableError("the process is dead");
  world_.Step();
  if (ending_ == Decision::kAbort) {
    file_.RemoveMarker();
    RollbackDraft();
    return absl::OkStatus();
  }
  const absl::Status status = CommitDraft(/*sync=*/true);
  Say("COMMIT of a follower", status);
  return status;
}

absl::StatusOr<RedoOutcome> SqliteSimulatedConnection::ApplyRedo(
    const DecisionRow& own, absl::Duration patience, const AskForRedo& ask,
    OnConflict on_conflict, std::vector<RedoConflict>* conflicts) {
  SHARD_RETURN_IF_ERROR(TakeLock(patience));
  absl::StatusOr<RedoOutcome> outcome =
      ApplyLocked(own, ask, on_conflict, conflicts);
  if (outcome.ok() && *outcome == RedoOutcome::kApplied &&
      on_conflict != OnConflict::kOnlyTry) {
    const absl::Status committed = CommitDraft(/*sync=*/true);
    if (!committed.ok()) outcome = committed;
  }
  RollbackDraft();
  Say(absl::StrCat(
          "redo ", own.txn,
          outcome.ok() && *outcome == RedoOutcome::kApplied ? " applied" : ""),
      outcome.status());
  return outcome;
}

absl::StatusOr<RedoOutcome> SqliteSimulatedConnection::ApplyLocked(
    const DecisionRow& own, const AskForRedo& ask, OnConflict on_conflict,
    std::vector<RedoConflict>* conflicts) {
  SHARD_ASSIGN_OR_RETURN(const std::optional<std::string> redo, ask());
  world_.Step();
  const bool found = draft_->decisions.contains(own.txn);
  if (redo.has_value() && !found) {
    const std::vector<std::string> parts = absl::StrSplit(*redo, ',');
    int before = 0, tag = 0;
    if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &before) ||
        !absl::SimpleAtoi(parts[1], &tag)) {
      return absl::DataLossError("the redo cannot be read");
    }
    const int last = draft_->tags.empty() ? 0 : draft_->tags.back();
    if (last != before && (on_conflict == OnConflict::kReport ||
                           on_conflict == OnConflict::kOnlyTry)) {
      conflicts->push_back({"tags", absl::StrCat(tag), "another came first"});
      return absl::FailedPreconditionError("the redo is in conflict");
    }
    if (on_conflict != OnConflict::kKeep) draft_->tags.push_back(tag);
    DecisionRow row = own;
    row.redo.clear();
    AddRow(row);
    return RedoOutcome::kApplied;
  }
  if (found) file_.SyncLog();
  if (file_.marker().has_value() && file_.marker()->txn == own.txn) {
    file_.RemoveMarker();
  }
  return found ? RedoOutcome::kThereAlready : RedoOutcome::kNotDecided;
}

absl::StatusOr<std::optional<FollowMarker>>
SqliteSimulatedConnection::ReadMarker() {
  world_.Step();
  return file_.marker();
}

absl::Status SqliteSimulatedConnection::ClearMarker(std::string_view txn) {
  const auto is_its = [&] {
    return file_.marker().has_value() && file_.marker()->txn == txn;
  };
  world_.Step();
  if (!is_its()) return absl::OkStatus();
  SHARD_RETURN_IF_ERROR(TakeLock(absl::ZeroDuration()));
  if (is_its() && draft_->decisions.contains(std::string(txn))) {
    file_.RemoveMarker();
  }
  RollbackDraft();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>>
SqliteSimulatedConnection::ListPeers() {
  const auto& peers = contents().peers;
  return std::vector<std::string>(peers.begin(), peers.end());
}

absl::StatusOr<bool> SqliteSimulatedConnection::AddPeers(
    const std::vector<std::string>& identities) {
  if (flaw_ == Flaw::kUnlistedDecider) return true;
  bool missing = false;
  for (const std::string& identity : identities) {
    missing = missing || !contents().peers.contains(identity);
  }
  if (!missing) {
    file_.SyncLog();
    return false;
  }
  SHARD_RETURN_IF_ERROR(UnderWriteLock(kBusyTimeout, /*sync=*/true, [&] {
    draft_->peers.insert(identities.begin(), identities.end());
    return absl::OkStatus();
  }));
  return true;
}

absl::Status SqliteSimulatedConnection::RemovePeers(
    const std::vector<std::string>& identities, absl::Duration patience) {
  return UnderWriteLock(patience, /*sync=*/true, [&] {
    for (const std::string& identity : identities) {
      draft_->peers.erase(identity);
    }
    return absl::OkStatus();
  });
}

// --- Decisions ---

absl::StatusOr<Decision> SqliteSimulatedConnection::Settle(
    const DecisionRow& row, std::string_view, absl::Duration patience) {
  Decision decision = Decision::kAbort;
  const auto look = [&] {
    const auto found = contents().decisions.find(row.txn);
    if (found != contents().decisions.end()) {
      decision = found->second.row.outcome;
    }
    return absl::OkStatus();
  };
  absl::Status status;
  if (flaw_ == Flaw::kSelectInsteadOfSettle) {
    status = look();
  } else {
    status = UnderWriteLock(patience, flaw_ != Flaw::kTrustUnsynced, look);
  }
  Say(absl::StrCat("settle ", row.txn), status);
  SHARD_RETURN_IF_ERROR(status);
  return decision;
}

absl::Status SqliteSimulatedConnection::PutDecision(const DecisionRow& row,
                                                    std::string_view,
                                                    absl::Duration patience) {
  return UnderWriteLock(patience, /*sync=*/true, [&]() -> absl::Status {
    const auto found = draft_->decisions.find(row.txn);
    if (found == draft_->decisions.end()) {
      AddRow(row);
    } else if (found->second.row.outcome != row.outcome) {
      return absl::AlreadyExistsError("it is decided already");
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<std::optional<DecisionRow>>
SqliteSimulatedConnection::FindDecision(std::string_view txn) {
  world_.Step();
  const auto found = contents().decisions.find(std::string(txn));
  if (found == contents().decisions.end()) return std::nullopt;
  return found->second.row;
}

absl::StatusOr<std::vector<DecisionRow>>
SqliteSimulatedConnection::ListDecisions() {
  if (!usable()) return absl::UnavailableError("the process is dead");
  world_.Step();
  std::vector<DecisionRow> rows;
  for (const auto& [txn, decided] : contents().decisions) {
    rows.push_back(decided.row);
    rows.back().redo.clear();
    rows.back().age = world_.Now() - decided.at;
  }
  return rows;
}

absl::Status SqliteSimulatedConnection::DeleteDecisions(
    const std::vector<std::string>& txns, absl::Duration patience) {
  const absl::Status status = UnderWriteLock(patience, /*sync=*/false, [&] {
    for (const std::string& txn : txns) draft_->decisions.erase(txn);
    return absl::OkStatus();
  });
  Say(absl::StrCat("DELETE decisions ", txns.size()), status);
  return status;
}

absl::Status SqliteSimulatedConnection::SyncDecisions() {
  file_.SyncLog();
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Stamp>> SqliteSimulatedConnection::ReadStamp() {
  return file_.stamp();
}

absl::StatusOr<Stamp> SqliteSimulatedConnection::PutStamp(const Stamp&) {
  return absl::AlreadyExistsError("simulated databases have their stamps");
}

absl::StatusOr<std::unique_ptr<Connection>> SqliteSimulatedOpener::Open() {
  if (!world_.may_go_on()) return absl::UnavailableError("the process is dead");
  world_.Step();
  return std::make_unique<SqliteSimulatedConnection>(&world_, flaw_, &file_);
}

}  // namespace shard::testing
