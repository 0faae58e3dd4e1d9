// shardctl check and stamp.
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/tests/tools/shardctl_test.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CheckTest : public ShardctlTest {
 protected:
  // What check says about a subject of a database; null when nothing.
  static Json Find(Json answer, const std::string& database,
                   const std::string& subject) {
    for (Json& entry : answer["databases"]) {
      if (entry["database"] != database) continue;
      for (Json& finding : entry["findings"]) {
        if (finding["subject"] == subject) return finding;
      }
    }
    return nullptr;
  }
};

TEST_F(CheckTest, AGoodFile) {
  SHARD_OPEN_OR_SKIP({"ledger"});
  auto [code, answer] = RunJson({"check"});
  EXPECT_EQ(code, 0) << answer;
  EXPECT_EQ(answer["errors"], 0);
  EXPECT_EQ(answer["warnings"], 0);
  ASSERT_EQ(answer["databases"].size(), 1u);
  Json& entry = answer["databases"][0];
  EXPECT_EQ(entry["database"], "ledger");
  EXPECT_EQ(entry["reached"], true);
  EXPECT_EQ(entry["stamp"]["cluster"], "bank");
  EXPECT_EQ(entry["stamp"]["database"], "ledger");
  EXPECT_EQ(entry["stamp"]["identity"], IdentityOf("ledger"));
  EXPECT_EQ(entry["stamp"]["epoch"], 1);
  EXPECT_EQ(entry["stamp"]["hash"], "xxh3-v1");
  EXPECT_EQ(Find(answer, "ledger", "journal_mode")["value"], "wal");
  EXPECT_EQ(Find(answer, "ledger", "journal_mode")["level"], "ok");
  EXPECT_EQ(Find(answer, "ledger", "stamp")["level"], "ok");
  const Ran text = Run({"check"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, HasSubstr("1 database: 0 errors, 0 warnings"));
}

TEST_F(CheckTest, AGoodServer) {
  SHARD_OPEN_OR_SKIP({"eu"});
  auto [code, answer] = RunJson({"check"});
  // Its room may be worth a warning.
  EXPECT_LE(code, 1) << answer;
  EXPECT_EQ(answer["errors"], 0) << answer;
  EXPECT_NE(Find(answer, "eu", "max_prepared_transactions"), nullptr);
  EXPECT_EQ(answer["databases"][0]["url"], database("eu").url());
}

TEST_F(CheckTest, NoStampIsAnError) {
  SHARD_OPEN_OR_SKIP({"ledger"}, /*stamp=*/false);
  auto [code, answer] = RunJson({"check"});
  EXPECT_EQ(code, 3);
  EXPECT_EQ(answer["databases"][0]["stamp"], nullptr);
  Json stamp = Find(answer, "ledger", "stamp");
  EXPECT_EQ(stamp["level"], "error");
  EXPECT_THAT(stamp["advice"].get<std::string>(), HasSubstr("shardctl stamp"));
  // Looking has made nothing.
  EXPECT_EQ(database("ledger").Run("SELECT count(*) FROM sqlite_schema WHERE "
                                   "name LIKE 'shard%'"),
            "0");
  EXPECT_EQ(Run({"status"}).exit_code, 3);
}

TEST_F(CheckTest, ADatabaseOfAnotherNameIsAnError) {
  SHARD_OPEN_OR_SKIP({"eu", "us"});
  Redirect("us", database("eu").url());
  auto [code, answer] = RunJson({"check"});
  EXPECT_EQ(code, 3);
  EXPECT_EQ(Find(answer, "eu", "stamp")["level"], "ok");
  EXPECT_THAT(Find(answer, "us", "stamp")["advice"].get<std::string>(),
              HasSubstr("it should be bank/us"));
}

TEST_F(CheckTest, ACopyIsAnError) {
  SHARD_OPEN_OR_SKIP({"eu", "us"});
  database("us").Run(absl::StrCat("UPDATE shard_stamp SET identity = '",
                                  IdentityOf("eu"), "'"));
  auto [code, answer] = RunJson({"check"});
  EXPECT_EQ(code, 3);
  EXPECT_THAT(Find(answer, "us", "stamp")["advice"].get<std::string>(),
              HasSubstr("same identity"));
}

TEST_F(CheckTest, AServerThatCannotPrepare) {
  SHARD_OPEN_OR_SKIP({"old"});
  auto [code, answer] = RunJson({"check"});
  EXPECT_EQ(code, 3);
  Json setting = Find(answer, "old", "max_prepared_transactions");
  EXPECT_EQ(setting["level"], "error") << answer;
}

TEST_F(CheckTest, OneThatIsDownIsSaidToBe) {
  SHARD_OPEN_OR_SKIP({"eu", "ledger"});
  Redirect("eu", DeadUrl());
  auto [code, answer] = RunJson({"check"});
  EXPECT_EQ(code, 2);
  EXPECT_EQ(answer["databases"][0]["reached"], false);
  EXPECT_EQ(answer["databases"][0]["url"],
            "postgresql://nobody:***@127.0.0.1:1/nowhere");
  EXPECT_EQ(answer["databases"][1]["reached"], true);
  EXPECT_THAT(Run({"check"}).out, HasSubstr("1 unreachable"));
}

TEST_F(CheckTest, AFileThatIsNotThereIsNotMade) {
  SHARD_OPEN_OR_SKIP({"ledger"});
  const std::string path = folder() + "/slip.db";
  Redirect("ledger", "sqlite:///" + path);
  for (const char* command : {"check", "status", "recover"}) {
    const Ran ran = Run({command});
    EXPECT_EQ(ran.exit_code, 2);
    EXPECT_THAT(ran.err, HasSubstr("there is no file"));
    EXPECT_FALSE(std::filesystem::exists(path));
  }
}

TEST_F(CheckTest, RemovalIsRefusedWhileWorkIsInDoubt) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"});
  const std::string number = DeadNumber("us");
  Prepare("eu", Gid("us", 1, number));
  for (const char* name : {"eu", "us"}) {  // holds a share; decides over it
    auto [code, answer] = RunJson({"check", "--remove", name});
    EXPECT_EQ(code, 3);
    EXPECT_EQ(answer["remove"], name);
    EXPECT_EQ(answer["may_be_removed"], false);
    EXPECT_THAT(answer["error"]["message"].get<std::string>(),
                HasSubstr(Gid("us", 0, number)));
  }
  EXPECT_EQ(Run({"check", "--remove", "ledger"}).exit_code, 0);
  EXPECT_EQ(Run({"recover"}).exit_code, 0);
  auto [code, answer] = RunJson({"check", "--remove", "eu"});
  EXPECT_EQ(code, 0);
  EXPECT_EQ(answer["may_be_removed"], true);
  EXPECT_EQ(Run({"check", "--remove", "asia"}).exit_code, 3);
  Redirect("us", DeadUrl());
  EXPECT_EQ(Run({"check", "--remove", "eu"}).exit_code, 2);
}

