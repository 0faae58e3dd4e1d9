// Who a PostgreSQL database is, and whether it is fit for atomic commits.
#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
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

using testing::End;
using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::MakeRow;
using testing::MakeStamp;
using testing::PostgresParticipantTest;
using testing::Prepare;
using testing::StatusIs;
using Code = absl::StatusCode;

class PostgresStampTest : public PostgresParticipantTest {
 protected:
  void DropTables() {
    SHARD_ASSERT_OK(
        other().ExecuteScript("DROP TABLE shard_stamp, shard_decisions"));
  }
  std::string Tables() {
    return Value(other(),
                 "SELECT string_agg(relname, ',' ORDER BY relname) FROM "
                 "pg_class WHERE relkind = 'r' AND relname LIKE 'shard%' AND "
                 "relnamespace = 'public'::regnamespace");
  }
};

TEST_F(PostgresStampTest, NoneYet) {
  SHARD_ASSERT_OK(other().ExecuteScript("DELETE FROM shard_stamp"));
  SHARD_ASSERT_OK_AND_ASSIGN(auto stamp, participant().ReadStamp());
  EXPECT_FALSE(stamp.has_value());
  DropTables();
  SHARD_ASSERT_OK_AND_ASSIGN(stamp, participant().ReadStamp());
  EXPECT_FALSE(stamp.has_value());
  EXPECT_TRUE(connection().usable());
  EXPECT_FALSE(connection().in_transaction());
}

TEST_F(PostgresStampTest, ReadingIsOneStatement) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto stamp, participant().ReadStamp());
  ASSERT_TRUE(stamp.has_value());
  EXPECT_EQ(*stamp, MakeStamp());
  EXPECT_EQ(statements_.size(), 1u);
}

TEST_F(PostgresStampTest, PuttingMakesTheTables) {
  DropTables();
  EXPECT_EQ(Tables(), "");
  Stamp wanted = MakeStamp("it's \\ ü", 7);
  SHARD_ASSERT_OK_AND_ASSIGN(const Stamp stands,
                             participant().PutStamp(wanted));
  EXPECT_EQ(stands, wanted);
  EXPECT_EQ(Tables(), "shard_decisions,shard_stamp");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto read, settler().ReadStamp());
  EXPECT_EQ(*read, wanted);
  EXPECT_FALSE(connection().in_transaction());
}

TEST_F(PostgresStampTest, PuttingMakesATableThatIsMissing) {
  SHARD_ASSERT_OK(other().ExecuteScript("DROP TABLE shard_decisions"));
  SHARD_ASSERT_OK(participant().PutStamp(MakeStamp()));
  EXPECT_EQ(Tables(), "shard_decisions,shard_stamp");
}

TEST_F(PostgresStampTest, TheFirstStands) {
  Stamp mine = MakeStamp();
  mine.identity = "ffffffffffffffffffffffffffffffff";
  SHARD_ASSERT_OK_AND_ASSIGN(const Stamp stands, participant().PutStamp(mine));
  EXPECT_EQ(stands, MakeStamp());
  EXPECT_EQ(Count("shard_stamp"), "1");
}

TEST_F(PostgresStampTest, TheEpochOnlyRises) {
  SHARD_ASSERT_OK_AND_ASSIGN(Stamp stands,
                             participant().PutStamp(MakeStamp("till", 5)));
  EXPECT_EQ(stands, MakeStamp("till", 5));
  SHARD_ASSERT_OK_AND_ASSIGN(stands,
                             participant().PutStamp(MakeStamp("till", 3)));
  EXPECT_EQ(stands, MakeStamp("till", 5));
  // Nor does that of another place: its owner would be shut out.
  SHARD_ASSERT_OK_AND_ASSIGN(stands,
                             participant().PutStamp(MakeStamp("bank", 9)));
  EXPECT_EQ(stands, MakeStamp("till", 5));
}

TEST_F(PostgresStampTest, ThereCanBeOnlyOne) {
  EXPECT_FALSE(Script("INSERT INTO shard_stamp VALUES (true, '', '', '', 1, "
                      "'')")
                   .ok());
  EXPECT_FALSE(Script("INSERT INTO shard_stamp VALUES (false, '', '', '', 1, "
                      "'')")
                   .ok());
}

