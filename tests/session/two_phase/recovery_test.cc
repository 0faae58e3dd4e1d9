// Recovery of transactions whose sessions died, in states made by hand.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/session/two_phase/gid.h"
#include "shard/session/two_phase/participant_list.h"
#include "shard/session/two_phase/recoverer.h"
#include "shard/session/two_phase/transaction_list.h"
#include "shard/tests/session/two_phase/two_phase_test.h"

namespace shard::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const char kTxn[] = "0123456789abcdef0123456789abcdef";

class RecoveryTest : public TwoPhaseTest {
 protected:
  // A transaction that the database decides. Its number there is that of one
  // which is over, rolled back, unless another is given.
  Gid Transaction(std::size_t decider, std::string number = "") {
    if (number.empty()) {
      number = outside(decider).is_postgres() ? AbortedNumber(decider) : "0";
    }
    return {"test", cluster().topology().IdentityOf(absl::StrCat("d", decider)),
            kTxn, number, 0};
  }
  std::string AbortedNumber(std::size_t database) {
    ShardedSession session(OpenEngine(urls()[database]).value());
    auto result = session.Execute("select pg_current_xact_id()::text");
    const std::string number = result->Scalar<std::string>().value();
    session.Rollback();
    return number;
  }
  // Inserts a city there and prepares it, as a session that died then.
  std::string PrepareCity(std::size_t database, Gid gid, std::uint32_t branch) {
    gid.branch = branch;
    PrepareAs(database, gid.ToString());
    return gid.ToString();
  }
  void PrepareAs(std::size_t database, const std::string& gid) {
    outside(database).Run(absl::StrCat(
        "begin; insert into cities values (", ++last_id_, ", 'C", database,
        "', 'Rome', 1); prepare transaction '", gid, "'"));
  }
  void Decide(std::size_t decider, const Gid& gid, const char* outcome,
              std::vector<ParticipantEntry> prepared,
              const char* created = "") {
    outside(decider).Run(absl::StrCat(
        "insert into shard_decisions (txn, outcome, participants",
        *created == '\0' ? "" : ", created", ") values ('", gid.txn, "', '",
        outcome, "', '",
        ParticipantList{gid.Transaction(), std::move(prepared)}.ToJson(), "'",
        *created == '\0' ? "" : ", ", created, ")"));
  }
  RecoveryReport Pass() { return Recover(cluster().topology()); }

  std::int64_t last_id_ = 100;
};

TEST_F(RecoveryTest, WithoutADecisionItIsRolledBack) {
  for (const char* kinds : {"PP", "NP", "SP"}) {
    SCOPED_TRACE(kinds);
    SHARD_OPEN_OR_SKIP(kinds);
    PrepareCity(1, Transaction(0), 1);
    EXPECT_FALSE(outside(1).LocksAreFree());
    const RecoveryReport report = Pass();
    EXPECT_EQ(report.Count(RecoveredShare::kRolledBack), 1u)
        << report.ToString();
    EXPECT_EQ(Cities("Rome"), 0);
    ExpectNothingIsLeft();
  }
}

TEST_F(RecoveryTest, Row087ACommitIsCarriedOut) {
  for (const char* kinds : {"PPP", "NPP", "SPP"}) {
    SCOPED_TRACE(kinds);
    SHARD_OPEN_OR_SKIP(kinds);
    const Gid gid = Transaction(0);
    PrepareCity(1, gid, 1);
    PrepareCity(2, gid, 2);
    Decide(0, gid, "commit", {});
    EXPECT_EQ(Cities("Rome"), 0);
    const RecoveryReport report = Pass();
    EXPECT_EQ(report.Count(RecoveredShare::kCommitted), 2u)
        << report.ToString();
    EXPECT_EQ(Cities("Rome"), 2);
    EXPECT_EQ(Decisions(), 1);  // not old yet
    ExpectNothingIsLeft();
  }
}

