#include "shard/dialects/sqlite/sqlite_participant.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/base/failpoint.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_decisions.h"
#include "shard/dialects/sqlite/sqlite_inspection.h"
#include "shard/dialects/sqlite/sqlite_log.h"
#include "shard/dialects/sqlite/sqlite_peers.h"
#include "shard/dialects/sqlite/sqlite_recording.h"
#include "shard/dialects/sqlite/sqlite_redo.h"
#include "shard/dialects/sqlite/sqlite_settings.h"
#include "shard/dialects/sqlite/sqlite_stamp.h"

namespace shard {
namespace {

constexpr char kWhyNotPrepare[] = "SQLite has no PREPARE TRANSACTION";

absl::Status CannotPrepare() {
  return absl::UnimplementedError(
      absl::StrCat(kWhyNotPrepare, "; a file can only decide, by StartDecide"));
}

// The same error under another code, with words in front.
absl::Status WithCode(absl::StatusCode code, std::string_view where,
                      const absl::Status& status) {
  const absl::Status annotated = Annotate(status, where);
  absl::Status changed(code, annotated.message());
  annotated.ForEachPayload(
      [&changed](absl::string_view type, const absl::Cord& payload) {
        changed.SetPayload(type, payload);
      });
  return changed;
}

// An error of FinishDecide after which the work is certainly not committed.
// kUnavailable would send the caller to Settle for nothing.
absl::Status NotCommitted(const absl::Status& status) {
  constexpr std::string_view kWhere = "the decision is not committed";
  return absl::IsUnavailable(status)
             ? WithCode(absl::StatusCode::kAborted, kWhere, status)
             : Annotate(status, kWhere);
}

}  // namespace

SqliteParticipant::SqliteParticipant(Connection* connection,
                                     SqliteDatabase* database,
                                     SqliteCursorList* cursors)
    : connection_(*connection),
      database_(*database),
      cursors_(*cursors),
      decisions_(connection),
      gate_(connection, database) {}

void SqliteParticipant::TransactionEnded() {
  gate_.TransactionEnded();
  recording_.reset();
  follows_.clear();
}

const std::string& SqliteParticipant::why_not_prepare() const {
  static const std::string& why_not = *new std::string(kWhyNotPrepare);
  return why_not;
}

std::string SqliteParticipant::location() const {
  const char* const path = sqlite3_db_filename(database_.handle(), "main");
  struct stat file;
  if (path == nullptr || *path == '\0' || stat(path, &file) != 0) return "";
  return absl::StrCat("file ", file.st_dev, ":", file.st_ino);
}

bool SqliteParticipant::durable() const {
  const char* file = sqlite3_db_filename(database_.handle(), "main");
  return file != nullptr && *file != '\0';
}

absl::Status SqliteParticipant::CheckMayCommit() {
  if (!database_.in_transaction()) {
    return absl::AbortedError(
        "the transaction is over; SQLite has rolled it back upon an earlier "
        "error");
  }
  int outstanding = 0;
  int highest = 0;
  sqlite3_db_status(database_.handle(), SQLITE_DBSTATUS_DEFERRED_FKS,
                    &outstanding, &highest, 0);
  if (outstanding == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "a deferred foreign key is violated, so COMMIT would be refused; add the "
      "missing parent row, or delete the child row");
}

absl::StatusOr<WorkDone> SqliteParticipant::FinishLook() {
  // Null: of all schemas. What was written to an attached file counts too.
  const int state = sqlite3_txn_state(database_.handle(), nullptr);
  return WorkDone{.wrote = state >= SQLITE_TXN_WRITE, .number = ""};
}

absl::Status SqliteParticipant::StartPrepare(std::string_view) {
  return CannotPrepare();
}

absl::Status SqliteParticipant::FinishPrepare() { return CannotPrepare(); }

absl::Status SqliteParticipant::StartDecide(const DecisionRow& row) {
  deciding_ = row;
  return absl::OkStatus();
}

absl::Status SqliteParticipant::FinishDecide() {
  const DecisionRow row = std::exchange(deciding_, DecisionRow());
  const absl::Status status = AddDecision(row);
  if (!status.ok()) return NotCommitted(status);
  FailPoint("decide.row");
  return CommitDecision();
}

absl::Status SqliteParticipant::AddDecision(const DecisionRow& row) {
  SHARD_RETURN_IF_ERROR(CheckMayDecide());
  return decisions_.Add(row);
}

absl::Status SqliteParticipant::CheckMayDecide() {
  sqlite3* const handle = database_.handle();
  if (!database_.in_transaction()) {
    // The row alone would commit by itself, without the work.
    return absl::AbortedError(
        "the transaction is over; SQLite has rolled it back upon an earlier "
        "error");
  }
  if (sqlite3_txn_state(handle, "main") < SQLITE_TXN_WRITE) {
    // Whoever settles reads from the lock that the transaction is alive.
    return absl::FailedPreconditionError(
        "the transaction has not written to the file; only one that has may "
        "decide");
  }
  // 0 is main, 1 is temp.
  for (int i = 2; const char* name = sqlite3_db_name(handle, i); ++i) {
    if (sqlite3_txn_state(handle, name) < SQLITE_TXN_WRITE) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "the transaction wrote to the attached database '", name,
        "' too, and SQLite commits one file after the other; make it a shard "
        "of its own"));
  }
  return CheckCommitsAreDurable(database_);
}

