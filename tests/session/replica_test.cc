// A session over a primary and a hot standby that really follows it: the
// standby lags, goes down and comes back.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/schema.h"
#include "shard/router/replica_set.h"
#include "shard/router/topology.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/crash/scratch_folder.h"
#include "shard/tests/crash/server.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::HasSubstr;
using Code = absl::StatusCode;

constexpr auto& c = Account::c;

// Servers take seconds to make, so all tests share these.
struct Servers {
  Servers() : folder(bank::ScratchFolder::Make(/*keep=*/false).value()) {
    auto made = bank::Server::Make(folder.path(), 1);
    if (absl::IsNotFound(made.status())) return;
    primary = std::move(made.value()[0]);
    Run(*primary);
    const auto engine = OpenEngine(primary->url()).value();
    EXPECT_TRUE(CreateAll(*engine, {&Account::table()}).ok());
    standby =
        primary->MakeStandby(absl::StrCat(folder.path(), "/copy")).value();
    Run(*standby);
  }
  static void Run(bank::Server& server) {
    SHARD_ASSERT_OK(server.Start());
    SHARD_ASSERT_OK(server.WaitUntilReady(absl::Seconds(60)));
  }

  bank::ScratchFolder folder;
  std::unique_ptr<bank::Server> primary, standby;
};

class ReplicaTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { servers_ = std::make_unique<Servers>(); }
  static void TearDownTestSuite() { servers_.reset(); }
  void SetUp() override {
    if (servers_->primary == nullptr) {
      GTEST_SKIP() << "PostgreSQL is not installed";
    }
    primary_ =
        OpenEngine(servers_->primary->url(), {.name = "primary"}).value();
    standby_ =
        OpenEngine(servers_->standby->url(), {.name = "standby"}).value();
    options_.primary = primary_;
    options_.replicas = {{standby_}};
    options_.sample_every = absl::ZeroDuration();
    options_.retry_after = absl::ZeroDuration();
    Run(*primary_, "truncate accounts");
    CatchUp();
  }
  void TearDown() override {
    if (servers_->primary == nullptr) return;
    Run(*standby_, "select pg_wal_replay_resume()");
  }

  SessionOptions Options() {
    auto set = ReplicaSet::Create(options_).value();
    return {.resolver = std::move(set)};
  }
  static void Run(Engine& engine, const std::string& text) {
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection connection, engine.Connect());
    SHARD_ASSERT_OK(connection->ExecuteScript(text));
  }
  static ReplicationState StateOf(Engine& engine) {
    PooledConnection connection = engine.Connect().value();
    return connection->ReadReplication().value().value();
  }
  // Waits until the standby shows all there is.
  void CatchUp() {
    const std::uint64_t position = StateOf(*primary_).position;
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    while (StateOf(*standby_).position < position) {
      ASSERT_LT(absl::Now(), deadline);
      absl::SleepFor(absl::Milliseconds(2));
    }
  }
  // It receives the log, and shows nothing new.
  void StopShowing() {
    Run(*standby_, "select pg_wal_replay_pause()");
    ShardedSession session(standby_);
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    while (session.Execute("select pg_get_wal_replay_pause_state()")
               .value()
               .Scalar<std::string>()
               .value() != "paused") {
      ASSERT_LT(absl::Now(), deadline);
      session.Rollback();
    }
  }
  void StopStandby() { servers_->standby->Kill(); }
  void StartStandby() { Servers::Run(*servers_->standby); }

  // Which server answers, as the next transaction of the session finds it.
  static std::string Place(ShardedSession& session) {
    const auto count = session.Scalar(Select(c.id).Where(c.id == -1));
    std::string place = count.status().ToString();
    if (absl::IsNotFound(count.status())) {
      place = session.Commit().value().shares.at(0).engine;
    }
    return place;
  }
  static std::size_t Count(ShardedSession& session) {
    return session.Scalars(Select<Account>()).value().size();
  }

  static std::unique_ptr<Servers> servers_;
  std::shared_ptr<Engine> primary_, standby_;
  ReplicaSetOptions options_;
};
std::unique_ptr<Servers> ReplicaTest::servers_;

