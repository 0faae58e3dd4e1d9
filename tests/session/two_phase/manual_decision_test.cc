// Deciding a transaction by hand, in states made by hand. tests/tools has more,
// through shardctl.
#include "shard/session/two_phase/manual_decision.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/sharded_session.h"
#include "shard/session/two_phase/gid.h"
#include "shard/session/two_phase/participant_list.h"
#include "shard/tests/session/two_phase/two_phase_test.h"

namespace shard::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kTxn[] = "0123456789abcdef0123456789abcdef";
constexpr absl::Duration kPatience = absl::Milliseconds(500);

class ManualDecisionTest : public TwoPhaseTest {
 protected:
  // One that d0 decides, and whose part there was rolled back.
  Gid Transaction() {
    std::string number = "0";
    if (outside(0).is_postgres()) {
      ShardedSession session(OpenEngine(urls()[0]).value());
      auto result = session.Execute("select pg_current_xact_id()::text");
      number = result->Scalar<std::string>().value();
      session.Rollback();
    }
    return {"test", cluster().topology().IdentityOf("d0"), kTxn, number, 0};
  }
  std::string Prepare(std::size_t database, Gid gid, std::uint32_t branch) {
    gid.branch = branch;
    outside(database).Run(absl::StrCat(
        "begin; insert into cities values (", 100 + branch, ", 'C", database,
        "', 'Rome', 1); prepare transaction '", gid.ToString(), "'"));
    return gid.ToString();
  }
  void PutRow(const Gid& gid, const char* outcome) {
    outside(0).Run(absl::StrCat(
        "insert into shard_decisions (txn, outcome, participants) values ('",
        gid.txn, "', '", outcome, "', '",
        ParticipantList{gid.Transaction(), {}}.ToJson(), "')"));
  }
  absl::StatusOr<ManualDecision> Plan(const std::string& gid, Decision wanted) {
    return ManualDecision::Plan(cluster().topology(), gid, wanted, kPatience);
  }
};

TEST_F(ManualDecisionTest, PlanChangesNothing) {
  for (const char* kinds : {"PPP", "SPP", "NPP"}) {
    SCOPED_TRACE(kinds);
    SHARD_OPEN_OR_SKIP(kinds);
    const Gid gid = Transaction();
    const std::string share = Prepare(1, gid, 1);
    for (const Decision wanted : {Decision::kCommit, Decision::kAbort}) {
      SHARD_ASSERT_OK_AND_ASSIGN(const ManualDecision plan,
                                 Plan(share, wanted));
      EXPECT_EQ(plan.decider(), "d0");
      EXPECT_FALSE(plan.decided());
      ASSERT_EQ(plan.shares().size(), 1u);
      EXPECT_EQ(plan.shares()[0].database, "d1");
      EXPECT_EQ(plan.shares()[0].gid, share);
      EXPECT_TRUE(plan.problems().empty());
    }
    EXPECT_EQ(Prepared(), 1);
    EXPECT_EQ(Decisions(), 0);
    ExpectNothingIsLeft();
  }
}

TEST_F(ManualDecisionTest, CommitsEveryShareAndListsThem) {
  for (const char* kinds : {"PPP", "SPP", "NPP"}) {
    SCOPED_TRACE(kinds);
    SHARD_OPEN_OR_SKIP(kinds);
    const Gid gid = Transaction();
    const std::string one = Prepare(1, gid, 1);
    const std::string two = Prepare(2, gid, 2);
    SHARD_ASSERT_OK_AND_ASSIGN(ManualDecision plan,
                               Plan(two, Decision::kCommit));
    SHARD_ASSERT_OK(plan.Decide());
    EXPECT_TRUE(plan.decided());
    EXPECT_EQ(Prepared(), 2);  // only decided yet
    SHARD_ASSERT_OK_AND_ASSIGN(
        const ParticipantList list,
        ParticipantList::FromJson(
            outside(0).Text("select participants from shard_decisions")));
    const Topology& topology = cluster().topology();
    EXPECT_EQ(list.gid, gid.Transaction());
    EXPECT_EQ(list.prepared, (std::vector<ParticipantEntry>{
                                 {"d1", topology.IdentityOf("d1"), one},
                                 {"d2", topology.IdentityOf("d2"), two}}));
    plan.CarryOut();
    for (const auto& share : plan.shares()) SHARD_EXPECT_OK(share.ended);
    EXPECT_EQ(Cities("Rome"), 2);
    ExpectNothingIsLeft();
  }
}

TEST_F(ManualDecisionTest, AbortsEveryShare) {
  for (const char* kinds : {"PPP", "SPP", "NPP"}) {
    SCOPED_TRACE(kinds);
    SHARD_OPEN_OR_SKIP(kinds);
    const Gid gid = Transaction();
    Prepare(1, gid, 1);
    const std::string share = Prepare(2, gid, 2);
    SHARD_ASSERT_OK_AND_ASSIGN(ManualDecision plan,
                               Plan(share, Decision::kAbort));
    SHARD_ASSERT_OK(plan.Decide());
    plan.CarryOut();
    EXPECT_EQ(Prepared(), 0);
    EXPECT_EQ(Cities("Rome"), 0);
    ExpectNothingIsLeft();
  }
}

