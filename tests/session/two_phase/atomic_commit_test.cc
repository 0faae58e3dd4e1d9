// The atomic commit, by the rows of the behaviours that it answers to.
#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/failpoint.h"
#include "shard/session/commit_result.h"
#include "shard/session/two_phase/gid.h"
#include "shard/tests/session/two_phase/two_phase_test.h"
#include "shard/tests/support/postgres_proxy.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class AtomicCommitTest : public TwoPhaseTest {
 protected:
  void TearDown() override {
    SetFailPointHandler(nullptr);
    if (is_open() && !HasFatalFailure()) ExpectNothingIsLeft();
  }

  // Statements with that text in them, on one engine or on all.
  std::size_t Sent(std::string_view text, std::string_view engine = "") {
    std::size_t count = 0;
    for (const auto& entry : log().Of("", engine)) {
      count += absl::StrContains(entry.statement, std::string(text));
    }
    return count;
  }

  // "prepare d1", "decide d0", ... of the sessions with these options.
  SessionOptions Listening(std::vector<std::string>* events) {
    SessionOptions listening = options();
    listening.on_two_phase = [events](const TwoPhaseEvent& event) {
      events->push_back(absl::StrCat(std::string(TwoPhaseStepName(event.step)),
                                     " ", std::string(event.database),
                                     event.status.ok() ? "" : " failed"));
    };
    return listening;
  }

  std::vector<Gid> PreparedGids() {
    std::vector<Gid> gids;
    for (std::size_t i = 0; i < cluster().size(); ++i) {
      if (!outside(i).is_postgres() || outside(i).Prepared() == 0) continue;
      const auto gid = Gid::Parse(
          outside(i).Text("select gid from pg_prepared_xacts where database = "
                          "current_database()"));
      EXPECT_THAT(gid, IsOk());
      if (gid.ok()) gids.push_back(*gid);
    }
    return gids;
  }
};

TEST_F(AtomicCommitTest, CommitsOnEveryDatabase) {
  for (const char* kinds : {"PP", "SP", "NP", "PPPP", "SPPP", "PN", "PPS"}) {
    SCOPED_TRACE(kinds);
    TearDown();
    SHARD_OPEN_OR_SKIP(kinds);
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < cluster().size(); ++i) all.push_back(i);
    ShardedSession session(options());
    cluster().AddCities(session, "Rome", all);
    EXPECT_EQ(Cities("Rome"), 0);
    SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
    EXPECT_TRUE(done.all_committed());
    EXPECT_FALSE(done.has_pending());
    EXPECT_EQ(done.shares.size(), all.size());
    EXPECT_THAT(Gid::Parse(done.transaction), IsOk());
    EXPECT_EQ(Cities("Rome"), static_cast<std::int64_t>(all.size()));
    EXPECT_EQ(Prepared(), 0);
  }
}

TEST_F(AtomicCommitTest, Row069OneNameOverAllDatabases) {
  SHARD_OPEN_OR_SKIP("PPP");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 1, 2});
  SHARD_ASSERT_OK(session.Prepare());
  const std::vector<Gid> gids = PreparedGids();
  ASSERT_EQ(gids.size(), 2u);
  EXPECT_EQ(gids[0].txn, gids[1].txn);
  EXPECT_EQ(gids[0].cluster, "test");
  EXPECT_EQ(gids[0].decider, cluster().topology().IdentityOf("d0"));
  EXPECT_EQ(gids[0].number, gids[1].number);
  EXPECT_NE(gids[0].number, "0");
  EXPECT_NE(gids[0].branch, gids[1].branch);
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
  EXPECT_EQ(done.transaction, gids[0].Transaction());
  EXPECT_EQ(Cities("Rome"), 3);
}

TEST_F(AtomicCommitTest, Row070PreparesThenDecidesThenCommits) {
  SHARD_OPEN_OR_SKIP("PPP");
  std::vector<std::string> events;
  ShardedSession session(Listening(&events));
  cluster().AddCities(session, "Rome", {0, 1, 2});
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_THAT(events, ElementsAre("prepare d1", "prepare d2", "decide d0",
                                  "commit d1", "commit d2"));
}

