// Range, time period, composite, region and hint strategies, slot maps, and
// what all strategies say of the shards of a statement.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/composite_strategy.h"
#include "shard/router/hash_strategy.h"
#include "shard/router/hint_strategy.h"
#include "shard/router/key_domain.h"
#include "shard/router/list_strategy.h"
#include "shard/router/placement.h"
#include "shard/router/range_strategy.h"
#include "shard/router/region_strategy.h"
#include "shard/router/shard_id.h"
#include "shard/router/time_period_strategy.h"
#include "shard/sql/types.h"
#include "shard/sql/value.h"

namespace shard {
namespace {

using shard::testing::HasCode;
using shard::testing::StatusIs;
using sql::Value;
using sql::ValueType;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

Date Day(std::string_view text) { return Date::Parse(text).value(); }
Timestamp Time(std::string_view text) { return Timestamp::Parse(text).value(); }

std::string ShardFor(const ShardingStrategy& strategy,
                     const std::vector<Value>& key) {
  std::vector<sql::ValueView> views;
  for (const Value& part : key) views.push_back(part.view());
  const auto shard = strategy.ShardFor(views);
  return shard.ok() ? shard->name() : shard.status().ToString();
}

std::vector<std::string> NamesOf(const ShardSet& shards) {
  std::vector<std::string> names;
  for (const ShardId shard : shards) names.push_back(shard.name());
  return names;
}

// A domain that owns its values.
class Domain {
 public:
  static Domain Any() { return Domain(); }
  static Domain Of(std::vector<Value> values) {
    return Domain().With([&](Domain& d) { d.values_ = std::move(values); });
  }
  Domain From(Value value, bool inclusive = true) && {
    low_ = {std::move(value), inclusive};
    return std::move(*this);
  }
  Domain To(Value value, bool inclusive = true) && {
    high_ = {std::move(value), inclusive};
    return std::move(*this);
  }
  Domain Not(std::vector<Value> values) && {
    excluded_ = std::move(values);
    return std::move(*this);
  }

  KeyDomain View() const {
    KeyDomain view;
    if (values_.has_value()) {
      view.values.emplace();
      for (const Value& value : *values_) view.values->push_back(value.view());
    }
    if (low_.has_value()) view.low = {low_->first.view(), low_->second};
    if (high_.has_value()) view.high = {high_->first.view(), high_->second};
    for (const Value& value : excluded_) view.excluded.push_back(value.view());
    return view;
  }

 private:
  template <class F>
  Domain With(F&& change) && {
    change(*this);
    return std::move(*this);
  }
  std::optional<std::vector<Value>> values_;
  std::optional<std::pair<Value, bool>> low_, high_;
  std::vector<Value> excluded_;
};

std::vector<std::string> ShardsFor(const ShardingStrategy& strategy,
                                   const std::vector<Domain>& key) {
  std::vector<KeyDomain> views;
  for (const Domain& domain : key) views.push_back(domain.View());
  return NamesOf(strategy.ShardsFor(views));
}

TEST(HashStrategyTest, BySlotMap) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto hash, HashStrategy::FromSlots(
                           {{0, "a"}, {1024, "c"}, {2048, "b"}, {3000, "a"}}));
  EXPECT_THAT(hash->shards(), ElementsAre(ShardId::Of("a"), ShardId::Of("c"),
                                          ShardId::Of("b")));
  for (const auto& [slot, shard] :
       std::vector<std::pair<std::uint32_t, std::string>>{{0, "a"},
                                                          {1023, "a"},
                                                          {1024, "c"},
                                                          {2047, "c"},
                                                          {2048, "b"},
                                                          {2999, "b"},
                                                          {3000, "a"},
                                                          {4095, "a"}}) {
    EXPECT_EQ(hash->ShardOfSlot(slot).name(), shard) << slot;
  }
  EXPECT_EQ(ShardFor(*hash, {0}), "a");         // slot 787
  EXPECT_EQ(ShardFor(*hash, {1}), "b");         // slot 2564
  EXPECT_EQ(ShardFor(*hash, {7, "de"}), "c");   // slot 1358
  EXPECT_EQ(ShardFor(*hash, {Date{-1}}), "a");  // slot 3715
}

TEST(HashStrategyTest, BadSlotMaps) {
  EXPECT_THAT(HashStrategy::FromSlots({}),
              StatusIs(kInvalid, HasSubstr("begin with slot 0")));
  EXPECT_THAT(HashStrategy::FromSlots({{1, "a"}}), HasCode(kInvalid));
  EXPECT_THAT(HashStrategy::FromSlots({{0, "a"}, {10, "b"}, {10, "c"}}),
              StatusIs(kInvalid, HasSubstr("range 2")));
  EXPECT_THAT(HashStrategy::FromSlots({{0, "a"}, {4096, "b"}}),
              StatusIs(kInvalid, HasSubstr("4096")));
  EXPECT_THAT(HashStrategy::FromSlots({{0, "a"}, {9, ""}}),
              StatusIs(kInvalid, HasSubstr("slots from 9")));
}

