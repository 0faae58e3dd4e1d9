// Transactions that SQLite ends by itself: nothing may then commit alone.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/row_batch.h"
#include "shard/dialects/write_fence.h"
#include "shard/tests/dialects/sqlite_participant_support.h"
#include "shard/tests/dialects/sqlite_test_support.h"

namespace shard {
namespace {

using shard::testing::Decide;
using shard::testing::HasCode;
using shard::testing::RunSql;
using shard::testing::SqliteParticipantTest;
using shard::testing::StatusIs;
using shard::testing::TextStatement;
using ::testing::HasSubstr;

auto IsLost() {
  return StatusIs(absl::StatusCode::kAborted, HasSubstr("call Rollback"));
}

class SqliteLostTransactionTest : public SqliteParticipantTest {
 protected:
  void SetUp() override {
    SqliteParticipantTest::SetUp();
    SHARD_ASSERT_OK(Script("CREATE TABLE one(x UNIQUE)"));
    SHARD_ASSERT_OK(Script("INSERT INTO one VALUES (1)"));
  }

  // Everything that could commit alone is refused, and nothing is written.
  void ExpectLostUntilRollback() {
    EXPECT_TRUE(connection().in_transaction());
    EXPECT_THAT(RunSql(connection(), "INSERT INTO work VALUES (2)"), IsLost());
    EXPECT_THAT(Script("INSERT INTO work VALUES (3)"), IsLost());
    EXPECT_THAT(Script("SAVEPOINT a"), IsLost());
    EXPECT_THAT(connection().RollbackTo("a"), IsLost());
    EXPECT_THAT(connection().Begin(), IsLost());
    EXPECT_THAT(connection().Begin({.may_follow = true}), IsLost());
    const CompiledStatement select = TextStatement("SELECT x FROM work");
    EXPECT_THAT(connection().OpenCursor({&select, {}, 1}, 10), IsLost());
    EXPECT_THAT(participant().CheckMayCommit(),
                HasCode(absl::StatusCode::kAborted));
    EXPECT_THAT(
        Decide(connection(), shard::testing::MakeRow(Decision::kCommit)),
        HasCode(absl::StatusCode::kAborted));
    SHARD_EXPECT_OK(connection().Rollback());
    EXPECT_FALSE(connection().in_transaction());
    EXPECT_EQ(Count("work"), 0);
    // And it is as good as new.
    SHARD_EXPECT_OK(connection().Begin());
    SHARD_EXPECT_OK(Script("INSERT INTO work VALUES (4)"));
    SHARD_EXPECT_OK(connection().Commit());
    EXPECT_EQ(Count("work"), 1);
  }
};

TEST_F(SqliteLostTransactionTest, ByAStatement) {
  BeginWork();
  EXPECT_THAT(RunSql(connection(), "INSERT OR ROLLBACK INTO one VALUES (1)"),
              HasCode(absl::StatusCode::kAlreadyExists));
  ExpectLostUntilRollback();
}

TEST_F(SqliteLostTransactionTest, ByAScript) {
  BeginWork();
  EXPECT_THAT(Script("INSERT OR ROLLBACK INTO one VALUES (1); "
                     "INSERT INTO work VALUES (5)"),
              HasCode(absl::StatusCode::kAlreadyExists));
  ExpectLostUntilRollback();
}

TEST_F(SqliteLostTransactionTest, ByACursor) {
  BeginWork();
  const CompiledStatement insert =
      TextStatement("INSERT OR ROLLBACK INTO one VALUES (1) RETURNING x");
  const auto cursor = connection().OpenCursor({&insert, {}, 1}, 10);
  SHARD_ASSERT_OK(cursor);
  RowBatch rows;
  EXPECT_THAT((*cursor)->Next(&rows),
              HasCode(absl::StatusCode::kAlreadyExists));
  ExpectLostUntilRollback();
}

TEST_F(SqliteLostTransactionTest, OnAFullDisk) {
  BeginWork();
  SHARD_ASSERT_OK(Script("PRAGMA max_page_count = 20"));
  EXPECT_THAT(Script("INSERT INTO work VALUES (zeroblob(1000000))"),
              HasCode(absl::StatusCode::kResourceExhausted));
  ExpectLostUntilRollback();
}

// The fence refuses once, and rolls back.
class SqliteFencedTransactionTest : public SqliteLostTransactionTest {
 protected:
  void SetUp() override {
    SqliteLostTransactionTest::SetUp();
    const auto fence = std::make_shared<WriteFence>();
    fence->set_settle([this](Connection&, const auto&, bool) {
      return ++asked_ == 1 ? absl::AbortedError("it is applied now, try again")
                           : absl::OkStatus();
    });
    participant().set_write_fence(fence);
    SHARD_ASSERT_OK(connection().Begin());
  }
  void ExpectLost(const absl::Status& refused) {
    EXPECT_THAT(refused,
                StatusIs(absl::StatusCode::kAborted, HasSubstr("try again")));
    EXPECT_EQ(asked_, 1);
    ExpectLostUntilRollback();
  }

  int asked_ = 0;
};

TEST_F(SqliteFencedTransactionTest, ByAStatement) {
  ExpectLost(RunSql(connection(), "INSERT INTO work VALUES (1)").status());
}

TEST_F(SqliteFencedTransactionTest, ByAScript) {
  ExpectLost(Script("INSERT INTO work VALUES (1)"));
}

TEST_F(SqliteFencedTransactionTest, ByACursor) {
  const CompiledStatement insert =
      TextStatement("INSERT INTO work VALUES (1) RETURNING x");
  const auto cursor = connection().OpenCursor({&insert, {}, 1}, 10);
  SHARD_ASSERT_OK(cursor);
  RowBatch rows;
  ExpectLost((*cursor)->Next(&rows).status());
}

TEST_F(SqliteLostTransactionTest, IsNotSaidOfOneThatItsOwnerEnded) {
  for (const std::string_view end : {"COMMIT", "rollback", "END"}) {
    SHARD_ASSERT_OK(connection().Begin());
    SHARD_ASSERT_OK(Script(end));
    EXPECT_FALSE(connection().in_transaction());
    SHARD_EXPECT_OK(Script("INSERT INTO work VALUES (1)"));
  }
  // A statement that fails alone leaves the rest.
  SHARD_ASSERT_OK(connection().Begin());
  EXPECT_THAT(Script("INSERT INTO one VALUES (1)"),
              HasCode(absl::StatusCode::kAlreadyExists));
  SHARD_EXPECT_OK(Script("INSERT INTO work VALUES (1)"));
  SHARD_EXPECT_OK(connection().Commit());
  EXPECT_EQ(Count("work"), 4);
}

TEST_F(SqliteLostTransactionTest, GoesBackToThePoolAsNew) {
  BeginWork();
  EXPECT_THAT(Script("INSERT OR ROLLBACK INTO one VALUES (1)"),
              HasCode(absl::StatusCode::kAlreadyExists));
  const Connection* const lost = &connection();
  connection_.Return();
  connection_ = Connect();
  EXPECT_EQ(&connection(), lost);
  SHARD_EXPECT_OK(Script("INSERT INTO work VALUES (1)"));
}

}  // namespace
}  // namespace shard
