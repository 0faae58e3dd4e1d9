// Engines over a fake database: pool, registry, schema and errors.
#include "shard/dialects/engine.h"

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/registry.h"
#include "shard/dialects/schema.h"
#include "shard/sql/table.h"
#include "shard/tests/dialects/fake_engine.h"

namespace shard {
namespace {

using shard::testing::FakeConnection;
using shard::testing::FakeDatabase;
using shard::testing::FakeOpener;
using shard::testing::HasCode;
using shard::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class EngineTest : public ::testing::Test {
 protected:
  std::unique_ptr<Engine> Make(EngineOptions options) {
    options.name = "till";
    return std::make_unique<Engine>(std::make_unique<FakeOpener>(database_),
                                    std::move(options));
  }
  std::unique_ptr<Engine> Make(std::size_t pool_size = 2) {
    EngineOptions options;
    options.pool_size = pool_size;
    options.pool_timeout = absl::Milliseconds(20);
    return Make(std::move(options));
  }
  static FakeConnection& Fake(PooledConnection& connection) {
    return static_cast<FakeConnection&>(*connection);
  }

  std::shared_ptr<FakeDatabase> database_ = std::make_shared<FakeDatabase>();
};

TEST_F(EngineTest, ConnectsOnlyWhenAsked) {
  const auto engine = Make();
  EXPECT_EQ(database_->opened, 0);
  EXPECT_EQ(engine->open_connections(), 0u);
  EXPECT_EQ(engine->name(), "till");
  EXPECT_EQ(engine->dialect().name(), "plain");
}

TEST_F(EngineTest, ConnectionComesBackAndIsLentAgain) {
  const auto engine = Make();
  for (int i = 0; i < 3; ++i) {
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection connection, engine->Connect());
    EXPECT_EQ(Fake(connection).number(), 1);
  }
  EXPECT_EQ(database_->opened, 1);
  EXPECT_EQ(database_->closed, 0);
  EXPECT_EQ(engine->open_connections(), 1u);
}

TEST_F(EngineTest, LastReturnedIsLentFirst) {
  const auto engine = Make();
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection first, engine->Connect());
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection second, engine->Connect());
  second.Return();
  first.Return();
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection again, engine->Connect());
  EXPECT_EQ(Fake(again).number(), 1);
}

TEST_F(EngineTest, ReturnIsIdempotentAndMovesCarryTheLoan) {
  const auto engine = Make(1);
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection first, engine->Connect());
  PooledConnection second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT: what a move leaves behind
  EXPECT_TRUE(second);
  first.Return();
  EXPECT_THAT(engine->Connect(), HasCode(absl::StatusCode::kResourceExhausted));
  second.Return();
  second.Return();
  EXPECT_FALSE(second);
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection third, engine->Connect());
  // Assigned to, it gives back what it had.
  third = PooledConnection();
  SHARD_EXPECT_OK(engine->Connect());
  EXPECT_EQ(database_->opened, 1);
}

TEST_F(EngineTest, PoolIsBoundedAndSaysWhatToDo) {
  const auto engine = Make(2);
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection a, engine->Connect());
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection b, engine->Connect());
  const absl::Time start = absl::Now();
  EXPECT_THAT(engine->Connect(),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("'till'"), HasSubstr("all 2"),
                             HasSubstr("pool_size"))));
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(19));
  EXPECT_EQ(database_->opened, 2);
  b.Return();
  SHARD_EXPECT_OK(engine->Connect());
}

TEST_F(EngineTest, PoolHasAtLeastOneAndNoMoreThanTheOpenerAllows) {
  const auto none = Make(0);
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection only, none->Connect());
  EXPECT_THAT(none->Connect(), HasCode(absl::StatusCode::kResourceExhausted));

  database_->most_connections = 1;
  const auto many = Make(5);
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection first, many->Connect());
  EXPECT_THAT(many->Connect(), HasCode(absl::StatusCode::kResourceExhausted));
}

