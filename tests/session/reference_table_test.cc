// Tables whose rows stand on all shards.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/list_strategy.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/sharded_session.h"
#include "shard/sql/functions.h"
#include "shard/tests/session/databases.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kUnimplemented = absl::StatusCode::kUnimplemented;
constexpr auto kDataLoss = absl::StatusCode::kDataLoss;

// What the database makes of it no two of them make alike.
template <class F>
struct CountryFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::optional<std::string>, "name"> name;
  Field<F, std::optional<double>, "lot", ServerDefault<"(random())">> lot;
};
struct Country : Entity<Country, CountryFields, "countries"> {};

template <class F>
struct RateFields {
  Field<F, std::string, "code", PrimaryKey> code;
  Field<F, std::int64_t, "cents"> cents;
  Field<F, std::int32_t, "version", Version> version;
};
struct Rate : Entity<Rate, RateFields, "rates"> {};

template <class F>
struct TownFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region"> region;  // the shard key
  Field<F, std::int64_t, "country"> country;
};
struct Town : Entity<Town, TownFields, "towns"> {};

std::shared_ptr<Country> MakeCountry(std::string name) {
  auto country = std::make_shared<Country>();
  country->name = std::move(name);
  return country;
}
std::shared_ptr<Rate> MakeRate(std::string code, std::int64_t cents) {
  auto rate = std::make_shared<Rate>();
  rate->code = std::move(code);
  rate->cents = cents;
  return rate;
}
std::shared_ptr<Town> MakeTown(std::int64_t id, std::string region,
                               std::int64_t country) {
  auto town = std::make_shared<Town>();
  town->id = id;
  town->region = std::move(region);
  town->country = country;
  return town;
}

constexpr auto& kCountry = Country::c;
constexpr auto& kRate = Rate::c;
constexpr auto& kTown = Town::c;

// Three shards, "s0" the first by name and "s2" the nearest. Towns of regions
// "a", "b" and "c" are on them in this order.
class ReferenceTableTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (IsSkipped()) return;
    HorizontalOptions options;
    shards_ = NewShards(3, {&Country::table(), &Rate::table(), &Town::table()});
    options.shards = {shards_[2], shards_[1], shards_[0]};
    options.rules = {
        ReferenceTable(Country::table()), ReferenceTable(Rate::table()),
        ShardBy(kTown.region, *ListStrategy::Create(
                                  {{"a", "s0"}, {"b", "s1"}, {"c", "s2"}}))};
    resolver_ = *HorizontalResolver::Create(std::move(options));
  }
  ShardedSession Session() { return ShardedSession(WithResolver(resolver_)); }

  // The answer to `sql`, the same on all shards.
  std::string Everywhere(const std::string& sql) {
    const std::string first = ReadText(shard("s0"), sql);
    EXPECT_EQ(ReadText(shard("s1"), sql), first);
    EXPECT_EQ(ReadText(shard("s2"), sql), first);
    return first;
  }
  std::int64_t NumberEverywhere(const std::string& sql) {
    const std::int64_t first = ReadNumber(shard("s0"), sql);
    EXPECT_EQ(ReadNumber(shard("s1"), sql), first);
    EXPECT_EQ(ReadNumber(shard("s2"), sql), first);
    return first;
  }
  double LotOn(const std::string& name) {
    ShardedSession session = Session();
    return session.Scalar(Select(kCountry.lot), {}, OnShard(name))
        .value()
        .value();
  }

  std::vector<std::pair<std::string, std::shared_ptr<Engine>>> shards_;
  std::shared_ptr<HorizontalResolver> resolver_;
};

TEST_P(ReferenceTableTest, WhatTheDatabaseMakesIsTheSameOnAllShards) {
  ShardedSession session = Session();
  const auto country = MakeCountry("Peru");
  SHARD_ASSERT_OK(session.Add(country));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_TRUE(country->shard().is_none());
  const std::int64_t id = country->id.value();
  const double lot = country->lot.value().value();
  EXPECT_EQ(log().Count("INSERT"), 3u);
  EXPECT_EQ(log().Count("SELECT"), 0u);
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
  EXPECT_EQ(done.shares.size(), 3u);
  EXPECT_EQ(NumberEverywhere("select id from countries"), id);
  EXPECT_EQ(Everywhere("select name from countries"), "Peru");
  for (const char* name : {"s0", "s1", "s2"}) EXPECT_EQ(LotOn(name), lot);
}

