// Rows 95 to 124 of the reference: horizontal sharding, on several shards of
// each kind. (Row 97: move_rows_test.cc; 113 and 114: synchronize_test.cc.)
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/list_strategy.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/session_maker.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
using Code = absl::StatusCode;

constexpr auto& c = City::c;

template <class F>
struct ReportFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region"> region;
  Field<F, std::optional<std::string>, "text", Deferred> text;
};
struct Report : Entity<Report, ReportFields, "reports"> {};

// Of an association: who has been where.
template <class F>
struct VisitFields {
  Field<F, std::int64_t, "person_id", PrimaryKey> person_id;
  Field<F, std::int64_t, "city_id", PrimaryKey> city_id;
  Field<F, std::string, "continent"> continent;
};
struct Visit : Entity<Visit, VisitFields, "visits"> {};

// Writes down what it is asked, and passes it on.
class Watching : public BindResolver {
 public:
  struct Asked {
    Operation operation;
    const sql::ClassInfo* class_info;
    bool object, statement;
    std::optional<ShardId> shard;
  };
  explicit Watching(std::shared_ptr<BindResolver> resolver)
      : resolver_(std::move(resolver)) {}
  absl::StatusOr<Bind> Resolve(const BindRequest& request) override {
    Note(request);
    return resolver_->Resolve(request);
  }
  absl::StatusOr<BindSet> ResolveAll(const BindRequest& request) override {
    Note(request);
    return resolver_->ResolveAll(request);
  }
  ShardId ShardOf(const Engine& engine) const override {
    return resolver_->ShardOf(engine);
  }
  std::vector<const sql::Column*> ShardKey(
      const sql::ClassInfo& class_info) const override {
    return resolver_->ShardKey(class_info);
  }
  std::vector<Asked> Take() { return std::exchange(asked_, {}); }
  std::function<void(const BindRequest&)> look = nullptr;

 private:
  void Note(const BindRequest& request) {
    asked_.push_back({request.operation, request.class_info,
                      request.object != nullptr, request.statement != nullptr,
                      request.shard});
    if (look) look(request);
  }
  std::shared_ptr<BindResolver> resolver_;
  std::vector<Asked> asked_;
};

class ShardedRowsTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (IsSkipped()) return;
    router_ = std::make_shared<Watching>(CitiesByContinent());
    session_.emplace(WithResolver(router_));
  }
  // One city on each shard, committed, and known to nobody.
  void Fill() {
    for (const char* continent : {"EU", "AS", "AF"}) {
      SHARD_ASSERT_OK(
          session_->Add(MakeCity(continent, absl::StrCat("of ", continent))));
    }
    SHARD_ASSERT_OK(session_->Commit());
    router_->Take();
    log().Clear();
  }
  // Statements on each shard, in the order of their names, so far.
  std::vector<std::size_t> CountOnShards() {
    std::vector<std::size_t> counts;
    for (const char* name : {"europe", "asia", "africa"}) {
      counts.push_back(log().Count("SELECT", name));
    }
    return counts;
  }

  std::shared_ptr<Watching> router_;
  std::optional<ShardedSession> session_;
};

// Routing of objects.

TEST_P(ShardedRowsTest, Row095WhatIsMissingIsNamedAtOnce) {
  HorizontalOptions options;
  const auto strategy =
      *ListStrategy::Create({{"EU", "europe"}, {"AS", "asia"}});
  EXPECT_THAT(HorizontalResolver::Create(options),
              StatusIs(Code::kInvalidArgument, HasSubstr("no shards")));
  options.shards = {{"europe", shard("europe")}};
  options.rules.push_back(ShardBy(c.continent, strategy));
  EXPECT_THAT(HorizontalResolver::Create(options),
              StatusIs(Code::kInvalidArgument, HasSubstr("'asia'")));
  options.rules = {ShardBy(c.continent, nullptr)};
  EXPECT_THAT(HorizontalResolver::Create(options),
              StatusIs(Code::kInvalidArgument, HasSubstr("strategy")));
}