TEST_F(AtomicCommitTest, Row071TheDeciderIsTheFirstByNameUnlessChosen) {
  SHARD_OPEN_OR_SKIP("PPN");
  std::vector<std::string> events;
  SessionOptions listening = Listening(&events);
  ShardedSession session(listening);
  cluster().AddCities(session, "Rome", {1, 0});
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_THAT(events, ElementsAre("prepare d1", "decide d0", "commit d1"));
  events.clear();
  listening.decider = "d1";
  ShardedSession chosen(listening);
  cluster().AddCities(chosen, "Rome", {0, 1});
  SHARD_ASSERT_OK(chosen.Commit());
  EXPECT_THAT(events, ElementsAre("prepare d0", "decide d1", "commit d0"));
  events.clear();
  // Whatever was chosen, one that cannot prepare decides.
  cluster().AddCities(chosen, "Rome", {0, 1, 2});
  SHARD_ASSERT_OK(chosen.Commit());
  EXPECT_THAT(events, ElementsAre("prepare d0", "prepare d1", "decide d2",
                                  "commit d0", "commit d1"));
}

TEST_F(AtomicCommitTest, Row072OneWriterCommitsPlainly) {
  SHARD_OPEN_OR_SKIP("PP");
  std::vector<std::string> events;
  ShardedSession session(Listening(&events));
  cluster().AddCities(session, "Rome", {0});
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult alone, session.Commit());
  EXPECT_EQ(log().Of("").size(), 1u);  // COMMIT
  EXPECT_EQ(alone.transaction, "");
  // With a reader beside it, which is asked whether it only read.
  SHARD_ASSERT_OK(session.Scalars(Select<City>()));
  cluster().AddCities(session, "Oslo", {1});
  log().Clear();
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Sent("PREPARE TRANSACTION"), 0u);
  EXPECT_EQ(Sent("shard_decisions"), 0u);
  EXPECT_THAT(events, IsEmpty());
  EXPECT_EQ(Cities("Oslo"), 1);
}

TEST_F(AtomicCommitTest, ReadersThatLockAreWriters) {
  SHARD_OPEN_OR_SKIP("PP");
  outside(1).Run("insert into cities values (7, 'C1', 'Oslo', 1)");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0});
  SHARD_ASSERT_OK(
      session.Execute("select * from cities for update", {}, OnShard("d1")));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Sent("PREPARE TRANSACTION", "d1"), 1u);
}

TEST_F(AtomicCommitTest, ASelectThatWritesIsAWriter) {
  SHARD_OPEN_OR_SKIP("PP");
  outside(1).Run(
      "create function add_city() returns bigint language sql as $$ insert "
      "into cities values (9, 'C1', 'Rome', 1) returning id $$");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0});
  SHARD_ASSERT_OK(session.Execute("select add_city()", {}, OnShard("d1")));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Sent("PREPARE TRANSACTION", "d1"), 1u);
  EXPECT_EQ(Cities("Rome"), 2);
}

TEST_F(AtomicCommitTest, Row073PrepareIsForTwoPhaseAndTheOutermost) {
  SHARD_OPEN_OR_SKIP("PP");
  SessionOptions plain = options();
  plain.two_phase = false;
  EXPECT_THAT(
      ShardedSession(plain).Prepare(),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("two_phase")));
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.BeginNested());
  EXPECT_THAT(session.Prepare(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                          HasSubstr("nested")));
  SHARD_ASSERT_OK(session.CommitNested());
  SHARD_ASSERT_OK(session.Prepare());  // of nothing
  SHARD_ASSERT_OK(session.Commit());
}

TEST_F(AtomicCommitTest, Row074NoSqlAfterPrepare) {
  SHARD_OPEN_OR_SKIP("PP");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 1});
  SHARD_ASSERT_OK(session.Prepare());
  const auto refused = StatusIs(
      absl::StatusCode::kFailedPrecondition,
      AllOf(HasSubstr("prepared"), HasSubstr("Commit() or Rollback()")));
  EXPECT_THAT(session.Execute("select 1", {}, OnShard("d0")).status(), refused);
  EXPECT_THAT(session.Scalars(Select<City>()).status(), refused);
  EXPECT_THAT(session.Prepare(), refused);
  EXPECT_THAT(session.BeginNested(), refused);
  const auto late = MakeCity("C0", "Late");
  SHARD_ASSERT_OK(session.Add(late));
  EXPECT_THAT(session.Flush(), refused);
  EXPECT_THAT(session.Commit().status(), refused);
  SHARD_ASSERT_OK(session.Expunge(*late));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Cities("Rome"), 2);
  EXPECT_EQ(Cities("Late"), 0);
}

TEST_F(AtomicCommitTest, Row075PrepareThenRollbackOrClose) {
  SHARD_OPEN_OR_SKIP("PPS");
  ShardedSession session(options());
  for (const bool close : {false, true}) {
    const auto rome = MakeCity("C0", "Rome");
    SHARD_ASSERT_OK(session.Add(rome));
    cluster().AddCities(session, "Rome", {1, 2});
    SHARD_ASSERT_OK(session.Prepare());
    EXPECT_EQ(Prepared(), 2);
    close ? session.Close() : session.Rollback();
    EXPECT_EQ(Prepared(), 0);
    EXPECT_EQ(Cities("Rome"), 0);
    EXPECT_EQ(rome->object_state(), ObjectState::kTransient);
  }
  cluster().AddCities(session, "Rome", {0, 1, 2});
  SHARD_ASSERT_OK(session.Commit());
}

