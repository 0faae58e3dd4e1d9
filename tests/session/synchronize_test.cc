// UPDATE and DELETE by criteria over shards, and what becomes of the objects
// whose rows they change: rows 113 and 114.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/list_strategy.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Code = absl::StatusCode;

constexpr auto& c = City::c;

// Of a class that does without RETURNING, as views do.
template <class F>
struct PlainFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "continent"> continent;
  Field<F, std::int64_t, "population"> population;
};
struct Plain : Entity<Plain, PlainFields, "plain", NoReturning> {};

class SynchronizeTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (IsSkipped()) return;
    session_.emplace(WithResolver(CitiesByContinent()));
    for (const char* continent : {"EU", "AS", "AF"}) {
      for (int i = 1; i <= 3; ++i) {
        cities_.push_back(
            MakeCity(continent, absl::StrCat(continent, i), i * 10));
      }
    }
    SHARD_ASSERT_OK(session_->AddAll(cities_));
    Reload();
  }

  // All objects, as they are committed.
  void Reload() {
    SHARD_ASSERT_OK(session_->Commit());
    SHARD_ASSERT_OK(session_->Scalars(Select<City>()));
    log().Clear();
  }

  std::vector<std::optional<std::int64_t>> Populations() {
    std::vector<std::optional<std::int64_t>> populations;
    for (const auto& city : cities_) {
      if (city->object_state() == ObjectState::kPersistent) {
        populations.push_back(city->population.value());
      }
    }
    return populations;
  }

  absl::StatusOr<Result> Run(const sql::Statement& statement, Synchronize how,
                             const BindArguments& bind = {}) {
    return session_->Execute(statement, {}, bind, {.synchronize = how});
  }
  std::size_t CountReturning() {
    std::size_t count = 0;
    for (const auto& entry : log().Of("")) {
      count += absl::StrContains(entry.statement, "RETURNING") ? 1 : 0;
    }
    return count;
  }

  std::optional<ShardedSession> session_;
  std::vector<std::shared_ptr<City>> cities_;  // three on each of three shards
};

constexpr Synchronize kSynchronizing[] = {
    Synchronize::kEvaluate, Synchronize::kFetch, Synchronize::kAuto};

// On all shards, or one that is named: six variants.

TEST_P(SynchronizeTest, Row113UpdateSumsRowsAndNeedsNoMoreSql) {
  for (const Synchronize how : kSynchronizing) {
    for (const bool one : {false, true}) {
      SHARD_ASSERT_OK_AND_ASSIGN(
          const Result done, Run(Update<City>()
                                     .Set(c.population = c.population + 5)
                                     .Where(c.population > 10),
                                 how, one ? OnShard("asia") : BindArguments()));
      EXPECT_EQ(done.affected_rows(), one ? 2 : 6);
      EXPECT_EQ(log().Count("UPDATE"), one ? 1 : 3);
      EXPECT_THAT(Populations(),
                  one ? ElementsAre(10, 20, 30, 10, 25, 35, 10, 20, 30)
                      : ElementsAre(10, 25, 35, 10, 25, 35, 10, 25, 35));
      EXPECT_EQ(log().Count("SELECT"), 0);
      EXPECT_EQ(CountReturning() != 0, how == Synchronize::kFetch);
      session_->Rollback();
      EXPECT_THAT(Populations(),
                  ElementsAre(10, 20, 30, 10, 20, 30, 10, 20, 30));
      Reload();
    }
  }
}

