// Keys that are unique over all processes.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/engine.h"
#include "shard/session/keys/id_blocks.h"
#include "shard/session/keys/time_ordered_ids.h"
#include "shard/session/keys/uuid_v7.h"
#include "shard/tests/session/children.h"
#include "shard/tests/session/databases.h"

namespace shard::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Code = absl::StatusCode;
using Ids = std::vector<std::int64_t>;

absl::StatusOr<Ids> TakeFrom(KeyGenerator& generator, std::size_t count) {
  std::vector<sql::ValueView> keys;
  sql::ByteArena arena;
  SHARD_RETURN_IF_ERROR(generator.Take(count, &keys, arena));
  Ids ids;
  for (const sql::ValueView& key : keys) ids.push_back(key.integer());
  return ids;
}

absl::StatusOr<std::int64_t> TakeOne(KeyGenerator& generator) {
  SHARD_ASSIGN_OR_RETURN(const Ids ids, TakeFrom(generator, 1));
  return ids.front();
}

void SayAll(const Child::Mouth& mouth, const Ids& ids) {
  for (const std::int64_t id : ids) mouth.Say(id);
}

bool AreDistinct(const Ids& ids) {
  return std::set<std::int64_t>(ids.begin(), ids.end()).size() == ids.size();
}

bool Increase(const Ids& ids) {
  return std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>()) ==
         ids.end();
}

// Until it is true; false when that takes too long.
template <class Condition>
bool WaitFor(Condition&& condition) {
  const absl::Time until = absl::Now() + absl::Seconds(20);
  while (!condition()) {
    if (absl::Now() > until) return false;
    absl::SleepFor(absl::Milliseconds(2));
  }
  return true;
}

class KeysTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (!IsSkipped()) engine_ = NewEngine("keys", {});
  }
  // What another process would have.
  std::shared_ptr<Engine> Other() { return SameDatabase(*engine_); }

  std::shared_ptr<Engine> engine_;
};

class IdBlocksTest : public KeysTest {};
SHARD_ON_DATABASES(IdBlocksTest, "sqlite", "postgresql");

TEST_P(IdBlocksTest, NumbersFromOneOn) {
  SHARD_ASSERT_OK_AND_ASSIGN(auto ids, IdBlocks::Open(engine_, "orders"));
  SHARD_ASSERT_OK_AND_ASSIGN(const sql::Value first, ids->Next());
  EXPECT_EQ(first, sql::Value(std::int64_t{1}));
  SHARD_ASSERT_OK_AND_ASSIGN(const Ids more, TakeFrom(*ids, 3));
  EXPECT_THAT(more, ElementsAre(2, 3, 4));
  SHARD_ASSERT_OK_AND_ASSIGN(auto others, IdBlocks::Open(Other(), "items"));
  EXPECT_THAT(TakeFrom(*others, 2).value(), ElementsAre(1, 2));
}

TEST_P(IdBlocksTest, NeverGivesTheRestOfABlockToAnother) {
  const IdBlockOptions options{.block_size = 10, .first = 100};
  SHARD_ASSERT_OK_AND_ASSIGN(auto ids, IdBlocks::Open(engine_, "a", options));
  EXPECT_THAT(TakeFrom(*ids, 2).value(), ElementsAre(100, 101));
  SHARD_ASSERT_OK_AND_ASSIGN(auto more, IdBlocks::Open(Other(), "a", options));
  EXPECT_THAT(TakeFrom(*more, 2).value(), ElementsAre(110, 111));
  ids.reset();
  SHARD_ASSERT_OK_AND_ASSIGN(ids, IdBlocks::Open(engine_, "a", options));
  EXPECT_THAT(TakeFrom(*ids, 2).value(), ElementsAre(120, 121));
}

TEST_P(IdBlocksTest, TakesManyByOneStatement) {
  SHARD_ASSERT_OK_AND_ASSIGN(auto ids, IdBlocks::Open(engine_, "a"));
  SHARD_ASSERT_OK(TakeFrom(*ids, 10).status());
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(const Ids many, TakeFrom(*ids, 5000));
  EXPECT_THAT(many, SizeIs(5000));
  EXPECT_TRUE(Increase(many));
  EXPECT_EQ(log().CountAll(), 1u);
  SHARD_ASSERT_OK(TakeFrom(*ids, 0).status());
}

