// The stamp of a SQLite file, and what Inspect finds.
#include <sqlite3.h>

#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/participant.h"
#include "shard/tests/dialects/sqlite_participant_support.h"
#include "shard/tests/dialects/sqlite_test_support.h"

namespace shard {
namespace {

using shard::testing::HasCode;
using shard::testing::IsOk;
using shard::testing::kTxn;
using shard::testing::MakeRow;
using shard::testing::MakeStamp;
using shard::testing::SqliteTest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SqliteStampTest : public SqliteTest {
 protected:
  Participant& participant() { return connection().participant(); }
  std::optional<Stamp> Read() {
    const auto stamp = participant().ReadStamp();
    EXPECT_THAT(stamp, IsOk());
    return stamp.value_or(std::nullopt);
  }
  Stamp Put(const Stamp& stamp) {
    const auto standing = participant().PutStamp(stamp);
    EXPECT_THAT(standing, IsOk());
    return standing.value_or(Stamp());
  }
};

TEST_F(SqliteStampTest, IsMadeWithBothTables) {
  EXPECT_EQ(Read(), std::nullopt);
  EXPECT_EQ(Put(MakeStamp("tüll", 3)), MakeStamp("tüll", 3));
  EXPECT_EQ(Read(), MakeStamp("tüll", 3));
  SHARD_EXPECT_OK(
      Script("INSERT INTO shard_decisions(txn, outcome, "
             "participants) SELECT hex(zeroblob(16)), 'abort', ''"));
  EXPECT_FALSE(connection().in_transaction());
}

TEST_F(SqliteStampTest, TheFirstStampStands) {
  Put(MakeStamp());
  Stamp second = MakeStamp();
  second.identity = std::string(32, 'f');
  EXPECT_EQ(Put(second), MakeStamp());
  EXPECT_EQ(Read(), MakeStamp());
}

TEST_F(SqliteStampTest, TheEpochOnlyRises) {
  Put(MakeStamp("till", 2));
  EXPECT_EQ(Put(MakeStamp("till", 5)), MakeStamp("till", 5));
  EXPECT_EQ(Put(MakeStamp("till", 3)), MakeStamp("till", 5));
  EXPECT_EQ(Read(), MakeStamp("till", 5));
}

TEST_F(SqliteStampTest, AStrangerDoesNotRaiseTheEpoch) {
  Put(MakeStamp());
  Stamp cluster = MakeStamp("till", 9);
  cluster.cluster = "another";
  Stamp hash = MakeStamp("till", 9);
  hash.hash = "another";
  for (const Stamp& stranger : {MakeStamp("another", 9), cluster, hash}) {
    EXPECT_EQ(Put(stranger), MakeStamp());
  }
  EXPECT_EQ(Read(), MakeStamp());
}

TEST_F(SqliteStampTest, AStampThatStandsNeedsNoLock) {
  Put(MakeStamp("till", 2));
  PooledConnection writer = Connect();
  SHARD_ASSERT_OK(writer->ExecuteScript("BEGIN IMMEDIATE"));
  EXPECT_EQ(Put(MakeStamp("till", 2)), MakeStamp("till", 2));
  EXPECT_EQ(Put(MakeStamp("till", 1)), MakeStamp("till", 2));
  EXPECT_THAT(participant().PutStamp(MakeStamp("till", 3)),
              HasCode(absl::StatusCode::kAborted));
  EXPECT_FALSE(connection().in_transaction());
}

TEST_F(SqliteStampTest, AMissingTableIsMadeAgain) {
  Put(MakeStamp());
  SHARD_ASSERT_OK(Script("DROP TABLE shard_decisions"));
  EXPECT_EQ(Put(MakeStamp()), MakeStamp());
  SHARD_EXPECT_OK(Script("SELECT * FROM shard_decisions"));
  SHARD_ASSERT_OK(Script("DELETE FROM shard_stamp"));
  EXPECT_EQ(Read(), std::nullopt);
  EXPECT_EQ(Put(MakeStamp("till", 4)), MakeStamp("till", 4));
}

TEST_F(SqliteStampTest, TemporaryTablesOfTheSameNamesAreNotOurs) {
  SHARD_ASSERT_OK(
      Script("CREATE TEMP TABLE shard_stamp(x); CREATE TEMP TABLE "
             "shard_decisions(x)"));
  EXPECT_EQ(Read(), std::nullopt);
  EXPECT_EQ(Put(MakeStamp()), MakeStamp());
  PooledConnection other = Connect();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto seen, other->participant().ReadStamp());
  EXPECT_EQ(seen, MakeStamp());
}

TEST_F(SqliteStampTest, AFileOpenedReadOnlyCanBeReadButNotStamped) {
  Put(MakeStamp());
  const auto reader = MakeEngine("?mode=ro");
  PooledConnection read_only = Connect(*reader);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto seen,
                             read_only->participant().ReadStamp());
  EXPECT_EQ(seen, MakeStamp());
  SHARD_EXPECT_OK(read_only->participant().PutStamp(MakeStamp()));
  EXPECT_THAT(read_only->participant().PutStamp(MakeStamp("till", 2)),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(SqliteStampTest, OfManyAtOnceOneIsMade) {
  constexpr int kThreads = 4;
  std::vector<Stamp> standing(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      EngineOptions options;
      options.busy_timeout = absl::Seconds(30);
      const auto engine = OpenEngine("sqlite:///" + path_, options);
      const auto opened = (*engine)->Connect();
      SHARD_ASSERT_OK(opened);
      Stamp stamp = MakeStamp();
      stamp.identity = std::string(32, static_cast<char>('a' + i));
      const auto put = (*opened)->participant().PutStamp(stamp);
      SHARD_ASSERT_OK(put);
      standing[i] = *put;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Stamp& stamp : standing) EXPECT_EQ(stamp, standing[0]);
  EXPECT_EQ(Read(), standing[0]);
}

// Inspect.

class SqliteInspectTest : public SqliteStampTest {
 protected:
  static std::vector<Finding> Inspect(Connection& connection) {
    const auto findings = connection.participant().Inspect();
    EXPECT_THAT(findings, IsOk());
    return findings.value_or(std::vector<Finding>());
  }
  Finding Find(std::string_view subject) {
    return Find(subject, Inspect(connection()));
  }
  static Finding Find(std::string_view subject,
                      const std::vector<Finding>& findings) {
    for (const Finding& finding : findings) {
      if (finding.subject == subject) return finding;
    }
    ADD_FAILURE() << "nothing about " << subject;
    return {};
  }
  static void ExpectError(const Finding& finding, std::string_view value) {
    EXPECT_EQ(finding.level, Finding::kError) << finding.value;
    EXPECT_THAT(finding.value, HasSubstr(std::string(value)));
    EXPECT_NE(finding.advice, "");
  }
};

TEST_F(SqliteInspectTest, AGoodFileIsFitWithAndWithoutOurTables) {
  for (const bool stamped : {false, true}) {
    if (stamped) Put(MakeStamp());
    std::vector<std::string> subjects;
    for (const Finding& finding : Inspect(connection())) {
      subjects.push_back(finding.subject);
      if (finding.subject == "disk space") continue;  // as the machine has it
      EXPECT_EQ(finding.level, Finding::kOk) << finding.subject;
      EXPECT_EQ(finding.advice, "") << finding.subject;
      EXPECT_NE(finding.value, "") << finding.subject;
    }
    EXPECT_THAT(subjects,
                ElementsAre("SQLite", "journal_mode", "synchronous", "file",
                            "disk space", "shard_decisions", "shard_stamp"));
  }
  EXPECT_EQ(Find("SQLite").value, sqlite3_libversion());
  EXPECT_EQ(Find("journal_mode").value, "wal");
  EXPECT_EQ(Find("synchronous").value, "FULL");
  EXPECT_THAT(Find("file").value, HasSubstr(".db, writable"));
  EXPECT_THAT(Find("disk space").value, HasSubstr(" MB free"));
  EXPECT_EQ(Find("shard_decisions").value, "no rows");
  EXPECT_EQ(Find("shard_stamp").value, "shop/till, epoch 1, xxh3-v1");
}

TEST_F(SqliteInspectTest, CountsTheDecisions) {
  Put(MakeStamp());
  SHARD_ASSERT_OK(participant().PutDecision(MakeRow(Decision::kCommit), "",
                                            absl::ZeroDuration()));
  EXPECT_THAT(Find("shard_decisions").value, HasSubstr("1 row, the oldest of"));
  SHARD_ASSERT_OK(
      Script("UPDATE shard_decisions SET created = "
             "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-90 minutes')"));
  EXPECT_THAT(Find("shard_decisions").value, HasSubstr("1h"));
}

TEST_F(SqliteInspectTest, SettingsThatLoseCommitsAreErrors) {
  SHARD_ASSERT_OK(Script("PRAGMA synchronous=NORMAL"));
  ExpectError(Find("synchronous"), "NORMAL");
  SHARD_ASSERT_OK(Script("PRAGMA synchronous=EXTRA"));
  EXPECT_EQ(Find("synchronous").level, Finding::kOk);
  SHARD_ASSERT_OK(Script("PRAGMA journal_mode=DELETE"));
  ExpectError(Find("journal_mode"), "delete");
}

TEST_F(SqliteInspectTest, AFileOpenedReadOnlyIsAnError) {
  Put(MakeStamp());
  const auto reader = MakeEngine("?mode=ro");
  PooledConnection read_only = Connect(*reader);
  ExpectError(Find("file", Inspect(*read_only)), "read-only");
}

TEST_F(SqliteInspectTest, ADamagedStampIsAnError) {
  Put(MakeStamp());
  const auto expect = [this](std::string_view change, std::string_view flaw) {
    SHARD_ASSERT_OK(connection().Begin());
    SHARD_ASSERT_OK(
        Script(absl::StrCat("UPDATE shard_stamp SET ", std::string(change))));
    ExpectError(Find("shard_stamp"), flaw);
    SHARD_ASSERT_OK(connection().Rollback());
  };
  expect("identity = 'short'", "not 32 hexadecimal");
  expect("identity = replace(identity, 'a', 'x')", "not 32 hexadecimal");
  expect("epoch = 0", "epoch is below 1");
  expect("hash = ''", "a name is empty");
  EXPECT_EQ(Find("shard_stamp").level, Finding::kOk);
}

TEST_F(SqliteInspectTest, TablesOfOthersUnderOurNamesAreErrors) {
  SHARD_ASSERT_OK(
      Script("CREATE TABLE shard_stamp(x); CREATE TABLE shard_decisions(x)"));
  ExpectError(Find("shard_stamp"), "no such column");
  ExpectError(Find("shard_decisions"), "no such column");
}

TEST(SqliteMemoryInspectTest, ADatabaseInMemoryCannotTakePart) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto engine, OpenEngine("sqlite://"));
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection memory, engine->Connect());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto findings,
                             memory->participant().Inspect());
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[1].level, Finding::kError);
  EXPECT_THAT(findings[1].advice, HasSubstr("cannot take part"));
}

}  // namespace
}  // namespace shard
