// Strategies made by name: the library's own, and one from outside.
#include "shard/router/strategy_registry.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/engine.h"
#include "shard/router/strategy_config.h"
#include "shard/sql/types.h"
#include "shard/sql/value.h"
#include "shard/tests/dialects/fake_engine.h"

namespace shard {
namespace {

using shard::testing::HasCode;
using shard::testing::StatusIs;
using sql::Value;
using sql::ValueType;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// Configurations as a reader of files would make them; each value stands in the
// line of its number.
int line = 0;
ConfigValue V(int value) { return {std::int64_t{value}, ++line}; }
ConfigValue V(const char* value) { return {std::string(value), ++line}; }
ConfigValue V(bool value) { return {value, ++line}; }
ConfigValue List(ConfigValue::List items) { return {std::move(items), ++line}; }
ConfigValue Map(ConfigValue::Map members) {
  return {std::move(members), ++line};
}
ConfigValue Texts(const std::vector<const char*>& texts) {
  ConfigValue::List items;
  for (const char* text : texts) items.push_back(V(text));
  return List(std::move(items));
}

std::string ShardFor(const ShardingStrategy& strategy,
                     const std::vector<Value>& key) {
  std::vector<sql::ValueView> views;
  for (const Value& part : key) views.push_back(part.view());
  const auto shard = strategy.ShardFor(views);
  return shard.ok() ? shard->name() : shard.status().ToString();
}

absl::StatusOr<std::shared_ptr<const ShardingStrategy>> Make(
    const ConfigValue& value, const StrategyContext& context = {}) {
  return MakeStrategy(StrategyConfig(value, "routers.cities"), context);
}

class StrategyRegistryTest : public ::testing::Test {
 protected:
  StrategyRegistryTest() { line = 0; }
};

TEST_F(StrategyRegistryTest, KnowsTheLibrarysOwn) {
  EXPECT_THAT(StrategyNames(),
              IsSupersetOf({"composite", "directory", "hash", "hint", "list",
                            "range", "region", "time_period"}));
}

TEST_F(StrategyRegistryTest, Hash) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto hash, Make(Map({{"strategy", V("hash")},
                           {"shards", Texts({"north", "south", "west"})}})));
  EXPECT_EQ(ShardFor(*hash, {1}), "south");
  SHARD_ASSERT_OK_AND_ASSIGN(
      hash,
      Make(Map(
          {{"strategy", V("hash")},
           {"slots", List({Map({{"first", V(0)}, {"shard", V("a")}}),
                           Map({{"first", V(1000)}, {"shard", V("b")}})})}})));
  EXPECT_EQ(ShardFor(*hash, {0}), "a");
  EXPECT_EQ(ShardFor(*hash, {1}), "b");
}

TEST_F(StrategyRegistryTest, ListAndRange) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto list,
      Make(Map({{"strategy", V("list")},
                {"places", Map({{"europe", Texts({"EU", "TR"})},
                                {"asia", Texts({"AS"})}})},
                {"otherwise", V("rest")}})));
  EXPECT_THAT(list->shards(),
              ElementsAre(ShardId::Of("europe"), ShardId::Of("asia"),
                          ShardId::Of("rest")));
  EXPECT_EQ(ShardFor(*list, {"TR"}), "europe");
  EXPECT_EQ(ShardFor(*list, {"XX"}), "rest");
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto ranges,
      Make(Map(
          {{"strategy", V("range")},
           {"key_type", V("decimal")},
           {"ranges", List({Map({{"below", V("10.5")}, {"shard", V("low")}}),
                            Map({{"shard", V("high")}})})}})));
  EXPECT_EQ(ShardFor(*ranges, {Decimal::Parse("9").value()}), "low");
  EXPECT_EQ(ShardFor(*ranges, {Decimal::Parse("10.50").value()}), "high");
}

TEST_F(StrategyRegistryTest, TimePeriods) {
  SHARD_ASSERT_OK_AND_ASSIGN(auto periods,
                             Make(Map({{"strategy", V("time_period")},
                                       {"period", V("month")},
                                       {"shards", Texts({"a", "b"})}})));
  EXPECT_EQ(ShardFor(*periods, {Date::Parse("1970-02-28").value()}), "b");
  SHARD_ASSERT_OK_AND_ASSIGN(
      periods, Make(Map({{"strategy", V("time_period")},
                         {"period", V("year")},
                         {"from", List({Map({{"first", V("2024-01-01")},
                                             {"shard", V("new")}})})},
                         {"before", V("old")}})));
  EXPECT_EQ(ShardFor(*periods, {Date::Parse("2023-12-31").value()}), "old");
  EXPECT_EQ(ShardFor(*periods, {Date::Parse("2024-12-31").value()}), "new");
}

