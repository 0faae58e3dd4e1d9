// Hash and list strategies, shard names, and rules.
#include "shard/router/sharding_strategy.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/hash_strategy.h"
#include "shard/router/list_strategy.h"
#include "shard/router/placement.h"
#include "shard/router/shard_id.h"
#include "shard/sql/types.h"
#include "shard/sql/value.h"

namespace shard {
namespace {

using shard::testing::HasCode;
using shard::testing::StatusIs;
using sql::Value;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

std::string ShardFor(const ShardingStrategy& strategy,
                     const std::vector<Value>& key) {
  std::vector<sql::ValueView> views;
  for (const Value& part : key) views.push_back(part.view());
  const auto shard = strategy.ShardFor(views);
  return shard.ok() ? shard->name() : shard.status().ToString();
}

std::vector<std::string> Names(int n) {
  std::vector<std::string> names;
  for (int i = 0; i < n; ++i) names.push_back("s" + std::to_string(i));
  return names;
}

TEST(ShardIdTest, EqualNamesAreEqualIds) {
  EXPECT_EQ(ShardId::Of("eu"), ShardId::Of(std::string("eu")));
  EXPECT_FALSE(ShardId::Of("eu") == ShardId::Of("EU"));
  EXPECT_EQ(ShardId::Of("eu").name(), "eu");
  EXPECT_EQ(ShardId::Of("Zürich \"1\"").name(), "Zürich \"1\"");
  EXPECT_TRUE(ShardId().is_none());
  EXPECT_EQ(ShardId().name(), "");
  EXPECT_TRUE(ShardId::Of("").is_none());
  EXPECT_FALSE(ShardId::Of("eu").is_none());
}

TEST(ShardIdTest, ThreadsAgree) {
  std::vector<std::vector<ShardId>> seen(4);
  std::vector<std::thread> threads;
  for (std::vector<ShardId>& mine : seen) {
    threads.emplace_back([&mine] {
      for (int i = 0; i < 500; ++i) {
        mine.push_back(ShardId::Of("thread " + std::to_string(i)));
        ASSERT_EQ(mine.back().name(), "thread " + std::to_string(i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<ShardId>& mine : seen) EXPECT_EQ(mine, seen[0]);
}

// The first integer key of each slot, in steps that cover many slots.
std::map<std::uint32_t, std::int64_t> KeysBySlot() {
  std::map<std::uint32_t, std::int64_t> keys;
  for (std::int64_t id = 0; keys.size() < kSlotCount && id < 100'000; ++id) {
    const sql::ValueView view = sql::ValueView::Int64(id);
    keys.emplace(SlotOf(absl::MakeConstSpan(&view, 1)).value(), id);
  }
  return keys;
}

TEST(HashStrategyTest, EverySlotHasTheShardThatTheMapSays) {
  const auto keys = KeysBySlot();
  ASSERT_EQ(keys.size(), kSlotCount);
  for (const int n : {1, 2, 3, 7, 4096}) {
    SHARD_ASSERT_OK_AND_ASSIGN(const auto hash, HashStrategy::Create(Names(n)));
    ASSERT_EQ(hash->shards().size(), static_cast<std::size_t>(n));
    for (const auto& [slot, id] : keys) {
      ASSERT_EQ(ShardFor(*hash, {id}), "s" + std::to_string(slot * n / 4096))
          << "slot " << slot << " of " << n;
    }
  }
}

TEST(HashStrategyTest, BoundariesOfTheSlotMap) {
  // First slots of each shard, worked out by hand: i * 4096 / n, rounded up.
  const std::map<int, std::vector<std::uint32_t>> first = {
      {1, {0}},
      {2, {0, 2048}},
      {3, {0, 1366, 2731}},
      {7, {0, 586, 1171, 1756, 2341, 2926, 3511}}};
  const auto keys = KeysBySlot();
  for (const auto& [n, starts] : first) {
    SHARD_ASSERT_OK_AND_ASSIGN(const auto hash, HashStrategy::Create(Names(n)));
    for (std::size_t i = 0; i < starts.size(); ++i) {
      EXPECT_EQ(ShardFor(*hash, {keys.at(starts[i])}), Names(n)[i]);
      if (i > 0) {
        EXPECT_EQ(ShardFor(*hash, {keys.at(starts[i] - 1)}), Names(n)[i - 1]);
      }
    }
    EXPECT_EQ(ShardFor(*hash, {keys.at(4095)}), Names(n).back());
  }
}

TEST(HashStrategyTest, FrozenPlaces) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto hash,
                             HashStrategy::Create({"north", "south", "west"}));
  EXPECT_THAT(hash->shards(),
              ElementsAre(ShardId::Of("north"), ShardId::Of("south"),
                          ShardId::Of("west")));
  EXPECT_EQ(ShardFor(*hash, {0}), "north");                // slot 787
  EXPECT_EQ(ShardFor(*hash, {1}), "south");                // slot 2564
  EXPECT_EQ(ShardFor(*hash, {"Berlin"}), "south");         // slot 2108
  EXPECT_EQ(ShardFor(*hash, {Date{-1}}), "west");          // slot 3715
  EXPECT_EQ(ShardFor(*hash, {7, "de"}), "north");          // slot 1358
  EXPECT_EQ(ShardFor(*hash, {std::int64_t{1}}), "south");  // as 32 bits wide
}

TEST(HashStrategyTest, Refusals) {
  EXPECT_THAT(HashStrategy::Create({}), HasCode(kInvalid));
  EXPECT_THAT(HashStrategy::Create(Names(4097)),
              StatusIs(kInvalid, HasSubstr("4097")));
  EXPECT_THAT(HashStrategy::Create({"a", "b", "a"}),
              StatusIs(kInvalid, HasSubstr("twice")));
  EXPECT_THAT(HashStrategy::Create({"a", ""}),
              StatusIs(kInvalid, HasSubstr("empty name")));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto hash, HashStrategy::Create({"a"}));
  EXPECT_THAT(hash->ShardFor({sql::ValueView()}), HasCode(kInvalid));
  EXPECT_THAT(hash->ShardFor({sql::ValueView::Double(1)}), HasCode(kInvalid));
  EXPECT_THAT(hash->ShardFor({}), HasCode(kInvalid));
}

TEST(ListStrategyTest, PlacesByTypeAndValue) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto list,
      ListStrategy::Create({{"EU", "europe"},
                            {"AS", "asia"},
                            {"TR", "europe"},
                            {7, "asia"},
                            {Decimal::Parse("1.5").value(), "decimals"}}));
  EXPECT_THAT(list->shards(),
              ElementsAre(ShardId::Of("europe"), ShardId::Of("asia"),
                          ShardId::Of("decimals")));
  EXPECT_EQ(ShardFor(*list, {"EU"}), "europe");
  EXPECT_EQ(ShardFor(*list, {"TR"}), "europe");
  EXPECT_EQ(ShardFor(*list, {"AS"}), "asia");
  EXPECT_EQ(ShardFor(*list, {std::int64_t{7}}), "asia");
  EXPECT_EQ(ShardFor(*list, {Decimal::Parse("1.50").value()}), "decimals");
  for (const Value& other :
       {Value("eu"), Value("EU "), Value(""), Value("7"), Value(Bytes{"EU"}),
        Value(8), Value(Decimal::Parse("7").value())}) {
    const std::string answer = ShardFor(*list, {other});
    EXPECT_THAT(answer, HasSubstr("not in the list")) << answer;
  }
}

TEST(ListStrategyTest, OtherwiseTakesTheRest) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto list,
                             ListStrategy::Create({{"EU", "europe"}}, "rest"));
  EXPECT_THAT(list->shards(),
              ElementsAre(ShardId::Of("europe"), ShardId::Of("rest")));
  EXPECT_EQ(ShardFor(*list, {"EU"}), "europe");
  EXPECT_EQ(ShardFor(*list, {"XX"}), "rest");
  // But no NULL, and no key of two columns.
  EXPECT_THAT(list->ShardFor({sql::ValueView()}), HasCode(kInvalid));
  EXPECT_THAT(
      list->ShardFor({sql::ValueView::Text("EU"), sql::ValueView::Text("EU")}),
      StatusIs(kInvalid, HasSubstr("one column")));
  EXPECT_THAT(list->ShardFor({}), HasCode(kInvalid));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto same, ListStrategy::Create({{"EU", "europe"}}, "europe"));
  EXPECT_THAT(same->shards(), ElementsAre(ShardId::Of("europe")));
}

