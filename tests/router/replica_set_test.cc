// A primary with replicas: balancing, replicas that are down or lag behind, and
// what a session has done before.
#include "shard/router/replica_set.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/environment.h"
#include "shard/base/testing.h"
#include "shard/tests/dialects/fake_engine.h"
#include "shard/tests/router/fake_history.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Code = absl::StatusCode;

// Time stands still, but for those who wait.
class StoppedClock : public Environment {
 public:
  StoppedClock() { SetEnvironment(this); }
  ~StoppedClock() override { SetEnvironment(nullptr); }
  absl::Time Now() override { return now; }
  void Pause(absl::Duration duration) override {
    now += duration;
    if (on_pause) on_pause();
  }
  double Chance() override { return 0.5; }
  std::string RandomBytes(std::size_t bytes) override {
    return std::string(bytes, 'x');
  }
  absl::Time now = absl::Now();
  std::function<void()> on_pause;
};

class ReplicaSetTest : public ::testing::Test {
 protected:
  ReplicaSetTest() {
    for (const char* name : {"r0", "r1", "r2"}) {
      servers_.push_back(std::make_shared<FakeDatabase>());
      options_.replicas.push_back({MakeFakeEngine(name, servers_.back())});
    }
    options_.primary = primary_;
    options_.seed = 1;
  }
  void Make() { set_ = ReplicaSet::Create(options_).value(); }
  std::string Read() { return Where({.operation = Operation::kRead}); }
  std::string Where(BindRequest request) {
    request.history = &history_;
    const absl::StatusOr<Bind> bind = set_->Resolve(request);
    return bind.ok() ? bind->engine->name() : bind.status().ToString();
  }
  // How often each is named in so many reads.
  std::map<std::string, int> Reads(int count) {
    std::map<std::string, int> counts;
    for (int i = 0; i < count; ++i) ++counts[Read()];
    return counts;
  }
  Engine& replica(std::size_t i) { return *options_.replicas[i].engine; }
  // Somebody finds out that it is down.
  void GoDown(std::size_t i) {
    servers_[i]->refuses_to_open = true;
    EXPECT_THAT(replica(i).Connect().status(), HasCode(Code::kUnavailable));
  }
  void Wrote(std::optional<std::uint64_t> position) {
    history_.engines[primary_.get()] = {false, true, position};
  }
  // What the replica says from now on.
  void Says(std::size_t i, ReplicationState state) {
    servers_[i]->SetReplication(state);
  }

  StoppedClock clock_;
  const std::shared_ptr<Engine> primary_ = MakeFakeEngine("primary");
  std::vector<std::shared_ptr<FakeDatabase>> servers_;
  ReplicaSetOptions options_;
  std::shared_ptr<ReplicaSet> set_;
  FakeHistory history_;
};

TEST_F(ReplicaSetTest, WritesGoToThePrimary) {
  Make();
  EXPECT_EQ(Where({.operation = Operation::kFlush}), "primary");
  EXPECT_EQ(Where({.operation = Operation::kBulk}), "primary");
  EXPECT_EQ(Where({.operation = Operation::kExecute}), "primary");
  EXPECT_EQ(Reads(100).count("primary"), 0u);
}

TEST_F(ReplicaSetTest, AtRandomBySeed) {
  Make();
  std::vector<std::string> first, second;
  for (int i = 0; i < 20; ++i) first.push_back(Read());
  Make();
  for (int i = 0; i < 20; ++i) second.push_back(Read());
  EXPECT_EQ(first, second);
  const auto counts = Reads(3000);
  for (const char* name : {"r0", "r1", "r2"}) {
    EXPECT_NEAR(counts.at(name), 1000, 100) << name;
  }
}

TEST_F(ReplicaSetTest, OneAfterTheOther) {
  options_.balance = Balance::kRoundRobin;
  Make();
  EXPECT_THAT((std::vector{Read(), Read(), Read(), Read()}),
              ElementsAre("r0", "r1", "r2", "r0"));
  GoDown(1);  // its part is shared by all others
  const auto counts = Reads(100);
  EXPECT_EQ(counts.at("r0"), 50);
  EXPECT_EQ(counts.at("r2"), 50);
}

TEST_F(ReplicaSetTest, ByWeight) {
  options_.balance = Balance::kWeighted;
  options_.replicas[0].weight = 1;
  options_.replicas[1].weight = 3;
  options_.replicas[2].weight = 6;
  Make();
  const auto counts = Reads(10000);
  EXPECT_NEAR(counts.at("r0"), 1000, 150);
  EXPECT_NEAR(counts.at("r1"), 3000, 200);
  EXPECT_NEAR(counts.at("r2"), 6000, 200);
}

