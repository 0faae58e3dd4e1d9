// Transactions with an isolation, limits and a deadline on SQLite.
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/transaction_options.h"
#include "shard/sql/value.h"
#include "shard/tests/dialects/sqlite_test_support.h"

namespace shard {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::Query;
using testing::QueryValue;
using testing::RunSql;
using testing::SqliteTest;
using testing::StatusIs;
using Code = absl::StatusCode;

// Counts until somebody stops it.
constexpr std::string_view kEndless =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    "SELECT count(*) FROM n";
constexpr std::string_view kEndlessWrite =
    "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
    "FROM n) SELECT count(*) FROM n";

class SqliteTransactionOptionsTest : public SqliteTest {
 protected:
  void SetUp() override {
    SqliteTest::SetUp();
    SHARD_ASSERT_OK(Script("CREATE TABLE t(x)"));
    other_ = Connect();
  }
  void TearDown() override {
    other_.Return();
    SqliteTest::TearDown();
  }
  std::int64_t Number(std::string_view sql) {
    const auto value = QueryValue(connection(), sql);
    EXPECT_THAT(value.status(), testing::IsOk());
    return value.ok() ? value->view().integer() : -1;
  }
  // The transaction is over, and the connection as it was and at work.
  void ExpectAsBefore(std::int64_t rows) {
    EXPECT_FALSE(connection().in_transaction());
    EXPECT_EQ(Number("PRAGMA busy_timeout"), 50);
    EXPECT_EQ(Number("SELECT count(*) FROM t"), rows);
    SHARD_EXPECT_OK(RunSql(connection(), "INSERT INTO t VALUES (9)"));
    SHARD_EXPECT_OK(RunSql(connection(), "DELETE FROM t WHERE x = 9"));
    SHARD_EXPECT_OK(RunSql(
        connection(),
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT "
        "200000) SELECT count(*) FROM n"));
  }

