// shardctl load: files into tables that are spread over shards.
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/tests/tools/program.h"
#include "shard/tests/tools/shardctl_test.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kNoServers[] =
    "needs PostgreSQL servers: run the tests by ./test";

using Names = std::vector<std::string>;

const Names& Files() {
  static const Names names = {"file0", "file1", "file2", "file3"};
  return names;
}
const Names& Servers() {
  static const Names names = {"eu", "us"};
  return names;
}
const Names& Mixed() {
  static const Names names = {"file0", "eu"};
  return names;
}

// Table accounts(id, owner, note, balance) on each database.
class LoadTest : public ShardctlTest {
 protected:
  bool OpenShards(const Names& names) {
    if (!Open(names)) return false;
    shards_ = names;
    OnEach(
        "CREATE TABLE accounts (id BIGINT PRIMARY KEY, owner TEXT NOT NULL, "
        "note TEXT DEFAULT 'none', balance DOUBLE PRECISION, "
        "CHECK (balance >= 0))");
    return true;
  }
  void OnEach(const std::string& sql) {
    for (const std::string& name : shards_) database(name).Run(sql);
  }
  std::string Write(const std::string& text) {
    const std::string path = folder() + "/accounts.csv";
    std::ofstream(path) << text;
    return path;
  }
  // Rows 1 to `rows`; the balance of a multiple of `bad_each` is refused.
  std::string WriteRows(int rows, int bad_each = 0) {
    std::ostringstream text;
    text << "id,owner,balance\n";
    for (int i = 1; i <= rows; ++i) {
      const bool bad = bad_each > 0 && i % bad_each == 0;
      text << i << ",owner " << i << "," << (bad ? "-" : "") << i << ".5\n";
    }
    return Write(text.str());
  }
  std::vector<std::string> LoadOf(const std::string& path,
                                  const Names& more = {}) {
    std::vector<std::string> arguments = {"load", "--table=accounts",
                                          "--shard-by=id", path};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::vector<std::string> Whole(const std::vector<std::string>& arguments) {
    std::vector<std::string> command = Databases();
    command.insert(command.end(), arguments.begin(), arguments.end());
    return Command(std::move(command));
  }

  long RowsOn(const std::string& name) {
    return std::stol(database(name).Run("SELECT count(*) FROM accounts"));
  }
  long Rows() {
    long rows = 0;
    for (const std::string& name : shards_) rows += RowsOn(name);
    return rows;
  }
  // Every row of 1 to `rows` is there once, on one of the shards.
  void ExpectEachOnce(int rows) {
    std::multiset<std::string> found, wanted;
    for (const std::string& name : shards_) {
      const std::string all = database(name).Run(
          is_file(name)
              ? "SELECT group_concat(id || ' ' || owner, '|') FROM accounts"
              : "SELECT string_agg(id || ' ' || owner, '|') FROM accounts");
      for (const auto row : absl::StrSplit(all, '|', absl::SkipEmpty())) {
        found.insert(std::string(row));
      }
    }
    for (int i = 1; i <= rows; ++i)
      wanted.insert(absl::StrCat(i, " owner ", i));
    EXPECT_EQ(found.size(), wanted.size());
    EXPECT_TRUE(found == wanted);
  }
  static bool is_file(const std::string& name) {
    return name.starts_with("file");
  }

  // Kills the load at its `kills` first runs, then lets it come to its end.
  void KillAndGoOn(const std::vector<std::string>& load, int rows, int kills) {
    std::mt19937 random(20261128);  // NOLINT: the same each time
    for (int i = 0; i < kills; ++i) {
      const long before = Rows();
      BackgroundProgram program(Whole(load));
      while (!program.ended() && Rows() <= before) {
        absl::SleepFor(absl::Milliseconds(5));
      }
      absl::SleepFor(absl::Milliseconds(random() % 50));
      program.Signal(SIGKILL);
      EXPECT_EQ(program.Wait(), -SIGKILL) << "too fast to be killed";
    }
    EXPECT_LT(Rows(), rows);
    const auto [code, object] = RunJson(load);
    EXPECT_EQ(code, 0) << object;
    EXPECT_EQ(object["rows"], rows);
    EXPECT_GT(object["rows_before"], 0);
    EXPECT_EQ(object["finished"], true);
    ExpectEachOnce(rows);
  }

 private:
  Names shards_;
};

TEST_F(LoadTest, EveryRowToItsShard) {
  if (!OpenShards(Files())) GTEST_SKIP() << kNoServers;
  const std::string path = WriteRows(5000);
  const Ran ran = Run(LoadOf(path));
  EXPECT_EQ(ran.exit_code, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("5,000 rows"));
  ExpectEachOnce(5000);
  for (const std::string& name : Files()) EXPECT_GT(RowsOn(name), 1000);
  EXPECT_EQ(database("file0").Run("SELECT note FROM accounts LIMIT 1"), "none");

  // Once more: there is nothing to do.
  const auto [code, object] = RunJson(LoadOf(path));
  EXPECT_EQ(code, 0) << object;
  EXPECT_EQ(object["finished"], true);
  EXPECT_EQ(object["rows"], 5000);
  EXPECT_EQ(object["rows_before"], 5000);
  EXPECT_EQ(Rows(), 5000);
  // From the beginning: every row is there already.
  const Ran again = Run(LoadOf(path, {"--restart"}));
  EXPECT_EQ(again.exit_code, 3) << again.out;
  EXPECT_THAT(again.err, HasSubstr("line "));
  EXPECT_EQ(Rows(), 5000);
}

TEST_F(LoadTest, WhatTheFileSays) {
  if (!OpenShards(Files())) GTEST_SKIP() << kNoServers;
  const std::string path = Write(
      "\xef\xbb\xbfowner;id;note\r\n\"a \"\"b\"\";\nc\";1;-\r\n\"\";2;\r\n");
  const auto [code, object] = RunJson(LoadOf(
      path, {"--delimiter=;", "--null=-", "--name=mine", "--shards", "file0"}));
  EXPECT_EQ(code, 0) << object;
  EXPECT_EQ(object["table"], "accounts");
  EXPECT_EQ(object["name"], "mine");
  EXPECT_EQ(object["rows"], 2);
  EXPECT_EQ(object["refused"], 0);
  EXPECT_EQ(object["shards"], Json({"file0"}));
  EXPECT_THAT(object["refused_rows"], IsEmpty());
  EXPECT_EQ(database("file0").Run("SELECT owner FROM accounts WHERE id = 1"),
            "a \"b\";\nc");
  EXPECT_EQ(
      database("file0").Run("SELECT count(*) FROM accounts WHERE note IS NULL"),
      "1");
  EXPECT_EQ(
      database("file0").Run("SELECT count(*) FROM accounts WHERE owner = ''"),
      "1");
}

TEST_F(LoadTest, FromStandardInput) {
  if (!OpenShards(Files())) GTEST_SKIP() << kNoServers;
  const std::string path = Write("1\tann\n2\tbob\n");
  std::string command = "exec \"$@\" < " + path;
  std::vector<std::string> shell = {"/bin/sh", "-c", command, "sh"};
  for (const std::string& word : Whole(LoadOf(
           "-", {"--delimiter=tab", "--no-header", "--columns", "id,owner"}))) {
    shell.push_back(word);
  }
  const Ran ran = RunProgram(shell);
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(Rows(), 2);
}

TEST_F(LoadTest, KilledAndResumedOnFiles) {
  if (!OpenShards(Files())) GTEST_SKIP() << kNoServers;
  constexpr int kRows = 60'000;
  KillAndGoOn(LoadOf(WriteRows(kRows), {"--batch-rows=1000"}), kRows, 4);
}

TEST_F(LoadTest, KilledAndResumedOnServers) {
  if (!OpenShards(Servers())) GTEST_SKIP() << kNoServers;
  constexpr int kRows = 60'000;
  KillAndGoOn(LoadOf(WriteRows(kRows), {"--batch-rows=1000"}), kRows, 4);
}

// The file decides; the server, which follows, keeps the position.
TEST_F(LoadTest, KilledAndResumedOnAFileAndAServer) {
  if (!OpenShards(Mixed())) GTEST_SKIP() << kNoServers;
  constexpr int kRows = 60'000;
  KillAndGoOn(LoadOf(WriteRows(kRows), {"--batch-rows=1000"}), kRows, 12);
}

TEST_F(LoadTest, OnAFileAndAServer) {
  if (!OpenShards(Mixed())) GTEST_SKIP() << kNoServers;
  const Ran ran = Run(LoadOf(WriteRows(3000), {"--batch-rows=500"}));
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  ExpectEachOnce(3000);
}

TEST_F(LoadTest, EndsBehindABatchWhenAskedTo) {
  if (!OpenShards(Files())) GTEST_SKIP() << kNoServers;
  constexpr int kRows = 100'000;
  const std::vector<std::string> load =
      LoadOf(WriteRows(kRows), {"--batch-rows=1000"});
  BackgroundProgram program(Whole(load));
  while (!program.ended() && Rows() == 0) {
    absl::SleepFor(absl::Milliseconds(5));
  }
  program.Signal(SIGTERM);
  EXPECT_EQ(program.Wait(), 1);
  const long rows = Rows();
  EXPECT_EQ(rows % 1000, 0);
  EXPECT_LT(rows, kRows);
  const Ran ran = Run(load);
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  ExpectEachOnce(kRows);
}

TEST_F(LoadTest, BadRowsEndIt) {
  if (!OpenShards(Files())) GTEST_SKIP() << kNoServers;
  const std::string path = WriteRows(1000, /*bad_each=*/750);
  const auto [code, object] = RunJson(LoadOf(path, {"--batch-rows=100"}));
  EXPECT_EQ(code, 3) << object;
  EXPECT_EQ(object["finished"], false);
  EXPECT_EQ(object["rows"], 700);
  EXPECT_THAT(object["error"]["message"].get<std::string>(),
              AllOf(HasSubstr("line 751"), Not(HasSubstr("750.5"))));
  EXPECT_EQ(Rows(), 700);
  // Mended, it goes on.
  const auto [skipped, rest] =
      RunJson(LoadOf(path, {"--batch-rows=100", "--skip-bad"}));
  EXPECT_EQ(skipped, 1) << rest;
  EXPECT_EQ(rest["rows"], 999);
  EXPECT_EQ(rest["rows_before"], 700);
  EXPECT_EQ(Rows(), 999);
}

TEST_F(LoadTest, BadRowsAreLeftOutAndListed) {
  if (!OpenShards(Files())) GTEST_SKIP() << kNoServers;
  const std::string refused = folder() + "/refused.csv";
  const std::vector<std::string> load =
      LoadOf(WriteRows(3000, /*bad_each=*/100),
             {"--batch-rows=1000", "--skip-bad", "--refused", refused});
  const Ran ran = Run(load);
  EXPECT_EQ(ran.exit_code, 1) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("2,970 rows"), HasSubstr("30 refused"),
                             HasSubstr("101"), HasSubstr("2001"),
                             Not(HasSubstr("2101")), HasSubstr(refused)));
  EXPECT_EQ(Rows(), 2970);
  std::ifstream file(refused);
  std::string line;
  std::vector<std::string> lines;
  while (std::getline(file, line)) lines.push_back(line);
  ASSERT_EQ(lines.size(), 31u);
  EXPECT_EQ(lines[0], "line,reason");
  EXPECT_TRUE(lines[30].starts_with("3001,\"")) << lines[30];
}