TEST_P(IdBlocksTest, EndsWithTheLastId) {
  SHARD_ASSERT_OK_AND_ASSIGN(auto ids,
                             IdBlocks::Open(engine_, "a", {.last = 5}));
  EXPECT_THAT(TakeFrom(*ids, 3).value(), ElementsAre(1, 2, 3));
  EXPECT_THAT(TakeFrom(*ids, 3),
              StatusIs(Code::kOutOfRange, HasSubstr("id blocks 'a'")));
  EXPECT_THAT(TakeFrom(*ids, 2).value(), ElementsAre(4, 5));
  EXPECT_THAT(TakeFrom(*ids, 1), HasCode(Code::kOutOfRange));
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  SHARD_ASSERT_OK_AND_ASSIGN(auto high,
                             IdBlocks::Open(engine_, "b", {.first = kMax - 1}));
  EXPECT_THAT(TakeFrom(*high, 2).value(), ElementsAre(kMax - 1, kMax));
  EXPECT_THAT(TakeFrom(*high, 1), HasCode(Code::kOutOfRange));
  SHARD_ASSERT_OK_AND_ASSIGN(auto again, IdBlocks::Open(Other(), "b"));
  EXPECT_THAT(TakeFrom(*again, 1), HasCode(Code::kOutOfRange));
}

TEST_P(IdBlocksTest, PrefetchesTheNextBlock) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto ids,
      IdBlocks::Open(engine_, "a", {.block_size = 10, .prefetch = true}));
  SHARD_ASSERT_OK(TakeFrom(*ids, 6).status());
  EXPECT_TRUE(WaitFor([&] {
    return ReadNumber(engine_, "select reserved_to from shard_id_blocks") == 20;
  }));
  EXPECT_THAT(TakeFrom(*ids, 5).value(), ElementsAre(7, 8, 9, 10, 11));
}

TEST_P(IdBlocksTest, ThreadsAndProcessesGetDifferentIds) {
  const auto take = [this](const Child::Mouth& mouth) {
    auto ids = IdBlocks::Open(Other(), "a", {.block_size = 7});
    if (!ids.ok()) return mouth.Say(-1);
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&, i] {
        for (int j = 0; j < 40; ++j) {
          const auto taken = TakeFrom(**ids, static_cast<std::size_t>(1 + i));
          if (!taken.ok() || !Increase(*taken)) return mouth.Say(-1);
          SayAll(mouth, *taken);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  };
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < 3; ++i) {
    children.push_back(std::make_unique<Child>(take));
  }
  Ids all;
  for (const auto& child : children) {
    const Ids heard = child->HearAll();
    EXPECT_THAT(heard, SizeIs(240));
    all.insert(all.end(), heard.begin(), heard.end());
  }
  EXPECT_TRUE(AreDistinct(all));
  EXPECT_THAT(*std::min_element(all.begin(), all.end()), Ge(1));
}

TEST_P(IdBlocksTest, AKilledProcessTakesItsBlockWithIt) {
  Child child([this](const Child::Mouth& mouth) {
    auto ids = IdBlocks::Open(Other(), "a", {.block_size = 10}).value();
    SayAll(mouth, TakeFrom(*ids, 13).value());
    raise(SIGKILL);
  });
  EXPECT_THAT(child.HearAll(), SizeIs(13));
  SHARD_ASSERT_OK_AND_ASSIGN(auto ids, IdBlocks::Open(engine_, "a"));
  EXPECT_THAT(TakeOne(*ids).value(), Gt(13));
}

TEST_P(IdBlocksTest, IsNoGoodInAFork) {
  SHARD_ASSERT_OK_AND_ASSIGN(auto ids, IdBlocks::Open(engine_, "a"));
  SHARD_ASSERT_OK(TakeOne(*ids).status());
  Child child([&ids](const Child::Mouth& mouth) {
    mouth.Say(static_cast<std::int64_t>(TakeOne(*ids).status().code()));
    ids.reset();  // leaves the parent's connection alone
  });
  EXPECT_EQ(child.Hear(), static_cast<std::int64_t>(Code::kFailedPrecondition));
  EXPECT_EQ(child.Hear(), std::nullopt);
  SHARD_ASSERT_OK(TakeFrom(*ids, 2000).status());
}

