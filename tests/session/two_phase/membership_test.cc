// Databases of a topology that are away for a while, leave it for good, are
// newer than it, or keep nothing.
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/failpoint.h"
#include "shard/session/two_phase/forget.h"
#include "shard/session/two_phase/recoverer.h"
#include "shard/session/two_phase/transaction_list.h"
#include "shard/tests/session/two_phase/two_phase_test.h"
#include "shard/tests/support/postgres_proxy.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class MembershipTest : public TwoPhaseTest {
 protected:
  ~MembershipTest() override { SetFailPointHandler(nullptr); }

  // A city in each of the databases; returns the transaction's gid.
  std::string CommitCities(SessionOptions options,
                           const std::vector<std::size_t>& databases) {
    ShardedSession session(std::move(options));
    cluster().AddCities(session, "Rome", databases);
    const auto done = session.Commit();
    EXPECT_THAT(done, IsOk());
    return done.ok() ? done->transaction : "";
  }
  RecoveryReport Pass() { return Recover(cluster().topology()); }
  RecoveryReport PassOver(Cluster& part) {
    RecoveryOptions now;
    now.decision_retention = absl::ZeroDuration();
    return Recover(part.topology(), now);
  }
  // The next connection gets no answer.
  static void Mute(PostgresProxy& proxy) {
    proxy.Arm({PostgresProxy::kToServer, 0, PostgresProxy::kStallBoth,
               absl::ZeroDuration()});
    proxy.Refuse(false);
  }
  // Once, in whichever thread comes to that fail point first.
  void At(std::string_view name, std::function<void()> action) {
    ASSERT_TRUE(SetFailPointHandler(
        [name = std::string(name), action](std::string_view passed) {
          if (passed != name) return;
          SetFailPointHandler(nullptr);
          action();
        }));
  }
};

TEST_F(MembershipTest, ARowThatCouldNotBeRemovedIsTriedAgain) {
  SHARD_OPEN_OR_SKIP("SS");
  CommitCities(options(), {0, 1});
  EXPECT_EQ(Decisions(), 2);
  {
    const auto other = OpenEngine(urls()[0]).value();
    SHARD_ASSERT_OK_AND_ASSIGN(const auto writer, other->Connect());
    SHARD_ASSERT_OK(writer->ExecuteScript("begin immediate"));
    EXPECT_THAT(Pass().problems, SizeIs(1));
  }
  EXPECT_EQ(Decisions(), 2);
  EXPECT_TRUE(Pass().clean());
  EXPECT_EQ(Decisions(), 0) << "they are young, but all have confirmed";
}

TEST_F(MembershipTest, ResolveConnectsToADeciderThatNobodyHasReachedYet) {
  SHARD_OPEN_OR_SKIP("SS");
  const std::string gid = CommitCities(options(), {0, 1});
  std::filesystem::rename(Path(0), Path(0) + ".away");
  std::filesystem::create_directory(Path(0));  // cannot be opened
  Cluster later(urls());
  ShardedSession session(later.options());
  EXPECT_EQ(later.topology().IdentityOf("d0"), "");
  EXPECT_THAT(session.Resolve(gid),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr(gid), HasSubstr("'d0'"))));
  std::filesystem::remove(Path(0));
  std::filesystem::rename(Path(0) + ".away", Path(0));
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision decision, session.Resolve(gid));
  EXPECT_EQ(decision, Decision::kCommit);
}

TEST_F(MembershipTest, ResolveWaitsNoLongerThanToldForAMuteServer) {
  SHARD_OPEN_OR_SKIP("PP");
  const std::string gid = CommitCities(options(), {0, 1});
  SHARD_ASSERT_OK_AND_ASSIGN(const auto proxy, PostgresProxy::Start(urls()[0]));
  proxy->Refuse(true);
  Cluster later({proxy->url(), urls()[1]});
  ASSERT_EQ(later.topology().IdentityOf("d0"), "");
  Mute(*proxy);
  SessionOptions options = later.options();
  options.resolve_timeout = absl::Milliseconds(200);
  const absl::Time begin = absl::Now();
  EXPECT_THAT(ShardedSession(options).Resolve(gid),
              HasCode(absl::StatusCode::kUnavailable));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(3)) << "connecting may take 5";
  EXPECT_TRUE(proxy->fault_happened());
}

