// Execute, Scalars and ConnectionFor: statements of the user's own.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr auto& c = Account::c;

class ExecuteTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (IsSkipped()) return;
    engine_ = NewEngine("main", {&Account::table(), &City::table()});
    RunSql(engine_,
           "insert into accounts (owner, balance) values "
           "('ada', 10), ('bob', 20), ('eve', 30)");
  }
  std::shared_ptr<Engine> engine_;
};

// Text.

TEST_P(ExecuteTest, TextWithParameters) {
  ShardedSession session(engine_);
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto result,
      session.Execute("select id, owner from accounts where balance > :least "
                      "and owner <> :not and balance > :least order by id",
                      {{"least", 10}, {"not", "eve"}}));
  ASSERT_EQ(result.columns().size(), 2u);
  EXPECT_EQ(result.columns()[1].name, "owner");
  SHARD_ASSERT_OK_AND_ASSIGN(const Row row, result.One());
  EXPECT_EQ(row.Get<std::int64_t>("id").value(), 2);
  EXPECT_EQ(row.Get<std::string>(1).value(), "bob");
  EXPECT_THAT(row.Get<std::string>("nope"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'nope'"), HasSubstr("id, owner"))));
  EXPECT_THAT(row.Get<std::string>(7),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(
      row.Get<std::int64_t>("owner"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'owner'")));
}

TEST_P(ExecuteTest, ParametersMustFit) {
  ShardedSession session(engine_);
  EXPECT_THAT(session.Execute("select :a", {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a")));
  EXPECT_THAT(session.Execute("select 1", {{"extra", 1}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("extra")));
  EXPECT_EQ(log().CountAll(), 0u);
  SHARD_EXPECT_OK(session.Commit());  // nothing was sent: nothing is poisoned
}

TEST_P(ExecuteTest, TextThatWrites) {
  ShardedSession session(engine_);
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto result,
      session.Execute("update accounts set balance = 0 where id < :id",
                      {{"id", 3}}));
  EXPECT_EQ(result.affected_rows(), 2);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(engine_, "select sum(balance) from accounts"), 30);
}

TEST_P(ExecuteTest, BadTextPoisonsOnlyUntilRollback) {
  ShardedSession session(engine_);
  EXPECT_THAT(session.Execute("selec 1"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'main'"), HasSubstr("selec 1"))));
  session.Rollback();
  SHARD_EXPECT_OK(session.Execute("select 1"));
}

// Constructs.

TEST_P(ExecuteTest, SelectsOfColumns) {
  ShardedSession session(engine_);
  SHARD_ASSERT_OK_AND_ASSIGN(auto result,
                             session.Execute(Select(c.owner, c.balance * 2)
                                                 .Where(c.balance >= 20)
                                                 .OrderBy(Desc(c.balance))));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto rows, result.All());
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(*rows[0].Get<std::string>(0), "eve");
  EXPECT_EQ(*rows[0].Get<std::int64_t>(1), 60);
  SHARD_ASSERT_OK_AND_ASSIGN(auto sum, session.Execute(Select(Sum(c.balance))));
  EXPECT_EQ(sum.Scalar<std::int64_t>().value(), 60);
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto owners,
      session.Scalars(Select(c.owner).OrderBy(c.id).Limit(2)));
  EXPECT_THAT(owners, ElementsAre("ada", "bob"));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto notes, session.Scalars(Select(c.note)));
  EXPECT_THAT(notes, ::testing::Each(::testing::Optional(std::string("none"))));
}

TEST_P(ExecuteTest, OneAndScalarWantOneRow) {
  ShardedSession session(engine_);
  SHARD_ASSERT_OK_AND_ASSIGN(auto none,
                             session.Execute(Select(c.id).Where(c.id == 9)));
  EXPECT_THAT(none.One(), HasCode(absl::StatusCode::kNotFound));
  SHARD_ASSERT_OK_AND_ASSIGN(auto many, session.Execute(Select(c.id)));
  EXPECT_THAT(many.Scalar<std::int64_t>(),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_P(ExecuteTest, ParametersOfConstructs) {
  ShardedSession session(engine_);
  const sql::Statement by_owner =
      Select<Account>().Where(c.owner == Param<std::string>("owner"));
  for (const char* owner : {"ada", "bob"}) {
    SHARD_ASSERT_OK_AND_ASSIGN(auto result,
                               session.Execute(by_owner, {{"owner", owner}}));
    SHARD_ASSERT_OK_AND_ASSIGN(const Row row, result.One());
    EXPECT_EQ(*row.Get<std::string>("owner"), owner);
  }
}

TEST_P(ExecuteTest, InsertUpdateDelete) {
  ShardedSession session(engine_);
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto inserted, session.Execute(Insert<Account>()
                                         .Values(c.owner = "x", c.balance = 1)
                                         .Values(c.owner = "y", c.balance = 2)
                                         .Returning(c.id)));
  EXPECT_EQ(inserted.affected_rows(), 2);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto ids, inserted.All());
  EXPECT_EQ(ids.size(), 2u);
  SHARD_ASSERT_OK_AND_ASSIGN(auto updated,
                             session.Execute(Update<Account>()
                                                 .Set(c.balance = c.balance + 1)
                                                 .Where(c.balance < 20)));
  EXPECT_EQ(updated.affected_rows(), 3);
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto deleted, session.Execute(Delete<Account>().Where(c.owner == "eve")));
  EXPECT_EQ(deleted.affected_rows(), 1);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(engine_, "select sum(balance) from accounts"), 36);
}

TEST_P(ExecuteTest, UpsertByConstruct) {
  ShardedSession session(engine_);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto held, session.Get<Account>(1));
  SHARD_ASSERT_OK(session.Execute(
      Insert<Account>()
          .Values(c.id = 1, c.owner = "new", c.balance = 5)
          .OnConflictUpdate(c.id, c.balance = Excluded(c.balance) + 100)));
  SHARD_ASSERT_OK(
      session.Execute(Insert<Account>()
                          .Values(c.id = 2, c.owner = "new", c.balance = 5)
                          .OnConflictDoNothing(c.id)));
  EXPECT_EQ(held->balance.value(), 105);  // read again
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(engine_, "select sum(balance) from accounts"), 155);
}

TEST_P(ExecuteTest, UpdatesByCriteriaExpireLoadedObjects) {
  ShardedSession session(engine_);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto ada, session.Get<Account>(1));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto bob, session.Get<Account>(2));
  bob->owner = "unflushed";  // flushed first
  SHARD_ASSERT_OK(
      session.Execute(Update<Account>().Set(c.balance = c.balance + 1)));
  EXPECT_EQ(ada->balance.value(), 11);
  EXPECT_EQ(bob->balance.value(), 21);
  EXPECT_EQ(bob->owner.value(), "unflushed");
  SHARD_ASSERT_OK(session.Execute(Delete<Account>().Where(c.id == 1)));
  EXPECT_THAT(ada->owner.Load(), HasCode(absl::StatusCode::kNotFound));
}

