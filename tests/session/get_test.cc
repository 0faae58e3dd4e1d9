// Get: objects by primary key.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class GetTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (IsSkipped()) return;
    engine_ =
        NewEngine("main", {&Account::table(), &Line::table(), &Page::table()});
  }
  std::shared_ptr<Engine> engine_;
};

TEST_P(GetTest, NullForNoRow) {
  ShardedSession session(engine_);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto none, session.Get<Account>(5));
  EXPECT_EQ(none, nullptr);
}

TEST_P(GetTest, AsksOnceForAnObjectThatIsHeld) {
  ShardedSession session(engine_);
  SHARD_ASSERT_OK(session.Add(MakeAccountWithId(5, "ada")));
  SHARD_ASSERT_OK(session.Commit());
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto first, session.Get<Account>(5));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto second,
                             session.Get<Account>(std::int64_t{5}));
  EXPECT_EQ(first, second);
  EXPECT_EQ(log().CountAll(), 1u);
}

TEST_P(GetTest, ExpiredObjectsAreReadAgain) {
  ShardedSession session(engine_);
  const auto account = MakeAccountWithId(5, "ada", 1);
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Commit());
  RunSql(engine_, "update accounts set balance = 9");
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto again, session.Get<Account>(5));
  EXPECT_EQ(again, account);
  EXPECT_EQ(account->balance.value(), 9);
  EXPECT_EQ(log().CountAll(), 1u);
  SHARD_ASSERT_OK(session.Commit());
  RunSql(engine_, "delete from accounts");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto none, session.Get<Account>(5));
  EXPECT_EQ(none, nullptr);
}

TEST_P(GetTest, FlushesFirst) {
  ShardedSession session(engine_);
  const auto account = MakeAccountWithId(5, "ada");
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, session.Get<Account>(5));
  EXPECT_EQ(found, account);
}

TEST_P(GetTest, CompositeAndTextKeys) {
  ShardedSession session(engine_);
  auto line = std::make_shared<Line>();
  line->order_id = 5;
  line->position = "a";
  auto page = std::make_shared<Page>();
  page->path = "/é'\"";
  SHARD_ASSERT_OK(session.Add(line));
  SHARD_ASSERT_OK(session.Add(page));
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto same_line, session.Get<Line>(5, "a"));
  EXPECT_EQ(same_line, line);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto no_line,
                             session.Get<Line>(5, std::string("b")));
  EXPECT_EQ(no_line, nullptr);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto same_page, session.Get<Page>("/é'\""));
  EXPECT_EQ(same_page, page);
}