TEST(ListStrategyTest, Refusals) {
  EXPECT_THAT(ListStrategy::Create({}), HasCode(kInvalid));
  EXPECT_THAT(ListStrategy::Create({}, "rest"), HasCode(kInvalid));
  EXPECT_THAT(ListStrategy::Create({{"s3cr3t", "a"}, {"s3cr3t", "b"}}),
              StatusIs(kInvalid,
                       AllOf(HasSubstr("number 2"), Not(HasSubstr("s3cr3t")))));
  EXPECT_THAT(ListStrategy::Create({{1, "a"}, {std::int64_t{1}, "b"}}),
              HasCode(kInvalid));
  EXPECT_THAT(ListStrategy::Create({{Decimal::Parse("1").value(), "a"},
                                    {Decimal::Parse("1.0").value(), "b"}}),
              HasCode(kInvalid));
  EXPECT_THAT(ListStrategy::Create({{1.5, "a"}}),
              StatusIs(kInvalid, HasSubstr("double")));
  EXPECT_THAT(ListStrategy::Create({{Value(), "a"}}),
              StatusIs(kInvalid, HasSubstr("NULL")));
  EXPECT_THAT(ListStrategy::Create({{1, ""}}),
              StatusIs(kInvalid, HasSubstr("without a shard")));
}

TEST(ListStrategyTest, ManyValuesEachFindTheirOwn) {
  std::vector<std::pair<Value, std::string>> places;
  for (int i = 0; i < 3000; ++i) {  // several in many slots
    places.emplace_back(i, "s" + std::to_string(i % 5));
  }
  SHARD_ASSERT_OK_AND_ASSIGN(const auto list, ListStrategy::Create(places));
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(ShardFor(*list, {i}), "s" + std::to_string(i % 5));
  }
}

}  // namespace
}  // namespace shard
