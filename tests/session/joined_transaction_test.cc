// A session inside a transaction that somebody else has begun.
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/engine.h"
#include "shard/session/query.h"
#include "shard/session/session_listener.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/joined_test.h"
#include "shard/tests/session/note.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Code = absl::StatusCode;
using Mode = JoinTransactionMode;

constexpr auto& c = Note::c;

enum class Around { kNothing, kTransaction, kSavepoint };
enum class Verb { kCommit, kRollback, kClose };

class JoinedTransactionTest : public JoinedTest {
 protected:
  // Keeps a database at work for a long time.
  const char* LongStatement() const {
    return is_sqlite() ? "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i "
                         "+ 1 FROM n) SELECT count(*) FROM n"
                       : "SELECT pg_sleep(20)";
  }
  // Inserts 'o' in a transaction, and 'i' in a savepoint.
  void BeginAround(Around around) {
    if (around == Around::kNothing) return;
    SHARD_ASSERT_OK(outer_->Begin());
    Insert("o");
    if (around == Around::kTransaction) return;
    SHARD_ASSERT_OK(outer_->Savepoint("around"));
    Insert("i");
  }
  struct Expected {
    Verb verb;
    bool open;               // the transaction around it, afterwards
    std::size_t savepoints;  // likewise
    std::string rows;        // once that is committed
  };
  void Expect(Mode mode, Around around, const std::vector<Expected>& all) {
    for (const Expected& expected : all) {
      SCOPED_TRACE(static_cast<int>(expected.verb));
      RunSql(home(), "delete from notes");
      BeginAround(around);
      ShardedSession session = Join(mode);
      SHARD_ASSERT_OK(Write(session, "s"));
      switch (expected.verb) {
        case Verb::kCommit:
          SHARD_ASSERT_OK(session.Commit());
          break;
        case Verb::kRollback:
          session.Rollback();
          break;
        case Verb::kClose:
          session.Close();
          break;
      }
      EXPECT_EQ(outer_->in_transaction(), expected.open);
      EXPECT_EQ(outer_->savepoints().size(), expected.savepoints);
      if (expected.open) {
        SHARD_ASSERT_OK(outer_->Commit());
      }
      EXPECT_EQ(Committed(), expected.rows);
    }
  }
};

TEST_P(JoinedTransactionTest, Row033RollbackOnly) {
  Expect(Mode::kRollbackOnly, Around::kTransaction,
         {{Verb::kCommit, true, 0, "os"},
          {Verb::kRollback, false, 0, ""},
          {Verb::kClose, true, 0, "os"}});
  Expect(Mode::kRollbackOnly, Around::kSavepoint,
         {{Verb::kCommit, true, 1, "ios"},
          {Verb::kRollback, true, 0, "o"},
          {Verb::kClose, true, 1, "ios"}});
}

TEST_P(JoinedTransactionTest, Row033ControlFully) {
  Expect(Mode::kControlFully, Around::kTransaction,
         {{Verb::kCommit, false, 0, "os"},
          {Verb::kRollback, false, 0, ""},
          {Verb::kClose, false, 0, ""}});
  Expect(Mode::kControlFully, Around::kSavepoint,
         {{Verb::kCommit, true, 0, "ios"},
          {Verb::kRollback, true, 0, "o"},
          {Verb::kClose, true, 0, "o"}});
}

TEST_P(JoinedTransactionTest, Row033CreateSavepoint) {
  Expect(Mode::kCreateSavepoint, Around::kTransaction,
         {{Verb::kCommit, true, 0, "os"},
          {Verb::kRollback, true, 0, "o"},
          {Verb::kClose, true, 0, "o"}});
  Expect(Mode::kCreateSavepoint, Around::kSavepoint,
         {{Verb::kCommit, true, 1, "ios"},
          {Verb::kRollback, true, 1, "io"},
          {Verb::kClose, true, 1, "io"}});
}

