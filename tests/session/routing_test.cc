// Where a session's work goes: by class, by rules of the user's own, by row.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/chooser_resolver.h"
#include "shard/router/hash_strategy.h"
#include "shard/router/list_strategy.h"
#include "shard/router/request_values.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/session_maker.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class RoutingTest : public DatabaseTest {
 protected:
  std::shared_ptr<HorizontalResolver> CitiesOn(std::shared_ptr<Engine> europe,
                                               std::shared_ptr<Engine> asia) {
    HorizontalOptions options;
    options.shards = {{"europe", std::move(europe)}, {"asia", std::move(asia)}};
    options.rules.push_back(
        ShardBy(City::c.continent,
                *ListStrategy::Create({{"EU", "europe"}, {"AS", "asia"}})));
    return *HorizontalResolver::Create(std::move(options));
  }
};

// Vertical.

TEST_P(RoutingTest, ClassesInDatabasesOfTheirOwn) {
  const auto people = NewEngine("people", {&Account::table()});
  const auto places = NewEngine("places", {&City::table()});
  auto resolver = std::make_shared<VerticalResolver>();
  resolver->BindClass(Account::class_info(), people)
      .BindClass(City::class_info(), places);
  ShardedSession session(WithResolver(resolver));
  SHARD_ASSERT_OK(session.Add(MakeAccount("ada")));
  SHARD_ASSERT_OK(session.Add(MakeCity("EU", "Paris")));
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
  EXPECT_EQ(done.shares.size(), 2u);
  EXPECT_EQ(log().Count("INSERT", "people"), 1u);
  EXPECT_EQ(log().Count("INSERT", "places"), 1u);
  SHARD_ASSERT_OK_AND_ASSIGN(auto count,
                             session.Execute(Select(Count()).From<City>()));
  EXPECT_EQ(count.Scalar<std::int64_t>().value(), 1);
  SHARD_ASSERT_OK_AND_ASSIGN(
      count,
      session.Execute("select count(*) from accounts", {}, BindTo<Account>()));
  EXPECT_EQ(count.Scalar<std::int64_t>().value(), 1);
  SHARD_ASSERT_OK(session.Commit());
  // Nobody asked the other one.
  log().Clear();
  SHARD_ASSERT_OK(session.Scalars(Select<City>()));
  EXPECT_EQ(log().Count("", "people"), 0u);
}

TEST_P(RoutingTest, UnboundClassesWriteNothing) {
  const auto people = NewEngine("people", {&Account::table()});
  auto resolver = std::make_shared<VerticalResolver>();
  resolver->BindClass(Account::class_info(), people);
  ShardedSession session(WithResolver(resolver));
  const auto city = MakeCity("EU", "Paris");
  SHARD_ASSERT_OK(session.Add(MakeAccount("ada")));
  SHARD_ASSERT_OK(session.Add(city));
  const auto unbound = StatusIs(absl::StatusCode::kFailedPrecondition,
                                AllOf(HasSubstr("City"), HasSubstr("bind")));
  EXPECT_THAT(session.Commit(), unbound);
  EXPECT_EQ(log().CountAll(), 0u);
  SHARD_ASSERT_OK(session.Expunge(*city));
  EXPECT_THAT(session.Get<City>(1), unbound);
  EXPECT_THAT(session.ConnectionFor<City>(), unbound);
  EXPECT_THAT(session.Execute("select 1"),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(
      session.Scalars(Select<City>()),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("'cities'")));
  SHARD_EXPECT_OK(session.Commit());
}

TEST_P(RoutingTest, StatementsOverTwoDatabasesAreRefused) {
  auto resolver = std::make_shared<VerticalResolver>();
  resolver
      ->BindClass(Account::class_info(),
                  NewEngine("people", {&Account::table()}))
      .BindClass(City::class_info(), NewEngine("places", {&City::table()}));
  ShardedSession session(WithResolver(resolver));
  EXPECT_THAT(session.Execute(Select(City::c.name, Account::c.owner)
                                  .From<City>()
                                  .Join<Account>(City::c.id == Account::c.id)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("City"), HasSubstr("'accounts'"))));
}

// Rules of the user's own.

