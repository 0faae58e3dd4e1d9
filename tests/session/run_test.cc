// Units of work that are done again when they met another.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/environment.h"
#include "shard/base/status_macros.h"
#include "shard/base/testing.h"
#include "shard/session/commit_result.h"
#include "shard/session/entity.h"
#include "shard/session/retry.h"
#include "shard/session/session_maker.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {
namespace {

using ::testing::ElementsAre;
using Code = absl::StatusCode;

template <class F>
struct CounterFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::int64_t, "hits", ClientDefault<0>> hits;
};
struct Counter : Entity<Counter, CounterFields, "counters"> {};

constexpr RetryPolicy kQuick{.most_tries = 200,
                             .base_pause = absl::Milliseconds(1),
                             .longest_pause = absl::Milliseconds(20)};

class RunTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (IsSkipped()) return;
    Open<Counter>();
    RunSql(home(),
           "insert into counters (id, region, hits) values (1, 'eu', 0)");
  }
  absl::StatusOr<std::shared_ptr<Counter>> Read(ShardedSession& session) const {
    return is_sharded() ? session.Get<Counter>(1, OnShard("s0"))
                        : session.Get<Counter>(1);
  }
  // Reads, lets `between` happen, and writes what it has read and one more.
  absl::Status Increment(ShardedSession& session,
                         const std::function<void()>& between = nullptr) const {
    SHARD_RETURN_IF_ERROR(
        session.Begin({.isolation = Isolation::kSerializable}));
    SHARD_ASSIGN_OR_RETURN(const auto counter, Read(session));
    const std::int64_t hits = counter->hits.value();
    if (between) between();
    counter->hits = hits + 1;
    return absl::OkStatus();
  }
  std::int64_t Hits() {
    return ReadNumber(home(), "select hits from counters where id = 1");
  }
};

TEST_P(RunTest, AConflictIsTriedAgainInAFreshSession) {
  const SessionMaker make_session(options());
  int tries = 0;
  const auto work =
      [&](ShardedSession& session) -> absl::StatusOr<std::int64_t> {
    SHARD_RETURN_IF_ERROR(Increment(session, [&] {
      if (++tries < 3) RunSql(home(), "update counters set hits = hits + 10");
    }));
    SHARD_ASSIGN_OR_RETURN(const auto counter, Read(session));
    return counter->hits.value();
  };
  const absl::StatusOr<std::int64_t> hits = make_session.Run(work, kQuick);
  SHARD_ASSERT_OK(hits);
  EXPECT_EQ(*hits, 21);
  EXPECT_EQ(tries, 3);
  EXPECT_EQ(Hits(), 21);
}

TEST_P(RunTest, TheTriesAreLimited) {
  const SessionMaker make_session(options());
  int tries = 0;
  RetryPolicy policy = kQuick;
  policy.most_tries = 4;
  EXPECT_THAT(make_session.Run(
                  [&](ShardedSession& session) {
                    return Increment(session, [&] {
                      ++tries;
                      RunSql(home(), "update counters set hits = hits + 10");
                    });
                  },
                  policy),
              HasCode(Code::kAborted));
  EXPECT_EQ(tries, 4);
  EXPECT_EQ(Hits(), 40);
  EXPECT_EQ(home()->open_connections(), 1);
}

TEST_P(RunTest, ManyThreadsLoseNoUpdate) {
  const SessionMaker make_session(options());
  constexpr int kThreads = 3;
  constexpr int kTimes = 15;
  std::atomic<int> failed = 0;
  std::atomic<int> tries = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int time = 0; time < kTimes; ++time) {
        const absl::Status status = make_session.Run(
            [&](ShardedSession& session) {
              ++tries;
              return Increment(session);
            },
            kQuick);
        if (!status.ok()) ++failed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(Hits(), kThreads * kTimes);
  EXPECT_GE(tries, kThreads * kTimes);
}

TEST_P(RunTest, OtherErrorsAreNotTriedAgain) {
  const SessionMaker make_session(options());
  for (const Code code :
       {Code::kInvalidArgument, Code::kUnavailable, Code::kDataLoss,
        Code::kDeadlineExceeded, Code::kAlreadyExists}) {
    int tries = 0;
    EXPECT_THAT(make_session.Run(
                    [&](ShardedSession& session) -> absl::Status {
                      ++tries;
                      SHARD_RETURN_IF_ERROR(Increment(session));
                      SHARD_RETURN_IF_ERROR(session.Flush());
                      return absl::Status(code, "the caller's own");
                    },
                    kQuick),
                HasCode(code));
    EXPECT_EQ(tries, 1);
  }
  EXPECT_EQ(Hits(), 0);
}

TEST_P(RunTest, AnExceptionRollsBackAndPassesOn) {
  const SessionMaker make_session(options());
  int tries = 0;
  const auto work = [&](ShardedSession& session) -> absl::Status {
    ++tries;
    SHARD_RETURN_IF_ERROR(Increment(session));
    SHARD_RETURN_IF_ERROR(session.Flush());
    throw std::runtime_error("the caller's own");
  };
  EXPECT_THROW(make_session.Run(work, kQuick).IgnoreError(),
               std::runtime_error);
  EXPECT_EQ(tries, 1);
  EXPECT_EQ(Hits(), 0);
  EXPECT_EQ(home()->open_connections(), 1);
}

