// Shard directories on real databases, what is remembered of them, and how a
// session finds rows that were moved.
#include "shard/router/directory_strategy.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/status_macros.h"
#include "shard/base/testing.h"
#include "shard/router/composite_strategy.h"
#include "shard/router/directory_cache.h"
#include "shard/router/hash_strategy.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/placement.h"
#include "shard/session/session_maker.h"
#include "shard/session/sharded_session.h"
#include "shard/sql/types.h"
#include "shard/sql/value.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using sql::Value;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Code = absl::StatusCode;

std::string KeyOf(std::int64_t id) {
  return EncodeShardKey({sql::ValueView::Int64(id)}).value();
}

TEST(DirectoryCacheTest, RemembersNoMoreThanItMay) {
  for (const std::size_t most : {1, 3, 4, 64, 100}) {
    DirectoryCache cache(most);
    for (std::int64_t id = 0; id < 1000; ++id) {
      cache.Put(KeyOf(id), {static_cast<std::uint32_t>(id % 7), id},
                cache.Version(KeyOf(id)));
      const auto found = cache.Find(KeyOf(id));
      ASSERT_TRUE(found.has_value());
      ASSERT_EQ(found->place, id % 7);
      ASSERT_EQ(found->read_at, id);
      ASSERT_LE(cache.entries(), most);
    }
    EXPECT_GE(cache.entries(), most == 100 ? 64 : most);
  }
}

TEST(DirectoryCacheTest, WhatIsAskedForStays) {
  DirectoryCache cache(4);
  for (std::int64_t id = 0; id < 4; ++id) {
    cache.Put(KeyOf(id), {1, 0}, cache.Version(KeyOf(id)));
  }
  for (std::int64_t id = 100; id < 200; ++id) {
    EXPECT_TRUE(cache.Find(KeyOf(3)).has_value()) << id;
    cache.Put(KeyOf(id), {1, 0}, cache.Version(KeyOf(id)));
  }
}

TEST(DirectoryCacheTest, KeysOfEveryLength) {
  DirectoryCache cache(1024);
  for (std::size_t size = 1; size < 100; ++size) {
    const std::string key(size, 'k');
    cache.Put(key, {static_cast<std::uint32_t>(size), 0}, cache.Version(key));
  }
  for (std::size_t size = 1; size < 100; ++size) {
    const auto found = cache.Find(std::string(size, 'k'));
    ASSERT_TRUE(found.has_value()) << size;
    EXPECT_EQ(found->place, size);
    EXPECT_FALSE(cache.Find(std::string(size - 1, 'k') + "x").has_value());
    cache.Forget(std::string(size, 'k'));
    EXPECT_FALSE(cache.Find(std::string(size, 'k')).has_value());
  }
  EXPECT_EQ(cache.entries(), 0u);
}

TEST(DirectoryCacheTest, IntegersAsTheyAreEncoded) {
  DirectoryCache cache(1024);
  std::uint32_t place = 0;
  for (const std::int64_t id :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, INT64_MAX,
        INT64_MIN, std::int64_t{1} << 56, std::int64_t{0x0102030405060708}}) {
    EXPECT_FALSE(cache.FindInteger(id).has_value()) << id;
    cache.Put(KeyOf(id), {++place, 0}, cache.Version(KeyOf(id)));
    ASSERT_TRUE(cache.FindInteger(id).has_value()) << id;
    EXPECT_EQ(cache.FindInteger(id)->place, place);
  }
}

TEST(DirectoryCacheTest, AnOldAnswerIsNotRemembered) {
  DirectoryCache cache(64);
  const std::uint32_t before = cache.Version(KeyOf(1));
  cache.Forget(KeyOf(1));  // it has moved, while it was being read
  cache.Put(KeyOf(1), {1, 0}, before);
  EXPECT_FALSE(cache.Find(KeyOf(1)).has_value());
}

TEST(DirectoryCacheTest, ReadersNeverSeeHalfAnEntry) {
  DirectoryCache cache(8);
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      while (!done) {
        for (std::int64_t id = 0; id < 32; ++id) {
          const auto found = cache.Find(KeyOf(id));
          if (found.has_value()) {
            ASSERT_EQ(found->place, id);
            ASSERT_EQ(found->read_at, id * 3);
          }
        }
      }
    });
  }
  for (int round = 0; round < 200; ++round) {
    for (std::int64_t id = 0; id < 32; ++id) {
      const std::string key = KeyOf(id);
      cache.Put(key, {static_cast<std::uint32_t>(id), id * 3},
                cache.Version(key));
      if (id % 5 == 0) cache.Forget(key);
    }
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
}

class DirectoryTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (IsSkipped()) return;
    meta_ = NewEngine("meta", {});
    SHARD_ASSERT_OK(DirectoryStrategy::CreateTable(meta_));
    SHARD_ASSERT_OK(DirectoryStrategy::CreateTable(meta_));  // again: no harm
    log().Clear();
  }

  static std::shared_ptr<const ShardingStrategy> Hash(
      const std::vector<std::string>& shards) {
    return *HashStrategy::Create(shards);
  }

  // As another process has it: with a memory and connections of its own.
  std::shared_ptr<DirectoryStrategy> Another(
      std::shared_ptr<const ShardingStrategy> assign = nullptr) {
    EngineOptions options;
    options.name = "other";
    return *DirectoryStrategy::Create(
        {.engine = SameDatabase(*meta_, std::move(options)),
         .shards = {"s0", "s1"},
         .assign = std::move(assign)});
  }

  std::shared_ptr<DirectoryStrategy> Make(
      std::shared_ptr<const ShardingStrategy> assign = nullptr) {
    return *DirectoryStrategy::Create(
        {.engine = meta_, .shards = {"s0", "s1"}, .assign = std::move(assign)});
  }

  static std::string ShardFor(const ShardingStrategy& strategy,
                              const Value& key) {
    const sql::ValueView view = key.view();
    const auto shard = strategy.ShardFor({view});
    return shard.ok() ? shard->name() : shard.status().ToString();
  }
  static std::string ShardForNew(const ShardingStrategy& strategy,
                                 const Value& key) {
    const sql::ValueView view = key.view();
    const auto shard = strategy.ShardForNew({view});
    return shard.ok() ? shard->name() : shard.status().ToString();
  }
  static absl::Status Move(const DirectoryStrategy& directory, const Value& key,
                           std::string_view shard) {
    const sql::ValueView view = key.view();
    return directory.Move({view}, shard);
  }
  std::int64_t Entries() { return CountRows(meta_, "shard_directory"); }

  // A resolver of accounts on s0 and s1 by the directory.
  std::shared_ptr<BindResolver> AccountsBy(
      std::shared_ptr<const ShardingStrategy> strategy) {
    if (shards_.empty()) shards_ = NewShards(2, {&Account::table()});
    return *HorizontalResolver::Create(
        {.shards = shards_,
         .rules = {ShardBy(Account::c.id, std::move(strategy))}});
  }
  // The row of account 1, and its entry, by another process.
  void MoveAccountTo(const std::string& to, const std::string& from) {
    RunSql(shard(to),
           "insert into accounts (id, owner, balance) values (1, 'ada', 7)");
    RunSql(shard(from), "delete from accounts");
    SHARD_ASSERT_OK(Move(*Another(), 1, to));
    log().Clear();
  }

  std::shared_ptr<Engine> meta_;
  std::vector<std::pair<std::string, std::shared_ptr<Engine>>> shards_;
};

TEST_P(DirectoryTest, KeysOfEveryTypeAreWhereTheyWereMoved) {
  const auto directory = Make();
  for (const Value& key :
       {Value(1), Value(std::int64_t{1} << 60), Value("1"), Value(""),
        Value(std::string(200, 'x')), Value(Bytes{"1"}), Value(Uuid::Random()),
        Value(Date{1}), Value(Timestamp{1}),
        Value(Decimal::Parse("1").value())}) {
    EXPECT_THAT(ShardFor(*directory, key), HasSubstr("has no entry"));
    EXPECT_THAT(ShardForNew(*directory, key), HasSubstr("has no entry"));
    SHARD_ASSERT_OK(Move(*directory, key, "s1"));
    EXPECT_EQ(ShardFor(*directory, key), "s1");
    EXPECT_EQ(ShardForNew(*directory, key), "s1");
    SHARD_ASSERT_OK(Move(*directory, key, "s0"));
    EXPECT_EQ(ShardFor(*directory, key), "s0");
    EXPECT_EQ(ShardFor(*Another(), key), "s0");
  }
  EXPECT_EQ(Entries(), 10);
  EXPECT_THAT(Move(*directory, 1, "s9"),
              StatusIs(Code::kInvalidArgument, HasSubstr("'s9'")));
  EXPECT_THAT(Move(*directory, Value(), "s1"), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(Move(*directory, 1.5, "s1"), HasCode(Code::kInvalidArgument));
}

TEST_P(DirectoryTest, KnownKeysAskNoDatabase) {
  const auto directory = Make();
  SHARD_ASSERT_OK(Move(*directory, 5, "s1"));
  log().Clear();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ShardFor(*directory, 5), "s1");
  EXPECT_EQ(log().Count("SELECT", "meta"), 1u);
  EXPECT_EQ(directory->remembered(), 1u);
}

