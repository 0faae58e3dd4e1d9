// Connections to PostgreSQL servers: runs, errors, transactions, loss.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/errors.h"
#include "shard/sql/value.h"
#include "shard/tests/dialects/postgres_test_support.h"

namespace shard {
namespace {

using sql::ValueType;
using sql::ValueView;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::PostgresTest;
using testing::PostgresUrl;
using testing::RunSql;
using testing::StatusIs;
using testing::TextStatement;
using Code = absl::StatusCode;

class PostgresConnectionTest : public PostgresTest {};

std::vector<ValueView> Integers(std::int64_t first, std::int64_t last) {
  std::vector<ValueView> values;
  for (std::int64_t i = first; i <= last; ++i) {
    values.push_back(ValueView::Int64(i));
  }
  return values;
}

TEST_F(PostgresConnectionTest, StatementsWithAndWithoutRows) {
  SHARD_ASSERT_OK(Run("CREATE TABLE t (i int)"));
  SHARD_ASSERT_OK_AND_ASSIGN(Outcome outcome,
                             Run("INSERT INTO t VALUES (1), (2), (3)"));
  EXPECT_THAT(outcome.affected, ElementsAre(3));
  SHARD_ASSERT_OK_AND_ASSIGN(outcome, Run("SELECT i, 'x' AS x FROM t"));
  EXPECT_THAT(outcome.affected, ElementsAre(0));
  EXPECT_EQ(rows_.rows(), 3u);
  EXPECT_EQ(rows_.columns()[1].name, "x");
  SHARD_ASSERT_OK_AND_ASSIGN(
      outcome, Run("UPDATE t SET i = i + 1 WHERE i > 1 RETURNING i"));
  EXPECT_THAT(outcome.affected, ElementsAre(2));
  EXPECT_EQ(rows_.rows(), 2u);
  SHARD_ASSERT_OK(Run("DELETE FROM t"));
  EXPECT_EQ(rows_.rows(), 0u);
  EXPECT_TRUE(rows_.columns().empty());
  SHARD_ASSERT_OK(Run("SELECT i FROM t"));
  EXPECT_EQ(rows_.columns().size(), 1u);
  SHARD_ASSERT_OK(Run(""));
}

TEST_F(PostgresConnectionTest, RunsAreOnePipeline) {
  SHARD_ASSERT_OK(Script("CREATE TABLE t (i bigint)"));
  ForgetStatements();
  const CompiledStatement insert = TextStatement(
      "INSERT INTO t VALUES ($1) RETURNING i * 2", {ValueType::kInt64});
  const std::vector<ValueView> values = Integers(1, 5000);
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Outcome outcome,
      connection().Execute({&insert, values, values.size()}, &rows_));
  EXPECT_EQ(outcome.affected, std::vector<std::int64_t>(5000, 1));
  ASSERT_EQ(rows_.rows(), 5000u);
  for (std::size_t i = 0; i < 5000; ++i) {
    ASSERT_EQ(rows_.row(i)[0].integer(), static_cast<std::int64_t>(2 * i + 2));
  }
  EXPECT_EQ(statements_.size(), 5000u);
  EXPECT_EQ(parameters_, 5000u);
  EXPECT_EQ(Number("SELECT count(*) FROM t"), 5000);
}

// Both sides write more than their sockets hold.
TEST_F(PostgresConnectionTest, LargeRunsBothWays) {
  const std::string text(1'000'000, 'x');
  const CompiledStatement echo =
      TextStatement("SELECT $1::text", {ValueType::kText});
  const std::vector<ValueView> values(40, ValueView::Text(text));
  SHARD_ASSERT_OK(connection().Execute({&echo, values, 40}, &rows_));
  ASSERT_EQ(rows_.rows(), 40u);
  EXPECT_EQ(rows_.row(39)[0].bytes(), text);
}

TEST_F(PostgresConnectionTest, AFailingRunIsNamedAndUndoesTheOthers) {
  SHARD_ASSERT_OK(Script("CREATE TABLE t (i bigint PRIMARY KEY)"));
  const CompiledStatement insert =
      TextStatement("INSERT INTO t VALUES ($1)", {ValueType::kInt64});
  std::vector<ValueView> values = Integers(1, 2000);
  values[1499] = ValueView::Int64(3);
  EXPECT_THAT(connection().Execute({&insert, values, values.size()}, nullptr),
              StatusIs(Code::kAlreadyExists,
                       AllOf(HasSubstr("run 1500: "), HasSubstr("t_pkey"),
                             Not(HasSubstr("(3)")))));
  EXPECT_EQ(failed_, 1);
  EXPECT_TRUE(connection().usable());
  EXPECT_EQ(Number("SELECT count(*) FROM t"), 0);
}

TEST_F(PostgresConnectionTest, AFailingFirstRunLeavesTheConnectionUsable) {
  const CompiledStatement divide =
      TextStatement("SELECT 1 / $1::int8", {ValueType::kInt64});
  const std::vector<ValueView> values = Integers(0, 9);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(connection().Execute({&divide, values, 10}, &rows_),
                StatusIs(Code::kInvalidArgument, HasSubstr("run 1: ")));
    EXPECT_EQ(Number("SELECT 7"), 7);
  }
  SHARD_EXPECT_OK(connection().Execute({&divide, Integers(1, 9), 9}, &rows_));
}