TEST_P(ReferenceTableTest, WhatSqlComesToIsTheSameOnAllShards) {
  ShardedSession session = Session();
  const auto country = MakeCountry("Peru");
  country->lot = ScalarFunc<double>("random");
  SHARD_ASSERT_OK(session.Add(country));
  SHARD_ASSERT_OK(session.Commit());
  const double first = LotOn("s0");
  EXPECT_EQ(LotOn("s1"), first);
  EXPECT_EQ(LotOn("s2"), first);

  country->lot = ScalarFunc<double>("random");
  country->name = "Chile";
  SHARD_ASSERT_OK(session.Commit());
  const double second = LotOn("s0");
  EXPECT_NE(second, first);
  EXPECT_EQ(LotOn("s1"), second);
  EXPECT_EQ(LotOn("s2"), second);
  EXPECT_EQ(Everywhere("select name from countries"), "Chile");
}

TEST_P(ReferenceTableTest, UpdatesNewKeysAndDeletes) {
  ShardedSession session = Session();
  std::vector<std::shared_ptr<Rate>> rates;
  for (const char* code : {"DM", "FF", "LIT"}) {
    rates.push_back(MakeRate(code, 1));
  }
  SHARD_ASSERT_OK(session.AddAll(rates));
  SHARD_ASSERT_OK(session.Commit());
  log().Clear();
  rates[0]->cents = 2;
  rates[1]->cents = 3;
  rates[1]->code = "EUR";
  rates[2]->cents = kRate.cents + 9;
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(NumberEverywhere("select sum(cents) from rates"), 15);
  EXPECT_EQ(NumberEverywhere("select sum(version) from rates"), 6);
  EXPECT_EQ(Everywhere("select code from rates where cents = 3"), "EUR");
  EXPECT_EQ(rates[1]->code.value(), "EUR");
  SHARD_ASSERT_OK(session.Delete(rates[1]));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(NumberEverywhere("select count(*) from rates"), 2);
  SHARD_ASSERT_OK(session.Delete(rates[0]));
  SHARD_ASSERT_OK(session.Flush());
  session.Rollback();
  EXPECT_EQ(NumberEverywhere("select count(*) from rates"), 2);
  EXPECT_EQ(rates[0]->cents.value(), 2);
}

TEST_P(ReferenceTableTest, StaleVersionWritesNowhere) {
  SessionOptions keeps = WithResolver(resolver_);
  keeps.expire_on_commit = false;
  ShardedSession session = Session(), other(keeps);
  const auto rate = MakeRate("DM", 1);
  SHARD_ASSERT_OK(session.Add(rate));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(rate->version.value(), 1);
  SHARD_ASSERT_OK(session.Commit());  // it lets go of the row
  SHARD_ASSERT_OK_AND_ASSIGN(const auto same, other.Get<Rate>("DM"));
  rate->cents = 2;
  SHARD_ASSERT_OK(other.Commit());
  SHARD_ASSERT_OK(session.Commit());
  same->cents = 3;
  EXPECT_THAT(other.Commit(), HasCode(absl::StatusCode::kAborted));
  other.Rollback();
  EXPECT_EQ(NumberEverywhere("select cents from rates"), 2);
}

TEST_P(ReferenceTableTest, RowsThatDifferAreNamedAndNothingIsWritten) {
  ShardedSession session = Session();
  const auto rate = MakeRate("DM", 1);
  SHARD_ASSERT_OK(session.Add(rate));
  SHARD_ASSERT_OK(session.Commit());
  RunSql(shard("s1"), "delete from rates");
  const auto differs =
      StatusIs(kDataLoss,
               AllOf(HasSubstr("'s0'"), HasSubstr("'s1'"), HasSubstr("rates")));
  rate->cents = 2;
  EXPECT_THAT(session.Commit(), differs);
  session.Rollback();
  SHARD_ASSERT_OK(session.Delete(rate));
  EXPECT_THAT(session.Commit(), differs);
  session.Rollback();
  EXPECT_THAT(session.Execute(Update<Rate>().Set(kRate.cents = 3)), differs);
  session.Rollback();
  EXPECT_EQ(ReadNumber(shard("s0"), "select cents from rates"), 1);
  EXPECT_EQ(ReadNumber(shard("s2"), "select cents from rates"), 1);
  // Brought in line on the shard that lacks it.
  SHARD_ASSERT_OK(
      session.Execute(Insert<Rate>().Values(kRate.code = "DM", kRate.cents = 1,
                                            kRate.version = 1),
                      {}, OnShard("s1")));
  rate->cents = 4;
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(NumberEverywhere("select cents from rates"), 4);
}

