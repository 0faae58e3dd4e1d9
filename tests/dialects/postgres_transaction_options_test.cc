// Transactions with an isolation, limits and a deadline on PostgreSQL.
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/strings.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/transaction_options.h"
#include "shard/tests/dialects/postgres_test_support.h"

namespace shard {
namespace {

using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::HasSubstr;
using testing::PostgresTest;
using testing::RunSql;
using testing::StatusIs;
using Code = absl::StatusCode;

class PostgresTransactionOptionsTest : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (HasFatalFailure()) return;
    SHARD_ASSERT_OK(Script("CREATE TABLE t (i int PRIMARY KEY)"));
    pid_ = Number("SELECT pg_backend_pid()");
    ForgetStatements();
  }

  std::string Setting(std::string_view name) {
    const absl::Status status =
        Run(absl::StrCat("SHOW ", ToAbsl(name))).status();
    EXPECT_THAT(status, testing::IsOk());
    return status.ok() ? std::string(rows_.row(0)[0].bytes()) : "";
  }
  // The transaction is over, and the connection as it was and at work.
  void ExpectAsBefore() {
    EXPECT_FALSE(connection().in_transaction());
    EXPECT_EQ(Number("SELECT pg_backend_pid()"), pid_);
    EXPECT_EQ(Setting("statement_timeout"), "0");
    EXPECT_EQ(Setting("lock_timeout"), "0");
    EXPECT_EQ(Setting("transaction_read_only"), "off");
    EXPECT_EQ(Setting("transaction_isolation"), "read committed");
  }

  std::int64_t pid_ = 0;
};

TEST_F(PostgresTransactionOptionsTest, TheIsolationIsThatOfTheTransaction) {
  for (const auto& [isolation, name] :
       {std::pair(Isolation::kDefault, "read committed"),
        std::pair(Isolation::kReadCommitted, "read committed"),
        std::pair(Isolation::kRepeatableRead, "repeatable read"),
        std::pair(Isolation::kSerializable, "serializable")}) {
    SHARD_ASSERT_OK(
        connection().Begin({.isolation = isolation, .read_only = true}));
    EXPECT_EQ(Setting("transaction_isolation"), name);
    EXPECT_EQ(Setting("transaction_read_only"), "on");
    SHARD_ASSERT_OK(connection().Commit());
  }
  ExpectAsBefore();
}

TEST_F(PostgresTransactionOptionsTest, LimitsAreNoStatementsOfTheirOwn) {
  SHARD_ASSERT_OK(
      connection().Begin({.isolation = Isolation::kSerializable,
                          .deadline = absl::Now() + absl::Seconds(100),
                          .statement_timeout = absl::Milliseconds(2500),
                          .lock_timeout = absl::Microseconds(1)}));
  EXPECT_EQ(Setting("statement_timeout"), "2500ms");
  EXPECT_EQ(Setting("lock_timeout"), "1ms");
  SHARD_ASSERT_OK(Script("INSERT INTO t VALUES (1)"));
  EXPECT_THAT(statements_,
              ElementsAre("BEGIN ISOLATION LEVEL SERIALIZABLE",
                          "SHOW statement_timeout", "SHOW lock_timeout",
                          "INSERT INTO t VALUES (1)"));
  SHARD_ASSERT_OK(connection().Commit());
  ExpectAsBefore();
}

// Its own limit wins over the one against deadlocks of two databases.
TEST_F(PostgresTransactionOptionsTest, LockLimitsStay) {
  SHARD_ASSERT_OK(connection().Begin({.lock_timeout = absl::Seconds(70)}));
  SHARD_ASSERT_OK(connection().LimitLockWaits(absl::Seconds(5)));
  EXPECT_EQ(Setting("lock_timeout"), "70s");
  SHARD_ASSERT_OK(connection().Savepoint("a"));
  SHARD_ASSERT_OK(Script("INSERT INTO t VALUES (1)"));
  SHARD_ASSERT_OK(connection().RollbackTo("a"));
  EXPECT_EQ(Setting("lock_timeout"), "70s");
  SHARD_ASSERT_OK(connection().Rollback());
  ExpectAsBefore();
}

