// The life of objects in a session: in, out, expired, rolled back.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/session_maker.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr auto& c = Account::c;

class SessionLifeTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (IsSkipped()) return;
    engine_ = NewEngine("main", {&Account::table()});
  }
  std::shared_ptr<Account> Committed(ShardedSession& session,
                                     std::string owner = "ada") {
    auto account = MakeAccount(std::move(owner), 1);
    EXPECT_THAT(session.Add(account), IsOk());
    EXPECT_THAT(session.Commit(), IsOk());
    return account;
  }

  std::shared_ptr<Engine> engine_;
};

// In and out.

TEST_P(SessionLifeTest, AddMakesPendingAndFlushPersistent) {
  ShardedSession session(engine_);
  const auto account = MakeAccount("ada");
  EXPECT_EQ(account->object_state(), ObjectState::kTransient);
  SHARD_ASSERT_OK(session.Add(account));
  EXPECT_EQ(account->object_state(), ObjectState::kPending);
  SHARD_ASSERT_OK(session.Add(account));  // again: nothing
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(account->object_state(), ObjectState::kPersistent);
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(engine_, "accounts"), 1);
}

TEST_P(SessionLifeTest, NullPointers) {
  ShardedSession session(engine_);
  EXPECT_THAT(session.Add(nullptr),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_FALSE(session.Delete(nullptr).ok());
}

TEST_P(SessionLifeTest, AddAllStopsAtTheFirstError) {
  ShardedSession session(engine_), other(engine_);
  const auto first = MakeAccount("1"), taken = MakeAccount("2");
  SHARD_ASSERT_OK(other.Add(taken));
  EXPECT_THAT(session.AddAll(std::vector{first, taken}),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(first->object_state(), ObjectState::kPending);
}

TEST_P(SessionLifeTest, ObjectsOfAnotherSessionAreRefused) {
  ShardedSession session(engine_), other(engine_);
  const auto account = Committed(session);
  EXPECT_THAT(other.Add(account),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("Account"), HasSubstr("Expunge"))));
  EXPECT_THAT(other.Delete(account),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(other.Refresh(*account),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(other.Expire(*account),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(other.Expunge(*account),
              HasCode(absl::StatusCode::kFailedPrecondition));
  SHARD_ASSERT_OK(session.Expunge(*account));
  EXPECT_EQ(account->object_state(), ObjectState::kDetached);
  SHARD_ASSERT_OK(other.Add(account));
  EXPECT_EQ(account->owner.value(), "ada");
  account->owner = "eve";
  SHARD_ASSERT_OK(other.Commit());
  EXPECT_EQ(ReadText(engine_, "select owner from accounts"), "eve");
}

TEST_P(SessionLifeTest, ChangesOfADetachedObjectAreWrittenOnceItIsBack) {
  ShardedSession session(engine_);
  const auto account = Committed(session);
  EXPECT_EQ(account->balance.value(), 1);
  SHARD_ASSERT_OK(session.Expunge(*account));
  account->balance = 5;
  account->owner = c.owner + "!";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(engine_, "select balance from accounts"), 1);
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(engine_, "select balance from accounts"), 5);
  EXPECT_EQ(account->owner.value(), "ada!");
}

TEST_P(SessionLifeTest, TwoObjectsForOneRowAreRefused) {
  ShardedSession session(engine_);
  const auto account = Committed(session);
  SHARD_ASSERT_OK(session.Expunge(*account));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto other, session.Get<Account>(1));
  EXPECT_NE(other, account);
  EXPECT_THAT(
      session.Add(account),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("Account 1")));
}

TEST_P(SessionLifeTest, ExpungeForgetsChanges) {
  ShardedSession session(engine_);
  const auto account = Committed(session);
  account->balance = 9;
  const auto pending = MakeAccount("new");
  SHARD_ASSERT_OK(session.Add(pending));
  SHARD_ASSERT_OK(session.Expunge(*account));
  SHARD_ASSERT_OK(session.Expunge(*pending));
  EXPECT_EQ(pending->object_state(), ObjectState::kTransient);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(engine_, "select balance from accounts"), 1);
}

TEST_P(SessionLifeTest, DeletedObjectsCannotComeBackInTheTransaction) {
  ShardedSession session(engine_);
  const auto account = Committed(session);
  SHARD_ASSERT_OK(session.Delete(account));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_THAT(session.Add(account),
              HasCode(absl::StatusCode::kFailedPrecondition));
  SHARD_EXPECT_OK(session.Delete(account));
}

// Expired, refreshed.

TEST_P(SessionLifeTest, RefreshReadsNow) {
  ShardedSession session(engine_);
  const auto account = Committed(session);
  EXPECT_EQ(account->balance.value(), 1);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(account->balance.value(), 1);
  session.Rollback();
  RunSql(engine_, "update accounts set balance = 8");
  account->owner = "dropped";
  SHARD_ASSERT_OK(session.Refresh(*account));
  log().Clear();
  EXPECT_EQ(account->balance.value(), 8);
  EXPECT_EQ(account->owner.value(), "ada");
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().CountAll(), 0u);
  session.Rollback();
  RunSql(engine_, "delete from accounts");
  EXPECT_THAT(session.Refresh(*account),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("Account 1")));
}

