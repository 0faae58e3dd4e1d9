// What a PostgreSQL database does in an atomic commit: looking, preparing,
// deciding, ending.
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/status_macros.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/row_batch.h"
#include "shard/sql/column.h"
#include "shard/sql/table.h"
#include "shard/sql/value.h"
#include "shard/tests/dialects/postgres_participant_support.h"
#include "shard/tests/dialects/postgres_test_support.h"

namespace shard {
namespace {

using testing::Decide;
using ::testing::ElementsAre;
using testing::End;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kTxn;
using testing::Look;
using testing::MakeRow;
using testing::PostgresParticipantTest;
using testing::Prepare;
using testing::RunSql;
using testing::StatusIs;
using Code = absl::StatusCode;

class PostgresLookTest : public PostgresParticipantTest {};

TEST_F(PostgresLookTest, ReadersHaveNoNumber) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(RunSql(connection(), "SELECT * FROM work"));
  SHARD_ASSERT_OK_AND_ASSIGN(const WorkDone done, Look(connection()));
  EXPECT_FALSE(done.wrote);
  EXPECT_EQ(done.number, "");
}

TEST_F(PostgresLookTest, WritersHaveOne) {
  BeginWork();
  SHARD_ASSERT_OK_AND_ASSIGN(const WorkDone done, Look(connection()));
  EXPECT_TRUE(done.wrote);
  EXPECT_EQ(done.number,
            Value(connection(), "SELECT pg_current_xact_id()::text"));
}

TEST_F(PostgresLookTest, ReadingThatLocksCountsAsWriting) {
  SHARD_ASSERT_OK(Script("INSERT INTO work VALUES (1)"));
  for (const char* lock : {"UPDATE", "SHARE", "KEY SHARE"}) {
    SHARD_ASSERT_OK(connection().Begin());
    SHARD_ASSERT_OK(
        RunSql(connection(), absl::StrCat("SELECT * FROM work FOR ", lock)));
    SHARD_ASSERT_OK_AND_ASSIGN(const WorkDone done, Look(connection()));
    EXPECT_TRUE(done.wrote) << lock;
    SHARD_ASSERT_OK(connection().Rollback());
  }
}

TEST_F(PostgresLookTest, WhereNothingWasSentNothingIsAsked) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK_AND_ASSIGN(const WorkDone done, Look(connection()));
  EXPECT_FALSE(done.wrote);
  EXPECT_THAT(statements_, IsEmpty());
  EXPECT_TRUE(connection().in_transaction());
}

TEST_F(PostgresLookTest, NeedsATransactionThatHasNotFailed) {
  EXPECT_THAT(Look(connection()), HasCode(Code::kFailedPrecondition));
  BeginWork();
  EXPECT_FALSE(Script("SELECT 1 / 0").ok());
  EXPECT_THAT(Look(connection()), HasCode(Code::kFailedPrecondition));
}

TEST_F(PostgresLookTest, MayComeAlongWithAStatement) {
  for (const bool writes : {false, true}) {
    SHARD_ASSERT_OK(connection().Begin());
    participant().LookWithNext();
    SHARD_ASSERT_OK(RunSql(connection(), writes ? "INSERT INTO work VALUES (1)"
                                                : "SELECT * FROM work"));
    EXPECT_EQ(statements_.size(), 2u);  // BEGIN, and what we sent
    ForgetStatements();
    for (int again = 0; again < 2; ++again) {
      SHARD_ASSERT_OK_AND_ASSIGN(const WorkDone done, Look(connection()));
      EXPECT_THAT(statements_, IsEmpty());
      EXPECT_EQ(done.wrote, writes);
      EXPECT_EQ(done.number == "", !writes);
    }
    SHARD_ASSERT_OK_AND_ASSIGN(const WorkDone known, Look(connection()));
    EXPECT_EQ(known.number,
              Value(connection(), "SELECT pg_current_xact_id_if_assigned()"));
    SHARD_ASSERT_OK(connection().Rollback());
    ForgetStatements();
  }
}

