// A transaction on a SQLite file that looks at itself and decides.
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/failpoint.h"
#include "shard/base/testing.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/row_batch.h"
#include "shard/sql/value.h"
#include "shard/tests/dialects/sqlite_participant_support.h"
#include "shard/tests/dialects/sqlite_test_support.h"

namespace shard {
namespace {

using shard::testing::Decide;
using shard::testing::HasCode;
using shard::testing::kOtherTxn;
using shard::testing::kTxn;
using shard::testing::MakeRow;
using shard::testing::MakeStamp;
using shard::testing::QueryValue;
using shard::testing::RunSql;
using shard::testing::SqliteParticipantTest;
using shard::testing::StatusIs;
using shard::testing::TextStatement;
using sql::Value;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// What it is.

TEST_F(SqliteParticipantTest, CannotPrepareAndSaysWhy) {
  EXPECT_FALSE(participant().can_prepare());
  EXPECT_EQ(participant().why_not_prepare(),
            "SQLite has no PREPARE TRANSACTION");
  EXPECT_TRUE(participant().durable());
  const auto refused = StatusIs(absl::StatusCode::kUnimplemented,
                                HasSubstr(participant().why_not_prepare()));
  EXPECT_THAT(participant().StartPrepare("gid"), refused);
  EXPECT_THAT(participant().FinishPrepare(), refused);
  EXPECT_THAT(participant().StartEnd("gid", Decision::kCommit), refused);
  EXPECT_THAT(participant().FinishEnd(), refused);
  EXPECT_THAT(participant().FateOf("748"), refused);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto prepared,
                             participant().ListPrepared(""));
  EXPECT_THAT(prepared, IsEmpty());
}

// Looking.

class SqliteLookTest : public SqliteParticipantTest {
 protected:
  bool Wrote() {
    EXPECT_THAT(participant().StartLook(), shard::testing::IsOk());
    const auto work = participant().FinishLook();
    EXPECT_THAT(work, shard::testing::IsOk());
    EXPECT_EQ(work->number, "");
    return work->wrote;
  }
};

TEST_F(SqliteLookTest, ReadingIsNotWriting) {
  EXPECT_FALSE(Wrote()) << "no transaction";
  SHARD_ASSERT_OK(connection().Begin());
  EXPECT_FALSE(Wrote()) << "nothing done yet";
  SHARD_ASSERT_OK(RunSql(connection(), "SELECT * FROM work"));
  EXPECT_FALSE(Wrote());
  SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO work VALUES (1)"));
  const std::size_t statements = statements_.size();
  EXPECT_TRUE(Wrote());
  EXPECT_EQ(statements_.size(), statements) << "no statement is needed";
  SHARD_ASSERT_OK(connection().Commit());
  EXPECT_FALSE(Wrote());
}

TEST_F(SqliteLookTest, WhoeverHoldsTheWriteLockCountsAsAWriter) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(RunSql(connection(), "DELETE FROM work WHERE 0"));
  EXPECT_TRUE(Wrote()) << "no row changed, but it is locked";
  SHARD_ASSERT_OK(connection().Rollback());
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(connection().Savepoint("s"));
  SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO work VALUES (1)"));
  SHARD_ASSERT_OK(connection().RollbackTo("s"));
  EXPECT_TRUE(Wrote());
  SHARD_ASSERT_OK(connection().Rollback());
}

TEST_F(SqliteLookTest, WritingToAnAttachedFileCounts) {
  SHARD_ASSERT_OK(
      Script(absl::StrCat("ATTACH '", path_, ".b' AS b; CREATE TABLE b.t(x)")));
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO b.t VALUES (1)"));
  EXPECT_TRUE(Wrote());
  EXPECT_THAT(Decide(connection(), MakeRow(Decision::kCommit)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("has not written to the file")));
  SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO work VALUES (1)"));
  EXPECT_THAT(Decide(connection(), MakeRow(Decision::kCommit)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("attached database 'b'")));
  SHARD_ASSERT_OK(connection().Rollback());
  SHARD_ASSERT_OK(Script("DETACH b"));
  unlink((path_ + ".b").c_str());
}

// Deciding.

using SqliteDecideTest = SqliteParticipantTest;