TEST_F(ReplicaTest, ReadsFromTheStandbyWritesToThePrimary) {
  ShardedSession session(Options());
  SHARD_ASSERT_OK(session.Add(MakeAccountWithId(1, "ada")));
  SHARD_ASSERT_OK(session.Commit());
  CatchUp();
  EXPECT_EQ(Place(session), "standby");
  EXPECT_EQ(Count(session), 1u);
  SHARD_ASSERT_OK(
      session.Execute(Update<Account>().Set(c.balance = 7).Where(c.id == 1)));
  EXPECT_EQ(session.Scalar(Select(c.balance).Where(c.id == 1)).value(), 7);
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
  EXPECT_TRUE(done.all_committed()) << done.ToString();
}

TEST_F(ReplicaTest, TellsHowFarTheyAre) {
  Run(*primary_,
      "insert into accounts (id, owner, balance) values (1, 'ada', 1)");
  CatchUp();
  ReplicationState primary = StateOf(*primary_);
  ReplicationState standby = StateOf(*standby_);
  EXPECT_FALSE(primary.standby);
  EXPECT_TRUE(standby.standby);
  EXPECT_EQ(primary.lag, absl::ZeroDuration());
  EXPECT_EQ(standby.lag, absl::ZeroDuration()) << "an idle primary is no lag";
  StopShowing();
  Run(*primary_,
      "insert into accounts (id, owner, balance) values (2, 'ada', 1)");
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (StateOf(*standby_).lag == absl::ZeroDuration()) {
    ASSERT_LT(absl::Now(), deadline);
  }
  EXPECT_LT(StateOf(*standby_).position, StateOf(*primary_).position);
  EXPECT_LT(StateOf(*standby_).lag, absl::Minutes(10));
}

TEST_F(ReplicaTest, AStandbyThatLagsIsLeftOut) {
  options_.lag_limit = absl::Milliseconds(50);
  ShardedSession session(Options());
  EXPECT_EQ(Place(session), "standby");
  absl::SleepFor(absl::Milliseconds(60));
  EXPECT_EQ(Place(session), "standby") << "the primary was idle";
  StopShowing();
  Run(*primary_,
      "insert into accounts (id, owner, balance) values (2, 'ada', 1)");
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (Place(session) != "primary") ASSERT_LT(absl::Now(), deadline);
  Run(*standby_, "select pg_wal_replay_resume()");
  while (Place(session) != "standby") ASSERT_LT(absl::Now(), deadline);
}

TEST_F(ReplicaTest, WaitsForItsOwnCommit) {
  options_.own_writes = OwnWrites::kFromCaughtUp;
  options_.catch_up_timeout = absl::Seconds(30);
  ShardedSession session(Options());
  for (std::int64_t id = 1; id <= 20; ++id) {
    SHARD_ASSERT_OK(session.Add(MakeAccountWithId(id, "ada")));
    SHARD_ASSERT_OK(session.Commit());
    EXPECT_EQ(Place(session), "standby");
    EXPECT_EQ(Count(session), static_cast<std::size_t>(id));
    SHARD_ASSERT_OK(session.Commit());
  }
  options_.catch_up_timeout = absl::Milliseconds(20);
  ShardedSession hasty(Options());
  StopShowing();
  SHARD_ASSERT_OK(hasty.Add(MakeAccountWithId(21, "ada")));
  SHARD_ASSERT_OK(hasty.Commit());
  EXPECT_EQ(Count(hasty), 21u) << "from the primary";
  // Others do not wait for what they did not write.
  ShardedSession reader(Options());
  EXPECT_EQ(Place(reader), "standby");
  EXPECT_EQ(Count(reader), 20u);
}

// The commit's position is asked for where a set wants it, and only there.
TEST_F(ReplicaTest, AsksForThePositionWhereASetWantsIt) {
  ShardedSession plain(Options());
  SHARD_ASSERT_OK(plain.Add(MakeAccountWithId(1, "ada")));
  SHARD_ASSERT_OK(plain.Commit());
  EXPECT_FALSE(primary_->notes_log_positions());
  options_.own_writes = OwnWrites::kFromCaughtUp;
  Options();
  EXPECT_TRUE(primary_->notes_log_positions());
}