class StampTest : public ShardctlTest {};

TEST_F(StampTest, SetsUpWhatIsNew) {
  SHARD_OPEN_OR_SKIP({"eu", "us", "ledger"}, /*stamp=*/false);
  auto [code, answer] = RunJson({"stamp"});
  EXPECT_EQ(code, 0) << answer;
  ASSERT_EQ(answer["databases"].size(), 3u);
  for (Json& entry : answer["databases"]) {
    const std::string name = entry["database"];
    EXPECT_EQ(entry["result"], "stamped");
    EXPECT_EQ(entry["stamp"]["identity"], IdentityOf(name));
    EXPECT_EQ(entry["stamp"]["database"], name);
    EXPECT_EQ(Decisions(name), 0);  // the table is there
  }
  const std::string identity = IdentityOf("eu");
  auto [again, unchanged] = RunJson({"stamp"});
  EXPECT_EQ(again, 0);
  EXPECT_EQ(unchanged["databases"][0]["result"], "unchanged");
  EXPECT_EQ(IdentityOf("eu"), identity);
}

TEST_F(StampTest, RaisesAnOlderEpoch) {
  SHARD_OPEN_OR_SKIP({"ledger"});
  EXPECT_EQ(RunJson({"stamp", "--epoch", "3"}).second["databases"][0]["result"],
            "epoch_raised");
  EXPECT_EQ(database("ledger").Run("SELECT epoch FROM shard_stamp"), "3");
  EXPECT_EQ(RunJson({"stamp", "--epoch", "2"}).second["databases"][0]["result"],
            "unchanged");
  EXPECT_EQ(database("ledger").Run("SELECT epoch FROM shard_stamp"), "3");
}