TEST_F(PostgresLookTest, ComesAlongWithManyRunsAndWithPagesOfRows) {
  const sql::Table table("work",
                         {{.name = "i", .type = sql::ValueType::kInt32}});
  const sql::Column* const column = table.FindColumn("i");
  const CompiledStatement insert = testing::TextStatement(
      "INSERT INTO work VALUES ($1)", {sql::ValueType::kInt32});
  std::vector<sql::ValueView> values;
  for (int i = 0; i < 2000; ++i) values.push_back(sql::ValueView::Int32(i));
  for (const bool as_page : {false, true}) {
    SHARD_ASSERT_OK(connection().Begin());
    participant().LookWithNext();
    if (as_page) {
      SHARD_ASSERT_OK(connection().Insert(
          {&table, {&column, 1}, values.size(), values, nullptr}));
    } else {
      SHARD_ASSERT_OK(
          connection().Execute({&insert, values, values.size()}, nullptr));
    }
    ForgetStatements();
    SHARD_ASSERT_OK_AND_ASSIGN(const WorkDone done, Look(connection()));
    EXPECT_TRUE(done.wrote);
    EXPECT_THAT(statements_, IsEmpty());
    SHARD_ASSERT_OK(connection().Rollback());
  }
}

// Each of these may write, or did.
TEST_F(PostgresLookTest, WhatIsSentAfterwardsMakesItVoid) {
  using Work = std::function<absl::Status(Connection&)>;
  const std::vector<Work> all = {
      [](Connection& c) {
        return RunSql(c, "INSERT INTO work VALUES (1)").status();
      },
      [](Connection& c) {
        return c.ExecuteScript("INSERT INTO work VALUES (1)");
      },
      [](Connection& c) {
        const sql::Table table("work",
                               {{.name = "i", .type = sql::ValueType::kInt32}});
        const sql::Column* const column = table.FindColumn("i");
        const sql::ValueView one = sql::ValueView::Int32(1);
        return c.Insert({&table, {&column, 1}, 1, {&one, 1}, nullptr}).status();
      },
      [](Connection& c) -> absl::Status {
        const CompiledStatement lock =
            testing::TextStatement("SELECT pg_current_xact_id()::text");
        SHARD_ASSIGN_OR_RETURN(const auto cursor,
                               c.OpenCursor({&lock, {}, 1}, 1));
        RowBatch rows;
        return cursor->Next(&rows).status();
      },
      [](Connection& c) -> absl::Status {
        SHARD_RETURN_IF_ERROR(c.Savepoint("a"));
        SHARD_RETURN_IF_ERROR(c.ExecuteScript("INSERT INTO work VALUES (1)"));
        return c.RollbackTo("a");
      },
  };
  for (const Work& work : all) {
    SHARD_ASSERT_OK(connection().Begin());
    participant().LookWithNext();
    SHARD_ASSERT_OK(RunSql(connection(), "SELECT * FROM work"));
    SHARD_ASSERT_OK_AND_ASSIGN(const WorkDone before, Look(connection()));
    EXPECT_FALSE(before.wrote);
    SHARD_ASSERT_OK(work(connection()));
    ForgetStatements();
    SHARD_ASSERT_OK_AND_ASSIGN(const WorkDone done, Look(connection()));
    EXPECT_TRUE(done.wrote);
    EXPECT_EQ(statements_.size(), 1u);
    EXPECT_EQ(done.number,
              Value(connection(), "SELECT pg_current_xact_id()::text"));
    SHARD_ASSERT_OK(connection().Rollback());
  }
}

TEST_F(PostgresLookTest, IsNeverThatOfAnEarlierTransaction) {
  for (const char* end : {"Commit", "COMMIT", "COMMIT AND CHAIN",
                          "ROLLBACK AND CHAIN", "ROLLBACK; BEGIN"}) {
    SHARD_ASSERT_OK(Script("DELETE FROM work"));
    SHARD_ASSERT_OK(connection().Begin());
    participant().LookWithNext();
    SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO work VALUES (1)"));
    if (end == std::string_view("Commit")) {
      SHARD_ASSERT_OK(connection().Commit());
    } else {
      SHARD_ASSERT_OK(Script(end));
    }
    if (!connection().in_transaction()) {
      SHARD_ASSERT_OK(connection().Begin());
    }
    SHARD_ASSERT_OK_AND_ASSIGN(const WorkDone done, Look(connection()));
    EXPECT_FALSE(done.wrote) << end;
    EXPECT_EQ(done.number, "");
    SHARD_ASSERT_OK(connection().Rollback());
  }
}