TEST_P(DirectoryTest, RemembersNoMoreThanItMay) {
  const auto directory = *DirectoryStrategy::Create({.engine = meta_,
                                                     .shards = {"s0", "s1"},
                                                     .assign = Hash({"s0"}),
                                                     .cache_entries = 8});
  for (int id = 0; id < 40; ++id) {
    EXPECT_EQ(ShardForNew(*directory, id), "s0");
    EXPECT_LE(directory->remembered(), 8u);
  }
  EXPECT_EQ(Entries(), 40);
  for (int id = 0; id < 40; ++id) EXPECT_EQ(ShardFor(*directory, id), "s0");
}

TEST_P(DirectoryTest, AllGetTheSameAnswer) {
  // Two processes that would place every key differently.
  const auto a = Make(Hash({"s0"})), b = Another(Hash({"s1"}));
  constexpr int kKeys = 12;
  std::vector<std::vector<std::string>> answers(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < answers.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int id = 0; id < kKeys; ++id) {
        answers[t].push_back(ShardForNew(t % 2 == 0 ? *a : *b, id));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& answer : answers) EXPECT_EQ(answer, answers[0]);
  EXPECT_EQ(Entries(), kKeys);
  const auto later = Make();
  for (int id = 0; id < kKeys; ++id) {
    EXPECT_EQ(ShardFor(*later, id), answers[0][static_cast<std::size_t>(id)]);
  }
}

TEST_P(DirectoryTest, OnlyWhatIsWrittenIsAssigned) {
  const auto directory = Make(Hash({"s1"}));
  EXPECT_EQ(ShardFor(*directory, 1), "s1");
  const Value key(1);
  KeyDomain domain;
  domain.values = {key.view()};
  EXPECT_THAT(directory->ShardsFor({domain}), IsEmpty());
  EXPECT_EQ(Entries(), 0);
  EXPECT_EQ(ShardForNew(*directory, 1), "s1");
  EXPECT_EQ(Entries(), 1);
}

TEST_P(DirectoryTest, StatementsVisitTheShardsOfTheirKeys) {
  const auto directory = Make();
  SHARD_ASSERT_OK(Move(*directory, 1, "s1"));
  SHARD_ASSERT_OK(Move(*directory, 2, "s0"));
  SHARD_ASSERT_OK(Move(*directory, 3, "s1"));
  const std::vector<Value> values{3, 1, 99};
  KeyDomain domain;
  domain.values.emplace();
  for (const Value& value : values) domain.values->push_back(value.view());
  EXPECT_THAT(directory->ShardsFor({domain}), ElementsAre(ShardId::Of("s1")));
  const Value two(2);
  domain.values->push_back(two.view());
  EXPECT_THAT(directory->ShardsFor({domain}),
              ElementsAre(ShardId::Of("s0"), ShardId::Of("s1")));
  EXPECT_EQ(directory->ShardsFor({KeyDomain()}).size(), 2u);
}