TEST_F(PostgresConnectionTest, RunsWhoseParametersHaveOtherTypes) {
  const std::string text =
      "SELECT CASE WHEN $1 IS NULL THEN 'null' ELSE pg_typeof($1)::text END";
  const CompiledStatement statement = TextStatement(text, {ValueType::kNull});
  const std::vector<ValueView> values = {
      ValueView(),          ValueView::Int64(1),   ValueView::Int32(1),
      ValueView::Double(1), ValueView::Bool(true), ValueView()};
  SHARD_ASSERT_OK(
      connection().Execute({&statement, values, values.size()}, &rows_));
  const std::vector<std::string> expected = {
      "null", "bigint", "integer", "double precision", "boolean", "null"};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(rows_.row(i)[0].bytes(), expected[i]);
  }
}

TEST_F(PostgresConnectionTest, NoRunsDoNothing) {
  ForgetStatements();
  const CompiledStatement statement = TextStatement("SELECT 1");
  SHARD_ASSERT_OK_AND_ASSIGN(const Outcome outcome,
                             connection().Execute({&statement, {}, 0}, &rows_));
  EXPECT_TRUE(outcome.affected.empty());
  EXPECT_TRUE(statements_.empty());
}

TEST_F(PostgresConnectionTest, StartDoesNotWait) {
  const CompiledStatement sleep = TextStatement("SELECT pg_sleep(0.3)");
  PooledConnection other = Connect();
  const absl::Time begin = absl::Now();
  for (Connection* each : {&connection(), &*other}) {
    SHARD_ASSERT_OK(each->Start({&sleep, {}, 1}));
  }
  EXPECT_LT(absl::Now() - begin, absl::Milliseconds(250));
  for (Connection* each : {&connection(), &*other}) {
    SHARD_ASSERT_OK(each->Finish(nullptr));
  }
  EXPECT_LT(absl::Now() - begin, absl::Milliseconds(550));
}

TEST_F(PostgresConnectionTest, BusyBetweenStartAndFinish) {
  const CompiledStatement one = TextStatement("SELECT 1");
  SHARD_ASSERT_OK(connection().Start({&one, {}, 1}));
  EXPECT_THAT(connection().Start({&one, {}, 1}),
              HasCode(Code::kFailedPrecondition));
  SHARD_ASSERT_OK(connection().Finish(&rows_));
  EXPECT_EQ(rows_.rows(), 1u);
  EXPECT_THAT(connection().Finish(&rows_), HasCode(Code::kFailedPrecondition));
  // A rollback gets through what nobody finished.
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(connection().Start({&one, {}, 1}));
  SHARD_ASSERT_OK(connection().Rollback());
  EXPECT_EQ(Number("SELECT 1"), 1);
}

