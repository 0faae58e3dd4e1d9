// shardctl on SQLite files whose transaction died behind its decision, and that
// another program has written to since.
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "shard/tests/session/two_phase/cluster.h"
#include "shard/tests/tools/program.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using Json = nlohmann::json;

// Cluster "test": d0 decides, and d1, which follows, lacks its share.
class ShardctlFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = absl::StrCat(::testing::TempDir(), "/files.XXXXXX");
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
  }
  ~ShardctlFilesTest() override {
    d0_.reset();
    d1_.reset();
    std::filesystem::remove_all(folder_);
  }

  // The city "Rome" is decided by d0, and not in d1.
  void Lose() {
    d0_.reset();
    d1_.reset();
    databases_.reset();
    const std::string files = absl::StrCat(folder_, "/", ++made_);
    std::filesystem::create_directories(files);
    databases_.emplace("SS", files);
    d0_ = std::make_unique<Outside>(url(0));
    d1_ = std::make_unique<Outside>(url(1));
    const int status = std::system(
        absl::StrCat("tests/session/two_phase/fault_child die decide.answered ",
                     "Rome ", url(0), " ", url(1))
            .c_str());
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 99) << status;
    ASSERT_EQ(d0_->Cities("Rome"), 1);
    ASSERT_EQ(Contents(), "");
  }

  const std::string& url(std::size_t index) const {
    return databases_->urls()[index];
  }
  // Of the follower's table.
  std::string Contents() {
    return d1_->Text(
        "select coalesce(group_concat(id || ' ' || name), '') from (select * "
        "from cities order by id)");
  }
  std::string IdentityOf(Outside& database) {
    return database.Text("select identity from shard_stamp");
  }
  Ran Run(const std::vector<std::string>& arguments, bool with_d0 = true) {
    std::vector<std::string> command = {"tools/shardctl/shardctl", "--cluster",
                                        "test"};
    if (with_d0) command.push_back(absl::StrCat("--database=d0=", url(0)));
    command.push_back(absl::StrCat("--database=d1=", url(1)));
    command.insert(command.end(), arguments.begin(), arguments.end());
    return RunProgram(command);
  }
  std::pair<int, Json> RunJson(std::vector<std::string> arguments,
                               bool with_d0 = true) {
    arguments.emplace_back("--json");
    const Ran ran = Run(arguments, with_d0);
    Json object = Json::parse(ran.out, nullptr, /*allow_exceptions=*/false);
    EXPECT_TRUE(object.is_object()) << ran.out << ran.err;
    EXPECT_EQ(object.value("exit_code", -1), ran.exit_code);
    return {ran.exit_code, std::move(object)};
  }
  std::string Transaction() {
    return RunJson({"status"}).second["transactions"][0]["transaction"];
  }
  // Nothing is unfinished, and recovery has no complaint.
  void ExpectSettled() {
    EXPECT_EQ(RunJson({"status"}).first, 0);
    EXPECT_EQ(Run({"recover", "--recover-after", "0s"}).exit_code, 0);
  }

  std::unique_ptr<Outside> d0_;
  std::unique_ptr<Outside> d1_;

 private:
  std::string folder_;
  int made_ = 0;
  std::optional<MadeDatabases> databases_;
};

TEST_F(ShardctlFilesTest, WithoutAConflictRecoveryDoesIt) {
  Lose();
  auto [code, status] = RunJson({"status"});
  EXPECT_EQ(code, 1);
  EXPECT_EQ(status["transactions"][0]["state"], "pending");
  EXPECT_EQ(status["transactions"][0]["conflicts"], Json::array());
  EXPECT_EQ(Run({"recover", "--recover-after", "0s"}).exit_code, 0);
  EXPECT_EQ(Contents(), "1 Rome");
  ExpectSettled();
}

TEST_F(ShardctlFilesTest, StatusShowsRowsInConflict) {
  Lose();
  d1_->Run("insert into cities values (1, 'C1', 'Oslo', 7)");
  const Ran text = Run({"status"});
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_THAT(text.out,
              AllOf(HasSubstr("conflict"),
                    HasSubstr("'d1': table cities, id=1: the row to insert is "
                              "there already"),
                    HasSubstr("--overwrite and --keep")));
  auto [code, status] = RunJson({"status"});
  EXPECT_EQ(code, 1);
  EXPECT_EQ(status["unfinished"], 1);
  const Json& entry = status["transactions"][0];
  EXPECT_EQ(entry["state"], "conflict");
  EXPECT_EQ(entry["decision"], "commit");
  EXPECT_EQ(entry["decider"], "d0");
  EXPECT_EQ(entry["prepared_on"], Json({"d1"}));
  EXPECT_EQ(entry["conflicts"],
            Json::array({{{"database", "d1"},
                          {"table", "cities"},
                          {"key", "id=1"},
                          {"what", "the row to insert is there already"}}}));
  // Recovery cannot, and neither can resolve without a word on the rows.
  EXPECT_NE(Run({"recover", "--recover-after", "0s"}).exit_code, 0);
  auto [resolved, answer] =
      RunJson({"resolve", entry["transaction"], "--commit"});
  EXPECT_EQ(resolved, 1);
  EXPECT_EQ(answer["shares"][0]["result"], "failed");
  EXPECT_EQ(answer["shares"][0]["conflicts"][0]["key"], "id=1");
  EXPECT_EQ(
      Run({"resolve", entry["transaction"], "--abort", "--yes"}).exit_code, 3);
  EXPECT_EQ(Contents(), "1 Oslo");
}