// Neither does one that was to come along with what is never sent.
TEST_F(PostgresLookTest, AHintEndsWithItsTransaction) {
  SHARD_ASSERT_OK(connection().Begin());
  participant().LookWithNext();
  SHARD_ASSERT_OK(connection().Rollback());
  for (const bool as_script : {true, false}) {
    SHARD_ASSERT_OK(connection().Begin());
    if (as_script) {
      participant().LookWithNext();
      SHARD_ASSERT_OK(Script("SELECT 1"));
    }
    SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO work VALUES (1)"));
    ForgetStatements();
    SHARD_ASSERT_OK_AND_ASSIGN(const WorkDone done, Look(connection()));
    EXPECT_TRUE(done.wrote);
    EXPECT_EQ(statements_.size(), 1u);
    SHARD_ASSERT_OK(connection().Rollback());
  }
}

TEST_F(PostgresLookTest, AStatementThatFailsBringsNone) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(connection().Savepoint("a"));
  participant().LookWithNext();
  EXPECT_FALSE(RunSql(connection(), "SELECT 1 / 0").ok());
  EXPECT_FALSE(Look(connection()).ok());
  SHARD_ASSERT_OK(connection().RollbackTo("a"));
  ForgetStatements();
  SHARD_ASSERT_OK_AND_ASSIGN(const WorkDone done, Look(connection()));
  EXPECT_FALSE(done.wrote);
  EXPECT_EQ(statements_.size(), 1u);
}

// Our own statements are prepared too, and may be gone.
TEST_F(PostgresLookTest, ComesAlongAfterPreparedStatementsWereDropped) {
  for (const char* drop : {"DEALLOCATE ALL", "DISCARD ALL"}) {
    for (const bool as_script : {true, false}) {
      SHARD_ASSERT_OK(connection().Begin());
      SHARD_ASSERT_OK(connection().LimitLockWaits(absl::Seconds(5)));
      participant().LookWithNext();
      SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO work VALUES (1)"));
      SHARD_ASSERT_OK_AND_ASSIGN(const WorkDone done, Look(connection()));
      EXPECT_TRUE(done.wrote);
      SHARD_ASSERT_OK(connection().Rollback());
      SHARD_ASSERT_OK(as_script ? Script(drop)
                                : RunSql(connection(), drop).status());
    }
  }
}

class PostgresPrepareTest : public PostgresParticipantTest {
 protected:
  void ExpectOver() {
    EXPECT_TRUE(connection().usable());
    EXPECT_FALSE(connection().in_transaction());
    EXPECT_EQ(CountPrepared(), 0u);
    EXPECT_EQ(Count("work"), "0");
  }
};

TEST_F(PostgresPrepareTest, Row086PreparedWorkWaitsForItsEnd) {
  EXPECT_EQ(participant().why_not_prepare(), "");
  EXPECT_TRUE(participant().can_prepare());
  EXPECT_TRUE(participant().durable());
  BeginWork();
  ForgetStatements();
  SHARD_ASSERT_OK(Prepare(connection(), Gid()));
  EXPECT_THAT(statements_,
              ElementsAre(absl::StrCat("PREPARE TRANSACTION '", Gid(), "'")));
  EXPECT_FALSE(connection().in_transaction());
  EXPECT_EQ(Count("work"), "0");
  SHARD_ASSERT_OK(End(other(), Gid(), Decision::kCommit));
  EXPECT_EQ(Count("work"), "1");
  EXPECT_EQ(CountPrepared(), 0u);
  BeginWork(2);
  SHARD_ASSERT_OK(Prepare(connection(), Gid()));
  SHARD_ASSERT_OK(End(connection(), Gid(), Decision::kAbort));
  EXPECT_EQ(Count("work"), "1");
}

TEST_F(PostgresPrepareTest, NamesMayHoldAnything) {
  const std::string gid = Gid("it's a \\ \"gid\" é");
  BeginWork();
  SHARD_ASSERT_OK(Prepare(connection(), gid));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto prepared, settler().ListPrepared(gid));
  ASSERT_EQ(prepared.size(), 1u);
  EXPECT_EQ(prepared[0].gid, gid);
  SHARD_ASSERT_OK(End(other(), gid, Decision::kCommit));
}

TEST_F(PostgresPrepareTest, NamesThatTheServerDoesNotTake) {
  for (const std::string& gid :
       {std::string(200, 'x'), std::string("a\0b", 3)}) {
    BeginWork();
    EXPECT_THAT(Prepare(connection(), gid), HasCode(Code::kInvalidArgument));
    SHARD_ASSERT_OK(connection().Rollback());
    ExpectOver();
  }
}

