// Cursors of SQLite: batches, interleaving, and the ends of transactions.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/row_batch.h"
#include "shard/tests/dialects/sqlite_test_support.h"

namespace shard {
namespace {

using shard::testing::HasCode;
using shard::testing::IsOk;
using shard::testing::RunSql;
using shard::testing::SqliteTest;
using shard::testing::TextStatement;
using sql::ValueView;

class SqliteCursorTest : public SqliteTest {
 protected:
  void SetUp() override {
    SqliteTest::SetUp();
    SHARD_ASSERT_OK(
        Script("CREATE TABLE n(i INTEGER PRIMARY KEY);"
               "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r "
               "WHERE i < 10) INSERT INTO n SELECT i FROM r"));
    statements_.clear();
  }

  std::unique_ptr<Cursor> Open(std::size_t batch_rows) {
    auto cursor = connection().OpenCursor({&all_, {}, 1}, batch_rows);
    EXPECT_THAT(cursor, IsOk());
    return *std::move(cursor);
  }
  // The next batch as numbers; -1 for an error.
  std::vector<std::int64_t> Next(Cursor& cursor) {
    const absl::StatusOr<bool> more = cursor.Next(&batch_);
    if (!more.ok()) return {-1};
    EXPECT_EQ(*more, batch_.rows() > 0);
    std::vector<std::int64_t> numbers;
    for (std::size_t i = 0; i < batch_.rows(); ++i) {
      numbers.push_back(batch_.row(i)[0].integer());
    }
    return numbers;
  }

  using Numbers = std::vector<std::int64_t>;
  const CompiledStatement all_ = TextStatement("SELECT i FROM n ORDER BY i");
  RowBatch batch_;
};

TEST_F(SqliteCursorTest, BatchesCoverTheRows) {
  const auto cursor = Open(4);
  EXPECT_EQ(Next(*cursor), (Numbers{1, 2, 3, 4}));
  EXPECT_EQ(batch_.columns()[0].name, "i");
  EXPECT_EQ(Next(*cursor), (Numbers{5, 6, 7, 8}));
  EXPECT_EQ(Next(*cursor), (Numbers{9, 10}));
  EXPECT_EQ(Next(*cursor), Numbers{});
  EXPECT_EQ(Next(*cursor), Numbers{}) << "the end stays the end";
  EXPECT_EQ(statements_.size(), 1u);
}

TEST_F(SqliteCursorTest, AFullLastBatchIsFollowedByAnEmptyOne) {
  const auto cursor = Open(10);
  EXPECT_EQ(Next(*cursor).size(), 10u);
  EXPECT_EQ(Next(*cursor), Numbers{});
}

TEST_F(SqliteCursorTest, CursorsAndStatementsInterleave) {
  SHARD_ASSERT_OK(connection().Begin());
  const auto a = Open(3);
  const auto b = Open(5);  // the same text: a second statement of it
  EXPECT_EQ(Next(*a), (Numbers{1, 2, 3}));
  EXPECT_EQ(Next(*b), (Numbers{1, 2, 3, 4, 5}));
  SHARD_ASSERT_OK(RunSql(connection(), "CREATE TABLE other(x)"));
  SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO other VALUES (1)"));
  RowBatch whole;
  SHARD_ASSERT_OK(connection().Execute({&all_, {}, 1}, &whole));
  EXPECT_EQ(whole.rows(), 10u);
  EXPECT_EQ(Next(*a), (Numbers{4, 5, 6}));
  EXPECT_EQ(Next(*b), (Numbers{6, 7, 8, 9, 10}));
  SHARD_ASSERT_OK(connection().Commit());
}

TEST_F(SqliteCursorTest, ParametersAreNeededOnlyUntilTheFirstBatch) {
  const CompiledStatement above =
      TextStatement("SELECT i FROM n WHERE CAST(i AS TEXT) <> ?");
  auto text = std::make_unique<std::string>(100, 'x');
  auto value = std::make_unique<ValueView>(ValueView::Text(*text));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto cursor,
      connection().OpenCursor({&above, {value.get(), 1}, 1}, 2));
  EXPECT_EQ(Next(*cursor).size(), 2u);
  value.reset();
  text.reset();
  while (!Next(*cursor).empty()) {
  }
}

TEST_F(SqliteCursorTest, TheEndOfItsTransactionEndsACursor) {
  for (const char* end : {"COMMIT", "ROLLBACK", "END -- by hand"}) {
    SHARD_ASSERT_OK(connection().Begin());
    const auto cursor = Open(4);
    EXPECT_EQ(Next(*cursor).size(), 4u);
    SHARD_ASSERT_OK(Script(end));
    EXPECT_THAT(cursor->Next(&batch_), HasCode(absl::StatusCode::kAborted))
        << end;
    EXPECT_EQ(batch_.rows(), 0u);
  }
  // Nothing holds an old snapshot, in which nothing could be written.
  PooledConnection other = Connect();
  SHARD_EXPECT_OK(RunSql(*other, "INSERT INTO n VALUES (11)"));
  SHARD_EXPECT_OK(RunSql(connection(), "INSERT INTO n VALUES (12)"));
}

TEST_F(SqliteCursorTest, ACursorOutsideATransactionOutlivesOthers) {
  const auto cursor = Open(4);
  EXPECT_EQ(Next(*cursor).size(), 4u);
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(RunSql(connection(), "DELETE FROM n WHERE i = 1"));
  SHARD_ASSERT_OK(connection().Commit());
  EXPECT_EQ(Next(*cursor), (Numbers{5, 6, 7, 8}));
}

TEST_F(SqliteCursorTest, AHalfReadReturningDoesNotStopACommit) {
  SHARD_ASSERT_OK(connection().Begin());
  const CompiledStatement returning =
      TextStatement("UPDATE n SET i = i + 100 RETURNING i");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto cursor,
                             connection().OpenCursor({&returning, {}, 1}, 2));
  EXPECT_EQ(Next(*cursor).size(), 2u);
  SHARD_ASSERT_OK(connection().Commit());
  SHARD_ASSERT_OK_AND_ASSIGN(
      const sql::Value moved,
      shard::testing::QueryValue(connection(),
                                 "SELECT count(*) FROM n WHERE i > 100"));
  EXPECT_TRUE(moved == sql::Value(10));
}

TEST_F(SqliteCursorTest, OutlivesItsConnectionWithoutHarm) {
  auto cursor = Open(4);
  const auto never_read = Open(4);
  EXPECT_EQ(Next(*cursor).size(), 4u);
  connection_.Return();
  engine_.reset();
  EXPECT_THAT(cursor->Next(&batch_), HasCode(absl::StatusCode::kAborted));
  EXPECT_THAT(never_read->Next(&batch_), HasCode(absl::StatusCode::kAborted));
}

TEST_F(SqliteCursorTest, ErrorsEndACursor) {
  const CompiledStatement bad = TextStatement("SELECT nothing FROM nowhere");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto cursor,
                             connection().OpenCursor({&bad, {}, 1}, 2));
  EXPECT_THAT(cursor->Next(&batch_),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(cursor->Next(&batch_), HasCode(absl::StatusCode::kAborted));
  EXPECT_THAT(connection().OpenCursor({&all_, {}, 1}, 0),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace shard