TEST(ListStrategyTest, PrunesByWhatIsLeftIn) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto list,
                             ListStrategy::Create({{"EU", "europe"},
                                                   {"TR", "europe"},
                                                   {"AS", "asia"},
                                                   {"AF", "africa"}}));
  EXPECT_THAT(ShardsFor(*list, {Domain::Any()}),
              ElementsAre("europe", "asia", "africa"));
  EXPECT_THAT(ShardsFor(*list, {Domain::Of({"AF", "TR", "??"})}),
              ElementsAre("europe", "africa"));
  EXPECT_THAT(ShardsFor(*list, {Domain().Not({"EU"})}),
              ElementsAre("europe", "asia", "africa"));
  EXPECT_THAT(ShardsFor(*list, {Domain().Not({"EU", "AS", "TR"})}),
              ElementsAre("africa"));
  EXPECT_THAT(ShardsFor(*list, {Domain().From("B").To("F")}),
              ElementsAre("europe"));
  EXPECT_THAT(ShardsFor(*list, {Domain::Of({"EU", "AS"}).Not({"AS"})}),
              ElementsAre("europe"));
  EXPECT_THAT(ShardsFor(*list, {Domain::Of({})}), IsEmpty());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto open,
                             ListStrategy::Create({{"EU", "europe"}}, "rest"));
  EXPECT_THAT(ShardsFor(*open, {Domain().Not({"EU"})}), ElementsAre("rest"));
  EXPECT_THAT(ShardsFor(*open, {Domain().From("F")}), ElementsAre("rest"));
}

TEST(ListStrategyTest, ChecksItsKey) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto list,
                             ListStrategy::Create({{7, "a"}, {"x", "b"}}));
  SHARD_EXPECT_OK(list->CheckKey({ValueType::kInt32}));
  SHARD_EXPECT_OK(list->CheckKey({ValueType::kText}));
  EXPECT_THAT(list->CheckKey({ValueType::kDate}),
              StatusIs(kInvalid, HasSubstr("date")));
  EXPECT_THAT(list->CheckKey({ValueType::kText, ValueType::kText}),
              StatusIs(kInvalid, HasSubstr("one column")));
}

// Ranges.

TEST(RangeStrategyTest, IntegersUpToTheirBounds) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto ranges,
      RangeStrategy::Create({{-10, "low"}, {1000, "middle"}, {2000, "low"}},
                            "high"));
  EXPECT_THAT(ranges->shards(),
              ElementsAre(ShardId::Of("low"), ShardId::Of("middle"),
                          ShardId::Of("high")));
  EXPECT_EQ(ShardFor(*ranges, {std::numeric_limits<std::int64_t>::min()}),
            "low");
  EXPECT_EQ(ShardFor(*ranges, {-11}), "low");
  EXPECT_EQ(ShardFor(*ranges, {-10}), "middle");
  EXPECT_EQ(ShardFor(*ranges, {std::int64_t{999}}), "middle");
  EXPECT_EQ(ShardFor(*ranges, {1000}), "low");
  EXPECT_EQ(ShardFor(*ranges, {1999}), "low");
  EXPECT_EQ(ShardFor(*ranges, {2000}), "high");
  EXPECT_EQ(ShardFor(*ranges, {std::numeric_limits<std::int64_t>::max()}),
            "high");
}

TEST(RangeStrategyTest, EveryTypeThatHasAnOrder) {
  const auto decimal = [](const char* text) {
    return Value(Decimal::Parse(text).value());
  };
  const auto uuid = [](const char* text) {
    return Value(Uuid::Parse(text).value());
  };
  struct Case {
    Value bound;
    std::vector<Value> below, above;
  };
  for (const Case& c : {
           Case{"m", {"", "Zebra", "lzz"}, {"m", "ma", "é"}},
           Case{Value(Bytes{"\x7f"}),
                {Value(Bytes{""}), Value(Bytes{"\x7e\xff"})},
                {Value(Bytes{"\x7f"}), Value(Bytes{"\x80"})}},
           Case{Day("2024-03-01"),
                {Day("2024-02-29"), Day("1969-12-31")},
                {Day("2024-03-01"), Day("9999-12-31")}},
           Case{Time("2024-03-01 00:00:00"),
                {Time("2024-02-29 23:59:59.999999"), Timestamp{-1}},
                {Time("2024-03-01 00:00:00"), Timestamp{INT64_MAX}}},
           Case{decimal("10.5"),
                {decimal("9"), decimal("10.49"), decimal("-100")},
                {decimal("10.50"), decimal("11"), decimal("100")}},
           Case{uuid("80000000000000000000000000000000"),
                {uuid("7fffffffffffffffffffffffffffffff"), Value(Uuid{})},
                {uuid("80000000000000000000000000000000"),
                 uuid("ffffffffffffffffffffffffffffffff")}},
       }) {
    SHARD_ASSERT_OK_AND_ASSIGN(const auto ranges,
                               RangeStrategy::Create({{c.bound, "a"}}, "b"));
    SHARD_EXPECT_OK(ranges->CheckKey({c.bound.type()}));
    for (const Value& key : c.below) {
      EXPECT_EQ(ShardFor(*ranges, {key}), "a") << DebugString(key.view());
    }
    for (const Value& key : c.above) {
      EXPECT_EQ(ShardFor(*ranges, {key}), "b") << DebugString(key.view());
    }
    EXPECT_THAT(ranges->ShardFor({sql::ValueView()}), HasCode(kInvalid));
    EXPECT_THAT(ranges->ShardFor({sql::ValueView::Bool(true)}),
                HasCode(kInvalid));
  }
}

