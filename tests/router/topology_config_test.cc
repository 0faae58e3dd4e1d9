// Topology files, and what is said of bad ones.
#include "shard/router/topology_config.h"

#include <cstddef>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/routing.h"
#include "shard/router/slot_map.h"
#include "shard/tests/dialects/fake_engine.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

std::optional<std::string> Variable(const std::string& name) {
  if (name == "PASSWORD") return "p@ss/w:rd";
  if (name == "WHOLE") return "postgresql://app:x%40y@host/shop";
  if (name == "FOLDER") return "/var/lib";
  return std::nullopt;
}

absl::StatusOr<TopologyConfig> Parse(std::string_view json) {
  return ParseTopologyConfig(json, Variable);
}

absl::Status WhyBad(std::string_view json) { return Parse(json).status(); }

TEST(TopologyConfigTest, ReadsAll) {
  SHARD_ASSERT_OK_AND_ASSIGN(const TopologyConfig config, Parse(R"({
    "cluster": "shop",
    "epoch": 3,
    "databases": {
      "eu": "postgresql://eu.example.com/shop",
      "us": {
        "url": "postgresql://app:${PASSWORD}@us.example.com/shop",
        "pool_size": 20, "pool_timeout": "10s", "busy_timeout": "500ms",
        "health_check_after": "1m",
        "replicas": {
          "us-1": "postgresql://us-1.example.com/shop",
          "us-2": {"url": "${WHOLE}", "pool_size": 5}
        }
      }
    },
    "routers": {
      "orders": {"type": "horizontal", "shards": ["eu", "us"]}
    },
    "binds": {"Order": "orders", "User": "us"},
    "default": "eu"
  })"));
  EXPECT_EQ(config.cluster, "shop");
  EXPECT_EQ(config.epoch, 3);
  ASSERT_EQ(config.databases.size(), 2u);
  EXPECT_EQ(config.databases[0].name, "eu");
  EXPECT_EQ(config.databases[0].url, "postgresql://eu.example.com/shop");
  const DatabaseConfig& us = config.databases[1];
  EXPECT_EQ(us.url, "postgresql://app:p%40ss%2Fw%3Ard@us.example.com/shop");
  EXPECT_EQ(us.options.name, "us");
  EXPECT_EQ(us.options.pool_size, 20u);
  EXPECT_EQ(us.options.pool_timeout, absl::Seconds(10));
  EXPECT_EQ(us.options.busy_timeout, absl::Milliseconds(500));
  EXPECT_EQ(us.options.health_check_after, absl::Minutes(1));
  ASSERT_EQ(us.replicas.size(), 2u);
  EXPECT_EQ(us.replicas[1].name, "us-2");
  EXPECT_EQ(us.replicas[1].url, "postgresql://app:x%40y@host/shop");
  EXPECT_EQ(us.replicas[1].options.pool_size, 5u);
  ASSERT_EQ(config.routers.size(), 1u);
  EXPECT_EQ(config.routers[0].type, "horizontal");
  ASSERT_EQ(config.binds.size(), 2u);
  EXPECT_EQ(config.binds[1].class_name, "User");
  EXPECT_EQ(config.binds[1].place, "us");
  ASSERT_TRUE(config.otherwise.has_value());
  EXPECT_EQ(config.otherwise->place, "eu");
}

TEST(TopologyConfigTest, OnlyDatabasesAreNeeded) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const TopologyConfig config,
      Parse(R"({"databases": {"a": "sqlite:///${FOLDER}/$${x}.db"}})"));
  EXPECT_EQ(config.cluster, "main");
  EXPECT_EQ(config.epoch, std::nullopt);
  EXPECT_EQ(config.databases[0].url, "sqlite:///%2Fvar%2Flib/${x}.db");
}

TEST(TopologyConfigTest, TheExampleOfTheDocs) {
  std::ifstream file("docs/topology_file.md");
  ASSERT_TRUE(file.good());
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const std::string begin = "```json\n";
  const std::size_t from = page.find(begin) + begin.size();
  const std::string json = page.substr(from, page.find("```", from) - from);
  SHARD_ASSERT_OK_AND_ASSIGN(
      const TopologyConfig config,
      ParseTopologyConfig(json, [](const std::string&) { return "secret"; }));
  EXPECT_EQ(config.databases.size(), 3u);
  RoutingOptions options;
  options.without_classes = true;
  options.engine = [](const std::string& name) { return MakeFakeEngine(name); };
  SHARD_ASSERT_OK_AND_ASSIGN(const Routing routing,
                             MakeRouting(config, options));
  EXPECT_NE(routing.tables->Find("orders"), nullptr);
}