TEST_F(PostgresStampTest, ManyAtOnce) {
  constexpr int kMany = 6;
  DropTables();
  std::vector<PooledConnection> connections;
  for (int i = 0; i < kMany; ++i) connections.push_back(Another());
  std::vector<absl::StatusOr<Stamp>> stamps(kMany);
  std::vector<std::thread> threads;
  for (int i = 0; i < kMany; ++i) {
    threads.emplace_back([&, i] {
      Stamp mine = MakeStamp();
      mine.identity[0] = static_cast<char>('a' + i);
      stamps[i] = connections[i]->participant().PutStamp(mine);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& stamp : stamps) {
    SHARD_ASSERT_OK(stamp);
    EXPECT_EQ(*stamp, *stamps[0]);
  }
}

TEST_F(PostgresStampTest, WhateverTheSearchPath) {
  SHARD_ASSERT_OK(other().ExecuteScript(
      "CREATE SCHEMA decoy; CREATE TABLE decoy.shard_stamp (i int);"
      "CREATE TABLE decoy.shard_decisions (i int)"));
  DropTables();
  SHARD_ASSERT_OK(Script("SET search_path = decoy"));
  SHARD_ASSERT_OK(participant().PutStamp(MakeStamp()));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto read, participant().ReadStamp());
  EXPECT_EQ(*read, MakeStamp());
  SHARD_EXPECT_OK(participant().ListDecisions());
  SHARD_EXPECT_OK(
      participant().Settle(MakeRow(Decision::kAbort), "3", absl::Seconds(9)));
  EXPECT_EQ(Count("public.shard_decisions"), "1");
  EXPECT_EQ(Tables(), "shard_decisions,shard_stamp");
  SHARD_ASSERT_OK(other().ExecuteScript("DROP SCHEMA decoy CASCADE"));
}

TEST_F(PostgresStampTest, IsDurableWhateverTheSession) {
  DropTables();
  SHARD_ASSERT_OK(
      Script("SET default_transaction_read_only = on;"
             "SET default_transaction_isolation = 'serializable'"));
  SHARD_EXPECT_OK(participant().PutStamp(MakeStamp()));
}

class PostgresRoleTest : public PostgresStampTest {
 protected:
  void SetUp() override {
    PostgresStampTest::SetUp();
    if (HasFatalFailure()) return;
    role_ = database_ + "_role";
    SHARD_ASSERT_OK(other().ExecuteScript("CREATE ROLE " + role_));
  }
  void TearDown() override {
    connection_.Return();
    SHARD_EXPECT_OK(other().ExecuteScript("DROP OWNED BY " + role_));
    SHARD_EXPECT_OK(other().ExecuteScript("DROP ROLE " + role_));
    PostgresStampTest::TearDown();
  }
  std::string role_;
};

TEST_F(PostgresRoleTest, UsesTheTablesOfAnAdministrator) {
  SHARD_ASSERT_OK(other().ExecuteScript(absl::StrCat(
      "REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
      "GRANT USAGE ON SCHEMA public TO ",
      role_,
      ";GRANT SELECT, INSERT, UPDATE, DELETE ON shard_decisions, shard_stamp "
      "TO ",
      role_)));
  SHARD_ASSERT_OK(Script("SET ROLE " + role_));
  SHARD_ASSERT_OK_AND_ASSIGN(Stamp stands, participant().PutStamp(MakeStamp()));
  EXPECT_EQ(stands, MakeStamp());
  SHARD_ASSERT_OK_AND_ASSIGN(stands,
                             participant().PutStamp(MakeStamp("till", 2)));
  EXPECT_EQ(stands, MakeStamp("till", 2));
  SHARD_EXPECT_OK(
      participant().Settle(MakeRow(Decision::kAbort), "3", absl::Seconds(9)));
  SHARD_EXPECT_OK(
      participant().DeleteDecisions({testing::kTxn}, absl::Seconds(1)));
}

TEST_F(PostgresRoleTest, WithoutRightsIsToldWhatToDo) {
  SHARD_ASSERT_OK(
      other().ExecuteScript("REVOKE CREATE ON SCHEMA public FROM PUBLIC"));
  DropTables();
  SHARD_ASSERT_OK(Script("SET ROLE " + role_));
  EXPECT_THAT(participant().PutStamp(MakeStamp()),
              StatusIs(Code::kPermissionDenied, HasSubstr("grant")));
  EXPECT_FALSE(connection().in_transaction());
  EXPECT_EQ(Tables(), "");
  SHARD_ASSERT_OK(settler().PutStamp(MakeStamp()));
  EXPECT_THAT(participant().ReadStamp(), HasCode(Code::kPermissionDenied));
}

class PostgresInspectTest : public PostgresStampTest {
 protected:
  Finding Find(std::string_view subject) {
    const auto findings = participant().Inspect();
    EXPECT_THAT(findings, IsOk());
    if (!findings.ok()) return {};
    for (const Finding& finding : *findings) {
      EXPECT_EQ(finding.advice.empty(), finding.level == Finding::kOk);
      if (finding.subject == subject) return finding;
    }
    ADD_FAILURE() << "nothing about " << subject;
    return {};
  }
};

TEST_F(PostgresInspectTest, OneFindingForEachSubject) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto findings, participant().Inspect());
  std::set<std::string> subjects;
  for (const Finding& finding : findings) subjects.insert(finding.subject);
  EXPECT_EQ(subjects.size(), findings.size());
  for (const char* subject :
       {"PostgreSQL", "role", "default_transaction_read_only",
        "prepared transactions", "fsync", "full_page_writes",
        "synchronous_commit", "shard_decisions", "shard_stamp"}) {
    EXPECT_EQ(Find(subject).level, Finding::kOk) << subject;
  }
  EXPECT_EQ(Find("role").value, "primary");
  EXPECT_EQ(Find("shard_stamp").value, "shop/till, epoch 1, xxh3-v1");
}