TEST_P(ShardedRowsTest, Row096TheRouterIsAskedOncePerNewObject) {
  std::vector<std::shared_ptr<City>> cities;
  for (int i = 0; i < 4; ++i) {
    cities.push_back(MakeCity(i % 2 == 0 ? "EU" : "AS", "x"));
  }
  SHARD_ASSERT_OK(session_->AddAll(cities));
  SHARD_ASSERT_OK(session_->Flush());
  const auto asked = router_->Take();
  EXPECT_EQ(asked.size(), 4u);
  for (const auto& question : asked) {
    EXPECT_EQ(question.operation, Operation::kFlush);
    EXPECT_TRUE(question.object);
    EXPECT_FALSE(question.shard.has_value());
  }
  // The answer is part of the identity; nobody is asked for it again.
  EXPECT_EQ(cities[0]->shard().name(), "europe");
  EXPECT_EQ(cities[1]->shard().name(), "asia");
  cities[1]->name = "y";
  SHARD_ASSERT_OK(session_->Commit());
  for (const auto& question : router_->Take()) {
    EXPECT_EQ(question.shard, ShardId::Of("asia"));
  }
}

TEST_P(ShardedRowsTest, Row098ObjectsAddedAgainAreRoutedAnew) {
  const auto city = MakeCity("EU", "Istanbul");
  SHARD_ASSERT_OK(session_->Add(city));
  SHARD_ASSERT_OK(session_->Flush());
  EXPECT_EQ(city->shard().name(), "europe");
  session_->Rollback();
  EXPECT_TRUE(city->shard().is_none());
  city->continent = "AS";
  SHARD_ASSERT_OK(session_->Add(city));
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(city->shard().name(), "asia");
  EXPECT_EQ(CountRows(shard("asia"), "cities"), 1);
  EXPECT_EQ(CountRows(shard("europe"), "cities"), 0);
}

TEST_P(ShardedRowsTest, Row099EqualKeysOnTwoShardsAreTwoObjects) {
  Fill();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto all, session_->Scalars(Select<City>()));
  ASSERT_EQ(all.size(), 3u);
  for (const auto& city : all) EXPECT_EQ(city->id.value(), 1);
  EXPECT_NE(all[0], all[1]);
  EXPECT_EQ(session_->Get<City>(1, OnShard("europe")).value(), all[0]);
  EXPECT_EQ(session_->Get<City>(1, OnShard("asia")).value(), all[1]);
}

TEST_P(ShardedRowsTest, Row100OneFlushWritesEachObjectToItsShard) {
  Fill();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto all, session_->Scalars(Select<City>()));
  log().Clear();
  all[0]->name = "changed";
  SHARD_ASSERT_OK(session_->Delete(all[1]));
  SHARD_ASSERT_OK(session_->Add(MakeCity("AF", "new")));
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(
      log().Count("UPDATE") + log().Count("DELETE") + log().Count("INSERT"),
      3u);
  EXPECT_EQ(log().Count("UPDATE", "europe"), 1u);
  EXPECT_EQ(log().Count("DELETE", "asia"), 1u);
  EXPECT_EQ(log().Count("INSERT", "africa"), 1u);
}

TEST_P(ShardedRowsTest, Row101AlternatingRowsAreOneInsertForEachShard) {
  for (int i = 0; i < 6; ++i) {
    SHARD_ASSERT_OK(session_->Add(MakeCity(i % 2 == 0 ? "EU" : "AS", "x")));
  }
  SHARD_ASSERT_OK(session_->Flush());
  EXPECT_EQ(log().Count("INSERT"), 2u);
}

// Routing of statements.

TEST_P(ShardedRowsTest, Row102AnswersComeInTheOrderOfTheShards) {
  Fill();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto names,
                             session_->Scalars(Select(c.name)));
  EXPECT_THAT(names, ElementsAre("of EU", "of AS", "of AF"));
  EXPECT_THAT(CountOnShards(), ElementsAre(1, 1, 1));
}

TEST_P(ShardedRowsTest, Row103WhatTheCallerSaysGoesFirst) {
  Fill();
  // The engine before the shard before the statement before its class.
  const auto first = [&](const BindArguments& bind) {
    const auto names =
        session_->Scalars(Select(c.name).Where(c.continent != "AF"), {}, bind);
    return names.ok() && !names->empty() ? names->front() : "none";
  };
  EXPECT_EQ(first({}), "of EU");
  EXPECT_EQ(first(OnShard("asia")), "of AS");
  EXPECT_EQ(first(OnShard("asia").OnEngine(shard("europe"))), "of EU");
  EXPECT_EQ(first(OnShard("africa")), "none");
}