TEST_F(ReplicaSetTest, WhereFewestConnectionsAreInUse) {
  options_.balance = Balance::kFewestInUse;
  Make();
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection a, replica(0).Connect());
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection b, replica(1).Connect());
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection c, replica(1).Connect());
  EXPECT_EQ(Reads(10).at("r2"), 10);
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection d, replica(2).Connect());
  const auto counts = Reads(10);  // r0 and r2 have one each
  EXPECT_EQ(counts.at("r0"), 5);
  EXPECT_EQ(counts.at("r2"), 5);
  c.Return();
  b.Return();
  EXPECT_EQ(replica(1).connections_in_use(), 0u);
  EXPECT_EQ(Reads(10).at("r1"), 10);
}

TEST_F(ReplicaSetTest, ManyThreadsChooseAtOnce) {
  options_.balance = Balance::kRoundRobin;
  Make();
  std::vector<std::thread> threads;
  std::atomic<int> of_first = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        const auto bind = set_->Resolve({.operation = Operation::kRead});
        if (bind.value().engine == &replica(0)) ++of_first;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(of_first, 400);
}

TEST_F(ReplicaSetTest, ATransactionStaysWhereItIs) {
  Make();
  history_.engines[&replica(1)].in_transaction = true;
  EXPECT_EQ(Reads(10).at("r1"), 10);
  GoDown(1);  // what it has there still works, or must be rolled back
  EXPECT_EQ(Reads(10).at("r1"), 10);
  history_.engines[primary_.get()].in_transaction = true;
  EXPECT_EQ(Reads(10).at("primary"), 10);
}

TEST_F(ReplicaSetTest, AReplicaThatIsDownIsLeftOutAndComesBack) {
  options_.retry_after = absl::Seconds(3);
  Make();
  clock_.now = absl::Now();
  GoDown(0);
  GoDown(1);
  EXPECT_EQ(Reads(10).at("r2"), 10);
  clock_.now += absl::Seconds(4);
  const int opened = servers_[0]->opened;
  servers_[1]->refuses_to_open = false;
  const auto counts = Reads(100);  // the first of them asks both
  EXPECT_EQ(counts.count("r0"), 0u);
  EXPECT_GT(counts.at("r1"), 20);
  EXPECT_EQ(servers_[0]->opened, opened);
  EXPECT_EQ(replica(1).unreachable_at(), absl::InfinitePast());
  servers_[0]->refuses_to_open = false;
  EXPECT_EQ(Reads(10).count("r0"), 0u);  // not yet
  clock_.now += absl::Seconds(4);
  EXPECT_GT(Reads(100).at("r0"), 10);
}

TEST_F(ReplicaSetTest, AllReplicasAreDown) {
  Make();
  for (std::size_t i = 0; i < 3; ++i) GoDown(i);
  EXPECT_EQ(Read(), "primary");
  options_.fall_back_to_primary = false;
  Make();
  EXPECT_THAT(set_->Resolve({.operation = Operation::kRead}),
              StatusIs(Code::kUnavailable,
                       AllOf(HasSubstr("no replica to read from"),
                             HasSubstr("'r1' could not be reached"))));
}

TEST_F(ReplicaSetTest, WithoutAPrimary) {
  options_.primary = nullptr;
  Make();
  EXPECT_EQ(Reads(30).size(), 3u);
  EXPECT_THAT(set_->Resolve({.operation = Operation::kFlush}),
              StatusIs(Code::kFailedPrecondition,
                       HasSubstr("name one in ReplicaSetOptions::primary")));
  EXPECT_THAT(set_->Resolve({.operation = Operation::kExecute}),
              StatusIs(Code::kFailedPrecondition, HasSubstr("OnEngine")));
  history_.reads_only = true;
  EXPECT_THAT(Where({.operation = Operation::kExecute}), HasSubstr("r"));
  for (std::size_t i = 0; i < 3; ++i) GoDown(i);
  EXPECT_THAT(Read(), HasSubstr("UNAVAILABLE"));
}

TEST_F(ReplicaSetTest, ThePrimaryMayTakeItsPartOfTheReads) {
  options_.replicas = {{primary_}, {options_.replicas[0].engine}};
  Make();
  EXPECT_GT(Reads(100).at("primary"), 20);
}

TEST_F(ReplicaSetTest, OwnWritesAfterTheCommit) {
  Make();
  Wrote(std::nullopt);
  EXPECT_EQ(Reads(30).count("primary"), 0u);
  options_.own_writes = OwnWrites::kFromPrimary;
  Make();
  EXPECT_EQ(Reads(30).at("primary"), 30);
  EXPECT_FALSE(primary_->notes_log_positions());
  options_.own_writes = OwnWrites::kFromCaughtUp;
  Make();
  EXPECT_TRUE(primary_->notes_log_positions());
  EXPECT_EQ(Reads(30).at("primary"), 30) << "no position is known";
}

