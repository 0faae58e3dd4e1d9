// Several SQLite files in one commit: what they cost, what is refused, and what
// writers find after somebody has died.
#include <sys/wait.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/status_macros.h"
#include "shard/base/testing.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/schema.h"
#include "shard/router/topology.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/sharded_session.h"
#include "shard/session/two_phase/follower.h"
#include "shard/session/two_phase/forget.h"
#include "shard/session/two_phase/gid.h"
#include "shard/session/two_phase/manual_decision.h"
#include "shard/session/two_phase/participant_list.h"
#include "shard/session/two_phase/settlement.h"
#include "shard/session/two_phase/transaction_list.h"
#include "shard/tests/session/two_phase/two_phase_test.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FilesTest : public TwoPhaseTest {
 protected:
  // Another process that commits a city of that name to all databases, and dies
  // at the first fail point of that name.
  void DieAt(const std::string& fail_point, const std::string& name) {
    std::string line = absl::StrCat("tests/session/two_phase/fault_child die ",
                                    fail_point, " ", name);
    for (const std::string& url : urls()) absl::StrAppend(&line, " ", url);
    const int status = std::system(line.c_str());
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 99) << status;
  }

  absl::Status AddTo(ShardedSession& session, std::size_t database,
                     const std::string& name) {
    SHARD_RETURN_IF_ERROR(
        session.Add(MakeCity(absl::StrCat("C", database), name)));
    return session.Commit().status();
  }

  // A folder in a file's place: it cannot be made anew.
  void Hide(std::size_t database) {
    Move(Path(database), Path(database) + ".hidden");
    std::filesystem::create_directory(Path(database));
  }
  void Restore(std::size_t database) {
    std::filesystem::remove(Path(database));
    Move(Path(database) + ".hidden", Path(database));
  }

  // The database that decides over a commit of that session's work.
  static SessionOptions NoteDecider(SessionOptions options,
                                    std::string* decider) {
    options.on_two_phase = [decider](const TwoPhaseEvent& event) {
      if (event.step == TwoPhaseStep::kDecide) *decider = event.database;
    };
    return options;
  }

  std::int64_t CitiesIn(std::size_t database, const std::string& name) {
    return outside(database).Cities(name);
  }

  absl::StatusOr<ManualDecision> Plan(const std::string& gid, Decision wanted) {
    return ManualDecision::Plan(cluster().topology(), gid, wanted,
                                absl::Seconds(1));
  }

 private:
  static void Move(const std::string& from, const std::string& to) {
    for (const char* suffix : {"", "-wal", "-shm"}) {
      if (!std::filesystem::exists(from + suffix)) continue;
      std::filesystem::rename(from + suffix, to + suffix);
    }
  }
};

TEST_F(FilesTest, Row092SqliteFilesCommitAsOneToo) {
  for (const char* kinds : {"SS", "SSSS", "SSPP"}) {
    SCOPED_TRACE(kinds);
    SHARD_OPEN_OR_SKIP(kinds);
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < cluster().size(); ++i) all.push_back(i);
    ShardedSession session(options());
    for (int round = 0; round < 3; ++round) {
      cluster().AddCities(session, "Rome", all);
      SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
      EXPECT_TRUE(done.all_committed()) << done.ToString();
      EXPECT_THAT(done.transaction, HasSubstr("shard1/test/"));
    }
    EXPECT_EQ(Cities("Rome"), 3 * static_cast<std::int64_t>(all.size()));
    ExpectNothingIsLeft();
  }
}

TEST_F(FilesTest, OnlyToTryChangesNothing) {
  SHARD_OPEN_OR_SKIP("SS");
  DieAt("decide.send", "Rome");
  ASSERT_TRUE(HasMarker(1));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto decider,
                             cluster().engine(0)->OpenConnection());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto follower,
                             cluster().engine(1)->OpenConnection());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto marker,
                             follower->participant().ReadMarker());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto list,
                             ParticipantList::FromJson(marker->participants));
  SHARD_ASSERT_OK_AND_ASSIGN(const Gid gid, Gid::Parse(list.gid));
  FollowerRedo redo{gid, cluster().topology().IdentityOf("d1"),
                    absl::Seconds(1), OnConflict::kOnlyTry};
  for (const bool only_try : {true, false}) {
    if (!only_try) redo.on_conflict = OnConflict::kReport;
    SHARD_ASSERT_OK_AND_ASSIGN(
        const RedoOutcome outcome,
        RedoFollower(follower->participant(), decider->participant(), redo));
    EXPECT_EQ(outcome, RedoOutcome::kNotDecided);
    EXPECT_EQ(HasMarker(1), only_try);
  }
}