TEST_P(GetTest, WrongKeysNameWhatTheClassHas) {
  ShardedSession session(engine_);
  EXPECT_THAT(session.Get<Account>("5"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("Account.id"), HasSubstr("int64"),
                             HasSubstr("text"))));
  EXPECT_THAT(session.Get<Account>(5, 6),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("Account"), HasSubstr("1 column"),
                             HasSubstr("2 values"))));
  EXPECT_THAT(session.Get<Line>(5),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("Line")));
  EXPECT_THAT(session.Get<Page>(5), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("Page.path")));
  EXPECT_THAT(session.Get<Account>(),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(session.Get<Account>(true),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(GetTest, ShardsAreUnknownInASingleDatabase) {
  ShardedSession session(engine_);
  EXPECT_THAT(session.Get<Account>(5, OnShard("eu")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'eu'")));
}

SHARD_ON_DATABASES(GetTest, "sqlite", "postgresql");

class ShardedGetTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (IsSkipped()) return;
    options_ = WithResolver(CitiesByContinent());
    RunSql(shard("europe"),
           "insert into cities (id, continent, name) values (1, 'EU', 'Rome'), "
           "(2, 'EU', 'Oslo')");
    RunSql(shard("asia"),
           "insert into cities (id, continent, name) values (1, 'AS', 'Goa'), "
           "(3, 'AS', 'Baku')");
  }
  SessionOptions options_;
};

TEST_P(ShardedGetTest, AsksAllShardsThatMayHoldIt) {
  ShardedSession session(options_);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto oslo, session.Get<City>(2));
  ASSERT_NE(oslo, nullptr);
  EXPECT_EQ(oslo->name.value(), "Oslo");
  EXPECT_EQ(oslo->shard().name(), "europe");
  EXPECT_EQ(log().Count("SELECT"), 3u);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto none, session.Get<City>(99));
  EXPECT_EQ(none, nullptr);
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto again, session.Get<City>(2));
  EXPECT_EQ(again, oslo);
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(ShardedGetTest, OnShardAsksOne) {
  ShardedSession session(options_);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto rome,
                             session.Get<City>(1, OnShard("europe")));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto goa,
                             session.Get<City>(1, OnShard("asia")));
  ASSERT_NE(rome, nullptr);
  ASSERT_NE(goa, nullptr);
  EXPECT_NE(rome, goa);
  EXPECT_EQ(rome->name.value(), "Rome");
  EXPECT_EQ(goa->name.value(), "Goa");
  EXPECT_EQ(log().Count("SELECT"), 2u);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto none,
                             session.Get<City>(1, OnShard("africa")));
  EXPECT_EQ(none, nullptr);
}

TEST_P(ShardedGetTest, TwoHitsAreAnErrorThatNamesBoth) {
  const auto ambiguous =
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("City 1"), HasSubstr("europe"),
                     HasSubstr("asia"), HasSubstr("name the shard")));
  ShardedSession session(options_);
  EXPECT_THAT(session.Get<City>(1), ambiguous);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto rome,
                             session.Get<City>(1, OnShard("europe")));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto goa,
                             session.Get<City>(1, OnShard("asia")));
  EXPECT_THAT(session.Get<City>(1), ambiguous);  // both held
}

TEST_P(ShardedGetTest, AnObjectThatIsHeldAnswersForItsKey) {
  ShardedSession session(options_);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto rome,
                             session.Get<City>(1, OnShard("europe")));
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto again, session.Get<City>(1));
  EXPECT_EQ(again, rome);
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(ShardedGetTest, UnknownShardsAreNamed) {
  ShardedSession session(options_);
  EXPECT_THAT(session.Get<City>(1, OnShard("mars")),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("'mars'"), HasSubstr("'europe'"))));
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(ShardedGetTest, OneKeyOnTwoShardsIsTwoObjects) {
  ShardedSession session(options_);
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto all, session.Scalars(Select<City>().Where(City::c.id == 1)));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_NE(all[0], all[1]);
  all[0]->population = 10;
  all[1]->population = 20;
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(all[0]->shard().name() == "asia" ? shard("asia")
                                                        : shard("europe"),
                       "select population from cities where id = 1"),
            10);
  EXPECT_EQ(all[0]->population.value(), 10);
  EXPECT_EQ(all[1]->population.value(), 20);
}

TEST_P(ShardedGetTest, PrimaryKeyThatIsTheShardKeyAsksOneShard) {
  const auto resolver = HashedBy({&Account::c.id.column()}, 3);
  ShardedSession session(WithResolver(resolver));
  for (int i = 1; i <= 9; ++i) {
    SHARD_ASSERT_OK(session.Add(MakeAccountWithId(i, "o")));
  }
  SHARD_ASSERT_OK(session.Commit());
  for (int i = 1; i <= 9; ++i) {
    log().Clear();
    SHARD_ASSERT_OK_AND_ASSIGN(const auto account, session.Get<Account>(i));
    ASSERT_NE(account, nullptr);
    EXPECT_EQ(log().CountAll(), 1u);
  }
}

SHARD_ON_DATABASES(ShardedGetTest, "sqlite", "postgresql", "mixed");

}  // namespace
}  // namespace shard::testing