TEST_P(ExecuteTest, TablesWithoutAClass) {
  static const sql::Table audit(
      "audit",
      {{.name = "id", .type = sql::ValueType::kInt64, .primary_key = true},
       {.name = "what", .type = sql::ValueType::kText}});
  const auto engine = NewEngine("audit", {&audit});
  ShardedSession session(engine);
  SHARD_ASSERT_OK(session.Execute(sql::InsertStatement(audit).Values(
      {sql::Assign(audit, "what", sql::Literal("login"))})));
  sql::SelectStatement select;
  select.Column(audit.c("what"));
  SHARD_ASSERT_OK_AND_ASSIGN(auto result, session.Execute(select));
  EXPECT_EQ(result.Scalar<std::string>().value(), "login");
}

// Streams.

TEST_P(ExecuteTest, RowsStreamInBatches) {
  ShardedSession session(engine_);
  for (int i = 0; i < 2000; ++i) {
    SHARD_ASSERT_OK(session.Add(MakeAccount("many", i)));
  }
  SHARD_ASSERT_OK_AND_ASSIGN(auto rows,
                             session.Execute(Select(c.id).OrderBy(c.id)));
  std::int64_t seen = 0;
  while (true) {
    SHARD_ASSERT_OK_AND_ASSIGN(const StreamRow* row, rows.Next());
    if (row == nullptr) break;
    ++seen;
    if (seen % 700 == 0) {  // other work on the same connection
      SHARD_ASSERT_OK(session.Get<Account>(seen));
      SHARD_ASSERT_OK(session.Add(MakeCity("EU", "x")));
      SHARD_ASSERT_OK(session.Flush());
    }
  }
  EXPECT_EQ(seen, 2003);
  SHARD_ASSERT_OK_AND_ASSIGN(const StreamRow* row, rows.Next());
  EXPECT_EQ(row, nullptr);  // stays at the end
}

