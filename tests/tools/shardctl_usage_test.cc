// How shardctl takes its command line and its topology file.
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/tests/tools/shardctl_test.h"

namespace shard::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class UsageTest : public ShardctlTest {
 protected:
  // What is said of a wrong command line; nothing of it may be a secret.
  std::string Wrong(const std::vector<std::string>& arguments) {
    const Ran ran = RunProgram(Command(arguments));
    EXPECT_EQ(ran.exit_code, 4) << ran.err;
    EXPECT_THAT(ran.out, IsEmpty());
    EXPECT_THAT(ran.err, StartsWith("shardctl: "));
    EXPECT_EQ(ran.err.find("secret99"), std::string::npos) << ran.err;
    return ran.err;
  }
  std::string Write(const std::string& text) {
    const std::string path = folder() + "/topology.json";
    std::ofstream(path) << text;
    return path;
  }
  std::string WrongFile(const std::string& text) {
    return Wrong({"--topology", Write(text), "status"});
  }
};

TEST_F(UsageTest, HelpShowsEveryCommand) {
  const Ran help = RunProgram(Command({"--help"}));
  EXPECT_EQ(help.exit_code, 0);
  for (const std::string command :
       {"status", "recover", "resolve", "check", "stamp", "forget", "load",
        "topology", "explain"}) {
    EXPECT_THAT(help.out, HasSubstr("  " + command + " "));
    const Ran more = RunProgram(Command({command, "--help"}));
    EXPECT_EQ(more.exit_code, 0);
    EXPECT_THAT(more.out, StartsWith("shardctl " + command));
    EXPECT_THAT(more.out, HasSubstr("examples"));
    EXPECT_THAT(more.out, HasSubstr("exit code"));
  }
}

TEST_F(UsageTest, WrongCommandLines) {
  EXPECT_THAT(Wrong({}), HasSubstr("say what to do"));
  EXPECT_THAT(Wrong({"stauts"}), HasSubstr("'stauts' is no command"));
  EXPECT_THAT(Wrong({"status"}), HasSubstr("no databases"));
  EXPECT_THAT(Wrong({"--frobnicate", "status"}),
              HasSubstr("no option '--frobnicate'"));
  EXPECT_THAT(Wrong({"status", "--yes"}), HasSubstr("--yes is for resolve"));
  EXPECT_THAT(Wrong({"status", "now"}), HasSubstr("takes no argument 'now'"));
  EXPECT_THAT(Wrong({"status", "--json=1"}), HasSubstr("takes no value"));
  EXPECT_THAT(Wrong({"check", "--remove"}), HasSubstr("needs a value"));
  EXPECT_THAT(Wrong({"recover", "--retention", "10"}),
              HasSubstr("needs a duration"));
  EXPECT_THAT(Wrong({"recover", "--retention=-1s"}),
              HasSubstr("needs a duration"));
  EXPECT_THAT(Wrong({"status", "--timeout", "0s"}), HasSubstr("from 1ms"));
  EXPECT_THAT(Wrong({"status", "--epoch", "0"}), HasSubstr("--epoch"));
  EXPECT_THAT(Wrong({"resolve", "--abort"}), HasSubstr("needs the gid"));
  EXPECT_THAT(Wrong({"resolve", "x", "--abort", "--commit"}),
              HasSubstr("opposite"));
  EXPECT_THAT(Wrong({"resolve", "x"}), HasSubstr("--commit or --abort"));
  EXPECT_THAT(Wrong({"topology"}), HasSubstr("topology check FILE.json"));
  EXPECT_THAT(Wrong({"topology", "check"}), HasSubstr("needs a topology file"));
  EXPECT_THAT(Wrong({"explain", "a.json"}), HasSubstr("needs --table"));
  EXPECT_THAT(Wrong({"explain", "a.json", "b.json", "--table=t"}),
              HasSubstr("takes no argument 'b.json'"));
  EXPECT_THAT(Wrong({"explain", "--table=t", "--epoch=1"}),
              HasSubstr("leave out --cluster"));
  EXPECT_THAT(Wrong({"status", "--key=1"}), HasSubstr("--key is for explain"));
}

TEST_F(UsageTest, WrongLoads) {
  const auto wrong = [this](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "load");
    return Wrong(arguments);
  };
  EXPECT_THAT(wrong({}), HasSubstr("needs a CSV file"));
  EXPECT_THAT(wrong({"a.csv"}), HasSubstr("needs --table"));
  EXPECT_THAT(wrong({"a.csv", "--table=t"}), HasSubstr("needs --shard-by"));
  EXPECT_THAT(wrong({"-", "--table=t", "--shard-by=a"}),
              HasSubstr("no databases"));
  EXPECT_THAT(wrong({"a.csv", "b.csv"}), HasSubstr("takes no argument"));
  EXPECT_THAT(wrong({"--shard-by=a,,b"}), HasSubstr("--shard-by needs names"));
  EXPECT_THAT(wrong({"--shards", "a,b,a"}), HasSubstr("names 'a' twice"));
  EXPECT_THAT(wrong({"--type=a"}), HasSubstr("COLUMN=TYPE"));
  EXPECT_THAT(wrong({"--type=a=integer"}), HasSubstr("decimal, uuid or json"));
  EXPECT_THAT(wrong({"--batch-rows=0"}), HasSubstr("from 1 to"));
  EXPECT_THAT(wrong({"--delimiter=::"}), HasSubstr("needs one byte"));
  EXPECT_THAT(wrong({"--delimiter=\""}), HasSubstr("needs one byte"));
  const std::vector<std::string> whole = {"a.csv", "--table=t", "--shard-by=a"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), whole.begin(), whole.end());
    return wrong(more);
  };
  EXPECT_THAT(with({"--skip-bad", "--all-or-nothing"}), HasSubstr("opposites"));
  EXPECT_THAT(with({"--restart", "--mended"}), HasSubstr("opposites"));
  EXPECT_THAT(with({"--refused=x"}), HasSubstr("is for --skip-bad"));
  EXPECT_THAT(with({"--no-header"}), HasSubstr("go together"));
  EXPECT_THAT(with({"--columns=a,b"}), HasSubstr("go together"));
  EXPECT_THAT(Wrong({"status", "--table=t"}), HasSubstr("--table is for load"));
}

