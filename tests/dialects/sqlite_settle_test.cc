// Recovery at a SQLite file: settling, and the rows of decisions.
#include <future>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/failpoint.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/participant.h"
#include "shard/sql/value.h"
#include "shard/tests/dialects/sqlite_participant_support.h"
#include "shard/tests/dialects/sqlite_test_support.h"

namespace shard {
namespace {

using shard::testing::Decide;
using shard::testing::HasCode;
using shard::testing::IsOk;
using shard::testing::kOtherTxn;
using shard::testing::kTxn;
using shard::testing::MakeRow;
using shard::testing::RunSql;
using shard::testing::SqliteParticipantTest;
using shard::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SqliteSettleTest : public SqliteParticipantTest {
 protected:
  absl::StatusOr<Decision> Settle(
      absl::Duration patience = absl::ZeroDuration()) {
    return settler().Settle(MakeRow(Decision::kAbort), "", patience);
  }
  absl::Status Put(Decision decision) {
    return settler().PutDecision(MakeRow(decision), "", absl::ZeroDuration());
  }
  std::vector<std::string> Listed() {
    const auto rows = settler().ListDecisions();
    EXPECT_THAT(rows, IsOk());
    std::vector<std::string> txns;
    for (const DecisionRow& row : *rows) txns.push_back(row.txn);
    return txns;
  }
};

// Settling.

TEST_F(SqliteSettleTest, WithoutARowItIsAbortedAndLeavesNone) {
  for (int i = 0; i < 2; ++i) {
    SHARD_ASSERT_OK_AND_ASSIGN(const Decision decision, Settle());
    EXPECT_EQ(decision, Decision::kAbort);
    EXPECT_FALSE(other_->in_transaction());
    EXPECT_THAT(Listed(), IsEmpty());
  }
}

TEST_F(SqliteSettleTest, ARowSaysTheDecision) {
  BeginWork();
  SHARD_ASSERT_OK(Decide(connection(), MakeRow(Decision::kCommit)));
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision commit, Settle());
  EXPECT_EQ(commit, Decision::kCommit);
  EXPECT_THAT(Listed(), ElementsAre(kTxn));
  SHARD_ASSERT_OK(settler().DeleteDecisions({kTxn}, absl::Seconds(1)));
  SHARD_ASSERT_OK(Put(Decision::kAbort));
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision abort, Settle());
  EXPECT_EQ(abort, Decision::kAbort);
  EXPECT_THAT(Listed(), ElementsAre(kTxn));
}

TEST_F(SqliteSettleTest, AnOwnerThatIsAliveIsLeftAlone) {
  BeginWork();
  // Not the connection's own patience.
  SHARD_ASSERT_OK(other_->ExecuteScript("PRAGMA busy_timeout=600000"));
  for (const absl::Duration patience :
       {absl::ZeroDuration(), absl::Milliseconds(20)}) {
    const absl::Time start = absl::Now();
    EXPECT_THAT(Settle(patience),
                StatusIs(absl::StatusCode::kAborted,
                         AllOf(HasSubstr("locked by a writer"),
                               HasSubstr("the transaction's "
                                         "owner"))));
    EXPECT_GE(absl::Now() - start, patience);
    EXPECT_FALSE(other_->in_transaction());
  }
  SHARD_ASSERT_OK(Decide(connection(), MakeRow(Decision::kCommit)));
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision decision, Settle());
  EXPECT_EQ(decision, Decision::kCommit);
}

TEST_F(SqliteSettleTest, ItWaitsForACommitInFlight) {
  std::promise<void> row_is_in;
  SetFailPointHandler([&row_is_in](std::string_view) {
    row_is_in.set_value();
    absl::SleepFor(absl::Milliseconds(20));  // the settler waits meanwhile
  });
  SHARD_ASSERT_OK(other_->ExecuteScript("PRAGMA busy_timeout=0"));
  BeginWork();
  std::thread owner([this] {
    SHARD_EXPECT_OK(Decide(connection(), MakeRow(Decision::kCommit)));
  });
  row_is_in.get_future().wait();
  const auto decision = Settle(absl::Seconds(60));
  owner.join();
  SHARD_ASSERT_OK(decision);
  EXPECT_EQ(*decision, Decision::kCommit);
}

