// Where a statement would go, without going there.
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ExplainTest : public DatabaseTest {
 protected:
  // "europe, asia", for instance.
  static std::string Places(const Explanation& explanation) {
    std::string names;
    for (const ShardExplanation& shard : explanation.shards) {
      names += (names.empty() ? "" : ", ") + shard.shard;
    }
    return names;
  }
};

TEST_P(ExplainTest, ShardsReasonAndSqlOfEach) {
  ShardedSession session(WithResolver(CitiesByContinent()));
  log().Clear();
  const auto& c = City::c;
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Explanation one,
      session.Explain(Select<City>().Where(c.continent == "AS")));
  EXPECT_EQ(one.why, "1 of 3 shards by cities.continent = 'AS'");
  EXPECT_EQ(Places(one), "asia");
  EXPECT_EQ(one.shards[0].database, "asia");
  EXPECT_THAT(one.shards[0].sql, StartsWith("SELECT "));
  EXPECT_EQ(one.ToString(),
            one.why + "\n  asia (asia): " + one.shards[0].sql + "\n");

  // Each shard's own values of a list, and what merging needs.
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Explanation two,
      session.Explain(
          Select<City>()
              .Where(In(c.continent, {"AS", "EU"}) && c.population > 5)
              .OrderBy(c.id)
              .Limit(3)
              .Offset(2)));
  EXPECT_EQ(two.why, "2 of 3 shards by cities.continent IN ('AS', 'EU')");
  EXPECT_EQ(Places(two), "europe, asia");
  for (const ShardExplanation& shard : two.shards) {
    EXPECT_THAT(shard.sql, AllOf(HasSubstr("ORDER BY"), HasSubstr("LIMIT"),
                                 Not(HasSubstr("OFFSET"))));
    const std::string in = shard.sql.substr(shard.sql.find(" IN ("));
    EXPECT_THAT(in.substr(0, in.find(')')), Not(HasSubstr(",")));
  }
  SHARD_ASSERT_OK_AND_ASSIGN(const Explanation all,
                             session.Explain(Select<City>()));
  EXPECT_EQ(Places(all), "europe, asia, africa");
  EXPECT_THAT(all.why, HasSubstr("cities.continent"));
  // Nothing was run, and nothing begun.
  EXPECT_EQ(log().Count(""), 0u);
  EXPECT_FALSE(session.in_transaction());
}

TEST_P(ExplainTest, ParametersBindsAndWrites) {
  ShardedSession session(WithResolver(CitiesByContinent()));
  const auto& c = City::c;
  const sql::Statement update =
      Update<City>()
          .Set(c.name = "x")
          .Where(c.continent == Param<std::string>("where"));
  SHARD_ASSERT_OK_AND_ASSIGN(const Explanation africa,
                             session.Explain(update, {{"where", "AF"}}));
  EXPECT_EQ(Places(africa), "africa");
  EXPECT_THAT(africa.shards[0].sql, StartsWith("UPDATE "));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Explanation named,
      session.Explain(Select<City>(), {}, OnShards({"africa", "asia"})));
  EXPECT_EQ(named.why, "named by the caller");
  EXPECT_EQ(Places(named), "africa, asia");
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Explanation engine,
      session.Explain(sql::TextSql("select 1"), {}, OnEngine(shard("asia"))));
  EXPECT_EQ(Places(engine), "asia");
  // Row by row.
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Explanation rows,
      session.Explain(Insert<City>()
                          .Values(c.continent = "EU", c.name = "Paris")
                          .Values(c.continent = "AF", c.name = "Kano")
                          .Values(c.continent = "EU", c.name = "Rome")));
  EXPECT_EQ(Places(rows), "europe, africa");
  EXPECT_THAT(rows.why, HasSubstr("shard key 'cities.continent'"));
  EXPECT_THAT(rows.shards[0].sql, StartsWith("INSERT "));
}

TEST_P(ExplainTest, RefusesWhatWouldBeRefused) {
  ShardedSession session(WithResolver(CitiesByContinent()));
  EXPECT_THAT(session.Explain(Select<City>(), {}, OnShard("mars")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'mars'")));
  EXPECT_THAT(session.Explain(Select(Count()).From<City>()),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("count")));
  EXPECT_THAT(session.Explain(sql::TextSql("select 1"), {}, BindTo<City>()),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("raw SQL")));
}

TEST_P(ExplainTest, OtherResolvers) {
  const auto people = NewEngine("people", {&Account::table()});
  auto vertical = std::make_shared<VerticalResolver>();
  vertical->BindClass(City::class_info(), CitiesByContinent())
      .BindDefault(people);
  ShardedSession session(WithResolver(vertical));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Explanation cities,
      session.Explain(Select<City>().Where(City::c.continent == "EU")));
  EXPECT_THAT(
      cities.why,
      AllOf(StartsWith("by the bind of class "),
            EndsWith("City: 1 of 3 shards by cities.continent = 'EU'")));
  SHARD_ASSERT_OK_AND_ASSIGN(const Explanation accounts,
                             session.Explain(Select<Account>()));
  EXPECT_EQ(accounts.why, "by the default bind: one database");
  ASSERT_EQ(accounts.shards.size(), 1u);
  EXPECT_EQ(accounts.shards[0].shard, "");
  EXPECT_THAT(accounts.ToString(), HasSubstr("\n  people: SELECT "));
  ShardedSession by_function(WithResolver(std::make_shared<FunctionResolver>(
      [&](const BindRequest&) -> absl::StatusOr<Bind> {
        return Bind{people.get(), ShardId()};
      })));
  SHARD_ASSERT_OK_AND_ASSIGN(const Explanation function,
                             by_function.Explain(Select<Account>()));
  EXPECT_EQ(function.why, "by the bind resolver");
}

SHARD_ON_DATABASES(ExplainTest, "sqlite", "postgresql");

}  // namespace
}  // namespace shard::testing