// The writer holds the file's lock, and no server can have decided for it.
TEST_F(MembershipTest, AFilesFenceConnectsToNoServer) {
  SHARD_OPEN_OR_SKIP("SSP");
  CommitCities(options(), {0, 1});
  SHARD_ASSERT_OK_AND_ASSIGN(const auto proxy, PostgresProxy::Start(urls()[2]));
  proxy->Refuse(true);
  std::filesystem::rename(Path(0), Path(0) + ".away");
  std::filesystem::create_directory(Path(0));  // cannot be opened
  Cluster later({urls()[0], urls()[1], proxy->url()});
  ASSERT_EQ(later.topology().IdentityOf("d2"), "");
  Mute(*proxy);
  ShardedSession session(later.options());
  SHARD_ASSERT_OK(session.Add(MakeCity("C1", "Oslo", 1)));
  EXPECT_THAT(session.Flush(), StatusIs(absl::StatusCode::kUnavailable,
                                        HasSubstr("cannot be reached")));
  EXPECT_FALSE(proxy->fault_happened());
  std::filesystem::remove(Path(0));
  std::filesystem::rename(Path(0) + ".away", Path(0));
}

TEST_F(MembershipTest, ANamedDatabaseMayGoOnceNoRowIsLeft) {
  SHARD_OPEN_OR_SKIP("SSS");
  const std::string gid = CommitCities(options(), {0, 1});
  // Named by its decider's row; its row names its decider.
  for (const char* name : {"d1", "d0"}) {
    EXPECT_THAT(CheckRemoval(cluster().topology(), name),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr(gid), HasSubstr("--retention 0s"))));
  }
  SHARD_EXPECT_OK(CheckRemoval(cluster().topology(), "d2"));
  EXPECT_TRUE(cluster().RecoverNow().clean());
  SHARD_EXPECT_OK(CheckRemoval(cluster().topology(), "d0"));
  SHARD_EXPECT_OK(CheckRemoval(cluster().topology(), "d1"));
}

TEST_F(MembershipTest, AFollowerThatIsGoneIsForgotten) {
  SHARD_OPEN_OR_SKIP("SSS");
  CommitCities(options(), {0, 2});
  const std::string gone = cluster().topology().IdentityOf("d2");
  EXPECT_THAT(ForgetDatabase(cluster().topology(), gone),
              HasCode(absl::StatusCode::kFailedPrecondition));
  Cluster part({urls()[0], urls()[1]});
  EXPECT_THAT(PassOver(part).problems, SizeIs(1)) << "its decision names d2";
  SHARD_ASSERT_OK_AND_ASSIGN(const ForgetReport report,
                             ForgetDatabase(part.topology(), gone));
  EXPECT_EQ(report.decisions_removed, 1u);
  EXPECT_THAT(report.problems, SizeIs(0));
  EXPECT_EQ(outside(0).Decisions(), 0);
  EXPECT_TRUE(PassOver(part).clean());
}

TEST_F(MembershipTest, ADeciderThatIsGoneIsForgotten) {
  SHARD_OPEN_OR_SKIP("SSS");
  SessionOptions options = this->options();
  options.decider = "d2";
  CommitCities(options, {0, 2});
  const std::string gone = cluster().topology().IdentityOf("d2");
  EXPECT_EQ(outside(0).Decisions(), 1);
  Cluster part({urls()[0], urls()[1]});
  PassOver(part);
  EXPECT_EQ(outside(0).Decisions(), 1) << "recovery cannot ask its decider";
  SHARD_ASSERT_OK_AND_ASSIGN(const ForgetReport report,
                             ForgetDatabase(part.topology(), gone));
  EXPECT_EQ(report.decisions_removed, 1u);
  EXPECT_EQ(outside(0).Decisions(), 0);
  ShardedSession session(part.options());
  part.AddCities(session, "Oslo", {0, 1});
  SHARD_EXPECT_OK(session.Commit());
}

TEST_F(MembershipTest, ADecisionThatOthersNeedIsNotForgotten) {
  SHARD_OPEN_OR_SKIP("SPP");
  SessionOptions options = this->options();
  options.decision = DecisionMode::kAfterDecision;
  CommitCities(options, {0, 1, 2});
  const std::string gone = cluster().topology().IdentityOf("d2");
  Cluster part({urls()[0], urls()[1]});
  SHARD_ASSERT_OK_AND_ASSIGN(ForgetReport report,
                             ForgetDatabase(part.topology(), gone));
  ASSERT_THAT(report.problems, SizeIs(1));
  EXPECT_THAT(
      report.problems[0].error,
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("'d1'")));
  EXPECT_EQ(outside(0).Decisions(), 1);
  PassOver(part);
  SHARD_ASSERT_OK_AND_ASSIGN(report, ForgetDatabase(part.topology(), gone));
  EXPECT_THAT(report.problems, SizeIs(0));
  EXPECT_EQ(outside(0).Decisions(), 0);
  EXPECT_EQ(outside(1).Cities("Rome"), 1);
}