TEST_P(DirectoryTest, MovesOfOthersAreSeenWhenForgottenOrOld) {
  const auto directory = Make(), other = Another();
  const auto ageing =
      *DirectoryStrategy::Create({.engine = meta_,
                                  .shards = {"s0", "s1"},
                                  .max_age = absl::ZeroDuration()});
  const auto believing =
      *DirectoryStrategy::Create({.engine = meta_,
                                  .shards = {"s0", "s1"},
                                  .recheck_after = absl::Hours(1)});
  SHARD_ASSERT_OK(Move(*other, 1, "s0"));
  for (const auto& each : {directory, ageing, believing}) {
    EXPECT_EQ(ShardFor(*each, 1), "s0");
  }
  SHARD_ASSERT_OK(Move(*other, 1, "s1"));
  EXPECT_EQ(ShardFor(*ageing, 1), "s1");
  EXPECT_EQ(ShardFor(*directory, 1), "s0");
  EXPECT_TRUE(directory->Forget({sql::ValueView::Int64(1)}));
  EXPECT_EQ(ShardFor(*directory, 1), "s1");
  EXPECT_FALSE(believing->Forget({sql::ValueView::Int64(1)}));
  EXPECT_EQ(ShardFor(*believing, 1), "s0");
  EXPECT_FALSE(directory->Forget({}));
}

TEST_P(DirectoryTest, MistakesAreNamed) {
  RunSql(meta_, "create table odd_directory (key " +
                    std::string(is_postgresql() ? "bytea" : "blob") +
                    " primary key, shard text not null)");
  const auto odd = *DirectoryStrategy::Create(
      {.engine = meta_, .table = "odd_directory", .shards = {"s0", "old"}});
  SHARD_ASSERT_OK(Move(*odd, 1, "old"));
  const auto newer = *DirectoryStrategy::Create(
      {.engine = meta_, .table = "odd_directory", .shards = {"s0"}});
  EXPECT_THAT(newer->ShardFor({sql::ValueView::Int64(1)}),
              StatusIs(Code::kFailedPrecondition,
                       AllOf(HasSubstr("'odd_directory' on 'meta'"),
                             HasSubstr("'old'"))));
  const auto missing = *DirectoryStrategy::Create(
      {.engine = meta_, .table = "nowhere", .shards = {"s0"}});
  EXPECT_THAT(ShardFor(*missing, 1), HasSubstr("'nowhere' on 'meta'"));
  const Value key(1);
  KeyDomain domain;
  domain.values = {key.view()};
  EXPECT_EQ(missing->ShardsFor({domain}).size(), 1u);  // it cannot tell
}

TEST_P(DirectoryTest, ChoosesTheGroupOfATenant) {
  const auto groups = *DirectoryStrategy::Create(
      {.engine = meta_, .shards = {"small", "big"}, .assign = Hash({"small"})});
  const auto tenants = *CompositeStrategy::Over(
      groups, 1, {{"small", {"s0"}}, {"big", {"s1", "s2"}}});
  const Value acme("acme");
  const std::vector<sql::ValueView> key{acme.view(), sql::ValueView::Int64(1)};
  EXPECT_EQ(tenants->ShardForNew(key).value().name(), "s0");
  EXPECT_EQ(Entries(), 1);
  SHARD_ASSERT_OK(groups->Move({acme.view()}, "big"));
  EXPECT_EQ(tenants->ShardFor(key).value().name(), "s2");
  EXPECT_TRUE(tenants->Forget(key));
}

// Through a session.

TEST_P(DirectoryTest, ANewObjectsKeyIsAssigned) {
  ShardedSession session(WithResolver(AccountsBy(Make(Hash({"s1"})))));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto none, session.Get<Account>(1));
  EXPECT_EQ(none, nullptr);
  EXPECT_EQ(Entries(), 0);
  SHARD_ASSERT_OK(session.Add(MakeAccountWithId(1, "ada", 5)));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Entries(), 1);
  EXPECT_EQ(CountRows(shard("s1"), "accounts"), 1);
}

TEST_P(DirectoryTest, GetFindsARowThatHasMoved) {
  const auto directory = Make(Hash({"s0"}));
  const auto resolver = AccountsBy(directory);
  {
    ShardedSession session(WithResolver(resolver));
    SHARD_ASSERT_OK(session.Add(MakeAccountWithId(1, "ada", 5)));
    SHARD_ASSERT_OK(session.Commit());
  }
  MoveAccountTo("s1", "s0");
  ShardedSession session(WithResolver(resolver));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto account, session.Get<Account>(1));
  ASSERT_NE(account, nullptr);
  EXPECT_EQ(account->balance.value(), 7);
  EXPECT_EQ(account->shard().name(), "s1");
  EXPECT_EQ(log().Count("SELECT", "s0"), 1u);
  SHARD_ASSERT_OK(session.Commit());
  // From now on it is known.
  log().Clear();
  ShardedSession later(WithResolver(resolver));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto again, later.Get<Account>(1));
  EXPECT_NE(again, nullptr);
  EXPECT_EQ(log().Count("SELECT", "s0"), 0u);
  EXPECT_EQ(log().Count("SELECT", "meta"), 0u);
}

