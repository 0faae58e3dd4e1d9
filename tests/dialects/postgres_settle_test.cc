// The decisions of a PostgreSQL database: settling, and all else of recovery.
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/participant.h"
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
using testing::IsOk;
using testing::kOtherTxn;
using testing::kTxn;
using testing::Look;
using testing::MakeRow;
using testing::PostgresParticipantTest;
using testing::Prepare;
using testing::StatusIs;
using Code = absl::StatusCode;

constexpr absl::Duration kPatience = absl::Seconds(20);

class PostgresSettleTest : public PostgresParticipantTest {
 protected:
  absl::StatusOr<Decision> Settle(std::string_view number = "",
                                  absl::Duration patience = kPatience) {
    return settler().Settle(MakeRow(Decision::kAbort), number, patience);
  }
  // Settles while something else happens once it waits.
  absl::StatusOr<Decision> SettleMeanwhile(
      const std::function<void()>& meanwhile) {
    const std::string pid = PidOf(other());
    absl::StatusOr<Decision> decision;
    std::thread settling([&] { decision = Settle(); });
    AwaitBlocked(pid);
    meanwhile();
    settling.join();
    return decision;
  }
  std::string Outcome() {
    return Value(other(),
                 absl::StrCat("SELECT outcome FROM shard_decisions WHERE txn "
                              "= '",
                              kTxn, "'"));
  }
  // The number of a transaction that wrote.
  std::string NumberOfWork() {
    const auto done = Look(connection());
    EXPECT_THAT(done, IsOk());
    return done.ok() ? done->number : "";
  }
  void ExpectSettings(Connection& connection) {
    EXPECT_FALSE(connection.in_transaction());
    EXPECT_EQ(Value(connection, "SHOW lock_timeout"), "0");
    EXPECT_EQ(Value(connection, "SHOW statement_timeout"), "0");
  }
};

TEST_F(PostgresSettleTest, WhatIsNotDecidedIsAborted) {
  SHARD_ASSERT_OK_AND_ASSIGN(Decision decision, Settle());
  EXPECT_EQ(decision, Decision::kAbort);
  EXPECT_EQ(Outcome(), "abort");
  ExpectSettings(other());
  // And stays so.
  SHARD_ASSERT_OK_AND_ASSIGN(decision, Settle());
  EXPECT_EQ(decision, Decision::kAbort);
  EXPECT_EQ(Count("shard_decisions"), "1");
}

TEST_F(PostgresSettleTest, WhatIsCommittedStays) {
  BeginWork();
  SHARD_ASSERT_OK(Decide(connection(), MakeRow(Decision::kCommit)));
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision decision, Settle());
  EXPECT_EQ(decision, Decision::kCommit);
  EXPECT_EQ(Outcome(), "commit");
}

TEST_F(PostgresSettleTest, WhatTheRowSaysDoesNotMatter) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Decision decision,
      settler().Settle(MakeRow(Decision::kCommit), "", kPatience));
  EXPECT_EQ(decision, Decision::kAbort);
  EXPECT_EQ(Outcome(), "abort");
}

// The owner's row is in, its COMMIT is not through.
TEST_F(PostgresSettleTest, WaitsForACommitInFlight) {
  HoldCommits();
  const std::string pid = PidOf(connection());
  BeginWork();
  SHARD_ASSERT_OK(participant().StartDecide(MakeRow(Decision::kCommit)));
  AwaitBlocked(pid);
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision decision,
                             SettleMeanwhile([&] { LetCommitsPass(); }));
  EXPECT_EQ(decision, Decision::kCommit);
  SHARD_EXPECT_OK(participant().FinishDecide());
  EXPECT_EQ(Count("work"), "1");
}

