// BEGIN goes to a PostgreSQL server together with the first statement, and so
// does the limit on waiting for locks.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/strings.h"
#include "shard/base/testing.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/errors.h"
#include "shard/sql/column.h"
#include "shard/sql/table.h"
#include "shard/sql/value.h"
#include "shard/tests/dialects/postgres_test_support.h"

namespace shard {
namespace {

using sql::ValueType;
using sql::ValueView;
using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::PostgresTest;
using testing::RunSql;
using testing::StatusIs;
using testing::TextStatement;
using Code = absl::StatusCode;

class PostgresLateBeginTest : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (HasFatalFailure()) return;
    SHARD_ASSERT_OK(Script("CREATE TABLE t (i int PRIMARY KEY)"));
    SHARD_ASSERT_OK_AND_ASSIGN(other_, admin_->Connect());  // not listened to
    SHARD_ASSERT_OK(
        other_->ExecuteScript(absl::StrCat("SET search_path = ", schema_)));
    pid_ = Number("SELECT pg_backend_pid()");
    ForgetStatements();
  }
  void TearDown() override {
    other_.Return();
    PostgresTest::TearDown();
  }

  // What the server says of our connection.
  std::string ServerState() {
    RowBatch rows;
    const absl::Status status =
        RunSql(*other_,
               absl::StrCat("SELECT state FROM pg_stat_activity WHERE pid = ",
                            pid_),
               {}, &rows)
            .status();
    EXPECT_THAT(status, IsOk());
    return status.ok() ? std::string(rows.row(0)[0].bytes()) : "";
  }
  std::int64_t Committed() {
    RowBatch rows;
    const absl::Status status =
        RunSql(*other_, "SELECT count(*) FROM t", {}, &rows).status();
    EXPECT_THAT(status, IsOk());
    return status.ok() ? rows.row(0)[0].integer() : -1;
  }
  std::string Setting(std::string_view name) {
    const absl::Status status =
        Run(absl::StrCat("SHOW ", ToAbsl(name))).status();
    EXPECT_THAT(status, IsOk());
    return status.ok() ? std::string(rows_.row(0)[0].bytes()) : "";
  }

  PooledConnection other_;
  std::int64_t pid_ = 0;
};

TEST_F(PostgresLateBeginTest, BeginIsSentWithTheFirstStatement) {
  SHARD_ASSERT_OK(connection().Begin());
  EXPECT_TRUE(connection().in_transaction());
  EXPECT_EQ(ServerState(), "idle");
  ForgetStatements();
  SHARD_ASSERT_OK(Run("INSERT INTO t VALUES (1)"));
  SHARD_ASSERT_OK(Run("INSERT INTO t VALUES (2)"));
  EXPECT_THAT(statements_, ElementsAre("BEGIN", "INSERT INTO t VALUES (1)",
                                       "INSERT INTO t VALUES (2)"));
  EXPECT_EQ(ServerState(), "idle in transaction");
  EXPECT_EQ(Committed(), 0);
  SHARD_ASSERT_OK(connection().Commit());
  EXPECT_FALSE(connection().in_transaction());
  EXPECT_EQ(Committed(), 2);
}

TEST_F(PostgresLateBeginTest, BeginInFrontOfAScript) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(Script("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)"));
  EXPECT_THAT(
      statements_,
      ElementsAre("BEGIN",
                  "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)"));
  EXPECT_TRUE(connection().in_transaction());
  EXPECT_EQ(Committed(), 0);
  SHARD_ASSERT_OK(connection().Rollback());
  EXPECT_EQ(Number("SELECT count(*) FROM t"), 0);
}

TEST_F(PostgresLateBeginTest, BeginInFrontOfAnInsert) {
  const sql::Table table("t", {{.name = "i", .type = ValueType::kInt32}});
  const sql::Column* const column = table.FindColumn("i");
  for (const std::size_t rows : {1u, 3u}) {  // one by one, and as a page
    const std::vector<ValueView> values = {
        ValueView::Int32(1), ValueView::Int32(2), ValueView::Int32(3)};
    SHARD_ASSERT_OK(connection().Begin());
    SHARD_ASSERT_OK(connection().Insert(
        {&table, {&column, 1}, rows, {values.data(), rows}, nullptr}));
    EXPECT_EQ(statements_.front(), "BEGIN");
    EXPECT_EQ(Committed(), 0);
    SHARD_ASSERT_OK(connection().Rollback());
    EXPECT_EQ(Committed(), 0);
    ForgetStatements();
  }
}