TEST(RangeStrategyTest, Prunes) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto ranges,
      RangeStrategy::Create({{10, "a"}, {20, "b"}, {30, "c"}}, "d"));
  EXPECT_THAT(ShardsFor(*ranges, {Domain::Any()}),
              ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(ShardsFor(*ranges, {Domain::Of({25, 5, 7})}),
              ElementsAre("a", "c"));
  EXPECT_THAT(ShardsFor(*ranges, {Domain().From(20)}), ElementsAre("c", "d"));
  EXPECT_THAT(ShardsFor(*ranges, {Domain().From(19, false)}),
              ElementsAre("c", "d"));
  EXPECT_THAT(ShardsFor(*ranges, {Domain().To(20)}),
              ElementsAre("a", "b", "c"));
  EXPECT_THAT(ShardsFor(*ranges, {Domain().To(20, false)}),
              ElementsAre("a", "b"));
  EXPECT_THAT(ShardsFor(*ranges, {Domain().From(12).To(18)}), ElementsAre("b"));
  EXPECT_THAT(ShardsFor(*ranges, {Domain().From(30).To(9)}), IsEmpty());
  EXPECT_THAT(ShardsFor(*ranges, {Domain::Of({5, 15, 25}).From(10).Not({15})}),
              ElementsAre("c"));
  EXPECT_THAT(ShardsFor(*ranges, {Domain().Not({5})}),
              ElementsAre("a", "b", "c", "d"));
}

TEST(RangeStrategyTest, WithoutALastShardTheRestIsRefused) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto ranges,
                             RangeStrategy::Create({{"m", "a"}}, ""));
  EXPECT_THAT(ranges->shards(), ElementsAre(ShardId::Of("a")));
  EXPECT_EQ(ShardFor(*ranges, {"l"}), "a");
  EXPECT_THAT(ShardFor(*ranges, {"m"}), HasSubstr("above all ranges"));
  EXPECT_THAT(ShardsFor(*ranges, {Domain().From("n")}), IsEmpty());
  EXPECT_THAT(ShardsFor(*ranges, {Domain().From("b")}), ElementsAre("a"));
}

TEST(RangeStrategyTest, Refusals) {
  EXPECT_THAT(RangeStrategy::Create({}, "a"), HasCode(kInvalid));
  EXPECT_THAT(RangeStrategy::Create({{5, "a"}, {5, "b"}}, "c"),
              StatusIs(kInvalid, HasSubstr("range 2")));
  EXPECT_THAT(
      RangeStrategy::Create({{"s3cr3t", "a"}, {"a", "b"}}, "c"),
      StatusIs(kInvalid, AllOf(HasSubstr("rise"), Not(HasSubstr("s3cr3t")))));
  EXPECT_THAT(RangeStrategy::Create({{5, "a"}, {"x", "b"}}, "c"),
              StatusIs(kInvalid, HasSubstr("another type")));
  EXPECT_THAT(RangeStrategy::Create({{1.5, "a"}}, "b"),
              StatusIs(kInvalid, HasSubstr("double")));
  EXPECT_THAT(RangeStrategy::Create({{5, ""}}, "b"),
              StatusIs(kInvalid, HasSubstr("no shard")));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto ranges,
                             RangeStrategy::Create({{5, "a"}}, "b"));
  EXPECT_THAT(ranges->CheckKey({ValueType::kText}),
              StatusIs(kInvalid, HasSubstr("text")));
  EXPECT_THAT(ranges->CheckKey({ValueType::kInt64, ValueType::kInt64}),
              StatusIs(kInvalid, HasSubstr("one column")));
  SHARD_EXPECT_OK(ranges->CheckKey({ValueType::kInt32}));
  EXPECT_THAT(ranges->ShardFor({}), HasCode(kInvalid));
}

// Time periods. The numbers were worked out by Python's datetime.