TEST_F(PostgresInspectTest, RoomForPreparedTransactions) {
  const std::string most = Value(other(), "SHOW max_prepared_transactions");
  const std::string connections = Value(other(), "SHOW max_connections");
  const Finding finding = Find("max_prepared_transactions");
  EXPECT_THAT(finding.value, HasSubstr(most + ", "));
  EXPECT_THAT(finding.value, HasSubstr(" in use"));
  EXPECT_EQ(finding.level, std::stoi(most) < std::stoi(connections)
                               ? Finding::kWarning
                               : Finding::kOk);
}

TEST_F(PostgresInspectTest, SettingsThatDoNotFit) {
  SHARD_ASSERT_OK(Script("SET default_transaction_read_only = on"));
  EXPECT_EQ(Find("default_transaction_read_only").level, Finding::kError);
  SHARD_ASSERT_OK(Script("SET synchronous_commit = off"));
  EXPECT_EQ(Find("synchronous_commit").level, Finding::kWarning);
}

TEST_F(PostgresInspectTest, TransactionsOfOtherOwners) {
  BeginWork();
  SHARD_ASSERT_OK(Prepare(connection(), Gid()));
  EXPECT_EQ(Find("prepared transactions").level, Finding::kOk);
  SHARD_ASSERT_OK(other().ExecuteScript(
      "GRANT SELECT ON shard_decisions, shard_stamp TO pg_monitor"));
  SHARD_ASSERT_OK(Script("SET ROLE pg_monitor"));
  const Finding finding = Find("prepared transactions");
  EXPECT_EQ(finding.level, Finding::kWarning);
  EXPECT_THAT(finding.value, HasSubstr("1 of other owners"));
}

TEST_F(PostgresInspectTest, RightsOnTheDecisions) {
  SHARD_ASSERT_OK(other().ExecuteScript(
      "GRANT SELECT, INSERT, DELETE ON shard_decisions TO pg_monitor;"
      "GRANT SELECT ON shard_stamp TO pg_monitor"));
  SHARD_ASSERT_OK(Script("SET ROLE pg_monitor"));
  EXPECT_EQ(Find("shard_decisions").level, Finding::kOk);
  SHARD_ASSERT_OK(other().ExecuteScript(
      "REVOKE INSERT, DELETE ON shard_decisions FROM pg_monitor"));
  const Finding finding = Find("shard_decisions");
  EXPECT_EQ(finding.level, Finding::kError);
  EXPECT_THAT(finding.value, HasSubstr("INSERT, DELETE"));
}

TEST_F(PostgresInspectTest, Tables) {
  SHARD_ASSERT_OK(
      settler().Settle(MakeRow(Decision::kAbort), "", absl::Seconds(9)));
  SHARD_ASSERT_OK(other().ExecuteScript(
      "UPDATE shard_decisions SET created = now() - interval '2 hours'"));
  EXPECT_THAT(Find("shard_decisions").value,
              HasSubstr("1 row, the oldest of 2h"));
  DropTables();
  EXPECT_EQ(Find("shard_stamp").value, "none yet");
  EXPECT_EQ(Find("shard_decisions").value, "no rows");
  SHARD_ASSERT_OK(
      other().ExecuteScript("CREATE TABLE shard_stamp (colour text);"
                            "CREATE TABLE shard_decisions (colour text)"));
  EXPECT_EQ(Find("shard_stamp").level, Finding::kError);
  EXPECT_EQ(Find("shard_decisions").level, Finding::kError);
}

}  // namespace
}  // namespace shard
