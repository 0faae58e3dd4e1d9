// Waiting for a PostgreSQL server ends at the connection's deadline.
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/status_macros.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/sql/column.h"
#include "shard/sql/table.h"
#include "shard/sql/value.h"
#include "shard/tests/dialects/postgres_participant_support.h"
#include "shard/tests/dialects/postgres_test_support.h"

namespace shard {
namespace {

using sql::ValueType;
using sql::ValueView;
using testing::HasCode;
using ::testing::HasSubstr;
using testing::PostgresParticipantTest;
using testing::RunSql;
using testing::StatusIs;
using testing::TextStatement;
using Code = absl::StatusCode;

class PostgresDeadlineTest : public PostgresParticipantTest {
 protected:
  using Work = std::function<absl::Status(Connection&)>;

  // Does what the server does not answer, on a connection of its own.
  void ExpectDeadline(const Work& prepare, const Work& work) {
    PooledConnection victim = Another();
    SHARD_ASSERT_OK(prepare(*victim));
    const std::string pid = PidOf(*victim);
    const absl::Time begin = absl::Now();
    victim->set_deadline(begin + absl::Milliseconds(50));
    EXPECT_THAT(work(*victim), HasCode(Code::kDeadlineExceeded));
    EXPECT_GE(absl::Now() - begin, absl::Milliseconds(50));
    EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
    EXPECT_FALSE(victim->usable());
    EXPECT_FALSE(victim->in_transaction());
    // An answer is still to come, and must not be taken for another's.
    victim->set_deadline(absl::InfiniteFuture());
    EXPECT_THAT(RunSql(*victim, "SELECT 1"),
                StatusIs(Code::kUnavailable, HasSubstr("in time")));
    EXPECT_THAT(victim->ExecuteScript("SELECT 1"), HasCode(Code::kUnavailable));
    EXPECT_THAT(victim->Ping(), HasCode(Code::kUnavailable));
    EXPECT_THAT(victim->Begin(), HasCode(Code::kUnavailable));
    EXPECT_THAT(victim->Rollback(), HasCode(Code::kUnavailable));
    victim.Return();
    EXPECT_NE(PidOf(*Another()), pid);  // the pool did not keep it
    Kill(pid);
  }
};

absl::Status Nothing(Connection&) { return absl::OkStatus(); }
absl::Status Begin(Connection& connection) { return connection.Begin(); }

TEST_F(PostgresDeadlineTest, OfAStatement) {
  const auto sleep = [](Connection& connection) {
    return RunSql(connection, "SELECT pg_sleep(60)").status();
  };
  ExpectDeadline(Nothing, sleep);
  ExpectDeadline(Begin, sleep);
}

TEST_F(PostgresDeadlineTest, OfAScript) {
  const auto sleep = [](Connection& connection) {
    return connection.ExecuteScript("SELECT 1; SELECT pg_sleep(60)");
  };
  ExpectDeadline(Nothing, sleep);
  ExpectDeadline(Begin, sleep);
}

TEST_F(PostgresDeadlineTest, OfManyRuns) {
  ExpectDeadline(Nothing, [](Connection& connection) {
    const CompiledStatement sleep =
        TextStatement("SELECT pg_sleep($1)", {ValueType::kDouble});
    const std::vector<ValueView> naps(6000, ValueView::Double(0.01));
    return connection.Execute({&sleep, naps, naps.size()}, nullptr).status();
  });
}

TEST_F(PostgresDeadlineTest, OfACursor) {
  const CompiledStatement sleep =
      TextStatement("SELECT i, pg_sleep(60) FROM generate_series(1, 3) AS i");
  std::unique_ptr<Cursor> cursor;
  ExpectDeadline(Begin, [&](Connection& connection) -> absl::Status {
    SHARD_ASSIGN_OR_RETURN(cursor, connection.OpenCursor({&sleep, {}, 1}, 10));
    RowBatch rows;
    const absl::Status status = cursor->Next(&rows).status();
    cursor.reset();
    return status;
  });
}

TEST_F(PostgresDeadlineTest, OfWorkThatIsGivenUp) {
  const CompiledStatement sleep = TextStatement("SELECT pg_sleep(60)");
  ExpectDeadline(Begin, [&](Connection& connection) {
    SHARD_RETURN_IF_ERROR(connection.Start({&sleep, {}, 1}));
    EXPECT_THAT(connection.Rollback(), HasCode(Code::kUnavailable));
    return absl::DeadlineExceededError("as it should");
  });
}

// The look-up in the catalogue that a large insert begins with.
TEST_F(PostgresDeadlineTest, OfALookUp) {
  const sql::Table table("work", {{.name = "i", .type = ValueType::kInt32}});
  const sql::Column* const column = table.FindColumn("i");
  const std::vector<ValueView> values = {ValueView::Int32(1),
                                         ValueView::Int32(2)};
  PooledConnection locker = Another();
  ExpectDeadline(
      [&](Connection& connection) {
        PidOf(connection);  // so that asking again needs no catalogue
        SHARD_RETURN_IF_ERROR(locker->Begin());
        return locker->ExecuteScript("LOCK TABLE pg_catalog.pg_attribute");
      },
      [&](Connection& connection) {
        const absl::Status status =
            connection.StartInsert({&table, {&column, 1}, 2, values, nullptr});
        locker->Rollback().IgnoreError();
        return status;
      });
}

TEST_F(PostgresDeadlineTest, OfRowsThatNeverEnd) {
  ExpectDeadline(Nothing, [](Connection& connection) {
    return connection.ExecuteScript(
        "COPY (SELECT * FROM generate_series(1, 1000000000)) TO STDOUT");
  });
}

TEST_F(PostgresDeadlineTest, OfSendingToAServerThatDoesNotRead) {
  const std::string megabyte(1'000'000, 'x');
  ExpectDeadline(Nothing, [&](Connection& connection) {
    const CompiledStatement take = TextStatement(
        "SELECT pg_sleep(60) WHERE $1::text <> ''", {ValueType::kText});
    const std::vector<ValueView> values(50, ValueView::Text(megabyte));
    return connection.Execute({&take, values, values.size()}, nullptr).status();
  });
}

// There is always something to read: who reads is slower than who sends.
TEST_F(PostgresDeadlineTest, OfAnswersThatKeepComing) {
  EngineOptions options;
  options.on_statement = [](const StatementEvent&) {
    absl::SleepFor(absl::Milliseconds(4));
  };
  SHARD_ASSERT_OK_AND_ASSIGN(const auto engine, OpenEngine(url_, options));
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection slow, engine->Connect());
  const CompiledStatement large = TextStatement("SELECT repeat('x', 50000)");
  const absl::Time begin = absl::Now();
  slow->set_deadline(begin + absl::Milliseconds(50));
  EXPECT_THAT(slow->Execute({&large, {}, 500}, nullptr),
              HasCode(Code::kDeadlineExceeded));
  EXPECT_FALSE(slow->usable());
}

TEST_F(PostgresDeadlineTest, AnAnswerThatIsThereCountsHoweverLate) {
  const std::string pid = PidOf(connection());
  const CompiledStatement series =
      TextStatement("SELECT generate_series(1, 1000)");
  RowBatch rows;
  SHARD_ASSERT_OK(connection().Start({&series, {}, 1}));
  AwaitBackend(pid, "state = 'idle' AND query LIKE '%1000%'");
  connection().set_deadline(absl::InfinitePast());
  SHARD_ASSERT_OK(connection().Finish(&rows));
  EXPECT_EQ(rows.rows(), 1000u);
  connection().set_deadline(absl::InfiniteFuture());
  SHARD_ASSERT_OK(connection().StartScript("SELECT 'script'"));
  AwaitBackend(pid, "state = 'idle' AND query LIKE '%script%'");
  connection().set_deadline(absl::InfinitePast());
  SHARD_ASSERT_OK(connection().FinishScript());
  EXPECT_TRUE(connection().usable());
}

TEST_F(PostgresDeadlineTest, ADeadlineThatIsNotReachedDoesNothing) {
  connection().set_deadline(absl::Now() + absl::Seconds(60));
  SHARD_ASSERT_OK(RunSql(connection(), "SELECT 1"));
  SHARD_ASSERT_OK(Script("SELECT 1"));
  SHARD_ASSERT_OK(connection().Ping());
  connection().set_deadline(absl::InfiniteFuture());
  SHARD_ASSERT_OK(RunSql(connection(), "SELECT pg_sleep(0.1)"));
  EXPECT_TRUE(connection().usable());
}

// Of a server that works on, and may do what nobody waits for any more.
TEST_F(PostgresDeadlineTest, TheStatementMayStillBeDone) {
  HoldCommits();
  connection().set_deadline(absl::Now() + absl::Milliseconds(50));
  EXPECT_THAT(Script("INSERT INTO work VALUES (1)"),
              StatusIs(Code::kDeadlineExceeded, HasSubstr("may still")));
  connection_.Return();
  EXPECT_EQ(Count("work"), "0");
  LetCommitsPass();
  AwaitValue("SELECT count(*) FROM work", "1");
}

}  // namespace
}  // namespace shard