struct PeriodNumbers {
  const char* day;
  std::int64_t days, weeks, months, quarters, years;
};
constexpr PeriodNumbers kPeriods[] = {
    {"0001-01-01", -719162, -102737, -23628, -7876, -1969},
    {"1600-02-29", -135081, -19297, -4439, -1480, -370},
    {"1899-12-31", -25568, -3653, -841, -281, -71},
    {"1900-02-28", -25509, -3644, -839, -280, -70},
    {"1900-03-01", -25508, -3644, -838, -280, -70},
    {"1967-12-31", -732, -105, -25, -9, -3},
    {"1968-02-29", -672, -96, -23, -8, -2},
    {"1968-03-01", -671, -96, -22, -8, -2},
    {"1969-12-28", -4, -1, -1, -1, -1},
    {"1969-12-29", -3, 0, -1, -1, -1},
    {"1969-12-31", -1, 0, -1, -1, -1},
    {"1970-01-01", 0, 0, 0, 0, 0},
    {"1970-01-04", 3, 0, 0, 0, 0},
    {"1970-01-05", 4, 1, 0, 0, 0},
    {"1999-12-31", 10956, 1565, 359, 119, 29},
    {"2000-02-29", 11016, 1574, 361, 120, 30},
    {"2000-03-01", 11017, 1574, 362, 120, 30},
    {"2023-12-31", 19722, 2817, 647, 215, 53},
    {"2024-01-01", 19723, 2818, 648, 216, 54},
    {"2024-02-29", 19782, 2826, 649, 216, 54},
    {"2024-03-01", 19783, 2826, 650, 216, 54},
    {"2024-12-30", 20087, 2870, 659, 219, 54},
    {"2025-01-01", 20089, 2870, 660, 220, 55},
    {"2100-02-28", 47540, 6791, 1561, 520, 130},
    {"2100-03-01", 47541, 6792, 1562, 520, 130},
    {"9999-12-31", 2932896, 418985, 96359, 32119, 8029},
};

TEST(TimePeriodTest, FrozenNumbers) {
  for (const PeriodNumbers& p : kPeriods) {
    const Date day = Day(p.day);
    ASSERT_EQ(day.days, p.days) << p.day;
    const Timestamp first{p.days * 86'400'000'000};
    const Timestamp last{first.microseconds + 86'399'999'999};
    for (const auto& [period, number] :
         std::vector<std::pair<TimePeriod, std::int64_t>>{
             {TimePeriod::kDay, p.days},
             {TimePeriod::kWeek, p.weeks},
             {TimePeriod::kMonth, p.months},
             {TimePeriod::kQuarter, p.quarters},
             {TimePeriod::kYear, p.years}}) {
      for (const Value& time : {Value(day), Value(first), Value(last)}) {
        EXPECT_EQ(PeriodNumber(period, time.view()), number)
            << p.day << " by " << TimePeriodName(period);
      }
    }
    EXPECT_EQ(PeriodNumber(TimePeriod::kHour, Value(first).view()),
              p.days * 24);
    EXPECT_EQ(PeriodNumber(TimePeriod::kHour, Value(last).view()),
              p.days * 24 + 23);
  }
}

TEST(TimePeriodTest, Names) {
  for (const TimePeriod period :
       {TimePeriod::kHour, TimePeriod::kDay, TimePeriod::kWeek,
        TimePeriod::kMonth, TimePeriod::kQuarter, TimePeriod::kYear}) {
    EXPECT_EQ(TimePeriodNamed(TimePeriodName(period)), period);
  }
  EXPECT_EQ(TimePeriodNamed("decade"), std::nullopt);
}

TEST(TimePeriodStrategyTest, RoundRobin) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto months,
      TimePeriodStrategy::RoundRobin(TimePeriod::kMonth, {"a", "b", "c"}));
  EXPECT_EQ(ShardFor(*months, {Day("1970-01-31")}), "a");
  EXPECT_EQ(ShardFor(*months, {Day("1970-02-01")}), "b");
  EXPECT_EQ(ShardFor(*months, {Day("1969-12-31")}), "c");
  EXPECT_EQ(ShardFor(*months, {Day("1969-10-01")}), "a");
  EXPECT_EQ(ShardFor(*months, {Day("2024-02-29")}), "b");  // month 649
  EXPECT_EQ(ShardFor(*months, {Time("2024-02-29 23:59:59.999999")}), "b");
  EXPECT_EQ(ShardFor(*months, {Time("2024-03-01 00:00:00")}), "c");
  EXPECT_EQ(ShardFor(*months, {Time("1969-12-31 23:59:59.999999")}), "c");
  // By UTC, whatever zone it was written in.
  EXPECT_EQ(ShardFor(*months, {Time("2024-03-01 00:30:00+02:00")}), "b");
}