TEST_F(EngineTest, WaitsForAConnectionToComeBack) {
  EngineOptions options;
  options.pool_size = 1;
  options.pool_timeout = absl::InfiniteDuration();
  const auto engine = Make(options);
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection held, engine->Connect());
  std::thread later([&held] {
    absl::SleepFor(absl::Milliseconds(20));
    held.Return();
  });
  const auto connection = engine->Connect();
  later.join();
  SHARD_EXPECT_OK(connection);
  EXPECT_EQ(database_->opened, 1);
}

TEST_F(EngineTest, OpenErrorNamesTheEngineAndKeepsItsPayload) {
  const auto engine = Make(1);
  database_->refuses_to_open = true;
  for (int i = 0; i < 3; ++i) {  // and gives its place back each time
    const absl::Status status = engine->Connect().status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable,
                                 AllOf(HasSubstr("cannot connect to 'till'"),
                                       HasSubstr("connection refused"))));
    EXPECT_EQ(status.GetPayload("code"), absl::Cord("08001"));
  }
  EXPECT_EQ(engine->open_connections(), 0u);
  database_->refuses_to_open = false;
  SHARD_EXPECT_OK(engine->Connect());
}

TEST_F(EngineTest, LostConnectionIsReplaced) {
  const auto engine = Make(1);
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection connection, engine->Connect());
  SHARD_ASSERT_OK(connection->Begin());
  Fake(connection).Lose();
  connection.Return();
  EXPECT_EQ(database_->closed, 1);
  EXPECT_EQ(engine->open_connections(), 0u);
  EXPECT_THAT(database_->scripts(), ElementsAre("BEGIN"));  // nobody listens
  SHARD_ASSERT_OK_AND_ASSIGN(connection, engine->Connect());
  EXPECT_EQ(Fake(connection).number(), 2);
}

TEST_F(EngineTest, OpenTransactionIsRolledBackOnReturn) {
  const auto engine = Make(1);
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection connection, engine->Connect());
  SHARD_ASSERT_OK(connection->Begin());
  connection.Return();
  EXPECT_THAT(database_->scripts(), ElementsAre("BEGIN", "ROLLBACK"));
  SHARD_ASSERT_OK_AND_ASSIGN(connection, engine->Connect());
  EXPECT_EQ(Fake(connection).number(), 1);
  EXPECT_FALSE(connection->in_transaction());
  SHARD_ASSERT_OK(connection->Begin());
  SHARD_ASSERT_OK(connection->Commit());
  connection.Return();
  EXPECT_THAT(database_->scripts(),
              ElementsAre("BEGIN", "ROLLBACK", "BEGIN", "COMMIT"));
}

TEST_F(EngineTest, ConnectionThatCannotRollBackIsThrownAway) {
  const auto engine = Make(1);
  database_->rollback_fails = true;
  for (const bool loses : {false, true}) {
    database_->rollback_failure_loses = loses;
    const int closed = database_->closed;
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection connection, engine->Connect());
    SHARD_ASSERT_OK(connection->Begin());
    connection.Return();
    EXPECT_EQ(database_->closed, closed + 1);
    EXPECT_EQ(engine->open_connections(), 0u);
  }
}

TEST_F(EngineTest, FreshConnectionIsNotAskedForASignOfLife) {
  const auto engine = Make(1);
  SHARD_ASSERT_OK(engine->Connect());
  SHARD_ASSERT_OK(engine->Connect());
  EXPECT_EQ(database_->pings, 0);
}

TEST_F(EngineTest, IdleConnectionIsAskedAndReplacedWhenDead) {
  EngineOptions options;
  options.pool_size = 2;
  options.health_check_after = absl::ZeroDuration();
  const auto engine = Make(options);
  {
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection a, engine->Connect());
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection b, engine->Connect());
  }
  absl::SleepFor(absl::Milliseconds(1));
  SHARD_ASSERT_OK(engine->Connect());
  EXPECT_EQ(database_->pings, 1);
  EXPECT_EQ(database_->opened, 2);

  database_->down = true;  // both idle ones are dead by now
  absl::SleepFor(absl::Milliseconds(1));
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection fresh, engine->Connect());
  EXPECT_EQ(Fake(fresh).number(), 3);
  EXPECT_EQ(database_->closed, 2);
  EXPECT_EQ(engine->open_connections(), 1u);
}