TEST_F(AtomicCommitTest, Row076PrepareFailsOnOne) {
  SHARD_OPEN_OR_SKIP("PPP");
  for (const char* failing : {"d1", "d2"}) {
    ShardedSession session(options());
    cluster().AddCities(session, "Rome", {0, 1, 2});
    SHARD_ASSERT_OK(session.Execute("create temporary table t (i int)", {},
                                    OnShard(failing)));
    EXPECT_THAT(session.Commit(),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr(failing), HasSubstr("temporary"))));
    EXPECT_EQ(Prepared(), 0);
    EXPECT_EQ(Cities("Rome"), 0);
    // And the session can be used at once.
    cluster().AddCities(session, "Oslo", {0, 1, 2});
    SHARD_ASSERT_OK(session.Commit());
  }
  EXPECT_EQ(Cities("Oslo"), 6);
}

TEST_F(AtomicCommitTest, Row077SecondPhaseGoesOnOnANewConnection) {
  SHARD_OPEN_OR_SKIP("PPP");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 1, 2});
  SHARD_ASSERT_OK_AND_ASSIGN(Connection * connection,
                             session.ConnectionFor(OnShard("d2")));
  ASSERT_TRUE(connection->usable());
  bool killed = false;
  ASSERT_TRUE(SetFailPointHandler([&](std::string_view name) {
    if (name != "commit.send" || std::exchange(killed, true)) return;
    for (const std::size_t database : {1, 2}) {
      outside(database).Text(
          "select count(pg_terminate_backend(pid, 2000))::text from "
          "pg_stat_activity where datname = current_database() and pid <> "
          "pg_backend_pid()");
    }
  }));
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
  EXPECT_TRUE(killed);
  EXPECT_TRUE(done.all_committed()) << done.ToString();
  EXPECT_EQ(Cities("Rome"), 3);
  cluster().AddCities(session, "Oslo", {0, 1, 2});
  SHARD_ASSERT_OK(session.Commit());
}

TEST_F(AtomicCommitTest, Row078FailedStatementIsNeverPrepared) {
  SHARD_OPEN_OR_SKIP("PPP");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 1, 2});
  // Past the session, so that only the server knows.
  SHARD_ASSERT_OK_AND_ASSIGN(Connection * connection,
                             session.ConnectionFor(OnShard("d1")));
  EXPECT_FALSE(connection->ExecuteScript("select 1 / 0").ok());
  EXPECT_THAT(session.Commit(),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("d1")));
  EXPECT_EQ(Cities("Rome"), 0);
  EXPECT_EQ(Prepared(), 0);
  // The same at the one that decides.
  cluster().AddCities(session, "Rome", {0, 1, 2});
  SHARD_ASSERT_OK_AND_ASSIGN(connection, session.ConnectionFor(OnShard("d0")));
  EXPECT_FALSE(connection->ExecuteScript("select 1 / 0").ok());
  EXPECT_FALSE(session.Commit().ok());
  EXPECT_EQ(Cities("Rome"), 0);
  // Through the session it is known earlier.
  cluster().AddCities(session, "Rome", {0, 1, 2});
  EXPECT_FALSE(session.Execute("select 1 / 0", {}, OnShard("d1")).ok());
  EXPECT_THAT(session.Commit(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                         HasSubstr("Rollback()")));
  session.Rollback();
  EXPECT_EQ(Cities("Rome"), 0);
}

TEST_F(AtomicCommitTest, Row079AnAbandonedSessionLeavesNothingPrepared) {
  SHARD_OPEN_OR_SKIP("PP");
  {
    ShardedSession session(options());
    cluster().AddCities(session, "Rome", {0, 1});
    SHARD_ASSERT_OK(session.Prepare());
    EXPECT_EQ(Prepared(), 1);
  }
  EXPECT_EQ(Prepared(), 0);
  EXPECT_EQ(Cities("Rome"), 0);
}

TEST_F(AtomicCommitTest, Row080AFlushErrorIsRolledBackEverywhere) {
  SHARD_OPEN_OR_SKIP("PPS");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 2});
  outside(1).Run("insert into cities values (5, 'C1', 'Oslo', 1)");
  const auto twin = MakeCity("C1", "Rome");
  twin->id = 5;
  SHARD_ASSERT_OK(session.Add(twin));
  EXPECT_THAT(session.Commit(), HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(session.Commit(), HasCode(absl::StatusCode::kFailedPrecondition));
  session.Rollback();
  EXPECT_EQ(Cities("Rome"), 0);
  cluster().AddCities(session, "Rome", {0, 1, 2});
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Cities("Rome"), 3);
}