class MasterSlave : public BindResolver {
 public:
  MasterSlave(std::shared_ptr<Engine> master, std::shared_ptr<Engine> slave)
      : master_(std::move(master)), slave_(std::move(slave)) {}
  absl::StatusOr<Bind> Resolve(const BindRequest& request) override {
    const bool reads = request.operation == Operation::kRead ||
                       request.operation == Operation::kRefresh;
    return Bind{reads ? slave_.get() : master_.get(), ShardId()};
  }

 private:
  std::shared_ptr<Engine> master_, slave_;
};

TEST_P(RoutingTest, SubclassSendsWritesToTheMaster) {
  const auto master = NewEngine("master", {&Account::table()});
  const auto slave = NewEngine("slave", {&Account::table()});
  RunSql(slave, "insert into accounts (owner, balance) values (\'old\', 1)");
  RunSql(master, "insert into accounts (owner, balance) values (\'new\', 1)");
  ShardedSession session(
      WithResolver(std::make_shared<MasterSlave>(master, slave)));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto account, session.Get<Account>(1));
  EXPECT_EQ(account->owner.value(), "old");
  account->balance = 5;
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(master, "select balance from accounts"), 5);
  EXPECT_EQ(ReadNumber(slave, "select balance from accounts"), 1);
  // Row 60: an INSERT or UPDATE of the caller's is a write, too.
  SHARD_ASSERT_OK(session.Execute(Insert<Account>().Values(
      Account::c.owner = "x", Account::c.balance = 0)));
  SHARD_ASSERT_OK(session.Execute(Delete<Account>()));
  EXPECT_EQ(log().Count("INSERT", "slave") + log().Count("DELETE", "slave"),
            0u);
}

TEST_P(RoutingTest, LambdaSeesWhatIsAsked) {
  const auto engine = NewEngine("main", {&Account::table()});
  std::vector<Operation> seen;
  ShardedSession session(WithResolver(std::make_shared<FunctionResolver>(
      [&](const BindRequest& request) -> absl::StatusOr<Bind> {
        seen.push_back(request.operation);
        EXPECT_EQ(request.class_info, &Account::class_info());
        return Bind{engine.get(), ShardId()};
      })));
  const auto account = MakeAccount("ada");
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(account->owner.value(), "ada");
  SHARD_ASSERT_OK(session.Scalars(Select<Account>()));
  SHARD_ASSERT_OK(session.Execute(Delete<Account>()));
  EXPECT_THAT(seen,
              ::testing::ElementsAre(Operation::kFlush, Operation::kRefresh,
                                     Operation::kRead, Operation::kExecute));
}

TEST_P(RoutingTest, ErrorsOfAResolverStopBeforeAnySql) {
  const auto engine = NewEngine("main", {&Account::table()});
  ShardedSession session(WithResolver(std::make_shared<FunctionResolver>(
      [&](const BindRequest& request) -> absl::StatusOr<Bind> {
        auto owner = request.object->Read(Account::c.owner.column());
        if (owner.ok() && owner->bytes() == "mallory") {
          return absl::PermissionDeniedError("not for mallory");
        }
        return Bind{engine.get(), ShardId()};
      })));
  const auto mallory = MakeAccount("mallory");
  SHARD_ASSERT_OK(session.AddAll(std::vector{MakeAccount("ada"), mallory}));
  EXPECT_THAT(session.Commit(), StatusIs(absl::StatusCode::kPermissionDenied,
                                         HasSubstr("not for mallory")));
  EXPECT_EQ(log().CountAll(), 0u);
  mallory->owner = "bob";
  SHARD_EXPECT_OK(session.Commit());
}

TEST_P(RoutingTest, AnswersThatMakeNoSense) {
  class Bad : public BindResolver {
   public:
    absl::StatusOr<Bind> Resolve(const BindRequest&) override { return Bind{}; }
    absl::StatusOr<BindSet> ResolveAll(const BindRequest&) override {
      return BindSet{};
    }
  };
  ShardedSession session(WithResolver(std::make_shared<Bad>()));
  SHARD_ASSERT_OK(session.Add(MakeAccount("ada")));
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("engine")));
  session.Rollback();
  EXPECT_THAT(session.Get<Account>(1), HasCode(absl::StatusCode::kInternal));
  EXPECT_THAT(session.Scalars(Select<Account>()),
              HasCode(absl::StatusCode::kInternal));
}