TEST_P(JoinedTransactionTest, Row033ConditionalSavepoint) {
  Expect(Mode::kConditionalSavepoint, Around::kTransaction,
         {{Verb::kCommit, true, 0, "os"},
          {Verb::kRollback, false, 0, ""},
          {Verb::kClose, true, 0, "os"}});
  Expect(Mode::kConditionalSavepoint, Around::kSavepoint,
         {{Verb::kCommit, true, 1, "ios"},
          {Verb::kRollback, true, 1, "io"},
          {Verb::kClose, true, 1, "io"}});
}

TEST_P(JoinedTransactionTest, Row033WhereThereIsNoneItIsTheSessions) {
  for (const Mode mode : {Mode::kConditionalSavepoint, Mode::kRollbackOnly,
                          Mode::kControlFully, Mode::kCreateSavepoint}) {
    Expect(mode, Around::kNothing,
           {{Verb::kCommit, false, 0, "s"},
            {Verb::kRollback, false, 0, ""},
            {Verb::kClose, false, 0, ""}});
  }
}

// As in a test that undoes all that was done in it.
TEST_P(JoinedTransactionTest, Row033ManyCommitsAndARollbackAroundThem) {
  BeginAround(Around::kTransaction);
  {
    ShardedSession session = Join(Mode::kCreateSavepoint);
    SHARD_ASSERT_OK(Add(session, "s"));
    SHARD_ASSERT_OK(session.Commit());
    SHARD_ASSERT_OK(Add(session, "t"));
    SHARD_ASSERT_OK(session.Commit());
    SHARD_ASSERT_OK(Add(session, "gone"));
    SHARD_ASSERT_OK(session.Flush());
    session.Rollback();
    SHARD_ASSERT_OK_AND_ASSIGN(
        const auto notes,
        session.Scalars(Select<Note>().Where(c.region == "eu")));
    EXPECT_EQ(notes.size(), 3);
  }
  EXPECT_TRUE(outer_->in_transaction());
  SHARD_ASSERT_OK(outer_->Rollback());
  EXPECT_EQ(CountRows(home(), "notes"), 0);
}

TEST_P(JoinedTransactionTest, Row033NestedOnesEndWithTheSessions) {
  for (const bool commit : {true, false}) {
    RunSql(home(), "delete from notes");
    SHARD_ASSERT_OK(outer_->Begin());
    SHARD_ASSERT_OK(outer_->Savepoint("shard_nested_1"));  // of that name
    ShardedSession session = Join(Mode::kCreateSavepoint);
    SHARD_ASSERT_OK(Write(session, "s"));
    SHARD_ASSERT_OK(session.BeginNested());
    SHARD_ASSERT_OK(session.BeginNested());
    SHARD_ASSERT_OK(Write(session, "t"));
    SHARD_ASSERT_OK(session.RollbackNested());
    if (commit) {
      SHARD_ASSERT_OK(session.Commit());
    } else {
      session.Rollback();
    }
    EXPECT_EQ(outer_->savepoints().size(), 1);
    SHARD_ASSERT_OK(outer_->Commit());
    EXPECT_EQ(Committed(), commit ? "s" : "");
  }
}

// The savepoint of the caller is still the one that the next session is in.
TEST_P(JoinedTransactionTest, Row033NestedOnesDoNotOutliveARollbackOnlyOne) {
  for (const Around around : {Around::kTransaction, Around::kSavepoint}) {
    for (const Verb verb : {Verb::kCommit, Verb::kClose}) {
      RunSql(home(), "delete from notes");
      BeginAround(around);
      const std::size_t before = outer_->savepoints().size();
      ShardedSession session = Join(Mode::kRollbackOnly);
      SHARD_ASSERT_OK(session.BeginNested());
      SHARD_ASSERT_OK(Write(session, "s"));
      SHARD_ASSERT_OK(session.BeginNested());
      SHARD_ASSERT_OK(Write(session, "t"));
      if (verb == Verb::kClose) {
        session.Close();
      } else {
        SHARD_ASSERT_OK(session.Commit());
      }
      EXPECT_EQ(outer_->savepoints().size(), before);
      SHARD_ASSERT_OK(Write(session, "gone"));
      session.Rollback();
      EXPECT_EQ(outer_->in_transaction(), around == Around::kSavepoint);
      if (outer_->in_transaction()) {
        SHARD_ASSERT_OK(outer_->Commit());
      }
      EXPECT_EQ(Committed(), around == Around::kSavepoint ? "o" : "");
    }
  }
}