TEST_F(AtomicCommitTest, Row081SavepointsInside) {
  SHARD_OPEN_OR_SKIP("PPS");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 1});
  SHARD_ASSERT_OK(session.BeginNested());
  cluster().AddCities(session, "Oslo", {1, 2});  // d2 joins inside
  EXPECT_FALSE(session.Execute("select 1 / 0", {}, OnShard("d1")).ok());
  EXPECT_FALSE(session.CommitNested().ok());
  SHARD_ASSERT_OK(session.RollbackNested());
  SHARD_ASSERT_OK(session.BeginNested());
  cluster().AddCities(session, "Bern", {2});
  SHARD_ASSERT_OK(session.CommitNested());
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Cities("Rome"), 2);
  EXPECT_EQ(Cities("Oslo"), 0);
  EXPECT_EQ(Cities("Bern"), 1);
}

TEST_F(AtomicCommitTest, Row082ExecuteEnlists) {
  SHARD_OPEN_OR_SKIP("PPP");
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Execute(Insert<City>().Values(
      City::c.id = 1, City::c.continent = "C0", City::c.name = "Rome")));
  SHARD_ASSERT_OK(session.Execute(
      "insert into cities values (2, 'C1', 'Rome', 1)", {}, OnShard("d1")));
  SHARD_ASSERT_OK_AND_ASSIGN(Connection * connection,
                             session.ConnectionFor(OnShard("d2")));
  SHARD_ASSERT_OK(connection->ExecuteScript(
      "insert into cities values (3, 'C2', 'Rome', 1)"));
  EXPECT_EQ(Cities("Rome"), 0);
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
  EXPECT_THAT(Gid::Parse(done.transaction), IsOk());
  EXPECT_EQ(Cities("Rome"), 3);
  EXPECT_EQ(Sent("PREPARE TRANSACTION"), 2u);
}

TEST_F(AtomicCommitTest, Row083TheRouterDecidesWhoTakesPart) {
  SHARD_OPEN_OR_SKIP("PPPP");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {1, 3});
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Sent("", "d0") + Sent("", "d2"), 0u);
  EXPECT_EQ(outside(1).Cities("Rome") + outside(3).Cities("Rome"), 2);
}

TEST_F(AtomicCommitTest, Row084SeveralThatCannotPrepareAreRefused) {
  for (const char* kinds : {"SN", "PSN"}) {
    SCOPED_TRACE(kinds);
    TearDown();
    SHARD_OPEN_OR_SKIP(kinds);
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < cluster().size(); ++i) all.push_back(i);
    const auto refused = StatusIs(
        absl::StatusCode::kFailedPrecondition,
        AllOf(HasSubstr("prepare"), HasSubstr("two_phase"), HasSubstr("'d")));
    ShardedSession session(options());
    // Known before anything is written.
    for (const std::size_t i : all) {
      SHARD_ASSERT_OK(session.Add(MakeCity(absl::StrCat("C", i), "Rome")));
    }
    EXPECT_THAT(session.Commit(), refused);
    EXPECT_EQ(log().Count("INSERT"), 0u);
    session.Close();
    // Known at prepare only.
    for (const std::size_t i : all) {
      SHARD_ASSERT_OK_AND_ASSIGN(
          Connection * connection,
          session.ConnectionFor(OnShard(absl::StrCat("d", i))));
      SHARD_ASSERT_OK(connection->ExecuteScript(absl::StrCat(
          "insert into cities values (1, 'C", i, "', 'Oslo', 1)")));
    }
    EXPECT_THAT(session.Prepare(), refused);
    EXPECT_THAT(session.Commit(), refused);
    EXPECT_EQ(Cities("Oslo"), 0);
    EXPECT_EQ(Prepared(), 0);
    // Nothing is lost: it goes on, until it is rolled back.
    SHARD_ASSERT_OK(session.Execute("select 1", {}, OnShard("d0")));
    session.Rollback();
    SHARD_ASSERT_OK(session.Add(MakeCity("C0", "Rome")));
    SHARD_ASSERT_OK(session.Commit());
    EXPECT_EQ(Cities("Rome"), 1);
  }
}