TEST_F(RecoveryTest, AnAbortThatIsThereStands) {
  SHARD_OPEN_OR_SKIP("PP");
  const Gid gid = Transaction(0);
  PrepareCity(1, gid, 1);
  Decide(0, gid, "abort", {});
  EXPECT_EQ(Pass().Count(RecoveredShare::kRolledBack), 1u);
  EXPECT_EQ(Decisions(), 0);  // its transaction is over
  ExpectNothingIsLeft();
}

TEST_F(RecoveryTest, TheYoungAreLeftAlone) {
  SHARD_OPEN_OR_SKIP("PPS");
  for (const std::size_t decider : {0, 2}) {
    ShardedSession session(options());
    cluster().AddCities(session, "Rome", {decider, 1});
    SHARD_ASSERT_OK(session.Prepare());
    const RecoveryReport report = Pass();
    EXPECT_EQ(report.Count(RecoveredShare::kLeftAlone), 1u)
        << report.ToString();
    EXPECT_FALSE(report.clean());
    EXPECT_TRUE(report.problems.empty());
    SHARD_ASSERT_OK(session.Commit());
  }
  EXPECT_EQ(Cities("Rome"), 4);
}

TEST_F(RecoveryTest, AFileAtWorkIsLeftAloneHoweverOld) {
  SHARD_OPEN_OR_SKIP("PS");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 1});
  SHARD_ASSERT_OK(session.Prepare());
  RecoveryOptions now;
  now.recover_after = absl::ZeroDuration();
  now.patience = absl::Milliseconds(50);
  EXPECT_EQ(
      Recover(cluster().topology(), now).Count(RecoveredShare::kLeftAlone), 1u);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Cities("Rome"), 2);
}

TEST_F(RecoveryTest, Row088OthersAreLeftAlone) {
  SHARD_OPEN_OR_SKIP("PPP");
  const Gid ours = Transaction(0);
  Gid cluster_of_others = ours;
  cluster_of_others.cluster = "other";
  Gid decided_elsewhere = ours;
  decided_elsewhere.decider = std::string(32, '7');
  decided_elsewhere.branch = 1;
  PrepareAs(1, "_sa_0123456789");
  PrepareAs(1, "shard1/test/nonsense");
  PrepareCity(1, cluster_of_others, 1);
  PrepareAs(1, decided_elsewhere.ToString());
  const RecoveryReport report = Pass();
  EXPECT_EQ(report.Count(RecoveredShare::kForeign), 1u) << report.ToString();
  // Of our cluster, but its decider is gone: an error, not a guess.
  EXPECT_EQ(report.Count(RecoveredShare::kFailed), 1u) << report.ToString();
  ASSERT_EQ(report.problems.size(), 1u);
  EXPECT_THAT(report.problems[0].error,
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("not in the topology")));
  EXPECT_EQ(outside(1).Number("select count(*) from pg_prepared_xacts where "
                              "database = current_database()"),
            4);
  for (const std::string& gid :
       {std::string("_sa_0123456789"), std::string("shard1/test/nonsense"),
        decided_elsewhere.ToString()}) {
    outside(1).Run(absl::StrCat("rollback prepared '", gid, "'"));
  }
  cluster_of_others.branch = 1;
  outside(1).Run(
      absl::StrCat("rollback prepared '", cluster_of_others.ToString(), "'"));
}

TEST_F(RecoveryTest, AnotherDatabaseOfTheServerIsLeftAlone) {
  SHARD_OPEN_OR_SKIP("PPP");  // d0 and d2 are on one server
  Cluster part({urls()[0], urls()[1]});
  const Gid gid = Transaction(0);
  PrepareCity(2, gid, 1);
  EXPECT_TRUE(Recover(part.topology()).shares.empty());
  EXPECT_EQ(outside(2).Prepared(), 1);
  ExpectNothingIsLeft();
}