TEST_F(SqliteSettleTest, TheBusyTimeoutIsTheConnectionsOwnAfterwards) {
  SHARD_ASSERT_OK(other_->ExecuteScript("PRAGMA busy_timeout=77"));
  SHARD_ASSERT_OK(Settle(absl::Seconds(3)));
  EXPECT_EQ(Setting(*other_, "busy_timeout"), 77);
  BeginWork();
  EXPECT_THAT(Settle(), HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(Setting(*other_, "busy_timeout"), 77);
}

TEST_F(SqliteSettleTest, AFileOpenedReadOnlyCannotSettle) {
  const auto reader = MakeEngine("?mode=ro");
  PooledConnection read_only = Connect(*reader);
  EXPECT_THAT(read_only->participant().Settle(MakeRow(Decision::kAbort), "",
                                              absl::ZeroDuration()),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(read_only->in_transaction());
}

TEST_F(SqliteSettleTest, WithoutSyncThereIsNoAnswer) {
  SHARD_ASSERT_OK(other_->ExecuteScript("PRAGMA synchronous=NORMAL"));
  EXPECT_THAT(Settle(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                 HasSubstr("synchronous is NORMAL")));
  EXPECT_THAT(Put(Decision::kAbort),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_FALSE(other_->in_transaction());
  ExpectUnlocked();
}

TEST_F(SqliteSettleTest, WithoutATableThereIsNoAnswer) {
  SHARD_ASSERT_OK(Script("DROP TABLE shard_decisions"));
  EXPECT_THAT(Settle(), StatusIs(absl::StatusCode::kInvalidArgument,
                                 HasSubstr("no such table")));
  EXPECT_FALSE(other_->in_transaction());
}

TEST_F(SqliteSettleTest, ATransactionOfItsOwnIsNotDisturbed) {
  BeginWork();
  EXPECT_THAT(
      participant().Settle(MakeRow(Decision::kAbort), "", absl::ZeroDuration()),
      HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_TRUE(connection().in_transaction());
  SHARD_ASSERT_OK(connection().Commit());
  EXPECT_EQ(Count("work"), 1);
}

// Decisions by hand.

TEST_F(SqliteSettleTest, ADecisionPutInByHandStands) {
  SHARD_ASSERT_OK(Put(Decision::kCommit));
  SHARD_EXPECT_OK(Put(Decision::kCommit)) << "the same again";
  EXPECT_THAT(Put(Decision::kAbort),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       AllOf(HasSubstr(kTxn), HasSubstr("to commit"))));
  EXPECT_FALSE(other_->in_transaction());
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision decision, Settle());
  EXPECT_EQ(decision, Decision::kCommit);
  BeginWork();
  EXPECT_THAT(settler().PutDecision(MakeRow(Decision::kAbort, kOtherTxn), "",
                                    absl::ZeroDuration()),
              HasCode(absl::StatusCode::kAborted));
}

// The rows.

TEST_F(SqliteSettleTest, RowsAreFoundAndListedWithTheirAge) {
  SHARD_ASSERT_OK_AND_ASSIGN(auto none, settler().FindDecision(kTxn));
  EXPECT_FALSE(none.has_value());
  DecisionRow row = MakeRow(Decision::kCommit);
  row.redo = std::string(1 << 20, '\0') + "end";
  SHARD_ASSERT_OK(settler().PutDecision(row, "", absl::ZeroDuration()));
  SHARD_ASSERT_OK(settler().PutDecision(MakeRow(Decision::kAbort, kOtherTxn),
                                        "", absl::ZeroDuration()));
  SHARD_ASSERT_OK(
      RunSql(*other_,
             "UPDATE shard_decisions SET created = "
             "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 hour') WHERE txn = ?",
             {sql::Value(kOtherTxn)}));
  EXPECT_THAT(Listed(), ElementsAre(kOtherTxn, kTxn)) << "the oldest first";

  SHARD_ASSERT_OK_AND_ASSIGN(const auto young, settler().FindDecision(kTxn));
  EXPECT_EQ(young->txn, kTxn);
  EXPECT_EQ(young->outcome, Decision::kCommit);
  EXPECT_EQ(young->participants, row.participants);
  EXPECT_EQ(young->redo, row.redo);
  EXPECT_GE(young->age, absl::ZeroDuration());
  EXPECT_LT(young->age, absl::Minutes(10));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto old, settler().FindDecision(kOtherTxn));
  EXPECT_EQ(old->outcome, Decision::kAbort);
  EXPECT_EQ(old->redo, "");
  EXPECT_GE(old->age, absl::Hours(1) - absl::Milliseconds(1));
  EXPECT_LT(old->age, absl::Hours(1) + absl::Minutes(10));
}

TEST_F(SqliteSettleTest, AClockThatWasSetBackMakesNoNegativeAge) {
  SHARD_ASSERT_OK(Put(Decision::kCommit));
  SHARD_ASSERT_OK(RunSql(*other_,
                         "UPDATE shard_decisions SET created = "
                         "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+1 hour')"));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto row, settler().FindDecision(kTxn));
  EXPECT_EQ(row->age, absl::ZeroDuration());
}