TEST_P(ReferenceTableTest, AFailureOnOneShardLeavesNoneWritten) {
  ShardedSession session = Session();
  RunSql(shard("s2"), "insert into countries (id, name) values (7, 'old')");
  const auto country = MakeCountry("Peru");
  country->id = 7;
  SHARD_ASSERT_OK(session.Add(country));
  SHARD_ASSERT_OK(session.Add(MakeTown(1, "a", 7)));
  EXPECT_THAT(session.Commit(),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("'s2'")));
  session.Rollback();
  EXPECT_EQ(CountRows(shard("s0"), "countries"), 0);
  EXPECT_EQ(CountRows(shard("s1"), "countries"), 0);
  EXPECT_EQ(CountRows(shard("s0"), "towns"), 0);
}

TEST_P(ReferenceTableTest, TheClassThatCameFirstIsWrittenFirstEverywhere) {
  ShardedSession session = Session();
  const auto country = MakeCountry("Peru");
  country->id = 7;
  SHARD_ASSERT_OK(session.Add(country));
  SHARD_ASSERT_OK(session.Add(MakeTown(1, "a", 7)));
  SHARD_ASSERT_OK(session.Add(MakeTown(2, "b", 7)));
  SHARD_ASSERT_OK(session.Commit());
  for (const char* name : {"s0", "s1"}) {
    const auto inserts = log().Of("INSERT", name);
    ASSERT_EQ(inserts.size(), 2u);
    EXPECT_THAT(inserts[0].statement, HasSubstr("countries"));
    EXPECT_THAT(inserts[1].statement, HasSubstr("towns"));
  }
}

TEST_P(ReferenceTableTest, ReadsGoToTheNearest) {
  {
    ShardedSession session = Session();
    SHARD_ASSERT_OK(session.Add(MakeRate("DM", 1)));
    SHARD_ASSERT_OK(session.Add(MakeRate("FF", 2)));
    SHARD_ASSERT_OK(session.Commit());
  }
  log().Clear();
  ShardedSession session = Session();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto rate, session.Get<Rate>("DM"));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto all, session.Scalars(Select<Rate>().OrderBy(kRate.code)));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0], rate);
  EXPECT_TRUE(rate->shard().is_none());
  SHARD_ASSERT_OK_AND_ASSIGN(
      const std::int64_t count,
      session.Scalar(Select(Count()).From<Rate>()));  // and of all, once
  EXPECT_EQ(count, 2);
  SHARD_ASSERT_OK(session.Refresh(*rate));
  EXPECT_EQ(log().Count("SELECT", "s2"), log().Count("SELECT"));
  // Of one that is named they are the same objects.
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto named, session.Get<Rate>("DM", BindTo<Rate>().OnShard("s1")));
  EXPECT_EQ(named, rate);
  // Where a transaction is already it stays.
  log().Clear();
  ShardedSession elsewhere = Session();
  SHARD_ASSERT_OK(elsewhere.Scalars(Select<Town>().Where(kTown.region == "b")));
  SHARD_ASSERT_OK(elsewhere.Get<Rate>("DM"));
  EXPECT_EQ(log().Count("SELECT", "s1"), 2u);
  EXPECT_EQ(log().Count("SELECT"), 2u);
  // Who is going to write waits where that begins.
  log().Clear();
  ShardedSession locks = Session();
  SHARD_ASSERT_OK(locks.Scalars(Select<Rate>().ForUpdate()));
  EXPECT_EQ(log().Count("SELECT", "s0"), 1u);
  EXPECT_EQ(log().Count("SELECT"), 1u);
}