TEST_F(EngineTest, ConnectionThatWasHungUpOnIsReplacedUnasked) {
  const auto engine = Make(1);
  SHARD_ASSERT_OK(engine->Connect());
  database_->hung_up = true;
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection fresh, engine->Connect());
  EXPECT_EQ(Fake(fresh).number(), 2);
  EXPECT_EQ(database_->pings, 0);
}

TEST_F(EngineTest, KnowsWhetherItCanBeReached) {
  const auto engine = Make(2);
  EXPECT_EQ(engine->unreachable_at(), absl::InfinitePast());
  database_->refuses_to_open = true;
  EXPECT_FALSE(engine->Connect().ok());
  EXPECT_LT(absl::AbsDuration(absl::Now() - engine->unreachable_at()),
            absl::Minutes(1));
  database_->refuses_to_open = false;
  SHARD_ASSERT_OK(engine->OpenConnection());
  EXPECT_EQ(engine->unreachable_at(), absl::InfinitePast());
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection one, engine->Connect());
  database_->refuses_to_open = true;
  EXPECT_FALSE(engine->Connect().ok());
  one.Return();
  SHARD_ASSERT_OK(engine->Connect());  // the one that is there still works
  EXPECT_EQ(engine->unreachable_at(), absl::InfinitePast());
}

TEST_F(EngineTest, CountsTheConnectionsOnLoan) {
  const auto engine = Make(2);
  EXPECT_EQ(engine->connections_in_use(), 0u);
  {
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection a, engine->Connect());
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection b, engine->Connect());
    EXPECT_EQ(engine->connections_in_use(), 2u);
    EXPECT_FALSE(engine->Connect().ok());
    Fake(a).Lose();
    EXPECT_EQ(engine->connections_in_use(), 2u);
  }
  EXPECT_EQ(engine->connections_in_use(), 0u);
}

TEST_F(EngineTest, ManyThreadsShareFewConnections) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 200;
  EngineOptions options;
  options.pool_size = 3;
  options.pool_timeout = absl::Seconds(60);
  options.health_check_after = absl::ZeroDuration();
  const auto engine = Make(options);
  std::atomic<int> lent{0};
  std::atomic<int> most{0};
  std::atomic<int> errors{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        auto connection = engine->Connect();
        if (!connection.ok()) {
          ++errors;
          continue;
        }
        const int now = ++lent;
        int seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        if (!(*connection)->Begin().ok()) ++errors;
        if ((i + t) % 7 == 0) Fake(*connection).Lose();
        --lent;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(errors, 0);
  EXPECT_LE(most, 3);
  EXPECT_LE(engine->open_connections(), 3u);
  EXPECT_EQ(database_->opened - database_->closed,
            static_cast<int>(engine->open_connections()));
}

TEST_F(EngineTest, SavepointNamesAreQuoted) {
  const auto engine = Make(1);
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection connection, engine->Connect());
  SHARD_EXPECT_OK(connection->Savepoint("a\"; DROP"));
  SHARD_EXPECT_OK(connection->RollbackTo("b"));
  SHARD_EXPECT_OK(connection->Release("b"));
  EXPECT_THAT(connection->Savepoint(""),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(database_->scripts(), ElementsAre("SAVEPOINT \"a\"\"; DROP\"",
                                                "ROLLBACK TO SAVEPOINT \"b\"",
                                                "RELEASE SAVEPOINT \"b\""));
}

TEST_F(EngineTest, ScriptsCanBeStartedOnManyAndFinishedLater) {
  const auto engine = Make(2);
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection a, engine->Connect());
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection b, engine->Connect());
  SHARD_ASSERT_OK(a->StartScript("ONE"));
  SHARD_ASSERT_OK(b->StartScript("TWO"));
  EXPECT_THAT(database_->scripts(), IsEmpty());
  SHARD_ASSERT_OK(b->FinishScript());
  SHARD_ASSERT_OK(a->FinishScript());
  EXPECT_THAT(database_->scripts(), ElementsAre("TWO", "ONE"));
}

// Connections outside of the pool.