TEST_F(StrategyRegistryTest, CompositeRegionAndHint) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto tenants,
      Make(Map({{"strategy", V("composite")},
                {"groups", List({Map({{"tenants", Texts({"acme"})},
                                      {"shards", Texts({"b1", "b2"})}})})},
                {"others", Texts({"s0", "s1"})}})));
  EXPECT_EQ(ShardFor(*tenants, {"acme", 1}), "b2");
  EXPECT_EQ(ShardFor(*tenants, {"other", 0}), "s0");
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto over,
      Make(Map({{"strategy", V("composite")},
                {"by", Map({{"strategy", V("list")},
                            {"places", Map({{"g", Texts({"x"})}})}})},
                {"groups", Map({{"g", Texts({"a"})}})}})));
  EXPECT_EQ(ShardFor(*over, {"x", 1}), "a");
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto world,
      Make(Map({{"strategy", V("region")},
                {"regions", List({Map({{"name", V("europe")},
                                       {"locations", Texts({"DE"})},
                                       {"shards", Texts({"eu"})}}),
                                  Map({{"name", V("world")},
                                       {"shards", Texts({"ww"})}})})},
                {"otherwise", V("world")}})));
  EXPECT_EQ(ShardFor(*world, {"DE", 1}), "eu");
  EXPECT_EQ(ShardFor(*world, {"JP", 1}), "ww");
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto hint,
      Make(Map({{"strategy", V("hint")}, {"shards", Texts({"a"})}})));
  EXPECT_THAT(hint->shards(), ElementsAre(ShardId::Of("a")));
}

TEST_F(StrategyRegistryTest, DirectoriesFindTheirEngineByName) {
  const auto engine = testing::MakeFakeEngine("meta");
  const StrategyContext context{
      [&](std::string_view name) -> std::shared_ptr<Engine> {
        return name == "meta" ? engine : nullptr;
      }};
  const auto config = [](const char* database) {
    return Map({{"strategy", V("directory")},
                {"database", V(database)},
                {"shards", Texts({"a", "b"})},
                {"assign",
                 Map({{"strategy", V("hash")}, {"shards", Texts({"a", "b"})}})},
                {"cache_entries", V(100)},
                {"max_age", V("1m")}});
  };
  SHARD_ASSERT_OK_AND_ASSIGN(const auto directory,
                             Make(config("meta"), context));
  EXPECT_THAT(directory->shards(),
              ElementsAre(ShardId::Of("a"), ShardId::Of("b")));
  EXPECT_THAT(Make(config("mta"), context),
              StatusIs(kInvalid, AllOf(HasSubstr("routers.cities.database"),
                                       HasSubstr("'mta'"))));
  EXPECT_THAT(Make(config("meta")), StatusIs(kInvalid, HasSubstr("'meta'")));
}