TEST_P(ShardedRowsTest, Row104CoreSelectsAndTextAreRoutedToo) {
  Fill();
  sql::SelectStatement core;
  core.From(City::table())
      .Column(City::table().c("name"))
      .Where(sql::Binary(sql::BinaryOp::kEqual, City::table().c("continent"),
                         sql::Literal("AS")));
  SHARD_ASSERT_OK_AND_ASSIGN(Result result, session_->Execute(core));
  EXPECT_EQ(result.Scalar<std::string>().value(), "of AS");
  EXPECT_THAT(CountOnShards(), ElementsAre(0, 1, 0));
  SHARD_ASSERT_OK_AND_ASSIGN(
      result, session_->Execute("SELECT name FROM cities WHERE id = :id",
                                {{"id", 1}}, OnShard("africa")));
  EXPECT_EQ(result.Scalar<std::string>().value(), "of AF");
  EXPECT_THAT(CountOnShards(), ElementsAre(0, 1, 1));
}

TEST_P(ShardedRowsTest, Row105WhatARouterIsTold) {
  Fill();
  std::vector<std::string> told;
  router_->look = [&told](const BindRequest& request) {
    EXPECT_EQ(request.class_info, &City::class_info());
    ASSERT_NE(request.statement, nullptr);
    told.push_back(
        absl::StrCat(request.statement->is_select() ? "reads" : "writes", " ",
                     request.operation == Operation::kRead ? "read" : "execute",
                     " ", request.parameters->values().size(), " ",
                     request.arguments->values().size()));
  };
  SHARD_ASSERT_OK(session_->Scalars(
      Select<City>().Where(c.id == Param<std::int64_t>("id")), {{"id", 1}}));
  SHARD_ASSERT_OK(session_->Execute(Update<City>().Set(c.name = "x"), {},
                                    BindWith("who", "me")));
  SHARD_ASSERT_OK(session_->Execute(Delete<City>()));
  EXPECT_THAT(told, ElementsAre("reads read 1 0", "writes execute 0 1",
                                "writes execute 0 0"));
}

// Get.

TEST_P(ShardedRowsTest, Row106GetAsksThoseThatMayHaveIt) {
  Fill();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto asia,
                             session_->Get<City>(1, OnShard("asia")));
  EXPECT_THAT(CountOnShards(), ElementsAre(0, 1, 0));
  EXPECT_EQ(session_->Get<City>(1, OnShard("asia")).value(), asia);
  // One candidate that the session holds: nobody is asked.
  EXPECT_EQ(session_->Get<City>(1).value(), asia);
  EXPECT_THAT(CountOnShards(), ElementsAre(0, 1, 0));
  EXPECT_EQ(session_->Get<City>(7).value(), nullptr);
  EXPECT_THAT(CountOnShards(), ElementsAre(1, 2, 1));
}

TEST_P(ShardedRowsTest, Row106AKeyThatNamesTheShardIsOneQuery) {
  const auto resolver = HashedBy({&Account::c.id.column()}, 3);
  ShardedSession session(WithResolver(resolver));
  SHARD_ASSERT_OK(session.Add(MakeAccountWithId(5, "ada")));
  SHARD_ASSERT_OK(session.Commit());
  session.Close();
  log().Clear();
  EXPECT_NE(session.Get<Account>(5).value(), nullptr);
  EXPECT_EQ(session.Get<Account>(6).value(), nullptr);
  EXPECT_EQ(log().CountAll(), 2u);
}

TEST_P(ShardedRowsTest, Row107OneKeyOnTwoShardsNamesBoth) {
  Fill();
  EXPECT_THAT(session_->Get<City>(1),
              StatusIs(Code::kFailedPrecondition,
                       AllOf(HasSubstr("City 1"), HasSubstr("'europe'"),
                             HasSubstr("'asia'"))));
  EXPECT_EQ(session_->Get<City>(2).value(), nullptr);
  EXPECT_THAT(session_->Scalar(Select(c.name).Where(c.id == 2)),
              HasCode(Code::kNotFound));
}