TEST_F(LoadTest, AllOrNothing) {
  if (!OpenShards(Files())) GTEST_SKIP() << kNoServers;
  const Ran bad = Run(LoadOf(WriteRows(2000, /*bad_each=*/1999),
                             {"--batch-rows=100", "--all-or-nothing"}));
  EXPECT_EQ(bad.exit_code, 3) << bad.out;
  EXPECT_THAT(bad.err, HasSubstr("line 2000"));
  EXPECT_EQ(Rows(), 0);
  const Ran good =
      Run(LoadOf(WriteRows(2000), {"--batch-rows=100", "--all-or-nothing"}));
  EXPECT_EQ(good.exit_code, 0) << good.err;
  ExpectEachOnce(2000);
}

TEST_F(LoadTest, ABarOnATerminal) {
  if (!OpenShards(Files())) GTEST_SKIP() << kNoServers;
  const Ran ran = RunOnTerminal(
      Whole(LoadOf(WriteRows(50'000), {"--batch-rows=1000"})), "");
  EXPECT_EQ(ran.exit_code, 0) << ran.out;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("\r["), HasSubstr("%\x1b[0m  "),
                             HasSubstr("\x1b[K"), HasSubstr("50,000 rows")));
  EXPECT_THAT(Run(LoadOf(WriteRows(50'000), {"--name=again"})).out,
              Not(HasSubstr("\x1b")));
}

TEST_F(LoadTest, WrongTables) {
  if (!OpenShards(Files())) GTEST_SKIP() << kNoServers;
  const std::string path = WriteRows(10);
  const auto refused = [&](const std::vector<std::string>& arguments,
                           const std::string& why) {
    const Ran ran = Run(arguments);
    EXPECT_EQ(ran.exit_code, 3) << ran.out;
    EXPECT_THAT(ran.err, HasSubstr(why));
  };
  refused({"load", "--table=nothing", "--shard-by=id", path},
          "there is no table 'nothing'");
  refused({"load", "--table=accounts", "--shard-by=owned", path},
          "no column 'owned'");
  refused({"load", "--table=accounts", "--shard-by=balance", path}, "balance");
  refused(LoadOf(path, {"--shards=file0,file9"}), "'file9'");
  refused(LoadOf("/nowhere.csv"), "/nowhere.csv");
  refused(LoadOf(Write("id,owners\n1,ann\n")), "owners");
  refused(LoadOf(Write("owner\nann\n")), "accounts.id is not set");
  database("file2").Run("ALTER TABLE accounts ADD COLUMN more TEXT");
  refused(LoadOf(WriteRows(10)), "column 'more' on 'file2'");
  EXPECT_EQ(Rows(), 0);
}

TEST_F(LoadTest, RowsThatLieElsewhere) {
  if (!OpenShards(Files())) GTEST_SKIP() << kNoServers;
  EXPECT_EQ(Run(LoadOf(WriteRows(200))).exit_code, 0);
  const Ran ran = Run(LoadOf(
      WriteRows(400), {"--shards=file3,file2,file1,file0", "--name=other"}));
  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("belong on"), HasSubstr("--shards")));
  EXPECT_EQ(Rows(), 200);
}

TEST_F(LoadTest, TypesThatSqliteDoesNotTell) {
  if (!OpenShards(Files())) GTEST_SKIP() << kNoServers;
  OnEach("CREATE TABLE seen (id BLOB PRIMARY KEY, at TEXT)");
  const std::string path = Write(
      "id,at\n6a3f1f0e-0000-4000-8000-000000000001,2026-11-28T06:00:00Z\n");
  const std::vector<std::string> load = {"load", "--table=seen",
                                         "--shard-by=id", path};
  EXPECT_EQ(Run(load).exit_code, 3);  // no bytes
  std::vector<std::string> typed = load;
  typed.insert(typed.end(), {"--type=id=uuid", "--type=at=timestamp"});
  const Ran ran = Run(typed);
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  std::string found;
  for (const std::string& name : Files()) {
    found += database(name).Run("SELECT hex(id) || ' ' || at FROM seen");
  }
  EXPECT_EQ(found,
            "6A3F1F0E000040008000000000000001 2026-11-28 06:00:00.000000");
}

TEST_F(LoadTest, GoesOnWithAMendedFile) {
  if (!OpenShards(Files())) GTEST_SKIP() << kNoServers;
  const Names batches = {"--batch-rows=100"};
  EXPECT_EQ(Run(LoadOf(WriteRows(500, /*bad_each=*/450), batches)).exit_code,
            3);
  const std::string path = WriteRows(500);  // no "-" any more: another size
  const Ran ran = Run(LoadOf(path, batches));
  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_THAT(ran.out, HasSubstr("400 rows are loaded"));
  EXPECT_EQ(Rows(), 400);
  EXPECT_EQ(Run(LoadOf(path, {"--batch-rows=100", "--mended"})).exit_code, 0);
  ExpectEachOnce(500);
}

TEST_F(LoadTest, TablesOfOthers) {
  if (!OpenShards(Servers())) GTEST_SKIP() << kNoServers;
  OnEach(
      "CREATE TABLE log (at timestamp, level varchar(5), place inet, "
      "length int GENERATED ALWAYS AS (length(level)) STORED)");
  const auto load = [](const std::string& path) {
    return std::vector<std::string>{"load", "--table=log", "--shard-by=at",
                                    path};
  };
  const Ran bad = Run(load(Write("at,place\n2026-11-28,::1\n")));
  EXPECT_EQ(bad.exit_code, 3);
  EXPECT_THAT(bad.err, AllOf(HasSubstr("'place' is inet"),
                             HasSubstr("'length' is always made")));
  // No primary key, and a type that COPY does not take.
  const Ran ran = Run(load(Write("level,at\ninfo,2026-11-28 06:00:00\n")));
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  const std::string query = "SELECT at || level || length FROM log";
  EXPECT_EQ(database("eu").Run(query) + database("us").Run(query),
            "2026-11-28 06:00:00info4");
}

TEST_F(LoadTest, AShardThatIsDown) {
  if (!OpenShards(Files())) GTEST_SKIP() << kNoServers;
  Redirect("file1", "sqlite:///" + folder() + "/gone.db");
  const Ran ran = Run(LoadOf(WriteRows(10)));
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.err, HasSubstr("file1"));
  EXPECT_EQ(Rows(), 0);
}

}  // namespace
}  // namespace shard::testing