TEST_F(MembershipTest, OneThatLetsNobodyInDoesNotKeepTheOthersFromWork) {
  SHARD_OPEN_OR_SKIP("PS");
  std::vector<std::string> urls = this->urls();
  urls[0] = absl::StrReplaceAll(urls[0], {{"postgres@", "nobody_at_all@"}});
  ASSERT_NE(urls[0], this->urls()[0]);
  Cluster part(urls);
  EXPECT_EQ(part.topology().IdentityOf("d0"), "");
  EXPECT_THAT(part.engine(0)->Connect().status(),
              HasCode(absl::StatusCode::kPermissionDenied));
  ShardedSession session(part.options());
  part.AddCities(session, "Rome", {1});
  SHARD_EXPECT_OK(session.Commit());
}

TEST_F(MembershipTest, OneInMemoryIsNoProblemOfRecovery) {
  SHARD_OPEN_OR_SKIP("S");
  TopologyOptions options;
  options.databases = {
      {"memory", OpenEngine("sqlite://").value()},
      {"file",
       OpenEngine(absl::StrCat("sqlite:///", Path(0), ".other")).value()}};
  SHARD_ASSERT_OK_AND_ASSIGN(const auto topology, Topology::Open(options));
  const RecoveryReport report = Recover(*topology);
  EXPECT_TRUE(report.clean()) << report.ToString();
  SHARD_EXPECT_OK(CheckRemoval(*topology, "file"));
}

TEST_F(MembershipTest, WhatItsCoordinatorFinishedIsNotReportedAsRolledBack) {
  SHARD_OPEN_OR_SKIP("PP");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 1});
  SHARD_ASSERT_OK(session.Prepare());
  At("recover.settle", [&] {
    SHARD_EXPECT_OK(session.Commit());
    outside(0).Run("delete from shard_decisions");
  });
  RecoveryOptions now;
  now.recover_after = absl::ZeroDuration();
  const RecoveryReport report = Recover(cluster().topology(), now);
  EXPECT_EQ(report.Count(RecoveredShare::kRolledBack), 0u) << report.ToString();
  EXPECT_EQ(report.Count(RecoveredShare::kGone), 1u) << report.ToString();
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(Cities("Rome"), 2);
  ExpectNothingIsLeft();
}

TEST_F(MembershipTest, ListenersHearOfNoErrorWhenRecoveryWasFaster) {
  SHARD_OPEN_OR_SKIP("PP");
  std::vector<std::string> heard;
  SessionOptions options = this->options();
  options.on_two_phase = [&](const TwoPhaseEvent& event) {
    if (event.step != TwoPhaseStep::kCommit &&
        event.step != TwoPhaseStep::kRollback) {
      return;
    }
    heard.emplace_back(TwoPhaseStepName(event.step));
    SHARD_EXPECT_OK(event.status);
  };
  At("commit.send", [&] { Pass(); });
  CommitCities(options, {0, 1});
  EXPECT_THAT(heard, SizeIs(1));
  EXPECT_EQ(Cities("Rome"), 2);

  ShardedSession session(options);
  cluster().AddCities(session, "Oslo", {0, 1});
  SHARD_ASSERT_OK(session.Prepare());
  At("rollback.send", [&] { cluster().RecoverNow(); });
  session.Rollback();
  EXPECT_THAT(heard, SizeIs(3));  // the decider's too
  EXPECT_EQ(Cities("Oslo"), 0);
  ExpectNothingIsLeft();
}

TEST_F(MembershipTest, ANewerSlotMapEndsAllWritesOfTheOlder) {
  SHARD_OPEN_OR_SKIP("SS");
  // The options name no topology, but the engine is in one.
  SessionOptions plain = options();
  plain.topology = nullptr;
  SessionOptions one_phase = options();
  one_phase.two_phase = false;
  outside(0).Run("update shard_stamp set epoch = 2");
  EXPECT_TRUE(cluster().RecoverNow().clean());  // reads the stamps
  for (const SessionOptions& how : {options(), plain, one_phase}) {
    ShardedSession session(how);
    SHARD_ASSERT_OK(session.Add(MakeCity("C0", "Rome", 1)));
    EXPECT_THAT(session.Flush(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                          HasSubstr("epoch 2")));
    session.Rollback();
    SHARD_EXPECT_OK(session.Scalars(Select<City>()).status());
    SHARD_EXPECT_OK(session.Commit());
    // Text may write, or not.
    SHARD_ASSERT_OK(session.Execute(
        "insert into cities values (7, 'C0', 'Rome', 1)", {}, OnShard("d0")));
    EXPECT_THAT(
        session.Commit(),
        StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("epoch 2")));
    session.Rollback();
    SHARD_ASSERT_OK(session.Execute("select 1", {}, OnShard("d0")));
    SHARD_EXPECT_OK(session.Commit());
    SHARD_ASSERT_OK(session.Add(MakeCity("C1", "Oslo", 1)));
    SHARD_EXPECT_OK(session.Commit());  // the other is as it was
  }
  EXPECT_EQ(Cities("Rome"), 0);
  EXPECT_EQ(Cities("Oslo"), 3);
}

}  // namespace
}  // namespace shard::testing