TEST_F(PostgresSettleTest, WaitsForOneThatFails) {
  HoldCommits();
  const std::string pid = PidOf(connection());
  BeginWork();
  SHARD_ASSERT_OK(participant().StartDecide(MakeRow(Decision::kCommit)));
  AwaitBlocked(pid);
  PooledConnection killer = Another();
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Decision decision, SettleMeanwhile([&] {
        Value(*killer,
              absl::StrCat("SELECT pg_terminate_backend(", pid, ")::text"));
      }));
  EXPECT_EQ(decision, Decision::kAbort);
  EXPECT_THAT(participant().FinishDecide(), HasCode(Code::kUnavailable));
  EXPECT_EQ(Count("work"), "0");
  LetCommitsPass();
}

TEST_F(PostgresSettleTest, WaitsForAnotherThatSettles) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(Script(absl::StrCat("INSERT INTO shard_decisions VALUES ('",
                                      kTxn, "', 'abort', '')")));
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision decision, SettleMeanwhile([&] {
                               SHARD_EXPECT_OK(connection().Commit());
                             }));
  EXPECT_EQ(decision, Decision::kAbort);
}

// Whatever the session's defaults are.
TEST_F(PostgresSettleTest, SeesWhatItHasWaitedFor) {
  SHARD_ASSERT_OK(other().ExecuteScript(
      "SET default_transaction_isolation = 'serializable';"
      "SET default_transaction_read_only = on;"));
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(Script(absl::StrCat("INSERT INTO shard_decisions VALUES ('",
                                      kTxn, "', 'commit', '')")));
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision decision, SettleMeanwhile([&] {
                               SHARD_EXPECT_OK(connection().Commit());
                             }));
  EXPECT_EQ(decision, Decision::kCommit);
  SHARD_ASSERT_OK(
      other().ExecuteScript("RESET default_transaction_isolation;"
                            "RESET default_transaction_read_only"));
}

TEST_F(PostgresSettleTest, DoesNotWaitForEver) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(Script(absl::StrCat("INSERT INTO shard_decisions VALUES ('",
                                      kTxn, "', 'commit', '')")));
  for (const absl::Duration patience :
       {absl::ZeroDuration(), -absl::Seconds(1), absl::Milliseconds(50)}) {
    const absl::Time begin = absl::Now();
    EXPECT_THAT(Settle("", patience),
                StatusIs(Code::kAborted, HasSubstr("in progress")));
    EXPECT_GE(absl::Now() - begin, patience);
    EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
    ExpectSettings(other());
  }
  SHARD_ASSERT_OK(connection().Rollback());
  SHARD_EXPECT_OK(Settle("", absl::ZeroDuration()));
}

TEST_F(PostgresSettleTest, PatienceMayBeForEver) {
  SHARD_EXPECT_OK(Settle("", absl::InfiniteDuration()));
}

// The owner was about to decide, and now cannot.
TEST_F(PostgresSettleTest, OfATransactionThatIsAtWork) {
  BeginWork();
  const std::string number = NumberOfWork();
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision decision, Settle(number));
  EXPECT_EQ(decision, Decision::kAbort);
  EXPECT_EQ(Outcome(), "abort");
  EXPECT_THAT(Decide(connection(), MakeRow(Decision::kCommit)),
              HasCode(Code::kAlreadyExists));
  SHARD_ASSERT_OK(connection().Rollback());
}

TEST_F(PostgresSettleTest, OfATransactionThatIsOver) {
  BeginWork();
  const std::string number = NumberOfWork();
  SHARD_ASSERT_OK(connection().Rollback());
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision decision, Settle(number));
  EXPECT_EQ(decision, Decision::kAbort);
  EXPECT_EQ(Outcome(), "abort");
}

// A server that crashes gives numbers out again, so that a number whose
// transaction has committed may be another's: only a row says that a decision
// was to commit.
TEST_F(PostgresSettleTest, ACommittedNumberWithoutARowDecidesNothing) {
  BeginWork();
  const std::string number = NumberOfWork();
  SHARD_ASSERT_OK(connection().Commit());
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision decision, Settle(number));
  EXPECT_EQ(decision, Decision::kAbort);
  EXPECT_EQ(Outcome(), "abort");
  ExpectSettings(other());
}

