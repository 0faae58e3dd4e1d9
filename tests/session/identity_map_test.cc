// The identity map: one object for each row, held weakly.
#include "shard/session/identity_map.h"

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

class IdentityMapTest : public DatabaseTest {
 protected:
  // `count` accounts with keys from 1 on.
  std::shared_ptr<Engine> EngineWithAccounts(int count) {
    auto engine = NewEngine("main", {&Account::table()});
    ShardedSession session(engine);
    for (int i = 1; i <= count; ++i) {
      EXPECT_THAT(session.Add(MakeAccount("owner", i)), IsOk());
    }
    EXPECT_THAT(session.Commit(), IsOk());
    log().Clear();
    return engine;
  }
};

TEST_P(IdentityMapTest, OneObjectForOneRow) {
  ShardedSession session(EngineWithAccounts(3));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto first, session.Get<Account>(2));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto again, session.Get<Account>(2));
  EXPECT_EQ(first, again);
  EXPECT_EQ(log().Count("SELECT"), 1u);
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto all,
      session.Scalars(Select<Account>().OrderBy(Account::c.id)));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1], first);
}

TEST_P(IdentityMapTest, LoadedObjectsKeepWhatTheyHold) {
  const auto engine = EngineWithAccounts(1);
  ShardedSession session(engine);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto account, session.Get<Account>(1));
  account->owner = "mine";
  RunSql(engine, "update accounts set balance = 77");
  // Not expired: neither what was read nor what was assigned is replaced.
  ASSERT_EQ(account->balance.value(), 1);
  ASSERT_EQ(account->owner.value(), "mine");
}

TEST_P(IdentityMapTest, ForgetsWhatNobodyHolds) {
  ShardedSession session(EngineWithAccounts(1));
  std::weak_ptr<Account> weak;
  {
    SHARD_ASSERT_OK_AND_ASSIGN(const auto account, session.Get<Account>(1));
    weak = account;
  }
  EXPECT_TRUE(weak.expired());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto account, session.Get<Account>(1));
  EXPECT_EQ(account->owner.value(), "owner");
  EXPECT_EQ(log().Count("SELECT"), 2u);
}

TEST_P(IdentityMapTest, HoldsChangedObjectsUntilTheyAreWritten) {
  const auto engine = EngineWithAccounts(2);
  ShardedSession session(engine);
  std::weak_ptr<Account> changed, removed, added;
  {
    SHARD_ASSERT_OK_AND_ASSIGN(const auto account, session.Get<Account>(1));
    SHARD_ASSERT_OK_AND_ASSIGN(const auto other, session.Get<Account>(2));
    account->balance = 10;
    changed = account;
    SHARD_ASSERT_OK(session.Delete(other));
    removed = other;
    const auto fresh = MakeAccount("new");
    SHARD_ASSERT_OK(session.Add(fresh));
    added = fresh;
  }
  EXPECT_FALSE(changed.expired());
  EXPECT_FALSE(removed.expired());
  EXPECT_FALSE(added.expired());
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_TRUE(changed.expired());
  EXPECT_TRUE(removed.expired());
  EXPECT_TRUE(added.expired());
  EXPECT_EQ(ReadNumber(engine, "select sum(balance) from accounts"), 10);
  EXPECT_EQ(CountRows(engine, "accounts"), 2);
}

TEST_P(IdentityMapTest, LastReleaseOnAnotherThread) {
  ShardedSession session(EngineWithAccounts(200));
  for (int round = 0; round < 5; ++round) {
    SHARD_ASSERT_OK_AND_ASSIGN(auto all, session.Scalars(Select<Account>()));
    ASSERT_EQ(all.size(), 200u);
    std::thread releaser([mine = std::move(all)]() mutable { mine.clear(); });
    for (int i = 1; i <= 200; ++i) {
      SHARD_ASSERT_OK_AND_ASSIGN(const auto account, session.Get<Account>(i));
      ASSERT_EQ(account->balance.value(), i);
    }
    session.ExpireAll();
    releaser.join();
  }
}

TEST_P(IdentityMapTest, SweepsInBulkWithoutLosingTheLiving) {
  const auto engine = EngineWithAccounts(3000);
  ShardedSession session(engine);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto kept, session.Get<Account>(1500));
  for (int round = 0; round < 3; ++round) {
    SHARD_ASSERT_OK(session.Scalars(Select<Account>()));
  }
  SHARD_ASSERT_OK_AND_ASSIGN(const auto again, session.Get<Account>(1500));
  EXPECT_EQ(kept, again);
}

SHARD_ON_DATABASES(IdentityMapTest, "sqlite", "postgresql");

// The map itself.

std::shared_ptr<Account> Stored(std::int64_t id) {
  auto account = std::make_shared<Account>();
  InstanceAccess::State(*account).key = KeyValue(id);
  return account;
}

TEST(IdentityMapOnlyTest, EraseLeavesTheOneThatTookItsPlace) {
  IdentityMap map;
  const auto first = Stored(1), second = Stored(1);
  map.Insert(*first);
  map.Insert(*second);
  map.Erase(*first);
  EXPECT_EQ(map.Find(IdentityOf(*second)), second);
  map.Erase(*second);
  EXPECT_EQ(map.Find(IdentityOf(*second)), nullptr);
}