TEST_F(AtomicCommitTest, Row084TheErrorNamesTheSetting) {
  SHARD_OPEN_OR_SKIP("SN");
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Add(MakeCity("C0", "Rome")));
  SHARD_ASSERT_OK(session.Add(MakeCity("C1", "Rome")));
  EXPECT_THAT(session.Commit(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("max_prepared_transactions"),
                             HasSubstr("SQLite"))));
}

// A file that is announced, and then only read, has the next one recorded.
TEST_F(AtomicCommitTest, Row084NoFileFollowsAServer) {
  for (const bool by_connection : {false, true}) {
    SHARD_OPEN_OR_SKIP("SSN");
    const auto refused = StatusIs(absl::StatusCode::kFailedPrecondition,
                                  AllOf(HasSubstr("max_prepared_transactions"),
                                        HasSubstr("'d1'"), HasSubstr("'d2'")));
    const auto announce = [&](ShardedSession& session) {
      return by_connection
                 ? session.ConnectionFor(OnShard("d0")).status()
                 : session.Execute("select 1", {}, OnShard("d0")).status();
    };
    ShardedSession session(options());
    SHARD_ASSERT_OK(announce(session));
    cluster().AddCities(session, "Rome", {1});
    // Known before anything is written there.
    SHARD_ASSERT_OK(session.Add(MakeCity("C2", "Rome")));
    log().Clear();
    EXPECT_THAT(session.Commit(), refused);
    EXPECT_EQ(log().Count("INSERT"), 0u);
    session.Close();
    // Known at prepare only.
    SHARD_ASSERT_OK(announce(session));
    cluster().AddCities(session, "Rome", {1});
    SHARD_ASSERT_OK(session.Execute(
        "insert into cities values (1, 'C2', 'Rome', 1)", {}, OnShard("d2")));
    EXPECT_THAT(session.Commit(), refused);
    // Nothing is lost: it goes on, until it is rolled back.
    SHARD_ASSERT_OK(session.Execute("select 1", {}, OnShard("d2")));
    session.Rollback();
    EXPECT_EQ(Cities("Rome"), 0);
    SHARD_ASSERT_OK(announce(session));
    cluster().AddCities(session, "Rome", {1});
    SHARD_ASSERT_OK(session.Commit());
    EXPECT_EQ(Cities("Rome"), 1);
    ExpectNothingIsLeft();
  }
}

// A session never joins a transaction that somebody has begun on a connection:
// it takes connections of its own, so two phases are always possible.
TEST_F(AtomicCommitTest, Row085ATransactionOfTheCallersIsNotJoined) {
  SHARD_OPEN_OR_SKIP("PP");
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection own,
                             cluster().engine(0)->Connect());
  SHARD_ASSERT_OK(own->Begin());
  SHARD_ASSERT_OK(
      own->ExecuteScript("insert into cities values (77, 'C0', 'Oslo', 1)"));
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 1});
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
  EXPECT_TRUE(done.all_committed()) << done.ToString();
  EXPECT_TRUE(own->in_transaction());
  SHARD_ASSERT_OK(own->Rollback());
  EXPECT_EQ(Cities("Rome"), 2);
  EXPECT_EQ(Cities("Oslo"), 0);
  ExpectNothingIsLeft();
}

TEST_F(AtomicCommitTest, Row084OneThatOnlyReadIsNoParticipant) {
  SHARD_OPEN_OR_SKIP("SSP");
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Scalars(Select<City>()));  // reads all three
  cluster().AddCities(session, "Rome", {1, 2});
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Cities("Rome"), 2);
}

TEST_F(AtomicCommitTest, WithoutATopologyOnlyOneIsWritten) {
  SHARD_OPEN_OR_SKIP("PP");
  SessionOptions alone = options();
  alone.topology = nullptr;
  ShardedSession session(alone);
  SHARD_ASSERT_OK(session.Add(MakeCity("C0", "Rome")));
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK(session.Add(MakeCity("C0", "Oslo")));
  SHARD_ASSERT_OK(session.Add(MakeCity("C1", "Oslo")));
  EXPECT_THAT(session.Commit(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("SessionOptions::topology")));
  EXPECT_EQ(Cities("Oslo"), 0);
}

TEST_F(AtomicCommitTest, Row089WhatCannotBePreparedSaysWhy) {
  SHARD_OPEN_OR_SKIP("PP");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 1});
  SHARD_ASSERT_OK(session.Execute("listen news", {}, OnShard("d1")));
  EXPECT_THAT(session.Commit(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("d1"), HasSubstr("LISTEN"))));
  EXPECT_EQ(Cities("Rome"), 0);
}