TEST_F(SqliteSettleTest, DeletesThoseThatAreThere) {
  SHARD_ASSERT_OK(settler().DeleteDecisions({}, absl::Seconds(1)));
  SHARD_ASSERT_OK(settler().DeleteDecisions({kTxn}, absl::Seconds(1)));
  const std::string third(32, 'e');
  for (const std::string& txn :
       {std::string(kTxn), std::string(kOtherTxn), third}) {
    SHARD_ASSERT_OK(settler().PutDecision(MakeRow(Decision::kCommit, txn), "",
                                          absl::ZeroDuration()));
  }
  SHARD_ASSERT_OK(
      settler().DeleteDecisions({kTxn, "not there", third}, absl::Seconds(1)));
  EXPECT_THAT(Listed(), ElementsAre(kOtherTxn));
  EXPECT_EQ(Setting(*other_, "synchronous"), 2) << "FULL again";
  EXPECT_FALSE(other_->in_transaction());

  BeginWork();
  EXPECT_THAT(settler().DeleteDecisions({kOtherTxn}, absl::Seconds(1)),
              HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(Setting(*other_, "synchronous"), 2);
  EXPECT_THAT(Listed(), ElementsAre(kOtherTxn));
}

TEST_F(SqliteSettleTest, DeletingWaitsNoLongerThanItIsToldTo) {
  SHARD_ASSERT_OK(settler().PutDecision(MakeRow(Decision::kCommit), "",
                                        absl::ZeroDuration()));
  SHARD_ASSERT_OK(RunSql(*other_, "PRAGMA busy_timeout = 5000"));
  BeginWork();
  const absl::Time begin = absl::Now();
  EXPECT_THAT(settler().DeleteDecisions({kTxn}, absl::Milliseconds(50)),
              HasCode(absl::StatusCode::kAborted));
  const absl::Duration waited = absl::Now() - begin;
  EXPECT_GE(waited, absl::Milliseconds(40));
  EXPECT_LT(waited, absl::Seconds(2));
  EXPECT_EQ(Setting(*other_, "busy_timeout"), 5000);
  SHARD_ASSERT_OK(connection_->Rollback());
  SHARD_ASSERT_OK(settler().DeleteDecisions({kTxn}, absl::ZeroDuration()));
  EXPECT_THAT(Listed(), IsEmpty());
}

TEST_F(SqliteSettleTest, AMissingTableHasNoRows) {
  SHARD_ASSERT_OK(Script("DROP TABLE shard_decisions"));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, settler().FindDecision(kTxn));
  EXPECT_FALSE(found.has_value());
  EXPECT_THAT(Listed(), IsEmpty());
  SHARD_EXPECT_OK(settler().DeleteDecisions({kTxn}, absl::Seconds(1)));
}

TEST_F(SqliteSettleTest, ATemporaryTableOfTheSameNameIsNotOurs) {
  for (Connection* connection : {connection_.operator->(), &*other_}) {
    SHARD_ASSERT_OK(connection->ExecuteScript(
        "CREATE TEMP TABLE shard_decisions(txn, outcome, participants, redo, "
        "created)"));
  }
  BeginWork();
  SHARD_ASSERT_OK(Decide(connection(), MakeRow(Decision::kCommit)));
  EXPECT_EQ(Count("temp.shard_decisions"), 0);
  EXPECT_EQ(Count("main.shard_decisions"), 1);
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision decision, Settle());
  EXPECT_EQ(decision, Decision::kCommit);
  EXPECT_THAT(Listed(), ElementsAre(kTxn));
  SHARD_ASSERT_OK(settler().DeleteDecisions({kTxn}, absl::Seconds(1)));
  EXPECT_EQ(Count("main.shard_decisions"), 0);
}

}  // namespace
}  // namespace shard