TEST_F(StampTest, OneOfAnotherClusterRefusesAll) {
  SHARD_OPEN_OR_SKIP({"eu", "ledger"}, /*stamp=*/false);
  EXPECT_EQ(RunProgram(Command({"--cluster", "shop", "--database",
                                "ledger=" + database("ledger").url(), "stamp"}))
                .exit_code,
            0);
  auto [code, answer] = RunJson({"stamp"});
  EXPECT_EQ(code, 3);
  EXPECT_THAT(answer["error"]["message"].get<std::string>(),
              HasSubstr("'ledger' is stamped as shop/ledger"));
  EXPECT_EQ(database("eu").Run("SELECT to_regclass('shard_stamp') IS NULL"),
            "t");
}

TEST_F(StampTest, OneThatIsDownDoesNotKeepTheOthers) {
  SHARD_OPEN_OR_SKIP({"eu", "ledger"}, /*stamp=*/false);
  Redirect("eu", DeadUrl());
  auto [code, answer] = RunJson({"stamp"});
  EXPECT_EQ(code, 2);
  EXPECT_EQ(answer["databases"][0]["result"], "failed");
  EXPECT_EQ(answer["databases"][1]["result"], "stamped");
  EXPECT_NE(IdentityOf("ledger"), "");
}

TEST_F(StampTest, MakesATableThatWasDropped) {
  SHARD_OPEN_OR_SKIP({"eu", "ledger"});
  for (const char* name : {"eu", "ledger"}) {
    database(name).Run("DROP TABLE shard_decisions");
  }
  EXPECT_EQ(Run({"stamp"}).exit_code, 0);
  EXPECT_EQ(Decisions("eu") + Decisions("ledger"), 0);
}

class TopologyFileTest : public CheckTest {
 protected:
  std::string Write(const std::string& text) {
    const std::string path = folder() + "/topology.json";
    std::ofstream(path) << text;
    return path;
  }
  // Notes by id over two databases, one of them with a replica at `url`.
  std::string WriteShards(int epoch, const std::string& replica) {
    return Write(absl::StrCat(R"({"cluster": "bank", "epoch": )", epoch,
                              R"(, "databases": {
          "ledger": {"url": ")",
                              database("ledger").url(), R"(",
                     "replicas": {"copy": ")",
                              replica, R"("}},
          "file2": ")",
                              database("file2").url(), R"("},
        "routers": {
          "notes": {"type": "horizontal", "shards": ["ledger", "file2"],
            "strategy": {"type": "hash",
                         "slots": {"0-2047": "ledger", "2048-4095": "file2"}},
            "classes": {"Note": ["id"]},
            "tables": {"notes": {"key": {"id": "int64"}},
                       "pairs": {"key": {"owner": "text", "n": "int64"}}}},
          "own": {"type": "of_the_program", "what": 1}}})"));
  }
};