TEST_F(EngineTest, AConnectionOutsideOfThePoolNeedsNoPermit) {
  const auto engine = Make(1);
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection held, engine->Connect());
  SHARD_ASSERT_OK_AND_ASSIGN(std::unique_ptr<Connection> outside,
                             engine->OpenConnection());
  EXPECT_EQ(engine->open_connections(), 1u);
  outside.reset();
  EXPECT_EQ(database_->closed, 1);
  EXPECT_EQ(engine->open_connections(), 1u);
  database_->refuses_to_open = true;
  const absl::Status status = engine->OpenConnection().status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable,
                               HasSubstr("cannot connect to 'till'")));
  EXPECT_EQ(status.GetPayload("code"), absl::Cord("08001"));
}

TEST_F(EngineTest, APrivateDatabaseHasNoSecondConnection) {
  database_->most_connections = 1;
  const auto engine = Make(5);
  EXPECT_THAT(engine->OpenConnection(),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("'till'")));
  EXPECT_EQ(database_->opened, 0);
  // A pool of one is no sign of a private database.
  database_->most_connections = 1000;
  SHARD_EXPECT_OK(Make(1)->OpenConnection());
}

// Checks on connecting.

class ConnectCheckTest : public EngineTest {
 protected:
  // Notes whom it has looked at, and refuses those that the test says.
  Engine::ConnectCheck Check() {
    return [this](Connection& connection) {
      const int number = static_cast<FakeConnection&>(connection).number();
      const std::lock_guard lock(mutex_);
      looked_at_.push_back(number);
      if (number != refused_) return absl::OkStatus();
      absl::Status status = absl::FailedPreconditionError("a stranger");
      status.SetPayload("why", absl::Cord("stamp"));
      return status;
    };
  }
  std::vector<int> looked_at() {
    const std::lock_guard lock(mutex_);
    return looked_at_;
  }

  const int owner_ = 0;
  const int stranger_ = 0;
  std::mutex mutex_;
  std::vector<int> looked_at_;
  int refused_ = 0;  // set while nobody connects
};

TEST_F(ConnectCheckTest, LooksOnceAtEachConnectionThatIsOpened) {
  const auto engine = Make(2);
  SHARD_ASSERT_OK(engine->SetConnectCheck(&owner_, Check()));
  for (int i = 0; i < 3; ++i) SHARD_ASSERT_OK(engine->Connect());
  EXPECT_THAT(looked_at(), ElementsAre(1));
  SHARD_ASSERT_OK(engine->OpenConnection());
  SHARD_ASSERT_OK(engine->OpenConnection());
  EXPECT_THAT(looked_at(), ElementsAre(1, 2, 3));
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection first, engine->Connect());
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection second, engine->Connect());
  EXPECT_EQ(Fake(first).number(), 1);
  EXPECT_THAT(looked_at(), ElementsAre(1, 2, 3, 4));
}

TEST_F(ConnectCheckTest, ARefusedConnectionIsClosedAndItsPlaceIsFree) {
  const auto engine = Make(1);
  SHARD_ASSERT_OK(engine->SetConnectCheck(&owner_, Check()));
  refused_ = 1;
  const absl::Status status = engine->Connect().status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition,
                               "cannot connect to 'till': a stranger"));
  EXPECT_EQ(status.GetPayload("why"), absl::Cord("stamp"));
  EXPECT_EQ(database_->closed, 1);
  EXPECT_EQ(engine->open_connections(), 0u);
  refused_ = 2;
  EXPECT_THAT(engine->OpenConnection(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       "cannot connect to 'till': a stranger"));
  EXPECT_EQ(database_->closed, 2);
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection third, engine->Connect());
  EXPECT_EQ(Fake(third).number(), 3);
}

TEST_F(ConnectCheckTest, IdleConnectionsAreDroppedAndLentOnesOnReturn) {
  const auto engine = Make(3);
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection lent, engine->Connect());
  {
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection a, engine->Connect());
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection b, engine->Connect());
  }
  SHARD_ASSERT_OK(engine->SetConnectCheck(&owner_, Check()));
  EXPECT_EQ(database_->closed, 2);
  EXPECT_EQ(engine->open_connections(), 1u);
  lent.Return();
  EXPECT_EQ(database_->closed, 3);
  EXPECT_EQ(engine->open_connections(), 0u);
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection next, engine->Connect());
  EXPECT_EQ(Fake(next).number(), 4);
  EXPECT_THAT(looked_at(), ElementsAre(4));
}