// Nobody is left who could say whether it was decided.
TEST_F(FilesTest, AMarkerWhoseDeciderIsForgottenIsGivenUp) {
  SHARD_OPEN_OR_SKIP("SS");
  DieAt("decide.answered", "Rome");
  ASSERT_TRUE(HasMarker(1));
  const std::string gone = cluster().topology().IdentityOf("d0");
  TopologyOptions options;
  options.cluster = "test";
  SHARD_ASSERT_OK_AND_ASSIGN(const auto engine, OpenEngine(urls()[1]));
  options.databases = {{"d1", engine}};
  SHARD_ASSERT_OK_AND_ASSIGN(const auto part, Topology::Open(options));
  SHARD_ASSERT_OK_AND_ASSIGN(auto connection, engine->Connect());
  const std::string insert = "insert into cities values (7, 'C1', 'Oslo', 1)";
  EXPECT_THAT(connection->ExecuteScript(insert),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("shardctl forget " + gone)));
  {
    // As long as somebody writes it may be its owner.
    SHARD_ASSERT_OK_AND_ASSIGN(const auto other, OpenEngine(urls()[1]));
    SHARD_ASSERT_OK_AND_ASSIGN(const auto writer, other->Connect());
    SHARD_ASSERT_OK(writer->ExecuteScript("begin immediate"));
    SHARD_ASSERT_OK_AND_ASSIGN(
        const ForgetReport kept,
        ForgetDatabase(*part, gone, absl::Milliseconds(10)));
    ASSERT_THAT(kept.problems, SizeIs(1));
    EXPECT_THAT(kept.problems[0].error, HasCode(absl::StatusCode::kAborted));
    EXPECT_THAT(kept.given_up, IsEmpty());
  }
  SHARD_ASSERT_OK_AND_ASSIGN(const ForgetReport report,
                             ForgetDatabase(*part, gone));
  EXPECT_THAT(report.problems, IsEmpty());
  ASSERT_THAT(report.given_up, SizeIs(1));
  EXPECT_EQ(report.given_up[0].database, "d1");
  EXPECT_THAT(report.given_up[0].gid, HasSubstr(gone));
  EXPECT_FALSE(HasMarker(1));
  SHARD_EXPECT_OK(connection->ExecuteScript(insert));
  EXPECT_EQ(CitiesIn(1, "Rome"), 0);
}

TEST_F(FilesTest, OneFileAmongSeveralPaysNothing) {
  SHARD_OPEN_OR_SKIP("SSSS");
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Scalars(Select<City>()));  // reads all four
  cluster().AddCities(session, "Rome", {2});
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
  EXPECT_EQ(done.transaction, "");
  EXPECT_EQ(log().CountAll(), 0u);  // COMMITs alone
  EXPECT_EQ(Decisions(), 0);
  EXPECT_FALSE(HasMarker(2));
}

TEST_F(FilesTest, TheFirstThatIsWrittenToDecides) {
  SHARD_OPEN_OR_SKIP("SSS");
  std::vector<std::string> deciders;
  SessionOptions options = this->options();
  options.on_two_phase = [&](const TwoPhaseEvent& event) {
    if (event.step == TwoPhaseStep::kDecide) {
      deciders.emplace_back(event.database);
    }
  };
  {
    ShardedSession session(options);
    cluster().AddCities(session, "Rome", {2});
    cluster().AddCities(session, "Rome", {0, 1});
    SHARD_ASSERT_OK(session.Commit());
  }
  options.decider = "d1";
  ShardedSession session(options);
  cluster().AddCities(session, "Rome", {0, 1, 2});
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_THAT(deciders, ::testing::ElementsAre("d2", "d1"));
}

// Whoever tries again must not find it announced, and so not recorded.
TEST_F(FilesTest, AFollowerThatWasLockedFollowsWhenItIsTriedAgain) {
  SHARD_OPEN_OR_SKIP("SS");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0});
  SHARD_ASSERT_OK_AND_ASSIGN(const auto engine, OpenEngine(urls()[1]));
  SHARD_ASSERT_OK_AND_ASSIGN(auto locker, engine->Connect());
  SHARD_ASSERT_OK(locker->ExecuteScript("begin immediate"));
  SHARD_ASSERT_OK(session.Add(MakeCity("C1", "Rome")));
  EXPECT_THAT(session.Flush(), HasCode(absl::StatusCode::kAborted));
  SHARD_ASSERT_OK(locker->ExecuteScript("rollback"));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Cities("Rome"), 2);
  ExpectNothingIsLeft();
}

TEST_F(FilesTest, WhatCannotBeRecordedIsRefusedAndNothingIsLost) {
  SHARD_OPEN_OR_SKIP("SSP");
  outside(1).Run("create table notes (text text)");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 2});
  SHARD_ASSERT_OK(
      session.Execute("insert into notes values ('x')", {}, OnShard("d1")));
  EXPECT_THAT(session.Commit(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("d1"), HasSubstr("notes"),
                             HasSubstr("PRIMARY KEY"))));
  EXPECT_EQ(Cities("Rome"), 0);
  session.Rollback();
  // Alone, or as the first, it is written to as ever.
  SHARD_ASSERT_OK(
      session.Execute("insert into notes values ('x')", {}, OnShard("d1")));
  cluster().AddCities(session, "Rome", {0, 2});
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Cities("Rome"), 2);
  EXPECT_EQ(outside(1).Number("select count(*) from notes"), 1);
  ExpectNothingIsLeft();
}