TEST_F(PostgresConnectionTest, ConstraintErrorsNameTheConstraintNotTheValue) {
  SHARD_ASSERT_OK(Script(
      "CREATE TABLE parent (id int PRIMARY KEY);"
      "CREATE TABLE t (name text UNIQUE, small int CONSTRAINT small_enough "
      "CHECK (small < 10), must int NOT NULL, "
      "parent int REFERENCES parent)"));
  const char* insert = "INSERT INTO t VALUES ($1, $2, $3, $4)";
  const ValueView name = ValueView::Text("secret");
  const ValueView one = ValueView::Int32(1);
  const ValueView many = ValueView::Int32(7654321);
  SHARD_ASSERT_OK(Run(insert, {name, one, one, ValueView()}));
  const auto no_value = AllOf(Not(HasSubstr("secret")), Not(HasSubstr("7654")));
  EXPECT_THAT(
      Run(insert, {name, one, one, ValueView()}),
      StatusIs(Code::kAlreadyExists, AllOf(HasSubstr("t_name_key"), no_value)));
  EXPECT_THAT(Run(insert, {ValueView(), many, one, ValueView()}),
              StatusIs(Code::kFailedPrecondition,
                       AllOf(HasSubstr("small_enough"), no_value)));
  EXPECT_THAT(
      Run(insert, {ValueView(), one, ValueView(), ValueView()}),
      StatusIs(Code::kFailedPrecondition, AllOf(HasSubstr("must"), no_value)));
  const absl::Status status =
      Run(insert, {ValueView(), one, one, many}).status();
  EXPECT_THAT(status, StatusIs(Code::kFailedPrecondition,
                               AllOf(HasSubstr("t_parent_fkey"), no_value)));
  EXPECT_EQ(DatabaseCode(status), "23503");
}

TEST_F(PostgresConnectionTest, BadValuesAreNotShown) {
  for (const char* type : {"int", "date", "float8", "uuid", "inet", "json",
                           "timestamptz", "numeric", "bool"}) {
    const std::string text = absl::StrCat("SELECT $1::", type);
    EXPECT_THAT(Run(text, {ValueView::Text("sec\"ret")}),
                StatusIs(Code::kInvalidArgument,
                         AllOf(Not(HasSubstr("sec")), Not(HasSubstr("ret")))));
  }
  EXPECT_THAT(Run("SELECT $1::int", {ValueView::Text("99999999999")}),
              StatusIs(Code::kInvalidArgument, Not(HasSubstr("99999"))));
  EXPECT_THAT(Run("SELECT '2024-01-01'::date + $1::int",
                  {ValueView::Int32(2147483647)}),
              HasCode(Code::kInvalidArgument));
}