TEST_P(SynchronizeTest, Row113DeleteSumsRowsAndNeedsNoMoreSql) {
  for (const Synchronize how : kSynchronizing) {
    for (const bool one : {false, true}) {
      SHARD_ASSERT_OK_AND_ASSIGN(
          const Result done, Run(Delete<City>().Where(c.population > 10), how,
                                 one ? OnShard("asia") : BindArguments()));
      EXPECT_EQ(done.affected_rows(), one ? 2 : 6);
      EXPECT_EQ(log().Count("DELETE"), one ? 1 : 3);
      for (std::size_t i = 0; i < cities_.size(); ++i) {
        const bool gone = i % 3 > 0 && (!one || i / 3 == 1);
        EXPECT_EQ(cities_[i]->object_state(),
                  gone ? ObjectState::kDeleted : ObjectState::kPersistent);
      }
      EXPECT_EQ(log().Count("SELECT"), 0);
      EXPECT_EQ(Populations().size(), one ? 7 : 3);
      EXPECT_EQ(log().Count("SELECT"), 0);
      session_->Rollback();
      EXPECT_EQ(Populations().size(), 9);
      Reload();
    }
  }
}

TEST_P(SynchronizeTest, Row113TheSameKeyElsewhereIsAnotherObject) {
  for (const Synchronize how : kSynchronizing) {
    SHARD_ASSERT_OK(Run(Update<City>()
                            .Set(c.population = 99)
                            .Where(c.id == 1 && c.continent == "AF"),
                        how));
    EXPECT_EQ(log().CountAll(), 1u);
    EXPECT_THAT(Populations(), ElementsAre(10, 20, 30, 10, 20, 30, 99, 20, 30));
    EXPECT_EQ(log().CountAll(), 1u);
    session_->Rollback();
    Reload();
  }
}

TEST_P(SynchronizeTest, Row114MixedDatabasesAndClassesWithoutReturning) {
  HorizontalOptions options;
  options.writes_without_key = KeylessWrites::kAllow;
  options.shards = NewShards(2, {&Plain::table()});
  options.rules.push_back(ShardBy(
      Plain::c.continent, *ListStrategy::Create({{"EU", "s0"}, {"AS", "s1"}})));
  ShardedSession session(
      WithResolver(*HorizontalResolver::Create(std::move(options))));
  std::vector<std::shared_ptr<Plain>> all;
  for (const char* continent : {"EU", "AS"}) {
    all.push_back(std::make_shared<Plain>());
    all.back()->continent = continent;
    all.back()->population = 1;
  }
  SHARD_ASSERT_OK(session.AddAll(all));
  SHARD_ASSERT_OK(session.Flush());
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Result done,
      session.Execute(Update<Plain>()
                          .Set(Plain::c.population = 2)
                          .Where(In(Plain::c.continent, {"EU", "AS"})),
                      {}, {}, {.synchronize = Synchronize::kFetch}));
  EXPECT_EQ(done.affected_rows(), 2);
  EXPECT_EQ(CountReturning(), 0u);
  EXPECT_EQ(all[0]->population.value() + all[1]->population.value(), 4);
  EXPECT_EQ(log().Count("SELECT"), 2u);
}

// How objects are found out about.

TEST_P(SynchronizeTest, FetchReturnsKeysOnlyWhereThereAreObjects) {
  session_->Close();
  cities_.clear();
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto held,
      session_->Scalars(Select<City>().Where(c.continent == "AS")));
  log().Clear();
  SHARD_ASSERT_OK(
      Run(Update<City>().Set(c.population = 7), Synchronize::kFetch));
  EXPECT_EQ(log().Count("UPDATE"), 3u);
  EXPECT_EQ(CountReturning(), 1u);
  for (const auto& city : held) EXPECT_EQ(city->population.value(), 7);
  EXPECT_EQ(log().Count("SELECT"), 0u);
}

TEST_P(SynchronizeTest, FetchLeavesTheCallersColumnsAlone) {
  SHARD_ASSERT_OK_AND_ASSIGN(Result done,
                             Run(Update<City>()
                                     .Set(c.population = c.population + 1)
                                     .Where(c.population == 30)
                                     .Returning(c.name),
                                 Synchronize::kFetch));
  ASSERT_EQ(done.columns().size(), 1u);
  SHARD_ASSERT_OK_AND_ASSIGN(const std::vector<Row> rows, done.All());
  std::vector<std::string> names;
  for (const Row& row : rows) {
    EXPECT_EQ(row.size(), 1u);
    names.push_back(row.Get<std::string>("name").value());
  }
  EXPECT_THAT(names, ElementsAre("EU3", "AS3", "AF3"));
  EXPECT_THAT(Populations(), ElementsAre(10, 20, 31, 10, 20, 31, 10, 20, 31));
  SHARD_ASSERT_OK_AND_ASSIGN(
      done, Run(Delete<City>().Where(c.population == 31), Synchronize::kFetch));
  EXPECT_TRUE(done.columns().empty());
  EXPECT_TRUE(done.All().value().empty());
  EXPECT_EQ(Populations().size(), 6u);
}