TEST_F(FilesTest, NothingCommitsAloneOnceAShareIsLost) {
  SHARD_OPEN_OR_SKIP("SS");
  outside(1).Run("create table notes (id integer primary key)");
  outside(1).Run("insert into notes values (1)");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0});
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK_AND_ASSIGN(Connection * connection,
                             session.ConnectionFor(OnShard("d1")));
  // Past the session, which so does not hear of the error.
  EXPECT_THAT(
      connection->ExecuteScript("insert or rollback into notes values (1)"),
      HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(
      session.Execute("insert into notes values (2)", {}, OnShard("d1")),
      StatusIs(absl::StatusCode::kAborted, HasSubstr("Rollback")));
  EXPECT_THAT(AddTo(session, 1, "Rome"),
              HasCode(absl::StatusCode::kFailedPrecondition));
  session.Rollback();
  EXPECT_EQ(Cities("Rome"), 0);
  EXPECT_EQ(outside(1).Number("select count(*) from notes"), 1);
  cluster().AddCities(session, "Rome", {0, 1});
  SHARD_EXPECT_OK(session.Commit());
  EXPECT_EQ(Cities("Rome"), 2);
}

TEST_F(FilesTest, ACursorOverReturningMayBeOpen) {
  SHARD_OPEN_OR_SKIP("SS");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0});
  SHARD_ASSERT_OK_AND_ASSIGN(Connection * connection,
                             session.ConnectionFor(OnShard("d1")));
  CompiledStatement insert;
  insert.text =
      "insert into cities values (1, 'C1', 'Rome', 1), (2, 'C1', 'Rome', 1) "
      "returning id";
  SHARD_ASSERT_OK_AND_ASSIGN(const auto cursor,
                             connection->OpenCursor({&insert, {}, 1}, 1));
  RowBatch rows;
  SHARD_ASSERT_OK_AND_ASSIGN(const bool has_rows, cursor->Next(&rows));
  EXPECT_TRUE(has_rows);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CitiesIn(1, "Rome"), 2);
}

TEST_F(FilesTest, MoreRedoThanAllowedIsRefused) {
  SHARD_OPEN_OR_SKIP("SS");
  SessionOptions small = options();
  small.max_redo_bytes = 1000;
  ShardedSession session(small);
  cluster().AddCities(session, "Rome", {0});
  cluster().AddCities(session, std::string(2000, 'x'), {1});
  EXPECT_THAT(session.Commit(), StatusIs(absl::StatusCode::kResourceExhausted,
                                         HasSubstr("1000")));
  EXPECT_EQ(Cities("Rome"), 0);
  session.Rollback();
  ExpectNothingIsLeft();
}

TEST_F(FilesTest, SavepointsInside) {
  SHARD_OPEN_OR_SKIP("SSS");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0});
  SHARD_ASSERT_OK(session.BeginNested());
  cluster().AddCities(session, "Oslo", {1});  // the first write there
  SHARD_ASSERT_OK(session.RollbackNested());
  SHARD_ASSERT_OK(session.BeginNested());
  cluster().AddCities(session, "Rome", {1});
  SHARD_ASSERT_OK(session.BeginNested());
  cluster().AddCities(session, "Rome", {2});
  cluster().AddCities(session, "Oslo", {1});
  SHARD_ASSERT_OK(session.RollbackNested());
  SHARD_ASSERT_OK(session.CommitNested());
  cluster().AddCities(session, "Rome", {2});
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Cities("Rome"), 3);
  EXPECT_EQ(Cities("Oslo"), 0);
  ExpectNothingIsLeft();
}

TEST_F(FilesTest, ReadersBesideNeverWait) {
  SHARD_OPEN_OR_SKIP("SSS");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 1, 2});
  SHARD_ASSERT_OK(session.Prepare());  // all three are locked
  const absl::Time begin = absl::Now();
  ShardedSession reader(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto cities, reader.Scalars(Select<City>()));
  EXPECT_THAT(cities, IsEmpty());
  EXPECT_LT(absl::Now() - begin, absl::Milliseconds(400));  // busy_timeout: 500
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Cities("Rome"), 3);
}

TEST_F(FilesTest, ADatabaseInMemoryCommitsLast) {
  SHARD_OPEN_OR_SKIP("SS");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto memory, OpenEngine("sqlite://"));
  SHARD_ASSERT_OK(CreateAll(*memory, {&Page::table()}));
  auto resolver = std::make_shared<VerticalResolver>();
  resolver->BindClass(City::class_info(), options().resolver)
      .BindClass(Page::class_info(), memory);
  SessionOptions mixed = options();
  mixed.resolver = resolver;
  ShardedSession session(mixed);
  auto page = std::make_shared<Page>();
  page->path = "Ada";
  SHARD_ASSERT_OK(session.Add(page));
  cluster().AddCities(session, "Rome", {0, 1});
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
  EXPECT_TRUE(done.all_committed()) << done.ToString();
  EXPECT_EQ(Cities("Rome"), 2);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto pages, session.Scalars(Select<Page>()));
  EXPECT_THAT(pages, SizeIs(1));
}