TEST_P(ExecuteTest, TheEndOfTheTransactionEndsStreams) {
  ShardedSession session(engine_);
  const auto ended =
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("transaction"));
  for (int how = 0; how < 3; ++how) {
    SHARD_ASSERT_OK_AND_ASSIGN(auto rows,
                               session.Execute(Select(c.id).OrderBy(c.id)));
    SHARD_ASSERT_OK(rows.Next());
    if (how == 0) {
      SHARD_ASSERT_OK(session.Commit());
    }
    if (how == 1) session.Rollback();
    if (how == 2) session.Close();
    EXPECT_THAT(rows.Next(), ended);
    EXPECT_THAT(rows.All(), ended);
    EXPECT_EQ(rows.columns().size(), 1u);
  }
}

TEST_P(ExecuteTest, ResultsMayOutliveTheirSession) {
  std::optional<Result> rows;
  {
    ShardedSession session(engine_);
    SHARD_ASSERT_OK_AND_ASSIGN(rows, session.Execute(Select(c.id)));
    SHARD_ASSERT_OK(rows->Next());
  }
  EXPECT_THAT(rows->Next(), HasCode(absl::StatusCode::kFailedPrecondition));
}

// Connections.

TEST_P(ExecuteTest, ConnectionsJoinTheTransaction) {
  ShardedSession session(engine_);
  SHARD_ASSERT_OK_AND_ASSIGN(Connection * connection, session.ConnectionFor());
  SHARD_ASSERT_OK_AND_ASSIGN(Connection * same,
                             session.ConnectionFor<Account>());
  EXPECT_EQ(connection, same);
  SHARD_ASSERT_OK(session.Add(MakeAccount("pending")));
  SHARD_ASSERT_OK(connection->ExecuteScript("delete from accounts"));
  session.Rollback();
  EXPECT_EQ(CountRows(engine_, "accounts"), 3);
}

SHARD_ON_DATABASES(ExecuteTest, "sqlite", "postgresql");

// Over shards.

class ShardedExecuteTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (IsSkipped()) return;
    options_ = WithResolver(CitiesByContinent());
    ShardedSession session(options_);
    for (const char* continent : {"EU", "AS", "AF"}) {
      for (int i = 1; i <= 3; ++i) {
        SHARD_ASSERT_OK(session.Add(MakeCity(continent, "c", i)));
      }
    }
    SHARD_ASSERT_OK(session.Commit());
    log().Clear();
  }
  SessionOptions options_;
};

TEST_P(ShardedExecuteTest, InsertedRowsGoOneByOneWhereTheyBelong) {
  ShardedSession session(options_);
  constexpr auto& city = City::c;
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto result,
      session.Execute(Insert<City>()
                          .Values(city.continent = "EU", city.name = "1")
                          .Values(city.continent = "AS", city.name = "2")
                          .Values(city.continent = "EU", city.name = "3")
                          .Returning(city.name)));
  EXPECT_EQ(result.affected_rows(), 3);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto rows, result.All());
  std::vector<std::string> places;
  for (const Row& row : rows) {
    places.push_back(row.shard().name() + *row.Get<std::string>(0));
  }
  EXPECT_THAT(places, UnorderedElementsAre("europe1", "europe3", "asia2"));
  EXPECT_EQ(log().Count("INSERT"), 2u);
  EXPECT_EQ(log().Count("INSERT", "africa"), 0u);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(shard("europe"), "cities"), 5);
  EXPECT_EQ(CountRows(shard("asia"), "cities"), 4);
}

TEST_P(ShardedExecuteTest, InsertedRowsByParameter) {
  ShardedSession session(options_);
  sql::InsertStatement insert(City::table());
  insert.Values({sql::Assign(City::table(), "continent", sql::Parameter("a")),
                 sql::Assign(City::table(), "name", sql::Parameter("n"))});
  insert.Values({sql::Assign(City::table(), "continent", sql::Parameter("b")),
                 sql::Assign(City::table(), "name", sql::Parameter("n"))});
  SHARD_ASSERT_OK(
      session.Execute(insert, {{"a", "AF"}, {"b", "AS"}, {"n", "same"}}));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(shard("africa"), "cities"), 4);
  EXPECT_EQ(CountRows(shard("asia"), "cities"), 4);
}