TEST_F(PostgresLateBeginTest, BeginInFrontOfACursor) {
  const CompiledStatement series =
      TextStatement("SELECT generate_series(1, 5)");
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto cursor,
                             connection().OpenCursor({&series, {}, 1}, 3));
  EXPECT_THAT(statements_, IsEmpty());
  SHARD_ASSERT_OK(cursor->Next(&rows_));
  EXPECT_EQ(rows_.rows(), 3u);
  EXPECT_EQ(statements_.size(), 3u);
  EXPECT_EQ(statements_.front(), "BEGIN");
  SHARD_ASSERT_OK(cursor->Next(&rows_));
  EXPECT_EQ(rows_.rows(), 2u);
  SHARD_ASSERT_OK(connection().Commit());
}

TEST_F(PostgresLateBeginTest, BeginInFrontOfASavepoint) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(connection().Savepoint("a"));
  EXPECT_THAT(statements_, ElementsAre("BEGIN", "SAVEPOINT \"a\""));
  SHARD_ASSERT_OK(Run("INSERT INTO t VALUES (1)"));
  SHARD_ASSERT_OK(connection().RollbackTo("a"));
  SHARD_ASSERT_OK(Run("INSERT INTO t VALUES (2)"));
  SHARD_ASSERT_OK(connection().Commit());
  EXPECT_EQ(Number("SELECT sum(i)::int FROM t"), 2);
}

TEST_F(PostgresLateBeginTest, AnEmptyTransactionSendsNothing) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(connection().Commit());
  EXPECT_FALSE(connection().in_transaction());
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(connection().LimitLockWaits(absl::Seconds(1)));
  SHARD_ASSERT_OK(connection().Rollback());
  EXPECT_FALSE(connection().in_transaction());
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(connection().StartScript("ROLLBACK"));
  SHARD_ASSERT_OK(connection().FinishScript());
  EXPECT_FALSE(connection().in_transaction());
  EXPECT_THAT(statements_, IsEmpty());
  // And what comes next is outside of it.
  SHARD_ASSERT_OK(Run("INSERT INTO t VALUES (1)"));
  EXPECT_THAT(statements_, ElementsAre("INSERT INTO t VALUES (1)"));
  EXPECT_EQ(Committed(), 1);
}

TEST_F(PostgresLateBeginTest, AnEmptyTransactionGoesBackToThePoolForNothing) {
  SHARD_ASSERT_OK(connection().Begin());
  connection_.Return();
  EXPECT_THAT(statements_, IsEmpty());
  connection_ = Connect();
  EXPECT_FALSE(connection().in_transaction());
  EXPECT_EQ(Number("SELECT pg_backend_pid()"), pid_);
  EXPECT_THAT(statements_, ElementsAre("SELECT pg_backend_pid()"));
}

TEST_F(PostgresLateBeginTest, ReadOnly) {
  SHARD_ASSERT_OK(connection().Begin({.read_only = true}));
  EXPECT_THAT(Script("INSERT INTO t VALUES (1)"), HasCode(Code::kUnavailable));
  EXPECT_EQ(statements_.front(), "BEGIN READ ONLY");
  SHARD_ASSERT_OK(connection().Rollback());
}

TEST_F(PostgresLateBeginTest, BeginInATransactionIsRefused) {
  SHARD_ASSERT_OK(connection().Begin());
  EXPECT_THAT(connection().Begin(), HasCode(Code::kFailedPrecondition));
  SHARD_ASSERT_OK(Run("INSERT INTO t VALUES (1)"));
  EXPECT_THAT(connection().Begin(), HasCode(Code::kFailedPrecondition));
  EXPECT_THAT(statements_, ElementsAre("BEGIN", "INSERT INTO t VALUES (1)"));
  SHARD_ASSERT_OK(connection().Commit());
  SHARD_ASSERT_OK(Run("BEGIN"));  // somebody's own
  EXPECT_THAT(connection().Begin(), HasCode(Code::kFailedPrecondition));
  SHARD_ASSERT_OK(connection().Rollback());
  EXPECT_EQ(Committed(), 1);
}

TEST_F(PostgresLateBeginTest, BeginWhileBusyIsRefused) {
  const CompiledStatement one = TextStatement("SELECT 1");
  SHARD_ASSERT_OK(connection().Start({&one, {}, 1}));
  EXPECT_THAT(connection().Begin(), HasCode(Code::kFailedPrecondition));
  SHARD_ASSERT_OK(connection().Finish(nullptr));
  EXPECT_FALSE(connection().in_transaction());
}