TEST_P(ShardedRowsTest, Row108RefreshesAskTheObjectsOwnShard) {
  Fill();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto asia,
                             session_->Get<City>(1, OnShard("asia")));
  router_->Take();
  log().Clear();
  // A key that says otherwise changes nothing: the row is where it is.
  const auto paused = session_->NoAutoflush();
  asia->continent = "EU";
  SHARD_ASSERT_OK(session_->Refresh(*asia));
  SHARD_ASSERT_OK(session_->Expire(*asia));
  EXPECT_EQ(asia->name.value(), "of AS");
  SHARD_ASSERT_OK(session_->Refresh(*asia, c.name));
  EXPECT_THAT(CountOnShards(), ElementsAre(0, 3, 0));
  for (const auto& question : router_->Take()) {
    EXPECT_EQ(question.operation, Operation::kRefresh);
    EXPECT_EQ(question.shard, ShardId::Of("asia"));
  }
}

// A shard that is named for a statement, and the objects that come from there.

class ShardedReportsTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (IsSkipped()) return;
    HorizontalOptions options;
    options.shards = NewShards(4, {&Report::table()});
    options.rules.push_back(
        ShardBy(Report::c.region,
                *ListStrategy::Create(
                    {{"r0", "s0"}, {"r1", "s1"}, {"r2", "s2"}, {"r3", "s3"}})));
    session_.emplace(
        WithResolver(*HorizontalResolver::Create(std::move(options))));
    for (int i = 0; i < 4; ++i) {
      auto report = std::make_shared<Report>();
      report->region = absl::StrCat("r", i);
      report->text = absl::StrCat("text ", i);
      SHARD_ASSERT_OK(session_->Add(report));
    }
    SHARD_ASSERT_OK(session_->Commit());
    session_->Close();
    log().Clear();
  }
  // SELECTs on each shard of what loads reports and reads their text.
  std::vector<std::size_t> Count(const TypedSelect<Report>& select,
                                 const BindArguments& bind, std::size_t found) {
    session_->Close();
    log().Clear();
    const auto reports = session_->Scalars(select, {}, bind);
    SHARD_EXPECT_OK(reports);
    EXPECT_EQ(reports->size(), found);
    for (const auto& report : *reports) {
      EXPECT_EQ(report->text.value(),
                absl::StrCat("text ", report->region.value().substr(1)));
    }
    std::vector<std::size_t> counts;
    for (const char* name : {"s0", "s1", "s2", "s3"}) {
      counts.push_back(log().Count("SELECT", name));
    }
    return counts;
  }
  std::optional<ShardedSession> session_;
};

