// A connection to a PostgreSQL server.
#ifndef SHARD_DIALECTS_POSTGRES_POSTGRES_CONNECTION_H_
#define SHARD_DIALECTS_POSTGRES_POSTGRES_CONNECTION_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/postgres/conversation.h"
#include "shard/dialects/postgres/copy_task.h"
#include "shard/dialects/postgres/insert_task.h"
#include "shard/dialects/postgres/link.h"
#include "shard/dialects/postgres/postgres_participant.h"
#include "shard/dialects/postgres/reserved_keys.h"
#include "shard/dialects/postgres/run_task.h"
#include "shard/dialects/postgres/table_facts.h"
#include "shard/dialects/postgres/update_task.h"

namespace shard::postgres {

// What is read of a database when it is connected to.
struct DatabaseFacts {
  bool text_sorts_by_bytes = false;
  int max_prepared_transactions = 0;
  bool standby = false;  // takes no writes; one that is promoted drops nobody
};

class PostgresConnection final : public Connection {
 public:
  PostgresConnection(std::unique_ptr<Link> link, const EngineOptions& options,
                     const DatabaseFacts& facts);
  ~PostgresConnection() override;

  const Dialect& dialect() const override;
  bool usable() const override { return conversation_.link().usable(); }
  absl::Status Ping() override;
  bool HasHungUp() override { return conversation_.link().HasHungUp(); }
  absl::StatusOr<std::optional<ReplicationState>> ReadReplication() override;
  bool works_in_finish() const override { return false; }
  bool text_sorts_by_bytes() const override {
    return facts_.text_sorts_by_bytes;
  }

  absl::Status Start(const Request& request) override;
  absl::StatusOr<Outcome> Finish(RowBatch* rows) override;
  bool inserts_fetch() const override { return true; }
  absl::Status StartInsert(const InsertRequest& request) override;
  absl::StatusOr<Outcome> FinishInsert() override;
  bool Advance() override { return conversation_.copies().Advance(); }
  // Called, too, while it waits for its server.
  void set_progress(std::function<void()> progress) override {
    conversation_.link().set_progress(std::move(progress));
  }
  absl::StatusOr<std::unique_ptr<Cursor>> OpenCursor(
      const Request& request, std::size_t batch_rows) override;
  absl::Status StartScript(std::string_view sql) override;
  absl::Status FinishScript() override;
  // After kDeadlineExceeded the statement may still run on the server.
  void set_deadline(absl::Time deadline) override {
    conversation_.link().set_deadline(deadline);
  }
  Participant& participant() override { return participant_; }

  // Begin and its limits are sent along with the next statement.
  // kFailedPrecondition from Begin in a transaction, from LimitLockWaits
  // outside of one. A Commit or Rollback with nothing before it sends nothing.
  absl::Status Begin(const TransactionOptions& options = {}) override;
  absl::Status LimitLockWaits(absl::Duration limit) override {
    return conversation_.LimitLockWaits(limit);
  }
  void LiftTimeLimits() override { conversation_.LiftTimeLimits(); }
  bool in_transaction() const override {
    return conversation_.in_transaction();
  }

 private:
  std::string BeginText(const TransactionOptions& options) const override;
  absl::Status CheckIdle() const;
  absl::StatusOr<const TableFacts*> FactsOf(const InsertRequest& request);
  // Many rows by UPDATE ... FROM unnest.
  absl::Status StartPageUpdate(const Request& request);
  absl::StatusOr<Outcome> FinishPageUpdate();
  // Rows by COPY, or else by statements.
  absl::StatusOr<bool> StartCopy(const InsertRequest& request);
  absl::Status StartStatements(const InsertRequest& request);
  absl::Status StartInsertOf(const InsertRequest& request);
  absl::StatusOr<Outcome> FinishCopy();
  absl::StatusOr<Outcome> FinishStatements();
  absl::Status StartRowInsert(const InsertRequest& request);
  absl::Status StartPageInsert(const InsertRequest& request,
                               const TableFacts& facts);

  const DatabaseFacts facts_;
  Conversation conversation_;
  PostgresParticipant participant_;
  RunTask run_;
  RowInsertTask row_insert_;
  PageInsertTask page_insert_;
  PageUpdateTask page_update_;
  bool updating_pages_ = false;
  std::string updating_;                                  // quoted
  absl::flat_hash_map<std::string, TableFacts> updated_;  // by quoted name
  CopyTask copy_;
  InsertRequest copied_;                  // by copy_, while that is running
  InsertTask* insert_ = nullptr;          // the one that is running
  std::optional<ReservedKeys> reserved_;  // of that one
  bool nothing_started_ = false;          // a request of no runs, or no rows
  bool keeps_snapshot_ = false;           // the transaction begun last
  std::string inserting_into_;            // quoted
  absl::flat_hash_map<std::string, TableFacts> tables_;  // by quoted name
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_POSTGRES_CONNECTION_H_