TEST_F(PostgresLateBeginTest, ARequestThatIsRefusedLeavesBeginToTheNext) {
  SHARD_ASSERT_OK(connection().Begin());
  EXPECT_THAT(Run(std::string("SELECT \0 1", 10)),
              HasCode(Code::kInvalidArgument));
  EXPECT_THAT(Script(std::string("SELECT \0 1", 10)),
              HasCode(Code::kInvalidArgument));
  const CompiledStatement nothing = TextStatement("SELECT 1");
  SHARD_ASSERT_OK(connection().Execute({&nothing, {}, 0}, nullptr));
  EXPECT_THAT(statements_, IsEmpty());
  SHARD_ASSERT_OK(Run("INSERT INTO t VALUES (1)"));
  EXPECT_EQ(Committed(), 0);
  SHARD_ASSERT_OK(connection().Commit());
  EXPECT_THAT(statements_,
              ElementsAre("BEGIN", "INSERT INTO t VALUES (1)", "COMMIT"));
}

TEST_F(PostgresLateBeginTest, AFirstStatementThatFailsFailsTheTransaction) {
  SHARD_ASSERT_OK(connection().Begin());
  EXPECT_THAT(Run("SELEC 1"), HasCode(Code::kInvalidArgument));
  EXPECT_EQ(ServerState(), "idle in transaction (aborted)");
  EXPECT_THAT(Run("SELECT 1"), HasCode(Code::kFailedPrecondition));
  EXPECT_THAT(connection().Commit(), HasCode(Code::kAborted));
  EXPECT_FALSE(connection().in_transaction());
  EXPECT_THAT(statements_,
              ElementsAre("BEGIN", "SELEC 1", "SELECT 1", "COMMIT"));
}

// The server reads all of a message before it runs the BEGIN in it.
TEST_F(PostgresLateBeginTest, AScriptWithAFaultFailsTheTransactionToo) {
  const std::vector<std::string> ends = {"Commit", "Rollback", "commit;",
                                         " Rollback "};
  for (const std::string& end : ends) {
    SHARD_ASSERT_OK(connection().Begin());
    EXPECT_THAT(Script("INSERT INTO t VALUES (1); SELEC 1"),
                StatusIs(Code::kInvalidArgument, HasSubstr("SELEC")));
    EXPECT_TRUE(connection().in_transaction());
    // Nothing may run as if there were no transaction.
    for (const absl::Status& status :
         {Run("INSERT INTO t VALUES (2)").status(),
          Script("INSERT INTO t VALUES (3)"), connection().Savepoint("a")}) {
      EXPECT_THAT(status, HasCode(Code::kFailedPrecondition));
      EXPECT_EQ(DatabaseCode(status), "25P02");
    }
    EXPECT_THAT(connection().Begin(), HasCode(Code::kFailedPrecondition));
    if (end == "Commit") {
      EXPECT_THAT(connection().Commit(), HasCode(Code::kAborted));
    } else if (end == "Rollback") {
      SHARD_EXPECT_OK(connection().Rollback());
    } else if (end == "commit;") {
      EXPECT_THAT(Run(end), HasCode(Code::kAborted));
    } else {
      SHARD_EXPECT_OK(Run(end));
    }
    EXPECT_FALSE(connection().in_transaction());
    EXPECT_EQ(Number("SELECT count(*) FROM t"), 0);
  }
}

TEST_F(PostgresLateBeginTest, AFailingRunOfManyLeavesAFailedTransaction) {
  const CompiledStatement insert =
      TextStatement("INSERT INTO t VALUES ($1)", {ValueType::kInt32});
  std::vector<ValueView> values;
  for (int i = 0; i < 2000; ++i) values.push_back(ValueView::Int32(i % 1500));
  SHARD_ASSERT_OK(connection().Begin());
  EXPECT_THAT(connection().Execute({&insert, values, values.size()}, nullptr),
              StatusIs(Code::kAlreadyExists, HasSubstr("run 1501")));
  EXPECT_EQ(ServerState(), "idle in transaction (aborted)");
  SHARD_ASSERT_OK(connection().Rollback());
  EXPECT_EQ(Committed(), 0);
}