TEST(TimePeriodStrategyTest, FromGivenPeriodsOn) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto years,
      TimePeriodStrategy::From(
          TimePeriod::kYear,
          {{Day("1968-01-01"), "old"}, {Time("2024-01-01 00:00:00"), "new"}}));
  EXPECT_EQ(ShardFor(*years, {Day("1968-01-01")}), "old");
  EXPECT_EQ(ShardFor(*years, {Day("2023-12-31")}), "old");
  EXPECT_EQ(ShardFor(*years, {Time("2023-12-31 23:59:59.999999")}), "old");
  EXPECT_EQ(ShardFor(*years, {Day("2024-01-01")}), "new");
  EXPECT_EQ(ShardFor(*years, {Day("2999-01-01")}), "new");
  EXPECT_THAT(ShardFor(*years, {Day("1967-12-31")}),
              HasSubstr("before the first year"));
  EXPECT_THAT(ShardsFor(*years, {Domain().To(Day("1967-06-01"))}), IsEmpty());
  EXPECT_THAT(ShardsFor(*years, {Domain().From(Day("2023-12-31"))}),
              ElementsAre("old", "new"));
  EXPECT_THAT(ShardsFor(*years, {Domain().From(Day("2023-12-31"), false)}),
              ElementsAre("new"));
  EXPECT_THAT(ShardsFor(*years, {Domain().To(Day("2024-01-01"), false)}),
              ElementsAre("old"));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto open,
      TimePeriodStrategy::From(TimePeriod::kWeek, {{Day("2024-01-01"), "new"}},
                               "archive"));
  EXPECT_EQ(ShardFor(*open, {Day("2023-12-31")}), "archive");
}

TEST(TimePeriodStrategyTest, FewPeriodsAreFewShards) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto days,
      TimePeriodStrategy::RoundRobin(TimePeriod::kDay, {"a", "b", "c", "d"}));
  EXPECT_THAT(
      ShardsFor(*days,
                {Domain().From(Day("1970-01-02")).To(Day("1970-01-03"))}),
      ElementsAre("b", "c"));
  EXPECT_THAT(
      ShardsFor(
          *days,
          {Domain().From(Day("1969-12-31")).To(Day("1970-01-02"), false)}),
      ElementsAre("a", "d"));
  EXPECT_THAT(ShardsFor(*days, {Domain()
                                    .From(Time("1970-01-01 12:00:00"))
                                    .To(Time("1970-01-02 00:00:00"), false)}),
              ElementsAre("a"));
  EXPECT_THAT(
      ShardsFor(*days,
                {Domain().From(Day("1970-01-02")).To(Day("1970-01-05"))}),
      ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(ShardsFor(*days, {Domain().From(Day("1970-01-02"))}),
              ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(
      ShardsFor(*days,
                {Domain().From(Day("1970-01-02")).To(Day("1970-01-01"))}),
      IsEmpty());
  EXPECT_THAT(
      ShardsFor(*days,
                {Domain().From(Timestamp{INT64_MIN}).To(Timestamp{INT64_MAX})}),
      ElementsAre("a", "b", "c", "d"));
}

TEST(TimePeriodStrategyTest, Refusals) {
  EXPECT_THAT(TimePeriodStrategy::RoundRobin(TimePeriod::kDay, {}),
              StatusIs(kInvalid, HasSubstr("time period strategy")));
  EXPECT_THAT(TimePeriodStrategy::From(TimePeriod::kMonth, {}),
              HasCode(kInvalid));
  EXPECT_THAT(
      TimePeriodStrategy::From(TimePeriod::kMonth, {{Day("2024-01-02"), "a"}}),
      StatusIs(kInvalid, HasSubstr("middle of a month")));
  EXPECT_THAT(
      TimePeriodStrategy::From(TimePeriod::kMonth, {{Day("2024-02-01"), "a"},
                                                    {Day("2024-01-01"), "b"}}),
      StatusIs(kInvalid, HasSubstr("number 2")));
  EXPECT_THAT(
      TimePeriodStrategy::From(TimePeriod::kMonth, {{Day("2024-02-01"), ""}}),
      StatusIs(kInvalid, HasSubstr("without a shard")));
  EXPECT_THAT(TimePeriodStrategy::From(TimePeriod::kMonth, {{"2024", "a"}}),
              StatusIs(kInvalid, HasSubstr("text")));
  EXPECT_THAT(
      TimePeriodStrategy::From(TimePeriod::kHour, {{Day("2024-01-01"), "a"}}),
      StatusIs(kInvalid, HasSubstr("timestamp")));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto hours,
      TimePeriodStrategy::RoundRobin(TimePeriod::kHour, {"a", "b"}));
  SHARD_EXPECT_OK(hours->CheckKey({ValueType::kTimestamp}));
  EXPECT_THAT(hours->CheckKey({ValueType::kDate}), HasCode(kInvalid));
  EXPECT_THAT(hours->ShardFor({sql::ValueView::Int64(5)}), HasCode(kInvalid));
  EXPECT_THAT(hours->ShardFor({}), HasCode(kInvalid));
}

// Composite keys. Slots: 0 is 787, 1 is 2564, 2 is 79, 42 is 984, (7, "de") is
// 1358, ("de", 7) is 1939, "tenant 1" is 2860, "tenant 2" is 2602.

