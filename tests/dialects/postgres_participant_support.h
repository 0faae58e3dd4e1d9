// What the tests of a PostgreSQL database's part in atomic commits share.
#ifndef SHARD_TESTS_DIALECTS_POSTGRES_PARTICIPANT_SUPPORT_H_
#define SHARD_TESTS_DIALECTS_POSTGRES_PARTICIPANT_SUPPORT_H_

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/row_batch.h"
#include "shard/tests/dialects/postgres_test_support.h"

namespace shard::testing {

inline constexpr char kTxn[] = "0123456789abcdef0123456789abcdef";
inline constexpr char kOtherTxn[] = "ffffffffffffffffffffffffffffffff";

inline Stamp MakeStamp(std::string shard = "till", std::int64_t epoch = 1) {
  return {"shop", std::move(shard), "00112233445566778899aabbccddeeff", epoch,
          "xxh3-v1"};
}

inline DecisionRow MakeRow(Decision outcome, std::string txn = kTxn) {
  DecisionRow row;
  row.txn = std::move(txn);
  row.outcome = outcome;
  row.participants = R"({"it's": "ü"})";
  return row;
}

// The verbs in one go.
inline absl::StatusOr<WorkDone> Look(Connection& connection) {
  SHARD_RETURN_IF_ERROR(connection.participant().StartLook());
  return connection.participant().FinishLook();
}
inline absl::Status Prepare(Connection& connection, std::string_view gid) {
  SHARD_RETURN_IF_ERROR(connection.participant().StartPrepare(gid));
  return connection.participant().FinishPrepare();
}
inline absl::Status Decide(Connection& connection, const DecisionRow& row) {
  SHARD_RETURN_IF_ERROR(connection.participant().StartDecide(row));
  return connection.participant().FinishDecide();
}
inline absl::Status End(Connection& connection, std::string_view gid,
                        Decision decision) {
  SHARD_RETURN_IF_ERROR(connection.participant().StartEnd(gid, decision));
  return connection.participant().FinishEnd();
}

// Each suite has a database of its own, each test fresh tables in it: those of
// the atomic commit, and work(i PRIMARY KEY). connection() is the one that does
// the work and hears of statements; other() is whoever comes to look.
class PostgresParticipantTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const std::string base = PostgresUrl("SHARD_TEST_POSTGRES_URLS");
    ASSERT_FALSE(base.empty());
    SHARD_ASSERT_OK_AND_ASSIGN(server_, OpenEngine(base));
    database_ = absl::AsciiStrToLower(absl::StrCat(
        ::testing::UnitTest::GetInstance()->current_test_suite()->name(), "_",
        ::getpid()));
    OnServer(absl::StrCat("CREATE DATABASE ", database_));
    url_ = base.substr(0, base.rfind('/') + 1) + database_;
  }
  static void TearDownTestSuite() {
    if (server_ == nullptr) return;
    OnServer(absl::StrCat("DROP DATABASE ", database_, " WITH (FORCE)"));
    server_.reset();
  }
  static void OnServer(std::string_view sql) {
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection server, server_->Connect());
    SHARD_ASSERT_OK(server->ExecuteScript(sql));
  }

  void SetUp() override {
    EngineOptions options;
    options.on_statement = [this](const StatementEvent& event) {
      const std::lock_guard lock(mutex_);
      statements_.emplace_back(event.statement);
    };
    SHARD_ASSERT_OK_AND_ASSIGN(engine_, OpenEngine(url_, options));
    SHARD_ASSERT_OK_AND_ASSIGN(others_, OpenEngine(url_));
    SHARD_ASSERT_OK_AND_ASSIGN(connection_, engine_->Connect());
    SHARD_ASSERT_OK_AND_ASSIGN(other_, others_->Connect());
    SHARD_ASSERT_OK(other().participant().PutStamp(MakeStamp()));
    SHARD_ASSERT_OK(other().ExecuteScript("CREATE TABLE work (i int UNIQUE)"));
    ForgetStatements();
  }
  void TearDown() override {
    connection_.Return();
    if (!other_) return;
    if (!other().usable() || other().in_transaction()) other_ = Another();
    RollBackPrepared();
    SHARD_EXPECT_OK(other().ExecuteScript(
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA "
        "public TO PUBLIC"));
    other_.Return();
  }
  void RollBackPrepared() {
    SHARD_ASSERT_OK_AND_ASSIGN(const auto left,
                               other().participant().ListPrepared(""));
    for (const PreparedTransaction& prepared : left) {
      SHARD_EXPECT_OK(End(other(), prepared.gid, Decision::kAbort));
    }
  }

  Connection& connection() { return *connection_; }
  Participant& participant() { return connection_->participant(); }
  Connection& other() { return *other_; }
  Participant& settler() { return other_->participant(); }
  // One more that nobody listens to.
  PooledConnection Another() {
    auto connection = others_->Connect();
    EXPECT_THAT(connection, IsOk());
    return connection.ok() ? *std::move(connection) : PooledConnection();
  }

  absl::Status Script(std::string_view sql) {
    return connection().ExecuteScript(sql);
  }
  // A transaction that has written.
  void BeginWork(int i = 1) {
    SHARD_ASSERT_OK(connection().Begin());
    SHARD_ASSERT_OK(Script(absl::StrCat("INSERT INTO work VALUES (", i, ")")));
  }
  static std::string Value(Connection& connection, std::string_view query) {
    RowBatch rows;
    const absl::Status status = RunSql(connection, query, {}, &rows).status();
    EXPECT_THAT(status, IsOk()) << query;
    if (!status.ok() || rows.rows() != 1 || rows.row(0)[0].is_null()) return "";
    const sql::ValueView value = rows.row(0)[0];
    return value.holds_bytes() ? std::string(value.bytes())
                               : absl::StrCat(value.integer());
  }
  std::string Count(std::string_view from) {
    return Value(other(), absl::StrCat("SELECT count(*) FROM ", ToAbsl(from)));
  }
  std::size_t CountPrepared() {
    const auto prepared = settler().ListPrepared("");
    EXPECT_THAT(prepared, IsOk());
    return prepared.ok() ? prepared->size() : 99;
  }
  // Server-wide, so with the process in it.
  static std::string Gid(std::string_view name = "a") {
    return absl::StrCat("test/", ::getpid(), "/", ToAbsl(name));
  }

  static std::string PidOf(Connection& connection) {
    return Value(connection, "SELECT pg_backend_pid()");
  }
  // Until the server has nothing of that connection any more.
  void Kill(const std::string& pid) {
    Value(other(),
          absl::StrCat("SELECT pg_terminate_backend(", pid, ", 20000)::text"));
    EXPECT_EQ(Count(absl::StrCat("pg_stat_activity WHERE pid = ", pid)), "0");
  }
  void AwaitValue(std::string_view query, std::string_view value) {
    PooledConnection watcher = Another();
    const absl::Time end = absl::Now() + absl::Seconds(20);
    while (Value(*watcher, query) != value) {
      ASSERT_LT(absl::Now(), end) << query;
      absl::SleepFor(absl::Milliseconds(2));
    }
  }
  // Waits for a backend to come to a state, as pg_stat_activity tells it.
  void AwaitBackend(const std::string& pid, std::string_view condition) {
    AwaitValue(
        absl::StrCat("SELECT count(*) FROM pg_stat_activity WHERE pid = ", pid,
                     " AND ", ToAbsl(condition)),
        "1");
  }
  void AwaitBlocked(const std::string& pid) {
    AwaitBackend(pid, "wait_event_type = 'Lock'");
  }

  // From now on COMMIT and PREPARE of whoever wrote to work wait while
  // LetCommitsPass is not called.
  void HoldCommits() {
    SHARD_ASSERT_OK(other().ExecuteScript(R"sql(
        CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON work
          DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold())sql"));
    holder_ = Another();
    SHARD_ASSERT_OK(holder_->ExecuteScript("SELECT pg_advisory_lock(1)"));
  }
  void LetCommitsPass() {
    SHARD_ASSERT_OK(holder_->ExecuteScript("SELECT pg_advisory_unlock(1)"));
  }

  void ForgetStatements() {
    const std::lock_guard lock(mutex_);
    statements_.clear();
  }

  static inline std::shared_ptr<Engine> server_;
  static inline std::string database_;
  static inline std::string url_;
  std::shared_ptr<Engine> engine_;
  std::shared_ptr<Engine> others_;
  PooledConnection connection_;
  PooledConnection other_;
  PooledConnection holder_;
  std::mutex mutex_;
  std::vector<std::string> statements_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_DIALECTS_POSTGRES_PARTICIPANT_SUPPORT_H_