// The rollback of the first try took the caller's work with it.
TEST_P(RunTest, InAJoinedTransactionItIsDoneOnce) {
  for (const auto mode :
       {JoinTransactionMode::kRollbackOnly, JoinTransactionMode::kControlFully,
        JoinTransactionMode::kCreateSavepoint}) {
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection outer, home()->Connect());
    SHARD_ASSERT_OK(outer->Begin());
    SHARD_ASSERT_OK(outer->ExecuteScript("update counters set hits = 7"));
    SessionOptions joined = options();
    joined.joined.push_back({home().get(), &*outer, mode});
    int tries = 0;
    const auto work = [&](ShardedSession& session) -> absl::Status {
      SHARD_ASSIGN_OR_RETURN(const auto counter, Read(session));
      counter->hits = 100;
      SHARD_RETURN_IF_ERROR(session.Flush());
      return ++tries == 1 ? absl::AbortedError("met another")
                          : absl::OkStatus();
    };
    EXPECT_THAT(SessionMaker(joined).Run(work, kQuick),
                HasCode(Code::kAborted));
    EXPECT_EQ(tries, 1);
    EXPECT_EQ(outer->in_transaction(),
              mode == JoinTransactionMode::kCreateSavepoint);
    if (outer->in_transaction()) {
      SHARD_ASSERT_OK(outer->Rollback());
    }
    EXPECT_EQ(Hits(), 0);
  }
}

// Whose commits come to what they are told, once it is done.
class ToldSession : public ShardedSession {
 public:
  using ShardedSession::ShardedSession;
  absl::StatusOr<CommitResult> Commit() {
    ++commits;
    SHARD_RETURN_IF_ERROR(ShardedSession::Commit().status());
    if (!told.ok()) return told;
    CommitResult pending;
    pending.shares.push_back({"e", "s1", false, {}, true});
    return pending;
  }
  static inline int commits = 0;
  static inline absl::Status told;
};

TEST_P(RunTest, WhatMayHaveHappenedIsNotTriedAgain) {
  const BasicSessionMaker<ToldSession> make_session(options());
  const auto increment = [this](ShardedSession& session) {
    return Increment(session);
  };
  int done = 0;
  for (const absl::Status& told :
       {CommitInDoubt({"shard1/c/d/t", "s0"}, absl::UnavailableError("lost")),
        CommitAnswerLost({"s0"}, absl::UnavailableError("lost")),
        CommitAnswerLost({"s0"}, absl::AbortedError("lost"))}) {
    ToldSession::commits = 0;
    ToldSession::told = told;
    const absl::Status status = make_session.Run(increment, kQuick);
    EXPECT_EQ(status, told);
    EXPECT_EQ(ToldSession::commits, 1);
    EXPECT_EQ(Hits(), ++done);
  }
  // Pending somewhere is done.
  ToldSession::commits = 0;
  ToldSession::told = absl::OkStatus();
  SHARD_EXPECT_OK(make_session.Run(increment, kQuick));
  EXPECT_EQ(ToldSession::commits, 1);
  EXPECT_EQ(Hits(), ++done);
}

SHARD_ON_SESSIONS(RunTest);

// The policy, in a world where time only passes in pauses.
class StillWorld : public Environment {
 public:
  StillWorld() { SetEnvironment(this); }
  ~StillWorld() override { SetEnvironment(nullptr); }
  absl::Time Now() override { return now_; }
  void Pause(absl::Duration duration) override {
    pauses.push_back(absl::ToInt64Milliseconds(duration));
    now_ += duration;
  }
  double Chance() override { return chance; }
  std::string RandomBytes(std::size_t bytes) override {
    return std::string(bytes, 'x');
  }

  double chance = 0.5;
  std::vector<std::int64_t> pauses;

 private:
  absl::Time now_ = absl::UnixEpoch();
};

TEST(RetriesTest, PausesGrowAreRandomAndBounded) {
  StillWorld world;
  Retries retries({.most_tries = 7,
                   .base_pause = absl::Milliseconds(10),
                   .longest_pause = absl::Milliseconds(100)});
  while (retries.Again(absl::AbortedError("met another"))) {
  }
  EXPECT_EQ(retries.tries(), 7);
  EXPECT_THAT(world.pauses, ElementsAre(5, 10, 20, 40, 50, 50));
}

TEST(RetriesTest, FullJitterMayPauseNotAtAll) {
  StillWorld world;
  world.chance = 0;
  Retries retries({.most_tries = 3});
  EXPECT_TRUE(retries.Again(absl::AbortedError("")));
  EXPECT_TRUE(retries.Again(absl::AbortedError("")));
  EXPECT_FALSE(retries.Again(absl::AbortedError("")));
  EXPECT_THAT(world.pauses, ElementsAre());
}

TEST(RetriesTest, NoTryBeginsBehindTheLimit) {
  StillWorld world;
  Retries retries({.most_tries = 1000,
                   .base_pause = absl::Milliseconds(100),
                   .longest_pause = absl::Milliseconds(100),
                   .time_limit = absl::Milliseconds(160)});
  while (retries.Again(absl::AbortedError(""))) {
  }
  EXPECT_THAT(world.pauses, ElementsAre(50, 50, 50));
}

TEST(RetriesTest, OnlyAborted) {
  EXPECT_TRUE(MayTryAgain(absl::AbortedError("")));
  EXPECT_FALSE(MayTryAgain(absl::OkStatus()));
  EXPECT_FALSE(MayTryAgain(absl::DataLossError("")));
  // Whatever its code is.
  absl::Status in_doubt = absl::AbortedError("");
  CommitInDoubt({"t", "d"}, absl::AbortedError(""))
      .ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
        in_doubt.SetPayload(url, payload);
      });
  EXPECT_FALSE(MayTryAgain(in_doubt));
}

}  // namespace
}  // namespace shard::testing