TEST(CompositeStrategyTest, BigTenantsHaveShardsOfTheirOwn) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto tenants,
      CompositeStrategy::Create(
          {{{"acme"}, {"big1", "big2"}}, {{"x", "y"}, {"xy"}}},
          {"s0", "s1", "s2"}));
  EXPECT_THAT(NamesOf({tenants->shards().begin(), tenants->shards().end()}),
              ElementsAre("big1", "big2", "xy", "s0", "s1", "s2"));
  EXPECT_EQ(ShardFor(*tenants, {"acme", 0}), "big1");
  EXPECT_EQ(ShardFor(*tenants, {"acme", 1}), "big2");
  EXPECT_EQ(ShardFor(*tenants, {"x", 1}), "xy");
  EXPECT_EQ(ShardFor(*tenants, {"other", 0}), "s0");
  EXPECT_EQ(ShardFor(*tenants, {"other", 1}), "s1");
  EXPECT_EQ(ShardFor(*tenants, {"another", 1}), "s1");
  EXPECT_EQ(ShardFor(*tenants, {"acme", 7, "de"}), "big1");
  EXPECT_EQ(ShardFor(*tenants, {"other", "de", 7}), "s1");
  // Without more columns a tenant is on one shard.
  EXPECT_EQ(ShardFor(*tenants, {"tenant 1"}), "s2");
  EXPECT_EQ(ShardFor(*tenants, {"tenant 2"}), "s1");
}

TEST(CompositeStrategyTest, PrunesByTheTenantAlone) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto tenants,
      CompositeStrategy::Create({{{"acme"}, {"big1", "big2"}}}, {"s0", "s1"}));
  const Domain any;
  EXPECT_THAT(ShardsFor(*tenants, {Domain::Of({"acme"}), any}),
              ElementsAre("big1", "big2"));
  EXPECT_THAT(ShardsFor(*tenants, {Domain::Of({"acme"}), Domain::Of({1})}),
              ElementsAre("big2"));
  EXPECT_THAT(ShardsFor(*tenants, {Domain::Of({"z"}), any}),
              ElementsAre("s0", "s1"));
  EXPECT_THAT(ShardsFor(*tenants, {Domain::Of({"z", "acme"}), Domain::Of({0})}),
              ElementsAre("big1", "s0"));
  EXPECT_THAT(ShardsFor(*tenants, {any, Domain::Of({0})}),
              ElementsAre("big1", "s0"));
  EXPECT_THAT(ShardsFor(*tenants, {Domain().Not({"acme"}), any}),
              ElementsAre("s0", "s1"));
  EXPECT_THAT(ShardsFor(*tenants, {any, any}),
              ElementsAre("big1", "big2", "s0", "s1"));
  EXPECT_THAT(ShardsFor(*tenants, {Domain::Of({"tenant 1", "tenant 2"})}),
              ElementsAre("s1"));
  EXPECT_THAT(ShardsFor(*tenants, {Domain::Of({"z"}), Domain::Of({})}),
              IsEmpty());
}

TEST(CompositeStrategyTest, OverAnyStrategy) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto by_year,
                             RangeStrategy::Create({{2020, "cold"}}, "hot"));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto both,
      CompositeStrategy::Over(by_year, 1,
                              {{"cold", {"archive"}}, {"hot", {"h0", "h1"}}}));
  EXPECT_EQ(ShardFor(*both, {1999, 1}), "archive");
  EXPECT_EQ(ShardFor(*both, {2024, 0}), "h0");
  EXPECT_EQ(ShardFor(*both, {2024, 1}), "h1");
  EXPECT_THAT(ShardsFor(*both, {Domain().To(2019), Domain::Any()}),
              ElementsAre("archive"));
  EXPECT_THAT(both->CheckKey({ValueType::kText, ValueType::kInt64}),
              HasCode(kInvalid));
  SHARD_EXPECT_OK(both->CheckKey({ValueType::kInt32, ValueType::kUuid}));
  // All in one group.
  SHARD_ASSERT_OK_AND_ASSIGN(const auto plain,
                             CompositeStrategy::Create({}, {"s0", "s1"}));
  EXPECT_EQ(ShardFor(*plain, {"any", 1}), "s1");
}

TEST(CompositeStrategyTest, Refusals) {
  EXPECT_THAT(CompositeStrategy::Create({}, {}), HasCode(kInvalid));
  EXPECT_THAT(CompositeStrategy::Create({{{}, {"a"}}}, {"b"}),
              StatusIs(kInvalid, HasSubstr("no tenants")));
  EXPECT_THAT(CompositeStrategy::Create({{{"x"}, {}}}, {"b"}),
              StatusIs(kInvalid, HasSubstr("'group 1'")));
  EXPECT_THAT(
      CompositeStrategy::Create({{{"x"}, {"a"}}, {{"x"}, {"b"}}}, {"c"}),
      StatusIs(kInvalid, HasSubstr("second time")));
  EXPECT_THAT(CompositeStrategy::Create({}, {"a", "a"}),
              StatusIs(kInvalid, HasSubstr("twice")));
  EXPECT_THAT(CompositeStrategy::Over(nullptr, 1, {}), HasCode(kInvalid));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto list,
                             ListStrategy::Create({{"x", "g"}, {"y", "h"}}));
  EXPECT_THAT(CompositeStrategy::Over(list, 0, {}), HasCode(kInvalid));
  EXPECT_THAT(CompositeStrategy::Over(list, 1, {{"g", {"a"}}}),
              StatusIs(kInvalid, HasSubstr("'h'")));
  EXPECT_THAT(CompositeStrategy::Over(
                  list, 1, {{"g", {"a"}}, {"h", {"b"}}, {"g", {"c"}}}),
              StatusIs(kInvalid, HasSubstr("two groups 'g'")));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto closed,
                             CompositeStrategy::Create({{{"x"}, {"a"}}}, {}));
  EXPECT_THAT(ShardFor(*closed, {"z", 1}), HasSubstr("not in the list"));
  EXPECT_THAT(closed->ShardFor({}), HasCode(kInvalid));
  EXPECT_THAT(closed->CheckKey({}), HasCode(kInvalid));
}

