// Several sessions that have joined one transaction, and end in any order.
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/status_macros.h"
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
using Code = absl::StatusCode;
using Mode = JoinTransactionMode;

constexpr auto& c = Note::c;

class JoinedSessionsTest : public JoinedTest {
 protected:
  // In which "o" is written.
  void BeginOuter() {
    SHARD_ASSERT_OK(outer_->Begin());
    Insert("o");
  }
};

// Each hears of its own statements, also when the other has ended before.
TEST_P(JoinedSessionsTest, Row033ListenersOfSeveralSessions) {
  for (const bool first_ends_first : {true, false}) {
    SHARD_ASSERT_OK(outer_->Begin());
    SHARD_ASSERT_OK(outer_->ExecuteScript("select 0"));
    std::vector<std::string> owner;
    outer_->listeners().SetBorrower([&owner](const StatementEvent& event) {
      owner.emplace_back(event.statement);
    });
    const auto heard = std::make_shared<Statements>();
    const auto heard_too = std::make_shared<Statements>();
    ShardedSession first = Join(Mode::kRollbackOnly, {heard});
    ShardedSession second = Join(Mode::kRollbackOnly, {heard_too});
    ShardedSession deaf = Join(Mode::kRollbackOnly);
    SHARD_ASSERT_OK(first.Execute("select 1", {}, Place()));
    SHARD_ASSERT_OK(second.Execute("select 2", {}, Place()));
    SHARD_ASSERT_OK(first.Execute("select 3", {}, Place()));
    SHARD_ASSERT_OK(deaf.Execute("select 4", {}, Place()));
    (first_ends_first ? first : second).Close();
    (first_ends_first ? second : first).Close();
    deaf.Close();
    SHARD_ASSERT_OK(outer_->ExecuteScript("select 5"));
    EXPECT_THAT(heard->texts, ElementsAre("select 1", "select 3"));
    EXPECT_THAT(heard_too->texts, ElementsAre("select 2"));
    EXPECT_THAT(owner, ElementsAre("select 4", "select 5"));
    outer_->listeners().SetBorrower(nullptr);
    SHARD_ASSERT_OK(outer_->Rollback());
  }
}

TEST_P(JoinedSessionsTest, Row033SeveralSessionsCommitInAnyOrder) {
  for (const bool first_ends_first : {true, false}) {
    RunSql(home(), "delete from notes");
    BeginOuter();
    ShardedSession first = Join(Mode::kRollbackOnly);
    ShardedSession second = Join(Mode::kRollbackOnly);
    SHARD_ASSERT_OK(Write(first, "s"));
    SHARD_ASSERT_OK(Write(second, "t"));
    SHARD_ASSERT_OK((first_ends_first ? first : second).Commit());
    SHARD_ASSERT_OK((first_ends_first ? second : first).Commit());
    SHARD_ASSERT_OK(outer_->Commit());
    EXPECT_EQ(Committed(), "ost");
  }
}

// A commit would take the other one's savepoint, or transaction, along.
TEST_P(JoinedSessionsTest, Row033ACommitWaitsForThoseInside) {
  for (const Mode mode : {Mode::kCreateSavepoint, Mode::kControlFully}) {
    for (const bool commit : {true, false}) {
      RunSql(home(), "delete from notes");
      BeginOuter();
      ShardedSession first = Join(mode);
      SHARD_ASSERT_OK(Write(first, "s"));
      ShardedSession second = Join(Mode::kCreateSavepoint);
      SHARD_ASSERT_OK(Write(second, "t"));
      EXPECT_THAT(first.Commit(), StatusIs(Code::kFailedPrecondition,
                                           HasSubstr("another session")));
      if (commit) {
        SHARD_ASSERT_OK(second.Commit());
      } else {
        second.Close();
      }
      SHARD_ASSERT_OK(first.Commit());
      EXPECT_EQ(outer_->in_transaction(), mode == Mode::kCreateSavepoint);
      if (outer_->in_transaction()) {
        SHARD_ASSERT_OK(outer_->Commit());
      }
      EXPECT_EQ(Committed(), commit ? "ost" : "os");
    }
  }
}

// What stood inside must neither seem to be committed nor write outside.
TEST_P(JoinedSessionsTest, Row033ARollbackEndsThoseInside) {
  for (const Mode mode : {Mode::kCreateSavepoint, Mode::kRollbackOnly}) {
    for (const Mode inside : {Mode::kCreateSavepoint, Mode::kRollbackOnly}) {
      RunSql(home(), "delete from notes");
      BeginOuter();
      ShardedSession first = Join(mode);
      SHARD_ASSERT_OK(Write(first, "s"));
      ShardedSession second = Join(inside);
      SHARD_ASSERT_OK(Write(second, "t"));
      first.Rollback();
      const auto refused =
          StatusIs(Code::kAborted, HasSubstr("another session"));
      EXPECT_THAT(second.Commit(), refused);
      EXPECT_THAT(second.Execute("select 1", {}, Place()).status(), refused);
      EXPECT_THAT(Write(second, "i"), HasCode(Code::kFailedPrecondition));
      if (!outer_->in_transaction()) {
        BeginOuter();  // none of its business
      }
      second.Rollback();
      SHARD_ASSERT_OK(outer_->Commit());
      EXPECT_EQ(Committed(), "o");
    }
  }
}