TEST_P(ShardedReportsTest, Row111TheNamedShardReachesDeferredColumns) {
  constexpr auto& r = Report::c;
  const auto one = Select<Report>().Where(r.region == "r0" || r.id == 99);
  EXPECT_THAT(Count(one, {}, 1), ElementsAre(2, 1, 1, 1));
  const TypedSelect<Report> all = Select<Report>();
  EXPECT_THAT(Count(all, {}, 4), ElementsAre(2, 2, 2, 2));
  // However the shard is named.
  EXPECT_THAT(Count(all, OnShard("s0"), 1), ElementsAre(2, 0, 0, 0));
  EXPECT_THAT(Count(all, OnEngine(shard("s0")), 1), ElementsAre(2, 0, 0, 0));
  EXPECT_THAT(Count(all, BindTo<Report>().OnShard("s0"), 1),
              ElementsAre(2, 0, 0, 0));
  EXPECT_THAT(Count(Select<Report>().Where(r.region == "r0"), {}, 1),
              ElementsAre(2, 0, 0, 0));
  // With the column in the SELECT there is nothing left to load.
  auto whole = Select<Report>();
  whole.Undefer(r.text);
  EXPECT_THAT(Count(whole, {}, 4), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(Count(whole, OnShard("s0"), 1), ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(Count(whole, OnEngine(shard("s0")), 1), ElementsAre(1, 0, 0, 0));
}

TEST_P(ShardedReportsTest, Row110LaterLoadsKeepToTheShardOfTheFirst) {
  const auto reports =
      session_->Scalars(Select<Report>(), {}, OnShard("s2")).value();
  session_->ExpireAll();
  EXPECT_EQ(reports[0]->region.value(), "r2");
  SHARD_ASSERT_OK(session_->Refresh(*reports[0]));
  EXPECT_EQ(session_->Get<Report>(1, OnShard("s2")).value(), reports[0]);
  EXPECT_EQ(log().Count("SELECT", "s2"), 3u);
  EXPECT_EQ(log().CountAll(), 3u);
}

SHARD_ON_DATABASES(ShardedReportsTest, "sqlite", "postgresql", "mixed");

TEST_P(ShardedRowsTest, Row112LoadListenersSeeTheShard) {
  class Shards : public SessionListener {
   public:
    void AfterLoad(EntityBase& object) override {
      names.push_back(object.shard().name());
    }
    std::vector<std::string> names;
  };
  Fill();
  const auto listener = std::make_shared<Shards>();
  SessionOptions options = WithResolver(router_);
  options.listeners = {listener};
  ShardedSession session(options);
  SHARD_ASSERT_OK(session.Scalars(Select<City>()));
  EXPECT_THAT(listener->names, ElementsAre("europe", "asia", "africa"));
}

TEST_P(ShardedRowsTest, Row116AssociationObjectsAreRoutedAsObjects) {
  HorizontalOptions options;
  options.shards = NewShards(2, {&Visit::table()});
  options.rules.push_back(ShardBy(
      Visit::c.continent, *ListStrategy::Create({{"EU", "s0"}, {"AS", "s1"}})));
  const auto router = std::make_shared<Watching>(
      *HorizontalResolver::Create(std::move(options)));
  router->look = [](const BindRequest& request) {
    EXPECT_TRUE(request.object != nullptr || request.statement != nullptr);
  };
  ShardedSession session(WithResolver(router));
  for (const char* continent : {"EU", "AS"}) {
    const auto visit = std::make_shared<Visit>();
    visit->person_id = 1;
    visit->city_id = 1;
    visit->continent = continent;
    SHARD_ASSERT_OK(session.Add(visit));
  }
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(shard("s0"), "visits"), 1);
  EXPECT_EQ(CountRows(shard("s1"), "visits"), 1);
}

// Errors.

TEST_P(ShardedRowsTest, Row119BadAnswersAreErrorsWithNames) {
  Fill();
  EXPECT_THAT(session_->Scalars(Select<City>(), {}, OnShard("mars")),
              StatusIs(Code::kNotFound,
                       AllOf(HasSubstr("'mars'"), HasSubstr("'europe'"))));
  EXPECT_THAT(session_->Get<City>(1, OnShard("mars")),
              HasCode(Code::kNotFound));
  class Bad : public BindResolver {
   public:
    absl::StatusOr<Bind> Resolve(const BindRequest&) override { return Bind(); }
    absl::StatusOr<BindSet> ResolveAll(const BindRequest&) override {
      return answer;
    }
    BindSet answer;
  };
  const auto bad = std::make_shared<Bad>();
  ShardedSession session(WithResolver(bad));
  SHARD_ASSERT_OK(session.Add(MakeCity("EU", "x")));
  EXPECT_THAT(session.Flush(), HasCode(Code::kInternal));  // none
  session.Rollback();
  EXPECT_THAT(session.Scalars(Select<City>()), HasCode(Code::kInternal));
  const Bind twice{shard("asia").get(), ShardId::Of("asia")};
  bad->answer = {twice, twice};
  EXPECT_THAT(session.Scalars(Select<City>()),
              StatusIs(Code::kInternal, HasSubstr("twice")));
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(ShardedRowsTest, Row120ConnectionsNeedOneShard) {
  EXPECT_THAT(session_->ConnectionFor(), HasCode(Code::kInvalidArgument));
  EXPECT_THAT(session_->ConnectionFor<City>(),
              StatusIs(Code::kInvalidArgument, HasSubstr("name the shard")));
  SHARD_EXPECT_OK(session_->ConnectionFor(OnShard("asia")));
  SHARD_EXPECT_OK(session_->ConnectionFor(OnEngine(shard("asia"))));
}

TEST_P(ShardedRowsTest, Row121ObjectsOfAPlainSessionComeIntoASharded) {
  Fill();
  std::shared_ptr<City> city;
  {
    ShardedSession plain(shard("asia"));
    city = plain.Get<City>(1).value();
    ASSERT_NE(city, nullptr);
  }
  EXPECT_TRUE(city->shard().is_none());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto merged, session_->Merge(*city));
  EXPECT_NE(merged, city);
  EXPECT_EQ(merged->shard().name(), "asia");
  EXPECT_EQ(log().Count("SELECT", "europe"), 0u);
  SHARD_ASSERT_OK(session_->Expunge(*merged));
  // Its engine is a shard of this session.
  SHARD_ASSERT_OK(session_->Add(city));
  EXPECT_EQ(city->shard().name(), "asia");
  EXPECT_EQ(session_->Get<City>(1, OnShard("asia")).value(), city);
  city->name = "changed";
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(ReadText(shard("asia"), "select name from cities"), "changed");
}

TEST_P(ShardedRowsTest, Row122InsertsAreNeverBroadcast) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      Result done,
      session_->Execute(Insert<City>()
                            .Values(c.continent = "EU", c.name = "a")
                            .Values(c.continent = "AS", c.name = "b")
                            .Values(c.continent = "EU", c.name = "c")));
  EXPECT_EQ(done.affected_rows(), 3);
  EXPECT_EQ(log().Count("INSERT"), 2u);
  EXPECT_EQ(CountRowsOnShards("cities"), 0);  // not committed
  EXPECT_THAT(
      session_->Execute(Insert<City>().Values(c.name = "nowhere")),
      StatusIs(Code::kInvalidArgument,
               AllOf(HasSubstr("City.continent"), HasSubstr("not set"))));
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(CountRows(shard("europe"), "cities"), 2);
  EXPECT_EQ(CountRows(shard("asia"), "cities"), 1);
}