// The server answers PREPARE in a failed transaction without an error.
TEST_F(PostgresPrepareTest, PreparingAFailedTransactionIsAnError) {
  BeginWork();
  EXPECT_FALSE(Script("SELECT 1 / 0").ok());
  EXPECT_THAT(Prepare(connection(), Gid()), HasCode(Code::kAborted));
  ExpectOver();
}

TEST_F(PostgresPrepareTest, SoItIsWhenTheServerNeverHeardOfIt) {
  SHARD_ASSERT_OK(connection().Begin());
  EXPECT_FALSE(Script("INSERT INTO work VALUES (1); SELEC 1").ok());
  EXPECT_THAT(Prepare(connection(), Gid()), HasCode(Code::kAborted));
  ExpectOver();
}

TEST_F(PostgresPrepareTest, NeedsATransaction) {
  EXPECT_THAT(Prepare(connection(), Gid()), HasCode(Code::kFailedPrecondition));
  EXPECT_EQ(CountPrepared(), 0u);
}

TEST_F(PostgresPrepareTest, ATransactionThatSentNothing) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(Prepare(connection(), Gid()));
  EXPECT_EQ(CountPrepared(), 1u);
  SHARD_ASSERT_OK(End(connection(), Gid(), Decision::kCommit));
}

TEST_F(PostgresPrepareTest, WhatPostgresDoesNotPrepare) {
  SHARD_ASSERT_OK(Script("CREATE TEMP TABLE here (i int)"));
  for (const char* sql :
       {"INSERT INTO here VALUES (1)", "SELECT * FROM here", "LISTEN news",
        "NOTIFY news", "SELECT pg_export_snapshot()",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1"}) {
    BeginWork();
    SHARD_ASSERT_OK(Script(sql));
    EXPECT_THAT(Prepare(connection(), Gid()),
                StatusIs(Code::kFailedPrecondition, HasSubstr("PREPARE")))
        << sql;
    ExpectOver();
  }
}

TEST_F(PostgresPrepareTest, ANameThatIsTaken) {
  BeginWork(1);
  SHARD_ASSERT_OK(Prepare(connection(), Gid()));
  BeginWork(2);
  const absl::Status status = Prepare(connection(), Gid());
  EXPECT_THAT(status, HasCode(Code::kAlreadyExists));
  EXPECT_EQ(DatabaseCode(status), "42710");
  EXPECT_FALSE(connection().in_transaction());
  SHARD_ASSERT_OK(End(connection(), Gid(), Decision::kCommit));
  EXPECT_EQ(Value(other(), "SELECT sum(i)::text FROM work"), "1");
}

TEST_F(PostgresPrepareTest, ADeferredConstraintThatFails) {
  SHARD_ASSERT_OK(other().ExecuteScript(
      "CREATE TABLE parent (i int PRIMARY KEY);"
      "ALTER TABLE work ADD FOREIGN KEY (i) REFERENCES parent "
      "DEFERRABLE INITIALLY DEFERRED"));
  BeginWork();
  const absl::Status status = Prepare(connection(), Gid());
  EXPECT_THAT(status, HasCode(Code::kFailedPrecondition));
  EXPECT_EQ(DatabaseCode(status), "23503");
  ExpectOver();
}

TEST_F(PostgresPrepareTest, WaitingForLocksIsLimitedInItToo) {
  SHARD_ASSERT_OK(other().ExecuteScript(
      "CREATE TABLE parent (i int PRIMARY KEY); INSERT INTO parent VALUES (1);"
      "ALTER TABLE work ADD FOREIGN KEY (i) REFERENCES parent "
      "DEFERRABLE INITIALLY DEFERRED"));
  SHARD_ASSERT_OK(other().Begin());
  SHARD_ASSERT_OK(other().ExecuteScript("DELETE FROM parent"));
  BeginWork();
  SHARD_ASSERT_OK(connection().LimitLockWaits(absl::Milliseconds(20)));
  EXPECT_THAT(Prepare(connection(), Gid()), HasCode(Code::kAborted));
  SHARD_ASSERT_OK(other().Rollback());
  ExpectOver();
}

TEST_F(PostgresPrepareTest, ALostConnection) {
  HoldCommits();
  const std::string pid = PidOf(connection());
  BeginWork();
  SHARD_ASSERT_OK(participant().StartPrepare(Gid()));
  AwaitBlocked(pid);
  Kill(pid);
  EXPECT_THAT(participant().FinishPrepare(), HasCode(Code::kUnavailable));
  EXPECT_FALSE(connection().usable());
  LetCommitsPass();
  EXPECT_EQ(CountPrepared(), 0u);
}

// The client has given up, and later the transaction stands there prepared.
TEST_F(PostgresPrepareTest, APreparedTransactionMayAppearAfterTheDeadline) {
  HoldCommits();
  BeginWork();
  connection().set_deadline(absl::Now() + absl::Milliseconds(50));
  EXPECT_THAT(Prepare(connection(), Gid()), HasCode(Code::kDeadlineExceeded));
  connection_.Return();
  EXPECT_EQ(CountPrepared(), 0u);
  EXPECT_THAT(End(other(), Gid(), Decision::kAbort), HasCode(Code::kNotFound));
  LetCommitsPass();
  AwaitValue(
      "SELECT count(*) FROM pg_prepared_xacts WHERE gid = '" + Gid() + "'",
      "1");
  SHARD_EXPECT_OK(End(other(), Gid(), Decision::kAbort));
}

class PostgresDecideTest : public PostgresParticipantTest {
 protected:
  absl::Status Commit(std::string txn = kTxn) {
    return Decide(connection(), MakeRow(Decision::kCommit, std::move(txn)));
  }
  void ExpectNothing() {
    EXPECT_EQ(Count("work"), "0");
    EXPECT_EQ(Count("shard_decisions"), "0");
  }
};

TEST_F(PostgresDecideTest, TheRowCommitsWithTheWork) {
  BeginWork();
  ForgetStatements();
  DecisionRow row = MakeRow(Decision::kCommit);
  row.redo = std::string("\0'\\\xff redo", 9);
  SHARD_ASSERT_OK(Decide(connection(), row));
  EXPECT_FALSE(connection().in_transaction());
  EXPECT_EQ(Count("work"), "1");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, settler().FindDecision(kTxn));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->txn, kTxn);
  EXPECT_EQ(found->outcome, Decision::kCommit);
  EXPECT_EQ(found->participants, row.participants);
  EXPECT_EQ(found->redo, row.redo);
  // What is heard of it are no values.
  EXPECT_THAT(statements_,
              ElementsAre("INSERT INTO public.shard_decisions", "COMMIT"));
}

