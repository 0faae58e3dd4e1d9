// shardctl status and recover.
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/tests/tools/shardctl_test.h"

namespace shard::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RecoveryTest : public ShardctlTest {};

TEST_F(RecoveryTest, NothingToDo) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  auto [code, status] = RunJson({"status"});
  EXPECT_EQ(code, 0);
  EXPECT_EQ(status["command"], "status");
  EXPECT_EQ(status["cluster"], "bank");
  EXPECT_EQ(status["unfinished"], 0);
  EXPECT_EQ(status["transactions"], Json::array());
  EXPECT_EQ(status["problems"], Json::array());
  EXPECT_EQ(status["error"], nullptr);
  const Ran text = Run({"status"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_EQ(text.out,
            "nothing unfinished in cluster 'bank' (3 of 3 databases read)\n");
  EXPECT_EQ(text.err, "");
  auto [recovered, report] = RunJson({"recover"});
  EXPECT_EQ(recovered, 0);
  EXPECT_EQ(report["shares"], Json::array());
}

TEST_F(RecoveryTest, StatusShowsWhatIsPending) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  Prepare("eu", Gid("ledger", 1));
  DecideAt("ledger", "commit", {"eu", "us"});
  auto [code, status] = RunJson({"status"});
  EXPECT_EQ(code, 1);
  EXPECT_EQ(status["unfinished"], 1);
  ASSERT_EQ(status["transactions"].size(), 1u);
  Json& entry = status["transactions"][0];
  EXPECT_EQ(entry["transaction"], Gid("ledger", 0));
  EXPECT_EQ(entry["state"], "pending");
  EXPECT_EQ(entry["decision"], "commit");
  EXPECT_EQ(entry["decider"], "ledger");
  EXPECT_GE(entry["age_seconds"], 0.0);
  EXPECT_LT(entry["age_seconds"], 60.0);
  EXPECT_EQ(entry["prepared_on"], Json::array({"eu"}));
  EXPECT_EQ(entry["participants"], Json::array({"eu", "us"}));
  const Ran text = Run({"status"});
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_THAT(text.out, HasSubstr(Gid("ledger", 0)));
  EXPECT_THAT(text.out, HasSubstr("pending: decided, and not carried out"));
  // It has only looked.
  EXPECT_EQ(Prepared("eu"), 1);
  EXPECT_EQ(Decisions("ledger"), 1);
}

TEST_F(RecoveryTest, StatusShowsFinishedDecisionsIfAsked) {
  SHARD_OPEN_OR_SKIP({"eu", "ledger"});
  DecideAt("ledger", "commit", {"eu"});
  EXPECT_EQ(RunJson({"status"}).first, 0);
  EXPECT_THAT(Run({"status"}).out,
              HasSubstr("1 finished decision is still kept, see --all"));
  const Ran all = Run({"status", "--all"});
  EXPECT_EQ(all.exit_code, 0);
  EXPECT_THAT(all.out, HasSubstr(Gid("ledger", 0)));
  EXPECT_THAT(all.out, HasSubstr("finished"));
}

TEST_F(RecoveryTest, StatusWithTheDeciderDownIsUnknown) {
  SHARD_OPEN_OR_SKIP({"eu", "us"});
  const std::string gid = Gid("us", 1, DeadNumber("us"));
  Prepare("eu", gid);
  EXPECT_EQ(RunJson({"status"}).second["transactions"][0]["state"],
            "undecided");
  Redirect("us", DeadUrl());
  auto [code, status] = RunJson({"status"});
  EXPECT_EQ(code, 2);
  ASSERT_EQ(status["transactions"].size(), 1u);
  EXPECT_EQ(status["transactions"][0]["state"], "unknown");
  EXPECT_EQ(status["transactions"][0]["decision"], nullptr);
  EXPECT_EQ(status["transactions"][0]["decider"], nullptr);
  ASSERT_EQ(status["problems"].size(), 1u);
  EXPECT_EQ(status["problems"][0]["database"], "us");
  EXPECT_EQ(status["problems"][0]["code"], "UNAVAILABLE");
  EXPECT_THAT(Run({"status"}).err, HasSubstr("database 'us'"));
}