TEST_P(IdBlocksTest, CommitsDurably) {
  if (is_sqlite()) {
    SHARD_ASSERT_OK_AND_ASSIGN(
        auto engine, OpenEngine(absl::StrCat("sqlite:///", folder(),
                                             "/n.db?synchronous=normal")));
    SHARD_ASSERT_OK_AND_ASSIGN(auto ids, IdBlocks::Open(engine, "a"));
    EXPECT_THAT(TakeOne(*ids), StatusIs(Code::kFailedPrecondition,
                                        HasSubstr("synchronous is NORMAL")));
    return;
  }
  SHARD_ASSERT_OK_AND_ASSIGN(auto ids, IdBlocks::Open(engine_, "a"));
  RunSql(engine_,
         "do $$ begin execute format('alter database %I set "
         "synchronous_commit = off', current_database()); end $$;"
         "create function look() returns trigger language plpgsql as $$ begin "
         "if current_setting('synchronous_commit') <> 'on' then raise "
         "exception 'may be lost'; end if; return new; end $$;"
         "create trigger look before insert or update on shard_id_blocks for "
         "each row execute function look()");
  SHARD_ASSERT_OK(TakeOne(*ids).status());
  SHARD_ASSERT_OK(TakeFrom(*ids, 2000).status());
}

TEST_P(IdBlocksTest, OutlivesItsConnection) {
  if (is_sqlite()) GTEST_SKIP() << "a file does not hang up";
  SHARD_ASSERT_OK_AND_ASSIGN(auto ids, IdBlocks::Open(engine_, "a"));
  SHARD_ASSERT_OK(TakeOne(*ids).status());
  RunSql(engine_,
         "select pg_terminate_backend(pid) from pg_stat_activity where "
         "datname = current_database() and pid <> pg_backend_pid()");
  SHARD_ASSERT_OK(TakeFrom(*ids, 2000).status());
}

