// Cursors of PostgreSQL servers: batches, interleaving, ends of transactions.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/sql/value.h"
#include "shard/tests/dialects/postgres_test_support.h"

namespace shard {
namespace {

using sql::ValueType;
using sql::ValueView;
using testing::HasCode;
using testing::IsOk;
using testing::PostgresTest;
using testing::RunSql;
using testing::TextStatement;
using Code = absl::StatusCode;
using Numbers = std::vector<std::int64_t>;

class PostgresCursorTest : public PostgresTest {
 protected:
  std::unique_ptr<Cursor> Open(const CompiledStatement& statement,
                               const std::vector<ValueView>& parameters,
                               std::size_t batch_rows) {
    auto cursor =
        connection().OpenCursor({&statement, parameters, 1}, batch_rows);
    EXPECT_THAT(cursor, IsOk());
    return cursor.ok() ? *std::move(cursor) : nullptr;
  }
  // The next batch as numbers; -1 for an error.
  Numbers Next(Cursor& cursor) {
    const absl::StatusOr<bool> more = cursor.Next(&batch_);
    if (!more.ok()) return {-1};
    EXPECT_EQ(*more, batch_.rows() > 0);
    Numbers numbers;
    for (std::size_t i = 0; i < batch_.rows(); ++i) {
      numbers.push_back(batch_.row(i)[0].integer());
    }
    return numbers;
  }