TEST_F(RecoveryTest, PendingIsCommitted) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  Prepare("eu", Gid("ledger", 1));
  Prepare("us", Gid("ledger", 2));
  DecideAt("ledger", "commit", {"eu", "us"});
  auto [code, report] = RunJson({"recover"});
  EXPECT_EQ(code, 0);
  ASSERT_EQ(report["shares"].size(), 2u);
  EXPECT_EQ(report["shares"][0]["database"], "eu");
  EXPECT_EQ(report["shares"][0]["gid"], Gid("ledger", 1));
  EXPECT_EQ(report["shares"][0]["action"], "committed");
  EXPECT_EQ(report["shares"][0]["error"], nullptr);
  EXPECT_EQ(report["shares"][1]["action"], "committed");
  EXPECT_EQ(report["decisions_kept"], 1);
  EXPECT_EQ(Notes("eu"), 1);
  EXPECT_EQ(Notes("us"), 1);
  EXPECT_EQ(Prepared("eu") + Prepared("us"), 0);
  // Kept for an hour, unless told otherwise.
  EXPECT_EQ(Decisions("ledger"), 1);
  EXPECT_EQ(
      RunJson({"recover", "--retention", "0s"}).second["decisions_removed"], 1);
  EXPECT_EQ(Decisions("ledger"), 0);
}

TEST_F(RecoveryTest, UndecidedWithADeadDeciderIsRolledBack) {
  SHARD_OPEN_OR_SKIP({"eu", "us"});
  const std::string number = DeadNumber("us");
  Prepare("eu", Gid("us", 1, number));
  const Ran text = Run({"recover"});
  EXPECT_EQ(text.exit_code, 0) << text.out << text.err;
  EXPECT_THAT(text.out, HasSubstr("rolled back"));
  EXPECT_THAT(text.out, HasSubstr("0 committed, 1 rolled back, 0 left alone, "
                                  "0 failed"));
  EXPECT_EQ(Notes("eu"), 0);
  EXPECT_EQ(Prepared("eu"), 0);
}

TEST_F(RecoveryTest, ADeciderThatCannotPrepare) {
  SHARD_OPEN_OR_SKIP({"eu", "old"});
  const std::string number = DeadNumber("old");
  Prepare("eu", Gid("old", 1, number));
  DecideAt("old", "commit", {"eu"}, number);
  EXPECT_EQ(RunJson({"recover"}).second["shares"][0]["action"], "committed");
  EXPECT_EQ(Notes("eu"), 1);
}

TEST_F(RecoveryTest, ATransactionAtWorkIsLeftAlone) {
  SHARD_OPEN_OR_SKIP({"eu", "us"});
  const std::unique_ptr<RawDatabase> session = database("us").Again();
  session->Run("BEGIN");
  const std::string number = session->Run("SELECT pg_current_xact_id()");
  Prepare("eu", Gid("us", 1, number));
  auto [code, report] = RunJson({"recover", "--recover-after", "1h"});
  EXPECT_EQ(code, 1);
  ASSERT_EQ(report["shares"].size(), 1u);
  EXPECT_EQ(report["shares"][0]["action"], "left_alone");
  EXPECT_THAT(report["shares"][0]["error"]["message"].get<std::string>(),
              HasSubstr("at work"));
  EXPECT_EQ(Prepared("eu"), 1);
  EXPECT_EQ(Decisions("us"), 0);
}

TEST_F(RecoveryTest, WhatIsNotOursIsLeftAlone) {
  SHARD_OPEN_OR_SKIP({"eu", "us"});
  const std::string number = DeadNumber("us");
  // Of another program, of another cluster, ours by the look of it only, and
  // one in another database of the same server.
  Prepare("eu", absl::StrCat("somebody_", IdentityOf("eu")));
  Prepare("eu", Gid("us", 1, number, "bank2"));
  Prepare("eu", absl::StrCat("shard1/bank/", IdentityOf("us"), "/1"));
  const std::unique_ptr<RawDatabase> other = RawDatabase::NewPostgres(0);
  other->Run("CREATE TABLE notes (note TEXT)");
  other->Run("BEGIN");
  other->Run("INSERT INTO notes VALUES ('prepared')");
  other->Run(absl::StrCat("PREPARE TRANSACTION '", Gid("us", 7, number), "'"));
  auto [seen, status] = RunJson({"status"});
  EXPECT_EQ(status["unfinished"], 0);
  EXPECT_EQ(seen, 0);
  auto [code, report] = RunJson({"recover"});
  EXPECT_EQ(code, 0);
  ASSERT_EQ(report["shares"].size(), 1u);
  EXPECT_EQ(report["shares"][0]["action"], "foreign");
  EXPECT_EQ(Prepared("eu"), 3);
  EXPECT_EQ(other->Run("SELECT count(*) FROM pg_prepared_xacts WHERE database "
                       "= current_database()"),
            "1");
}