TEST_P(JoinedTransactionTest, Row033CloseAfterAFailureRollsBack) {
  for (const Around around : {Around::kTransaction, Around::kSavepoint}) {
    RunSql(home(), "delete from notes");
    BeginAround(around);
    ShardedSession session = Join(Mode::kRollbackOnly);
    SHARD_ASSERT_OK(Write(session, "s"));
    EXPECT_FALSE(
        session.Execute("insert into nowhere values (1)", {}, Place()).ok());
    session.Close();
    EXPECT_EQ(outer_->in_transaction(), around == Around::kSavepoint);
    if (outer_->in_transaction()) {
      SHARD_ASSERT_OK(outer_->Commit());
    }
    EXPECT_EQ(Committed(), around == Around::kSavepoint ? "o" : "");
  }
}

// Half of a flush on one database is not kept for what failed on another.
TEST_P(JoinedTransactionTest, Row033CloseAfterAFailureElsewhereRollsBack) {
  if (!is_sharded()) GTEST_SKIP() << "there is one database";
  BeginAround(Around::kTransaction);
  ShardedSession session = Join(Mode::kRollbackOnly);
  SHARD_ASSERT_OK(Write(session, "s"));
  EXPECT_FALSE(
      session.Execute("insert into nowhere values (1)", {}, OnShard("s1"))
          .ok());
  session.Close();
  EXPECT_FALSE(outer_->in_transaction());
  EXPECT_EQ(Committed(), "");
}

TEST_P(JoinedTransactionTest, Row033AModeThatThereIsNot) {
  for (const Around around : {Around::kNothing, Around::kSavepoint}) {
    BeginAround(around);
    ShardedSession session = Join(static_cast<Mode>(9));
    log().Clear();
    EXPECT_THAT(Write(session, "s"), StatusIs(Code::kInvalidArgument,
                                              HasSubstr("no JoinTransaction")));
    EXPECT_EQ(log().Count(""), 0);
    session.Rollback();
    EXPECT_EQ(outer_->in_transaction(), around == Around::kSavepoint);
  }
  SHARD_ASSERT_OK(outer_->Commit());
  EXPECT_EQ(Committed(), "io");
}

// What it sends to begin and to end, too.
TEST_P(JoinedTransactionTest, Row033ListenersHearOfItsBeginAndEnd) {
  const auto heard = std::make_shared<Statements>();
  SessionOptions joined = options();
  joined.listeners = {heard};
  joined.joined.push_back({home().get(), &*outer_, Mode::kCreateSavepoint});
  ShardedSession session(joined);
  SHARD_ASSERT_OK(session.Execute("select 1", {}, Place()));
  session.Rollback();
  EXPECT_THAT(heard->texts, ElementsAre("BEGIN", "select 1", "ROLLBACK"));
  heard->texts.clear();
  BeginAround(Around::kTransaction);
  SHARD_ASSERT_OK(session.Execute("select 1", {}, Place()));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_THAT(heard->texts, ElementsAre(StartsWith("SAVEPOINT"), "select 1",
                                        StartsWith("RELEASE")));
  heard->texts.clear();
  SHARD_ASSERT_OK(outer_->Commit());
  EXPECT_THAT(heard->texts, IsEmpty());
}