TEST_F(ShardctlFilesTest, OverwriteAndKeepSettleRows) {
  for (const bool overwrite : {true, false}) {
    SCOPED_TRACE(overwrite);
    Lose();
    d1_->Run(
        "insert into cities values (1, 'C1', 'Oslo', 7), (2, 'C1', 'Bern', 8)");
    const std::string gid = Transaction();
    const char* const how = overwrite ? "--overwrite" : "--keep";
    // Whoever does not confirm changes nothing.
    EXPECT_EQ(Run({"resolve", gid, "--commit", how}).exit_code, 3);
    EXPECT_EQ(Contents(), "1 Oslo,2 Bern");
    const Ran ran = Run({"resolve", gid, "--commit", how, "--yes"});
    EXPECT_EQ(ran.exit_code, 0) << ran.out << ran.err;
    EXPECT_THAT(ran.err, HasSubstr("WARNING"));
    EXPECT_THAT(ran.out, HasSubstr(overwrite ? "overwritten: table cities, id=1"
                                             : "given up: table cities, id=1"));
    EXPECT_EQ(Contents(), overwrite ? "1 Rome,2 Bern" : "1 Oslo,2 Bern");
    ExpectSettled();
  }
}

TEST_F(ShardctlFilesTest, ATableThatWasDroppedCanOnlyBeKept) {
  Lose();
  d1_->Run("alter table cities rename to towns");
  auto [code, status] = RunJson({"status"});
  EXPECT_EQ(code, 1);
  const Json& entry = status["transactions"][0];
  EXPECT_EQ(entry["state"], "conflict");
  EXPECT_EQ(entry["conflicts"][0]["table"], "cities");
  EXPECT_EQ(entry["conflicts"][0]["key"], "");
  EXPECT_THAT(Run({"status"}).out,
              HasSubstr("'d1': table cities: there is no such table"));
  const std::string gid = entry["transaction"];
  const Ran refused = Run({"resolve", gid, "--commit", "--overwrite", "--yes"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.out, HasSubstr("no rows can be written over"));
  const Ran kept = Run({"resolve", gid, "--commit", "--keep", "--yes"});
  EXPECT_EQ(kept.exit_code, 0) << kept.out << kept.err;
  EXPECT_THAT(kept.out, HasSubstr("given up: table cities: there is no such"));
  EXPECT_EQ(d1_->Number("select count(*) from towns"), 0);
  ExpectSettled();
}

TEST_F(ShardctlFilesTest, AShareThatOnlyAForgottenFileKeptIsGivenUp) {
  Lose();
  const std::string gid = Transaction();
  const auto [code, forgotten] =
      RunJson({"forget", IdentityOf(*d0_)}, /*with_d0=*/false);
  EXPECT_EQ(code, 0) << forgotten;
  EXPECT_EQ(forgotten["given_up"],
            Json::array({{{"database", "d1"}, {"gid", gid}}}));
  Lose();
  const std::string next = Transaction();
  const Ran ran = Run({"forget", IdentityOf(*d0_)}, /*with_d0=*/false);
  EXPECT_EQ(ran.exit_code, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr(absl::StrCat(
                           "'d1' gives up its share, if any, of ", next)));
}

TEST_F(ShardctlFilesTest, AFileOfTheTopologyIsNotForgotten) {
  Lose();
  const std::string identity = IdentityOf(*d0_);
  const auto peers = [&] {
    return d1_->Number(absl::StrCat(
        "select count(*) from shard_peers where identity = '", identity, "'"));
  };
  EXPECT_EQ(peers(), 1);
  // It may not go while the other file needs what it holds.
  EXPECT_EQ(Run({"check", "--remove", "d0"}).exit_code, 3);
  const Ran refused = Run({"forget", identity});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(refused.err, HasSubstr("in the topology"));
  EXPECT_EQ(peers(), 1);

  EXPECT_EQ(Run({"recover", "--recover-after", "0s"}).exit_code, 0);
  // Its decision is kept, and names it.
  EXPECT_EQ(Run({"check", "--remove", "d0"}).exit_code, 3);
  EXPECT_EQ(Run({"recover", "--retention", "0s"}).exit_code, 0);
  EXPECT_EQ(Run({"check", "--remove", "d0"}).exit_code, 0);
  const Ran ran = Run({"forget", identity}, /*with_d0=*/false);
  EXPECT_EQ(ran.exit_code, 0) << ran.out << ran.err;
  EXPECT_EQ(peers(), 0);
  EXPECT_EQ(Run({"forget", identity}, /*with_d0=*/false).exit_code, 0);
  EXPECT_EQ(Contents(), "1 Rome");
  EXPECT_EQ(Run({"forget"}).exit_code, 4);
  EXPECT_EQ(Run({"forget", "not-an-identity"}).exit_code, 4);
}

}  // namespace
}  // namespace shard::testing