TEST_F(PostgresConnectionTest, OtherErrors) {
  EXPECT_THAT(Run("SELEC 1"), StatusIs(Code::kInvalidArgument,
                                       HasSubstr("statement: SELEC 1")));
  EXPECT_THAT(Run("SELECT * FROM nowhere"), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(Run("SELECT $1 IS NULL", {ValueView::Text("x")}),
              StatusIs(Code::kInvalidArgument, HasSubstr("CAST")));
  EXPECT_THAT(Script("DO $$ BEGIN RAISE serialization_failure; END $$"),
              HasCode(Code::kAborted));
  EXPECT_THAT(Script("SET statement_timeout = 20; SELECT pg_sleep(5)"),
              HasCode(Code::kDeadlineExceeded));
  SHARD_ASSERT_OK(Script("RESET statement_timeout"));
  EXPECT_THAT(Script("SET ROLE pg_monitor; SELECT * FROM pg_authid"),
              HasCode(Code::kPermissionDenied));
  SHARD_ASSERT_OK(Script("RESET ROLE"));
  EXPECT_THAT(Run("COPY pg_class TO STDOUT"), HasCode(Code::kUnimplemented));
}

TEST_F(PostgresConnectionTest, CopyInAScriptIsRefused) {
  SHARD_ASSERT_OK(Script("CREATE TABLE t (i int)"));
  EXPECT_THAT(Script("COPY t FROM STDIN"), HasCode(Code::kUnimplemented));
  EXPECT_THAT(Script("COPY pg_class TO STDOUT"), HasCode(Code::kUnimplemented));
  EXPECT_TRUE(connection().usable());
  EXPECT_EQ(Number("SELECT 1"), 1);
}

TEST_F(PostgresConnectionTest, LockTimeoutAndReadOnly) {
  SHARD_ASSERT_OK(Script("CREATE TABLE t (i int)"));
  PooledConnection other = Connect();
  SHARD_ASSERT_OK(other->Begin());
  SHARD_ASSERT_OK(other->ExecuteScript("LOCK TABLE t"));
  EXPECT_THAT(Script("SET lock_timeout = 20; INSERT INTO t VALUES (1)"),
              HasCode(Code::kAborted));
  SHARD_ASSERT_OK(other->Rollback());
  SHARD_ASSERT_OK(connection().Begin({.read_only = true}));
  EXPECT_THAT(Run("INSERT INTO t VALUES (1)"), HasCode(Code::kUnavailable));
  EXPECT_THAT(Run("SELECT 1"), HasCode(Code::kFailedPrecondition));
  SHARD_ASSERT_OK(connection().Rollback());
}

TEST_F(PostgresConnectionTest, Cancelled) {
  const std::int64_t pid = Number("SELECT pg_backend_pid()");
  const CompiledStatement sleep = TextStatement("SELECT pg_sleep(20)");
  SHARD_ASSERT_OK(connection().Start({&sleep, {}, 1}));
  absl::SleepFor(absl::Milliseconds(100));
  PooledConnection other = Connect();
  SHARD_ASSERT_OK(other->ExecuteScript(
      absl::StrCat("SELECT pg_cancel_backend(", pid, ")")));
  EXPECT_THAT(connection().Finish(nullptr), HasCode(Code::kCancelled));
}

TEST_F(PostgresConnectionTest, TransactionsAndSavepoints) {
  SHARD_ASSERT_OK(Script("CREATE TABLE t (i int)"));
  EXPECT_FALSE(connection().in_transaction());
  SHARD_ASSERT_OK(connection().Begin());
  EXPECT_TRUE(connection().in_transaction());
  SHARD_ASSERT_OK(Run("INSERT INTO t VALUES (1)"));
  SHARD_ASSERT_OK(connection().Savepoint("a \"b\" é"));
  SHARD_ASSERT_OK(Run("INSERT INTO t VALUES (2)"));
  EXPECT_THAT(Run("SELECT 1 / 0"), HasCode(Code::kInvalidArgument));
  EXPECT_TRUE(connection().in_transaction());
  SHARD_ASSERT_OK(connection().RollbackTo("a \"b\" é"));
  SHARD_ASSERT_OK(connection().Release("a \"b\" é"));
  SHARD_ASSERT_OK(connection().Commit());
  EXPECT_FALSE(connection().in_transaction());
  EXPECT_EQ(Number("SELECT sum(i)::int FROM t"), 1);
}

TEST_F(PostgresConnectionTest, CommitOfAFailedTransactionIsAnError) {
  for (const bool as_script : {true, false}) {
    SHARD_ASSERT_OK(connection().Begin());
    EXPECT_THAT(Run("SELECT 1 / 0"), HasCode(Code::kInvalidArgument));
    const absl::Status status =
        as_script ? connection().Commit() : Run(" commit").status();
    EXPECT_THAT(status, StatusIs(Code::kAborted, HasSubstr("rolled")));
    EXPECT_FALSE(connection().in_transaction());
  }
}

TEST_F(PostgresConnectionTest, DeferredConstraintsFailAtTheEnd) {
  SHARD_ASSERT_OK(
      Script("CREATE TABLE t (i int UNIQUE DEFERRABLE INITIALLY DEFERRED);"
             "INSERT INTO t VALUES (1)"));
  EXPECT_THAT(Run("INSERT INTO t VALUES (1)"), HasCode(Code::kAlreadyExists));
  EXPECT_EQ(Number("SELECT count(*) FROM t"), 1);
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(Run("INSERT INTO t VALUES (1)"));
  EXPECT_THAT(connection().Commit(), HasCode(Code::kAlreadyExists));
  EXPECT_EQ(Number("SELECT count(*) FROM t"), 1);
}

TEST_F(PostgresConnectionTest, TablesThatChangeUnderPreparedStatements) {
  SHARD_ASSERT_OK(Script("CREATE TABLE t (i int); INSERT INTO t VALUES (1)"));
  SHARD_ASSERT_OK(Run("SELECT * FROM t WHERE i = $1", {ValueView::Text("1")}));
  SHARD_ASSERT_OK(Script("ALTER TABLE t ALTER i TYPE text"));
  const auto again = [&] {
    return Run("SELECT * FROM t WHERE i = $1", {ValueView::Text("1")});
  };
  EXPECT_FALSE(again().ok());
  SHARD_ASSERT_OK(again());
  EXPECT_EQ(rows_.row(0)[0], ValueView::Text("1"));
  SHARD_ASSERT_OK(Script("ALTER TABLE t ADD j int"));
  EXPECT_THAT(again(), HasCode(Code::kAborted));
  SHARD_ASSERT_OK(again());
  EXPECT_EQ(rows_.row(0).size(), 2u);
}

TEST_F(PostgresConnectionTest, PreparedStatementsAreReusedAndDropped) {
  SHARD_ASSERT_OK(Run("SELECT 1 AS again"));
  SHARD_ASSERT_OK(Run("SELECT 1 AS again"));
  const char* count =
      "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE "
      "'%AS again'";
  EXPECT_EQ(Number(count), 1);
  for (int i = 0; i < 600; ++i) {
    SHARD_ASSERT_OK(Run(absl::StrCat("SELECT ", i, " AS other")));
  }
  EXPECT_EQ(Number(count), 0);
  EXPECT_LE(Number("SELECT count(*) FROM pg_prepared_statements"), 257);
  SHARD_ASSERT_OK(Script("DISCARD ALL"));
  SHARD_ASSERT_OK(Run("SELECT 599 AS other"));
}

TEST_F(PostgresConnectionTest, SettingsOfEachConnection) {
  SHARD_ASSERT_OK(
      Run("SELECT current_setting('TimeZone') || ' ' || "
          "current_setting('client_encoding') || ' ' || "
          "split_part(current_setting('DateStyle'), ',', 1) || ' ' || "
          "current_setting('application_name')"));
  EXPECT_EQ(rows_.row(0)[0].bytes(), "UTC UTF8 ISO shardsession");
}

TEST_F(PostgresConnectionTest, SettingsWinOverTheEnvironment) {
  ::setenv("PGTZ", "America/New_York", 1);
  ::setenv("PGDATESTYLE", "German", 1);
  PooledConnection other = Connect();
  ::unsetenv("PGTZ");
  ::unsetenv("PGDATESTYLE");
  SHARD_ASSERT_OK(
      RunSql(*other, "SELECT '2024-02-29'::date::text", {}, &rows_));
  EXPECT_EQ(rows_.row(0)[0].bytes(), "2024-02-29");
  SHARD_ASSERT_OK(RunSql(*other, "SHOW TimeZone", {}, &rows_));
  EXPECT_EQ(rows_.row(0)[0].bytes(), "UTC");
}

TEST_F(PostgresConnectionTest, ALostConnectionIsUnavailable) {
  for (const bool while_running : {false, true}) {
    PooledConnection victim = Connect();
    SHARD_ASSERT_OK(RunSql(*victim, "SELECT pg_backend_pid()", {}, &rows_));
    const std::string kill = absl::StrCat("SELECT pg_terminate_backend(",
                                          rows_.row(0)[0].integer(), ")");
    const CompiledStatement sleep = TextStatement("SELECT pg_sleep(20)");
    if (while_running) {
      SHARD_ASSERT_OK(victim->Start({&sleep, {}, 1}));
      absl::SleepFor(absl::Milliseconds(100));
    }
    SHARD_ASSERT_OK(Run(kill));
    absl::SleepFor(absl::Milliseconds(100));
    const absl::Status status = while_running
                                    ? victim->Finish(nullptr).status()
                                    : RunSql(*victim, "SELECT 1").status();
    EXPECT_THAT(status, HasCode(Code::kUnavailable));
    EXPECT_FALSE(victim->usable());
    EXPECT_THAT(victim->Ping(), HasCode(Code::kUnavailable));
    EXPECT_THAT(victim->ExecuteScript("ROLLBACK"), HasCode(Code::kUnavailable));
    EXPECT_THAT(RunSql(*victim, "SELECT 1"), HasCode(Code::kUnavailable));
    EXPECT_FALSE(victim->in_transaction());
  }
  SHARD_EXPECT_OK(Connect()->Ping());
}

TEST_F(PostgresConnectionTest, ASeveredConnectionOfThePoolIsNotLent) {
  int pid = 0;
  {
    PooledConnection victim = Connect();
    EXPECT_FALSE(victim->HasHungUp());
    SHARD_ASSERT_OK(RunSql(*victim, "SELECT pg_backend_pid()", {}, &rows_));
    pid = static_cast<int>(rows_.row(0)[0].integer());
    SHARD_ASSERT_OK(
        Run(absl::StrCat("SELECT pg_terminate_backend(", pid, ")")));
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    while (!victim->HasHungUp()) ASSERT_LT(absl::Now(), deadline);
    EXPECT_FALSE(victim->usable());
  }
  {
    PooledConnection idle = Connect();
    SHARD_ASSERT_OK(RunSql(*idle, "SELECT pg_backend_pid()", {}, &rows_));
    pid = static_cast<int>(rows_.row(0)[0].integer());
  }
  SHARD_ASSERT_OK(
      Run(absl::StrCat("SELECT pg_terminate_backend(", pid, ", 30000)")));
  SHARD_EXPECT_OK(RunSql(*Connect(), "SELECT 1"));
}

TEST_F(PostgresConnectionTest, TellsWhereItsLogIs) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto before, connection().ReadReplication());
  ASSERT_TRUE(before.has_value());
  EXPECT_FALSE(before->standby);
  EXPECT_EQ(before->lag, absl::ZeroDuration());
  SHARD_ASSERT_OK(Run("CREATE TABLE logged (a int)"));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto after, connection().ReadReplication());
  EXPECT_GT(after->position, before->position);
}