TEST_F(SqliteDecideTest, TheRowAndTheWorkAreCommittedTogether) {
  BeginWork();
  std::vector<std::string> passed;
  SetFailPointHandler([&](std::string_view name) {
    passed.emplace_back(name);
    EXPECT_EQ(Count("work"), 0);
    EXPECT_EQ(Count("shard_decisions"), 0);
    EXPECT_EQ(QueryValue(connection(), "SELECT count(*) FROM shard_decisions")
                  .value(),
              Value(1));
  });
  DecisionRow row = MakeRow(Decision::kCommit);
  row.redo = std::string("\0redo", 5);
  SHARD_ASSERT_OK(participant().StartDecide(row));
  row.participants = "StartDecide has copied what it needs";
  SHARD_ASSERT_OK(participant().FinishDecide());
  EXPECT_THAT(passed, ElementsAre("decide.row"));
  EXPECT_FALSE(connection().in_transaction());
  EXPECT_EQ(Count("work"), 1);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, settler().FindDecision(kTxn));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->outcome, Decision::kCommit);
  EXPECT_EQ(found->participants, R"(["bank"])");
  EXPECT_EQ(found->redo, row.redo);
  ExpectUnlocked();
}

TEST_F(SqliteDecideTest, AListenerHearsOfTheRowAndTheCommit) {
  BeginWork();
  statements_.clear();
  SHARD_ASSERT_OK(Decide(connection(), MakeRow(Decision::kCommit)));
  EXPECT_THAT(
      statements_,
      ElementsAre(HasSubstr("INSERT INTO main.shard_decisions"), "COMMIT"));
}

TEST_F(SqliteDecideTest, AnAbortThatStandsRefusesTheDecision) {
  SHARD_ASSERT_OK(settler().PutDecision(MakeRow(Decision::kAbort), "",
                                        absl::ZeroDuration()));
  BeginWork();
  EXPECT_THAT(Decide(connection(), MakeRow(Decision::kCommit)),
              HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_TRUE(connection().in_transaction()) << "for the caller to roll back";
  SHARD_ASSERT_OK(connection().Rollback());
  EXPECT_EQ(Count("work"), 0);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, settler().FindDecision(kTxn));
  EXPECT_EQ(found->outcome, Decision::kAbort);
}

TEST_F(SqliteDecideTest, ARowThatTheTableDoesNotTakeIsRefused) {
  BeginWork();
  EXPECT_THAT(Decide(connection(), MakeRow(Decision::kCommit, "short")),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("the decision is not committed")));
  EXPECT_TRUE(connection().in_transaction());
  SHARD_ASSERT_OK(Decide(connection(), MakeRow(Decision::kCommit)));
  EXPECT_EQ(Count("work"), 1);
}

TEST_F(SqliteDecideTest, WithoutATableNothingIsCommitted) {
  SHARD_ASSERT_OK(Script("DROP TABLE shard_decisions"));
  BeginWork();
  EXPECT_THAT(
      Decide(connection(), MakeRow(Decision::kCommit)),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no such table")));
  EXPECT_TRUE(connection().in_transaction());
}

// A transaction that SQLite has rolled back by itself must not commit its row.
TEST_F(SqliteDecideTest, ATransactionThatIsOverDecidesNothing) {
  EXPECT_THAT(Decide(connection(), MakeRow(Decision::kCommit)),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("is over")));
  SHARD_ASSERT_OK(Script("CREATE TABLE u(x UNIQUE ON CONFLICT ROLLBACK)"));
  BeginWork();
  EXPECT_THAT(Script("INSERT INTO u VALUES (1), (1)"),
              HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(Decide(connection(), MakeRow(Decision::kCommit)),
              HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(Count("shard_decisions"), 0);
}

TEST_F(SqliteDecideTest, AReaderDoesNotDecide) {
  for (const bool read_only : {false, true}) {
    SHARD_ASSERT_OK(connection().Begin({.read_only = read_only}));
    SHARD_ASSERT_OK(RunSql(connection(), "SELECT * FROM work"));
    EXPECT_THAT(Decide(connection(), MakeRow(Decision::kCommit)),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         HasSubstr("has not written")));
    SHARD_ASSERT_OK(connection().Rollback());
  }
  EXPECT_EQ(Count("shard_decisions"), 0);
}

// COMMIT fails.

TEST_F(SqliteDecideTest, AFailedCommitIsNotCommitted) {
  SHARD_ASSERT_OK(
      Script("CREATE TABLE boss(id INTEGER PRIMARY KEY);"
             "CREATE TABLE team(boss REFERENCES boss "
             "DEFERRABLE INITIALLY DEFERRED)"));
  BeginWork();
  SHARD_ASSERT_OK(Script("INSERT INTO team VALUES (7)"));
  const absl::Status status = Decide(connection(), MakeRow(Decision::kCommit));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition,
                               AllOf(HasSubstr("is not committed"),
                                     HasSubstr("FOREIGN KEY"))));
  EXPECT_EQ(DatabaseCode(status), std::to_string(SQLITE_CONSTRAINT_FOREIGNKEY));
  EXPECT_FALSE(connection().in_transaction());
  EXPECT_EQ(Count("work"), 0);
  EXPECT_EQ(Count("team"), 0);
  EXPECT_EQ(Count("shard_decisions"), 0);
  ExpectUnlocked();
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Decision decision,
      settler().Settle(MakeRow(Decision::kAbort), "", absl::ZeroDuration()));
  EXPECT_EQ(decision, Decision::kAbort);
}