TEST_F(PostgresSettleTest, OfACommittedOneWhoseDecisionIsThere) {
  BeginWork();
  const std::string number = NumberOfWork();
  SHARD_ASSERT_OK(Decide(connection(), MakeRow(Decision::kCommit)));
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision decision, Settle(number));
  EXPECT_EQ(decision, Decision::kCommit);
  EXPECT_EQ(Outcome(), "commit");
}

// A server that crashed may have forgotten that it gave the number out.
TEST_F(PostgresSettleTest, OfANumberThatWasNeverGivenOut) {
  for (const char* number : {"18446744073709551615", "9000000000"}) {
    SHARD_ASSERT_OK_AND_ASSIGN(const Decision decision, Settle(number));
    EXPECT_EQ(decision, Decision::kAbort);
    EXPECT_EQ(Outcome(), "abort");
  }
}

TEST_F(PostgresSettleTest, OfWhatIsNoNumber) {
  for (const char* number :
       {"x", "1x", "-1", " 1", "1'", "1.5", "123456789012345678901"}) {
    EXPECT_THAT(Settle(number), HasCode(Code::kInvalidArgument)) << number;
  }
  EXPECT_EQ(Count("shard_decisions"), "0");
}

TEST_F(PostgresSettleTest, KeepsWhatWasHandedIn) {
  DecisionRow row = MakeRow(Decision::kAbort);
  row.redo = std::string("a\0'\xff", 4);
  SHARD_ASSERT_OK(settler().Settle(row, "", kPatience));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, settler().FindDecision(kTxn));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->participants, row.participants);
  EXPECT_EQ(found->redo, row.redo);
}

TEST_F(PostgresSettleTest, NeedsTheTable) {
  SHARD_ASSERT_OK(other().ExecuteScript("DROP TABLE shard_decisions"));
  EXPECT_THAT(Settle(),
              StatusIs(Code::kFailedPrecondition, HasSubstr("no table")));
  ExpectSettings(other());
}

TEST_F(PostgresSettleTest, ManyAtOnceAgree) {
  constexpr int kSettlers = 6;
  for (const bool commits : {true, false}) {
    std::vector<PooledConnection> settlers;
    for (int i = 0; i < kSettlers; ++i) settlers.push_back(Another());
    std::vector<absl::StatusOr<Decision>> decisions(kSettlers);
    BeginWork(commits ? 1 : 2);
    if (commits) {
      SHARD_ASSERT_OK(participant().StartDecide(MakeRow(Decision::kCommit)));
    }
    std::vector<std::thread> threads;
    for (int i = 0; i < kSettlers; ++i) {
      threads.emplace_back([&, i] {
        decisions[i] = settlers[i]->participant().Settle(
            MakeRow(Decision::kAbort), "", kPatience);
      });
    }
    for (std::thread& thread : threads) thread.join();
    const absl::Status status =
        commits ? participant().FinishDecide()
                : Decide(connection(), MakeRow(Decision::kCommit));
    for (const auto& decision : decisions) {
      SHARD_ASSERT_OK(decision);
      EXPECT_EQ(*decision, status.ok() ? Decision::kCommit : Decision::kAbort);
    }
    if (!commits) {
      EXPECT_THAT(status, HasCode(Code::kAlreadyExists));
    }
    SHARD_ASSERT_OK(connection().Rollback());
    SHARD_ASSERT_OK(settler().DeleteDecisions({kTxn}, absl::Seconds(1)));
  }
}

class PostgresPutDecisionTest : public PostgresSettleTest {
 protected:
  absl::Status Put(Decision outcome, std::string_view number = "",
                   absl::Duration patience = kPatience) {
    return settler().PutDecision(MakeRow(outcome), number, patience);
  }
};

TEST_F(PostgresPutDecisionTest, TheFirstStands) {
  for (const Decision first : {Decision::kCommit, Decision::kAbort}) {
    const bool commits = first == Decision::kCommit;
    SHARD_ASSERT_OK(Put(first));
    EXPECT_EQ(Outcome(), commits ? "commit" : "abort");
    SHARD_EXPECT_OK(Put(first));
    EXPECT_THAT(Put(commits ? Decision::kAbort : Decision::kCommit),
                StatusIs(Code::kAlreadyExists,
                         HasSubstr(commits ? "to commit" : "to abort")));
    EXPECT_EQ(Outcome(), commits ? "commit" : "abort");
    SHARD_ASSERT_OK(settler().DeleteDecisions({kTxn}, absl::Seconds(1)));
  }
}