TEST_F(ConnectCheckTest, HasOneOwner) {
  const auto engine = Make(1);
  SHARD_ASSERT_OK(engine->SetConnectCheck(&owner_, Check()));
  EXPECT_THAT(
      engine->SetConnectCheck(&stranger_, Check()),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("'till'")));
  engine->RemoveConnectCheck(&stranger_);
  SHARD_ASSERT_OK(engine->Connect());
  EXPECT_THAT(looked_at(), ElementsAre(1));

  // Its owner may put another in its place, which looks again.
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection lent, engine->Connect());
  SHARD_ASSERT_OK(engine->SetConnectCheck(&owner_, Check()));
  lent.Return();
  EXPECT_EQ(database_->closed, 1) << "it has passed the first check only";
  SHARD_ASSERT_OK(engine->Connect());
  EXPECT_THAT(looked_at(), ElementsAre(1, 2));

  engine->RemoveConnectCheck(&owner_);
  engine->RemoveConnectCheck(&owner_);
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection kept, engine->Connect());
  EXPECT_EQ(Fake(kept).number(), 2);
  SHARD_ASSERT_OK(engine->OpenConnection());
  EXPECT_THAT(looked_at(), ElementsAre(1, 2));
  SHARD_EXPECT_OK(engine->SetConnectCheck(&stranger_, Check()));
}

TEST_F(ConnectCheckTest, SetWhileAConnectionIsBeingOpenedItLooksAtIt) {
  std::unique_ptr<Engine> engine;
  database_->on_open = [&] {
    SHARD_ASSERT_OK(engine->SetConnectCheck(&owner_, Check()));
  };
  engine = Make(1);
  SHARD_ASSERT_OK(engine->Connect());
  EXPECT_THAT(looked_at(), ElementsAre(1));
  SHARD_ASSERT_OK(engine->OpenConnection());
  EXPECT_THAT(looked_at(), ElementsAre(1, 2));
}

TEST_F(ConnectCheckTest, APrivateDatabaseKeepsItsConnection) {
  database_->most_connections = 1;
  for (const bool lent : {false, true}) {
    const auto engine = Make(1);
    const int opened = database_->opened + 1;
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection first, engine->Connect());
    if (!lent) first.Return();
    SHARD_ASSERT_OK(engine->SetConnectCheck(&owner_, Check()));
    first.Return();
    refused_ = opened;
    looked_at_.clear();
    EXPECT_THAT(engine->Connect(),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         "cannot connect to 'till': a stranger"));
    EXPECT_EQ(engine->open_connections(), 1u);
    refused_ = 0;
    for (int i = 0; i < 2; ++i) {
      SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection again, engine->Connect());
      EXPECT_EQ(Fake(again).number(), opened);
    }
    EXPECT_THAT(looked_at(), ElementsAre(opened, opened));
  }
}

TEST_F(ConnectCheckTest, RemovingWaitsForTheCheckToEnd) {
  const auto engine = Make(1);
  std::promise<void> began;
  std::promise<void> may_end;
  std::atomic<bool> ended{false};
  SHARD_ASSERT_OK(engine->SetConnectCheck(&owner_, [&](Connection&) {
    began.set_value();
    may_end.get_future().wait();
    ended = true;
    return absl::OkStatus();
  }));
  std::thread connecting([&engine] { SHARD_EXPECT_OK(engine->Connect()); });
  began.get_future().wait();
  std::thread ending([&may_end] {
    absl::SleepFor(absl::Milliseconds(20));
    may_end.set_value();
  });
  engine->RemoveConnectCheck(&owner_);
  EXPECT_TRUE(ended);
  connecting.join();
  ending.join();
}