absl::Status SqliteParticipant::CommitDecision() {
  const absl::Status status = connection_.Commit();
  if (status.ok()) return status;
  if (connection_.in_transaction()) {
    // Refused before anything was written: a deferred foreign key, mostly.
    connection_.Rollback().IgnoreError();
    return NotCommitted(status);
  }
  // SQLite gave up half-way and rolled back. When it had come as far as the
  // sync of its log, COMMIT is in the log all the same, and whoever reads the
  // log after a crash would find it.
  return WithCode(absl::StatusCode::kUnavailable,
                  "it is not known whether the decision is committed; Settle "
                  "finds out",
                  status);
}

absl::Status SqliteParticipant::Record() {
  if (!connection_.in_transaction() ||
      sqlite3_txn_state(database_.handle(), nullptr) >= SQLITE_TXN_WRITE) {
    return absl::FailedPreconditionError(
        "the file's work can be recorded from the first write of a "
        "transaction on, not later");
  }
  SHARD_ASSIGN_OR_RETURN(recording_, SqliteRecording::Start(&database_));
  gate_.ExpectRecording();
  return absl::OkStatus();
}

absl::Status SqliteParticipant::StartFollow(const DecisionRow& own,
                                            std::size_t max_redo_bytes) {
  following_ = own;
  max_redo_bytes_ = max_redo_bytes;
  return absl::OkStatus();
}

absl::StatusOr<std::string> SqliteParticipant::FinishFollow() {
  const DecisionRow own = std::exchange(following_, DecisionRow());
  if (recording_ == nullptr) {
    return absl::FailedPreconditionError(
        "the file's work was not recorded, or its transaction is over; SQLite "
        "rolls back by itself upon some errors");
  }
  // As at COMMIT, a cursor over RETURNING would count as a writer at work.
  cursors_.EndTransaction();
  SHARD_RETURN_IF_ERROR(CheckCommitsAreDurable(database_));
  SHARD_ASSIGN_OR_RETURN(std::string redo, recording_->Finish(max_redo_bytes_));
  recording_.reset();  // what follows is no part of the work
  SHARD_RETURN_IF_ERROR(AddOwnRow(own));
  FailPoint("follow.row");
  SHARD_RETURN_IF_ERROR(gate_.marker().Write({own.txn, own.participants}));
  FailPoint("follow.marked");
  follows_ = own.txn;
  return redo;
}

absl::Status SqliteParticipant::AddOwnRow(const DecisionRow& own) {
  const SqliteGate::Exemption ours(&gate_);
  DecisionRow row = own;
  row.redo.clear();  // the decider keeps it
  return decisions_.Add(row);
}

absl::Status SqliteParticipant::StartEnd(std::string_view, Decision decision) {
  if (follows_.empty()) return CannotPrepare();
  ending_ = decision;
  return absl::OkStatus();
}