TEST_F(TopologyFileTest, CheckComparesStampsAndEpoch) {
  SHARD_OPEN_OR_SKIP({"ledger", "file2"});
  const std::string path = WriteShards(1, database("ledger").url());
  const Ran text = RunProgram(Command({"topology", "check", path}));
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("slot map epoch 1"));
  EXPECT_THAT(text.out, HasSubstr("of_the_program"));
  const Ran ran = RunProgram(
      Command({"--json", "topology", "check", WriteShards(2, "sqlite:////x")}));
  EXPECT_EQ(ran.exit_code, 2) << ran.err;
  const Json answer = Json::parse(ran.out);
  EXPECT_EQ(answer["epoch"], 2);
  EXPECT_EQ(answer["routers"][0]["known"], true);
  EXPECT_EQ(answer["routers"][1]["known"], false);
  EXPECT_EQ(answer["databases"][0]["level"], "warning");
  EXPECT_EQ(answer["databases"][1]["database"], "copy");
  EXPECT_EQ(answer["databases"][1]["reached"], false);
}

TEST_F(TopologyFileTest, CheckFindsAReplicaOfSomethingElse) {
  SHARD_OPEN_OR_SKIP({"ledger", "file2"});
  const std::string path = WriteShards(1, database("file2").url());
  const Ran ran = RunProgram(Command({"topology", "check", path}));
  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_THAT(ran.out, HasSubstr("it is no copy of it"));
}

TEST_F(TopologyFileTest, AWrongFileIsWrongUsage) {
  SHARD_OPEN_OR_SKIP({"ledger"});
  const std::string path = Write(absl::StrCat(R"({"databases": {"ledger": ")",
                                              database("ledger").url(), R"("},
      "routers": {"r": {"type": "horizontal", "shards": ["ledger"],
                        "strategy": {"type": "hash", "slots": {"0-7": "ledger"}}}}
      })"));
  const Ran ran = RunProgram(Command({"topology", "check", path}));
  EXPECT_EQ(ran.exit_code, 4);
  EXPECT_THAT(ran.err, HasSubstr("routers.r.strategy.slots, line 3: slot 8"));
}

TEST_F(TopologyFileTest, ExplainSaysWhereRowsAre) {
  SHARD_OPEN_OR_SKIP({"ledger", "file2"});
  const std::string path = WriteShards(1, "sqlite:////x");
  const Ran ran = RunProgram(Command(
      {"--json", "explain", path, "--table=notes", "--key=42", "--key=43"}));
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  const Json answers = Json::parse(ran.out)["answers"];
  ASSERT_EQ(answers.size(), 2u);
  for (const Json& answer : answers) {
    ASSERT_EQ(answer["places"].size(), 1u);
    const std::string shard = answer["places"][0]["shard"];
    EXPECT_TRUE(shard == "ledger" || shard == "file2");
    EXPECT_THAT(answer["places"][0]["sql"].get<std::string>(),
                HasSubstr("FROM \"notes\" WHERE"));
    EXPECT_THAT(answer["why"].get<std::string>(), HasSubstr("id"));
  }
  const Ran all = RunProgram(Command({"explain", path, "--table=pairs"}));
  EXPECT_EQ(all.exit_code, 0);
  EXPECT_THAT(all.out, AllOf(HasSubstr("ledger"), HasSubstr("file2")));
  const Ran pair =
      RunProgram(Command({"explain", path, "--table=pairs", "--key=ada,7"}));
  EXPECT_EQ(pair.exit_code, 0) << pair.err;
  const auto wrong = [&](const std::string& table, const std::string& key) {
    const Ran wrong = RunProgram(
        Command({"explain", path, "--table=" + table, "--key=" + key}));
    EXPECT_EQ(wrong.exit_code, 4);
    return wrong.err;
  };
  EXPECT_THAT(wrong("nots", "1"), HasSubstr("describes no table 'nots'"));
  EXPECT_THAT(wrong("notes", "secret"), HasSubstr("--key, column id"));
  EXPECT_THAT(wrong("pairs", "ada"), HasSubstr("needs 2 values"));
}

}  // namespace
}  // namespace shard::testing
