// A connection to a PostgreSQL server.
#ifndef SHARD_DIALECTS_POSTGRES_POSTGRES_CONNECTION_H_
#define SHARD_DIALECTS_POSTGRES_POSTGRES_CONNECTION_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/postgres/insert_task.h"
#include "shard/dialects/postgres/insert_text.h"
#include "shard/dialects/postgres/link.h"
#include "shard/dialects/postgres/pipeline.h"
#include "shard/dialects/postgres/run_task.h"
#include "shard/dialects/postgres/server_state.h"

namespace shard::postgres {

class PostgresConnection final : public Connection {
 public:
  PostgresConnection(std::unique_ptr<Link> link, const EngineOptions& options,
                     bool text_sorts_by_bytes);
  ~PostgresConnection() override;

  const Dialect& dialect() const override;
  bool usable() const override { return pipeline_.usable(); }
  absl::Status Ping() override;
  bool works_in_finish() const override { return false; }
  bool text_sorts_by_bytes() const override { return text_sorts_by_bytes_; }

  absl::Status Start(const Request& request) override;
  absl::StatusOr<Outcome> Finish(RowBatch* rows) override;
  absl::Status StartInsert(const InsertRequest& request) override;
  absl::StatusOr<Outcome> FinishInsert() override;
  absl::StatusOr<std::unique_ptr<Cursor>> OpenCursor(
      const Request& request, std::size_t batch_rows) override;
  absl::Status ExecuteScript(std::string_view sql) override;
  bool in_transaction() const override;

 private:
  std::string BeginText(const TransactionOptions& options) const override;
  absl::Status CheckIdle() const;
  absl::StatusOr<const TableFacts*> FactsOf(const InsertRequest& request);
  absl::Status StartRowInsert(const InsertRequest& request);
  absl::Status StartPageInsert(const InsertRequest& request,
                               const TableFacts& facts);

  const std::unique_ptr<Link> link_;
  const bool text_sorts_by_bytes_;
  ServerState state_;
  Pipeline pipeline_;
  RunTask run_;
  RowInsertTask row_insert_;
  PageInsertTask page_insert_;
  InsertTask* insert_ = nullptr;  // the one that is running
  bool nothing_started_ = false;  // a request of no runs, or no rows
  std::string inserting_into_;    // quoted
  absl::flat_hash_map<std::string, TableFacts> tables_;  // by quoted name
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_POSTGRES_CONNECTION_H_