TEST_P(RoutingTest, TheSamePlaceTwiceIsRefused) {
  class Twice : public BindResolver {
   public:
    explicit Twice(Engine* engine) : bind_{engine, ShardId()} {}
    absl::StatusOr<Bind> Resolve(const BindRequest&) override { return bind_; }
    absl::StatusOr<BindSet> ResolveAll(const BindRequest&) override {
      return BindSet{bind_, bind_};
    }

   private:
    Bind bind_;
  };
  const auto engine = NewEngine("main", {&Account::table()});
  ShardedSession session(WithResolver(std::make_shared<Twice>(engine.get())));
  SHARD_ASSERT_OK(session.Add(MakeAccountWithId(1, "ada")));
  SHARD_ASSERT_OK(session.Commit());
  session.ExpireAll();
  const auto refused = StatusIs(absl::StatusCode::kInternal,
                                AllOf(HasSubstr("'main'"), HasSubstr("twice")));
  EXPECT_THAT(session.Scalars(Select<Account>()), refused);
  EXPECT_THAT(session.Execute(Update<Account>().Set(Account::c.balance = 1)),
              refused);
  EXPECT_THAT(session.Get<Account>(1), refused);
}

TEST_P(RoutingTest, NoResolverAtAll) {
  ShardedSession session{SessionOptions{}};
  SHARD_ASSERT_OK(session.Add(MakeAccount("ada")));
  const auto refused =
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("bound"));
  EXPECT_THAT(session.Flush(), refused);
  EXPECT_THAT(session.Commit(), refused);
  session.Rollback();
  EXPECT_THAT(session.Get<Account>(1), refused);
  EXPECT_THAT(session.Execute("select 1"), refused);
  EXPECT_THAT(session.Execute(Insert<Account>().Values(Account::c.owner = "x")),
              refused);
  EXPECT_THAT(session.ConnectionFor(), refused);
}

// Horizontal, and nested.

TEST_P(RoutingTest, ByHash) {
  const auto resolver = HashedBy({&Account::c.id.column()}, 2);
  ShardedSession session(WithResolver(resolver));
  for (int i = 1; i <= 20; ++i) {
    SHARD_ASSERT_OK(session.Add(MakeAccountWithId(i, "o")));
  }
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(log().Count("INSERT"), 2u);
  EXPECT_EQ(CountRowsOnShards("accounts"), 20);
  EXPECT_GT(CountRows(shard("s0"), "accounts"), 0);
  EXPECT_GT(CountRows(shard("s1"), "accounts"), 0);
}

TEST_P(RoutingTest, GeneratedKeysCannotBeShardKeys) {
  const auto resolver = HashedBy({&Account::c.id.column()}, 2);
  ShardedSession session(WithResolver(resolver));
  SHARD_ASSERT_OK(session.Add(MakeAccount("ada")));
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("Account.id"), HasSubstr("not set"))));
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(RoutingTest, ShardKeysUnsetNullUnknownOrExpressions) {
  ShardedSession session(WithResolver(CitiesByContinent()));
  const auto city = std::make_shared<City>();
  city->name = "Atlantis";
  SHARD_ASSERT_OK(session.Add(city));
  const auto fails = [&](const std::string& words) {
    EXPECT_THAT(session.Flush(),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("City.continent"), HasSubstr(words))));
  };
  fails("not set");
  city->continent = std::nullopt;
  fails("NULL");
  city->continent = "MARS";
  fails("City.continent");
  city->continent = Lower(City::c.name);
  fails("SQL expression");
  city->continent = Null();
  fails("SQL expression");
  EXPECT_EQ(log().CountAll(), 0u);
  city->continent = "AF";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(city->shard().name(), "africa");
}

TEST_P(RoutingTest, ObjectsDoNotMove) {
  ShardedSession session(WithResolver(CitiesByContinent()));
  const auto city = MakeCity("EU", "Istanbul");
  SHARD_ASSERT_OK(session.Add(city));
  SHARD_ASSERT_OK(session.Commit());
  log().Clear();
  city->continent = "AS";
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("City 1"), HasSubstr("'asia'"),
                             HasSubstr("'europe'"))));
  city->continent = std::nullopt;
  EXPECT_THAT(session.Flush(), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(log().CountAll(), 0u);
  city->continent = "EU";
  city->name = "Stamboul";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadText(shard("europe"), "select name from cities"), "Stamboul");
}