TEST_F(PostgresConnectionTest, LossDuringALookUpInTheCatalogue) {
  const sql::Table table("t", {{.name = "a", .type = ValueType::kText}});
  PooledConnection victim = Connect();
  SHARD_ASSERT_OK(RunSql(*victim, "SELECT pg_backend_pid()", {}, &rows_));
  SHARD_ASSERT_OK(Run(absl::StrCat("SELECT pg_terminate_backend(",
                                   rows_.row(0)[0].integer(), ")")));
  absl::SleepFor(absl::Milliseconds(100));
  const sql::Column* column = table.FindColumn("a");
  const std::vector<ValueView> values(2);
  EXPECT_THAT(victim->Insert({&table, {&column, 1}, 2, values, nullptr}),
              HasCode(Code::kUnavailable));
  EXPECT_FALSE(victim->usable());
}

TEST_F(PostgresConnectionTest, Events) {
  ForgetStatements();
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(Run("SELECT $1::int", {ValueView::Int32(1)}));
  SHARD_ASSERT_OK(connection().Commit());
  EXPECT_FALSE(Run("nonsense").ok());
  EXPECT_THAT(statements_,
              ElementsAre("BEGIN", "SELECT $1::int", "COMMIT", "nonsense"));
  EXPECT_EQ(failed_, 1);
}