TEST_F(PostgresDecideTest, NeedsATransaction) {
  EXPECT_THAT(Commit(), HasCode(Code::kFailedPrecondition));
  // Not even if somebody ended it behind our back.
  BeginWork();
  SHARD_ASSERT_OK(RunSql(connection(), "ROLLBACK"));
  EXPECT_THAT(Commit(), HasCode(Code::kFailedPrecondition));
  ExpectNothing();
}

TEST_F(PostgresDecideTest, AFailedTransactionIsNotCommitted) {
  BeginWork();
  EXPECT_FALSE(Script("SELECT 1 / 0").ok());
  EXPECT_THAT(Commit(), HasCode(Code::kAborted));
  SHARD_ASSERT_OK(connection().Rollback());
  SHARD_ASSERT_OK(connection().Begin());
  EXPECT_FALSE(Script("SELEC 1").ok());
  EXPECT_THAT(Commit(), HasCode(Code::kAborted));
  SHARD_ASSERT_OK(connection().Rollback());
  ExpectNothing();
}

TEST_F(PostgresDecideTest, AfterADecisionAgainstIt) {
  SHARD_ASSERT_OK(
      settler().Settle(MakeRow(Decision::kAbort), "", absl::Seconds(9)));
  BeginWork();
  EXPECT_THAT(Commit(),
              StatusIs(Code::kAlreadyExists, HasSubstr("decided already")));
  SHARD_ASSERT_OK(connection().Rollback());
  EXPECT_EQ(Count("work"), "0");
  EXPECT_EQ(Count("shard_decisions WHERE outcome = 'abort'"), "1");
}

