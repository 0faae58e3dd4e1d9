// Transactions inside a transaction: savepoints on every database.
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/entity.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {
namespace {

using ::testing::HasSubstr;

template <class F>
struct AccountFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "owner"> owner;
  Field<F, std::int64_t, "balance", ClientDefault<0>> balance;
};
struct Account : Entity<Account, AccountFields, "accounts"> {};

std::shared_ptr<Account> MakeAccount(std::string owner) {
  auto account = std::make_shared<Account>();
  account->owner = std::move(owner);
  account->balance = 0;
  return account;
}
std::shared_ptr<Account> MakeAccountWithId(std::int64_t id, std::string owner) {
  auto account = MakeAccount(std::move(owner));
  account->id = id;
  return account;
}

class NestedTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (!IsSkipped()) Open<Account>();
  }
  SessionOptions Options() const {
    SessionOptions nested = options();
    nested.two_phase = !is_sharded();
    return nested;
  }
  std::int64_t Rows() { return CountRows(home(), "accounts"); }
};

TEST_P(NestedTest, RollsBackItsOwnWorkOnly) {
  ShardedSession session(Options());
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
  EXPECT_EQ(Rows(), 1);
}

TEST_P(NestedTest, CommittedInsideIsUndoneByTheOuter) {
  ShardedSession session(Options());
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
  EXPECT_EQ(Rows(), 1);
}

TEST_P(NestedTest, KeptWorkCommitsWithTheRest) {
  ShardedSession session(Options());
  const auto account = MakeAccount("ada");
  SHARD_ASSERT_OK(session.BeginNested());
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.CommitNested());
  SHARD_ASSERT_OK(session.BeginNested());
  account->balance = 7;
  SHARD_ASSERT_OK(session.Commit());  // ends the nested one too
  EXPECT_EQ(ReadNumber(home(), "select balance from accounts"), 7);
  EXPECT_THAT(session.RollbackNested(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("BeginNested")));
}

TEST_P(NestedTest, AFailedStatementInsideIsForgotten) {
  ShardedSession session(Options());
  const auto first = MakeAccountWithId(1, "ada");
  SHARD_ASSERT_OK(session.Add(first));
  SHARD_ASSERT_OK(session.BeginNested());
  SHARD_ASSERT_OK(session.Add(MakeAccountWithId(2, "eve")));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_THAT(
      session.Execute("insert into accounts (id, region, owner, balance) "
                      "values (1, 'eu', 'bob', 0)",
                      {}, AtHome<Account>()),
      HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(session.Commit(), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(session.CommitNested(),
              HasCode(absl::StatusCode::kFailedPrecondition));
  SHARD_ASSERT_OK(session.RollbackNested());
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadText(home(), "select owner from accounts"), "ada");
}

TEST_P(NestedTest, AFailureOutsideIsNot) {
  ShardedSession session(Options());
  SHARD_ASSERT_OK(session.Add(MakeAccountWithId(1, "ada")));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_FALSE(
      session.Execute("select * from nowhere", {}, AtHome<Account>()).ok());
  EXPECT_THAT(session.BeginNested(),
              HasCode(absl::StatusCode::kFailedPrecondition));
  session.Rollback();
  EXPECT_EQ(Rows(), 0);
}

TEST_P(NestedTest, DeletedAndRekeyedObjectsComeBack) {
  ShardedSession session(Options());
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
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found,
                             session.Get<Account>(2, AtHome<Account>()));
  EXPECT_EQ(found, moved);
  // What was deleted before stays so.
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(gone_before->object_state(), ObjectState::kDeleted);
  EXPECT_EQ(Rows(), 2);
}

TEST_P(NestedTest, RollbackEndsAllOfThem) {
  ShardedSession session(Options());
  SHARD_ASSERT_OK(session.BeginNested());
  SHARD_ASSERT_OK(session.Add(MakeAccount("ada")));
  SHARD_ASSERT_OK(session.BeginNested());
  session.Rollback();
  EXPECT_THAT(session.CommitNested(),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(Rows(), 0);
}

// What a savepoint undoes stays what it was when others leave the session.
TEST_P(NestedTest, AnExpungedObjectShiftsNothing) {
  ShardedSession session(Options());
  std::vector<std::shared_ptr<Account>> accounts;
  for (int id = 1; id <= 6; ++id) {
    accounts.push_back(MakeAccountWithId(id, "a"));
  }
  SHARD_ASSERT_OK(session.AddAll(accounts));
  SHARD_ASSERT_OK(session.Commit());
  const auto& [rekeyed, gone, moved, deleted, moved_twice, kept] =
      std::tie(accounts[0], accounts[1], accounts[2], accounts[3], accounts[4],
               accounts[5]);
  rekeyed->id = 10;
  moved_twice->id = 50;
  SHARD_ASSERT_OK(session.Delete(gone));
  SHARD_ASSERT_OK(session.BeginNested());
  moved->id = 30;
  moved_twice->id = 51;
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK(session.BeginNested());
  SHARD_ASSERT_OK(session.Delete(deleted));
  kept->id = 60;
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK(session.Expunge(*rekeyed));
  SHARD_ASSERT_OK(session.Expunge(*gone));
  SHARD_ASSERT_OK(session.RollbackNested());
  EXPECT_EQ(deleted->object_state(), ObjectState::kPersistent);
  EXPECT_EQ(kept->id.value(), 6);
  EXPECT_EQ(moved->id.value(), 30);
  SHARD_ASSERT_OK(session.RollbackNested());
  EXPECT_EQ(moved->id.value(), 3);
  EXPECT_EQ(moved_twice->id.value(), 50);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found,
                             session.Get<Account>(3, AtHome<Account>()));
  EXPECT_EQ(found, moved);
  EXPECT_EQ(moved->owner.value(), "a");
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(home(), "select sum(id) from accounts"),
            10 + 3 + 4 + 50 + 6);
}

TEST_P(NestedTest, RollsBackOnEachShard) {
  if (!is_sharded()) GTEST_SKIP() << "there is one database";
  ShardedSession session(Options());
  const auto here = MakeAccount("here");
  const auto there = MakeAccount("there");
  there->region = "us";
  SHARD_ASSERT_OK(session.Add(here));
  SHARD_ASSERT_OK(session.BeginNested());
  SHARD_ASSERT_OK(session.Add(there));  // on a shard that joins inside
  here->balance = 5;
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK(session.RollbackNested());
  EXPECT_EQ(there->object_state(), ObjectState::kTransient);
  EXPECT_EQ(here->balance.value(), 0);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRowsOnShards("accounts"), 1);
}

SHARD_ON_SESSIONS(NestedTest);

}  // namespace
}  // namespace shard::testing