TEST_F(FilesTest, AWriterIsKeptBackUntilADecidedShareIsThere) {
  SHARD_OPEN_OR_SKIP("SS");
  DieAt("decide.answered", "Rome");
  EXPECT_EQ(CitiesIn(0, "Rome"), 1);
  EXPECT_EQ(CitiesIn(1, "Rome"), 0);
  EXPECT_TRUE(HasMarker(1));
  ShardedSession session(options());
  EXPECT_THAT(AddTo(session, 1, "Oslo"),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("lacks")));
  EXPECT_EQ(CitiesIn(1, "Oslo"), 0);
  session.Rollback();
  EXPECT_EQ(CitiesIn(1, "Rome"), 1);  // applied once the lock was free
  SHARD_ASSERT_OK(AddTo(session, 1, "Oslo"));
  EXPECT_EQ(CitiesIn(1, "Rome"), 1);
  EXPECT_EQ(CitiesIn(1, "Oslo"), 1);
  ExpectNothingIsLeft();
}

TEST_F(FilesTest, AnUndecidedShareKeepsNobodyBack) {
  SHARD_OPEN_OR_SKIP("SS");
  DieAt("decide.send", "Rome");
  EXPECT_TRUE(HasMarker(1));
  ShardedSession session(options());
  SHARD_ASSERT_OK(AddTo(session, 1, "Oslo"));
  EXPECT_EQ(Cities("Rome"), 0);
  EXPECT_FALSE(HasMarker(1));
  ExpectNothingIsLeft();
}

// As a loss of power leaves it: markers are not synced.
TEST_F(FilesTest, WithoutTheMarkerTheFirstWriterAsksAllThatTheFileFollowed) {
  SHARD_OPEN_OR_SKIP("SSS");
  DieAt("decide.answered", "Rome");
  for (std::size_t i = 0; i < 3; ++i) {
    std::filesystem::remove(Path(i) + "-shard");
  }
  ShardedSession session(options());
  EXPECT_THAT(AddTo(session, 2, "Oslo"),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("lacks")));
  session.Rollback();
  SHARD_ASSERT_OK(AddTo(session, 2, "Oslo"));
  EXPECT_EQ(Cities("Rome"), 3);
  ExpectNothingIsLeft();
}

TEST_F(FilesTest, ADeciderThatIsGoneKeepsWritersBack) {
  SHARD_OPEN_OR_SKIP("SS");
  DieAt("decide.answered", "Rome");
  Hide(0);
  {
    Cluster other({urls()[0], urls()[1]});
    ShardedSession session(other.options());
    EXPECT_THAT(AddTo(session, 1, "Oslo"),
                StatusIs(absl::StatusCode::kUnavailable, HasSubstr("decider")));
  }
  EXPECT_EQ(CitiesIn(1, "Oslo"), 0);
  Restore(0);
  Cluster back(urls());
  EXPECT_TRUE(back.RecoverNow().clean());
  EXPECT_EQ(Cities("Rome"), 2);
}

TEST_F(FilesTest, OnlyWhomAFileHasFollowedKeepsItsWritersBack) {
  SHARD_OPEN_OR_SKIP("SSS");
  {
    ShardedSession session(options());
    cluster().AddCities(session, "Rome", {1, 2});  // d2 follows d1
    SHARD_ASSERT_OK(session.Commit());
  }
  for (const std::size_t gone : {0, 1}) {
    Hide(gone);
    {
      Cluster other(urls());
      ShardedSession session(other.options());
      const auto follower = AddTo(session, 2, "Oslo");
      if (gone == 0) {
        SHARD_EXPECT_OK(follower);
        SHARD_EXPECT_OK(AddTo(session, 1, "Oslo"));
        other.AddCities(session, "Oslo", {1, 2});
        SHARD_EXPECT_OK(session.Commit());
      } else {
        EXPECT_THAT(follower, StatusIs(absl::StatusCode::kUnavailable,
                                       HasSubstr("decider")));
        session.Rollback();
        SHARD_EXPECT_OK(AddTo(session, 0, "Oslo"));
      }
    }
    Restore(gone);
  }
  EXPECT_EQ(CitiesIn(0, "Oslo"), 1);
  EXPECT_EQ(CitiesIn(1, "Oslo"), 2);
  EXPECT_EQ(CitiesIn(2, "Oslo"), 2);
}

TEST_F(FilesTest, OpeningATopologyWaitsForNoWriter) {
  SHARD_OPEN_OR_SKIP("SS");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto engine, OpenEngine(urls()[0]));
  SHARD_ASSERT_OK_AND_ASSIGN(auto writer, engine->Connect());
  SHARD_ASSERT_OK(writer->ExecuteScript("begin immediate"));
  const absl::Time begin = absl::Now();
  // One that the others do not know yet.
  Cluster larger({urls()[0], urls()[1], urls()[1] + ".new"});
  EXPECT_LT(absl::Now() - begin, absl::Seconds(3));  // busy_timeout: 5 s
}