TEST_F(PostgresTransactionOptionsTest, SetTransactionMayStillComeFirst) {
  SHARD_ASSERT_OK(connection().Begin({.statement_timeout = absl::Seconds(9)}));
  SHARD_ASSERT_OK(Script("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"));
  EXPECT_EQ(Setting("transaction_isolation"), "serializable");
  EXPECT_EQ(Setting("statement_timeout"), "9s");
  SHARD_ASSERT_OK(connection().Rollback());
  ExpectAsBefore();
}

TEST_F(PostgresTransactionOptionsTest, AStatementThatTakesTooLong) {
  for (const bool script : {false, true}) {
    SHARD_ASSERT_OK(
        connection().Begin({.statement_timeout = absl::Milliseconds(300)}));
    SHARD_ASSERT_OK(Run("INSERT INTO t VALUES (1)"));
    const std::string_view sleep = "SELECT pg_sleep(20)";
    EXPECT_THAT(script ? Script(sleep) : Run(sleep).status(),
                HasCode(Code::kDeadlineExceeded));
    EXPECT_TRUE(connection().usable());
    SHARD_ASSERT_OK(connection().Rollback());
    ExpectAsBefore();
    EXPECT_EQ(Number("SELECT count(*) FROM t"), 0);
  }
}

TEST_F(PostgresTransactionOptionsTest, ALockThatIsWaitedForTooLong) {
  PooledConnection other = Connect();
  SHARD_ASSERT_OK(other->Begin());
  SHARD_ASSERT_OK(other->ExecuteScript("LOCK TABLE t"));
  SHARD_ASSERT_OK(connection().Begin({.lock_timeout = absl::Milliseconds(20)}));
  EXPECT_THAT(Run("INSERT INTO t VALUES (1)"), HasCode(Code::kAborted));
  SHARD_ASSERT_OK(connection().Rollback());
  SHARD_ASSERT_OK(other->Rollback());
  ExpectAsBefore();
}

TEST_F(PostgresTransactionOptionsTest, TheDeadlineEndsAStatement) {
  SHARD_ASSERT_OK(
      connection().Begin({.deadline = absl::Now() + absl::Milliseconds(500)}));
  SHARD_ASSERT_OK(Run("INSERT INTO t VALUES (1)"));
  EXPECT_THAT(Run("SELECT pg_sleep(20)"), HasCode(Code::kDeadlineExceeded));
  SHARD_ASSERT_OK(connection().Rollback());
  ExpectAsBefore();
}

TEST_F(PostgresTransactionOptionsTest, NoStatementIsBegunBehindTheDeadline) {
  for (const bool script : {false, true}) {
    SHARD_ASSERT_OK(connection().Begin(
        {.deadline = absl::Now() + absl::Milliseconds(500)}));
    SHARD_ASSERT_OK(Run("INSERT INTO t VALUES (1)"));
    absl::SleepFor(absl::Milliseconds(510));
    ForgetStatements();
    const std::string_view select = "SELECT 1";
    EXPECT_THAT(
        script ? Script(select) : Run(select).status(),
        StatusIs(Code::kDeadlineExceeded, HasSubstr("deadline is over")));
    EXPECT_THAT(statements_, ElementsAre());
    SHARD_ASSERT_OK(connection().Rollback());
    ExpectAsBefore();
  }
}