TEST_F(SqliteDecideTest, CursorsEndWithTheDecision) {
  SHARD_ASSERT_OK(Script("INSERT INTO work VALUES (1), (2), (3)"));
  SHARD_ASSERT_OK(connection().Begin());
  const CompiledStatement reads = TextStatement("SELECT x FROM work");
  const CompiledStatement writes =
      TextStatement("UPDATE work SET x = x + 1 RETURNING x");
  RowBatch rows;
  std::vector<std::unique_ptr<Cursor>> cursors;
  for (const CompiledStatement* statement : {&reads, &writes}) {
    SHARD_ASSERT_OK_AND_ASSIGN(std::unique_ptr<Cursor> cursor,
                               connection().OpenCursor({statement, {}, 1}, 1));
    SHARD_ASSERT_OK(cursor->Next(&rows));
    cursors.push_back(std::move(cursor));
  }
  SHARD_ASSERT_OK(Decide(connection(), MakeRow(Decision::kCommit)));
  for (const auto& cursor : cursors) {
    EXPECT_THAT(cursor->Next(&rows), HasCode(absl::StatusCode::kAborted));
  }
  EXPECT_EQ(Count("shard_decisions"), 1);
}

// Settings that a user may have changed.

TEST_F(SqliteDecideTest, WithoutSyncNothingIsCommitted) {
  for (const char* level : {"OFF", "NORMAL", "FULL", "EXTRA"}) {
    SHARD_ASSERT_OK(Script(absl::StrCat("PRAGMA synchronous=", level)));
    const std::string_view name = level;
    const bool durable = name == "FULL" || name == "EXTRA";
    BeginWork();
    const absl::Status status =
        Decide(connection(),
               MakeRow(Decision::kCommit, name == "FULL" ? kTxn : kOtherTxn));
    if (durable) {
      SHARD_EXPECT_OK(status);
      continue;
    }
    EXPECT_THAT(status,
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         HasSubstr(absl::StrCat("synchronous is ", level))));
    EXPECT_TRUE(connection().in_transaction());
    SHARD_ASSERT_OK(connection().Rollback());
    EXPECT_EQ(Count("work"), 0);
  }
  EXPECT_EQ(Count("shard_decisions"), 2);
}

TEST_F(SqliteDecideTest, WithoutAWriteAheadLogNothingIsCommitted) {
  other_.Return();
  connection_.Return();
  // The mode changes only while nobody else has the file open.
  engine_ = MakeEngine();
  connection_ = Connect();
  SHARD_ASSERT_OK(Script("PRAGMA journal_mode=DELETE"));
  BeginWork();
  EXPECT_THAT(Decide(connection(), MakeRow(Decision::kCommit)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("journal_mode is 'delete'")));
  EXPECT_TRUE(connection().in_transaction());
  SHARD_ASSERT_OK(connection().Rollback());
}

// Other processes.

TEST_F(SqliteDecideTest, AProcessThatDiesBeforeItsCommitHasDecidedNothing) {
  const pid_t child = fork();
  if (child == 0) {
    const auto engine = OpenEngine("sqlite:///" + path_);
    auto owner = (*engine)->Connect();
    bool ok = (*owner)->Begin().ok() &&
              (*owner)->ExecuteScript("INSERT INTO work VALUES (1)").ok();
    SetFailPointHandler([&ok](std::string_view) { _exit(ok ? 0 : 1); });
    Decide(**owner, MakeRow(Decision::kCommit)).IgnoreError();
    _exit(2);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_EQ(WEXITSTATUS(status), 0);
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Decision decision,
      settler().Settle(MakeRow(Decision::kAbort), "", absl::ZeroDuration()));
  EXPECT_EQ(decision, Decision::kAbort);
  EXPECT_EQ(Count("work"), 0);
}

// In memory.

TEST(SqliteMemoryParticipantTest, IsNotDurableAndDoesNotDecide) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto engine, OpenEngine("sqlite://"));
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection memory, engine->Connect());
  EXPECT_FALSE(memory->participant().durable());
  SHARD_ASSERT_OK(memory->participant().PutStamp(MakeStamp()));
  SHARD_ASSERT_OK(memory->ExecuteScript("CREATE TABLE work(x)"));
  SHARD_ASSERT_OK(memory->Begin());
  SHARD_ASSERT_OK(memory->ExecuteScript("INSERT INTO work VALUES (1)"));
  EXPECT_THAT(Decide(*memory, MakeRow(Decision::kCommit)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("journal_mode is 'memory'")));
  EXPECT_TRUE(memory->in_transaction());
}