// The decider itself would take a commit by hand for one against it.
TEST_F(PostgresPutDecisionTest, NoCommitByHandWhileTheDeciderIsAtWork) {
  BeginWork();
  const std::string number = NumberOfWork();
  EXPECT_THAT(Put(Decision::kCommit, number),
              StatusIs(Code::kAborted, HasSubstr("in progress")));
  EXPECT_EQ(Count("shard_decisions"), "0");
  SHARD_EXPECT_OK(Put(Decision::kAbort, number));
  SHARD_ASSERT_OK(connection().Rollback());
}

TEST_F(PostgresPutDecisionTest, OnceTheDeciderIsGone) {
  BeginWork();
  const std::string number = NumberOfWork();
  SHARD_ASSERT_OK(connection().Rollback());
  SHARD_EXPECT_OK(Put(Decision::kCommit, number));
  EXPECT_EQ(Outcome(), "commit");
}

TEST_F(PostgresPutDecisionTest, DoesNotWaitForEver) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(Script(absl::StrCat("INSERT INTO shard_decisions VALUES ('",
                                      kTxn, "', 'commit', '')")));
  EXPECT_THAT(Put(Decision::kCommit, "", absl::Milliseconds(20)),
              HasCode(Code::kAborted));
  SHARD_ASSERT_OK(connection().Rollback());
}

class PostgresRecoveryTest : public PostgresSettleTest {};

TEST_F(PostgresRecoveryTest, DecisionsAreListedByAge) {
  EXPECT_THAT(*settler().ListDecisions(), IsEmpty());
  SHARD_ASSERT_OK(settler().PutDecision(MakeRow(Decision::kCommit, kOtherTxn),
                                        "", kPatience));
  SHARD_ASSERT_OK(
      settler().PutDecision(MakeRow(Decision::kAbort), "", kPatience));
  SHARD_ASSERT_OK(other().ExecuteScript(absl::StrCat(
      "UPDATE shard_decisions SET created = clock_timestamp() - interval '90 "
      "minutes' WHERE txn = '",
      kOtherTxn, "'")));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto rows, settler().ListDecisions());
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].txn, kOtherTxn);
  EXPECT_EQ(rows[0].outcome, Decision::kCommit);
  EXPECT_EQ(rows[0].redo, "");
  EXPECT_GE(rows[0].age, absl::Minutes(90));
  EXPECT_LT(rows[0].age, absl::Minutes(91));
  EXPECT_EQ(rows[1].txn, kTxn);
  EXPECT_EQ(rows[1].outcome, Decision::kAbort);
  EXPECT_EQ(rows[1].participants, MakeRow(Decision::kAbort).participants);
  EXPECT_GE(rows[1].age, absl::ZeroDuration());
  EXPECT_LT(rows[1].age, absl::Minutes(1));
  // A clock that was set back.
  SHARD_ASSERT_OK(other().ExecuteScript(
      "UPDATE shard_decisions SET created = now() + interval '1 day'"));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, settler().FindDecision(kTxn));
  EXPECT_EQ(found->age, absl::ZeroDuration());
}

TEST_F(PostgresRecoveryTest, FindingNone) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, settler().FindDecision(kTxn));
  EXPECT_FALSE(found.has_value());
}