struct Bad {
  const char* json;
  const char* message;
};

TEST(TopologyConfigTest, ErrorsNameLineAndField) {
  const std::vector<Bad> files = {
      {"", "line 1: this is no JSON: unexpected end of input"},
      {"{\n\"databases\": {\n\"eu\": \"secret99\" \"us\": 1}}",
       "databases, line 3: this is no JSON: unexpected string literal; "
       "expected '}'"},
      {"{\n\n\"cluster: secret99", "line 3: this is no JSON"},
      {"[\"secret99\"]", "line 1: must be an object, and is a list"},
      {"{\n\"epoch\": 0,\n\"databases\": {}}",
       "epoch, line 2: must be 1 or more"},
      {"{\"epoch\": 1.5}",
       "epoch, line 1: must be an integer, and is a number"},
      {"{\"epoch\": 18446744073709551615}", "must be an integer"},
      {"{\n\"cluster\":\n 7\n}", "cluster, line 3: must be text"},
      {"{\"cluster\": \"a b\"}", "cluster, line 1: the name of a cluster has"},
      {"{\n\"cluster\": \"a\",\n\"cluster\": \"b\"}",
       "cluster, line 3: it stands there twice, for the first time in line 2"},
      {"{}", "line 1: there are no databases"},
      {"{\"databases\": {}}", "databases, line 1: there are no databases"},
      {"{\"databases\": [\"secret99\"]}",
       "databases, line 1: must be an object"},
      {"{\n\"dtabases\": {\"eu\": \"x\"}}",
       "line 2: a member is not known; did you mean 'databases'?"},
      {"{\"secret99\": {}}",
       "line 1: member number 1 is not known; there are cluster, epoch"},
      {"{\"databases\": {\n\"eu\": 7}}",
       "databases.eu, line 2: must be an obj"},
      {"{\"databases\": {\"eu\": {\n\"secret99\": 1}}}",
       "databases.eu, line 2: member number 1 is not known; there are url"},
      {"{\"databases\": {\"eu\": {\"url\": \"sqlite:///a\",\n\"pool_sise\": "
       "1}}}",
       "databases.eu, line 2: a member is not known; did you mean "
       "'pool_size'?"},
      {"{\"databases\": {\"eu\": {\"pool_size\": 1}}}",
       "databases.eu, line 1: 'url' is missing"},
      {"{\"databases\": {\"eu\": {\"url\": \"sqlite:///a\", \"pool_size\": "
       "0}}}",
       "databases.eu.pool_size, line 1: must be from 1 to 10000"},
      {"{\"databases\": {\"eu\": {\"url\": \"sqlite:///a\",\n"
       "\"pool_timeout\": \"10\"}}}",
       "databases.eu.pool_timeout, line 2: must be a duration such as"},
      {"{\"databases\": {\"x://secret99@h/x\": \"eu\"}}",
       "databases.#1, line 1: the name of a database (number 1) has"},
      {"{\"databases\": {\"eu\": \"x\"}}", "databases.eu, line 1:"},
      {"{\"databases\": {\"eu\": \"postgresql://me:secret99@h:x/y\"}}",
       "databases.eu, line 1:"},
      {"{\"databases\": {\"eu\": {\"url\":\n\"postgresql://${NOT}@h/y\"}}}",
       "databases.eu.url, line 2: the environment variable NOT is not set"},
      {"{\"databases\": {\"eu\": \"postgresql://${secret99!}@h/y\"}}",
       "databases.eu, line 1: a variable reads ${NAME}"},
      {"{\"databases\": {\"eu\": {\"url\": \"sqlite:///a\", \"replicas\": "
       "{\n\"eu\": \"sqlite:///b\"}}}}",
       "databases.eu.replicas.eu, line 2: the name stands in line 1 already"},
      {"{\"databases\": {\"eu\": \"sqlite:///a\"},\n\"routers\": {\"eu\": "
       "{\"type\": \"x\"}}}",
       "routers.eu, line 2: the name stands in line 1 already"},
      {"{\"databases\": {\"eu\": \"sqlite:///a\"},\n\"routers\": {\"r\": {}}}",
       "routers.r, line 2: 'type' is missing"},
      {"{\"databases\": {\"east\": \"sqlite:///a\"},\n\"binds\": {\"Order\": "
       "\"esat\"}}",
       "binds.Order, line 2: there is no database or router 'esat'; did you "
       "mean 'east'?"},
      {"{\"databases\": {\"east\": \"sqlite:///a\", \"west\": "
       "\"sqlite:///b\"},\n\"default\": \"other\"}",
       "default, line 2: there is no database or router 'other'; there are "
       "east and west"},
  };
  for (const Bad& file : files) {
    EXPECT_THAT(WhyBad(file.json), StatusIs(absl::StatusCode::kInvalidArgument,
                                            AllOf(HasSubstr(file.message),
                                                  Not(HasSubstr("secret99")))))
        << file.json;
  }
}