TEST_F(ConnectCheckTest, ReplacedWhileItLooksTheOtherLooksToo) {
  const auto engine = Make(1);
  std::promise<void> began;
  std::promise<void> may_end;
  SHARD_ASSERT_OK(engine->SetConnectCheck(&owner_, [&](Connection&) {
    began.set_value();
    may_end.get_future().wait();
    return absl::OkStatus();
  }));
  std::thread connecting([&engine] { SHARD_EXPECT_OK(engine->Connect()); });
  began.get_future().wait();
  std::thread ending([&may_end] {
    absl::SleepFor(absl::Milliseconds(20));
    may_end.set_value();
  });
  SHARD_EXPECT_OK(engine->SetConnectCheck(&owner_, Check()));
  connecting.join();
  ending.join();
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection next, engine->Connect());
  EXPECT_THAT(looked_at(), ElementsAre(Fake(next).number()));
}

TEST_F(ConnectCheckTest, MayBeSetAndRemovedWhileOthersConnect) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 200;
  EngineOptions options;
  options.pool_size = 3;
  options.pool_timeout = absl::Seconds(60);
  const auto engine = Make(options);
  std::atomic<int> errors{0};
  std::atomic<int> looks{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        if (t == 0 && !engine->OpenConnection().ok()) ++errors;
        auto connection = engine->Connect();
        if (!connection.ok()) ++errors;
      }
    });
  }
  for (int i = 0; i < kRounds; ++i) {
    // Alive only while the check is set: the sanitizers see a later use.
    const auto alive = std::make_unique<int>(0);
    int* const counter = alive.get();
    const auto check = [counter, &looks, this](Connection&) {
      const std::lock_guard lock(mutex_);
      ++*counter;
      ++looks;
      return absl::OkStatus();
    };
    if (!engine->SetConnectCheck(&owner_, check).ok()) ++errors;
    SHARD_EXPECT_OK(engine->Connect());
    engine->RemoveConnectCheck(&owner_);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(errors, 0);
  EXPECT_GE(looks, kRounds);
  EXPECT_EQ(database_->opened - database_->closed,
            static_cast<int>(engine->open_connections()));
}

// Schema.

class SchemaTest : public EngineTest {
 protected:
  const sql::Table boss_{
      "boss",
      {{.name = "id", .type = sql::ValueType::kInt64, .primary_key = true}}};
  const sql::Table team_{
      "team",
      {{.name = "a", .type = sql::ValueType::kText, .primary_key = true},
       {.name = "b",
        .type = sql::ValueType::kDate,
        .primary_key = true,
        .server_default = "'x'"},
       {.name = "c", .type = sql::ValueType::kJson, .nullable = false},
       {.name = "d", .type = sql::ValueType::kDouble}}};
};

TEST_F(SchemaTest, CreatesInOrderAndDropsInTheOpposite) {
  const auto engine = Make(1);
  const sql::MetaData metadata = {&boss_, &team_};
  SHARD_ASSERT_OK(CreateAll(*engine, metadata));
  SHARD_ASSERT_OK(DropAll(*engine, metadata));
  EXPECT_THAT(
      database_->scripts(),
      ElementsAre(
          "BEGIN",
          "CREATE TABLE IF NOT EXISTS \"boss\" (\"id\" int64 NOT NULL, "
          "PRIMARY KEY (\"id\"))",
          "CREATE TABLE IF NOT EXISTS \"team\" (\"a\" text NOT NULL, "
          "\"b\" date NOT NULL DEFAULT 'x', \"c\" json NOT NULL, \"d\" double, "
          "PRIMARY KEY (\"a\", \"b\"))",
          "COMMIT", "BEGIN", "DROP TABLE IF EXISTS \"team\"",
          "DROP TABLE IF EXISTS \"boss\"", "COMMIT"));
}

TEST_F(SchemaTest, ErrorRollsBackAndNamesTheEngine) {
  const auto engine = Make(1);
  const sql::MetaData metadata = {&boss_, &team_};
  for (const char* at : {"BEGIN", "\"team\"", "COMMIT"}) {
    database_->FailOn(at);
    EXPECT_THAT(CreateAll(*engine, metadata),
                StatusIs(absl::StatusCode::kInternal,
                         AllOf(HasSubstr("'till'"), HasSubstr("told to"))))
        << at;
    if (std::string(at) != "BEGIN") {
      EXPECT_EQ(database_->scripts().back(), "ROLLBACK");
    }
  }
}