// A file that is announced, and then only read, has the others recorded.
TEST_F(FilesTest, OnlyWhoIsListedByTheOthersDecides) {
  SHARD_OPEN_OR_SKIP("SSS");
  std::string decider;
  {
    ShardedSession session(NoteDecider(options(), &decider));
    SHARD_ASSERT_OK(session.Execute("select 1", {}, OnShard("d2")));
    cluster().AddCities(session, "Rome", {1});
    cluster().AddCities(session, "Rome", {0});  // d1 does not know of it
    SHARD_ASSERT_OK(session.Commit());
    EXPECT_EQ(decider, "d1");
    EXPECT_EQ(outside(0).Number("select count(*) from shard_peers"), 2);
    EXPECT_EQ(outside(1).Number("select count(*) from shard_peers"), 1);
  }
  SessionOptions named = NoteDecider(options(), &decider);
  named.decider = "d0";
  ShardedSession session(named);
  SHARD_ASSERT_OK(session.Execute("select 1", {}, OnShard("d2")));
  cluster().AddCities(session, "Rome", {1});
  cluster().AddCities(session, "Rome", {0});
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(decider, "d0");
  EXPECT_EQ(Cities("Rome"), 4);
  ExpectNothingIsLeft();
}

// Adding a decider to a file's list is a commit of its own there.
TEST_F(FilesTest, WhoReadBeforeAFileFirstFollowsTriesAgain) {
  SHARD_OPEN_OR_SKIP("SS");
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Scalars(Select<City>()));
  SHARD_ASSERT_OK(session.Add(MakeCity("C0", "Rome")));
  SHARD_ASSERT_OK(session.Add(MakeCity("C1", "Rome")));
  EXPECT_THAT(session.Commit(),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("again")));
  session.Rollback();
  SHARD_ASSERT_OK(session.Scalars(Select<City>()));
  cluster().AddCities(session, "Rome", {0, 1});
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Cities("Rome"), 2);
}

TEST_F(FilesTest, AFileThatWasMovedIsFoundByItsStamp) {
  SHARD_OPEN_OR_SKIP("SS");
  DieAt("decide.answered", "Rome");
  std::vector<std::string> moved;
  for (std::size_t i = 0; i < 2; ++i) {
    // Without its marker, which people forget.
    const std::string path = absl::StrCat(Path(i), ".moved");
    for (const char* suffix : {"", "-wal"}) {
      if (!std::filesystem::exists(Path(i) + suffix)) continue;
      std::filesystem::rename(Path(i) + suffix, path + suffix);
    }
    moved.push_back(absl::StrCat("sqlite:///", path));
  }
  Cluster there(moved);
  ShardedSession session(there.options());
  EXPECT_THAT(AddTo(session, 1, "Oslo"), HasCode(absl::StatusCode::kAborted));
  session.Rollback();
  SHARD_ASSERT_OK(AddTo(session, 1, "Oslo"));
  EXPECT_EQ(Outside(moved[1]).Cities("Rome"), 1);
}

TEST_F(FilesTest, AConflictWaitsForAPerson) {
  for (const OnConflict wanted : {OnConflict::kOverwrite, OnConflict::kKeep}) {
    SHARD_OPEN_OR_SKIP("SS");
    DieAt("decide.answered", "Rome");
    // A program that knows nothing of markers takes the same key.
    outside(1).Run("insert into cities values (1, 'C1', 'Oslo', 7)");
    const RecoveryReport report = cluster().RecoverNow();
    EXPECT_FALSE(report.problems.empty()) << report.ToString();
    EXPECT_TRUE(HasMarker(1));
    ShardedSession session(options());
    EXPECT_FALSE(AddTo(session, 1, "Paris").ok());
    session.Rollback();
    EXPECT_EQ(CitiesIn(1, "Paris"), 0);

    const TransactionList list = ListTransactions(cluster().topology());
    ASSERT_THAT(list.transactions, SizeIs(1));
    const TransactionEntry& entry = list.transactions[0];
    EXPECT_EQ(entry.state, TransactionEntry::kConflict);
    ASSERT_THAT(entry.conflicts, SizeIs(1));
    EXPECT_EQ(entry.conflicts[0].database, "d1");
    EXPECT_EQ(entry.conflicts[0].row.table, "cities");
    EXPECT_EQ(entry.conflicts[0].row.key, "id=1");

    SHARD_ASSERT_OK_AND_ASSIGN(ManualDecision decision,
                               Plan(entry.transaction, Decision::kCommit));
    EXPECT_TRUE(decision.decided());
    decision.CarryOut(wanted);
    ASSERT_THAT(decision.shares(), SizeIs(1));
    SHARD_EXPECT_OK(decision.shares()[0].ended);
    const bool overwritten = wanted == OnConflict::kOverwrite;
    EXPECT_EQ(CitiesIn(1, "Rome"), overwritten ? 1 : 0);
    EXPECT_EQ(CitiesIn(1, "Oslo"), overwritten ? 0 : 1);
    ExpectNothingIsLeft();
    SHARD_ASSERT_OK(AddTo(session, 1, "Paris"));
  }
}