// What it wrote is still there, or is not.
TEST_P(JoinedTransactionTest, Row033NewObjectsOfAClosedSession) {
  for (const Mode mode : {Mode::kRollbackOnly, Mode::kCreateSavepoint}) {
    SHARD_ASSERT_OK(outer_->Begin());
    ShardedSession session = Join(mode);
    const auto note = MakeNote("s");
    SHARD_ASSERT_OK(session.Add(note));
    SHARD_ASSERT_OK(session.Flush());
    session.Close();
    const bool stays = mode == Mode::kRollbackOnly;
    EXPECT_EQ(note->object_state(),
              stays ? ObjectState::kDetached : ObjectState::kTransient);
    SHARD_ASSERT_OK(outer_->Commit());
    EXPECT_EQ(Committed(), stays ? "s" : "");
    RunSql(home(), "delete from notes");
  }
}

// A failed statement costs the session's savepoint, not what is around it.
TEST_P(JoinedTransactionTest, Row033AFailureInsideASavepoint) {
  BeginAround(Around::kTransaction);
  ShardedSession session = Join(Mode::kCreateSavepoint);
  SHARD_ASSERT_OK(Write(session, "s"));
  const BindArguments place = is_sharded() ? OnShard("s0") : BindArguments();
  EXPECT_FALSE(
      session.Execute("insert into nowhere values (1)", {}, place).ok());
  EXPECT_THAT(session.Commit().status(), HasCode(Code::kFailedPrecondition));
  session.Rollback();
  SHARD_ASSERT_OK(outer_->Commit());
  EXPECT_EQ(Committed(), "o");
}

// The caller can still commit then, so what is disowned must go.
TEST_P(JoinedTransactionTest, Row033ASavepointEndsBehindTheDeadline) {
  for (const Verb verb : {Verb::kCommit, Verb::kRollback, Verb::kClose}) {
    RunSql(home(), "delete from notes");
    const absl::Time deadline = absl::Now() + absl::Milliseconds(1000);
    SHARD_ASSERT_OK(outer_->Begin({.deadline = deadline}));
    Insert("o");
    ShardedSession session = Join(Mode::kCreateSavepoint);
    SHARD_ASSERT_OK(Write(session, "s"));
    SHARD_ASSERT_OK(session.BeginNested());
    SHARD_ASSERT_OK(Write(session, "t"));
    if (verb == Verb::kClose) {
      EXPECT_THAT(session.Execute(LongStatement(), {}, Place()).status(),
                  HasCode(Code::kDeadlineExceeded));
      session.Close();
    }
    absl::SleepFor(deadline - absl::Now());
    if (verb != Verb::kClose) {
      EXPECT_THAT(Write(session, "i"), HasCode(Code::kDeadlineExceeded));
      SHARD_ASSERT_OK(session.RollbackNested());
    }
    if (verb == Verb::kCommit) {
      SHARD_ASSERT_OK(session.Commit());
    } else {
      session.Rollback();
    }
    EXPECT_TRUE(outer_->usable());
    EXPECT_EQ(outer_->savepoints().size(), 0);
    SHARD_ASSERT_OK(outer_->Commit());
    EXPECT_EQ(Committed(), verb == Verb::kCommit ? "os" : "o");
  }
}

TEST_P(JoinedTransactionTest, Row033ASavepointThatIsNotThere) {
  BeginAround(Around::kSavepoint);
  ShardedSession session = Join(Mode::kRollbackOnly);
  SHARD_ASSERT_OK(Write(session, "s"));
  SHARD_ASSERT_OK(outer_->ExecuteScript("RELEASE SAVEPOINT around"));
  session.Rollback();
  EXPECT_FALSE(outer_->in_transaction());
  EXPECT_EQ(Committed(), "");
}

