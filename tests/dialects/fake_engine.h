// An engine without a database, whose connections do as the test says.
#ifndef SHARD_TESTS_DIALECTS_FAKE_ENGINE_H_
#define SHARD_TESTS_DIALECTS_FAKE_ENGINE_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/participant.h"
#include "shard/tests/dialects/fake_participant.h"
#include "shard/tests/dialects/plain_dialect.h"

namespace shard::testing {

// What all connections of one fake database share. Thread-safe.
class FakeDatabase {
 public:
  std::atomic<int> opened{0};
  std::atomic<int> closed{0};
  std::atomic<int> pings{0};
  // No sign of life on Ping.
  std::atomic<bool> down{false};
  // It has hung up on idle connections, as can be seen without asking.
  std::atomic<bool> hung_up{false};
  // Open refuses while set.
  std::atomic<bool> refuses_to_open{false};
  // Rollback fails, and loses the connection or not.
  std::atomic<bool> rollback_fails{false};
  std::atomic<bool> rollback_failure_loses{false};
  std::size_t most_connections = 1000;
  // How often it was asked for its state of replication.
  std::atomic<int> asked{0};
  // Called while a connection is being opened; set it before.
  std::function<void()> on_open;

  void Note(std::string_view script) {
    const std::lock_guard lock(mutex_);
    scripts_.emplace_back(script);
  }
  // Everything that was sent, over all connections.
  std::vector<std::string> scripts() const {
    const std::lock_guard lock(mutex_);
    return scripts_;
  }
  // What ReadReplication says; before: nothing is known.
  void SetReplication(const ReplicationState& state) {
    const std::lock_guard lock(mutex_);
    replication_ = state;
  }
  std::optional<ReplicationState> replication() const {
    const std::lock_guard lock(mutex_);
    return replication_;
  }
  // A script with this text in it fails.
  void FailOn(std::string_view text) {
    const std::lock_guard lock(mutex_);
    fail_on_ = text;
  }
  bool Fails(std::string_view script) const {
    const std::lock_guard lock(mutex_);
    return !fail_on_.empty() && script.find(fail_on_) != std::string_view::npos;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> scripts_;
  std::string fail_on_;
  std::optional<ReplicationState> replication_;
};

class FakeConnection : public Connection {
 public:
  FakeConnection(std::shared_ptr<FakeDatabase> database, int number)
      : database_(std::move(database)), number_(number) {}
  ~FakeConnection() override { ++database_->closed; }

  // Which connection of its database it is, from 1.
  int number() const { return number_; }
  void Lose() { usable_ = false; }

  const Dialect& dialect() const override { return PlainDialect::Get(); }
  bool usable() const override { return usable_; }
  absl::Status Ping() override {
    ++database_->pings;
    if (!database_->down) return absl::OkStatus();
    usable_ = false;
    return absl::UnavailableError("no answer");
  }
  bool HasHungUp() override { return database_->hung_up; }
  absl::StatusOr<std::optional<ReplicationState>> ReadReplication() override {
    ++database_->asked;
    return database_->replication();
  }
  bool works_in_finish() const override { return true; }
  bool text_sorts_by_bytes() const override { return true; }
  absl::Status Start(const Request&) override { return absl::OkStatus(); }
  absl::StatusOr<Outcome> Finish(RowBatch*) override { return Outcome{}; }
  absl::Status StartInsert(const InsertRequest&) override {
    return absl::OkStatus();
  }
  absl::StatusOr<Outcome> FinishInsert() override { return Outcome{}; }
  absl::StatusOr<std::unique_ptr<Cursor>> OpenCursor(const Request&,
                                                     std::size_t) override {
    return absl::UnimplementedError("a fake has no rows");
  }
  absl::Status StartScript(std::string_view sql) override {
    script_ = sql;
    return absl::OkStatus();
  }
  absl::Status FinishScript() override {
    const std::string sql = std::move(script_);
    database_->Note(sql);
    if (database_->Fails(sql)) return absl::InternalError("told to fail");
    if (sql == "ROLLBACK" && database_->rollback_fails) {
      if (database_->rollback_failure_loses) usable_ = false;
      return absl::UnavailableError("rollback failed");
    }
    if (sql == "BEGIN") in_transaction_ = true;
    if (sql == "COMMIT" || sql == "ROLLBACK") in_transaction_ = false;
    return absl::OkStatus();
  }
  bool in_transaction() const override { return in_transaction_; }
  Participant& participant() override { return participant_; }

 private:
  std::string BeginText(const TransactionOptions&) const override {
    return "BEGIN";
  }

  std::shared_ptr<FakeDatabase> database_;
  int number_;
  FakeParticipant participant_;
  std::string script_;  // between StartScript and FinishScript
  bool usable_ = true;
  bool in_transaction_ = false;
};

class FakeOpener : public Engine::Opener {
 public:
  explicit FakeOpener(std::shared_ptr<FakeDatabase> database)
      : database_(std::move(database)) {}
  const Dialect& dialect() const override { return PlainDialect::Get(); }
  absl::StatusOr<std::unique_ptr<Connection>> Open() override {
    if (database_->refuses_to_open) {
      absl::Status status = absl::UnavailableError("connection refused");
      status.SetPayload("code", absl::Cord("08001"));
      return status;
    }
    if (database_->on_open) database_->on_open();
    return std::make_unique<FakeConnection>(database_, ++database_->opened);
  }
  std::size_t LimitPoolSize(std::size_t wanted) override {
    return std::min(wanted, database_->most_connections);
  }

 private:
  std::shared_ptr<FakeDatabase> database_;
};

// `name` is the engine's.
inline std::shared_ptr<Engine> MakeFakeEngine(
    std::string name,
    std::shared_ptr<FakeDatabase> database = std::make_shared<FakeDatabase>()) {
  EngineOptions options;
  options.name = std::move(name);
  return std::make_shared<Engine>(
      std::make_unique<FakeOpener>(std::move(database)), std::move(options));
}

}  // namespace shard::testing

#endif  // SHARD_TESTS_DIALECTS_FAKE_ENGINE_H_