  PooledConnection other_;
};

TEST_F(SqliteTransactionOptionsTest, EveryIsolationIsSerializable) {
  for (const Isolation isolation :
       {Isolation::kDefault, Isolation::kReadCommitted,
        Isolation::kRepeatableRead, Isolation::kSerializable}) {
    SHARD_ASSERT_OK(connection().Begin({.isolation = isolation}));
    const std::int64_t before = Number("SELECT count(*) FROM t");
    SHARD_ASSERT_OK(RunSql(*other_, "INSERT INTO t VALUES (1)"));
    EXPECT_EQ(Number("SELECT count(*) FROM t"), before);
    EXPECT_THAT(RunSql(connection(), "INSERT INTO t VALUES (2)"),
                HasCode(Code::kAborted));
    SHARD_ASSERT_OK(connection().Rollback());
  }
}

TEST_F(SqliteTransactionOptionsTest, AStatementThatTakesTooLong) {
  for (const bool script : {false, true}) {
    SHARD_ASSERT_OK(
        connection().Begin({.statement_timeout = absl::Milliseconds(300)}));
    SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO t VALUES (1)"));
    const absl::Time begin = absl::Now();
    EXPECT_THAT(
        script ? Script(kEndless) : RunSql(connection(), kEndless).status(),
        StatusIs(Code::kDeadlineExceeded, HasSubstr("statement_timeout")));
    EXPECT_GE(absl::Now() - begin, absl::Milliseconds(300));
    EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
    SHARD_ASSERT_OK(connection().Rollback());
    ExpectAsBefore(0);
  }
}

// SQLite ends the transaction of a write that is interrupted.
TEST_F(SqliteTransactionOptionsTest, AWriteThatTakesTooLong) {
  SHARD_ASSERT_OK(
      connection().Begin({.statement_timeout = absl::Milliseconds(300)}));
  SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO t VALUES (1)"));
  EXPECT_THAT(RunSql(connection(), kEndlessWrite),
              HasCode(Code::kDeadlineExceeded));
  EXPECT_TRUE(connection().in_transaction());
  EXPECT_FALSE(RunSql(connection(), "INSERT INTO t VALUES (2)").ok());
  EXPECT_FALSE(connection().Commit().ok());
  SHARD_ASSERT_OK(connection().Rollback());
  ExpectAsBefore(0);
}

// Each batch of a cursor has its time, however long its user takes between.
TEST_F(SqliteTransactionOptionsTest, TimeBetweenBatchesDoesNotCount) {
  SHARD_ASSERT_OK(RunSql(*other_, "INSERT INTO t VALUES (1), (2), (3)"));
  SHARD_ASSERT_OK(
      connection().Begin({.statement_timeout = absl::Milliseconds(400)}));
  const CompiledStatement select = testing::TextStatement(
      "SELECT a.x, (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
      "FROM n LIMIT 3000) SELECT sum(i) + a.x FROM n) FROM t a");
  SHARD_ASSERT_OK_AND_ASSIGN(auto cursor,
                             connection().OpenCursor({&select, {}, 1}, 1));
  RowBatch batch;
  for (int row = 0; row < 3; ++row) {
    SHARD_ASSERT_OK(cursor->Next(&batch));
    EXPECT_EQ(batch.rows(), 1);
    absl::SleepFor(absl::Milliseconds(410));
  }
  cursor.reset();
  SHARD_ASSERT_OK(connection().Rollback());
}

TEST_F(SqliteTransactionOptionsTest, ALockThatIsWaitedForTooLong) {
  SHARD_ASSERT_OK(other_->ExecuteScript("BEGIN IMMEDIATE"));
  for (const absl::Duration limit :
       {absl::Milliseconds(1), absl::Milliseconds(200)}) {
    SHARD_ASSERT_OK(connection().Begin({.lock_timeout = limit}));
    const absl::Time begin = absl::Now();
    EXPECT_THAT(RunSql(connection(), "INSERT INTO t VALUES (1)"),
                HasCode(Code::kAborted));
    EXPECT_GE(absl::Now() - begin, limit);
    EXPECT_LT(absl::Now() - begin, limit + absl::Seconds(5));
    SHARD_ASSERT_OK(connection().Rollback());
  }
  SHARD_ASSERT_OK(other_->Rollback());
  ExpectAsBefore(0);
}

TEST_F(SqliteTransactionOptionsTest, WaitingForALockTakesFromItsTime) {
  SHARD_ASSERT_OK(other_->ExecuteScript("BEGIN IMMEDIATE"));
  SHARD_ASSERT_OK(
      connection().Begin({.deadline = absl::Now() + absl::Milliseconds(60),
                          .lock_timeout = absl::Seconds(30)}));
  EXPECT_THAT(RunSql(connection(), "INSERT INTO t VALUES (1)"),
              HasCode(Code::kDeadlineExceeded));
  SHARD_ASSERT_OK(connection().Rollback());
  SHARD_ASSERT_OK(other_->Rollback());
  ExpectAsBefore(0);
}

TEST_F(SqliteTransactionOptionsTest, NoStatementIsBegunBehindTheDeadline) {
  for (const bool script : {false, true}) {
    SHARD_ASSERT_OK(connection().Begin(
        {.deadline = absl::Now() + absl::Milliseconds(500)}));
    SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO t VALUES (1)"));
    absl::SleepFor(absl::Milliseconds(510));
    EXPECT_THAT(
        script ? Script("SELECT 1") : RunSql(connection(), "SELECT 1").status(),
        StatusIs(Code::kDeadlineExceeded, HasSubstr("deadline is over")));
    SHARD_ASSERT_OK(connection().Rollback());
    ExpectAsBefore(0);
  }
}

TEST_F(SqliteTransactionOptionsTest, SavepointsEndBehindTheDeadline) {
  const absl::Time deadline = absl::Now() + absl::Milliseconds(1000);
  SHARD_ASSERT_OK(connection().Begin({.deadline = deadline}));
  SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO t VALUES (1)"));
  SHARD_ASSERT_OK(connection().Savepoint("a;"));
  SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO t VALUES (2)"));
  absl::SleepFor(deadline - absl::Now());
  SHARD_ASSERT_OK(connection().RollbackTo("a;"));
  SHARD_ASSERT_OK(connection().Release("a;"));
  EXPECT_THAT(Script("SELECT 1"), HasCode(Code::kDeadlineExceeded));
  SHARD_ASSERT_OK(connection().Commit());
  ExpectAsBefore(1);
}

TEST_F(SqliteTransactionOptionsTest, CommitIsNotBounded) {
  for (const bool lift : {false, true}) {
    SHARD_ASSERT_OK(connection().Begin(
        {.deadline = absl::Now() + absl::Milliseconds(500)}));
    SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO t VALUES (1)"));
    absl::SleepFor(absl::Milliseconds(510));
    if (lift) {
      connection().LiftTimeLimits();
      SHARD_EXPECT_OK(RunSql(connection(), "SELECT 1"));
    }
    SHARD_ASSERT_OK(connection().Commit());
  }
  ExpectAsBefore(2);
}

// What else is called during long work goes on being called.
TEST_F(SqliteTransactionOptionsTest, ProgressIsToldToo) {
  int calls = 0;
  connection().set_progress([&calls] { ++calls; });
  SHARD_ASSERT_OK(
      connection().Begin({.statement_timeout = absl::Milliseconds(20)}));
  EXPECT_THAT(RunSql(connection(), kEndless), HasCode(Code::kDeadlineExceeded));
  SHARD_ASSERT_OK(connection().Rollback());
  EXPECT_GT(calls, 0);
  calls = 0;
  ExpectAsBefore(0);
  EXPECT_GT(calls, 0);
  connection().set_progress(nullptr);
}

// The pool rolls back what its user left.
TEST_F(SqliteTransactionOptionsTest, NothingLeaksToTheNextUser) {
  SHARD_ASSERT_OK(
      connection().Begin({.read_only = true,
                          .deadline = absl::Now() + absl::Milliseconds(1),
                          .lock_timeout = absl::Hours(1)}));
  connection_.Return();
  absl::SleepFor(absl::Milliseconds(2));
  connection_ = Connect();
  ExpectAsBefore(0);
  EXPECT_EQ(engine_->open_connections(), 2);
}

TEST_F(SqliteTransactionOptionsTest, BadOptionsBeginNothing) {
  EXPECT_THAT(connection().Begin({.statement_timeout = absl::ZeroDuration()}),
              StatusIs(Code::kInvalidArgument, HasSubstr("statement_timeout")));
  EXPECT_THAT(connection().Begin({.lock_timeout = absl::Seconds(-1)}),
              StatusIs(Code::kInvalidArgument, HasSubstr("lock_timeout")));
  EXPECT_THAT(connection().Begin({.deadline = absl::InfinitePast()}),
              HasCode(Code::kDeadlineExceeded));
  ExpectAsBefore(0);
}

}  // namespace
}  // namespace shard