TEST_F(PostgresRecoveryTest, Deleting) {
  for (const char* txn : {kTxn, kOtherTxn}) {
    SHARD_ASSERT_OK(
        settler().PutDecision(MakeRow(Decision::kCommit, txn), "", kPatience));
  }
  ForgetStatements();
  SHARD_ASSERT_OK(participant().DeleteDecisions({}, absl::Seconds(1)));
  EXPECT_THAT(statements_, IsEmpty());
  SHARD_ASSERT_OK(participant().DeleteDecisions(
      {kTxn, "00000000000000000000000000000000", "it's none"},
      absl::Seconds(1)));
  EXPECT_EQ(Value(other(), "SELECT txn FROM shard_decisions"), kOtherTxn);
  SHARD_ASSERT_OK(
      participant().DeleteDecisions({kTxn, kOtherTxn}, absl::Seconds(1)));
  EXPECT_EQ(Count("shard_decisions"), "0");
  EXPECT_FALSE(connection().in_transaction());
  EXPECT_EQ(Value(connection(), "SHOW synchronous_commit"), "on");
}

TEST_F(PostgresRecoveryTest, DecisionsAreListedWithoutTheirRedo) {
  DecisionRow row = MakeRow(Decision::kCommit);
  row.redo = std::string(1000, 'x');
  SHARD_ASSERT_OK(settler().PutDecision(row, "", kPatience));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto rows, settler().ListDecisions());
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].redo, "");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, settler().FindDecision(kTxn));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->redo, row.redo);
}

TEST_F(PostgresRecoveryTest, WithoutTheTable) {
  SHARD_ASSERT_OK(other().ExecuteScript("DROP TABLE shard_decisions"));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, settler().FindDecision(kTxn));
  EXPECT_FALSE(found.has_value());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto rows, settler().ListDecisions());
  EXPECT_THAT(rows, IsEmpty());
  SHARD_EXPECT_OK(settler().DeleteDecisions({kTxn}, absl::Seconds(1)));
  EXPECT_FALSE(other().in_transaction());
}

TEST_F(PostgresRecoveryTest, PreparedTransactionsOfThisDatabase) {
  int i = 0;
  for (const char* name : {"a_", "a%", "aa", "b"}) {
    BeginWork(++i);
    SHARD_ASSERT_OK(Prepare(connection(), Gid(name)));
  }
  const auto names = [&](const std::string& prefix) {
    std::vector<std::string> names;
    const auto prepared = settler().ListPrepared(prefix);
    EXPECT_THAT(prepared, IsOk());
    for (const PreparedTransaction& one : *prepared) {
      names.push_back(one.gid);
      EXPECT_GE(one.age, absl::ZeroDuration());
      EXPECT_LT(one.age, absl::Minutes(1));
    }
    return names;
  };
  EXPECT_THAT(names(Gid("")),
              ElementsAre(Gid("a_"), Gid("a%"), Gid("aa"), Gid("b")));
  EXPECT_THAT(names(Gid("a")), ElementsAre(Gid("a_"), Gid("a%"), Gid("aa")));
  EXPECT_THAT(names(Gid("a_")), ElementsAre(Gid("a_")));  // no pattern
  EXPECT_THAT(names("it's none"), IsEmpty());
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection elsewhere, server_->Connect());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto prepared,
                             elsewhere->participant().ListPrepared(Gid("")));
  EXPECT_THAT(prepared, IsEmpty());
}

TEST_F(PostgresRecoveryTest, FatesOfTransactions) {
  BeginWork();
  const std::string number = NumberOfWork();
  SHARD_ASSERT_OK_AND_ASSIGN(TransactionFate fate, settler().FateOf(number));
  EXPECT_EQ(fate, TransactionFate::kInProgress);
  SHARD_ASSERT_OK(connection().Commit());
  SHARD_ASSERT_OK_AND_ASSIGN(fate, settler().FateOf(number));
  EXPECT_EQ(fate, TransactionFate::kCommitted);
  BeginWork(2);
  const std::string other_number = NumberOfWork();
  SHARD_ASSERT_OK(connection().Rollback());
  SHARD_ASSERT_OK_AND_ASSIGN(fate, settler().FateOf(other_number));
  EXPECT_EQ(fate, TransactionFate::kAborted);
  BeginWork(3);
  const std::string prepared_number = NumberOfWork();
  SHARD_ASSERT_OK(Prepare(connection(), Gid()));
  SHARD_ASSERT_OK_AND_ASSIGN(fate, settler().FateOf(prepared_number));
  EXPECT_EQ(fate, TransactionFate::kInProgress);
  for (const char* unknown : {"0", "9000000000", "18446744073709551615"}) {
    SHARD_ASSERT_OK_AND_ASSIGN(fate, settler().FateOf(unknown));
    EXPECT_EQ(fate, TransactionFate::kForgotten);
  }
  for (const char* none : {"", "x", "1x", "-1", "1 OR 1=1"}) {
    EXPECT_THAT(settler().FateOf(none), HasCode(Code::kInvalidArgument));
  }
}