TEST_P(ShardedExecuteTest, InsertsWithoutAPlaceAreRefused) {
  ShardedSession session(options_);
  constexpr auto& city = City::c;
  EXPECT_THAT(
      session.Execute(Insert<City>()
                          .Values(city.continent = "EU", city.name = "1")
                          .Values(city.continent = "X", city.name = "2")),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("row 2"), HasSubstr("continent"))));
  EXPECT_THAT(
      session.Execute(Insert<City>().Values(city.name = "1")),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("continent")));
  EXPECT_THAT(session.Execute(Insert<City>().Values(city.continent = Null(),
                                                    city.name = "1")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("NULL")));
  EXPECT_THAT(
      session.Execute(Insert<City>().Values(city.continent = Lower(city.name),
                                            city.name = "1")),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("continent")));
  sql::InsertStatement wrong(City::table());
  wrong.Values({sql::Assign(City::table(), "continent", sql::Literal(7)),
                sql::Assign(City::table(), "name", sql::Literal("1"))});
  EXPECT_THAT(session.Execute(sql::Statement(wrong, &City::class_info())),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("City.continent"), HasSubstr("text"),
                             HasSubstr("int32"))));
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(ShardedExecuteTest, WritesByCriteriaSumOverTheShards) {
  ShardedSession session(options_);
  constexpr auto& city = City::c;
  SHARD_ASSERT_OK_AND_ASSIGN(const auto cities,
                             session.Scalars(Select<City>()));
  ASSERT_EQ(cities.size(), 9u);
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(auto updated,
                             session.Execute(Update<City>()
                                                 .Set(city.population = 100)
                                                 .Where(city.population > 1)));
  EXPECT_EQ(updated.affected_rows(), 6);
  EXPECT_EQ(log().Count("UPDATE"), 3u);
  for (const auto& one : cities) {
    EXPECT_EQ(one->population.value() == 100, one->id.value() > 1);
  }
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto deleted, session.Execute(Delete<City>().Where(
                        In(city.continent, {"EU", "AS"}) && city.id == 1)));
  EXPECT_EQ(deleted.affected_rows(), 2);
  EXPECT_EQ(log().Count("DELETE"), 2u);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRowsOnShards("cities"), 7);
}

TEST_P(ShardedExecuteTest, UpdateOfTheShardKeyIsRefused) {
  ShardedSession session(options_);
  constexpr auto& city = City::c;
  EXPECT_THAT(
      session.Execute(
          Update<City>().Set(city.continent = "AS").Where(city.id == 1)),
      StatusIs(absl::StatusCode::kUnimplemented,
               AllOf(HasSubstr("continent"), HasSubstr("shard"))));
  EXPECT_EQ(log().CountAll(), 0u);
  // Where the rows stay on their shard there is no harm.
  SHARD_EXPECT_OK(session.Execute(
      Update<City>().Set(city.continent = "AS").Where(city.continent == "AS")));
}

TEST_P(ShardedExecuteTest, TextNeedsOneShard) {
  ShardedSession session(options_);
  EXPECT_THAT(session.Execute("select count(*) from cities"),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(
      session.Execute("select count(*) from cities", {}, BindTo<City>()),
      StatusIs(absl::StatusCode::kUnimplemented,
               AllOf(HasSubstr("raw SQL text"), HasSubstr("'asia'"))));
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto result,
      session.Execute("select count(*) from cities where id > :id", {{"id", 1}},
                      BindTo<City>().OnShard("asia")));
  EXPECT_EQ(result.Scalar<std::int64_t>().value(), 2);
  SHARD_ASSERT_OK_AND_ASSIGN(
      result, session.Execute("delete from cities", {}, OnShard("africa")));
  EXPECT_EQ(result.affected_rows(), 3);
}

TEST_P(ShardedExecuteTest, ConnectionsAreForOneShard) {
  ShardedSession session(options_);
  EXPECT_THAT(session.ConnectionFor(),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(session.ConnectionFor<City>(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("name the shard")));
  SHARD_ASSERT_OK_AND_ASSIGN(Connection * asia,
                             session.ConnectionFor(OnShard("asia")));
  SHARD_ASSERT_OK(asia->ExecuteScript("delete from cities"));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(shard("asia"), "cities"), 0);
  EXPECT_EQ(CountRows(shard("europe"), "cities"), 3);
}

SHARD_ON_DATABASES(ShardedExecuteTest, "sqlite", "postgresql", "mixed");

}  // namespace
}  // namespace shard::testing
