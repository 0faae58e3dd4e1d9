// What a SQLite file does in an atomic commit: it decides, or follows.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_PARTICIPANT_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_PARTICIPANT_H_

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
#include "absl/time/time.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/sqlite/sqlite_cursor.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_decisions.h"
#include "shard/dialects/sqlite/sqlite_gate.h"
#include "shard/dialects/sqlite/sqlite_recording.h"
#include "shard/dialects/write_fence.h"

namespace shard {

// SQLite cannot prepare. A file decides, or it follows another one: its work is
// recorded, and stays in the open transaction, which holds the file's write
// lock, until it is decided. Should it be lost then, the record does it again.
// All is done in Finish. Belongs to a SqliteConnection, and works through it.
class SqliteParticipant : public Participant {
 public:
  // All must outlive it; `connection` is that of `database`, `cursors` its own.
  SqliteParticipant(Connection* connection, SqliteDatabase* database,
                    SqliteCursorList* cursors);

  const std::string& why_not_prepare() const override;
  bool durable() const override;
  // Device and inode: hard links have the same, though each name of a file has
  // a write-ahead log of its own, which would corrupt it.
  std::string location() const override;

  absl::Status CheckMayCommit() override;
  absl::Status StartLook() override { return absl::OkStatus(); }
  absl::StatusOr<WorkDone> FinishLook() override;
  absl::Status StartPrepare(std::string_view gid) override;
  absl::Status FinishPrepare() override;
  // kFailedPrecondition, with nothing committed, for a transaction that did not
  // write to the file, or wrote to an attached one too, and where COMMIT would
  // not be durable. The transaction is over when COMMIT was tried, else open.
  absl::Status StartDecide(const DecisionRow& row) override;
  absl::Status FinishDecide() override;
  bool can_follow() const override { return durable(); }
  absl::Status Record() override;
  bool recording() const override { return recording_ != nullptr; }
  absl::Status StartFollow(const DecisionRow& own,
                           std::size_t max_redo_bytes) override;
  absl::StatusOr<std::string> FinishFollow() override;
  absl::Status StartEnd(std::string_view gid, Decision decision) override;
  absl::Status FinishEnd() override;

  absl::StatusOr<std::vector<PreparedTransaction>> ListPrepared(
      std::string_view prefix) override;
  absl::StatusOr<TransactionFate> FateOf(std::string_view number) override;
  absl::StatusOr<Decision> Settle(const DecisionRow& row,
                                  std::string_view number,
                                  absl::Duration patience) override;
  absl::Status PutDecision(const DecisionRow& row, std::string_view number,
                           absl::Duration patience) override;
  absl::StatusOr<std::optional<DecisionRow>> FindDecision(
      std::string_view txn) override;
  absl::StatusOr<std::vector<DecisionRow>> ListDecisions() override;
  absl::Status DeleteDecisions(const std::vector<std::string>& txns,
                               absl::Duration patience) override;

  absl::Status SyncDecisions() override;

  absl::StatusOr<std::optional<FollowMarker>> ReadMarker() override;
  absl::StatusOr<RedoOutcome> ApplyRedo(
      const DecisionRow& own, absl::Duration patience, const AskForRedo& ask,
      OnConflict on_conflict, std::vector<RedoConflict>* conflicts) override;
  absl::Status ClearMarker(std::string_view txn) override;
  absl::StatusOr<std::vector<std::string>> ListPeers() override;
  absl::StatusOr<bool> AddPeers(
      const std::vector<std::string>& identities) override;
  absl::Status RemovePeers(const std::vector<std::string>& identities,
                           absl::Duration patience) override;
  absl::StatusOr<bool> GiveUpMarker(std::string_view txn,
                                    absl::Duration patience) override;
  void set_write_fence(std::shared_ptr<WriteFence> fence) override {
    gate_.set_fence(std::move(fence));
  }

  absl::StatusOr<std::optional<Stamp>> ReadStamp() override;
  absl::StatusOr<Stamp> PutStamp(const Stamp& stamp) override;
  absl::StatusOr<std::vector<Finding>> Inspect() override;

  SqliteGate& gate() { return gate_; }
  // The connection's transaction is over, however it ended.
  void TransactionEnded();

 private:
  absl::Status AddDecision(const DecisionRow& row);
  // Whether the running transaction can decide.
  absl::Status CheckMayDecide();
  absl::Status CommitDecision();
  absl::Status DeleteRows(const std::vector<std::string>& txns,
                          absl::Duration patience);
  // The marker, if it is that transaction's, under the write lock; says whether
  // it went.
  absl::StatusOr<bool> RemoveMarkerIf(
      std::string_view txn, absl::Duration patience,
      const std::function<bool(bool has_row)>& may_go);
  absl::Status RemoveMarkerOf(const std::vector<std::string>& txns);
  absl::Status AddOwnRow(const DecisionRow& own);
  absl::StatusOr<RedoOutcome> ApplyLocked(const DecisionRow& own,
                                          const AskForRedo& ask,
                                          OnConflict on_conflict,
                                          std::vector<RedoConflict>* conflicts);
  // Does `work` in a transaction that holds the write lock, and commits it
  // durably.
  absl::Status UnderWriteLock(absl::Duration patience,
                              const std::function<absl::Status()>& work);
  absl::Status TakeWriteLock(absl::Duration patience);

  Connection& connection_;
  SqliteDatabase& database_;
  SqliteCursorList& cursors_;
  SqliteDecisions decisions_;
  SqliteGate gate_;
  DecisionRow deciding_;  // between StartDecide and FinishDecide
  std::unique_ptr<SqliteRecording> recording_;  // of the running transaction
  DecisionRow following_;  // between StartFollow and FinishFollow
  std::size_t max_redo_bytes_ = 0;
  // The transaction's id from FinishFollow to its end, else empty.
  std::string follows_;
  Decision ending_ = Decision::kAbort;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_PARTICIPANT_H_
