// What a SQLite file does in an atomic commit: it decides.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_PARTICIPANT_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_PARTICIPANT_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_decisions.h"

namespace shard {

// SQLite cannot prepare, so it is the decider or a mere reader. All work is
// done in Finish. Belongs to a SqliteConnection, and works through it.
class SqliteParticipant : public Participant {
 public:
  // Both must outlive it; `connection` is that of `database`.
  SqliteParticipant(Connection* connection, SqliteDatabase* database);

  const std::string& why_not_prepare() const override;
  bool durable() const override;
  // Device and inode: hard links have the same, though each name of a file has
  // a write-ahead log of its own, which would corrupt it.
  std::string location() const override;

  absl::Status StartLook() override { return absl::OkStatus(); }
  absl::StatusOr<WorkDone> FinishLook() override;
  absl::Status StartPrepare(std::string_view gid) override;
  absl::Status FinishPrepare() override;
  // kFailedPrecondition, with nothing committed, for a transaction that did not
  // write to the file, or wrote to an attached one too, and where COMMIT would
  // not be durable. The transaction is over when COMMIT was tried, else open.
  absl::Status StartDecide(const DecisionRow& row) override;
  absl::Status FinishDecide() override;
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
  absl::Status DeleteDecisions(const std::vector<std::string>& txns) override;

  absl::StatusOr<std::optional<Stamp>> ReadStamp() override;
  absl::StatusOr<Stamp> PutStamp(const Stamp& stamp) override;
  absl::StatusOr<std::vector<Finding>> Inspect() override;

 private:
  absl::Status AddDecision(const DecisionRow& row);
  // Whether the running transaction can decide.
  absl::Status CheckMayDecide();
  absl::Status CommitDecision();
  // Does `work` in a transaction that holds the write lock, and commits it
  // durably.
  absl::Status UnderWriteLock(absl::Duration patience,
                              const std::function<absl::Status()>& work);
  absl::Status TakeWriteLock(absl::Duration patience);

  Connection& connection_;
  SqliteDatabase& database_;
  SqliteDecisions decisions_;
  DecisionRow deciding_;  // between StartDecide and FinishDecide
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_PARTICIPANT_H_
