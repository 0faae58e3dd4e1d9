// shardctl resolve.
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

class ResolveTest : public ShardctlTest {
 protected:
  // With the words typed on a terminal.
  Ran RunTyping(const std::vector<std::string>& arguments,
                const std::string& words) {
    std::vector<std::string> command = Databases();
    command.insert(command.end(), arguments.begin(), arguments.end());
    return RunOnTerminal(Command(command), words + "\n");
  }

  // It must be refused, and change nothing.
  std::string Refused(const std::vector<std::string>& arguments,
                      int exit_code = 3) {
    const long shares = Prepared("eu");
    const long notes = Notes("eu");
    const long decisions = AllDecisions();
    auto [code, answer] = RunJson(arguments);
    EXPECT_EQ(code, exit_code) << answer;
    EXPECT_EQ(Prepared("eu"), shares);
    EXPECT_EQ(Notes("eu"), notes);
    EXPECT_EQ(AllDecisions(), decisions);
    return answer["error"].is_object()
               ? answer["error"]["message"].get<std::string>()
               : "";
  }
  long AllDecisions() {
    return Decisions("eu") + Decisions("us") + Decisions("ledger");
  }
};

TEST_F(ResolveTest, AbortIsRefusedAgainstACommit) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  Prepare("eu", Gid("ledger", 1));
  DecideAt("ledger", "commit", {"eu"});
  const std::string why =
      Refused({"resolve", Gid("ledger", 1), "--abort", "--yes"});
  EXPECT_THAT(why, HasSubstr("already decided to commit"));
  EXPECT_THAT(why, HasSubstr("cannot be decided to abort"));
  EXPECT_THAT(why, HasSubstr("nothing was changed"));
}

TEST_F(ResolveTest, CommitIsRefusedAgainstAnAbort) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  const std::string number = DeadNumber("us");
  Prepare("eu", Gid("us", 1, number));
  DecideAt("us", "abort", {}, number);
  const std::string why =
      Refused({"resolve", Gid("us", 1, number), "--commit", "--yes"});
  EXPECT_THAT(why, HasSubstr("already decided to abort"));
  EXPECT_THAT(why, HasSubstr("cannot be decided to commit"));
}

TEST_F(ResolveTest, TheSameDecisionIsCarriedOut) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  Prepare("eu", Gid("ledger", 1));
  DecideAt("ledger", "commit", {"eu"});
  // No question: recovery would do the same.
  auto [code, answer] = RunJson({"resolve", Gid("ledger", 0), "--commit"});
  EXPECT_EQ(code, 0) << answer;
  EXPECT_EQ(answer["transaction"], Gid("ledger", 0));
  EXPECT_EQ(answer["decision"], "commit");
  EXPECT_EQ(answer["decider"], "ledger");
  EXPECT_EQ(answer["stood_before"], true);
  ASSERT_EQ(answer["shares"].size(), 1u);
  EXPECT_EQ(answer["shares"][0]["database"], "eu");
  EXPECT_EQ(answer["shares"][0]["gid"], Gid("ledger", 1));
  EXPECT_EQ(answer["shares"][0]["result"], "committed");
  EXPECT_EQ(Notes("eu"), 1);
  EXPECT_EQ(Prepared("eu"), 0);
}

TEST_F(ResolveTest, CommitWithYes) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  Prepare("eu", Gid("ledger", 1));
  Prepare("us", Gid("ledger", 2));
  const Ran text = Run({"resolve", Gid("ledger", 2), "--commit", "--yes"});
  EXPECT_EQ(text.exit_code, 0) << text.out << text.err;
  EXPECT_THAT(text.err, HasSubstr("WARNING"));
  EXPECT_THAT(text.err, HasSubstr("torn"));
  EXPECT_THAT(text.out, HasSubstr("committed"));
  EXPECT_EQ(Notes("eu"), 1);
  EXPECT_EQ(Notes("us"), 1);
  EXPECT_EQ(Prepared("eu") + Prepared("us"), 0);
  EXPECT_EQ(Decisions("ledger", "commit"), 1);
  // The row says who took part, so that it goes like any other.
  EXPECT_EQ(
      RunJson({"recover", "--retention", "0s"}).second["decisions_removed"], 1);
}

TEST_F(ResolveTest, CommitSaysWhatBecameOfTheDecidersShare) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  const std::string dead = DeadNumber("us");
  Prepare("eu", Gid("us", 1, dead));
  EXPECT_THAT(Run({"resolve", Gid("us", 1, dead), "--commit", "--yes"}).err,
              HasSubstr("'us' says that it was rolled back"));
  EXPECT_EQ(Notes("eu"), 1);
  EXPECT_EQ(Decisions("us", "commit"), 1);
}

TEST_F(ResolveTest, ANumberThatHasCommittedIsNoProof) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  // Of another transaction, maybe: after a crash numbers are given out again.
  const std::string number = database("us").Run("SELECT pg_current_xact_id()");
  Prepare("eu", Gid("us", 1, number));
  const Ran ran = Run({"resolve", Gid("us", 1, number), "--commit", "--yes"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("WARNING"));
  EXPECT_THAT(ran.err, HasSubstr("of its number has committed"));
  EXPECT_THAT(ran.err, HasSubstr("will be torn"));
  EXPECT_EQ(Decisions("us", "commit"), 1);
  EXPECT_EQ(Notes("eu"), 1);
}

