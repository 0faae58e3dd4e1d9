// Beginning a transaction: by itself or by hand, read-only, with limits.
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/note.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {
namespace {

using ::testing::HasSubstr;
using Code = absl::StatusCode;

constexpr auto& c = Note::c;

// Keeps a database at work for a long time.
constexpr char kLongSqlite[] =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT "
    "count(*) FROM n";
constexpr char kLongPostgres[] = "SELECT pg_sleep(20)";

class BeginOptionsTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (!IsSkipped()) Open<Note>();
  }
  SessionOptions ByHand() const {
    SessionOptions by_hand = options();
    by_hand.autobegin = false;
    return by_hand;
  }
  BindArguments Home() const {
    return is_sharded() ? OnShard("s0") : BindArguments();
  }
  // The statements that began a transaction.
  std::vector<std::string> Begins() {
    std::vector<std::string> begins;
    for (const auto& entry : log().Of("")) {
      if (entry.statement.starts_with("BEGIN")) {
        begins.push_back(entry.statement);
      }
    }
    return begins;
  }
  const char* LongStatement() const {
    return is_sqlite() ? kLongSqlite : kLongPostgres;
  }
};

// Autobegin.

TEST_P(BeginOptionsTest, Row024TheFirstStatementBegins) {
  ShardedSession session(options());
  EXPECT_FALSE(session.in_transaction());
  SHARD_ASSERT_OK(session.Execute("select 1", {}, Home()));
  EXPECT_TRUE(session.in_transaction());
  EXPECT_EQ(Begins().size(), 1);
  SHARD_ASSERT_OK(session.Execute("select 1", {}, Home()));
  EXPECT_EQ(Begins().size(), 1);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_FALSE(session.in_transaction());
}

TEST_P(BeginOptionsTest, Row024AFlushWithWorkBegins) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK(session.Add(MakeNote("new")));
  EXPECT_FALSE(session.in_transaction());
  EXPECT_EQ(log().Count(""), 0);
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_TRUE(session.in_transaction());
  EXPECT_EQ(Begins().size(), 1);
  session.Rollback();
  EXPECT_FALSE(session.in_transaction());
}

TEST_P(BeginOptionsTest, Row024AnEmptyFlushOrCommitBeginsNothing) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_FALSE(session.in_transaction());
  EXPECT_EQ(log().Count(""), 0);
}

// A change alone asks nothing of a database: it begins with its flush.
TEST_P(BeginOptionsTest, Row024AnAttributeChangeBeginsWithItsFlush) {
  ShardedSession session(options());
  const auto note = MakeNote("old");
  SHARD_ASSERT_OK(session.Add(note));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(note->text.value(), "old");
  session.Rollback();
  log().Clear();
  note->text = "new";
  EXPECT_FALSE(session.in_transaction());
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_TRUE(session.in_transaction());
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Begins().size(), 1);
}

TEST_P(BeginOptionsTest, Row024WithoutAutobeginBeginMustComeFirst) {
  ShardedSession session(ByHand());
  const auto note = MakeNote("new");
  SHARD_ASSERT_OK(session.Flush());  // nothing to do
  SHARD_ASSERT_OK(session.Add(note));
  const auto refused =
      StatusIs(Code::kFailedPrecondition, HasSubstr("Begin()"));
  EXPECT_THAT(session.Flush(), refused);
  EXPECT_THAT(session.Commit().status(), refused);
  EXPECT_THAT(session.BeginNested(), refused);
  EXPECT_THAT(session.Get<Note>(1).status(), refused);
  EXPECT_THAT(session.Execute("select 1", {}, Home()).status(), refused);
  EXPECT_THAT(session.Scalars(Select<Note>()).status(), refused);
  EXPECT_THAT(session.ConnectionFor(Home()).status(), refused);
  EXPECT_EQ(log().Count(""), 0);
  EXPECT_EQ(note->object_state(), ObjectState::kPending);

  SHARD_ASSERT_OK(session.Begin());
  EXPECT_TRUE(session.in_transaction());
  EXPECT_EQ(log().Count(""), 0);
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(home(), "notes"), 1);
  // Reading an expired attribute takes a transaction, too.
  EXPECT_THAT(note->text.Load().status(), refused);
  EXPECT_THAT(session.Commit().status(), refused);
  SHARD_ASSERT_OK(session.Begin());
  EXPECT_EQ(note->text.value(), "new");
  session.Rollback();
  EXPECT_THAT(session.Refresh(*note), refused);
}

// Its options.

TEST_P(BeginOptionsTest, Row032OptionsStandUntilTheEnd) {
  ShardedSession session(options());
  const auto refused =
      StatusIs(Code::kFailedPrecondition, HasSubstr("has begun already"));
  SHARD_ASSERT_OK(session.Begin({.isolation = Isolation::kSerializable}));
  EXPECT_THAT(session.Begin(), refused);
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK(session.Execute("select 1", {}, Home()));
  EXPECT_THAT(session.Begin({.read_only = true}), refused);
  session.Rollback();
  SHARD_ASSERT_OK(session.Begin({.read_only = true}));
  session.Rollback();
  // They ended with their transaction.
  SHARD_ASSERT_OK(session.Add(MakeNote("new")));
  SHARD_ASSERT_OK(session.Commit());
}

TEST_P(BeginOptionsTest, OptionsAreThoseOfEveryShare) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Begin({.isolation = Isolation::kSerializable}));
  SHARD_ASSERT_OK(session.Scalars(Select<Note>()));
  if (!is_sqlite()) {
    for (const std::string& begin : Begins()) {
      EXPECT_EQ(begin, "BEGIN ISOLATION LEVEL SERIALIZABLE");
    }
  }
  EXPECT_EQ(Begins().size(), places());
  SHARD_ASSERT_OK(session.Commit());
}