TEST_F(RecoveryTest, ADatabaseThatIsDownDoesNotKeepTheOthers) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  Prepare("eu", Gid("ledger", 1));
  DecideAt("ledger", "commit", {"eu", "us"});
  Redirect("us", DeadUrl());
  auto [code, report] = RunJson({"recover", "--retention", "0s"});
  EXPECT_EQ(code, 2);
  EXPECT_EQ(report["shares"][0]["action"], "committed");
  EXPECT_EQ(Notes("eu"), 1);
  // The share of the one that is down needs it yet.
  EXPECT_EQ(Decisions("ledger"), 1);
  ASSERT_EQ(report["problems"].size(), 2u);
  EXPECT_EQ(report["problems"][0]["database"], "us");
  EXPECT_EQ(report["problems"][1]["database"], "ledger");
}

TEST_F(RecoveryTest, AShareWhoseDeciderIsDownFails) {
  SHARD_OPEN_OR_SKIP({"eu", "us"});
  Prepare("eu", Gid("us", 1, DeadNumber("us")));
  Redirect("us", DeadUrl());
  const Ran text = Run({"recover"});
  EXPECT_EQ(text.exit_code, 2);
  EXPECT_THAT(text.out, HasSubstr("failed"));
  EXPECT_THAT(text.err, HasSubstr("database 'us'"));
  EXPECT_EQ(Prepared("eu"), 1);
}

TEST_F(RecoveryTest, ADatabaseThatRefusesUsCountsAsDown) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  Prepare("eu", Gid("ledger", 1));
  DecideAt("ledger", "commit", {"eu", "us"});
  // The server is there, the database is not.
  Redirect("us", database("us").url() + "_gone");
  auto [code, report] = RunJson({"recover"});
  EXPECT_EQ(code, 2);
  EXPECT_EQ(Notes("eu"), 1);
  EXPECT_EQ(report["problems"][0]["database"], "us");
}

TEST_F(RecoveryTest, AWrongStampRefusesAll) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  Prepare("eu", Gid("ledger", 1));
  DecideAt("ledger", "commit", {"eu", "us"});
  Redirect("us", database("eu").url());
  auto [code, report] = RunJson({"recover"});
  EXPECT_EQ(code, 3);
  EXPECT_EQ(report["error"]["code"], "FAILED_PRECONDITION");
  EXPECT_THAT(report["error"]["message"].get<std::string>(), HasSubstr("'us'"));
  EXPECT_EQ(Prepared("eu"), 1);
}

TEST_F(RecoveryTest, LookingRaisesNoEpoch) {
  SHARD_OPEN_OR_SKIP({"ledger"});
  EXPECT_EQ(Run({"status", "--epoch", "9"}).exit_code, 0);
  EXPECT_EQ(Run({"recover", "--epoch", "9"}).exit_code, 0);
  EXPECT_EQ(Run({"check", "--epoch", "9"}).exit_code, 1);
  EXPECT_EQ(database("ledger").Run("SELECT epoch FROM shard_stamp"), "1");
}

TEST_F(RecoveryTest, NoColorsButOnATerminal) {
  SHARD_OPEN_OR_SKIP({"eu", "ledger"});
  Prepare("eu", Gid("ledger", 1));
  DecideAt("ledger", "commit", {"eu"});
  EXPECT_THAT(Run({"status"}).out, Not(HasSubstr("\x1b")));
  std::vector<std::string> command = Databases();
  command.push_back("status");
  command = Command(command);
  setenv("TERM", "xterm", 1);
  unsetenv("NO_COLOR");
  EXPECT_THAT(RunOnTerminal(command, "").out, HasSubstr("\x1b[33mpending"));
  setenv("NO_COLOR", "1", 1);
  EXPECT_THAT(RunOnTerminal(command, "").out, Not(HasSubstr("\x1b")));
}

TEST_F(RecoveryTest, WhatIsLeftOfADatabaseThatIsGoneIsForgotten) {
  SHARD_OPEN_OR_SKIP({"eu", "ledger"});
  DecideAt("ledger", "commit", {"eu"});
  EXPECT_EQ(Run({"check", "--remove", "eu"}).exit_code, 3);
  EXPECT_EQ(Run({"forget", IdentityOf("eu")}).exit_code, 3);
  const auto without = [this](const std::vector<std::string>& command) {
    std::vector<std::string> arguments = {
        "--cluster", "bank", "--database",
        absl::StrCat("ledger=", database("ledger").url())};
    arguments.insert(arguments.end(), command.begin(), command.end());
    return RunProgram(Command(arguments)).exit_code;
  };
  EXPECT_EQ(without({"recover", "--retention", "0s"}), 1);
  EXPECT_EQ(without({"forget", IdentityOf("eu")}), 0);
  EXPECT_EQ(Decisions("ledger"), 0);
  EXPECT_EQ(without({"recover"}), 0);
}

}  // namespace
}  // namespace shard::testing