TEST_F(ResolveTest, CommitIsRefusedWhileTheDeciderIsAtWork) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  const std::unique_ptr<RawDatabase> session = database("us").Again();
  session->Run("BEGIN");
  const std::string number = session->Run("SELECT pg_current_xact_id()");
  Prepare("eu", Gid("us", 1, number));
  EXPECT_THAT(Refused({"resolve", Gid("us", 1, number), "--commit", "--yes"}),
              HasSubstr("still at work"));
}

TEST_F(ResolveTest, AbortWithYes) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  const std::string number = DeadNumber("us");
  Prepare("eu", Gid("us", 1, number));
  auto [code, answer] =
      RunJson({"resolve", "--abort", Gid("us", 1, number), "--yes"});
  EXPECT_EQ(code, 0) << answer;
  EXPECT_EQ(answer["stood_before"], false);
  EXPECT_EQ(answer["shares"][0]["result"], "rolled_back");
  EXPECT_EQ(Notes("eu"), 0);
  EXPECT_EQ(Prepared("eu"), 0);
  // Whoever comes late cannot commit any more.
  EXPECT_EQ(Decisions("us", "abort"), 1);
}

TEST_F(ResolveTest, AbortIsRefusedWhileAFileIsLockedByItsWriter) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  Prepare("eu", Gid("ledger", 1));
  const std::unique_ptr<RawDatabase> session = database("ledger").Again();
  session->Run("BEGIN IMMEDIATE");
  EXPECT_THAT(Refused({"resolve", Gid("ledger", 1), "--abort", "--yes",
                       "--timeout", "200ms"}),
              HasSubstr("locked"));
  session->Run("ROLLBACK");
  EXPECT_EQ(Run({"resolve", Gid("ledger", 1), "--abort", "--yes"}).exit_code,
            0);
  EXPECT_EQ(Prepared("eu"), 0);
}

TEST_F(ResolveTest, WithoutATerminalItNeedsYes) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  Prepare("eu", Gid("ledger", 1));
  for (const char* decision : {"--commit", "--abort"}) {
    EXPECT_THAT(Refused({"resolve", Gid("ledger", 1), decision}),
                HasSubstr("say --yes"));
  }
}

TEST_F(ResolveTest, OnATerminalTheDecisionIsTyped) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  Prepare("eu", Gid("ledger", 1));
  const std::vector<std::string> commit = {"resolve", Gid("ledger", 1),
                                           "--commit"};
  for (const char* words : {"", "yes", "commit", "commit 01234568"}) {
    const Ran ran = RunTyping(commit, words);
    EXPECT_EQ(ran.exit_code, 3) << ran.out;
    EXPECT_THAT(ran.out, HasSubstr("Type 'commit 01234567' to go on: "));
    EXPECT_THAT(ran.out, HasSubstr("not confirmed"));
    EXPECT_EQ(Prepared("eu"), 1);
    EXPECT_EQ(Decisions("ledger"), 0);
  }
  const Ran ran = RunTyping(commit, "commit 01234567");
  EXPECT_EQ(ran.exit_code, 0) << ran.out;
  EXPECT_EQ(Notes("eu"), 1);
}

TEST_F(ResolveTest, WhatIsNotOursIsRefused) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  const std::string mine = Gid("ledger", 1);
  Prepare("eu", mine);
  EXPECT_THAT(
      Refused({"resolve", Gid("ledger", 1, "0", "bank2"), "--abort", "--yes"}),
      HasSubstr("is of cluster 'bank2', not of 'bank'"));
  const std::string stranger =
      absl::StrCat("shard1/bank/", std::string(32, 'f'), "/", kTxn, "/0/1");
  EXPECT_THAT(Refused({"resolve", stranger, "--abort", "--yes"}),
              HasSubstr("which is not in the topology"));
  std::string unknown = mine;
  unknown.replace(unknown.find(kTxn), 4, "beef");
  EXPECT_THAT(Refused({"resolve", unknown, "--abort", "--yes"}),
              HasSubstr("nothing is left of transaction"));
  // The right txn with another number: not that transaction.
  EXPECT_THAT(Refused({"resolve", Gid("ledger", 1, "5"), "--abort", "--yes"}),
              HasSubstr("nothing is left of transaction"));
  EXPECT_THAT(Refused({"resolve", "shard1/bank", "--abort", "--yes"}, 4),
              HasSubstr("is no gid"));
}

TEST_F(ResolveTest, TheDeciderMustBeThere) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  const std::string gid = Gid("us", 1, DeadNumber("us"));
  Prepare("eu", gid);
  Redirect("us", DeadUrl());
  EXPECT_THAT(Refused({"resolve", gid, "--abort", "--yes"}, 2),
              HasSubstr("'us' cannot"));
}

TEST_F(ResolveTest, ToCommitAllMustBeThere) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  Prepare("eu", Gid("ledger", 1));
  Redirect("us", DeadUrl());
  EXPECT_THAT(Refused({"resolve", Gid("ledger", 1), "--commit", "--yes"}, 2),
              HasSubstr("must list every share"));
  // To abort they need not: what is decided against stays so.
  auto [code, answer] =
      RunJson({"resolve", Gid("ledger", 1), "--abort", "--yes"});
  EXPECT_EQ(code, 2);
  EXPECT_EQ(answer["shares"][0]["result"], "rolled_back");
  EXPECT_EQ(answer["problems"][0]["database"], "us");
  EXPECT_EQ(Prepared("eu"), 0);
}

}  // namespace
}  // namespace shard::testing
