// Transactions inside a transaction: savepoints on every database.
#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::HasSubstr;

class NestedTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (!IsSkipped()) engine_ = NewEngine("main", {&Account::table()});
  }
  std::shared_ptr<Engine> engine_;
};

TEST_P(NestedTest, RollsBackItsOwnWorkOnly) {
  ShardedSession session(engine_);
  const auto before = MakeAccount("before");
  SHARD_ASSERT_OK(session.Add(before));
  SHARD_ASSERT_OK(session.BeginNested());  // flushes
  EXPECT_EQ(before->object_state(), ObjectState::kPersistent);
  const auto inside = MakeAccount("inside");
  const auto pending = MakeAccount("pending");
  SHARD_ASSERT_OK(session.Add(inside));
  before->balance = 5;
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK(session.Add(pending));
  before->owner = "not flushed";
  SHARD_ASSERT_OK(session.RollbackNested());
  EXPECT_EQ(inside->object_state(), ObjectState::kTransient);
  EXPECT_EQ(pending->object_state(), ObjectState::kTransient);
  EXPECT_EQ(inside->owner.value(), "inside");  // and can be added again
  EXPECT_EQ(before->object_state(), ObjectState::kPersistent);
  EXPECT_EQ(before->balance.value(), 0);
  EXPECT_EQ(before->owner.value(), "before");
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(engine_, "accounts"), 1);
}

TEST_P(NestedTest, CommittedInsideIsUndoneByTheOuter) {
  ShardedSession session(engine_);
  const auto outer = MakeAccount("outer");
  const auto inner = MakeAccount("inner");
  SHARD_ASSERT_OK(session.BeginNested());
  SHARD_ASSERT_OK(session.Add(outer));
  SHARD_ASSERT_OK(session.BeginNested());
  SHARD_ASSERT_OK(session.Add(inner));
  SHARD_ASSERT_OK(session.CommitNested());  // flushes
  EXPECT_EQ(inner->object_state(), ObjectState::kPersistent);
  SHARD_ASSERT_OK(session.RollbackNested());
  EXPECT_EQ(outer->object_state(), ObjectState::kTransient);
  EXPECT_EQ(inner->object_state(), ObjectState::kTransient);
  SHARD_ASSERT_OK(session.Add(outer));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(engine_, "accounts"), 1);
}

TEST_P(NestedTest, KeptWorkCommitsWithTheRest) {
  ShardedSession session(engine_);
  const auto account = MakeAccount("ada");
  SHARD_ASSERT_OK(session.BeginNested());
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.CommitNested());
  SHARD_ASSERT_OK(session.BeginNested());
  account->balance = 7;
  SHARD_ASSERT_OK(session.Commit());  // ends the nested one too
  EXPECT_EQ(ReadNumber(engine_, "select balance from accounts"), 7);
  EXPECT_THAT(session.RollbackNested(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("BeginNested")));
}

TEST_P(NestedTest, AFailedStatementInsideIsForgotten) {
  ShardedSession session(engine_);
  const auto first = MakeAccountWithId(1, "ada");
  SHARD_ASSERT_OK(session.Add(first));
  SHARD_ASSERT_OK(session.BeginNested());
  SHARD_ASSERT_OK(session.Add(MakeAccountWithId(2, "eve")));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_THAT(
      session.Execute("insert into accounts (id, owner, balance) values (1, "
                      "'bob', 0)"),
      HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(session.Commit(), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(session.CommitNested(),
              HasCode(absl::StatusCode::kFailedPrecondition));
  SHARD_ASSERT_OK(session.RollbackNested());
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadText(engine_, "select owner from accounts"), "ada");
}

TEST_P(NestedTest, AFailureOutsideIsNot) {
  ShardedSession session(engine_);
  SHARD_ASSERT_OK(session.Add(MakeAccountWithId(1, "ada")));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_FALSE(session.Execute("select * from nowhere").ok());
  EXPECT_THAT(session.BeginNested(),
              HasCode(absl::StatusCode::kFailedPrecondition));
  session.Rollback();
  EXPECT_EQ(CountRows(engine_, "accounts"), 0);
}

TEST_P(NestedTest, DeletedAndRekeyedObjectsComeBack) {
  ShardedSession session(engine_);
  const auto deleted = MakeAccountWithId(1, "deleted");
  const auto moved = MakeAccountWithId(2, "moved");
  const auto gone_before = MakeAccountWithId(3, "gone");
  SHARD_ASSERT_OK(session.AddAll(std::vector{deleted, moved, gone_before}));
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK(session.Delete(gone_before));
  SHARD_ASSERT_OK(session.BeginNested());
  SHARD_ASSERT_OK(session.Delete(deleted));
  moved->id = 20;
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK(session.RollbackNested());
  EXPECT_EQ(deleted->object_state(), ObjectState::kPersistent);
  EXPECT_EQ(deleted->owner.value(), "deleted");
  EXPECT_EQ(moved->id.value(), 2);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, session.Get<Account>(2));
  EXPECT_EQ(found, moved);
  // What was deleted before stays so.
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(gone_before->object_state(), ObjectState::kDeleted);
  EXPECT_EQ(CountRows(engine_, "accounts"), 2);
}

TEST_P(NestedTest, RollbackEndsAllOfThem) {
  ShardedSession session(engine_);
  SHARD_ASSERT_OK(session.BeginNested());
  SHARD_ASSERT_OK(session.Add(MakeAccount("ada")));
  SHARD_ASSERT_OK(session.BeginNested());
  session.Rollback();
  EXPECT_THAT(session.CommitNested(),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(CountRows(engine_, "accounts"), 0);
}

SHARD_ON_DATABASES(NestedTest, "sqlite", "postgresql");

}  // namespace
}  // namespace shard::testing