TEST_F(AtomicCommitTest, Row090RollingBackWithoutAConnectionIsSilent) {
  SHARD_OPEN_OR_SKIP("PPS");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 1, 2});
  SHARD_ASSERT_OK(session.Prepare());
  for (const std::size_t database : {0, 1}) {
    outside(database).Text(
        "select count(pg_terminate_backend(pid, 2000))::text from "
        "pg_stat_activity where datname = current_database() and pid <> "
        "pg_backend_pid()");
  }
  session.Rollback();
  EXPECT_EQ(Cities("Rome"), 0);
}

TEST_F(AtomicCommitTest, Row091AnEventForEachStep) {
  SHARD_OPEN_OR_SKIP("SPP");
  std::vector<std::string> events;
  ShardedSession session(Listening(&events));
  cluster().AddCities(session, "Rome", {0, 1, 2});
  SHARD_ASSERT_OK(session.Prepare());
  EXPECT_THAT(events, ElementsAre("prepare d1", "prepare d2"));
  events.clear();
  session.Rollback();
  EXPECT_THAT(events, UnorderedElementsAre("rollback d0", "rollback d1",
                                           "rollback d2"));
  events.clear();
  cluster().AddCities(session, "Rome", {0, 1, 2});
  SHARD_ASSERT_OK(session.Execute("listen news", {}, OnShard("d2")));
  EXPECT_FALSE(session.Commit().ok());
  EXPECT_THAT(events, ElementsAre("prepare d1", "prepare d2 failed",
                                  "rollback d0", "rollback d1"));
}

TEST_F(AtomicCommitTest, Row093WithoutTwoPhaseDatabasesCommitOneByOne) {
  SHARD_OPEN_OR_SKIP("PPS");
  SessionOptions plain = options();
  plain.two_phase = false;
  ShardedSession session(plain);
  cluster().AddCities(session, "Rome", {0, 1, 2});
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
  EXPECT_EQ(done.transaction, "");
  EXPECT_EQ(Sent("COMMIT"), 3u);
  EXPECT_EQ(Sent("PREPARE"), 0u);
}

TEST_F(AtomicCommitTest, Row094AfterTheEndTheSessionIsReady) {
  SHARD_OPEN_OR_SKIP("PP");
  ShardedSession session(options());
  for (int round = 0; round < 3; ++round) {
    cluster().AddCities(session, "Rome", {0, 1});
    if (round == 1) {
      SHARD_ASSERT_OK(session.Prepare());
    }
    SHARD_ASSERT_OK(session.Commit());
    SHARD_ASSERT_OK_AND_ASSIGN(
        const auto found,
        session.Scalars(Select<City>().Where(City::c.name == "Rome")));
    EXPECT_EQ(found.size(), static_cast<std::size_t>(2 * (round + 1)));
  }
}

TEST_F(AtomicCommitTest, AfterDecisionLeavesTheRestToRecovery) {
  SHARD_OPEN_OR_SKIP("PPS");
  SessionOptions quick = options();
  quick.decision = DecisionMode::kAfterDecision;
  ShardedSession session(quick);
  cluster().AddCities(session, "Rome", {0, 1, 2});
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
  EXPECT_TRUE(done.has_pending());
  EXPECT_FALSE(done.all_committed());
  EXPECT_THAT(done.ToString(), HasSubstr("pending on 'd0', 'd1'"));
  EXPECT_EQ(Cities("Rome"), 1);
  const RecoveryReport report = cluster().RecoverNow();
  EXPECT_EQ(report.Count(RecoveredShare::kCommitted), 2u);
  EXPECT_EQ(Cities("Rome"), 3);
}

TEST_F(AtomicCommitTest, ADecisionAgainstItAbortsTheCommit) {
  SHARD_OPEN_OR_SKIP("PP");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 1});
  SHARD_ASSERT_OK(session.Prepare());
  const RecoveryReport report = cluster().RecoverNow();
  EXPECT_EQ(report.Count(RecoveredShare::kRolledBack), 1u) << report.ToString();
  EXPECT_THAT(session.Commit(),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("recovery")));
  EXPECT_EQ(Cities("Rome"), 0);
}

TEST_F(AtomicCommitTest, ADeferredConstraintOfTheDeciderRollsAllBack) {
  SHARD_OPEN_OR_SKIP("PP");
  outside(0).Run(
      "create table parents (id bigint primary key); alter table cities add "
      "parent bigint default 5 references parents (id) deferrable initially "
      "deferred");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 1});
  EXPECT_THAT(session.Commit(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("d0")));
  EXPECT_EQ(Cities("Rome"), 0);
  EXPECT_EQ(Prepared(), 0);
}