TEST_P(BeginOptionsTest, BadOptionsBeginNothing) {
  ShardedSession session(ByHand());
  EXPECT_THAT(session.Begin({.statement_timeout = absl::Seconds(-1)}),
              HasCode(Code::kInvalidArgument));
  EXPECT_THAT(session.Begin({.deadline = absl::InfinitePast()}),
              HasCode(Code::kDeadlineExceeded));
  EXPECT_FALSE(session.in_transaction());
}

TEST_P(BeginOptionsTest, ReadOnlyRefusesAFlushBeforeAnyStatement) {
  ShardedSession session(options());
  const auto note = MakeNote("new");
  SHARD_ASSERT_OK(session.Begin({.read_only = true}));
  SHARD_ASSERT_OK(session.Add(note));
  const auto refused =
      StatusIs(Code::kFailedPrecondition, HasSubstr("read-only"));
  EXPECT_THAT(session.Flush(), refused);
  EXPECT_THAT(session.Commit().status(), refused);
  EXPECT_EQ(log().Count(""), 0);
  EXPECT_EQ(note->object_state(), ObjectState::kPending);
  session.Rollback();
  EXPECT_EQ(CountRows(home(), "notes"), 0);
}

// What was assigned and expired again is nothing to write.
TEST_P(BeginOptionsTest, ReadOnlyDoesNotRefuseWhatIsNoChange) {
  ShardedSession session(options());
  const auto note = MakeNote("old");
  SHARD_ASSERT_OK(session.Add(note));
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK(session.Begin({.read_only = true}));
  note->text = "new";
  SHARD_ASSERT_OK(session.Expire(*note));
  SHARD_ASSERT_OK(session.Scalars(Select<Note>()));  // would flush first
  EXPECT_EQ(note->text.value(), "old");
  note->text = "newer";  // is heard of again
  EXPECT_THAT(session.Scalars(Select<Note>()).status(),
              StatusIs(Code::kFailedPrecondition, HasSubstr("read-only")));
  SHARD_ASSERT_OK(session.Refresh(*note));
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK(session.Commit());
  note->text = "newest";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadText(home(), "select text from notes"), "newest");
}

TEST_P(BeginOptionsTest, ReadOnlyReadsAndRefusesStatementsThatWrite) {
  RunSql(home(), "insert into notes (region, text) values ('eu', 'kept')");
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Begin({.read_only = true}));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto notes, session.Scalars(Select<Note>()));
  EXPECT_EQ(notes.size(), 1);
  EXPECT_THAT(session.Execute(Delete<Note>()).status(),
              StatusIs(Code::kFailedPrecondition, HasSubstr("read-only")));
  EXPECT_EQ(log().Count("DELETE"), 0);
  EXPECT_FALSE(session.Execute("delete from notes", {}, Home()).ok());
  session.Rollback();
  EXPECT_EQ(CountRows(home(), "notes"), 1);
  SHARD_ASSERT_OK(session.Execute("delete from notes", {}, Home()));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(home(), "notes"), 0);
}

TEST_P(BeginOptionsTest, AStatementThatTakesTooLong) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(
      session.Begin({.statement_timeout = absl::Milliseconds(500)}));
  SHARD_ASSERT_OK(session.Add(MakeNote("lost")));
  EXPECT_THAT(session.Execute(LongStatement(), {}, Home()).status(),
              HasCode(Code::kDeadlineExceeded));
  EXPECT_THAT(session.Commit().status(), HasCode(Code::kFailedPrecondition));
  session.Rollback();
  SHARD_ASSERT_OK(session.Add(MakeNote("kept")));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadText(home(), "select text from notes"), "kept");
  EXPECT_EQ(home()->open_connections(), 1);  // it was not lost
}

TEST_P(BeginOptionsTest, ACommitBehindTheDeadlineCommitsNothing) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(
      session.Begin({.deadline = absl::Now() + absl::Milliseconds(1000)}));
  SHARD_ASSERT_OK(session.Add(MakeNote("late")));
  SHARD_ASSERT_OK(session.Flush());
  absl::SleepFor(absl::Milliseconds(1010));
  EXPECT_THAT(session.Commit().status(), HasCode(Code::kDeadlineExceeded));
  session.Rollback();
  EXPECT_EQ(CountRows(home(), "notes"), 0);
  SHARD_ASSERT_OK(session.Add(MakeNote("in time")));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(home()->open_connections(), 1);
}

TEST_P(BeginOptionsTest, WaitingForALockEndsWithAborted) {
  RunSql(home(), "insert into notes (id, region, text) values (7, 'eu', 'a')");
  ShardedSession holder(options());
  SHARD_ASSERT_OK(
      holder.Execute("update notes set text = 'b' where id = 7", {}, Home()));
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Begin({.lock_timeout = absl::Milliseconds(30)}));
  const absl::Time begin = absl::Now();
  EXPECT_THAT(
      session.Execute("update notes set text = 'c' where id = 7", {}, Home())
          .status(),
      HasCode(Code::kAborted));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(4));
  session.Rollback();
  SHARD_ASSERT_OK(holder.Commit());
  EXPECT_EQ(ReadText(home(), "select text from notes"), "b");
}

SHARD_ON_SESSIONS(BeginOptionsTest);

}  // namespace
}  // namespace shard::testing