TEST_P(RoutingTest, CompositeShardKeysOfWhichOnePartIsChanged) {
  static const sql::Column* const kKey[] = {&City::c.continent.column(),
                                            &City::c.name.column()};
  HorizontalOptions options;
  options.shards = NewShards(2, {&City::table()});
  options.rules.push_back(
      ShardBy({kKey[0], kKey[1]}, *HashStrategy::Create({"s0", "s1"})));
  const auto resolver = HorizontalResolver::Create(std::move(options));
  SHARD_ASSERT_OK(resolver);
  ShardedSession session(WithResolver(*resolver));
  const auto city = MakeCity("EU", "Paris");
  SHARD_ASSERT_OK(session.Add(city));
  SHARD_ASSERT_OK(session.Commit());
  city->name = "Paris";  // the other part is expired
  SHARD_EXPECT_OK(session.Commit());
}

TEST_P(RoutingTest, NestedVerticalAndHorizontal) {
  const auto europe = NewEngine("e1", {&City::table()});
  const auto asia = NewEngine("e2", {&City::table()});
  const auto people = NewEngine("people", {&Account::table()});
  auto resolver = std::make_shared<VerticalResolver>();
  resolver->BindClass(City::class_info(), CitiesOn(europe, asia))
      .BindDefault(people);
  ShardedSession session(WithResolver(resolver));
  const auto paris = MakeCity("EU", "Paris"), tokyo = MakeCity("AS", "Tokyo");
  const auto ada = MakeAccount("ada");
  SHARD_ASSERT_OK(session.Add(paris));
  SHARD_ASSERT_OK(session.Add(ada));
  SHARD_ASSERT_OK(session.Add(tokyo));
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
  EXPECT_EQ(done.shares.size(), 3u);
  EXPECT_EQ(log().Count("INSERT", "e1"), 1u);
  EXPECT_EQ(log().Count("INSERT", "people"), 1u);
  EXPECT_EQ(paris->shard().name(), "europe");
  EXPECT_TRUE(ada->shard().is_none());
  tokyo->continent = "EU";
  EXPECT_THAT(session.Flush(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                        HasSubstr("'europe'")));
}

TEST_P(RoutingTest, OneEngineAsAShardAndAsADatabaseOfItsOwn) {
  const sql::MetaData both = {&City::table(), &Account::table()};
  const auto first = NewEngine("e1", both), second = NewEngine("e2", both);
  auto resolver = std::make_shared<VerticalResolver>();
  resolver->BindClass(City::class_info(), CitiesOn(first, second))
      .BindClass(Account::class_info(), first);
  ShardedSession session(WithResolver(resolver));
  SHARD_ASSERT_OK(session.Add(MakeAccount("ada")));
  SHARD_ASSERT_OK(session.Commit());
  // Two names for one database are one part of the transaction: they commit and
  // roll back together.
  SHARD_ASSERT_OK(session.Add(MakeAccount("bob")));
  SHARD_ASSERT_OK(session.Add(MakeCity("EU", "Paris")));
  SHARD_ASSERT_OK(session.Flush());
  session.Rollback();
  EXPECT_EQ(CountRows(first, "accounts"), 1);
  EXPECT_EQ(CountRows(first, "cities"), 0);
  SHARD_ASSERT_OK(session.Add(MakeAccount("bob")));
  SHARD_ASSERT_OK(session.Add(MakeCity("EU", "Paris")));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(first, "accounts"), 2);
  EXPECT_EQ(CountRows(first, "cities"), 1);
}

// Engines that are down.