// Regions. Slots: "DE" is 2536, "FR" is 147, "IT" is 3170.

TEST(RegionStrategyTest, LocationsAreInRegions) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto world,
      RegionStrategy::Create({{"europe", {"DE", "FR", "IT"}, {"eu1", "eu2"}},
                              {"asia", {"JP"}, {"as1"}}},
                             "asia"));
  EXPECT_THAT(NamesOf({world->shards().begin(), world->shards().end()}),
              ElementsAre("eu1", "eu2", "as1"));
  EXPECT_EQ(world->RegionOf("FR"), "europe");
  EXPECT_EQ(world->RegionOf("US"), "asia");
  EXPECT_EQ(ShardFor(*world, {"DE", 0}), "eu1");
  EXPECT_EQ(ShardFor(*world, {"DE", 1}), "eu2");
  EXPECT_EQ(ShardFor(*world, {"JP", 1}), "as1");
  EXPECT_EQ(ShardFor(*world, {"US", 1}), "as1");
  EXPECT_EQ(ShardFor(*world, {"DE"}), "eu2");
  EXPECT_EQ(ShardFor(*world, {"FR"}), "eu1");
  EXPECT_EQ(ShardFor(*world, {"IT"}), "eu2");
  EXPECT_THAT(ShardsFor(*world, {Domain::Of({"FR"}), Domain::Any()}),
              ElementsAre("eu1", "eu2"));
  EXPECT_THAT(ShardsFor(*world, {Domain::Of({"US", "JP"}), Domain::Any()}),
              ElementsAre("as1"));
}

TEST(RegionStrategyTest, UnknownLocationsAreRefused) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto world, RegionStrategy::Create({{"europe", {"DE"}, {"eu1"}}}));
  EXPECT_EQ(world->RegionOf("de"), "");
  EXPECT_THAT(ShardFor(*world, {"de", 1}),
              AllOf(HasSubstr("in no region"), HasSubstr("INVALID")));
  EXPECT_THAT(ShardFor(*world, {1}), HasSubstr("text"));
  EXPECT_THAT(ShardFor(*world, {Value(), 1}), HasSubstr("text"));
  EXPECT_THAT(world->CheckKey({ValueType::kInt64}), HasCode(kInvalid));
  SHARD_EXPECT_OK(world->CheckKey({ValueType::kText, ValueType::kUuid}));
}

TEST(RegionStrategyTest, Refusals) {
  EXPECT_THAT(RegionStrategy::Create({}), HasCode(kInvalid));
  EXPECT_THAT(RegionStrategy::Create({{"europe", {}, {"eu1"}}}),
              StatusIs(kInvalid, HasSubstr("no locations")));
  EXPECT_THAT(
      RegionStrategy::Create({{"a", {"DE"}, {"1"}}, {"b", {"DE"}, {"2"}}}),
      StatusIs(kInvalid, AllOf(HasSubstr("'DE'"), HasSubstr("'b'"))));
  EXPECT_THAT(
      RegionStrategy::Create({{"a", {"DE"}, {"1"}}, {"a", {"FR"}, {"2"}}}),
      StatusIs(kInvalid, HasSubstr("two groups 'a'")));
  EXPECT_THAT(RegionStrategy::Create({{"a", {"DE"}, {"1"}}}, "b"),
              StatusIs(kInvalid, HasSubstr("'b'")));
  EXPECT_THAT(RegionStrategy::Create({{"a", {"DE"}, {}}}), HasCode(kInvalid));
  EXPECT_THAT(RegionStrategy::Create({{"", {"DE"}, {"1"}}}), HasCode(kInvalid));
}

// Hints.

TEST(HintStrategyTest, TheShardMustBeNamed) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto hint, HintStrategy::Create({"a", "b"}));
  EXPECT_THAT(
      hint->ShardFor({}),
      StatusIs(kInvalid, AllOf(HasSubstr("OnShard"), HasSubstr("'a', 'b'"))));
  EXPECT_THAT(ShardsFor(*hint, {}), ElementsAre("a", "b"));
  EXPECT_THAT(ShardsFor(*hint, {Domain::Of({1})}), ElementsAre("a", "b"));
  EXPECT_THAT(HintStrategy::Create({}), HasCode(kInvalid));
  EXPECT_THAT(HintStrategy::Create({"a", "a"}),
              StatusIs(kInvalid, HasSubstr("hint strategy")));
}

