// Flushes that fail: what is said, what is written, what can be done.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/errors.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto& c = Account::c;

class FlushErrorTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (IsSkipped()) return;
    engine_ = NewEngine("main", {&Account::table(), &Line::table()});
  }
  std::shared_ptr<Account> Committed(ShardedSession& session) {
    auto account = MakeAccount("ada", 1);
    EXPECT_THAT(session.Add(account), IsOk());
    EXPECT_THAT(session.Commit(), IsOk());
    EXPECT_EQ(account->balance.value(), 1);
    EXPECT_THAT(session.Commit(), IsOk());
    log().Clear();
    return account;
  }

  std::shared_ptr<Engine> engine_;
};

TEST_P(FlushErrorTest, StaleUpdateNamesClassAndKey) {
  ShardedSession session(engine_);
  const auto account = Committed(session);
  RunSql(engine_, "delete from accounts");
  account->balance = 2;
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kAborted,
                       AllOf(HasSubstr("UPDATE of"), HasSubstr("Account 1"),
                             HasSubstr("0 rows"), HasSubstr("main"))));
}

TEST_P(FlushErrorTest, StaleUpdateAmongGoodOnes) {
  ShardedSession session(engine_);
  const auto first = Committed(session);
  const auto second = Committed(session);
  RunSql(engine_, "delete from accounts where id = 2");
  first->balance = 2;
  second->balance = 2;
  EXPECT_THAT(session.Commit(),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("Account 2")));
  session.Rollback();
  EXPECT_EQ(ReadNumber(engine_, "select balance from accounts"), 1);
}

TEST_P(FlushErrorTest, StaleExpressionUpdateAndDelete) {
  ShardedSession session(engine_);
  const auto account = Committed(session);
  RunSql(engine_, "delete from accounts");
  account->balance = c.balance + 1;
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("Account 1")));
  session.Rollback();
  SHARD_ASSERT_OK(session.Delete(account));
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kAborted,
                       AllOf(HasSubstr("DELETE of"), HasSubstr("Account 1"))));
}

TEST_P(FlushErrorTest, UpdateToTheSameValueIsNotStale) {
  ShardedSession session(engine_);
  const auto account = Committed(session);
  RunSql(engine_, "update accounts set balance = 5");
  account->balance = 5;
  SHARD_EXPECT_OK(session.Commit());
}

TEST_P(FlushErrorTest, ConstraintPoisonsTheTransaction) {
  ShardedSession session(engine_);
  const auto account = Committed(session);
  account->balance = 50;
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK(session.Add(MakeAccountWithId(1, "double")));
  const absl::Status failed = session.Flush();
  EXPECT_THAT(failed,
              StatusIs(absl::StatusCode::kAlreadyExists,
                       AllOf(HasSubstr("main"), Not(HasSubstr("double")))));
  EXPECT_TRUE(DatabaseCode(failed).has_value());
  EXPECT_THAT(session.Commit(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("Rollback"), HasSubstr("main"))));
  EXPECT_THAT(session.Flush(), HasCode(absl::StatusCode::kFailedPrecondition));
  session.Rollback();
  EXPECT_EQ(account->balance.value(), 1);
  account->balance = 2;
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(engine_, "select balance from accounts"), 2);
  EXPECT_EQ(CountRows(engine_, "accounts"), 1);
}

TEST_P(FlushErrorTest, MissingRequiredValue) {
  ShardedSession session(engine_);
  SHARD_ASSERT_OK(session.Add(std::make_shared<Account>()));
  EXPECT_THAT(session.Flush(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                        HasSubstr("owner")));
  session.Rollback();
  EXPECT_EQ(CountRows(engine_, "accounts"), 0);
}

TEST_P(FlushErrorTest, HalfWrittenFlushIsUndoneInTheObjects) {
  ShardedSession session(engine_);
  SHARD_ASSERT_OK(session.Add(MakeAccountWithId(5, "first")));
  SHARD_ASSERT_OK(session.Commit());
  const auto good = MakeAccount("good");
  const auto bad = MakeAccountWithId(5, "bad");
  SHARD_ASSERT_OK(session.AddAll(std::vector{good, bad}));
  EXPECT_THAT(session.Flush(), HasCode(absl::StatusCode::kAlreadyExists));
  session.Rollback();
  EXPECT_EQ(good->object_state(), ObjectState::kTransient);
  EXPECT_EQ(bad->object_state(), ObjectState::kTransient);
  EXPECT_EQ(good->id.state(), AttributeState::kUnset);
  EXPECT_EQ(bad->id.value(), 5);
  bad->id = 100;
  SHARD_ASSERT_OK(session.AddAll(std::vector{good, bad}));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(engine_, "accounts"), 3);
}

TEST_P(FlushErrorTest, ErrorsInPlanningCanBeMended) {
  ShardedSession session(engine_);
  const auto account = Committed(session);
  account->balance = 9;
  auto line = std::make_shared<Line>();
  line->order_id = 1;
  SHARD_ASSERT_OK(session.Add(MakeAccount("new")));
  SHARD_ASSERT_OK(session.Add(line));
  EXPECT_THAT(session.Flush(), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(log().CountAll(), 0u);
  EXPECT_THAT(session.Commit(), HasCode(absl::StatusCode::kInvalidArgument));
  line->position = "p";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(engine_, "accounts"), 2);
  EXPECT_EQ(CountRows(engine_, "lines"), 1);
  EXPECT_EQ(account->balance.value(), 9);
}