TEST_P(SessionLifeTest, ExpireReadsWhenUsed) {
  ShardedSession session(engine_);
  const auto account = Committed(session);
  const auto pending = MakeAccount("new");
  SHARD_ASSERT_OK(session.Add(pending));
  EXPECT_THAT(session.Expire(*pending),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("flush it first")));
  EXPECT_EQ(account->balance.value(), 1);
  log().Clear();
  SHARD_ASSERT_OK(session.Expire(*account));
  EXPECT_EQ(log().Count("SELECT"), 0u);
  EXPECT_EQ(account->balance.value(), 1);
  EXPECT_EQ(log().Count("SELECT"), 1u);
  session.ExpireAll();
  EXPECT_EQ(account->balance.state(), AttributeState::kExpired);
  EXPECT_EQ(account->id.value(), 1);
  EXPECT_EQ(pending->owner.value(), "new");
}

TEST_P(SessionLifeTest, CommitExpiresSoThatOthersWritesShow) {
  ShardedSession session(engine_);
  const auto account = Committed(session);
  RunSql(engine_, "update accounts set balance = 8");
  EXPECT_EQ(account->balance.value(), 8);
}

TEST_P(SessionLifeTest, KeepsWhatItHoldsWhenToldTo) {
  SessionOptions options;
  auto resolver = std::make_shared<VerticalResolver>();
  resolver->BindDefault(engine_);
  options.resolver = resolver;
  options.expire_on_commit = false;
  const SessionMaker make_session(options);
  std::shared_ptr<Account> account;
  {
    ShardedSession session = make_session();
    account = Committed(session);
    log().Clear();
    EXPECT_EQ(account->owner.value(), "ada");
    EXPECT_EQ(log().CountAll(), 0u);
  }
  EXPECT_EQ(account->object_state(), ObjectState::kDetached);
  EXPECT_EQ(account->owner.value(), "ada");  // also when the session is over
}

// The end of a session.

TEST_P(SessionLifeTest, WhatWasReadOutlivesTheSession) {
  std::shared_ptr<Account> account, fresh;
  {
    ShardedSession session(engine_);
    account = Committed(session);
    EXPECT_EQ(account->owner.value(), "ada");
    fresh = MakeAccount("lost");
    SHARD_ASSERT_OK(session.Add(fresh));
  }
  EXPECT_EQ(account->object_state(), ObjectState::kDetached);
  EXPECT_EQ(account->owner.value(), "ada");
  EXPECT_EQ(fresh->object_state(), ObjectState::kTransient);
  EXPECT_EQ(fresh->owner.value(), "lost");
  EXPECT_EQ(CountRows(engine_, "accounts"), 1);
}

TEST_P(SessionLifeTest, ExpiredReadsOfADetachedObject) {
  std::shared_ptr<Account> account;
  {
    ShardedSession session(engine_);
    account = Committed(session);
  }
  EXPECT_EQ(account->id.value(), 1);
  EXPECT_THAT(
      account->owner.Load(),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("Account.owner"), HasSubstr("detached"))));
  EXPECT_THROW(account->owner.value(), BadAttributeAccess);
}

TEST_P(SessionLifeTest, CloseRollsBackAndTheSessionGoesOn) {
  ShardedSession session(engine_);
  const auto account = MakeAccount("ada");
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Flush());
  session.Close();
  EXPECT_EQ(account->object_state(), ObjectState::kTransient);
  EXPECT_EQ(CountRows(engine_, "accounts"), 0);
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(engine_, "accounts"), 1);
}

TEST_P(SessionLifeTest, MovesWithItsObjects) {
  ShardedSession session(engine_);
  const auto account = Committed(session);
  ShardedSession moved = std::move(session);
  account->owner = "eve";
  SHARD_ASSERT_OK(moved.Commit());
  EXPECT_EQ(account->owner.value(), "eve");
  moved = ShardedSession(engine_);
  EXPECT_EQ(account->object_state(), ObjectState::kDetached);
}

// Rollback.

TEST_P(SessionLifeTest, RollbackMakesNewObjectsTransient) {
  ShardedSession session(engine_);
  const auto flushed = MakeAccount("flushed", 3), pending = MakeAccount("p");
  SHARD_ASSERT_OK(session.Add(flushed));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(flushed->id.value(), 1);
  SHARD_ASSERT_OK(session.Add(pending));
  session.Rollback();
  EXPECT_EQ(flushed->object_state(), ObjectState::kTransient);
  EXPECT_EQ(pending->object_state(), ObjectState::kTransient);
  EXPECT_EQ(flushed->id.state(), AttributeState::kUnset);
  EXPECT_EQ(flushed->owner.value(), "flushed");
  EXPECT_EQ(flushed->balance.value(), 3);
  // Into another session, on another database.
  const auto other = NewEngine("other", {&Account::table()});
  ShardedSession next(other);
  SHARD_ASSERT_OK(next.Add(MakeAccount("before")));
  SHARD_ASSERT_OK(next.Flush());
  SHARD_ASSERT_OK(next.AddAll(std::vector{flushed, pending}));
  SHARD_ASSERT_OK(next.Commit());
  EXPECT_EQ(flushed->id.value(), 2);
  EXPECT_EQ(ReadText(other, "select owner from accounts where id = 2"),
            "flushed");
  EXPECT_EQ(CountRows(engine_, "accounts"), 0);
}