absl::Status SqliteParticipant::FinishEnd() {
  if (follows_.empty()) return CannotPrepare();
  if (ending_ == Decision::kCommit) {
    std::string txn = follows_;  // the end of the transaction clears it
    const absl::Status status = connection_.Commit();
    // The marker stays until the row goes: the next writer finds that. After an
    // error whoever gets the lock does the work again.
    if (status.ok()) {
      gate_.NoteSettled(std::move(txn));
    } else {
      connection_.Rollback().IgnoreError();
    }
    return status;
  }
  // While the lock is still held; nobody need be asked about it then.
  gate_.marker().Remove().IgnoreError();
  FailPoint("follow.unmarked");
  return connection_.Rollback();
}

absl::StatusOr<std::vector<PreparedTransaction>>
SqliteParticipant::ListPrepared(std::string_view) {
  return std::vector<PreparedTransaction>();
}

absl::StatusOr<TransactionFate> SqliteParticipant::FateOf(std::string_view) {
  return absl::UnimplementedError(absl::StrCat(
      "SQLite gives transactions no numbers, and ", kWhyNotPrepare));
}

// Holding the write lock is the answer: the owner holds it from its first write
// until the end of its COMMIT, which carries the row. Whoever has the lock and
// finds no row knows that the owner's transaction is gone for good, and needs
// to leave no row against it.
//
// But for one thing. An owner that died, or got an error, between writing its
// COMMIT to the log and publishing it has left a COMMIT that readers do not
// see, and that the next recovery of the log brings to life. The other way
// round, a COMMIT that such a recovery has brought to life need not be on disk
// yet. So the answer waits for a small durable COMMIT of its own: it overwrites
// the first and syncs the second.
absl::StatusOr<Decision> SqliteParticipant::Settle(const DecisionRow& row,
                                                   std::string_view,
                                                   absl::Duration patience) {
  Decision decision = Decision::kAbort;
  SHARD_RETURN_IF_ERROR(UnderWriteLock(patience, [&]() -> absl::Status {
    SHARD_ASSIGN_OR_RETURN(const std::optional<DecisionRow> found,
                           decisions_.Find(row.txn));
    if (found.has_value()) decision = found->outcome;
    return absl::OkStatus();
  }));
  return decision;
}

absl::Status SqliteParticipant::PutDecision(const DecisionRow& row,
                                            std::string_view,
                                            absl::Duration patience) {
  return UnderWriteLock(patience, [&]() -> absl::Status {
    SHARD_ASSIGN_OR_RETURN(const std::optional<DecisionRow> found,
                           decisions_.Find(row.txn));
    if (!found.has_value()) return decisions_.Add(row);
    if (found->outcome == row.outcome) return absl::OkStatus();
    return absl::AlreadyExistsError(
        absl::StrCat("transaction ", row.txn, " is decided already, to ",
                     found->outcome == Decision::kCommit ? "commit" : "abort"));
  });
}

absl::Status SqliteParticipant::UnderWriteLock(
    absl::Duration patience, const std::function<absl::Status()>& work) {
  const SqliteGate::Exemption ours(&gate_);
  SHARD_RETURN_IF_ERROR(TakeWriteLock(patience));
  absl::Status status = CheckCommitsAreDurable(database_);
  if (status.ok()) status = work();
  if (status.ok()) status = decisions_.Touch();
  if (status.ok()) status = connection_.Commit();
  if (!status.ok()) connection_.Rollback().IgnoreError();
  return status;
}

absl::Status SqliteParticipant::TakeWriteLock(absl::Duration patience) {
  SHARD_ASSIGN_OR_RETURN(const std::string before,
                         ReadSqliteSetting(database_, "busy_timeout"));
  sqlite3_busy_timeout(database_.handle(), SqliteMilliseconds(patience));
  const absl::Status status = connection_.ExecuteScript("BEGIN IMMEDIATE");
  SHARD_RETURN_IF_ERROR(ChangeSqliteSetting(database_, "busy_timeout", before));
  if (!absl::IsAborted(status)) return status;
  return Annotate(status,
                  "the file is locked by a writer, perhaps the transaction's "
                  "owner");
}

absl::StatusOr<std::optional<DecisionRow>> SqliteParticipant::FindDecision(
    std::string_view txn) {
  return decisions_.Find(txn);
}

absl::StatusOr<std::vector<DecisionRow>> SqliteParticipant::ListDecisions() {
  return decisions_.List();
}