TEST_F(AtomicCommitTest, DecisionRowsAreRemovedOnceAllHaveCommitted) {
  SHARD_OPEN_OR_SKIP("PPS");
  {
    ShardedSession session(options());
    for (int i = 0; i < 130; ++i) {
      cluster().AddCities(session, "Rome", {1, 2});
      SHARD_ASSERT_OK(session.Commit());
    }
  }
  // Without a thread to do it, the sessions do, many at a time.
  EXPECT_LT(Decisions(), 128);
  EXPECT_EQ(Recover(cluster().topology(), options().recovery).problems.size(),
            0u);
  EXPECT_EQ(Decisions(), 0);
}

TEST_F(AtomicCommitTest, ACrossShardDeadlockEndsAsAborted) {
  SHARD_OPEN_OR_SKIP("PP");
  outside(0).Run("insert into cities values (1, 'C0', 'Rome', 1)");
  outside(1).Run("insert into cities values (1, 'C1', 'Rome', 1)");
  SessionOptions impatient = options();
  impatient.lock_timeout = absl::Milliseconds(200);
  ShardedSession one(impatient), other(impatient);
  const auto update = [](ShardedSession& session, const char* shard) {
    return session
        .Execute("update cities set population = 2", {}, OnShard(shard))
        .status();
  };
  SHARD_ASSERT_OK(update(one, "d0"));
  SHARD_ASSERT_OK(one.Execute("select 1", {}, OnShard("d1")));
  SHARD_ASSERT_OK(update(other, "d1"));
  EXPECT_THAT(update(other, "d0"), HasCode(absl::StatusCode::kAborted));
  other.Rollback();
  SHARD_ASSERT_OK(update(one, "d1"));
  SHARD_ASSERT_OK(one.Commit());
}

// One that is dead takes no time from those that can be reached.
TEST_F(AtomicCommitTest, FinishTimeoutBoundsAllTogether) {
  SHARD_OPEN_OR_SKIP("PPP");
  std::vector<std::unique_ptr<PostgresProxy>> proxies;
  std::vector<std::string> through = {urls()[0]};
  for (const std::size_t i : {1, 2}) {
    SHARD_ASSERT_OK_AND_ASSIGN(auto proxy, PostgresProxy::Start(urls()[i]));
    through.push_back(proxy->url());
    proxies.push_back(std::move(proxy));
  }
  Cluster apart(through);
  SessionOptions options = apart.options();
  options.finish_timeout = absl::Seconds(1);
  ShardedSession session(options);
  apart.AddCities(session, "Rome", {0, 1, 2});
  SHARD_ASSERT_OK(session.Prepare());
  // Once it is decided both are lost, and d1 takes no new connection.
  std::atomic<bool> cut = false;
  if (!SetFailPointHandler([&](std::string_view name) {
        if (name != "commit.send" || cut.exchange(true)) return;
        for (const auto& proxy : proxies) proxy->CutAll();
        proxies[0]->Arm({PostgresProxy::kToServer, 0, PostgresProxy::kStallBoth,
                         absl::ZeroDuration()});
      })) {
    GTEST_SKIP() << "needs fail points";
  }
  const absl::Time begin = absl::Now();
  const absl::StatusOr<CommitResult> done = session.Commit();
  const absl::Duration took = absl::Now() - begin;
  SetFailPointHandler(nullptr);
  SHARD_ASSERT_OK(done);
  EXPECT_LT(took, absl::Seconds(3));  // connecting may take 5
  EXPECT_TRUE(done->shares[1].pending) << done->ToString();
  EXPECT_TRUE(done->shares[2].committed) << done->ToString();
  EXPECT_EQ(outside(2).Cities("Rome"), 1);
  EXPECT_TRUE(cluster().RecoverNow().clean());
  EXPECT_EQ(Cities("Rome"), 3);
}

// One that says nothing at all leaves time to try another again.
TEST_F(AtomicCommitTest, AMuteServerLeavesTimeForOneThatWasCut) {
  SHARD_OPEN_OR_SKIP("PPP");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto mute, PostgresProxy::Start(urls()[1]));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto cut, PostgresProxy::Start(urls()[2]));
  Cluster apart({urls()[0], mute->url(), cut->url()});
  SessionOptions options = apart.options();
  options.finish_timeout = absl::Seconds(2);
  ShardedSession session(options);
  apart.AddCities(session, "Rome", {0, 1, 2});
  SHARD_ASSERT_OK(session.Prepare());
  std::atomic<bool> decided = false;
  if (!SetFailPointHandler([&](std::string_view name) {
        if (name != "commit.send" || decided.exchange(true)) return;
        mute->Arm({PostgresProxy::kToServer, 0, PostgresProxy::kStallBoth,
                   absl::ZeroDuration()});
        mute->Refuse(true);
        cut->CutAll();
      })) {
    GTEST_SKIP() << "needs fail points";
  }
  const absl::Time begin = absl::Now();
  const absl::StatusOr<CommitResult> done = session.Commit();
  const absl::Duration took = absl::Now() - begin;
  SetFailPointHandler(nullptr);
  SHARD_ASSERT_OK(done);
  EXPECT_LT(took, absl::Seconds(3));
  EXPECT_TRUE(mute->fault_happened());
  EXPECT_TRUE(done->shares[1].pending) << done->ToString();
  EXPECT_TRUE(done->shares[2].committed) << done->ToString();
  EXPECT_EQ(outside(2).Cities("Rome"), 1);
  EXPECT_TRUE(cluster().RecoverNow().clean());
  EXPECT_EQ(Cities("Rome"), 3);
}