TEST_P(FlushErrorTest, AutoflushSaysSo) {
  ShardedSession session(engine_);
  auto line = std::make_shared<Line>();
  line->order_id = 1;
  SHARD_ASSERT_OK(session.Add(line));
  EXPECT_THAT(
      session.Scalars(Select<Account>()),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("autoflush"), HasSubstr("Line.position"))));
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(FlushErrorTest, WithoutAutoflush) {
  SessionOptions options;
  auto resolver =
      std::make_shared<FunctionResolver>([this](const BindRequest&) {
        return Bind{engine_.get(), ShardId()};
      });
  options.resolver = resolver;
  options.autoflush = false;
  ShardedSession session(options);
  SHARD_ASSERT_OK(session.Add(MakeAccount("new")));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto none,
                             session.Scalars(Select<Account>()));
  EXPECT_TRUE(none.empty());
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto one,
                             session.Scalars(Select<Account>()));
  EXPECT_EQ(one.size(), 1u);
}

TEST_P(FlushErrorTest, RowsThatATriggerSwallows) {
  if (!is_sqlite()) GTEST_SKIP() << "needs a trigger written for PostgreSQL";
  RunSql(engine_,
         "create trigger swallow before insert on accounts "
         "when new.owner = 'ghost' begin select raise(ignore); end");
  ShardedSession session(engine_);
  const auto ghost = MakeAccount("ghost");
  ghost->balance = SqlText<std::int64_t>("1");
  SHARD_ASSERT_OK(session.Add(ghost));
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("Account"), HasSubstr("trigger"))));
  session.Rollback();
  EXPECT_EQ(ghost->object_state(), ObjectState::kTransient);
}

SHARD_ON_DATABASES(FlushErrorTest, "sqlite", "postgresql");

// Over shards.

class ShardedFlushTest : public DatabaseTest {};

TEST_P(ShardedFlushTest, RowsThatAlternateAreOneInsertForEachShard) {
  const auto resolver = CitiesByContinent();
  ShardedSession session(WithResolver(resolver));
  std::vector<std::shared_ptr<City>> cities;
  for (int i = 0; i < 6; ++i) {
    cities.push_back(MakeCity(i % 2 == 0 ? "EU" : "AS", std::to_string(i)));
  }
  SHARD_ASSERT_OK(session.AddAll(cities));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("INSERT"), 2u);
  EXPECT_EQ(log().Count("INSERT", "europe"), 1u);
  EXPECT_EQ(log().Count("INSERT", "asia"), 1u);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(cities[i]->id.value(), i / 2 + 1);
    EXPECT_EQ(cities[i]->shard().name(), i % 2 == 0 ? "europe" : "asia");
  }
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadText(shard("asia"), "select name from cities where id = 3"),
            "5");
}

TEST_P(ShardedFlushTest, UpdatesAndDeletesGoToTheRowsOwnShard) {
  const auto resolver = CitiesByContinent();
  ShardedSession session(WithResolver(resolver));
  const auto paris = MakeCity("EU", "Paris"), tokyo = MakeCity("AS", "Tokyo");
  SHARD_ASSERT_OK(session.AddAll(std::vector{paris, tokyo}));
  SHARD_ASSERT_OK(session.Commit());
  log().Clear();
  paris->population = 2;
  SHARD_ASSERT_OK(session.Delete(tokyo));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(log().Count("UPDATE", "europe"), 1u);
  EXPECT_EQ(log().Count("DELETE", "asia"), 1u);
  EXPECT_EQ(log().CountAll(), 2u);
  log().Clear();
  EXPECT_EQ(paris->population.value(), 2);  // from its own shard
  EXPECT_EQ(log().Count("SELECT", "europe"), 1u);
  EXPECT_EQ(log().CountAll(), 1u);
}

TEST_P(ShardedFlushTest, OneBadRowWritesNothingAnywhere) {
  const auto resolver = CitiesByContinent();
  ShardedSession session(WithResolver(resolver));
  const auto mars = MakeCity("MARS", "Olympus");
  SHARD_ASSERT_OK(session.Add(MakeCity("EU", "Paris")));
  SHARD_ASSERT_OK(session.Add(mars));
  EXPECT_THAT(session.Commit(), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("City.continent")));
  EXPECT_EQ(log().CountAll(), 0u);
  mars->continent = "AF";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRowsOnShards("cities"), 2);
}

TEST_P(ShardedFlushTest, ErrorOnOneShardNamesItAndUndoesAll) {
  const auto resolver = CitiesByContinent();
  RunSql(shard("asia"), "insert into cities (id, name) values (1, 'x')");
  ShardedSession session(WithResolver(resolver));
  const auto paris = MakeCity("EU", "Paris"), tokyo = MakeCity("AS", "Tokyo");
  paris->id = 1;
  tokyo->id = 1;
  SHARD_ASSERT_OK(session.AddAll(std::vector{paris, tokyo}));
  EXPECT_THAT(session.Commit(), StatusIs(absl::StatusCode::kAlreadyExists,
                                         HasSubstr("shard 'asia'")));
  EXPECT_THAT(session.Commit(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                         HasSubstr("shard 'asia'")));
  session.Rollback();
  EXPECT_EQ(CountRows(shard("europe"), "cities"), 0);
  EXPECT_EQ(paris->object_state(), ObjectState::kTransient);
  EXPECT_TRUE(paris->shard().is_none());
  tokyo->id = 2;
  SHARD_ASSERT_OK(session.AddAll(std::vector{paris, tokyo}));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRowsOnShards("cities"), 3);
}

SHARD_ON_DATABASES(ShardedFlushTest, "sqlite", "postgresql", "mixed");

}  // namespace
}  // namespace shard::testing