TEST_F(PostgresDecideTest, WaitsForADecisionInFlight) {
  for (const bool goes_in : {false, true}) {
    const std::string pid = PidOf(connection());
    SHARD_ASSERT_OK(other().Begin());
    SHARD_ASSERT_OK(other().ExecuteScript(absl::StrCat(
        "INSERT INTO shard_decisions VALUES ('", kTxn, "', 'abort', '')")));
    BeginWork();
    SHARD_ASSERT_OK(participant().StartDecide(MakeRow(Decision::kCommit)));
    AwaitBlocked(pid);
    SHARD_ASSERT_OK(goes_in ? other().Commit() : other().Rollback());
    const absl::Status status = participant().FinishDecide();
    if (goes_in) {
      EXPECT_THAT(status, HasCode(Code::kAlreadyExists));
      SHARD_ASSERT_OK(connection().Rollback());
      EXPECT_EQ(Count("work"), "0");
    } else {
      SHARD_EXPECT_OK(status);
      EXPECT_EQ(Count("work"), "1");
      SHARD_ASSERT_OK(other().ExecuteScript(
          "DELETE FROM work; DELETE FROM shard_decisions"));
    }
  }
}

// kAlreadyExists has one meaning.
TEST_F(PostgresDecideTest, ADeferredUniqueConstraintThatFails) {
  SHARD_ASSERT_OK(other().ExecuteScript(
      "CREATE TABLE late (i int UNIQUE DEFERRABLE INITIALLY DEFERRED);"
      "INSERT INTO late VALUES (1)"));
  BeginWork();
  SHARD_ASSERT_OK(Script("INSERT INTO late VALUES (1)"));
  const absl::Status status = Commit();
  EXPECT_THAT(status,
              StatusIs(Code::kFailedPrecondition, HasSubstr("late_i_key")));
  EXPECT_EQ(DatabaseCode(status), "23505");
  EXPECT_FALSE(connection().in_transaction());
  ExpectNothing();
}

TEST_F(PostgresDecideTest, ADeferredForeignKeyThatFails) {
  SHARD_ASSERT_OK(other().ExecuteScript(
      "CREATE TABLE parent (i int PRIMARY KEY);"
      "ALTER TABLE work ADD FOREIGN KEY (i) REFERENCES parent "
      "DEFERRABLE INITIALLY DEFERRED"));
  BeginWork();
  const absl::Status status = Commit();
  EXPECT_THAT(status, HasCode(Code::kFailedPrecondition));
  EXPECT_EQ(DatabaseCode(status), "23503");
  EXPECT_FALSE(connection().in_transaction());
  ExpectNothing();
}

TEST_F(PostgresDecideTest, AtEachIsolationLevel) {
  int i = 0;
  for (const char* level :
       {"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"}) {
    SHARD_ASSERT_OK(connection().Begin());
    SHARD_ASSERT_OK(
        Script(absl::StrCat("SET TRANSACTION ISOLATION LEVEL ", level)));
    SHARD_ASSERT_OK(
        Script(absl::StrCat("INSERT INTO work VALUES (", ++i, ")")));
    SHARD_EXPECT_OK(Commit(absl::StrCat("0000000000000000000000000000000", i)));
  }
  EXPECT_EQ(Count("shard_decisions"), "3");
}

TEST_F(PostgresDecideTest, ASerializationFailureAtCommit) {
  SHARD_ASSERT_OK(connection().Begin());
  for (Connection* each : {&connection(), &other()}) {
    if (each == &other()) {
      SHARD_ASSERT_OK(each->Begin());
    }
    SHARD_ASSERT_OK(
        each->ExecuteScript("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"));
    SHARD_ASSERT_OK(each->ExecuteScript("SELECT count(*) FROM work"));
  }
  SHARD_ASSERT_OK(Script("INSERT INTO work VALUES (1)"));
  SHARD_ASSERT_OK(other().ExecuteScript("INSERT INTO work VALUES (2)"));
  SHARD_ASSERT_OK(other().Commit());
  EXPECT_THAT(Commit(), HasCode(Code::kAborted));
  SHARD_ASSERT_OK(connection().Rollback());
  EXPECT_EQ(Count("work"), "1");
  EXPECT_EQ(Count("shard_decisions"), "0");
}

TEST_F(PostgresDecideTest, WhateverTheSearchPath) {
  SHARD_ASSERT_OK(other().ExecuteScript(
      "CREATE SCHEMA decoy; CREATE TABLE decoy.shard_decisions (LIKE "
      "shard_decisions);"
      "CREATE FUNCTION decoy.current_setting(text) RETURNS text LANGUAGE sql "
      "AS $$ SELECT 'decoy' $$"));
  BeginWork();
  SHARD_ASSERT_OK(Script("SET LOCAL search_path = decoy, pg_catalog"));
  SHARD_ASSERT_OK(Commit());
  EXPECT_EQ(Count("decoy.shard_decisions"), "0");
  EXPECT_EQ(Count("public.shard_decisions"), "1");
  SHARD_ASSERT_OK(other().ExecuteScript("DROP SCHEMA decoy CASCADE"));
}