TEST_P(SynchronizeTest, WhatCannotBeEvaluatedIsFetchedOrRefused) {
  const sql::Statement like =
      Update<City>().Set(c.population = 1).Where(Like(c.name, "%3"));
  const sql::Statement computed = Update<City>().Set(c.name = Lower(c.name));
  for (const sql::Statement& statement : {like, computed}) {
    EXPECT_THAT(Run(statement, Synchronize::kEvaluate),
                StatusIs(Code::kUnimplemented, HasSubstr("kFetch")));
    EXPECT_EQ(log().CountAll(), 0u);
    SHARD_ASSERT_OK(Run(statement, Synchronize::kAuto));
    EXPECT_EQ(CountReturning(), 3u);
    log().Clear();
  }
  EXPECT_THAT(Populations(), ElementsAre(10, 20, 1, 10, 20, 1, 10, 20, 1));
  EXPECT_EQ(cities_.front()->name.value(), "eu1");
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(SynchronizeTest, EvaluationReadsAgainWhatItCannotKnow) {
  SHARD_ASSERT_OK(session_->Expire(*cities_[0], c.population));
  SHARD_ASSERT_OK(session_->Expire(*cities_[1], c.population));
  SHARD_ASSERT_OK(
      Run(Update<City>().Set(c.name = "large").Where(c.population > 15),
          Synchronize::kEvaluate));
  EXPECT_EQ(log().Count("SELECT"), 0u);
  EXPECT_EQ(cities_[2]->name.value(), "large");
  EXPECT_EQ(log().Count("SELECT"), 0u);
  EXPECT_EQ(cities_[0]->name.value(), "EU1");
  EXPECT_EQ(cities_[1]->name.value(), "large");
  EXPECT_EQ(log().Count("SELECT"), 2u);
}

TEST_P(SynchronizeTest, ChangesThatAreNotFlushedStay) {
  const auto paused = session_->NoAutoflush();
  for (const Synchronize how : kSynchronizing) {
    cities_[0]->population = 1000;
    cities_[1]->name = "mine";
    SHARD_ASSERT_OK(Run(
        Update<City>().Set(c.population = 5).Where(c.population < 25), how));
    EXPECT_EQ(cities_[0]->population.value(), 1000);
    EXPECT_EQ(cities_[1]->population.value(), 5);
    EXPECT_EQ(cities_[1]->name.value(), "mine");
    EXPECT_EQ(cities_[2]->population.value(), 30);
    session_->Rollback();
    Reload();
  }
}

TEST_P(SynchronizeTest, ObjectsOfRowsThatChangedMeanwhileAreReadAgain) {
  if (!is_postgresql()) GTEST_SKIP() << "a file has one writer";
  TransactionOptions committed;
  committed.isolation = Isolation::kReadCommitted;
  session_->Rollback();
  SHARD_ASSERT_OK(session_->Begin(committed));
  SHARD_ASSERT_OK(session_->Scalars(Select<City>()));
  RunSql(shard("asia"), "update cities set population = 500 where id = 1");
  SHARD_ASSERT_OK(
      Run(Update<City>().Set(c.population = 0).Where(c.population == 10),
          Synchronize::kEvaluate));
  EXPECT_THAT(Populations(), ElementsAre(0, 20, 30, 500, 20, 30, 0, 20, 30));
}

TEST_P(SynchronizeTest, NewPrimaryKeysAreNotFetched) {
  const sql::Statement update =
      Update<City>().Set(c.id = c.id + 10).Where(c.id == 2);
  EXPECT_THAT(Run(update, Synchronize::kEvaluate),
              HasCode(Code::kUnimplemented));
  SHARD_ASSERT_OK(Run(update, Synchronize::kFetch));
  EXPECT_EQ(CountReturning(), 0u);
  EXPECT_THAT(cities_[1]->name.Load(), HasCode(Code::kNotFound));
}

TEST_P(SynchronizeTest, NoneLeavesObjectsAsTheyAre) {
  SHARD_ASSERT_OK(
      Run(Update<City>().Set(c.population = 0), Synchronize::kNone));
  EXPECT_THAT(Populations(), ElementsAre(10, 20, 30, 10, 20, 30, 10, 20, 30));
  EXPECT_EQ(log().Count("SELECT"), 0u);
  SHARD_ASSERT_OK(
      session_->Execute(Update<City>()
                            .Set(c.population = Param<std::int64_t>("p"))
                            .Where(c.id == Param<std::int64_t>("id")),
                        std::vector<sql::Parameters>{{{"p", 1}, {"id", 1}},
                                                     {{"p", 2}, {"id", 2}}},
                        {}, {.synchronize = Synchronize::kNone}));
  EXPECT_EQ(log().Count("SELECT"), 0u);
  session_->Rollback();
  EXPECT_THAT(Populations(), ElementsAre(10, 20, 30, 10, 20, 30, 10, 20, 30));
}

TEST_P(SynchronizeTest, AStatementThatFailsExpires) {
  if (!is_postgresql()) GTEST_SKIP() << "SQLite divides by zero";
  EXPECT_FALSE(Run(Update<City>().Set(c.population = c.population / 0),
                   Synchronize::kFetch)
                   .ok());
  session_->Rollback();
  EXPECT_THAT(Populations(), ElementsAre(10, 20, 30, 10, 20, 30, 10, 20, 30));
}

// Objects whose rows were deleted.

TEST_P(SynchronizeTest, DeletedObjectsComeBackWithASavepoint) {
  for (const Synchronize how : kSynchronizing) {
    SHARD_ASSERT_OK(session_->BeginNested());
    SHARD_ASSERT_OK(Run(Delete<City>().Where(c.continent == "EU"), how));
    EXPECT_EQ(cities_[0]->object_state(), ObjectState::kDeleted);
    SHARD_ASSERT_OK_AND_ASSIGN(const auto none,
                               session_->Get<City>(1, OnShard("europe")));
    EXPECT_EQ(none, nullptr);
    SHARD_ASSERT_OK(session_->RollbackNested());
    EXPECT_EQ(cities_[0]->object_state(), ObjectState::kPersistent);
    EXPECT_EQ(session_->Get<City>(1, OnShard("europe")).value(), cities_[0]);
    Reload();
  }
}

TEST_P(SynchronizeTest, DeletedObjectsHaveNoSessionOnceThatIsCommitted) {
  SHARD_ASSERT_OK(session_->Delete(cities_[1]));
  cities_[0]->name = "never written";
  SHARD_ASSERT_OK(session_->Execute(
      Delete<City>().Where(c.continent == "EU"), {}, {},
      {.autoflush = false, .synchronize = Synchronize::kFetch}));
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(CountRows(shard("europe"), "cities"), 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(cities_[i]->object_state(), ObjectState::kDeleted);
    EXPECT_THAT(session_->Add(cities_[i]), HasCode(Code::kFailedPrecondition));
  }
  SHARD_ASSERT_OK(session_->Add(MakeCity("EU", "new")));
  SHARD_EXPECT_OK(session_->Commit());
}

// Evaluation against the databases themselves.

class Conditions {
 public:
  sql::Expression Next(int depth = 0) {
    const int kind = Pick(depth < 3 ? 8 : 5);
    switch (kind) {
      case 0:
        return sql::Binary(Comparison(), Number(), Number());
      case 1:
        return sql::Binary(
            Pick(2) == 0 ? sql::BinaryOp::kEqual : sql::BinaryOp::kNotEqual,
            Text(), Text());
      case 2:
        return sql::Unary(
            Pick(2) == 0 ? sql::UnaryOp::kIsNull : sql::UnaryOp::kIsNotNull,
            c.population.column().expression());
      case 3:
        return sql::Between(Number(), Number(), Number(), Pick(2) == 0);
      case 4: {
        std::vector<sql::Expression> list;
        for (int i = Pick(4) + 1; i > 0; --i) list.push_back(Number());
        return sql::In(Number(), std::move(list), Pick(2) == 0);
      }
      case 5:
        return sql::Unary(sql::UnaryOp::kNot, Next(depth + 1));
      case 6:
        return sql::And(Next(depth + 1), Next(depth + 1));
      default:
        return sql::Or(Next(depth + 1), Next(depth + 1));
    }
  }

 private:
  int Pick(int of) { return static_cast<int>(random_() % of); }
  sql::BinaryOp Comparison() {
    static constexpr sql::BinaryOp kAll[] = {
        sql::BinaryOp::kEqual,   sql::BinaryOp::kNotEqual,
        sql::BinaryOp::kLess,    sql::BinaryOp::kLessOrEqual,
        sql::BinaryOp::kGreater, sql::BinaryOp::kGreaterOrEqual};
    return kAll[Pick(6)];
  }
  sql::Expression Number(int depth = 0) {
    static constexpr sql::BinaryOp kAll[] = {sql::BinaryOp::kAdd,
                                             sql::BinaryOp::kSubtract,
                                             sql::BinaryOp::kMultiply};
    switch (Pick(depth == 0 ? 5 : 4)) {
      case 0:
        return c.id.column().expression();
      case 1:
      case 2:
        return c.population.column().expression();
      case 3:
        return sql::Literal(std::int64_t{Pick(5) * 10});
      default:
        return sql::Binary(kAll[Pick(3)], c.population.column().expression(),
                           sql::Literal(std::int64_t{Pick(4)}));
    }
  }
  sql::Expression Text() {
    static constexpr const char* kNames[] = {"EU1", "AS2", "eu1", "EU", "AF"};
    switch (Pick(4)) {
      case 0:
        return c.name.column().expression();
      case 1:
        return c.continent.column().expression();
      default:
        return sql::Literal(sql::Value(kNames[Pick(5)]));
    }
  }
  std::mt19937 random_{4711};
};

TEST_P(SynchronizeTest, EvaluatesAsTheDatabasesDo) {
  for (const std::size_t i : {1u, 5u, 6u}) {
    cities_[i]->population = std::nullopt;
  }
  Reload();
  Conditions conditions;
  const int rounds = is_sqlite() ? 240 : 64;
  for (int i = 0; i < rounds; ++i) {
    sql::UpdateStatement update(City::table());
    update.Set(c.population = c.population * 2 - 10).Where(conditions.Next());
    SHARD_ASSERT_OK(Run(sql::Statement(update, &City::class_info()),
                        Synchronize::kEvaluate));
    const auto evaluated = Populations();
    EXPECT_EQ(log().Count("SELECT"), 0u);
    SHARD_ASSERT_OK_AND_ASSIGN(const auto rows, session_->Rows(Select<City>()));
    std::map<std::string, std::optional<std::int64_t>> stored;
    for (const auto& row : rows) stored[row.name] = row.population;
    for (std::size_t city = 0; city < cities_.size(); ++city) {
      EXPECT_EQ(evaluated[city], stored[cities_[city]->name.value()])
          << "round " << i;
    }
    if (i % 8 == 7) {  // before the numbers grow too large
      session_->Rollback();
      Reload();
    }
    log().Clear();
  }
}

SHARD_ON_DATABASES(SynchronizeTest, "sqlite", "postgresql", "mixed");

}  // namespace
}  // namespace shard::testing