TEST_P(JoinedTransactionTest, Row033ASessionInsideANestedOne) {
  ShardedSession outer(options());
  SHARD_ASSERT_OK(Write(outer, "o"));
  SHARD_ASSERT_OK(outer.BeginNested());
  SHARD_ASSERT_OK_AND_ASSIGN(
      Connection * connection,
      outer.ConnectionFor(is_sharded() ? OnShard("s0") : BindArguments()));
  SessionOptions inside = options();
  inside.joined.push_back({home().get(), connection});
  ShardedSession inner(inside);
  SHARD_ASSERT_OK(Write(inner, "i"));
  inner.Rollback();  // of the savepoint that it made
  SHARD_ASSERT_OK(Write(inner, "s"));
  SHARD_ASSERT_OK(inner.Commit());
  SHARD_ASSERT_OK(outer.CommitNested());
  SHARD_ASSERT_OK(outer.Commit());
  EXPECT_EQ(Committed(), "os");
}

TEST_P(JoinedTransactionTest, Row033OptionsOfAnOpenTransactionStand) {
  ShardedSession session = Join(Mode::kControlFully);
  SHARD_ASSERT_OK(session.Begin({.read_only = true}));
  SHARD_ASSERT_OK(session.Scalars(Select<Note>().Where(c.region == "eu")));
  EXPECT_TRUE(outer_->in_transaction());
  EXPECT_FALSE(outer_->ExecuteScript("DELETE FROM notes").ok());
  session.Rollback();
  BeginAround(Around::kTransaction);
  SHARD_ASSERT_OK(session.Begin({.isolation = Isolation::kSerializable}));
  EXPECT_THAT(Write(session, "s"),
              StatusIs(Code::kFailedPrecondition, HasSubstr("open already")));
  SHARD_ASSERT_OK(outer_->Commit());
  EXPECT_EQ(Committed(), "o");
}

TEST_P(JoinedTransactionTest, Row033TheConnectionStaysItsOwners) {
  const std::size_t open = home()->open_connections();
  for (const Mode mode : {Mode::kRollbackOnly, Mode::kControlFully}) {
    ShardedSession session = Join(mode);
    SHARD_ASSERT_OK(Write(session, "s"));
    EXPECT_EQ(home()->open_connections(), open);
  }
  EXPECT_TRUE(outer_->usable());
  EXPECT_FALSE(outer_->in_transaction());
  SHARD_ASSERT_OK(outer_->Ping());
  EXPECT_EQ(home()->open_connections(), open);
}

TEST_P(JoinedTransactionTest, Row033ASessionOverOneDatabase) {
  if (is_sharded()) GTEST_SKIP() << "there are two";
  BeginAround(Around::kTransaction);
  {
    ShardedSession session = ShardedSession::Join(home(), *outer_);
    SHARD_ASSERT_OK(Write(session, "s"));
    SHARD_ASSERT_OK(session.Commit());
  }
  SHARD_ASSERT_OK(outer_->Commit());
  EXPECT_EQ(Committed(), "os");
}

TEST_P(JoinedTransactionTest, Row085TwoPhaseCannotJoin) {
  BeginAround(Around::kTransaction);
  SessionOptions two_phase = options();
  two_phase.two_phase = true;
  two_phase.joined.push_back({home().get(), &*outer_});
  ShardedSession session(two_phase);
  EXPECT_THAT(Write(session, "s"),
              StatusIs(Code::kFailedPrecondition, HasSubstr("two_phase")));
  session.Rollback();
  SHARD_ASSERT_OK(outer_->Commit());
  EXPECT_EQ(Committed(), "o");
}

TEST_P(JoinedTransactionTest, Row031TwoConnectionsOfOneEngine) {
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection another, home()->Connect());
  SessionOptions twice = options();
  twice.joined.push_back({home().get(), &*outer_});
  twice.joined.push_back({home().get(), &*another});
  ShardedSession session(twice);
  EXPECT_THAT(Write(session, "s"),
              StatusIs(Code::kInvalidArgument, HasSubstr("two connections")));
  EXPECT_FALSE(outer_->in_transaction());
  EXPECT_FALSE(another->in_transaction());
}

SHARD_ON_SESSIONS(JoinedTransactionTest);

}  // namespace
}  // namespace shard::testing