TEST_P(ShardedRowsTest, Row123BulkRowsGoToTheirShards) {
  const std::vector<sql::Parameters> rows = {
      {{"id", 101}, {"continent", "EU"}, {"name", "a"}},
      {{"id", 102}, {"continent", "AS"}, {"name", "b"}},
      {{"id", 103}, {"continent", "EU"}, {"name", "c"}}};
  SHARD_ASSERT_OK(session_->BulkInsertMappings<City>(rows));
  SHARD_ASSERT_OK(session_->BulkUpdateMappings<City>(
      {{{{"id", 102}, {"continent", "AS"}, {"name", "B"}}}}));
  SHARD_ASSERT_OK(session_->BulkSaveObjects(
      std::vector{MakeCity("AF", "d"), MakeCity("AS", "e")}));
  SHARD_ASSERT_OK(session_->Execute(
      Insert<City>().Values(c.continent = Param<std::string>("continent"),
                            c.name = Param<std::string>("name")),
      std::vector<sql::Parameters>{{{"continent", "AF"}, {"name", "f"}},
                                   {{"continent", "EU"}, {"name", "g"}}}));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto names,
                             session_->Scalars(Select(c.name)));
  EXPECT_THAT(names, UnorderedElementsAre("a", "c", "g", "B", "e", "d", "f"));
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(CountRows(shard("europe"), "cities"), 3);
  EXPECT_EQ(CountRows(shard("asia"), "cities"), 2);
  EXPECT_EQ(CountRows(shard("africa"), "cities"), 2);
}

TEST_P(ShardedRowsTest, Row124OneShardFailingFailsTheRead) {
  Fill();
  RunSql(shard("asia"), "alter table cities rename to lost");
  EXPECT_THAT(session_->Scalars(Select<City>()),
              StatusIs(Code::kInvalidArgument, HasSubstr("'asia'")));
  session_->Rollback();
  RunSql(shard("asia"), "alter table lost rename to cities");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto all, session_->Scalars(Select<City>()));
  EXPECT_EQ(all.size(), 3u);
}

SHARD_ON_DATABASES(ShardedRowsTest, "sqlite", "postgresql", "mixed");

}  // namespace
}  // namespace shard::testing