TEST_F(PostgresConnectionTest, TextOrder) {
  EXPECT_TRUE(connection().text_sorts_by_bytes());
  EXPECT_FALSE(connection().works_in_finish());
  EXPECT_EQ(connection().dialect().name(), "postgresql");
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto icu, OpenEngine(PostgresUrl("SHARD_TEST_POSTGRES_ICU_URL")));
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection other, icu->Connect());
  EXPECT_FALSE(other->text_sorts_by_bytes());
}

absl::Status ConnectTo(const std::string& url) {
  EngineOptions options;
  options.busy_timeout = absl::Seconds(2);
  const auto engine = OpenEngine(url, options);
  if (!engine.ok()) return engine.status();
  return (*engine)->Connect().status();
}

TEST(PostgresUrlTest, WhatCannotBeReached) {
  EXPECT_THAT(ConnectTo("postgresql://u:hush-hush@127.0.0.1:1/db"),
              StatusIs(Code::kUnavailable, Not(HasSubstr("hush"))));
  EXPECT_THAT(ConnectTo("postgresql://u:hush-hush@host.invalid/db"),
              StatusIs(Code::kUnavailable, Not(HasSubstr("hush"))));
  EXPECT_THAT(ConnectTo("postgres://u:hush-hush@/db?host=/no/such/folder"),
              StatusIs(Code::kUnavailable, Not(HasSubstr("hush"))));
  EXPECT_THAT(ConnectTo("postgres://%2Fno%2Fsuch%2Ffolder/db"),
              StatusIs(Code::kUnavailable, HasSubstr("/no/such/folder")));
}