TEST_P(RoutingTest, EngineDown) {
  const auto europe = NewEngine("e1", {&City::table()});
  EngineOptions options;
  options.name = "down";
  const auto down =
      OpenEngine(is_sqlite() ? "sqlite:////nowhere/at/all.db"
                             : "postgresql://user:sesame@127.0.0.1:1/db",
                 options);
  SHARD_ASSERT_OK(down);
  ShardedSession session(WithResolver(CitiesOn(europe, *down)));
  SHARD_ASSERT_OK(session.Add(MakeCity("EU", "Paris")));
  SHARD_ASSERT_OK(session.Add(MakeCity("AS", "Tokyo")));
  EXPECT_THAT(session.Commit(),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("shard 'asia'"), HasSubstr("'down'"),
                             ::testing::Not(HasSubstr("sesame")))));
  EXPECT_EQ(log().CountAll(), 0u);
  session.Rollback();
  EXPECT_EQ(CountRows(europe, "cities"), 0);
  SHARD_ASSERT_OK(session.Add(MakeCity("EU", "Paris")));
  SHARD_EXPECT_OK(session.Commit());
  EXPECT_THAT(session.Scalars(Select<City>()),
              HasCode(absl::StatusCode::kUnavailable));
}

// Several shards at once.

TEST_P(RoutingTest, OnSeveralNamedShards) {
  ShardedSession session(WithResolver(CitiesByContinent()));
  for (const char* continent : {"EU", "AS", "AF"}) {
    SHARD_ASSERT_OK(session.Add(MakeCity(continent, continent)));
  }
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto cities,
      session.Scalars(Select<City>(), {}, OnShards({"africa", "europe"})));
  ASSERT_EQ(cities.size(), 2u);
  EXPECT_EQ(cities[0]->name.value(), "AF");
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto updated, session.Execute(Update<City>().Set(City::c.population = 1),
                                    {}, OnShards({"asia", "europe"})));
  EXPECT_EQ(updated.affected_rows(), 2);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(shard("africa"),
                       "select count(*) from cities where population = 1"),
            0);
  EXPECT_THAT(session.Scalars(Select<City>(), {}, OnShards({"africa", "mars"})),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'mars'")));
  EXPECT_THAT(session.Scalars(Select<City>(), {}, OnShards({"asia", "asia"})),
              HasCode(absl::StatusCode::kInvalidArgument));
  // Row 122: an INSERT goes to one.
  EXPECT_THAT(session.Execute(Insert<City>().Values(City::c.continent = "EU",
                                                    City::c.name = "x"),
                              {}, OnShards({"asia", "europe"})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("'asia', 'europe'")));
  EXPECT_EQ(CountRowsOnShards("cities"), 3);
}