TEST(IdentityMapOnlyTest, TheShardIsPartOfTheIdentity) {
  IdentityMap map;
  const auto first = Stored(1), second = Stored(1);
  InstanceAccess::State(*second).shard = ShardId::Of("other");
  map.Insert(*first);
  map.Insert(*second);
  EXPECT_EQ(map.Find(IdentityOf(*first)), first);
  EXPECT_EQ(map.Find(IdentityOf(*second)), second);
  int seen = 0;
  map.ForEach([&seen](const auto&) { ++seen; });
  EXPECT_EQ(seen, 2);
}

TEST(IdentityMapOnlyTest, TheSameIdentityAgainAndAgainTakesNoMoreRoom) {
  IdentityMap map;
  for (int i = 0; i < 100; ++i) {
    const auto object = Stored(1);
    map.Insert(*object);
    EXPECT_EQ(map.Find(IdentityOf(*object)), object);
  }
  EXPECT_EQ(map.size(), 1u);
  EXPECT_EQ(map.Find(IdentityOf(*Stored(1))), nullptr);
}

TEST(IdentityMapOnlyTest, VisitorsMayErase) {
  IdentityMap map;
  std::vector<std::shared_ptr<Account>> held;
  for (std::int64_t id = 0; id < 10; ++id) {
    map.Insert(*held.emplace_back(Stored(id)));
  }
  std::vector<std::int64_t> seen;
  map.ForEach([&](const std::shared_ptr<EntityBase>& object) {
    seen.push_back(
        InstanceAccess::State(*object).key.Views().front().integer());
    map.Erase(*object);
    if (seen.back() == 3) map.Erase(*held[4]);
  });
  EXPECT_THAT(seen, ::testing::ElementsAre(0, 1, 2, 3, 5, 6, 7, 8, 9));
  map.ForEach([](const auto&) { ADD_FAILURE() << "one is left"; });
}

// Objects come, are let go of, erased and replaced; an ordinary map is right.
TEST(IdentityMapOnlyTest, AgreesWithAnOrdinaryMap) {
  IdentityMap map;
  std::map<std::int64_t, std::shared_ptr<Account>> expected;
  std::mt19937 random(7);
  constexpr std::int64_t kKeys = 5000;
  for (int step = 0; step < 100'000; ++step) {
    const std::int64_t id = static_cast<std::int64_t>(random() % kKeys);
    const unsigned what = random() % 16;
    if (what < 8) {
      const auto object = Stored(id);
      const auto [known, place] = map.At(IdentityOf(*object));
      ASSERT_EQ(known, expected[id]);
      if (place != nullptr) {
        *place = object;
        expected[id] = object;
      }
    } else if (what < 12) {
      expected.erase(id);  // nobody holds it any more
    } else if (what < 14) {
      map.Insert(*(expected[id] = Stored(id)));
    } else if (const auto object = expected[id]; object != nullptr) {
      map.Erase(*object);
      ASSERT_EQ(map.Find(IdentityOf(*object)), nullptr);
      expected.erase(id);
    }
    if (step % 10'000 == 0) map.Reserve(1'000);
  }
  std::erase_if(expected, [](const auto& e) { return e.second == nullptr; });
  std::map<std::int64_t, std::shared_ptr<EntityBase>> seen;
  map.ForEach([&seen](const std::shared_ptr<EntityBase>& object) {
    const auto key = InstanceAccess::State(*object).key.Views();
    EXPECT_TRUE(seen.emplace(key.front().integer(), object).second);
  });
  ASSERT_EQ(seen.size(), expected.size());
  for (const auto& [id, object] : expected) EXPECT_EQ(seen[id], object);
}

TEST(KeyValueTest, EqualValuesAreEqualKeys) {
  const auto key = [](std::vector<sql::Value> values) {
    std::vector<sql::ValueView> views;
    for (const sql::Value& value : values) views.push_back(value.view());
    return KeyValue::FromViews(views);
  };
  EXPECT_EQ(key({sql::Value(7)}), key({sql::Value(std::int64_t{7})}));
  EXPECT_EQ(key({sql::Value("a"), sql::Value(1)}),
            key({sql::Value("a"), sql::Value(1)}));
  EXPECT_FALSE(key({sql::Value("a"), sql::Value(1)}) ==
               key({sql::Value("a"), sql::Value(2)}));
  EXPECT_FALSE(key({sql::Value("7")}) == key({sql::Value(7)}));
  EXPECT_EQ(key({sql::Value(*Decimal::Parse("1.0"))}),
            key({sql::Value(*Decimal::Parse("1.00"))}));
  EXPECT_EQ(absl::HashOf(key({sql::Value(*Decimal::Parse("1.0"))})),
            absl::HashOf(key({sql::Value(*Decimal::Parse("1.00"))})));
  EXPECT_EQ(key({sql::Value("eu"), sql::Value(7)}).DebugString(),
            "(<text>, 7)");
}

}  // namespace
}  // namespace shard::testing