absl::Status SqliteParticipant::DeleteDecisions(
    const std::vector<std::string>& txns, absl::Duration patience) {
  const SqliteGate::Exemption ours(&gate_);
  // A row that comes back after a loss of power is deleted again: not worth a
  // sync, which is most of what deleting costs. Forgetting to turn syncs on
  // again would be found by CheckCommitsAreDurable.
  SHARD_ASSIGN_OR_RETURN(const std::string before,
                         ReadSqliteSetting(database_, "main.synchronous"));
  if (!IsDurableSynchronous(before)) return DeleteRows(txns, patience);
  SHARD_RETURN_IF_ERROR(
      ChangeSqliteSetting(database_, "main.synchronous", "NORMAL"));
  const absl::Status status = DeleteRows(txns, patience);
  SHARD_RETURN_IF_ERROR(
      ChangeSqliteSetting(database_, "main.synchronous", before));
  return status;
}

absl::Status SqliteParticipant::DeleteRows(const std::vector<std::string>& txns,
                                           absl::Duration patience) {
  SHARD_RETURN_IF_ERROR(TakeWriteLock(patience));
  absl::Status status = decisions_.Delete(txns);
  if (status.ok()) status = RemoveMarkerOf(txns);
  if (status.ok()) status = connection_.Commit();
  if (!status.ok()) connection_.Rollback().IgnoreError();
  return status;
}

// Without its row nobody could tell any more, without asking the decider, that
// it is settled.
absl::Status SqliteParticipant::RemoveMarkerOf(
    const std::vector<std::string>& txns) {
  if (!gate_.marker().exists()) return absl::OkStatus();
  SHARD_ASSIGN_OR_RETURN(const auto marker, gate_.marker().Read());
  const bool names_one =
      marker.has_value() &&
      std::find(txns.begin(), txns.end(), marker->txn) != txns.end();
  return names_one ? gate_.marker().Remove() : absl::OkStatus();
}

// A COMMIT that a log recovery has brought to life can be read before it is on
// disk, and one without a sync of its own may never have got there. All that is
// not in the log any more, checkpoints have synced.
absl::Status SqliteParticipant::SyncDecisions() {
  return SyncSqliteLog(database_);
}

absl::StatusOr<std::optional<FollowMarker>> SqliteParticipant::ReadMarker() {
  return gate_.marker().Read();
}

absl::StatusOr<RedoOutcome> SqliteParticipant::ApplyRedo(
    const DecisionRow& own, absl::Duration patience, const AskForRedo& ask,
    OnConflict on_conflict, std::vector<RedoConflict>* conflicts) {
  const SqliteGate::Exemption ours(&gate_);
  SHARD_RETURN_IF_ERROR(TakeWriteLock(patience));
  FailPoint("redo.locked");
  absl::StatusOr<RedoOutcome> outcome =
      ApplyLocked(own, ask, on_conflict, conflicts);
  FailPoint("redo.applied");
  if (outcome.ok() && *outcome == RedoOutcome::kApplied &&
      on_conflict != OnConflict::kOnlyTry) {
    const absl::Status committed = connection_.Commit();
    if (!committed.ok()) outcome = committed;
    FailPoint("redo.committed");
  }
  if (connection_.in_transaction()) connection_.Rollback().IgnoreError();
  return outcome;
}

absl::StatusOr<RedoOutcome> SqliteParticipant::ApplyLocked(
    const DecisionRow& own, const AskForRedo& ask, OnConflict on_conflict,
    std::vector<RedoConflict>* conflicts) {
  SHARD_RETURN_IF_ERROR(CheckCommitsAreDurable(database_));
  // Only with the lock held: until then its owner may have been at work.
  SHARD_ASSIGN_OR_RETURN(const std::optional<std::string> redo, ask());
  FailPoint("redo.asked");
  SHARD_ASSIGN_OR_RETURN(const std::optional<DecisionRow> found,
                         decisions_.Find(own.txn));
  if (redo.has_value() && !found.has_value()) {
    const OnConflict how =
        on_conflict == OnConflict::kOnlyTry ? OnConflict::kReport : on_conflict;
    SHARD_RETURN_IF_ERROR(ApplySqliteRedo(database_, *redo, how, conflicts));
    SHARD_RETURN_IF_ERROR(AddOwnRow(own));
    return RedoOutcome::kApplied;
  }
  if (found.has_value()) SHARD_RETURN_IF_ERROR(SyncSqliteLog(database_));
  SHARD_ASSIGN_OR_RETURN(const auto marker, gate_.marker().Read());
  if (marker.has_value() && marker->txn == own.txn &&
      on_conflict != OnConflict::kOnlyTry) {
    SHARD_RETURN_IF_ERROR(gate_.marker().Remove());
  }
  return found.has_value() ? RedoOutcome::kThereAlready
                           : RedoOutcome::kNotDecided;
}