TEST_P(IdBlocksTest, SaysWhatIsWrong) {
  EXPECT_THAT(IdBlocks::Open(nullptr, "a"), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(IdBlocks::Open(engine_, ""), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(IdBlocks::Open(engine_, "a", {.block_size = 0}),
              StatusIs(Code::kInvalidArgument, HasSubstr("block_size")));
  EXPECT_THAT(IdBlocks::Open(engine_, "a", {.first = 0}),
              HasCode(Code::kInvalidArgument));
  EXPECT_THAT(IdBlocks::Open(engine_, "a", {.first = 7, .last = 6}),
              HasCode(Code::kInvalidArgument));
  EXPECT_THAT(IdBlocks::Open(engine_, "a", {.timeout = absl::ZeroDuration()}),
              HasCode(Code::kInvalidArgument));
  EXPECT_THAT(IdBlocks::Open(OpenEngine("sqlite://").value(), "a"),
              StatusIs(Code::kInvalidArgument, HasSubstr("in memory")));
  SHARD_ASSERT_OK_AND_ASSIGN(auto ids, IdBlocks::Open(engine_, "a"));
  RunSql(engine_, "drop table shard_id_blocks");
  EXPECT_THAT(TakeOne(*ids).status().message(),
              HasSubstr("id blocks 'a': 'keys': "));
}

TEST(UuidV7Test, IsLaidOutAsTheRfcSays) {
  // The example of RFC 9562, appendix A.6.
  UuidV7 uuids([] { return absl::FromUnixMillis(0x017F22E279B0); });
  SHARD_ASSERT_OK_AND_ASSIGN(const Uuid uuid, uuids.NextUuid());
  const std::string text = uuid.ToText();
  EXPECT_THAT(text, ::testing::StartsWith("017f22e2-79b0-7")) << text;
  EXPECT_THAT(std::string("89ab"), HasSubstr(text.substr(19, 1))) << text;
  SHARD_ASSERT_OK_AND_ASSIGN(const sql::Value value, uuids.Next());
  EXPECT_EQ(value.type(), sql::ValueType::kUuid);
}

TEST(UuidV7Test, GrowsWhateverTheClockDoes) {
  std::int64_t now = 1'700'000'000'000;
  UuidV7 uuids([&now] { return absl::FromUnixMillis(now); });
  std::vector<Uuid> made;
  const auto make = [&](int count) {
    for (int i = 0; i < count; ++i) made.push_back(uuids.NextUuid().value());
  };
  make(100);
  now -= 3'600'000;
  make(100);
  std::vector<sql::ValueView> keys;
  sql::ByteArena arena;
  SHARD_ASSERT_OK(uuids.Take(300'000, &keys, arena));
  ASSERT_THAT(keys, SizeIs(300'000));
  for (const sql::ValueView& key : keys) {
    Uuid& uuid = made.emplace_back();
    std::copy(key.bytes().begin(), key.bytes().end(),
              reinterpret_cast<char*>(uuid.bytes.data()));
    ASSERT_EQ(uuid.bytes[6] >> 4, 7);
    ASSERT_EQ(uuid.bytes[8] >> 6, 2);
  }
  now += 3'600'100;
  make(1);
  EXPECT_EQ(
      std::adjacent_find(made.begin(), made.end(), std::greater_equal<>()),
      made.end());
  now = -1;
  EXPECT_THAT(uuids.NextUuid(), HasCode(Code::kOutOfRange));
}

TEST(UuidV7Test, ThreadsAndForksGetDifferentOnes) {
  UuidV7 uuids([] { return absl::FromUnixMillis(1'700'000'000'000); });
  const auto tail = [&uuids] {
    const Uuid uuid = uuids.NextUuid().value();
    std::int64_t end = 0;
    std::copy(uuid.bytes.begin() + 8, uuid.bytes.end(),
              reinterpret_cast<std::uint8_t*>(&end));
    return end;
  };
  tail();
  Child child([&](const Child::Mouth& mouth) { mouth.Say(tail()); });
  EXPECT_NE(child.Hear(), tail());
  std::vector<std::vector<Uuid>> made(4);
  std::vector<std::thread> threads;
  for (auto& own : made) {
    threads.emplace_back([&own, &uuids] {
      for (int i = 0; i < 2000; ++i) own.push_back(uuids.NextUuid().value());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<Uuid> all;
  for (const auto& own : made) {
    EXPECT_TRUE(std::is_sorted(own.begin(), own.end()));
    all.insert(own.begin(), own.end());
  }
  EXPECT_THAT(all, SizeIs(8000));
}

// 2026-01-01, in milliseconds since the epoch of ids.
constexpr std::int64_t kToday = (1767225600 - 1704067200) * std::int64_t{1000};

class TimeOrderedIdsTest : public KeysTest {
 protected:
  // With clocks of the test's.
  TimeOrderedIdOptions Options(std::int64_t workers = 1024) {
    TimeOrderedIdOptions options;
    options.workers = workers;
    options.clock = [this] {
      return options_.epoch + absl::Milliseconds(now_.load());
    };
    options.stopwatch = [this] {
      return absl::Milliseconds(stopwatch_.load());
    };
    return options;
  }
  absl::StatusOr<std::shared_ptr<TimeOrderedIds>> Open(
      const TimeOrderedIdOptions& options) {
    return TimeOrderedIds::Open(Other(), "w", options);
  }
  // Leases are over, by the database's clock.
  void EndLeases() {
    RunSql(engine_, "update shard_id_workers set expires_at = 1");
  }
  void Pass(absl::Duration time) {
    now_ += absl::ToInt64Milliseconds(time);
    stopwatch_ += absl::ToInt64Milliseconds(time);
  }

  const TimeOrderedIdOptions options_;
  std::atomic<std::int64_t> now_ = kToday;
  std::atomic<std::int64_t> stopwatch_ = 1000;
};
SHARD_ON_DATABASES(TimeOrderedIdsTest, "sqlite", "postgresql");

TEST_P(TimeOrderedIdsTest, SayWhenAndByWhom) {
  SHARD_ASSERT_OK_AND_ASSIGN(auto first, Open(Options()));
  SHARD_ASSERT_OK_AND_ASSIGN(auto second, Open(Options()));
  SHARD_ASSERT_OK(TakeOne(*second).status());
  SHARD_ASSERT_OK_AND_ASSIGN(const std::int64_t id, TakeOne(*second));
  const TimeOrderedId read = ReadTimeOrderedId(id);
  EXPECT_EQ(read.time, options_.epoch + absl::Milliseconds(kToday));
  EXPECT_EQ(read.worker, 1);
  EXPECT_EQ(read.sequence, 1);
  EXPECT_EQ(first->worker(), 0);
  EXPECT_EQ(id, kToday << 22 | 1 << 12 | 1);
}

TEST_P(TimeOrderedIdsTest, GrowAndGoAheadOfTheClockSomewhat) {
  SHARD_ASSERT_OK_AND_ASSIGN(auto ids, Open(Options()));
  SHARD_ASSERT_OK_AND_ASSIGN(Ids all, TakeFrom(*ids, 10'000));
  EXPECT_EQ(ReadTimeOrderedId(all.back()).sequence, 9'999 % 4096);
  now_ -= 4'000;
  for (int i = 0; i < 100; ++i) all.push_back(TakeOne(*ids).value());
  now_ += 4'100;
  all.push_back(TakeOne(*ids).value());
  EXPECT_EQ(ReadTimeOrderedId(all.back()).sequence, 0);
  EXPECT_TRUE(Increase(all));
  now_ -= 6'000;
  EXPECT_THAT(TakeOne(*ids),
              StatusIs(Code::kUnavailable, HasSubstr("ahead of the clock")));
  now_ += 1'000;
  SHARD_EXPECT_OK(TakeOne(*ids).status());
  EXPECT_THAT(TakeFrom(*ids, 30'000'000), HasCode(Code::kUnavailable));
  now_ = -1;
  EXPECT_THAT(TakeOne(*ids), HasCode(Code::kOutOfRange));
  now_ = std::int64_t{1} << 41;
  EXPECT_THAT(TakeOne(*ids), HasCode(Code::kOutOfRange));
}

TEST_P(TimeOrderedIdsTest, RenewsBehindHalfOfTheLease) {
  SHARD_ASSERT_OK_AND_ASSIGN(auto ids,
                             TimeOrderedIds::Open(engine_, "w", Options()));
  log().Clear();
  for (int i = 0; i < 14; ++i) {
    Pass(absl::Seconds(1));
    SHARD_ASSERT_OK(TakeOne(*ids).status());
  }
  EXPECT_EQ(log().CountAll(), 0u);
  Pass(absl::Seconds(1));
  SHARD_ASSERT_OK(TakeOne(*ids).status());
  EXPECT_EQ(log().Count("UPDATE"), 1u);
  // The clock alone is set on: the stretch of time must be longer.
  now_ += 100'000;
  SHARD_ASSERT_OK(TakeOne(*ids).status());
  EXPECT_EQ(log().Count("UPDATE"), 2u);
  // Nobody has taken the number meanwhile.
  Pass(absl::Hours(1));
  SHARD_ASSERT_OK(TakeOne(*ids).status());
  EXPECT_EQ(ids->worker(), 0);
  EXPECT_EQ(log().CountAll(), 3u);
}

TEST_P(TimeOrderedIdsTest, GoesOnForTheRestOfALeaseThatIsNotRenewed) {
  SHARD_ASSERT_OK_AND_ASSIGN(auto ids, Open(Options()));
  RunSql(engine_, "alter table shard_id_workers rename to away");
  Pass(absl::Seconds(20));
  SHARD_EXPECT_OK(TakeOne(*ids).status());
  Pass(absl::Milliseconds(9'999));
  SHARD_EXPECT_OK(TakeOne(*ids).status());
  Pass(absl::Milliseconds(1));
  EXPECT_THAT(TakeOne(*ids).status().message(),
              HasSubstr("time-ordered ids 'w': no lease: "));
  RunSql(engine_, "alter table away rename to shard_id_workers");
  SHARD_EXPECT_OK(TakeOne(*ids).status());
}

TEST_P(TimeOrderedIdsTest, StopsWhenTheLeaseIsLost) {
  SHARD_ASSERT_OK_AND_ASSIGN(auto ids, Open(Options(1)));
  SHARD_ASSERT_OK_AND_ASSIGN(const std::int64_t before, TakeOne(*ids));
  EXPECT_THAT(Open(Options(1)),
              StatusIs(Code::kUnavailable, HasSubstr("all 1 worker numbers")));
  EndLeases();
  // What was reserved reaches further than ids may be ahead.
  EXPECT_THAT(Open(Options(1)),
              StatusIs(Code::kUnavailable, HasSubstr("clock is more than")));
  Pass(absl::Seconds(29));  // the clocks of both; the lease is not over
  SHARD_ASSERT_OK_AND_ASSIGN(auto other, Open(Options(1)));
  SHARD_ASSERT_OK_AND_ASSIGN(const std::int64_t between, TakeOne(*other));
  EXPECT_THAT(TakeOne(*ids),
              StatusIs(Code::kUnavailable, HasSubstr("all 1 worker numbers")));
  EXPECT_THAT(TakeOne(*ids), HasCode(Code::kUnavailable));
  other.reset();
  SHARD_ASSERT_OK_AND_ASSIGN(const std::int64_t after, TakeOne(*ids));
  EXPECT_TRUE(Increase({before, between, after}));
}

TEST_P(TimeOrderedIdsTest, TakesAnotherNumberWhenItsOwnIsLost) {
  SHARD_ASSERT_OK_AND_ASSIGN(auto ids, Open(Options()));
  EndLeases();
  Pass(absl::Minutes(1));
  SHARD_ASSERT_OK_AND_ASSIGN(auto other, Open(Options()));
  EXPECT_EQ(other->worker(), 0);
  SHARD_ASSERT_OK(TakeOne(*ids).status());
  EXPECT_EQ(ids->worker(), 1);
}

// Whatever the database's clock says, the two have no millisecond in common.
TEST_P(TimeOrderedIdsTest, HoldersOfOneNumberShareNoTime) {
  SHARD_ASSERT_OK_AND_ASSIGN(auto ids, Open(Options(1)));
  EndLeases();
  Pass(absl::Seconds(14));
  auto late = Options(1);
  late.most_ahead = absl::Minutes(1);
  SHARD_ASSERT_OK_AND_ASSIGN(auto other, Open(late));
  Ids all = TakeFrom(*other, 1000).value();
  const Ids own = TakeFrom(*ids, 1000).value();  // it does not know yet
  all.insert(all.end(), own.begin(), own.end());
  EXPECT_EQ(ids->worker(), other->worker());
  EXPECT_TRUE(AreDistinct(all));
}

TEST_P(TimeOrderedIdsTest, GoesOnBehindThoseOfBeforeARestart) {
  auto first = Open(Options(1)).value();
  const std::int64_t before = TakeFrom(*first, 5'000).value().back();
  first.reset();
  now_ -= 3'000;
  auto second = Open(Options(1)).value();
  EXPECT_THAT(TakeOne(*second).value(), Gt(before));
  second.reset();
  now_ -= 10'000;
  EXPECT_THAT(Open(Options(1)),
              StatusIs(Code::kUnavailable, HasSubstr("clock is more than")));
  SHARD_ASSERT_OK_AND_ASSIGN(auto third, Open(Options(2)));
  EXPECT_EQ(third->worker(), 1);
}

TEST_P(TimeOrderedIdsTest, SaysWhatIsWrong) {
  EXPECT_THAT(TimeOrderedIds::Open(nullptr, "w"),
              HasCode(Code::kInvalidArgument));
  EXPECT_THAT(TimeOrderedIds::Open(engine_, ""),
              HasCode(Code::kInvalidArgument));
  EXPECT_THAT(Open(Options(1025)), HasCode(Code::kInvalidArgument));
  auto bad = Options();
  bad.lease = absl::ZeroDuration();
  EXPECT_THAT(Open(bad), StatusIs(Code::kInvalidArgument, HasSubstr("lease")));
  bad = Options();
  bad.epoch += absl::Microseconds(1);
  EXPECT_THAT(Open(bad), StatusIs(Code::kInvalidArgument, HasSubstr("epoch")));
  SHARD_ASSERT_OK(Open(Options()).status());
  bad.epoch += absl::Microseconds(999);
  EXPECT_THAT(Open(bad), StatusIs(Code::kInvalidArgument, HasSubstr("epoch")));
}

TEST_P(TimeOrderedIdsTest, ThreadsGetDifferentOnes) {
  TimeOrderedIdOptions options;
  options.lease = absl::Milliseconds(20);
  SHARD_ASSERT_OK_AND_ASSIGN(auto ids, Open(options));
  std::vector<Ids> made(4);
  std::vector<std::thread> threads;
  for (Ids& own : made) {
    threads.emplace_back([&own, &ids] {
      for (int i = 0; i < 2000; ++i) {
        const auto id = TakeOne(*ids);
        if (id.ok()) own.push_back(*id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  Ids all;
  for (const Ids& own : made) {
    EXPECT_TRUE(Increase(own));
    EXPECT_THAT(own, SizeIs(Gt(0)));
    all.insert(all.end(), own.begin(), own.end());
  }
  EXPECT_TRUE(AreDistinct(all));
}

TEST_P(TimeOrderedIdsTest, ProcessesHaveDifferentNumbers) {
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < 5; ++i) {
    children.push_back(std::make_unique<Child>([this](const auto& mouth) {
      auto ids = TimeOrderedIds::Open(Other(), "w");
      if (!ids.ok()) return mouth.Say(-1);
      mouth.Say((*ids)->worker());
      SayAll(mouth, TakeFrom(**ids, 500).value());
      mouth.Say(-2);
      pause();
    }));
  }
  Ids workers, all;
  for (const auto& child : children) {
    workers.push_back(child->Hear().value());
    for (auto id = child->Hear(); id.has_value() && *id >= 0;
         id = child->Hear()) {
      all.push_back(*id);
    }
  }
  EXPECT_TRUE(AreDistinct(workers));
  EXPECT_THAT(workers, ::testing::Each(Ge(0)));
  EXPECT_THAT(all, SizeIs(2500));
  EXPECT_TRUE(AreDistinct(all));
}

// Says ids for as long as it gets them, and -1 for each refusal.
void Stutter(TimeOrderedIds& ids, const Child::Mouth& mouth) {
  while (true) {
    const absl::StatusOr<std::int64_t> id = TakeOne(ids);
    if (!id.ok() && !absl::IsUnavailable(id.status())) return mouth.Say(-2);
    mouth.Say(id.value_or(-1));
    absl::SleepFor(absl::Milliseconds(1));
  }
}

TEST_P(TimeOrderedIdsTest, AStoppedProcessFindsOutThatItLostItsLease) {
  TimeOrderedIdOptions options;
  options.workers = 1;
  TimeOrderedIdOptions brief = options;
  brief.lease = absl::Milliseconds(250);
  Child child([&](const Child::Mouth& mouth) {
    auto ids = TimeOrderedIds::Open(Other(), "w", brief);
    if (ids.ok()) Stutter(**ids, mouth);
  });
  Ids all;
  while (all.size() < 20) all.push_back(child.Hear().value());
  ASSERT_TRUE(Increase(all));
  child.Send(SIGSTOP);
  absl::StatusOr<std::shared_ptr<TimeOrderedIds>> own;
  ASSERT_TRUE(WaitFor([&] { return (own = Open(options)).ok(); }))
      << own.status();
  Ids mine = TakeFrom(**own, 100).value();
  child.Send(SIGCONT);
  std::optional<std::int64_t> heard;
  while ((heard = child.Hear()).value_or(-2) >= 0) all.push_back(*heard);
  EXPECT_EQ(heard, -1);
  mine.push_back(TakeOne(**own).value());
  own->reset();
  while ((heard = child.Hear()) == -1) {
  }
  ASSERT_THAT(heard.value_or(-2), Ge(0));
  all.push_back(*heard);
  child.Send(SIGKILL);
  for (const std::int64_t id : child.HearAll()) {
    if (id >= 0) all.push_back(id);
  }
  // What it had reserved is past before another begins.
  ASSERT_TRUE(WaitFor([&] { return (own = Open(options)).ok(); }));
  all.push_back(TakeOne(**own).value());
  EXPECT_TRUE(Increase(all));
  all.insert(all.end(), mine.begin(), mine.end());
  EXPECT_TRUE(AreDistinct(all));
}

TEST_P(TimeOrderedIdsTest, IsNoGoodInAFork) {
  SHARD_ASSERT_OK_AND_ASSIGN(auto ids, Open(Options()));
  Child child([&ids](const Child::Mouth& mouth) {
    mouth.Say(static_cast<std::int64_t>(TakeOne(*ids).status().code()));
    ids.reset();  // leaves the parent its lease
  });
  EXPECT_EQ(child.Hear(), static_cast<std::int64_t>(Code::kFailedPrecondition));
  EXPECT_EQ(child.Hear(), std::nullopt);
  Pass(absl::Seconds(20));
  SHARD_ASSERT_OK(TakeOne(*ids).status());
  EXPECT_EQ(ids->worker(), 0);
}

}  // namespace
}  // namespace shard::testing
