// Which connections a session takes, when, and that it gives them back.
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/engine.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/note.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {
namespace {

using Code = absl::StatusCode;

class ConnectionRowsTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (!IsSkipped()) Open<Note>();
  }
  BindArguments Home() const {
    return is_sharded() ? OnShard("s0") : BindArguments();
  }
};

TEST_P(ConnectionRowsTest, Row031OneConnectionForEachEngineAndTransaction) {
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(Connection * first, session.ConnectionFor(Home()));
  SHARD_ASSERT_OK(session.Execute("select 1", {}, Home()));
  SHARD_ASSERT_OK(session.Add(MakeNote("new")));
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK_AND_ASSIGN(Connection * again, session.ConnectionFor(Home()));
  EXPECT_EQ(first, again);
  EXPECT_EQ(home()->open_connections(), 1);
  ShardedSession other(options());
  SHARD_ASSERT_OK_AND_ASSIGN(Connection * others, other.ConnectionFor(Home()));
  EXPECT_NE(first, others);
  EXPECT_EQ(home()->open_connections(), 2);
}

TEST_P(ConnectionRowsTest, Row031ADatabaseThatIsNotNeededIsNotConnectedTo) {
  const auto unused = SameDatabase(*home());
  const auto used = SameDatabase(*home());
  auto resolver = std::make_shared<VerticalResolver>();
  resolver->BindDefault(unused);
  resolver->BindClass(Note::class_info(), used);
  ShardedSession session(WithResolver(resolver));
  EXPECT_EQ(used->open_connections(), 0);
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(used->open_connections(), 0);
  SHARD_ASSERT_OK(session.Begin({.isolation = Isolation::kSerializable}));
  EXPECT_EQ(used->open_connections(), 0);
  SHARD_ASSERT_OK(session.Get<Note>(1));
  EXPECT_EQ(used->open_connections(), 1);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(unused->open_connections(), 0);
}

TEST_P(ConnectionRowsTest, Row034ABeginThatFailsKeepsNoConnection) {
  EngineOptions only_one;
  only_one.pool_size = 1;
  only_one.pool_timeout = absl::Milliseconds(100);
  const auto engine = SameDatabase(*home(), only_one);
  auto resolver = std::make_shared<VerticalResolver>();
  resolver->BindDefault(engine);
  ShardedSession session(WithResolver(resolver));
  SHARD_ASSERT_OK(
      session.Begin({.deadline = absl::Now() + absl::Milliseconds(20)}));
  absl::SleepFor(absl::Milliseconds(25));
  EXPECT_THAT(session.Get<Note>(1).status(), HasCode(Code::kDeadlineExceeded));
  EXPECT_EQ(engine->open_connections(), 1);
  // It went back, though the session's transaction is not over.
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection other, engine->Connect());
  EXPECT_FALSE(other->in_transaction());
  other.Return();
  session.Rollback();
  SHARD_ASSERT_OK(session.Get<Note>(1));
  EXPECT_EQ(engine->open_connections(), 1);
}

SHARD_ON_SESSIONS(ConnectionRowsTest);

}  // namespace
}  // namespace shard::testing