TEST_P(DirectoryTest, WhatIsNowhereIsAskedForOnce) {
  const auto directory = Make(Hash({"s0"}));
  const auto resolver = AccountsBy(directory);
  SHARD_ASSERT_OK(Move(*directory, 1, "s1"));
  ShardedSession session(WithResolver(resolver));
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto none, session.Get<Account>(1));
  EXPECT_EQ(none, nullptr);
  EXPECT_EQ(log().Count("SELECT", "s1"), 1u);
  EXPECT_EQ(log().Count("SELECT", "s0"), 0u);
}

TEST_P(DirectoryTest, AFlushThatMissesItsRowIsDoneAgainAtTheRightPlace) {
  const auto resolver = AccountsBy(Make(Hash({"s0"})));
  SessionMaker make_session(WithResolver(resolver));
  ShardedSession session = make_session();
  const auto account = MakeAccountWithId(1, "ada", 5);
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Commit());
  MoveAccountTo("s1", "s0");
  // Its row is expired, so nothing of it is read before it is written.
  account->balance = 9;
  EXPECT_THAT(session.Commit(), HasCode(Code::kAborted));
  session.Rollback();
  log().Clear();
  int tries = 0;
  SHARD_ASSERT_OK(make_session.Run([&](ShardedSession& again) -> absl::Status {
    ++tries;
    SHARD_ASSIGN_OR_RETURN(const auto found, again.Get<Account>(1));
    if (found == nullptr) return absl::NotFoundError("account 1");
    found->balance = 9;
    return absl::OkStatus();
  }));
  EXPECT_EQ(tries, 1);
  EXPECT_EQ(log().Count("SELECT", "s0"), 0u);  // it was forgotten already
  EXPECT_EQ(ReadNumber(shard("s1"), "select balance from accounts"), 9);
}

TEST_P(DirectoryTest, ADeleteOrRefreshThatMissesItsRowForgets) {
  for (const bool refresh : {false, true}) {
    const auto directory = Make(Hash({"s0"}));
    const auto resolver = AccountsBy(directory);
    RunSql(shard("s0"), "delete from accounts");
    RunSql(shard("s1"), "delete from accounts");
    SHARD_ASSERT_OK(Move(*directory, 1, "s0"));
    ShardedSession session(WithResolver(resolver));
    const auto account = MakeAccountWithId(1, "ada", 5);
    SHARD_ASSERT_OK(session.Add(account));
    SHARD_ASSERT_OK(session.Commit());
    MoveAccountTo("s1", "s0");
    if (refresh) {
      EXPECT_THAT(session.Refresh(*account), HasCode(Code::kNotFound));
    } else {
      SHARD_ASSERT_OK(session.Delete(account));
      EXPECT_THAT(session.Commit(), HasCode(Code::kAborted));
    }
    EXPECT_EQ(directory->remembered(), 0u);
    session.Rollback();
  }
}

SHARD_ON_DATABASES(DirectoryTest, "sqlite", "postgresql");

TEST(DirectoryStrategyTest, Refusals) {
  const auto engine = *OpenEngine("sqlite://");
  const auto refused = [&](DirectoryOptions options, const char* why) {
    EXPECT_THAT(DirectoryStrategy::Create(std::move(options)),
                StatusIs(Code::kInvalidArgument, HasSubstr(why)));
  };
  refused({.engine = nullptr, .shards = {"a"}}, "engine");
  refused({.engine = engine, .table = "", .shards = {"a"}},
          "name of its table");
  refused({.engine = engine, .shards = {}}, "1 to 4096 shards");
  refused({.engine = engine, .shards = {"a", "a"}}, "twice");
  refused({.engine = engine, .shards = {"a"}, .cache_entries = 0},
          "cache_entries");
  refused({.engine = engine,
           .shards = {"a"},
           .assign = *HashStrategy::Create({"a", "b"})},
          "'b'");
}

}  // namespace
}  // namespace shard::testing