TEST(SqliteMemoryParticipantTest, AConnectCheckLeavesItsDataAlone) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto engine, OpenEngine("sqlite://"));
  {
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection first, engine->Connect());
    SHARD_ASSERT_OK(first->ExecuteScript("CREATE TABLE t(x)"));
  }
  int looks = 0;
  SHARD_ASSERT_OK(engine->SetConnectCheck(&looks, [&](Connection& connection) {
    ++looks;
    return connection.participant().PutStamp(MakeStamp()).status();
  }));
  for (int i = 0; i < 2; ++i) {
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection again, engine->Connect());
    SHARD_EXPECT_OK(RunSql(*again, "SELECT * FROM t, shard_stamp"));
  }
  EXPECT_EQ(looks, 1);
  EXPECT_THAT(engine->OpenConnection(),
              HasCode(absl::StatusCode::kUnimplemented));
}

TEST(SqliteMemoryParticipantTest, ACheckThatFailsLaterKeepsFailing) {
  EngineOptions options;
  options.health_check_after = absl::Milliseconds(50);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto engine,
                             OpenEngine("sqlite://", options));
  bool fits = true;
  SHARD_ASSERT_OK(engine->SetConnectCheck(&fits, [&](Connection&) {
    return fits ? absl::OkStatus() : absl::FailedPreconditionError("wrong");
  }));
  {
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection first, engine->Connect());
    SHARD_ASSERT_OK(first->ExecuteScript("CREATE TABLE t(x)"));
  }
  absl::SleepFor(absl::Milliseconds(60));
  fits = false;
  for (int i = 0; i < 3; ++i) {  // the second is no idle one any more
    EXPECT_THAT(engine->Connect().status(),
                HasCode(absl::StatusCode::kFailedPrecondition));
  }
  fits = true;
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection again, engine->Connect());
  SHARD_EXPECT_OK(RunSql(*again, "SELECT * FROM t"));
}

// The databases that a file may have followed.

std::vector<std::string> Peers(Participant& participant) {
  const auto peers = participant.ListPeers();
  return peers.ok() ? *peers : std::vector<std::string>{"?"};
}

TEST_F(SqliteParticipantTest, PeersAreListedOnceAndDurably) {
  EXPECT_THAT(Peers(participant()), IsEmpty());
  SHARD_ASSERT_OK(participant().RemovePeers({"a"}, absl::Seconds(1)));
  EXPECT_THAT(RunSql(connection(), "SELECT * FROM shard_peers"),
              ::testing::Not(testing::IsOk()))
      << "no table was made to remove nothing";
  const std::string a(32, 'a'), b(32, 'b'), c(32, 'c');
  SHARD_ASSERT_OK(participant().AddPeers({b}));
  SHARD_ASSERT_OK(participant().AddPeers({a, b}));
  SHARD_ASSERT_OK(settler().AddPeers({b, c}));
  SHARD_ASSERT_OK(settler().AddPeers({}));
  EXPECT_THAT(Peers(participant()), UnorderedElementsAre(a, b, c));
  SHARD_ASSERT_OK(
      participant().RemovePeers({b, "not there"}, absl::Seconds(1)));
  EXPECT_THAT(Peers(settler()), UnorderedElementsAre(a, c));
  SHARD_ASSERT_OK(settler().RemovePeers({a, c}, absl::Seconds(1)));
  EXPECT_THAT(Peers(participant()), IsEmpty());
  EXPECT_FALSE(connection().in_transaction());
  EXPECT_FALSE(other_->in_transaction());
}

// What is known already needs no write lock, and what is not waits for it.
TEST_F(SqliteParticipantTest, PeersOfAFileThatIsLocked) {
  const std::string a(32, 'a'), b(32, 'b');
  SHARD_ASSERT_OK(settler().AddPeers({a}));
  BeginWork();
  SHARD_EXPECT_OK(settler().AddPeers({a}));
  EXPECT_THAT(settler().AddPeers({a, b}), HasCode(absl::StatusCode::kAborted));
  const absl::Time begin = absl::Now();
  EXPECT_THAT(settler().RemovePeers({a}, absl::Milliseconds(1)),
              HasCode(absl::StatusCode::kAborted));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(1)) << "busy_timeout is 5 s";
  SHARD_EXPECT_OK(settler().RemovePeers({b}, absl::ZeroDuration()));
  SHARD_ASSERT_OK(connection().Rollback());
  EXPECT_THAT(Peers(settler()), UnorderedElementsAre(a));
}

}  // namespace
}  // namespace shard