TEST_F(PostgresLateBeginTest, ALostConnectionIsTheErrorOfTheFirstStatement) {
  for (const bool as_script : {true, false}) {
    PooledConnection victim = Connect();
    SHARD_ASSERT_OK(RunSql(*victim, "SELECT pg_backend_pid()", {}, &rows_));
    SHARD_ASSERT_OK(Run(absl::StrCat("SELECT pg_terminate_backend(",
                                     rows_.row(0)[0].integer(), ", 10000)")));
    SHARD_ASSERT_OK(victim->Begin());  // nothing was asked of the server
    EXPECT_TRUE(victim->in_transaction());
    EXPECT_THAT(as_script ? victim->ExecuteScript("SELECT 1")
                          : RunSql(*victim, "SELECT 1").status(),
                HasCode(Code::kUnavailable));
    EXPECT_FALSE(victim->usable());
    EXPECT_FALSE(victim->in_transaction());
    EXPECT_THAT(victim->Begin(), HasCode(Code::kUnavailable));
    EXPECT_THAT(victim->Rollback(), HasCode(Code::kUnavailable));
  }
}

TEST_F(PostgresLateBeginTest, PreparedStatementsAreDroppedInTheTransaction) {
  for (int i = 0; i < 300; ++i) {
    SHARD_ASSERT_OK(Run(absl::StrCat("SELECT ", i)));
  }
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(Run("INSERT INTO t VALUES (1)"));
  SHARD_ASSERT_OK(connection().Rollback());
  EXPECT_EQ(Committed(), 0);
  EXPECT_LE(Number("SELECT count(*) FROM pg_prepared_statements"), 257);
}

TEST_F(PostgresLateBeginTest, WaitingForLocksIsLimitedInTheTransactionOnly) {
  SHARD_ASSERT_OK(other_->Begin());
  SHARD_ASSERT_OK(other_->ExecuteScript("LOCK TABLE t"));
  for (const bool as_script : {true, false}) {
    SHARD_ASSERT_OK(connection().Begin());
    SHARD_ASSERT_OK(connection().LimitLockWaits(absl::Milliseconds(20)));
    const char* const insert = "INSERT INTO t VALUES (1)";
    const absl::Status status =
        as_script ? Script(insert) : Run(insert).status();
    EXPECT_THAT(status, HasCode(Code::kAborted));
    EXPECT_EQ(DatabaseCode(status), "55P03");
    SHARD_ASSERT_OK(connection().Rollback());
    EXPECT_EQ(Setting("lock_timeout"), "0");
  }
  SHARD_ASSERT_OK(other_->Rollback());
}

TEST_F(PostgresLateBeginTest, TheLimitIsNoStatementThatListenersHear) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(Run("SELECT 1"));
  SHARD_ASSERT_OK(connection().LimitLockWaits(absl::Seconds(5)));
  SHARD_ASSERT_OK(Run("SHOW lock_timeout"));
  EXPECT_EQ(rows_.row(0)[0].bytes(), "5s");
  EXPECT_THAT(statements_,
              ElementsAre("BEGIN", "SELECT 1", "SHOW lock_timeout"));
  SHARD_ASSERT_OK(connection().Commit());
}

TEST_F(PostgresLateBeginTest, ALimitOfTheDatabaseStays) {
  SHARD_ASSERT_OK(Script("SET lock_timeout = '7s'"));
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(connection().LimitLockWaits(absl::Seconds(5)));
  EXPECT_EQ(Setting("lock_timeout"), "7s");
  SHARD_ASSERT_OK(connection().Rollback());
  SHARD_ASSERT_OK(Script("RESET lock_timeout"));
}

TEST_F(PostgresLateBeginTest, ALimitNeverLeaksOutOfItsTransaction) {
  EXPECT_THAT(connection().LimitLockWaits(absl::Seconds(5)),
              HasCode(Code::kFailedPrecondition));
  for (const char* end : {"COMMIT", "ROLLBACK", "rollback"}) {
    SHARD_ASSERT_OK(connection().Begin());
    SHARD_ASSERT_OK(Run("SELECT 1"));
    SHARD_ASSERT_OK(connection().LimitLockWaits(absl::Seconds(5)));
    SHARD_ASSERT_OK(Run(end));
    EXPECT_EQ(Setting("lock_timeout"), "0");
    SHARD_ASSERT_OK(connection().Begin());
    EXPECT_EQ(Setting("lock_timeout"), "0");
    SHARD_ASSERT_OK(connection().Commit());
  }
}