TEST_F(ReplicaSetTest, WhatIsHeldIsReadAgainWhereItCameFrom) {
  Make();
  const auto again = [this](const Engine& origin) {
    return Where({.operation = Operation::kRefresh, .origin = &origin});
  };
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(again(replica(2)), "r2");
    EXPECT_EQ(again(*primary_), "primary");
  }
  GoDown(2);  // another may know less
  EXPECT_EQ(again(replica(2)), "primary");
  Wrote(7);  // and none may know what this session wrote
  EXPECT_EQ(again(replica(1)), "primary");
  EXPECT_EQ(Reads(10).count("primary"), 0u);
  const auto stranger = MakeFakeEngine("stranger");
  EXPECT_THAT(again(*stranger), HasSubstr("r"));
}

TEST_F(ReplicaSetTest, WaitsForAReplicaThatShowsTheCommit) {
  options_.own_writes = OwnWrites::kFromCaughtUp;
  Make();
  for (std::size_t i = 0; i < 3; ++i) Says(i, {true, 99, {}});
  Wrote(100);
  int pauses = 0;
  clock_.on_pause = [&] {
    if (++pauses == 3) Says(1, {true, 100, {}});
  };
  EXPECT_EQ(Read(), "r1");
  EXPECT_EQ(pauses, 3);
  const int asked = servers_[1]->asked;
  EXPECT_EQ(Reads(10).at("r1"), 10);
  EXPECT_EQ(servers_[1]->asked, asked) << "it was seen there before";
  Wrote(101);  // never
  const absl::Time before = clock_.now;
  EXPECT_EQ(Read(), "primary");
  EXPECT_EQ(clock_.now - before, options_.catch_up_timeout);
  EXPECT_EQ(Where({.operation = Operation::kRefresh, .origin = &replica(0)}),
            "primary");
}

TEST_F(ReplicaSetTest, DoesNotWaitForReplicasThatAreDown) {
  options_.own_writes = OwnWrites::kFromCaughtUp;
  Make();
  for (std::size_t i = 0; i < 3; ++i) GoDown(i);
  Wrote(100);
  const absl::Time before = clock_.now;
  EXPECT_EQ(Read(), "primary");
  EXPECT_EQ(clock_.now, before);
}

TEST_F(ReplicaSetTest, AReplicaThatLagsIsLeftOut) {
  options_.lag_limit = absl::Seconds(10);
  options_.sample_every = absl::Seconds(1);
  Says(0, {true, 5, absl::Seconds(11)});
  Says(1, {true, 5, absl::Seconds(9)});
  Says(2, {true, 5, absl::InfiniteDuration()});
  Make();
  EXPECT_EQ(Reads(50).at("r1"), 50);
  EXPECT_EQ(servers_[1]->asked, 1) << "once in the interval";
  Says(0, {true, 5, absl::Seconds(2)});
  EXPECT_EQ(Reads(50).at("r1"), 50);
  clock_.now += absl::Seconds(1);
  EXPECT_GT(Reads(50).at("r0"), 10);
  EXPECT_EQ(servers_[0]->asked, 2);
}

// The first transaction after a quiet hour is under way to it.
TEST_F(ReplicaSetTest, AQuietHourIsNoLag) {
  options_.replicas.resize(1);
  options_.lag_limit = absl::Seconds(10);
  Says(0, {true, 5, absl::ZeroDuration()});
  Make();
  EXPECT_EQ(Read(), "r0");
  clock_.now += absl::Seconds(1);
  Says(0, {true, 5, absl::Hours(1)});
  EXPECT_EQ(Read(), "r0");
  clock_.now += absl::Seconds(10);
  EXPECT_EQ(Read(), "primary");
}

TEST_F(ReplicaSetTest, AReplicaThatDoesNotSayHowFarItIs) {
  options_.replicas.resize(1);
  options_.lag_limit = absl::Seconds(10);
  options_.fall_back_to_primary = false;
  servers_[0]->refuses_to_open = true;
  Make();
  EXPECT_THAT(Read(), HasSubstr("'r0' does not say how far it lags behind"));
  clock_.now += absl::Seconds(1);
  servers_[0]->refuses_to_open = false;
  EXPECT_EQ(Read(), "r0");  // it has no such thing, as SQLite
}

TEST_F(ReplicaSetTest, RefusesWhatCannotBe) {
  const auto refused = [this](const char* why) {
    EXPECT_THAT(ReplicaSet::Create(options_).status(),
                StatusIs(Code::kInvalidArgument, HasSubstr(why)));
  };
  const ReplicaSetOptions right = options_;
  options_.replicas.clear();
  refused("1 to 64 replicas, not 0");
  options_ = right;
  options_.replicas[1].engine = nullptr;
  refused("replica 2 of the set has no engine");
  options_ = right;
  options_.replicas[1] = options_.replicas[0];
  refused("'r0' is in the set twice");
  options_ = right;
  options_.replicas[2].weight = 0;
  refused("'r2' has weight 0");
  options_ = right;
  options_.retry_after = -absl::Seconds(1);
  refused("must not be below zero");
  options_ = right;
  Make();
  EXPECT_THAT(Where({.shard = ShardId::Of("eu")}),
              HasSubstr("there is no shard 'eu' here: 'primary'"));
}

}  // namespace
}  // namespace shard::testing