TEST_F(ManualDecisionTest, NeverAgainstADecisionThatStands) {
  for (const char* kinds : {"PP", "SP", "NP"}) {
    for (const bool committed : {true, false}) {
      SCOPED_TRACE(absl::StrCat(kinds, committed));
      SHARD_OPEN_OR_SKIP(kinds);
      const Gid gid = Transaction();
      const std::string share = Prepare(1, gid, 1);
      PutRow(gid, committed ? "commit" : "abort");
      EXPECT_THAT(Plan(share, committed ? Decision::kAbort : Decision::kCommit),
                  StatusIs(absl::StatusCode::kFailedPrecondition,
                           HasSubstr(committed ? "already decided to commit"
                                               : "already decided to abort")));
      EXPECT_EQ(Prepared(), 1);
      SHARD_ASSERT_OK_AND_ASSIGN(
          ManualDecision same,
          Plan(share, committed ? Decision::kCommit : Decision::kAbort));
      EXPECT_TRUE(same.decided());
      SHARD_ASSERT_OK(same.Decide());
      same.CarryOut();
      EXPECT_EQ(Cities("Rome"), committed ? 1 : 0);
      ExpectNothingIsLeft();
    }
  }
}

TEST_F(ManualDecisionTest, ADecisionThatComesFirstWins) {
  for (const char* kinds : {"PP", "SP", "NP"}) {
    for (const bool committed : {true, false}) {
      SCOPED_TRACE(absl::StrCat(kinds, committed));
      SHARD_OPEN_OR_SKIP(kinds);
      const Gid gid = Transaction();
      const std::string share = Prepare(1, gid, 1);
      SHARD_ASSERT_OK_AND_ASSIGN(
          ManualDecision plan,
          Plan(share, committed ? Decision::kAbort : Decision::kCommit));
      PutRow(gid, committed ? "commit" : "abort");  // while somebody thinks
      EXPECT_THAT(plan.Decide(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                          HasSubstr("already decided")));
      EXPECT_FALSE(plan.decided());
      EXPECT_EQ(Prepared(), 1);
      ExpectNothingIsLeft();
      EXPECT_EQ(Cities("Rome"), committed ? 1 : 0);
    }
  }
}

TEST_F(ManualDecisionTest, ARecoveryThatIsFasterIsNoError) {
  SHARD_OPEN_OR_SKIP("SPP");
  const Gid gid = Transaction();
  const std::string share = Prepare(1, gid, 1);
  SHARD_ASSERT_OK_AND_ASSIGN(ManualDecision plan,
                             Plan(share, Decision::kCommit));
  SHARD_ASSERT_OK(plan.Decide());
  EXPECT_EQ(cluster().RecoverNow().Count(RecoveredShare::kCommitted), 1u);
  plan.CarryOut();
  SHARD_EXPECT_OK(plan.shares()[0].ended);
  EXPECT_EQ(Cities("Rome"), 1);
}

TEST_F(ManualDecisionTest, TheSessionOfAnAbortedTransactionHearsOfIt) {
  SHARD_OPEN_OR_SKIP("PP");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 1});
  SHARD_ASSERT_OK(session.Prepare());
  const std::string share = outside(1).Text(
      "select gid from pg_prepared_xacts where database = current_database()");
  // Committing by hand would tear it.
  EXPECT_THAT(Plan(share, Decision::kCommit),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("still at work")));
  SHARD_ASSERT_OK_AND_ASSIGN(ManualDecision plan,
                             Plan(share, Decision::kAbort));
  SHARD_ASSERT_OK(plan.Decide());
  plan.CarryOut();
  EXPECT_THAT(session.Commit(), HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(Cities("Rome"), 0);
  ExpectNothingIsLeft();
}

TEST_F(ManualDecisionTest, AFileAtWorkIsNotDecided) {
  SHARD_OPEN_OR_SKIP("SP");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 1});
  SHARD_ASSERT_OK(session.Prepare());
  const std::string share = outside(1).Text(
      "select gid from pg_prepared_xacts where database = current_database()");
  for (const Decision wanted : {Decision::kCommit, Decision::kAbort}) {
    SHARD_ASSERT_OK_AND_ASSIGN(ManualDecision plan, Plan(share, wanted));
    EXPECT_THAT(plan.Decide(), HasCode(absl::StatusCode::kAborted));
    EXPECT_FALSE(plan.decided());
  }
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Cities("Rome"), 2);
  ExpectNothingIsLeft();
}

TEST_F(ManualDecisionTest, WhatIsNotOursIsRefused) {
  SHARD_OPEN_OR_SKIP("SP");
  Gid gid = Transaction();
  EXPECT_THAT(Plan("shard1/test", Decision::kAbort),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Plan(gid.ToString(), Decision::kAbort),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("nothing is left of transaction")));
  Gid other = gid;
  other.cluster = "test2";
  EXPECT_THAT(Plan(other.ToString(), Decision::kAbort),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("is of cluster 'test2'")));
  other = gid;
  other.decider = std::string(32, 'f');
  EXPECT_THAT(
      Plan(other.ToString(), Decision::kAbort),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("not in the topology")));
  EXPECT_EQ(Decisions(), 0);
}

}  // namespace
}  // namespace shard::testing