TEST_F(PostgresLateBeginTest, ALimitInAFailedTransactionWaitsForItsRescue) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(connection().Savepoint("a"));
  EXPECT_THAT(Run("SELECT 1 / 0"), HasCode(Code::kInvalidArgument));
  SHARD_ASSERT_OK(connection().LimitLockWaits(absl::Seconds(5)));
  EXPECT_THAT(Run("SELECT 1"),
              StatusIs(Code::kFailedPrecondition, HasSubstr("SELECT 1")));
  SHARD_ASSERT_OK(connection().RollbackTo("a"));
  EXPECT_EQ(Setting("lock_timeout"), "5s");
  EXPECT_THAT(Run("SELECT 1 / 0"), HasCode(Code::kInvalidArgument));
  SHARD_ASSERT_OK(connection().LimitLockWaits(absl::Seconds(5)));
  SHARD_ASSERT_OK(connection().Rollback());
  EXPECT_EQ(Setting("lock_timeout"), "0");
}

TEST_F(PostgresLateBeginTest, ALimitSurvivesARollbackToASavepoint) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(connection().Savepoint("a"));
  SHARD_ASSERT_OK(connection().LimitLockWaits(absl::Seconds(5)));
  SHARD_ASSERT_OK(Run("SELECT 1"));
  SHARD_ASSERT_OK(connection().RollbackTo("a"));
  EXPECT_EQ(Setting("lock_timeout"), "5s");
  SHARD_ASSERT_OK(Run("ROLLBACK TO a"));
  EXPECT_EQ(Setting("lock_timeout"), "5s");
  SHARD_ASSERT_OK(connection().Rollback());
  EXPECT_EQ(Setting("lock_timeout"), "0");
  SHARD_ASSERT_OK(connection().Begin());
  EXPECT_EQ(Setting("lock_timeout"), "0");
  SHARD_ASSERT_OK(connection().Commit());
}

// The limit is a query, and SET TRANSACTION must come before any.
TEST_F(PostgresLateBeginTest, SetTransactionMayComeFirst) {
  for (const bool as_script : {true, false}) {
    SHARD_ASSERT_OK(connection().Begin());
    SHARD_ASSERT_OK(connection().LimitLockWaits(absl::Seconds(5)));
    const char* const set = " set TRANSACTION ISOLATION LEVEL SERIALIZABLE";
    SHARD_ASSERT_OK(as_script ? Script(set) : Run(set).status());
    EXPECT_EQ(Setting("lock_timeout"), "5s");
    EXPECT_EQ(Setting("transaction_isolation"), "serializable");
    SHARD_ASSERT_OK(connection().Commit());
  }
}

TEST_F(PostgresLateBeginTest, ScriptsOfSeveralConnectionsRunSideBySide) {
  SHARD_ASSERT_OK(connection().StartScript("SELECT pg_advisory_lock(4711)"));
  SHARD_ASSERT_OK(other_->StartScript("SELECT 1"));
  SHARD_ASSERT_OK(other_->FinishScript());
  SHARD_ASSERT_OK(connection().FinishScript());
  // Now one has the lock, and the other's wait for it does not block us.
  SHARD_ASSERT_OK(other_->StartScript("SELECT pg_advisory_lock(4711)"));
  SHARD_ASSERT_OK(Script("SELECT pg_advisory_unlock(4711)"));
  SHARD_ASSERT_OK(other_->FinishScript());
  SHARD_ASSERT_OK(other_->ExecuteScript("SELECT pg_advisory_unlock(4711)"));
}

TEST_F(PostgresLateBeginTest, NothingElseBetweenStartAndFinishOfAScript) {
  EXPECT_THAT(connection().FinishScript(), HasCode(Code::kFailedPrecondition));
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(Run("SELECT 1"));
  const CompiledStatement one = TextStatement("SELECT 1");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto cursor,
                             connection().OpenCursor({&one, {}, 1}, 1));
  SHARD_ASSERT_OK(connection().StartScript("INSERT INTO t VALUES (1)"));
  EXPECT_THAT(Run("SELECT 1"), HasCode(Code::kFailedPrecondition));
  EXPECT_THAT(connection().Ping(), HasCode(Code::kFailedPrecondition));
  EXPECT_THAT(cursor->Start(), HasCode(Code::kFailedPrecondition));
  EXPECT_TRUE(connection().usable());
  SHARD_ASSERT_OK(connection().Rollback());  // gets through
  EXPECT_THAT(connection().FinishScript(), HasCode(Code::kFailedPrecondition));
  EXPECT_EQ(Committed(), 0);
}

}  // namespace
}  // namespace shard