TEST_F(UsageTest, WrongDatabases) {
  const std::string url = "postgresql://me:secret99@127.0.0.1/bank";
  EXPECT_THAT(Wrong({"--database", "eu", "status"}), HasSubstr("NAME=URL"));
  EXPECT_THAT(Wrong({"--database", url, "status"}), HasSubstr("NAME=URL"));
  EXPECT_THAT(Wrong({"--database", url + "?sslmode=require", "status"}),
              HasSubstr("the name of a database (number 1)"));
  EXPECT_THAT(Wrong({"--databse", "eu=" + url, "status"}),
              HasSubstr("'--databse'"));
  EXPECT_THAT(Wrong({"--databse=eu=" + url, "status"}),
              HasSubstr("'--databse'"));
  EXPECT_THAT(Wrong({url, "status"}), HasSubstr("a URL is no command"));
  EXPECT_THAT(Wrong({"status", url}), HasSubstr("takes no argument a URL"));
  EXPECT_THAT(Wrong({"resolve", url, "--abort"}), HasSubstr("is no gid"));
  EXPECT_THAT(Wrong({"--database=eu=" + url, "--database=eu=" + url, "status"}),
              HasSubstr("given twice"));
  EXPECT_THAT(Wrong({"--database=eu=oracle://me:secret99@h/x", "status"}),
              HasSubstr("database 'eu'"));
  EXPECT_THAT(Wrong({"--database=eu=postgresql://me:secret99@h:x/y", "status"}),
              HasSubstr("port"));
  EXPECT_THAT(Wrong({"--database=eu=sqlite://", "status"}),
              HasSubstr("in memory"));
  EXPECT_THAT(Wrong({"--cluster=a b", "--database=eu=sqlite:///x", "status"}),
              HasSubstr("the name of a cluster"));
}

TEST_F(UsageTest, WrongFiles) {
  EXPECT_THAT(Wrong({"--topology", "/nowhere.json", "status"}),
              HasSubstr("'/nowhere.json' cannot be read"));
  EXPECT_THAT(Wrong({"--topology", folder(), "status"}),
              HasSubstr("cannot be read"));
  EXPECT_THAT(WrongFile(R"({"databases": {
      "eu": "postgresql://me:secret99@h/x" "us": 1}})"),
              HasSubstr("line 2: this is no JSON: unexpected string literal"));
  EXPECT_THAT(WrongFile(R"(["postgresql://me:secret99@h/x"])"),
              HasSubstr("line 1: must be an object"));
  EXPECT_THAT(WrongFile(R"({"eu": "postgresql://me:secret99@h/x"})"),
              HasSubstr("member number 1 is not known"));
  EXPECT_THAT(WrongFile(R"({"databases": {"eu": {"secret99": 1}}})"),
              HasSubstr("databases.eu, line 1: member number 1 is not known"));
  EXPECT_THAT(WrongFile(R"({"databases": {"eu": "x", "eu": "secret99"}})"),
              HasSubstr("databases.eu, line 1: it stands there twice"));
  EXPECT_THAT(WrongFile(R"({"databases": {"x://secret99@h/x": "eu"}})"),
              HasSubstr("the name of a database (number 1)"));
  EXPECT_THAT(WrongFile(R"({"epoch": 0})"),
              HasSubstr("epoch, line 1: must be 1 or more"));
  EXPECT_THAT(WrongFile(R"({"cluster": 7})"),
              HasSubstr("cluster, line 1: must be text"));
  EXPECT_THAT(WrongFile("{}"), HasSubstr("no databases"));
  EXPECT_THAT(Wrong({"--topology", Write("{}"), "--cluster=x", "status"}),
              HasSubstr("--topology says all"));
}

TEST_F(UsageTest, TheFileSaysAll) {
  SHARD_OPEN_OR_SKIP({"ledger"}, /*stamp=*/false);
  const std::string path =
      Write(Json({{"cluster", "shop"},
                  {"epoch", 4},
                  {"databases", {{"ledger", database("ledger").url()}}}})
                .dump());
  const Ran ran = RunProgram(Command({"--topology", path, "stamp"}));
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(database("ledger").Run("SELECT cluster || epoch FROM shard_stamp"),
            "shop4");
  EXPECT_EQ(RunProgram(Command({"status", "--topology=" + path})).exit_code, 0);
}

TEST_F(UsageTest, ErrorsAreInTheObjectToo) {
  const Ran ran = RunProgram(Command({"status", "--json"}));
  EXPECT_EQ(ran.exit_code, 4);
  const Json object = Json::parse(ran.out);
  EXPECT_EQ(object["exit_code"], 4);
  EXPECT_EQ(object["error"]["code"], "INVALID_ARGUMENT");
  EXPECT_THAT(object["error"]["message"].get<std::string>(),
              HasSubstr("no databases"));
  EXPECT_THAT(ran.err, HasSubstr("no databases"));
}

}  // namespace
}  // namespace shard::testing