TEST_F(FilesTest, ATableThatWasChangedWaitsForAPerson) {
  SHARD_OPEN_OR_SKIP("SS");
  DieAt("decide.answered", "Rome");
  outside(1).Run("alter table cities add column note text");
  EXPECT_FALSE(cluster().RecoverNow().problems.empty());
  const TransactionList list = ListTransactions(cluster().topology());
  ASSERT_THAT(list.transactions, SizeIs(1));
  const TransactionEntry& entry = list.transactions[0];
  EXPECT_EQ(entry.state, TransactionEntry::kConflict);
  ASSERT_THAT(entry.conflicts, SizeIs(1));
  EXPECT_EQ(entry.conflicts[0].database, "d1");
  EXPECT_EQ(entry.conflicts[0].row.table, "cities");
  EXPECT_EQ(entry.conflicts[0].row.key, "");
  EXPECT_THAT(entry.conflicts[0].row.what, HasSubstr("has other columns"));
  SHARD_ASSERT_OK_AND_ASSIGN(ManualDecision decision,
                             Plan(entry.transaction, Decision::kCommit));
  ASSERT_THAT(decision.shares(), SizeIs(1));
  decision.CarryOut(OnConflict::kOverwrite);
  EXPECT_THAT(decision.shares()[0].ended,
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("table 'cities'"), HasSubstr("keep"))));
  EXPECT_TRUE(HasMarker(1));
  decision.CarryOut(OnConflict::kKeep);
  SHARD_EXPECT_OK(decision.shares()[0].ended);
  EXPECT_THAT(decision.shares()[0].conflicts, SizeIs(1));
  EXPECT_EQ(CitiesIn(1, "Rome"), 0);
  ExpectNothingIsLeft();
  ShardedSession session(options());
  SHARD_ASSERT_OK(AddTo(session, 1, "Paris"));
}

// What a file wrote that follows is handed in with the decision alone.
TEST_F(FilesTest, AnUndecidedTransactionWithFollowersCannotBeCommittedByHand) {
  for (const char* kinds : {"SS", "SSP"}) {
    SCOPED_TRACE(kinds);
    SHARD_OPEN_OR_SKIP(kinds);
    DieAt("decide.send", "Rome");
    const TransactionList list = ListTransactions(cluster().topology());
    ASSERT_THAT(list.transactions, SizeIs(1));
    const std::string gid = list.transactions[0].transaction;
    EXPECT_EQ(list.transactions[0].state, TransactionEntry::kUndecided);
    EXPECT_THAT(Plan(gid, Decision::kCommit),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr("'d1'"), HasSubstr("--abort"))));
    EXPECT_TRUE(HasMarker(1));
    EXPECT_EQ(outside(0).Decisions(), 0);
    SHARD_ASSERT_OK_AND_ASSIGN(ManualDecision abort,
                               Plan(gid, Decision::kAbort));
    SHARD_ASSERT_OK(abort.Decide());
    abort.CarryOut();
    for (const auto& share : abort.shares()) SHARD_EXPECT_OK(share.ended);
    EXPECT_EQ(Cities("Rome"), 0);
    ExpectNothingIsLeft();
  }
}

TEST_F(FilesTest, ADecisionWithoutTheRedoOfAFollowerIsNoSuccess) {
  SHARD_OPEN_OR_SKIP("SS");
  DieAt("decide.send", "Rome");
  const std::string gid =
      ListTransactions(cluster().topology()).transactions.at(0).transaction;
  SHARD_ASSERT_OK_AND_ASSIGN(const Gid parsed, Gid::Parse(gid));
  outside(0).Run(absl::StrCat(
      "insert into shard_decisions (txn, outcome, participants) values ('",
      parsed.txn, "', 'commit', '", ParticipantList{gid, {}}.ToJson(), "')"));
  SHARD_ASSERT_OK_AND_ASSIGN(ManualDecision decision,
                             Plan(gid, Decision::kCommit));
  SHARD_ASSERT_OK(decision.Decide());
  decision.CarryOut();
  ASSERT_THAT(decision.shares(), SizeIs(1));
  EXPECT_THAT(decision.shares()[0].ended,
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("'d1'"), HasSubstr("lost"))));
}

TEST_F(FilesTest, ARecoveryThatIsFasterThanAPersonIsNoError) {
  SHARD_OPEN_OR_SKIP("SS");
  DieAt("decide.answered", "Rome");
  SHARD_ASSERT_OK_AND_ASSIGN(
      ManualDecision decision,
      Plan(
          ListTransactions(cluster().topology()).transactions.at(0).transaction,
          Decision::kCommit));
  cluster().RecoverNow();
  ExpectNothingIsLeft();
  decision.CarryOut();
  ASSERT_THAT(decision.shares(), SizeIs(1));
  SHARD_EXPECT_OK(decision.shares()[0].ended);
  EXPECT_EQ(Cities("Rome"), 2);
}