TEST_F(RecoveryTest, AShareWhoseDeciderIsDownWaits) {
  SHARD_OPEN_OR_SKIP("PPS");
  const Gid gid = Transaction(2);
  PrepareCity(1, gid, 1);
  std::vector<std::string> urls = this->urls();
  const std::string path = urls[2].substr(std::string("sqlite:///").size());
  std::filesystem::rename(path, path + ".away");
  std::filesystem::create_directory(path);  // cannot be opened
  const RecoveryReport report = Pass();
  EXPECT_EQ(report.Count(RecoveredShare::kFailed), 1u) << report.ToString();
  EXPECT_FALSE(report.clean());
  EXPECT_EQ(Prepared(), 1);
  std::filesystem::remove(path);
  std::filesystem::rename(path + ".away", path);
  EXPECT_EQ(Pass().Count(RecoveredShare::kRolledBack), 1u);
  ExpectNothingIsLeft();
}

TEST_F(RecoveryTest, CommitRowsAreKeptUntilAllAreFinishedAndTheyAreOld) {
  SHARD_OPEN_OR_SKIP("PPP");
  const Gid gid = Transaction(0);
  const auto entry = [&](std::size_t database, std::uint32_t branch) {
    Gid share = gid;
    share.branch = branch;
    const std::string name = absl::StrCat("d", database);
    return ParticipantEntry{name, cluster().topology().IdentityOf(name),
                            share.ToString()};
  };
  Decide(0, gid, "commit", {entry(1, 1), entry(2, 2)},
         "now() - interval '59 minutes'");
  EXPECT_EQ(Pass().decisions_kept, 1u);
  outside(0).Run(
      "update shard_decisions set created = created - interval '2 m'");
  // A participant that cannot be seen: it stays.
  {
    Cluster part({urls()[0], urls()[1]});
    const RecoveryReport report = Recover(part.topology());
    EXPECT_EQ(report.decisions_kept, 1u);
    ASSERT_EQ(report.problems.size(), 1u) << report.ToString();
    EXPECT_THAT(
        report.problems[0].error,
        StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("'d2'")));
  }
  EXPECT_EQ(Pass().decisions_removed, 1u);
  EXPECT_EQ(Decisions(), 0);
}

TEST_F(RecoveryTest, AnAbortRowStaysAsLongAsItsTransactionIsAtWork) {
  SHARD_OPEN_OR_SKIP("PP");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 1});
  SHARD_ASSERT_OK(session.Prepare());
  EXPECT_EQ(cluster().RecoverNow().Count(RecoveredShare::kRolledBack), 1u);
  EXPECT_EQ(Decisions(), 1);
  EXPECT_EQ(cluster().RecoverNow().decisions_kept, 1u);
  EXPECT_THAT(session.Commit(), HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(cluster().RecoverNow().decisions_removed, 1u);
  EXPECT_EQ(Decisions(), 0);
}

TEST_F(RecoveryTest, SeveralAtOnceAndAgainAreSafe) {
  SHARD_OPEN_OR_SKIP("PPP");
  const Gid committed = Transaction(0);
  Gid aborted = committed;
  aborted.txn = std::string(32, 'a');
  for (const std::size_t database : {1, 2}) {
    PrepareCity(database, committed, static_cast<std::uint32_t>(database));
    PrepareCity(database, aborted, static_cast<std::uint32_t>(database));
  }
  Decide(0, committed, "commit", {});
  std::atomic<std::size_t> problems = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      Cluster own(urls());
      for (int round = 0; round < 3; ++round) {
        problems += Recover(own.topology()).problems.size();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(problems, 0u);
  EXPECT_EQ(Cities("Rome"), 2);
  ExpectNothingIsLeft();
}

TEST_F(RecoveryTest, TheThreadRecoversByItself) {
  SHARD_OPEN_OR_SKIP("PP");
  PrepareCity(1, Transaction(0), 1);
  SessionOptions watched = options();
  std::atomic<std::size_t> rolled_back = 0;
  watched.recovery.background = true;
  watched.recovery.interval = absl::Milliseconds(50);
  watched.recovery.on_pass = [&](const RecoveryReport& report) {
    rolled_back += report.Count(RecoveredShare::kRolledBack);
  };
  const ShardedSession session(watched);
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (rolled_back == 0 && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(5));
  }
  EXPECT_EQ(rolled_back, 1u);
  EXPECT_EQ(Prepared(), 0);
  // Also what comes later.
  PrepareCity(1, Transaction(0), 1);
  while (rolled_back == 1 && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(5));
  }
  EXPECT_EQ(rolled_back, 2u);
}