// One savepoint holds what both did meanwhile.
TEST_P(JoinedSessionsTest, Row033ARollbackTakesAlongWhatOthersWrote) {
  for (const bool wrote : {true, false}) {
    RunSql(home(), "delete from notes");
    BeginOuter();
    ShardedSession first = Join(Mode::kRollbackOnly);
    SHARD_ASSERT_OK(Write(first, "s"));
    ShardedSession second = Join(Mode::kCreateSavepoint);
    SHARD_ASSERT_OK(Write(second, "t"));
    if (wrote) {
      SHARD_ASSERT_OK(Write(first, "i"));
    } else {
      SHARD_ASSERT_OK(first.Scalars(Select<Note>().Where(c.region == "eu")));
    }
    second.Rollback();
    if (wrote) {
      EXPECT_THAT(first.Commit(), HasCode(Code::kAborted));
      first.Rollback();
      EXPECT_FALSE(outer_->in_transaction());
    } else {
      SHARD_ASSERT_OK(first.Commit());
      SHARD_ASSERT_OK(outer_->Commit());
    }
    EXPECT_EQ(Committed(), wrote ? "" : "os");
  }
}

TEST_P(JoinedSessionsTest, Row033ACloseLeavesTheSavepointsOfOthers) {
  BeginOuter();
  ShardedSession first = Join(Mode::kRollbackOnly);
  SHARD_ASSERT_OK(Write(first, "s"));
  ShardedSession second = Join(Mode::kCreateSavepoint);
  SHARD_ASSERT_OK(Write(second, "t"));
  first.Close();
  second.Rollback();
  SHARD_ASSERT_OK(outer_->Commit());
  EXPECT_EQ(Committed(), "os");
}

// Nested transactions of one are in the way of another like any savepoint.

TEST_P(JoinedSessionsTest, Row033ANestedTransactionWaitsForThoseAbove) {
  for (const bool rolls_back : {false, true}) {
    RunSql(home(), "delete from notes");
    BeginOuter();
    ShardedSession first = Join(Mode::kRollbackOnly);
    SHARD_ASSERT_OK(Write(first, "s"));
    SHARD_ASSERT_OK(first.BeginNested());
    ShardedSession second = Join(Mode::kCreateSavepoint);
    SHARD_ASSERT_OK(Write(second, "t"));
    SHARD_ASSERT_OK(second.BeginNested());
    SHARD_ASSERT_OK(Write(second, "i"));
    const auto waits =
        StatusIs(Code::kFailedPrecondition, HasSubstr("another session"));
    EXPECT_THAT(first.RollbackNested(), waits);
    EXPECT_THAT(first.CommitNested(), waits);
    SHARD_ASSERT_OK(second.RollbackNested());
    SHARD_ASSERT_OK(second.Commit());
    SHARD_ASSERT_OK(rolls_back ? first.RollbackNested() : first.CommitNested());
    SHARD_ASSERT_OK(first.Commit());
    SHARD_ASSERT_OK(outer_->Commit());
    EXPECT_EQ(Committed(), rolls_back ? "os" : "ost");
  }
}

TEST_P(JoinedSessionsTest, Row033ANestedRollbackTakesAlongWhoIsInside) {
  BeginOuter();
  ShardedSession first = Join(Mode::kRollbackOnly);
  SHARD_ASSERT_OK(Write(first, "s"));
  SHARD_ASSERT_OK(first.BeginNested());
  ShardedSession second = Join(Mode::kRollbackOnly);
  SHARD_ASSERT_OK(Write(second, "t"));
  EXPECT_THAT(first.CommitNested(), HasCode(Code::kFailedPrecondition));
  SHARD_ASSERT_OK(first.RollbackNested());
  EXPECT_THAT(second.Commit(), HasCode(Code::kAborted));
  second.Rollback();
  SHARD_ASSERT_OK(first.Commit());
  SHARD_ASSERT_OK(outer_->Commit());
  EXPECT_EQ(Committed(), "os");
}

TEST_P(JoinedSessionsTest, Row033ACommitWaitsForNestedTransactions) {
  BeginOuter();
  ShardedSession first = Join(Mode::kRollbackOnly);
  ShardedSession second = Join(Mode::kRollbackOnly);
  SHARD_ASSERT_OK(Write(second, "t"));
  SHARD_ASSERT_OK(Write(first, "s"));
  SHARD_ASSERT_OK(first.BeginNested());
  SHARD_ASSERT_OK(Write(first, "i"));
  EXPECT_THAT(second.Commit(), HasCode(Code::kFailedPrecondition));
  SHARD_ASSERT_OK(first.RollbackNested());
  SHARD_ASSERT_OK(second.Commit());
  SHARD_ASSERT_OK(first.Commit());
  SHARD_ASSERT_OK(outer_->Commit());
  EXPECT_EQ(Committed(), "ost");
}

// Who is gone stands in nobody's way.
TEST_P(JoinedSessionsTest, Row033ASessionThatIsGoneBlocksNobody) {
  BeginOuter();
  ShardedSession first = Join(Mode::kRollbackOnly);
  ShardedSession gone = Join(Mode::kRollbackOnly);
  SHARD_ASSERT_OK(Write(gone, "i"));
  SHARD_ASSERT_OK(Write(first, "s"));
  first.Rollback();
  BeginOuter();
  ShardedSession third = Join(Mode::kControlFully);
  SHARD_ASSERT_OK(Write(third, "t"));
  SHARD_ASSERT_OK(third.Commit());
  gone.Rollback();
  EXPECT_EQ(Committed(), "ot");
}

SHARD_ON_SESSIONS(JoinedSessionsTest);

}  // namespace
}  // namespace shard::testing