TEST_F(FilesTest, ARedoInConflictIsNotTriedAgain) {
  SHARD_OPEN_OR_SKIP("SS");
  DieAt("decide.answered", "Rome");
  outside(1).Run("insert into cities values (1, 'C1', 'Oslo', 7)");
  const TransactionList list = ListTransactions(cluster().topology());
  ASSERT_THAT(list.transactions, SizeIs(1));
  SHARD_ASSERT_OK_AND_ASSIGN(const Gid gid,
                             Gid::Parse(list.transactions[0].transaction));
  const absl::Time begin = absl::Now();
  EXPECT_THAT(
      RedoUntil(*cluster().engine(1), *cluster().engine(0),
                {gid, cluster().topology().IdentityOf("d1"), absl::Seconds(1)},
                begin + absl::Seconds(10)),
      HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
}

TEST_F(FilesTest, AFileThatIsAtWorkIsLeftAlone) {
  SHARD_OPEN_OR_SKIP("SS");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 1});
  SHARD_ASSERT_OK(session.Prepare());
  EXPECT_TRUE(HasMarker(1));
  Cluster other(urls());
  EXPECT_TRUE(other.RecoverNow().clean());
  EXPECT_TRUE(HasMarker(1));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Cities("Rome"), 2);
  ExpectNothingIsLeft();
}

// Without a thread rows are removed in passing, many at once.
TEST_F(FilesTest, ALockedFileHoldsUpNobodyForLongAndItsRowsGoLater) {
  SHARD_OPEN_OR_SKIP("SSS");
  EngineOptions patient;
  patient.busy_timeout = absl::Seconds(10);
  Cluster other(urls(), patient);
  ShardedSession session(other.options());
  const auto commit = [&](std::size_t follower) {
    other.AddCities(session, "Rome", {0, follower});
    SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
    EXPECT_TRUE(done.all_committed()) << done.ToString();
  };
  commit(2);
  for (int i = 2; i < 128; ++i) commit(1);
  EXPECT_EQ(outside(0).Decisions(), 127);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto holder,
                             cluster().engine(2)->OpenConnection());
  SHARD_ASSERT_OK(holder->ExecuteScript("BEGIN IMMEDIATE"));
  const absl::Time begin = absl::Now();
  commit(1);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(3));
  EXPECT_EQ(outside(0).Decisions(), 0);
  EXPECT_EQ(outside(1).Decisions(), 0);
  EXPECT_EQ(outside(2).Decisions(), 1);
  SHARD_ASSERT_OK(holder->ExecuteScript("ROLLBACK"));
  for (int i = 1; i < 128; ++i) commit(1);
  EXPECT_EQ(Decisions(), 0);
}

// Files that were put in the place of others.

class ReplacedFilesTest : public FilesTest {
 protected:
  // As a backup tool makes it.
  void Save(std::size_t database) {
    outside(database).Run("pragma wal_checkpoint(truncate)");
    std::filesystem::copy_file(Path(database), Path(database) + ".saved");
  }
  // As somebody restores it who knows of the log, and of no marker.
  void Restore(std::size_t database) {
    for (const char* suffix : {"-wal", "-shm"}) {
      std::filesystem::remove(Path(database) + suffix);
    }
    std::filesystem::rename(Path(database) + ".saved", Path(database));
  }
};

TEST_F(ReplacedFilesTest, UnderARunningProgramItIsRefused) {
  SHARD_OPEN_OR_SKIP("SS");
  Save(1);
  SHARD_ASSERT_OK(cluster().engine(1)->OpenConnection());
  Restore(1);
  EXPECT_THAT(cluster().engine(1)->OpenConnection(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("'d1'"), HasSubstr("replaced"))));
  EXPECT_THAT(cluster().RecoverNow().problems, SizeIs(1));
  Cluster again(urls());
  ShardedSession session(again.options());
  again.AddCities(session, "Rome", {0, 1});
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Outside(urls()[1]).Cities("Rome"), 1);
}

TEST_F(ReplacedFilesTest, AnOlderFollowerGetsItsShare) {
  SHARD_OPEN_OR_SKIP("SS");
  Save(1);
  DieAt("decide.answered", "Rome");
  Restore(1);
  Cluster again(urls());
  ShardedSession session(again.options());
  // It has not listed its decider yet, but its marker names it.
  EXPECT_THAT(AddTo(session, 1, "Oslo"), HasCode(absl::StatusCode::kAborted));
  session.Rollback();
  SHARD_ASSERT_OK(AddTo(session, 1, "Oslo"));
  EXPECT_EQ(Outside(urls()[1]).Cities("Rome"), 1);
  EXPECT_TRUE(again.RecoverNow().clean());
}