TEST_P(ReferenceTableTest, JoinsRunWhereTheOtherTableIs) {
  ShardedSession session = Session();
  const auto peru = MakeCountry("Peru"), chad = MakeCountry("Chad");
  peru->id = 1;
  chad->id = 2;
  SHARD_ASSERT_OK(session.AddAll(std::vector{peru, chad}));
  SHARD_ASSERT_OK(session.AddAll(std::vector{
      MakeTown(1, "a", 1), MakeTown(2, "b", 1), MakeTown(3, "c", 9)}));
  SHARD_ASSERT_OK(session.Commit());
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto towns,
      session.Scalars(Select(kTown.id)
                          .From<Town>()
                          .Join<Country>(kTown.country == kCountry.id)
                          .Where(kCountry.name == "Peru")
                          .OrderBy(kTown.id)));
  EXPECT_THAT(towns, ElementsAre(1, 2));
  EXPECT_EQ(log().Count("SELECT"), 3u);
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto left,
      session.Scalars(Select(kTown.id)
                          .From<Town>()
                          .LeftJoin<Country>(kTown.country == kCountry.id)
                          .Where(IsNull(kCountry.name))));
  EXPECT_THAT(left, ElementsAre(3));
  log().Clear();
  // The shard key of the town narrows it.
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto objects,
      session.Scalars(Select<Country>()
                          .Join<Town>(kTown.country == kCountry.id)
                          .Where(kTown.region == "b")));
  EXPECT_THAT(objects, ElementsAre(peru));
  EXPECT_EQ(log().Count("SELECT", "s1"), log().Count("SELECT"));
  // A country without towns would come from each.
  const auto lonely = Select(kCountry.id)
                          .From<Country>()
                          .LeftJoin<Town>(kTown.country == kCountry.id);
  EXPECT_THAT(session.Scalars(lonely),
              StatusIs(kUnimplemented,
                       AllOf(HasSubstr("'countries'"), HasSubstr("'towns'"))));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto on_b,
      session.Scalars(Select(kCountry.id)
                          .From<Country>()
                          .LeftJoin<Town>(kTown.country == kCountry.id &&
                                          kTown.region == "b")
                          .OrderBy(kCountry.id)));
  EXPECT_THAT(on_b, ElementsAre(1, 2));
  // Subqueries: of rows that are everywhere, and of those of one shard.
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto with_subquery,
      session.Scalars(Select(kTown.id).Where(
          kTown.region == "a" && In(kTown.country, Select(kCountry.id)))));
  EXPECT_THAT(with_subquery, ElementsAre(1));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto by_town,
      session.Scalars(
          Select(kCountry.id)
              .Where(In(kCountry.id,
                        Select(kTown.country).Where(kTown.region == "a")))));
  EXPECT_THAT(by_town, ElementsAre(1));
  EXPECT_THAT(
      session.Scalars(
          Select(kCountry.id).Where(In(kCountry.id, Select(kTown.country)))),
      HasCode(kUnimplemented));
}

TEST_P(ReferenceTableTest, StatementsWriteEverywhereAndCountOnce) {
  ShardedSession session = Session();
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto result,
      session.Execute(
          Insert<Rate>()
              .Values(kRate.code = "DM", kRate.cents = 1, kRate.version = 1)
              .Values(kRate.code = "FF", kRate.cents = 2, kRate.version = 1)));
  EXPECT_EQ(result.affected_rows(), 2);
  SHARD_ASSERT_OK_AND_ASSIGN(
      result, session.Execute(Update<Rate>()
                                  .Set(kRate.cents = kRate.cents + 10)
                                  .Where(kRate.code == "FF")
                                  .Returning(kRate.cents)));
  EXPECT_EQ(result.Scalar<std::int64_t>().value(), 12);
  SHARD_ASSERT_OK_AND_ASSIGN(
      result,
      session.Execute(
          sql::DeleteStatement(Rate::table())
              .Where(sql::Binary(sql::BinaryOp::kEqual, Rate::table().c("code"),
                                 sql::Parameter("code"))),
          std::vector<sql::Parameters>{{{"code", "DM"}}, {{"code", "XX"}}}));
  EXPECT_EQ(result.affected_rows(), 1);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Everywhere("select code from rates"), "FF");
  EXPECT_EQ(NumberEverywhere("select cents from rates"), 12);
}