TEST_P(RoutingTest, EachShardIsAskedForItsOwnValues) {
  ShardedSession session(WithResolver(CitiesByContinent()));
  for (const char* continent : {"EU", "AS", "AF"}) {
    SHARD_ASSERT_OK(session.Add(MakeCity(continent, continent)));
  }
  SHARD_ASSERT_OK(session.Commit());
  const auto& c = City::c;
  const sql::Expression list =
      sql::In(ToExpression(c.continent),
              {sql::Literal("AS"), sql::Parameter("p", sql::ValueType::kText),
               sql::Literal("none")});
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto found,
      session.Execute(Select(c.name).From<City>().Where(Typed<bool>(list)),
                      {{"p", "EU"}}));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto rows, found.All());
  EXPECT_EQ(rows.size(), 2u);
  EXPECT_EQ(log().Count("SELECT"), 2u);
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto deleted,
      session.Execute(Delete<City>().Where(Typed<bool>(list)), {{"p", "EU"}}));
  EXPECT_EQ(deleted.affected_rows(), 2);
  // A value that nobody asks for is still a mistake.
  EXPECT_THAT(
      session.Execute(Select(c.name).From<City>().Where(Typed<bool>(list)),
                      {{"p", "EU"}, {"q", 1}}),
      HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_P(RoutingTest, StatementsWithoutAKey) {
  HorizontalOptions options;
  options.shards = {{"europe", NewEngine("e", {&City::table()})},
                    {"asia", NewEngine("a", {&City::table()})}};
  options.rules.push_back(
      ShardBy(City::c.continent,
              *ListStrategy::Create({{"EU", "europe"}, {"AS", "asia"}})));
  options.reads_without_key = KeylessReads::UpTo(3);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto resolver,
                             HorizontalResolver::Create(std::move(options)));
  ShardedSession session(WithResolver(resolver));
  for (int i = 0; i < 3; ++i) {
    auto city = MakeCity(i == 0 ? "EU" : "AS", "x");
    city->id = i + 1;
    SHARD_ASSERT_OK(session.Add(city));
  }
  SHARD_ASSERT_OK(session.Commit());
  const auto& c = City::c;
  const auto update = Update<City>().Set(c.population = 1);
  const auto denied =
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("'cities.continent'"), HasSubstr("all_shards")));
  EXPECT_THAT(session.Execute(update), denied);
  EXPECT_THAT(session.Execute(Delete<City>().Where(c.id == 1)), denied);
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto updated, session.Execute(update, {}, {}, {.all_shards = true}));
  EXPECT_EQ(updated.affected_rows(), 3);
  SHARD_ASSERT_OK(session.Execute(
      Update<City>().Set(c.population = 2).Where(c.continent == "EU")));

  // Three rows are allowed, sorted or not; of more the fourth is an error.
  SHARD_EXPECT_OK(session.Scalars(Select<City>()));
  SHARD_EXPECT_OK(session.Scalars(Select<City>().OrderBy(c.id)));
  auto fourth = MakeCity("AS", "x");
  fourth->id = 4;
  SHARD_ASSERT_OK(session.Add(fourth));
  const auto too_many = StatusIs(absl::StatusCode::kResourceExhausted,
                                 AllOf(HasSubstr("City"), HasSubstr("3 rows")));
  EXPECT_THAT(session.Scalars(Select<City>()), too_many);
  EXPECT_THAT(session.Scalars(Select<City>().OrderBy(c.id)), too_many);
  SHARD_EXPECT_OK(session.Scalars(Select<City>().OrderBy(c.id).Limit(3)));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto asia,
      session.Scalars(Select<City>().Where(c.continent == "AS")));
  EXPECT_EQ(asia.size(), 3u);
  SHARD_EXPECT_OK(
      session.Scalars(Select<City>(), {}, OnShards({"europe", "asia"})));
}

// Choosers by hand.

TEST_P(RoutingTest, ByChoosers) {
  using Names = std::vector<std::string>;
  Choosers choosers;
  choosers.shard =
      [](const BindRequest& request) -> absl::StatusOr<std::string> {
    const auto continent = KnownValue(request, City::c.continent);
    if (!continent.ok()) return continent.status();
    return continent->view().bytes() == "EU" ? "europe" : "asia";
  };
  choosers.identity = [](const BindRequest&) -> absl::StatusOr<Names> {
    return Names{"europe", "asia"};
  };
  choosers.statement = [](const BindRequest& request) -> absl::StatusOr<Names> {
    const auto continents = PossibleValues(request, City::c.continent);
    if (continents.has_value() && continents->size() == 1 &&
        continents->front().view().bytes() == "EU") {
      return Names{"europe"};
    }
    return Names{"europe", "asia"};
  };
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto resolver,
      ChooserResolver::Create({{"europe", NewEngine("e", {&City::table()})},
                               {"asia", NewEngine("a", {&City::table()})}},
                              choosers));
  ShardedSession session(WithResolver(resolver));
  const auto paris = MakeCity("EU", "Paris"), tokyo = MakeCity("AS", "Tokyo");
  paris->id = 1;
  tokyo->id = 2;
  SHARD_ASSERT_OK(session.AddAll(std::vector{paris, tokyo}));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(paris->shard().name(), "europe");
  EXPECT_EQ(tokyo->shard().name(), "asia");
  // A stored object stays where it is.
  tokyo->continent = "EU";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(log().Count("UPDATE", "a"), 1u);
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto found,
      session.Scalars(Select<City>().Where(City::c.continent == "EU")));
  EXPECT_EQ(found.size(), 1u);
  EXPECT_EQ(log().Count("SELECT", "a"), 0u);
  ShardedSession other(WithResolver(resolver));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto by_key, other.Get<City>(2));
  ASSERT_NE(by_key, nullptr);
  EXPECT_EQ(by_key->shard().name(), "asia");
}

SHARD_ON_DATABASES(RoutingTest, "sqlite", "postgresql", "mixed");

}  // namespace
}  // namespace shard::testing