// Of one database alone nobody can find out later: the caller must look.
TEST_F(AtomicCommitTest, ALostAnswerOfTheOnlyWriterIsTold) {
  using Fault = PostgresProxy::Fault;
  const Fault cut = {PostgresProxy::kToClient, 0, PostgresProxy::kCutBefore,
                     absl::ZeroDuration()};
  const Fault stall = {PostgresProxy::kToServer, 0, PostgresProxy::kStallBoth,
                       absl::ZeroDuration()};
  for (const bool with_reader : {false, true}) {
    for (const bool committed : {true, false}) {
      SHARD_OPEN_OR_SKIP("PP");
      SHARD_ASSERT_OK_AND_ASSIGN(auto proxy, PostgresProxy::Start(urls()[0]));
      Cluster apart({proxy->url(), urls()[1]});
      SessionOptions options = apart.options();
      options.resolve_timeout = absl::Milliseconds(300);
      ShardedSession session(options);
      if (with_reader) {
        SHARD_ASSERT_OK(session.Scalars(Select<City>()));
      }
      apart.AddCities(session, "Rome", {0});
      if (with_reader) {
        SHARD_ASSERT_OK(session.Prepare());
      }
      proxy->Arm(committed ? cut : stall);
      proxy->Refuse(true);
      const absl::Time begin = absl::Now();
      const absl::Status told = session.Commit().status();
      EXPECT_LT(absl::Now() - begin, absl::Seconds(3));
      EXPECT_THAT(told, HasCode(absl::StatusCode::kUnavailable));
      const auto lost = AnswerLostOf(told);
      ASSERT_TRUE(lost.has_value()) << told;
      EXPECT_EQ(lost->database, "d0");
      EXPECT_FALSE(InDoubtOf(told).has_value());
      proxy->CutAll();
      ASSERT_TRUE(proxy->WaitForBackends(absl::Seconds(10)));
      EXPECT_EQ(Cities("Rome"), committed ? 1 : 0);
    }
  }
}

TEST_F(AtomicCommitTest, ADatabaseThatWasLostBeforeIsNoLostAnswer) {
  SHARD_OPEN_OR_SKIP("PP");
  SHARD_ASSERT_OK_AND_ASSIGN(auto proxy, PostgresProxy::Start(urls()[0]));
  Cluster apart({proxy->url(), urls()[1]});
  ShardedSession session(apart.options());
  apart.AddCities(session, "Rome", {0, 1});
  proxy->CutAll();
  const absl::Status told = session.Commit().status();
  EXPECT_THAT(told, HasCode(absl::StatusCode::kAborted));
  EXPECT_FALSE(AnswerLostOf(told).has_value()) << told;
  EXPECT_FALSE(InDoubtOf(told).has_value()) << told;
  EXPECT_EQ(Cities("Rome"), 0);
}

// What a server can still tell is asked for.
TEST_F(AtomicCommitTest, ALostCommitThatNeverCameIsAborted) {
  SHARD_OPEN_OR_SKIP("PP");
  SHARD_ASSERT_OK_AND_ASSIGN(auto proxy, PostgresProxy::Start(urls()[0]));
  Cluster apart({proxy->url(), urls()[1]});
  ShardedSession session(apart.options());
  SHARD_ASSERT_OK(session.Scalars(Select<City>()));
  apart.AddCities(session, "Rome", {0});
  SHARD_ASSERT_OK(session.Prepare());
  proxy->Arm({PostgresProxy::kToServer, 0, PostgresProxy::kCutBefore,
              absl::ZeroDuration()});
  const absl::Status told = session.Commit().status();
  EXPECT_THAT(told, HasCode(absl::StatusCode::kAborted));
  EXPECT_FALSE(AnswerLostOf(told).has_value());
  EXPECT_EQ(Cities("Rome"), 0);
}

}  // namespace
}  // namespace shard::testing