TEST_F(RecoveryTest, ResolveAnswersAndFinishes) {
  SHARD_OPEN_OR_SKIP("PPP");
  ShardedSession session(options());
  const Gid gid = Transaction(0);
  PrepareCity(1, gid, 1);
  Decide(0, gid, "commit", {});
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision committed,
                             session.Resolve(gid.Transaction()));
  EXPECT_EQ(committed, Decision::kCommit);
  EXPECT_EQ(Cities("Rome"), 1);
  Gid other = gid;
  other.txn = std::string(32, 'a');
  PrepareCity(2, other, 1);
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision aborted,
                             session.Resolve(other.Transaction()));
  EXPECT_EQ(aborted, Decision::kAbort);
  EXPECT_EQ(Prepared(), 0);
  other.decider = std::string(32, 'b');
  EXPECT_THAT(session.Resolve(other.Transaction()),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(session.Resolve("nonsense"),
              HasCode(absl::StatusCode::kInvalidArgument));
  ExpectNothingIsLeft();
}

TEST_F(RecoveryTest, TheListTellsWhatIsUnfinished) {
  SHARD_OPEN_OR_SKIP("PPP");
  EXPECT_TRUE(ListTransactions(cluster().topology()).transactions.empty());
  const Gid gid = Transaction(0);
  PrepareCity(1, gid, 1);
  PrepareCity(2, gid, 2);
  TransactionList list = ListTransactions(cluster().topology());
  ASSERT_EQ(list.transactions.size(), 1u);
  EXPECT_EQ(list.transactions[0].transaction, gid.Transaction());
  EXPECT_EQ(list.transactions[0].state, TransactionEntry::kUndecided);
  EXPECT_EQ(list.transactions[0].decider, "d0");
  EXPECT_THAT(list.transactions[0].prepared_on, ElementsAre("d1", "d2"));
  Decide(0, gid, "commit", {});
  list = ListTransactions(cluster().topology());
  ASSERT_EQ(list.transactions.size(), 1u);
  EXPECT_EQ(list.transactions[0].state, TransactionEntry::kPending);
  EXPECT_EQ(list.transactions[0].decision, "commit");
  Pass();
  list = ListTransactions(cluster().topology());
  ASSERT_EQ(list.transactions.size(), 1u);
  EXPECT_EQ(list.transactions[0].state, TransactionEntry::kFinished);
  ExpectNothingIsLeft();
}

TEST_F(RecoveryTest, ADatabaseWithUnfinishedWorkIsNotRemoved) {
  SHARD_OPEN_OR_SKIP("PPP");
  SHARD_ASSERT_OK(CheckRemoval(cluster().topology(), "d0"));
  PrepareCity(1, Transaction(0), 1);
  for (const char* involved : {"d0", "d1"}) {
    EXPECT_THAT(
        CheckRemoval(cluster().topology(), involved),
        StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(kTxn)));
  }
  SHARD_ASSERT_OK(CheckRemoval(cluster().topology(), "d2"));
  EXPECT_THAT(CheckRemoval(cluster().topology(), "d9"),
              HasCode(absl::StatusCode::kNotFound));
  ExpectNothingIsLeft();
  SHARD_ASSERT_OK(CheckRemoval(cluster().topology(), "d0"));
}

}  // namespace
}  // namespace shard::testing