// Whatever a strategy says of a domain, the shards of all keys in it are among
// them.
class SoundnessTest : public ::testing::Test {
 protected:
  Value Pick(const std::vector<Value>& from) {
    return from[random_() % from.size()];
  }

  Domain RandomDomain(const std::vector<Value>& universe) {
    Domain domain;
    if (random_() % 3 == 0) {
      std::vector<Value> values;
      for (std::size_t n = random_() % 4; n > 0; --n) {
        values.push_back(Pick(universe));
      }
      domain = Domain::Of(std::move(values));
    }
    if (random_() % 2 == 0) {
      domain = std::move(domain).From(Pick(universe), random_() % 2 == 0);
    }
    if (random_() % 2 == 0) {
      domain = std::move(domain).To(Pick(universe), random_() % 2 == 0);
    }
    if (random_() % 3 == 0) {
      domain = std::move(domain).Not({Pick(universe), Pick(universe)});
    }
    return domain;
  }

  static bool Holds(const KeyDomain& domain, const Value& value) {
    if (domain.values.has_value() &&
        std::find(domain.values->begin(), domain.values->end(), value.view()) ==
            domain.values->end()) {
      return false;
    }
    return MayBe(domain, value.view());
  }

  void Check(const ShardingStrategy& strategy,
             const std::vector<std::vector<Value>>& universe) {
    for (int round = 0; round < 500; ++round) {
      std::vector<Domain> owned;
      std::vector<KeyDomain> key;
      for (const auto& column : universe) {
        owned.push_back(RandomDomain(column));
      }
      for (const Domain& domain : owned) key.push_back(domain.View());
      const ShardSet said = strategy.ShardsFor(key);
      CheckKeys(strategy, universe, key, said);
    }
  }

 private:
  void CheckKeys(const ShardingStrategy& strategy,
                 const std::vector<std::vector<Value>>& universe,
                 const std::vector<KeyDomain>& key, const ShardSet& said) {
    const std::size_t second = universe.size() > 1 ? universe[1].size() : 1;
    for (const Value& a : universe[0]) {
      for (std::size_t i = 0; i < second; ++i) {
        std::vector<sql::ValueView> one{a.view()};
        bool holds = Holds(key[0], a);
        if (universe.size() > 1) {
          one.push_back(universe[1][i].view());
          holds = holds && Holds(key[1], universe[1][i]);
        }
        const auto shard = strategy.ShardFor(one);
        if (!holds || !shard.ok()) continue;
        ASSERT_TRUE(Contains(said, *shard))
            << DebugString(a.view()) << " is on " << shard->name();
      }
    }
  }

  std::mt19937 random_{20240229};
};

TEST_F(SoundnessTest, OfEveryStrategy) {
  std::vector<Value> integers, texts, days, times;
  for (int i = -3; i < 12; ++i) {
    integers.emplace_back(i);
    texts.emplace_back(std::string(1, static_cast<char>('c' + i)));
    days.emplace_back(Date{i * 13});
    times.emplace_back(Timestamp{i * std::int64_t{1'800'000'000}});
  }
  Check(**HashStrategy::Create({"a", "b", "c"}), {integers});
  Check(**HashStrategy::Create({"a", "b", "c"}), {integers, texts});
  Check(**ListStrategy::Create({{"a", "1"}, {"b", "2"}, {"h", "1"}}), {texts});
  Check(**ListStrategy::Create({{"a", "1"}, {"b", "2"}}, "3"), {texts});
  Check(**RangeStrategy::Create({{0, "a"}, {4, "b"}, {5, "a"}}, "c"),
        {integers});
  Check(**RangeStrategy::Create({{"b", "1"}, {"f", "2"}}, ""), {texts});
  Check(**RangeStrategy::Create({{Date{13}, "1"}, {Date{40}, "2"}}, "3"),
        {days});
  for (const TimePeriod period :
       {TimePeriod::kDay, TimePeriod::kWeek, TimePeriod::kMonth}) {
    Check(**TimePeriodStrategy::RoundRobin(period, {"a", "b", "c"}), {days});
    Check(**TimePeriodStrategy::RoundRobin(period, {"a", "b"}), {times});
  }
  Check(**TimePeriodStrategy::RoundRobin(TimePeriod::kHour, {"a", "b", "c"}),
        {times});
  Check(**TimePeriodStrategy::From(
            TimePeriod::kMonth,
            {{Day("1970-01-01"), "a"}, {Day("1970-03-01"), "b"}}, "c"),
        {days});
  Check(**CompositeStrategy::Create({{{"a", "b"}, {"1", "2"}}, {{"c"}, {"3"}}},
                                    {"4", "5"}),
        {texts, integers});
  Check(**CompositeStrategy::Create({{{"a", "b"}, {"1", "2"}}}, {"4", "5"}),
        {texts});
  Check(**RegionStrategy::Create(
            {{"x", {"a", "b"}, {"1", "2"}}, {"y", {"c"}, {"3"}}}),
        {texts, days});
}

}  // namespace
}  // namespace shard