// As COMMIT sees it: a deferred trigger writes the setting down.
TEST_F(PostgresDecideTest, WaitsForTheDiskWhateverTheSetting) {
  SHARD_ASSERT_OK(other().ExecuteScript(R"sql(
      CREATE TABLE seen (setting text);
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO seen VALUES (current_setting('synchronous_commit'));
        RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER note AFTER INSERT ON work
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note())sql"));
  int i = 0;
  for (const auto& [before, during] :
       {std::pair<const char*, const char*>{"off", "on"},
        {"local", "on"},
        {"on", "on"},
        {"remote_apply", "remote_apply"}}) {
    SHARD_ASSERT_OK(Script(absl::StrCat("SET synchronous_commit = ", before)));
    BeginWork(++i);
    SHARD_ASSERT_OK(Commit(absl::StrCat("0000000000000000000000000000000", i)));
    EXPECT_EQ(Value(other(), "SELECT setting FROM seen"), during);
    EXPECT_EQ(Value(connection(), "SHOW synchronous_commit"), before);
    SHARD_ASSERT_OK(other().ExecuteScript("DELETE FROM seen"));
  }
  SHARD_ASSERT_OK(Script("RESET synchronous_commit"));
}

TEST_F(PostgresDecideTest, WithoutTheTable) {
  SHARD_ASSERT_OK(other().ExecuteScript("DROP TABLE shard_decisions"));
  BeginWork();
  EXPECT_THAT(Commit(), StatusIs(Code::kFailedPrecondition,
                                 HasSubstr("shard_decisions")));
  SHARD_ASSERT_OK(connection().Rollback());
  EXPECT_EQ(Count("work"), "0");
}

TEST_F(PostgresDecideTest, ANameThatIsNone) {
  BeginWork();
  EXPECT_THAT(Commit("nonsense"), HasCode(Code::kFailedPrecondition));
  SHARD_ASSERT_OK(connection().Rollback());
  BeginWork();
  EXPECT_THAT(Commit(std::string("a\0b", 3)), HasCode(Code::kInvalidArgument));
  EXPECT_TRUE(connection().in_transaction());
  SHARD_ASSERT_OK(connection().Rollback());
  ExpectNothing();
}

TEST_F(PostgresDecideTest, ALostConnectionBeforeCommitAborts) {
  HoldCommits();
  const std::string pid = PidOf(connection());
  BeginWork();
  SHARD_ASSERT_OK(participant().StartDecide(MakeRow(Decision::kCommit)));
  AwaitBlocked(pid);
  Kill(pid);
  EXPECT_THAT(participant().FinishDecide(), HasCode(Code::kUnavailable));
  EXPECT_FALSE(connection().usable());
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Decision decision,
      settler().Settle(MakeRow(Decision::kAbort), "", absl::Seconds(9)));
  EXPECT_EQ(decision, Decision::kAbort);
  EXPECT_EQ(Count("work"), "0");
  LetCommitsPass();
}

TEST_F(PostgresDecideTest, ACommitWhoseAnswerCameTooLateIsSettled) {
  HoldCommits();
  BeginWork();
  connection().set_deadline(absl::Now() + absl::Milliseconds(50));
  EXPECT_THAT(Commit(), HasCode(Code::kDeadlineExceeded));
  connection_.Return();
  const std::string pid = PidOf(other());
  PooledConnection passer = std::move(holder_);
  std::thread pass([&] {
    AwaitBlocked(pid);
    passer->ExecuteScript("SELECT pg_advisory_unlock(1)").IgnoreError();
  });
  const auto decision =
      settler().Settle(MakeRow(Decision::kAbort), "", absl::Seconds(20));
  pass.join();
  SHARD_ASSERT_OK(decision);
  EXPECT_EQ(*decision, Decision::kCommit);
  EXPECT_EQ(Count("work"), "1");
}

class PostgresEndTest : public PostgresParticipantTest {};