TEST_F(ReplicaTest, WhatWasWrittenIsNotReadAgainWhereItIsNotYet) {
  ShardedSession session(Options());
  StopShowing();
  const auto account = MakeAccountWithId(1, "ada");
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Place(session), "standby");
  EXPECT_EQ(account->owner.value(), "ada");
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, session.Get<Account>(1));
  EXPECT_EQ(found, account);
}

TEST_F(ReplicaTest, AStandbyThatIsDownIsLeftOutAndComesBack) {
  Run(*primary_,
      "insert into accounts (id, owner, balance) values (1, 'ada', 1)");
  CatchUp();
  ShardedSession session(Options());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto account, session.Get<Account>(1));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Place(session), "standby");  // its connection waits in the pool
  StopStandby();
  // Nobody sees it: not by a query, nor a Get, a refresh, or a stream.
  EXPECT_EQ(Count(session), 1u);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_NE(standby_->unreachable_at(), absl::InfinitePast());
  EXPECT_EQ(account->owner.value(), "ada");
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK(session.Get<Account>(1));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Place(session), "primary");
  options_.fall_back_to_primary = false;
  ShardedSession strict(Options());
  EXPECT_THAT(strict.Scalars(Select<Account>()).status(),
              StatusIs(Code::kUnavailable, HasSubstr("'standby'")));
  StartStandby();
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (Place(session) != "standby") ASSERT_LT(absl::Now(), deadline);
  strict.Rollback();
  EXPECT_EQ(Count(strict), 1u);
}

// It is in no topology; its share is there to be read from.
TEST_F(ReplicaTest, AStandbysShareDoesNotDisturbAnAtomicCommit) {
  const std::string file =
      absl::StrCat("sqlite:///", servers_->folder.path(), "/other.db");
  const auto other = OpenEngine(file, {.name = "other"}).value();
  SHARD_ASSERT_OK(CreateAll(*other, {&City::table()}));
  TopologyOptions databases;
  databases.databases = {{"primary", primary_}, {"other", other}};
  SHARD_ASSERT_OK_AND_ASSIGN(const auto topology, Topology::Open(databases));
  CatchUp();
  auto by_class = std::make_shared<VerticalResolver>();
  by_class->BindClass(City::class_info(), other)
      .BindDefault(ReplicaSet::Create(options_).value());
  SessionOptions options;
  options.resolver = by_class;
  options.topology = topology;
  options.recovery.background = false;
  for (const bool lost : {false, true}) {
    ShardedSession session(options);
    EXPECT_EQ(Count(session), lost ? 1u : 0u);  // on the standby
    SHARD_ASSERT_OK(session.Add(MakeCity("EU", "Rome")));
    SHARD_ASSERT_OK(session.Add(MakeAccountWithId(lost ? 2 : 1, "ada")));
    SHARD_ASSERT_OK(session.Flush());
    if (lost) StopStandby();
    SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
    EXPECT_FALSE(done.transaction.empty()) << done.ToString();
    EXPECT_FALSE(done.has_pending()) << done.ToString();
    if (!lost) CatchUp();
  }
  StartStandby();
  EXPECT_EQ(ShardedSession(primary_).Scalars(Select<Account>()).value().size(),
            2u);
}

// Its connections from before are good, and must be told from a standby's.
TEST_F(ReplicaTest, APromotedStandbyMayWrite) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto promoted,
                             servers_->primary->MakeStandby(absl::StrCat(
                                 servers_->folder.path(), "/promoted")));
  Servers::Run(*promoted);
  const auto engine = OpenEngine(promoted->url()).value();
  PooledConnection connection = engine->Connect().value();
  Participant& participant = connection->participant();
  SHARD_ASSERT_OK(connection->ExecuteScript("select 1"));
  EXPECT_TRUE(participant.cannot_have_written());
  SHARD_ASSERT_OK(connection->ExecuteScript("select pg_promote()"));
  SHARD_ASSERT_OK(connection->ExecuteScript("create table written (a int)"));
  EXPECT_FALSE(participant.cannot_have_written());
  EXPECT_FALSE(StateOf(*engine).standby);
}

}  // namespace
}  // namespace shard::testing