absl::StatusOr<bool> SqliteParticipant::RemoveMarkerIf(
    std::string_view txn, absl::Duration patience,
    const std::function<bool(bool has_row)>& may_go) {
  SHARD_ASSIGN_OR_RETURN(auto marker, gate_.marker().Read());
  if (!marker.has_value() || marker->txn != txn) return false;
  const SqliteGate::Exemption ours(&gate_);
  SHARD_RETURN_IF_ERROR(TakeWriteLock(patience));
  const auto remove = [&]() -> absl::StatusOr<bool> {
    SHARD_ASSIGN_OR_RETURN(marker, gate_.marker().Read());
    SHARD_ASSIGN_OR_RETURN(const auto row, decisions_.Find(txn));
    if (!marker.has_value() || marker->txn != txn || !may_go(row.has_value())) {
      return false;
    }
    SHARD_RETURN_IF_ERROR(gate_.marker().Remove());
    return true;
  };
  absl::StatusOr<bool> removed = remove();
  connection_.Rollback().IgnoreError();
  return removed;
}

absl::Status SqliteParticipant::ClearMarker(std::string_view txn) {
  // Who died while writing it had passed the gate before, and had not decided.
  const bool half_written = txn.empty();
  return RemoveMarkerIf(txn, absl::ZeroDuration(),
                        [=](bool has_row) { return has_row || half_written; })
      .status();
}

absl::StatusOr<std::vector<std::string>> SqliteParticipant::ListPeers() {
  return ListSqlitePeers(connection_);
}

absl::StatusOr<bool> SqliteParticipant::AddPeers(
    const std::vector<std::string>& identities) {
  const SqliteGate::Exemption ours(&gate_);
  SHARD_RETURN_IF_ERROR(CheckCommitsAreDurable(database_));
  SHARD_ASSIGN_OR_RETURN(const bool added,
                         AddSqlitePeers(connection_, identities));
  // Those that were there may be another's, who died before they were on disk.
  SHARD_RETURN_IF_ERROR(SyncSqliteLog(database_));
  return added;
}

absl::Status SqliteParticipant::RemovePeers(
    const std::vector<std::string>& identities, absl::Duration patience) {
  SHARD_ASSIGN_OR_RETURN(const std::vector<std::string> known, ListPeers());
  const bool lists_one = std::any_of(
      identities.begin(), identities.end(), [&](const std::string& identity) {
        return std::find(known.begin(), known.end(), identity) != known.end();
      });
  if (!lists_one) return absl::OkStatus();
  const SqliteGate::Exemption ours(&gate_);
  SHARD_RETURN_IF_ERROR(TakeWriteLock(patience));
  absl::Status status = RemoveSqlitePeers(connection_, identities);
  if (status.ok()) status = connection_.Commit();
  if (!status.ok()) connection_.Rollback().IgnoreError();
  return status;
}

// As who passes the gate removes a marker whose decider has answered that
// nothing is missing; here there is nobody to answer any more.
absl::StatusOr<bool> SqliteParticipant::GiveUpMarker(std::string_view txn,
                                                     absl::Duration patience) {
  return RemoveMarkerIf(txn, patience, [](bool has_row) { return !has_row; });
}

absl::StatusOr<std::optional<Stamp>> SqliteParticipant::ReadStamp() {
  return ReadSqliteStamp(connection_);
}

absl::StatusOr<Stamp> SqliteParticipant::PutStamp(const Stamp& stamp) {
  const SqliteGate::Exemption ours(&gate_);
  return PutSqliteStamp(connection_, stamp);
}

absl::StatusOr<std::vector<Finding>> SqliteParticipant::Inspect() {
  return InspectSqlite(connection_, database_);
}

}  // namespace shard
