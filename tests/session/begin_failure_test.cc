// A transaction that cannot be begun on a database, and its connection.
#include <string>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/engine.h"
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/note.h"
#include "shard/tests/session/session_test.h"
#include "shard/tests/support/postgres_databases.h"
#include "shard/tests/support/postgres_proxy.h"

namespace shard::testing {
namespace {

using Code = absl::StatusCode;

constexpr auto& c = Note::c;

class BeginFailureTest : public SessionTest {};

TEST_P(BeginFailureTest, Row034ARefusedBeginGivesTheConnectionBack) {
  Open<Note>();
  ShardedSession session(options());
  for (int i = 0; i < 3; ++i) {
    const absl::Time deadline = absl::Now() + absl::Milliseconds(30);
    SHARD_ASSERT_OK(session.Begin({.deadline = deadline}));
    absl::SleepFor(deadline - absl::Now());
    EXPECT_THAT(
        session.Scalars(Select<Note>().Where(c.region == "eu")).status(),
        HasCode(Code::kDeadlineExceeded));
    // At once, not with the rollback: it is the one that is lent next.
    EXPECT_EQ(home()->open_connections(), 1);
    SHARD_ASSERT_OK(home()->Connect());
    EXPECT_EQ(home()->open_connections(), 1);
    session.Rollback();
  }
  SHARD_ASSERT_OK(session.Scalars(Select<Note>()));
  SHARD_ASSERT_OK(session.Commit());
}

// BEGIN travels with the first statement, so that is what fails.
TEST_P(BeginFailureTest, Row034AConnectionLostAtBeginIsClosed) {
  if (is_sqlite() || is_sharded()) GTEST_SKIP() << "wants one server";
  const PostgresDatabase database = PostgresDatabase::OnServer(0);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto proxy,
                             PostgresProxy::Start(database.url()));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto engine, OpenEngine(proxy->url()));
  ShardedSession session(engine);
  for (const auto direction :
       {PostgresProxy::kToServer, PostgresProxy::kToClient}) {
    SHARD_ASSERT_OK(session.Execute("select 1"));
    session.Rollback();
    EXPECT_EQ(engine->open_connections(), 1);
    proxy->Arm({direction, 0, PostgresProxy::kCutBefore});
    EXPECT_THAT(session.Execute("select 1").status(),
                HasCode(Code::kUnavailable));
    EXPECT_TRUE(proxy->fault_happened());
    session.Rollback();
    EXPECT_EQ(engine->open_connections(), 0);
  }
  proxy->Refuse(true);
  EXPECT_THAT(session.Execute("select 1").status(),
              HasCode(Code::kUnavailable));
  EXPECT_EQ(engine->open_connections(), 0);
  session.Rollback();
  proxy->Refuse(false);
  SHARD_ASSERT_OK(session.Execute("select 1"));
  SHARD_ASSERT_OK(session.Commit());
}

SHARD_ON_SESSIONS(BeginFailureTest);

}  // namespace
}  // namespace shard::testing