TEST_F(StrategyRegistryTest, ErrorsSayWhere) {
  // Lines are counted as the values are made: the innermost first.
  EXPECT_THAT(
      Make(Map({{"strategy", V("hsh")}, {"shards", Texts({"a"})}})),
      StatusIs(kInvalid,
               AllOf(HasSubstr("line "), HasSubstr("routers.cities.strategy"),
                     HasSubstr("'hsh'"), HasSubstr("'hash'"))));
  line = 0;
  EXPECT_THAT(Make(Map({{"strategy", V("hash")}, {"shrads", Texts({"a"})}})),
              StatusIs(kInvalid, AllOf(HasSubstr("routers.cities.shrads"),
                                       HasSubstr("'shards'"))));
  EXPECT_THAT(Make(Map({{"strategy", V("hash")}})),
              StatusIs(kInvalid, HasSubstr("'shards' or 'slots'")));
  EXPECT_THAT(
      Make({ConfigValue::Map{
                {"strategy", {std::string("hash"), 6}},
                {"shards",
                 {ConfigValue::List{{std::string("a"), 7}, {true, 8}}, 7}}},
            5}),
      StatusIs(kInvalid, AllOf(HasSubstr("line 8: "),
                               HasSubstr("routers.cities.shards[1]"),
                               HasSubstr("must be a text, not true"))));
  EXPECT_THAT(Make({ConfigValue::Map{{"strategy", {std::string("hash"), 6}},
                                     {"shards",
                                      {ConfigValue::List{{std::string("a"), 7},
                                                         {std::string("a"), 8}},
                                       7}}},
                    5}),
              StatusIs(kInvalid, AllOf(HasSubstr("line 5: routers.cities: "),
                                       HasSubstr("names a shard twice"))));
  EXPECT_THAT(Make(Map({})), StatusIs(kInvalid, HasSubstr("'strategy'")));
  EXPECT_THAT(Make(V(5)), StatusIs(kInvalid, HasSubstr("a map")));
  EXPECT_THAT(MakeStrategy("nobody", StrategyConfig(ConfigValue(), "")),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(StrategyRegistryTest, KeysOfEveryType) {
  const auto key = [](const ConfigValue& value,
                      std::optional<ValueType> type = std::nullopt) {
    return StrategyConfig(value, "key").AsKey(type);
  };
  EXPECT_EQ(key(V(5)).value(), Value(5));
  EXPECT_EQ(key(V("5")).value(), Value("5"));
  EXPECT_EQ(key(V("00ff"), ValueType::kBytes).value(),
            Value(Bytes{std::string("\0\xff", 2)}));
  EXPECT_EQ(key(V("2024-02-29"), ValueType::kDate).value(),
            Value(Date::FromCivil(2024, 2, 29).value()));
  EXPECT_EQ(key(V("1970-01-01 00:00:01"), ValueType::kTimestamp).value(),
            Value(Timestamp{1'000'000}));
  EXPECT_EQ(key(V("1.50"), ValueType::kDecimal).value(),
            Value(Decimal::Parse("1.5").value()));
  EXPECT_EQ(
      key(V("00000000-0000-0000-0000-000000000000"), ValueType::kUuid).value(),
      Value(Uuid{}));
  EXPECT_THAT(key(V("2023-02-29"), ValueType::kDate),
              StatusIs(kInvalid, HasSubstr("key: is no key of type date")));
  EXPECT_THAT(key(V("0f0"), ValueType::kBytes), HasCode(kInvalid));
  EXPECT_THAT(key(V("5"), ValueType::kInt64), HasCode(kInvalid));
  EXPECT_THAT(key(V(5), ValueType::kText), HasCode(kInvalid));
  EXPECT_THAT(key(V(true)), HasCode(kInvalid));
}

// A strategy as a user writes one.
class Parity : public ShardingStrategy {
 public:
  Parity(std::string even, std::string odd)
      : shards_{ShardId::Of(even), ShardId::Of(odd)} {}
  absl::StatusOr<ShardId> ShardFor(
      absl::Span<const sql::ValueView> key) const override {
    return shards_[key[0].integer() % 2 == 0 ? 0 : 1];
  }
  const std::vector<ShardId>& shards() const override { return shards_; }

 private:
  std::vector<ShardId> shards_;
};

absl::StatusOr<std::shared_ptr<const ShardingStrategy>> MakeParity(
    const StrategyConfig& config, const StrategyContext&) {
  const auto even = config.Text("even"), odd = config.Text("odd");
  if (!even.ok()) return even.status();
  if (!odd.ok()) return odd.status();
  return std::make_shared<Parity>(*even, *odd);
}

const bool registered = RegisterStrategy("parity", &MakeParity);

TEST_F(StrategyRegistryTest, OneFromOutside) {
  EXPECT_TRUE(registered);
  EXPECT_FALSE(RegisterStrategy("parity", &MakeParity));
  EXPECT_FALSE(RegisterStrategy("hash", &MakeParity));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto parity,
      Make(
          Map({{"strategy", V("parity")}, {"even", V("a")}, {"odd", V("b")}})));
  EXPECT_EQ(ShardFor(*parity, {4}), "a");
  EXPECT_EQ(ShardFor(*parity, {5}), "b");
  EXPECT_THAT(Make(Map({{"strategy", V("parity")}, {"even", V("a")}})),
              StatusIs(kInvalid, HasSubstr("'odd'")));
}

}  // namespace
}  // namespace shard
