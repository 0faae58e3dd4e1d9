// A client's connection to a simulated PostgreSQL.
#ifndef SHARD_TESTS_SIMULATION_POSTGRES_CONNECTION_H_
#define SHARD_TESTS_SIMULATION_POSTGRES_CONNECTION_H_

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
#include "shard/tests/simulation/postgres_server.h"
#include "shard/tests/simulation/simulated_connection.h"
#include "shard/tests/simulation/world.h"

namespace shard::testing {

// Every verb is a message to the backend, and waits for its answer until the
// deadline. A connection that is cut, or whose deadline passes, is lost; the
// message may arrive all the same.
class PostgresSimulatedConnection : public SimulatedConnection {
 public:
  PostgresSimulatedConnection(World* world, PostgresServer* server,
                              std::shared_ptr<PostgresLine> line);
  ~PostgresSimulatedConnection() override;

  bool usable() const override { return !lost_ && !line_->cut; }
  absl::Status Ping() override;
  absl::Status StartScript(std::string_view sql) override;
  absl::Status FinishScript() override;
  void set_deadline(absl::Time deadline) override { deadline_ = deadline; }
  absl::Status LimitLockWaits(absl::Duration limit) override;
  bool in_transaction() const override { return in_transaction_; }

  const std::string& why_not_prepare() const override { return why_not_; }
  absl::Status StartLook() override;
  absl::StatusOr<WorkDone> FinishLook() override;
  absl::Status StartPrepare(std::string_view gid) override;
  absl::Status FinishPrepare() override;
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
  absl::Status DeleteDecisions(const std::vector<std::string>& txns,
                               absl::Duration patience) override;
  absl::StatusOr<std::optional<Stamp>> ReadStamp() override;
  absl::StatusOr<Stamp> PutStamp(const Stamp& stamp) override;

 private:
  absl::Status StartWrite(int tag, int row) override;
  absl::Status FinishWrite() override { return Receive(); }

  using Run = std::function<void(PostgresBackend&, PostgresAnswer&)>;

  std::string BeginText(const TransactionOptions&) const override {
    return "BEGIN";
  }
  // Sends, and waits for the answer to what was sent last.
  absl::Status Send(std::string verb, Run run);
  absl::Status Receive();
  absl::Status Ask(std::string verb, Run run);

  World& world_;
  PostgresServer& server_;
  const std::shared_ptr<PostgresLine> line_;
  const std::string why_not_;
  std::shared_ptr<PostgresAnswer> answer_;
  absl::Time deadline_ = absl::InfiniteFuture();
  absl::Duration lock_limit_ = absl::Seconds(1);
  bool lost_ = false;
  bool in_transaction_ = false;
  std::string script_;
};

class PostgresSimulatedOpener : public Engine::Opener {
 public:
  PostgresSimulatedOpener(World* world, PostgresServer* server)
      : world_(*world), server_(*server) {}
  const Dialect& dialect() const override { return PlainDialect::Get(); }
  absl::StatusOr<std::unique_ptr<Connection>> Open() override;

 private:
  World& world_;
  PostgresServer& server_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SIMULATION_POSTGRES_CONNECTION_H_