TEST_F(PostgresEndTest, OfExactlyThatName) {
  BeginWork();
  SHARD_ASSERT_OK(Prepare(connection(), Gid("one")));
  for (const char* name : {"on", "one2", "ONE", ""}) {
    for (const Decision decision : {Decision::kCommit, Decision::kAbort}) {
      EXPECT_THAT(End(other(), Gid(name), decision), HasCode(Code::kNotFound));
    }
  }
  SHARD_ASSERT_OK(End(other(), Gid("one"), Decision::kCommit));
  EXPECT_THAT(End(other(), Gid("one"), Decision::kCommit),
              HasCode(Code::kNotFound));
}

TEST_F(PostgresEndTest, NotInsideOfATransaction) {
  BeginWork();
  SHARD_ASSERT_OK(Prepare(connection(), Gid()));
  SHARD_ASSERT_OK(connection().Begin());
  EXPECT_THAT(End(connection(), Gid(), Decision::kCommit),
              HasCode(Code::kFailedPrecondition));
  SHARD_ASSERT_OK(Script("SELECT 1"));
  EXPECT_THAT(End(connection(), Gid(), Decision::kCommit),
              HasCode(Code::kFailedPrecondition));
  SHARD_ASSERT_OK(Script("SELECT 1"));  // which goes on
  SHARD_ASSERT_OK(connection().Commit());
  SHARD_ASSERT_OK(End(connection(), Gid(), Decision::kCommit));
}

// Not found would mean that it is done.
TEST_F(PostgresEndTest, OfAnotherDatabase) {
  BeginWork();
  SHARD_ASSERT_OK(Prepare(connection(), Gid()));
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection elsewhere, server_->Connect());
  EXPECT_THAT(End(*elsewhere, Gid(), Decision::kAbort),
              StatusIs(Code::kFailedPrecondition, HasSubstr("database")));
  EXPECT_EQ(CountPrepared(), 1u);
}

TEST_F(PostgresEndTest, OfAnotherRole) {
  BeginWork();
  SHARD_ASSERT_OK(Prepare(connection(), Gid()));
  SHARD_ASSERT_OK(Script("SET ROLE pg_monitor"));
  EXPECT_THAT(End(connection(), Gid(), Decision::kAbort),
              HasCode(Code::kPermissionDenied));
  EXPECT_EQ(CountPrepared(), 1u);
}

TEST_F(PostgresEndTest, ALostConnection) {
  const std::string pid = PidOf(connection());
  BeginWork();
  SHARD_ASSERT_OK(Prepare(connection(), Gid()));
  Kill(pid);
  EXPECT_THAT(End(connection(), Gid(), Decision::kCommit),
              HasCode(Code::kUnavailable));
  EXPECT_FALSE(connection().usable());
}

TEST_F(PostgresEndTest, VerbsAreNotMixed) {
  BeginWork();
  SHARD_ASSERT_OK(participant().StartPrepare(Gid()));
  EXPECT_THAT(participant().StartLook(), HasCode(Code::kFailedPrecondition));
  EXPECT_THAT(participant().StartEnd(Gid(), Decision::kAbort),
              HasCode(Code::kFailedPrecondition));
  EXPECT_THAT(participant().ReadStamp(), HasCode(Code::kFailedPrecondition));
  SHARD_ASSERT_OK(participant().FinishPrepare());
}

// A server where nothing can be prepared.
class PostgresNoPrepareTest : public ::testing::Test {};

TEST_F(PostgresNoPrepareTest, Row092SaysWhyAndRefuses) {
  if (std::getenv("SHARD_TEST_POSTGRES_NO_PREPARE_URL") == nullptr) {
    GTEST_SKIP() << "no server with max_prepared_transactions = 0";
  }
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto engine,
      OpenEngine(testing::PostgresUrl("SHARD_TEST_POSTGRES_NO_PREPARE_URL")));
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection connection, engine->Connect());
  EXPECT_EQ(connection->participant().why_not_prepare(),
            "max_prepared_transactions is 0");
  EXPECT_FALSE(connection->participant().can_prepare());
  SHARD_ASSERT_OK(connection->Begin());
  EXPECT_THAT(Prepare(*connection, "test"),
              StatusIs(Code::kFailedPrecondition, HasSubstr("disabled")));
  EXPECT_FALSE(connection->in_transaction());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto findings,
                             connection->participant().Inspect());
  bool found = false;
  for (const Finding& finding : findings) {
    if (finding.subject != "max_prepared_transactions") continue;
    found = true;
    EXPECT_EQ(finding.level, Finding::kError);
    EXPECT_THAT(finding.advice, HasSubstr("only decide"));
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace shard