TEST_P(SessionLifeTest, RollbackReadsPersistentObjectsAgain) {
  ShardedSession session(engine_);
  const auto account = Committed(session);
  account->balance = 50;
  SHARD_ASSERT_OK(session.Flush());
  account->owner = "unflushed";
  session.Rollback();
  EXPECT_EQ(account->balance.value(), 1);
  EXPECT_EQ(account->owner.value(), "ada");
  account->balance = c.balance + 1;
  session.Rollback();
  EXPECT_EQ(account->balance.value(), 1);
  log().Clear();
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(log().Count("UPDATE"), 0u);
}

TEST_P(SessionLifeTest, RollbackBringsDeletedObjectsBack) {
  ShardedSession session(engine_);
  const auto flushed = Committed(session, "1"),
             marked = Committed(session, "2");
  SHARD_ASSERT_OK(session.Delete(flushed));
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK(session.Delete(marked));
  session.Rollback();
  EXPECT_EQ(flushed->object_state(), ObjectState::kPersistent);
  EXPECT_EQ(flushed->owner.value(), "1");
  EXPECT_EQ(marked->owner.value(), "2");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto again, session.Get<Account>(1));
  EXPECT_EQ(again, flushed);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(engine_, "accounts"), 2);
}

TEST_P(SessionLifeTest, RollbackOfWhatWasAddedAndDeleted) {
  ShardedSession session(engine_);
  const auto account = MakeAccount("ada");
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK(session.Delete(account));
  SHARD_ASSERT_OK(session.Flush());
  session.Rollback();
  EXPECT_EQ(account->object_state(), ObjectState::kTransient);
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(account->owner.value(), "ada");
}

TEST_P(SessionLifeTest, RollbackForgetsWhatTheDatabaseWasToMake) {
  ShardedSession session(engine_);
  const auto account = MakeAccount("ada");
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Flush());
  account->note = SqlText<std::string>("'x'");
  session.Rollback();
  EXPECT_EQ(account->note.state(), AttributeState::kUnset);
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(account->note.value(), "none");
}

TEST_P(SessionLifeTest, RollbackRestoresChangedKeys) {
  ShardedSession session(engine_);
  const auto account = Committed(session);
  account->id = 10;
  SHARD_ASSERT_OK(session.Flush());
  account->id = 20;
  SHARD_ASSERT_OK(session.Flush());
  session.Rollback();
  EXPECT_EQ(account->id.value(), 1);
  EXPECT_EQ(account->owner.value(), "ada");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, session.Get<Account>(1));
  EXPECT_EQ(found, account);
  account->id = 30;  // not flushed
  session.Rollback();
  EXPECT_EQ(account->id.value(), 1);
}

SHARD_ON_DATABASES(SessionLifeTest, "sqlite", "postgresql");

class ShardedLifeTest : public DatabaseTest {};

TEST_P(ShardedLifeTest, AfterARollbackTheShardIsChosenAgain) {
  const auto resolver = CitiesByContinent();
  ShardedSession session(WithResolver(resolver));
  const auto city = MakeCity("EU", "Istanbul");
  SHARD_ASSERT_OK(session.Add(city));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(city->shard().name(), "europe");
  session.Rollback();
  EXPECT_TRUE(city->shard().is_none());
  city->continent = "AS";
  SHARD_ASSERT_OK(session.Add(city));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(city->shard().name(), "asia");
  EXPECT_EQ(CountRows(shard("asia"), "cities"), 1);
  EXPECT_EQ(CountRows(shard("europe"), "cities"), 0);
}

TEST_P(ShardedLifeTest, DetachedObjectsKeepTheirShard) {
  const auto resolver = CitiesByContinent();
  std::shared_ptr<City> city;
  {
    ShardedSession session(WithResolver(resolver));
    city = MakeCity("AF", "Lagos");
    SHARD_ASSERT_OK(session.Add(city));
    SHARD_ASSERT_OK(session.Commit());
  }
  log().Clear();
  ShardedSession session(WithResolver(resolver));
  SHARD_ASSERT_OK(session.Add(city));
  EXPECT_EQ(city->name.value(), "Lagos");
  EXPECT_EQ(log().Count("SELECT", "africa"), 1u);
  EXPECT_EQ(log().CountAll(), 1u);
}

SHARD_ON_DATABASES(ShardedLifeTest, "sqlite", "postgresql", "mixed");

}  // namespace
}  // namespace shard::testing