  const CompiledStatement series_ = TextStatement(
      "SELECT generate_series(1, $1::int8) AS n", {ValueType::kInt64});
  const std::vector<ValueView> ten_ = {ValueView::Int64(10)};
  RowBatch batch_;
};

TEST_F(PostgresCursorTest, BatchesCoverTheRows) {
  SHARD_ASSERT_OK(connection().Begin());
  const auto cursor = Open(series_, ten_, 4);
  EXPECT_EQ(Next(*cursor), (Numbers{1, 2, 3, 4}));
  EXPECT_EQ(batch_.columns()[0].name, "n");
  EXPECT_EQ(Next(*cursor), (Numbers{5, 6, 7, 8}));
  EXPECT_EQ(Next(*cursor), (Numbers{9, 10}));
  EXPECT_EQ(Next(*cursor), Numbers());
  EXPECT_EQ(Next(*cursor), Numbers());
  SHARD_ASSERT_OK(connection().Commit());
}

TEST_F(PostgresCursorTest, ABatchThatEndsWithTheRows) {
  SHARD_ASSERT_OK(connection().Begin());
  const auto cursor = Open(series_, ten_, 10);
  EXPECT_EQ(Next(*cursor).size(), 10u);
  EXPECT_EQ(Next(*cursor), Numbers());
  const std::vector<ValueView> none = {ValueView::Int64(0)};
  const auto empty = Open(series_, none, 10);
  EXPECT_EQ(Next(*empty), Numbers());
  SHARD_ASSERT_OK(connection().Commit());
}

TEST_F(PostgresCursorTest, AShortResultCostsTwoStatementsAndNoWaiting) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(Run("SELECT 1"));  // BEGIN is sent by now
  ForgetStatements();
  {
    const auto cursor = Open(series_, ten_, 100);
    EXPECT_EQ(Next(*cursor).size(), 10u);
    EXPECT_EQ(Next(*cursor), Numbers());
  }
  EXPECT_EQ(statements_.size(), 2u);
  SHARD_ASSERT_OK(connection().Commit());
}

TEST_F(PostgresCursorTest, NeedsATransaction) {
  EXPECT_THAT(connection().OpenCursor({&series_, ten_, 1}, 4),
              HasCode(Code::kFailedPrecondition));
}

TEST_F(PostgresCursorTest, OtherStatementsBetweenBatches) {
  SHARD_ASSERT_OK(Script("CREATE TABLE t (i int8)"));
  SHARD_ASSERT_OK(connection().Begin());
  const auto one = Open(series_, ten_, 3);
  const auto two = Open(series_, ten_, 4);
  EXPECT_EQ(Next(*one), (Numbers{1, 2, 3}));
  EXPECT_EQ(Next(*two), (Numbers{1, 2, 3, 4}));
  SHARD_ASSERT_OK(Run("INSERT INTO t VALUES ($1)", {ValueView::Int64(1)}));
  EXPECT_EQ(Next(*one), (Numbers{4, 5, 6}));
  SHARD_ASSERT_OK(connection().Savepoint("s"));
  EXPECT_EQ(Next(*two), (Numbers{5, 6, 7, 8}));
  EXPECT_EQ(Number("SELECT count(*) FROM t"), 1);
  EXPECT_EQ(Next(*one), (Numbers{7, 8, 9}));
  SHARD_ASSERT_OK(connection().Commit());
}

TEST_F(PostgresCursorTest, StartDoesNotWait) {
  SHARD_ASSERT_OK(connection().Begin());
  const CompiledStatement slow = TextStatement("SELECT 1 FROM pg_sleep(0.2)");
  const auto cursor = Open(slow, {}, 10);
  const absl::Time begin = absl::Now();
  SHARD_ASSERT_OK(cursor->Start());
  EXPECT_LT(absl::Now() - begin, absl::Milliseconds(150));
  EXPECT_THAT(connection().Start({&slow, {}, 1}),
              HasCode(Code::kFailedPrecondition));
  SHARD_ASSERT_OK_AND_ASSIGN(const bool more, cursor->Finish(&batch_));
  EXPECT_TRUE(more);
  EXPECT_THAT(cursor->Finish(&batch_), HasCode(Code::kFailedPrecondition));
  SHARD_ASSERT_OK(connection().Rollback());
}

// Text as well as binary batches, whatever the columns are.
TEST_F(PostgresCursorTest, ManyRowsInConstantMemory) {
  SHARD_ASSERT_OK(connection().Begin());
  const CompiledStatement statement = TextStatement(
      "SELECT g, 'row ' || g, g * 0.5::float8, now() FROM "
      "generate_series(1, 100000) AS g");
  const auto cursor = Open(statement, {}, 1000);
  std::int64_t expected = 1;
  while (true) {
    SHARD_ASSERT_OK_AND_ASSIGN(const bool more, cursor->Next(&batch_));
    if (!more) break;
    ASSERT_LE(batch_.rows(), 1000u);
    for (std::size_t i = 0; i < batch_.rows(); ++i, ++expected) {
      const auto row = batch_.row(i);
      ASSERT_EQ(row[0], ValueView::Int32(static_cast<std::int32_t>(expected)));
      ASSERT_EQ(row[1].bytes(), absl::StrCat("row ", expected));
      ASSERT_EQ(row[2], ValueView::Double(0.5 * expected));
      ASSERT_EQ(row[3].type(), ValueType::kTimestamp);
    }
  }
  EXPECT_EQ(expected, 100'001);
  SHARD_ASSERT_OK(connection().Commit());
}

TEST_F(PostgresCursorTest, ParametersAreCopied) {
  SHARD_ASSERT_OK(connection().Begin());
  const CompiledStatement statement = TextStatement(
      "SELECT length($1) FROM generate_series(1, 4)", {ValueType::kText});
  std::unique_ptr<Cursor> cursor;
  {
    const std::string text = "four";
    const std::vector<ValueView> parameters = {ValueView::Text(text)};
    cursor = Open(statement, parameters, 2);
    EXPECT_EQ(Next(*cursor), (Numbers{4, 4}));
  }
  EXPECT_EQ(Next(*cursor), (Numbers{4, 4}));
  SHARD_ASSERT_OK(connection().Commit());
}

TEST_F(PostgresCursorTest, AbandonedCursorsAreClosed) {
  SHARD_ASSERT_OK(connection().Begin());
  const char* count =
      "SELECT count(*) FROM pg_cursors WHERE statement LIKE 'DECLARE%'";
  {
    const auto never_used = Open(series_, ten_, 2);
    const auto used = Open(series_, ten_, 2);
    EXPECT_EQ(Next(*used).size(), 2u);
    const auto unfinished = Open(series_, ten_, 2);
    EXPECT_EQ(Next(*unfinished).size(), 2u);
    SHARD_ASSERT_OK(unfinished->Start());
  }
  EXPECT_EQ(Number(count), 0);
  SHARD_ASSERT_OK(connection().Commit());
}

// Closing a cursor that is gone would fail the transaction.
TEST_F(PostgresCursorTest, CursorsThatEndedWithTheirSavepoint) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(connection().Savepoint("s"));
  auto cursor = Open(series_, ten_, 2);
  EXPECT_EQ(Next(*cursor).size(), 2u);
  SHARD_ASSERT_OK(connection().RollbackTo("s"));
  cursor.reset();
  EXPECT_EQ(Number("SELECT 1"), 1);
  cursor = Open(series_, ten_, 2);
  EXPECT_EQ(Next(*cursor).size(), 2u);
  SHARD_ASSERT_OK(connection().Rollback());
  SHARD_ASSERT_OK(connection().Begin());
  cursor.reset();
  EXPECT_EQ(Number("SELECT 1"), 1);
  SHARD_ASSERT_OK(connection().Commit());
}

TEST_F(PostgresCursorTest, Errors) {
  SHARD_ASSERT_OK(connection().Begin());
  const CompiledStatement divide =
      TextStatement("SELECT 1 / (3 - g) FROM generate_series(1, 5) AS g");
  const auto cursor = Open(divide, {}, 2);
  EXPECT_EQ(Next(*cursor).size(), 2u);
  EXPECT_THAT(cursor->Next(&batch_), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(cursor->Next(&batch_), HasCode(Code::kFailedPrecondition));
  EXPECT_TRUE(connection().usable());
  SHARD_ASSERT_OK(connection().Rollback());
  SHARD_ASSERT_OK(connection().Begin());
  const CompiledStatement bad = TextStatement("SELEC");
  EXPECT_THAT(Open(bad, {}, 2)->Next(&batch_), HasCode(Code::kInvalidArgument));
  SHARD_ASSERT_OK(connection().Rollback());
  SHARD_ASSERT_OK(connection().Begin());
  const CompiledStatement text = TextStatement("SELECT $1", {ValueType::kText});
  const ValueView broken = ValueView::Text("\xff");
  EXPECT_THAT(connection().OpenCursor({&text, {&broken, 1}, 1}, 2),
              HasCode(Code::kInvalidArgument));
  EXPECT_EQ(Number("SELECT 1"), 1);
  SHARD_ASSERT_OK(connection().Rollback());
}

TEST_F(PostgresCursorTest, ALostConnection) {
  SHARD_ASSERT_OK(connection().Begin());
  const auto cursor = Open(series_, ten_, 2);
  EXPECT_EQ(Next(*cursor).size(), 2u);
  const std::int64_t pid = Number("SELECT pg_backend_pid()");
  PooledConnection other = Connect();
  SHARD_ASSERT_OK(
      RunSql(*other, absl::StrCat("SELECT pg_terminate_backend(", pid, ")")));
  absl::SleepFor(absl::Milliseconds(100));
  EXPECT_THAT(cursor->Next(&batch_), HasCode(Code::kUnavailable));
  EXPECT_FALSE(connection().usable());
}

}  // namespace
}  // namespace shard