class PostgresVerbsTest : public PostgresParticipantTest {
 protected:
  using Verb = std::function<absl::Status(Participant&)>;
  static std::vector<Verb> Verbs() {
    const DecisionRow row = MakeRow(Decision::kAbort);
    return {
        [](Participant& p) { return p.ListPrepared("").status(); },
        [](Participant& p) { return p.FateOf("3").status(); },
        [row](Participant& p) {
          return p.Settle(row, "3", kPatience).status();
        },
        [row](Participant& p) { return p.PutDecision(row, "3", kPatience); },
        [](Participant& p) { return p.FindDecision(kTxn).status(); },
        [](Participant& p) { return p.ListDecisions().status(); },
        [](Participant& p) {
          return p.DeleteDecisions({kTxn}, absl::Seconds(1));
        },
        [](Participant& p) { return p.ReadStamp().status(); },
        [](Participant& p) {
          return p.PutStamp(testing::MakeStamp()).status();
        },
        [](Participant& p) { return p.Inspect().status(); },
    };
  }
};

TEST_F(PostgresVerbsTest, OfRecoveryNeedNoTransaction) {
  for (const Verb& verb : Verbs()) SHARD_EXPECT_OK(verb(participant()));
  for (const bool began : {false, true}) {
    SHARD_ASSERT_OK(connection().Begin());
    if (began) {
      SHARD_ASSERT_OK(Script("SELECT 1"));
    }
    for (const Verb& verb : Verbs()) {
      EXPECT_THAT(verb(participant()), HasCode(Code::kFailedPrecondition));
    }
    SHARD_ASSERT_OK(Script("SELECT 1"));  // which is as it was
    SHARD_ASSERT_OK(connection().Commit());
  }
}

TEST_F(PostgresVerbsTest, ALostConnection) {
  for (const Verb& verb : Verbs()) {
    PooledConnection victim = Another();
    Kill(PidOf(*victim));
    EXPECT_THAT(verb(victim->participant()), HasCode(Code::kUnavailable));
    EXPECT_FALSE(victim->usable());
    EXPECT_THAT(verb(victim->participant()), HasCode(Code::kUnavailable));
  }
}

TEST_F(PostgresVerbsTest, ALostConnectionInTheCommit) {
  const std::vector<Verb> verbs = {
      [](Participant& p) {
        const absl::Status status = p.StartLook();
        return status.ok() ? p.FinishLook().status() : status;
      },
      [](Participant& p) {
        const absl::Status status = p.StartPrepare(Gid());
        return status.ok() ? p.FinishPrepare() : status;
      },
      [](Participant& p) {
        const absl::Status status = p.StartDecide(MakeRow(Decision::kCommit));
        return status.ok() ? p.FinishDecide() : status;
      },
  };
  for (const Verb& verb : verbs) {
    PooledConnection victim = Another();
    const std::string pid = PidOf(*victim);
    SHARD_ASSERT_OK(victim->Begin());
    SHARD_ASSERT_OK(victim->ExecuteScript("INSERT INTO work VALUES (1)"));
    Kill(pid);
    EXPECT_THAT(verb(victim->participant()), HasCode(Code::kUnavailable));
    EXPECT_FALSE(victim->usable());
    EXPECT_THAT(verb(victim->participant()), HasCode(Code::kUnavailable));
  }
  EXPECT_EQ(Count("work"), "0");
  EXPECT_EQ(Count("shard_decisions"), "0");
  EXPECT_EQ(CountPrepared(), 0u);
}

}  // namespace
}  // namespace shard