TEST(PostgresUrlTest, ADatabaseThatDoesNotExist) {
  std::string url = PostgresUrl("SHARD_TEST_POSTGRES_URLS");
  ASSERT_FALSE(url.empty());
  url = url.substr(0, url.rfind('/')) + "/no_such_database";
  url.insert(url.find('@'), ":hush-hush");
  EXPECT_THAT(ConnectTo(url),
              StatusIs(Code::kNotFound, AllOf(HasSubstr("no_such_database"),
                                              Not(HasSubstr("hush")))));
}

// Takes the connection, but never says a word.
TEST(PostgresUrlTest, AServerThatDoesNotAnswer) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_GE(listener, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(listener, any, size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, any, &size), 0);
  const std::string url = absl::StrCat(
      "postgresql://u:hush-hush@127.0.0.1:", ntohs(address.sin_port),
      "/db?connect_timeout=1");
  EXPECT_THAT(ConnectTo(url),
              StatusIs(Code::kUnavailable,
                       AllOf(HasSubstr("1s"), Not(HasSubstr("hush")))));
  ::close(listener);
}

TEST(PostgresUrlTest, Parameters) {
  EXPECT_THAT(ConnectTo("postgresql://h/db?colour=red"),
              StatusIs(Code::kInvalidArgument, HasSubstr("colour")));
  EXPECT_THAT(ConnectTo("postgresql://h/db?host=other"),
              StatusIs(Code::kInvalidArgument, HasSubstr("twice")));
  EXPECT_THAT(ConnectTo("postgresql://h/db?connect_timeout=soon"),
              HasCode(Code::kInvalidArgument));
  EXPECT_THAT(ConnectTo("postgresql://h/db?client_encoding=LATIN1"),
              HasCode(Code::kInvalidArgument));
  EXPECT_THAT(ConnectTo("postgresql://h/db?password=hush-hush&port=x"),
              Not(StatusIs(Code::kOk, HasSubstr("hush"))));
}

}  // namespace
}  // namespace shard