// The transaction is gone from both.
TEST_F(ReplacedFilesTest, AnOlderDeciderTakesTheTransactionBack) {
  SHARD_OPEN_OR_SKIP("SS");
  Save(0);
  DieAt("decide.answered", "Rome");
  Restore(0);
  Cluster again(urls());
  EXPECT_TRUE(again.RecoverNow().clean());
  for (const std::string& url : urls()) {
    EXPECT_EQ(Outside(url).Cities("Rome"), 0);
  }
  ShardedSession session(again.options());
  again.AddCities(session, "Oslo", {0, 1});
  SHARD_ASSERT_OK(session.Commit());
}

// Files that may only be read.

class ReadOnlyFilesTest : public FilesTest {
 protected:
  // The same databases; that one may only be read.
  std::vector<std::string> ReadOnly(std::size_t database) const {
    std::vector<std::string> named = urls();
    absl::StrAppend(&named[database], "?mode=ro");
    return named;
  }
};

TEST_F(ReadOnlyFilesTest, NothingIsWrittenAnywhere) {
  for (const std::size_t read_only : {0, 1, 2}) {
    SCOPED_TRACE(read_only);
    SHARD_OPEN_OR_SKIP("SSS");
    {
      ShardedSession first(options());  // so that each lists whom it follows
      cluster().AddCities(first, "Oslo", {0, 1, 2});
      SHARD_ASSERT_OK(first.Commit());
      cluster().RecoverNow();
    }
    Cluster reader(ReadOnly(read_only));
    ShardedSession session(reader.options());
    SHARD_ASSERT_OK(session.Scalars(Select<City>()));
    for (const std::size_t i : {0, 1, 2}) {
      SHARD_ASSERT_OK(session.Add(MakeCity(absl::StrCat("C", i), "Rome")));
    }
    absl::Status status = session.Flush();
    if (status.ok()) status = session.Commit().status();
    EXPECT_THAT(
        status,
        StatusIs(absl::StatusCode::kUnavailable,
                 AllOf(HasSubstr(absl::StrCat("shard 'd", read_only, "'")),
                       HasSubstr("readonly"))));
    session.Rollback();
    EXPECT_EQ(Cities("Rome"), 0);
    EXPECT_EQ(Decisions(), 0);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_FALSE(HasMarker(i));
    ExpectNothingIsLeft();
  }
}

TEST_F(ReadOnlyFilesTest, BesideTheOthersItIsInNobodysWay) {
  SHARD_OPEN_OR_SKIP("SSS");
  Cluster reader(ReadOnly(2));
  ShardedSession session(reader.options());
  reader.AddCities(session, "Rome", {0, 1});
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
  EXPECT_TRUE(done.all_committed()) << done.ToString();
  EXPECT_EQ(Cities("Rome"), 2);
}

// Who may only read the decider, or the follower, leaves the share to others.
TEST_F(ReadOnlyFilesTest, AnUnfinishedShareWaitsForWhoMayWrite) {
  for (const std::size_t read_only : {0, 1}) {
    SCOPED_TRACE(read_only);
    SHARD_OPEN_OR_SKIP("SS");
    DieAt("decide.answered", "Rome");
    {
      Cluster reader(ReadOnly(read_only));
      const RecoveryReport report = reader.RecoverNow();
      if (read_only == 1) {
        EXPECT_FALSE(report.problems.empty()) << report.ToString();
        EXPECT_TRUE(HasMarker(1));
        EXPECT_EQ(CitiesIn(1, "Rome"), 0);
      }
      EXPECT_EQ(outside(0).Decisions(), 1) << report.ToString();
    }
    cluster().RecoverNow();
    EXPECT_EQ(Cities("Rome"), 2);
    ExpectNothingIsLeft();
  }
}

// That there is no decision can only be told with the decider's write lock.
TEST_F(ReadOnlyFilesTest, ADeciderThatMayOnlyBeReadCannotSayNo) {
  SHARD_OPEN_OR_SKIP("SS");
  DieAt("decide.send", "Rome");
  {
    Cluster reader(ReadOnly(0));
    ShardedSession session(reader.options());
    EXPECT_THAT(AddTo(session, 1, "Oslo"),
                StatusIs(absl::StatusCode::kUnavailable,
                         AllOf(HasSubstr("'d0'"), HasSubstr("readonly"))));
  }
  EXPECT_TRUE(HasMarker(1));
  EXPECT_EQ(CitiesIn(1, "Oslo"), 0);
  ShardedSession session(options());
  SHARD_ASSERT_OK(AddTo(session, 1, "Oslo"));
  EXPECT_EQ(Cities("Rome"), 0);
  ExpectNothingIsLeft();
}

TEST_F(FilesTest, RollingBackRemovesTheMarker) {
  SHARD_OPEN_OR_SKIP("SS");
  ShardedSession session(options());
  cluster().AddCities(session, "Rome", {0, 1});
  SHARD_ASSERT_OK(session.Prepare());
  EXPECT_TRUE(HasMarker(1));
  session.Rollback();
  EXPECT_FALSE(HasMarker(1));
  EXPECT_EQ(Cities("Rome"), 0);
}

}  // namespace
}  // namespace shard::testing
