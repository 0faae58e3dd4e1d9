// A program's connection to a simulated SQLite file.
#ifndef SHARD_TESTS_SIMULATION_SQLITE_CONNECTION_H_
#define SHARD_TESTS_SIMULATION_SQLITE_CONNECTION_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/write_fence.h"
#include "shard/tests/simulation/simulated_connection.h"
#include "shard/tests/simulation/sqlite_file.h"
#include "shard/tests/simulation/world.h"

namespace shard::testing {

// Works in the program's own process, and dies with it: a transaction that was
// open is gone, and its lock free. Does step by step what dialects/sqlite does.
class SqliteSimulatedConnection : public SimulatedConnection {
 public:
  SqliteSimulatedConnection(World* world, Flaw flaw, SqliteFile* file);
  ~SqliteSimulatedConnection() override;

  bool usable() const override { return world_.alive(); }
  absl::Status Ping() override { return absl::OkStatus(); }
  absl::Status StartScript(std::string_view sql) override;
  absl::Status FinishScript() override;
  bool in_transaction() const override { return in_transaction_; }

  const std::string& why_not_prepare() const override;
  std::string location() const override { return file_.name(); }
  absl::Status StartLook() override { return absl::OkStatus(); }
  absl::StatusOr<WorkDone> FinishLook() override;
  absl::Status StartPrepare(std::string_view) override { return NoPrepare(); }
  absl::Status FinishPrepare() override { return NoPrepare(); }
  absl::Status StartDecide(const DecisionRow& row) override;
  absl::Status FinishDecide() override;

  bool can_follow() const override { return true; }
  absl::Status Record() override;
  bool recording() const override { return recording_; }
  absl::Status StartFollow(const DecisionRow& own,
                           std::size_t max_redo_bytes) override;
  absl::StatusOr<std::string> FinishFollow() override;
  absl::Status StartEnd(std::string_view gid, Decision decision) override;
  absl::Status FinishEnd() override;

  absl::StatusOr<std::vector<PreparedTransaction>> ListPrepared(
      std::string_view) override {
    return std::vector<PreparedTransaction>();
  }
  absl::StatusOr<TransactionFate> FateOf(std::string_view) override {
    return NoPrepare();
  }
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
  void set_write_fence(std::shared_ptr<WriteFence> fence) override {
    fence_ = std::move(fence);
  }
  absl::StatusOr<std::optional<Stamp>> ReadStamp() override;
  absl::StatusOr<Stamp> PutStamp(const Stamp& stamp) override;

 private:
  void CheckListsDecider();
  absl::Status StartWrite(int tag, int row) override;
  absl::Status FinishWrite() override;

  static absl::Status NoPrepare();
  std::string BeginText(const TransactionOptions&) const override {
    return "BEGIN";
  }
  const FileContents& contents() const {
    return draft_ == nullptr ? file_.visible() : *draft_;
  }

  absl::Status TakeLock(absl::Duration patience);
  absl::Status PassGate();
  absl::Status CheckBase();
  absl::Status LookForMissing();
  void AddRow(const DecisionRow& row);
  absl::Status CommitDraft(bool sync);
  void RollbackDraft();
  // BEGIN IMMEDIATE; work; COMMIT.
  absl::Status UnderWriteLock(absl::Duration patience, bool sync,
                              const std::function<absl::Status()>& work);
  absl::StatusOr<RedoOutcome> ApplyLocked(const DecisionRow& own,
                                          const AskForRedo& ask,
                                          OnConflict on_conflict,
                                          std::vector<RedoConflict>* conflicts);
  void Say(std::string_view what, const absl::Status& status);

  World& world_;
  const Flaw flaw_;
  SqliteFile& file_;
  std::shared_ptr<WriteFence> fence_;
  bool in_transaction_ = false;
  std::unique_ptr<FileContents> draft_;  // while it holds the write lock
  bool recording_ = false;
  std::string redo_;  // recorded so far
  bool follows_ = false;
  std::string script_;
  int tag_ = 0;      // between Start and Finish of a write
  DecisionRow row_;  // between Start and Finish
  Decision ending_ = Decision::kCommit;
};

class SqliteSimulatedOpener : public Engine::Opener {
 public:
  SqliteSimulatedOpener(World* world, Flaw flaw, SqliteFile* file)
      : world_(*world), flaw_(flaw), file_(*file) {}
  const Dialect& dialect() const override { return PlainDialect::Get(); }
  absl::StatusOr<std::unique_ptr<Connection>> Open() override;

 private:
  World& world_;
  const Flaw flaw_;
  SqliteFile& file_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SIMULATION_SQLITE_CONNECTION_H_