TEST(TopologyConfigTest, NestedTooDeeply) {
  EXPECT_THAT(WhyBad(std::string(40, '[')),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(WhyBad(std::string(40, '[')).ToString(),
              HasSubstr("nested too deeply"));
}

TEST(TopologyConfigTest, AFileThatCannotBeReadIsNamed) {
  EXPECT_THAT(ReadTopologyFile("/nowhere/topology.json").status(),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("'/nowhere/topology.json'")));
}

TEST(ConfigNodeTest, NumbersAtTheEndOfALineBelongToIt) {
  SHARD_ASSERT_OK_AND_ASSIGN(const ConfigNode value,
                             ConfigNode::Parse("{\n\"a\": 1\n,\"b\":\n2\n}"));
  EXPECT_EQ(value.Find("a")->line(), 2);
  EXPECT_EQ(value.Find("b")->line(), 4);
  EXPECT_EQ(value.line(), 1);
}

TEST(ConfigNodeTest, SaysTheSameWhateverTheOrder) {
  const auto parse = [](const char* json) {
    return ConfigNode::Parse(json).value();
  };
  const ConfigNode one = parse("{\"a\": [1, 2], \"b\": {\"c\": \"x\"}}");
  EXPECT_TRUE(
      one.SaysTheSame(parse("{\n\"b\": {\"c\": \"x\"},\n \"a\": [1, 2]}")));
  EXPECT_FALSE(
      one.SaysTheSame(parse("{\"a\": [2, 1], \"b\": {\"c\": \"x\"}}")));
  EXPECT_FALSE(one.SaysTheSame(parse("{\"a\": [1, 2]}")));
}

TEST(SlotMapTest, EverySlotOnce) {
  const auto read = [](const std::string& json) {
    return ReadSlotMap(ConfigNode::Parse(json).value(), {"eu", "us"});
  };
  SHARD_ASSERT_OK_AND_ASSIGN(
      const SlotRanges map,
      read(R"({"2048-4095": "us", "0": "eu", "1-2047": "eu"})"));
  EXPECT_THAT(map, ElementsAre(Pair(0, "eu"), Pair(1, "eu"), Pair(2048, "us")));
  const std::vector<Bad> maps = {
      {"{\"1-4095\": \"eu\"}", "slot 0 has no shard"},
      {"{\"0-2047\": \"eu\", \"2049-4095\": \"us\"}", "slot 2048 has no shard"},
      {"{\"0-4094\": \"eu\"}", "slot 4095 has no shard"},
      {"{\"0-2048\": \"eu\",\n\"2048-4095\": \"us\"}",
       "2048-4095, line 2: slot 2048 has a shard already"},
      {"{\"0-4096\": \"eu\"}", "0-4096, line 1: a range of slots reads"},
      {"{\"7-3\": \"eu\"}", "a range of slots reads"},
      {"{\"all\": \"eu\"}", "a range of slots reads"},
      {"{\"0-4095\": \"uz\"}", "there is no shard 'uz'; did you mean 'us'?"},
      {"{\"0-4095\": 7}", "must be text"},
      {"[]", "must be an object"},
  };
  for (const Bad& bad : maps) {
    EXPECT_THAT(
        read(bad.json).status(),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(bad.message)))
        << bad.json;
  }
}

}  // namespace
}  // namespace shard::testing