TEST_P(ReferenceTableTest, StatementsThatWouldDifferAreRefused) {
  ShardedSession session = Session();
  log().Clear();
  EXPECT_THAT(session.Execute(Insert<Country>().Values(kCountry.name = "Peru")),
              StatusIs(kInvalid, AllOf(HasSubstr("countries.id"),
                                       HasSubstr("same on all"))));
  EXPECT_THAT(session.Execute(Insert<Country>().Values(kCountry.id = 1,
                                                       kCountry.name = "Peru")),
              StatusIs(kInvalid, HasSubstr("countries.lot")));
  EXPECT_THAT(session.Execute(Update<Country>().Set(
                  kCountry.lot = ScalarFunc<double>("random"))),
              StatusIs(kUnimplemented, HasSubstr("random()")));
  EXPECT_THAT(session.Execute(Update<Rate>().Set(
                  kRate.cents = Subquery(Select(Count()).From<Town>()))),
              StatusIs(kUnimplemented, HasSubstr("'towns'")));
  EXPECT_THAT(session.Execute("delete from rates", {}, BindTo<Rate>()),
              HasCode(kUnimplemented));
  EXPECT_THAT(session.ConnectionFor<Rate>(), HasCode(kInvalid));
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(ReferenceTableTest, BulkOperationsWriteEverywhereAndCountOnce) {
  ShardedSession session = Session();
  SHARD_ASSERT_OK_AND_ASSIGN(
      BulkReport report,
      session.BulkInsert<Rate>(
          std::vector<Rate::Row>{{"DM", 1, 1}, {"FF", 2, 1}, {"LIT", 3, 1}},
          {.return_defaults = true}));
  EXPECT_EQ(report.inserted, 3u);
  EXPECT_EQ(report.keys.size(), 3u);
  SHARD_ASSERT_OK_AND_ASSIGN(
      report, session.BulkUpdate<Rate>(
                  std::vector<Rate::Row>{{"DM", 5, 1}, {"FF", 6, 1}}));
  EXPECT_EQ(report.updated, 2u);
  SHARD_ASSERT_OK_AND_ASSIGN(
      report, session.BulkUpsert<Rate>(
                  std::vector<Rate::Row>{{"DM", 7, 1}, {"PTA", 8, 1}}));
  EXPECT_EQ(report.upserted, 2u);
  SHARD_ASSERT_OK_AND_ASSIGN(
      report, session.BulkDelete<Rate>(std::vector<Rate::Row>{{"LIT", 3, 1}}));
  EXPECT_EQ(report.deleted, 1u);
  const auto saved = MakeRate("SK", 9);
  SHARD_ASSERT_OK_AND_ASSIGN(
      report,
      session.BulkSaveObjects(std::vector{saved}, {.return_defaults = true}));
  EXPECT_TRUE(saved->shard().is_none());
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(NumberEverywhere("select count(*) from rates"), 4);
  EXPECT_EQ(NumberEverywhere("select sum(cents) from rates"), 30);

  log().Clear();
  EXPECT_THAT(
      session.BulkInsert<Country>(std::vector<Country::Row>{{0, "Peru", 1.0}},
                                  {.number_keys = true}),
      StatusIs(kInvalid,
               AllOf(HasSubstr("Country.id"), HasSubstr("same on all"))));
  EXPECT_THAT(session.BulkInsert<Country>(
                  std::vector<Country::Row>{{1, "Peru", std::nullopt}}),
              StatusIs(kInvalid, HasSubstr("Country.lot")));
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(ReferenceTableTest, ExplainTellsWhereTheyGo) {
  ShardedSession session = Session();
  SHARD_ASSERT_OK_AND_ASSIGN(const Explanation read,
                             session.Explain(Select<Rate>()));
  ASSERT_EQ(read.shards.size(), 1u);
  EXPECT_EQ(read.shards[0].shard, "s2");
  EXPECT_THAT(read.why, HasSubstr("any shard"));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Explanation insert,
      session.Explain(Insert<Rate>().Values(kRate.code = "DM", kRate.cents = 1,
                                            kRate.version = 1)));
  EXPECT_EQ(insert.shards.size(), 3u);
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Explanation update,
      session.Explain(Update<Rate>().Set(kRate.cents = 2)));
  EXPECT_EQ(update.shards.size(), 3u);
  EXPECT_THAT(update.why, AllOf(HasSubstr("all shards"), HasSubstr("rates")));
}

TEST_P(ReferenceTableTest, BehindAVerticalResolver) {
  auto vertical = std::make_shared<VerticalResolver>();
  vertical->BindDefault(resolver_);
  ShardedSession session(WithResolver(vertical));
  SHARD_ASSERT_OK(session.Add(MakeRate("DM", 1)));
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK(session.Execute(Update<Rate>().Set(kRate.cents = 2)));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(NumberEverywhere("select cents from rates"), 2);
}

SHARD_ON_DATABASES(ReferenceTableTest, "sqlite", "postgresql", "mixed");

}  // namespace
}  // namespace shard::testing