TEST_F(SchemaTest, BadTableSendsNothing) {
  const auto engine = Make(1);
  const sql::Table bare("bare", {});
  EXPECT_THAT(CreateAll(*engine, {&boss_, &bare}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("'bare' has no columns")));
  const sql::Table nameless("", {{.name = "x"}});
  EXPECT_THAT(CreateAll(*engine, {&boss_, &nameless}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DropAll(*engine, {&nameless}),
              HasCode(absl::StatusCode::kInvalidArgument));
  const sql::Table bad_column("t", {{.name = ""}});
  EXPECT_THAT(CreateAll(*engine, {&bad_column}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(database_->scripts(), IsEmpty());
}

// Registry and OpenEngine.

TEST(RegistryTest, UnknownDialectIsNamedWithThoseThereAre) {
  RegisterDialect("zebra", [](const Url&, const EngineOptions&) {
    return absl::InvalidArgumentError("stripes");
  });
  EXPECT_THAT(OpenEngine("mysql://h/x"),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("'mysql'"), HasSubstr("zebra"))));
  EXPECT_THAT(OpenEngine("zebra://h/x"),
              StatusIs(absl::StatusCode::kInvalidArgument, "stripes"));
}

TEST(RegistryTest, OpenEngineHandsOverTheUrlAndNamesTheEngine) {
  const auto database = std::make_shared<FakeDatabase>();
  std::string password;
  RegisterDialect("fake", [&](const Url& url, const EngineOptions& options) {
    password = url.password;
    EXPECT_EQ(options.pool_size, 7u);
    return absl::StatusOr<std::unique_ptr<Engine::Opener>>(
        std::make_unique<FakeOpener>(database));
  });
  EngineOptions options;
  options.pool_size = 7;
  SHARD_ASSERT_OK_AND_ASSIGN(const auto engine,
                             OpenEngine("fake://u:s3cr3t@h/db", options));
  EXPECT_EQ(password, "s3cr3t");
  EXPECT_EQ(engine->name(), "fake://u:***@h/db");
  EXPECT_EQ(database->opened, 0);
  SHARD_EXPECT_OK(engine->Connect());

  options.name = "my own";
  SHARD_ASSERT_OK_AND_ASSIGN(const auto named,
                             OpenEngine("fake://u:s3cr3t@h/db", options));
  EXPECT_EQ(named->name(), "my own");
  database->refuses_to_open = true;
  EXPECT_THAT(named->Connect(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("'my own'")));
}

// Errors.

TEST(DatabaseErrorTest, CarriesStatementAndCode) {
  const absl::Status status =
      DatabaseError(absl::StatusCode::kAlreadyExists, "duplicate key",
                    "INSERT INTO t VALUES (?)", "23505");
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(status.message(),
            "duplicate key; statement: INSERT INTO t VALUES (?)");
  EXPECT_EQ(DatabaseCode(status), "23505");

  const absl::Status annotated = Annotate(status, "shard 'eu'");
  EXPECT_EQ(annotated.message(),
            "shard 'eu': duplicate key; statement: INSERT INTO t VALUES (?)");
  EXPECT_EQ(annotated.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(DatabaseCode(annotated), "23505");
}

TEST(DatabaseErrorTest, LeavesOutWhatThereIsNot) {
  const absl::Status status =
      DatabaseError(absl::StatusCode::kInternal, "boom", "", "");
  EXPECT_EQ(status.message(), "boom");
  EXPECT_FALSE(DatabaseCode(status).has_value());
  SHARD_EXPECT_OK(Annotate(absl::OkStatus(), "shard 'eu'"));
}

TEST(DatabaseErrorTest, LongStatementIsCut) {
  const std::string exact(240, 'x');
  EXPECT_EQ(
      DatabaseError(absl::StatusCode::kInternal, "w", exact, "").message(),
      "w; statement: " + exact);
  EXPECT_EQ(DatabaseError(absl::StatusCode::kInternal, "w", exact + "y", "")
                .message(),
            "w; statement: " + exact + "...");
}

}  // namespace
}  // namespace shard