TEST_F(PostgresTransactionOptionsTest, SavepointsEndBehindTheDeadline) {
  const absl::Time deadline = absl::Now() + absl::Milliseconds(1000);
  SHARD_ASSERT_OK(connection().Begin({.deadline = deadline}));
  SHARD_ASSERT_OK(Run("INSERT INTO t VALUES (1)"));
  SHARD_ASSERT_OK(connection().Savepoint("a;"));
  SHARD_ASSERT_OK(Run("INSERT INTO t VALUES (2)"));
  absl::SleepFor(deadline - absl::Now());
  EXPECT_THAT(Script("SELECT 1"), HasCode(Code::kDeadlineExceeded));
  SHARD_ASSERT_OK(connection().RollbackTo("a;"));
  SHARD_ASSERT_OK(connection().Release("a;"));
  EXPECT_THAT(Run("SELECT 1"), HasCode(Code::kDeadlineExceeded));
  SHARD_ASSERT_OK(connection().Commit());
  ExpectAsBefore();
  EXPECT_EQ(Number("SELECT count(*) FROM t"), 1);
}

// Each run has its time from the server; together they keep to it, too.
TEST_F(PostgresTransactionOptionsTest, TheDeadlineEndsManyRuns) {
  SHARD_ASSERT_OK(
      connection().Begin({.deadline = absl::Now() + absl::Milliseconds(100)}));
  const CompiledStatement sleep =
      testing::TextStatement("SELECT pg_sleep($1)", {sql::ValueType::kDouble});
  const std::vector<sql::ValueView> naps(5000, sql::ValueView::Double(0.001));
  const absl::Time begin = absl::Now();
  EXPECT_THAT(connection().Execute({&sleep, naps, naps.size()}, nullptr),
              HasCode(Code::kDeadlineExceeded));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(3));
  EXPECT_TRUE(connection().usable());
  SHARD_ASSERT_OK(connection().Rollback());
  ExpectAsBefore();
}

TEST_F(PostgresTransactionOptionsTest, AServerThatIgnoresItIsGivenUp) {
  SHARD_ASSERT_OK(
      connection().Begin({.deadline = absl::Now() + absl::Milliseconds(50)}));
  const absl::Time begin = absl::Now();
  EXPECT_THAT(Script("SET LOCAL statement_timeout = 0; SELECT pg_sleep(20)"),
              HasCode(Code::kDeadlineExceeded));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
  EXPECT_FALSE(connection().usable());
}

// Cut short, it would leave open what happened.
TEST_F(PostgresTransactionOptionsTest, CommitIsNotBounded) {
  SHARD_ASSERT_OK(Script(
      "CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "PERFORM pg_sleep(0.7); RETURN NULL; END $$;"
      "CREATE CONSTRAINT TRIGGER naps AFTER INSERT ON t DEFERRABLE INITIALLY "
      "DEFERRED FOR EACH ROW EXECUTE FUNCTION nap()"));
  for (const bool lift : {false, true}) {
    SHARD_ASSERT_OK(
        connection().Begin({.deadline = absl::Now() + absl::Milliseconds(500),
                            .statement_timeout = absl::Milliseconds(450)}));
    SHARD_ASSERT_OK(Run(absl::StrCat("INSERT INTO t VALUES (", lift, ")")));
    if (lift) connection().LiftTimeLimits();
    SHARD_ASSERT_OK(connection().Commit());
    ExpectAsBefore();
  }
  EXPECT_EQ(Number("SELECT count(*) FROM t"), 2);
}

TEST_F(PostgresTransactionOptionsTest, BadOptionsBeginNothing) {
  EXPECT_THAT(connection().Begin({.statement_timeout = absl::ZeroDuration()}),
              StatusIs(Code::kInvalidArgument, HasSubstr("statement_timeout")));
  EXPECT_THAT(connection().Begin({.lock_timeout = absl::Seconds(-1)}),
              StatusIs(Code::kInvalidArgument, HasSubstr("lock_timeout")));
  EXPECT_THAT(connection().Begin({.deadline = absl::InfinitePast()}),
              HasCode(Code::kDeadlineExceeded));
  EXPECT_FALSE(connection().in_transaction());
  ExpectAsBefore();
}

}  // namespace
}  // namespace shard
