#include "shard/tests/tools/shardctl_test.h"

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace shard::testing {

constexpr char kProgram[] = "tools/shardctl/shardctl";

ShardctlTest::ShardctlTest() {
  std::string folder = absl::StrCat(::testing::TempDir(), "/shardctl.XXXXXX");
  if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("mkdtemp");
  folder_ = folder;
}

ShardctlTest::~ShardctlTest() {
  raw_.clear();
  std::filesystem::remove_all(folder_);
}

bool ShardctlTest::Open(const std::vector<std::string>& names, bool stamp) {
  std::size_t server = 0;
  for (const std::string& name : names) {
    std::unique_ptr<RawDatabase> raw =
        name == "ledger" || name.starts_with("file")
            ? RawDatabase::NewSqlite(absl::StrCat(folder_, "/", name, ".db"))
        : name == "old" ? RawDatabase::NewPostgresThatCannotPrepare()
                        : RawDatabase::NewPostgres(server++);
    if (raw == nullptr) return false;
    raw->Run("CREATE TABLE notes (note TEXT)");
    names_.push_back(name);
    urls_[name] = raw->url();
    raw_[name] = std::move(raw);
  }
  if (!stamp) return true;
  const Ran ran = Run({"stamp"});
  EXPECT_EQ(ran.exit_code, 0) << ran.out << ran.err;
  return true;
}

std::vector<std::string> ShardctlTest::Databases() const {
  std::vector<std::string> options = {"--cluster", "bank"};
  for (const std::string& name : names_) {
    options.push_back(absl::StrCat("--database=", name, "=", urls_.at(name)));
  }
  return options;
}

std::vector<std::string> ShardctlTest::Command(
    std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), kProgram);
  return arguments;
}

Ran ShardctlTest::Run(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = Databases();
  command.insert(command.end(), arguments.begin(), arguments.end());
  Ran ran = RunProgram(Command(std::move(command)));
  EXPECT_EQ(ran.out.find("secret99"), std::string::npos) << ran.out;
  EXPECT_EQ(ran.err.find("secret99"), std::string::npos) << ran.err;
  return ran;
}

std::pair<int, ShardctlTest::Json> ShardctlTest::RunJson(
    const std::vector<std::string>& arguments) {
  std::vector<std::string> with_json = arguments;
  with_json.push_back("--json");
  const Ran ran = Run(with_json);
  Json object = Json::parse(ran.out, nullptr, /*allow_exceptions=*/false);
  EXPECT_TRUE(object.is_object()) << ran.out << ran.err;
  EXPECT_EQ(object.value("exit_code", -1), ran.exit_code) << ran.out;
  return {ran.exit_code, std::move(object)};
}

std::string ShardctlTest::IdentityOf(const std::string& name) {
  return database(name).Run("SELECT identity FROM shard_stamp");
}

std::string ShardctlTest::Gid(const std::string& decider, int branch,
                              const std::string& number,
                              const std::string& cluster) {
  return absl::StrCat("shard1/", cluster, "/", IdentityOf(decider), "/", kTxn,
                      "/", number, "/", branch);
}

std::string ShardctlTest::DeadNumber(const std::string& name) {
  database(name).Run("BEGIN");
  const std::string number = database(name).Run("SELECT pg_current_xact_id()");
  database(name).Run("ROLLBACK");
  return number;
}

void ShardctlTest::Prepare(const std::string& name, const std::string& gid) {
  database(name).Run("BEGIN");
  database(name).Run("INSERT INTO notes VALUES ('prepared')");
  database(name).Run(absl::StrCat("PREPARE TRANSACTION '", gid, "'"));
}

void ShardctlTest::DecideAt(const std::string& decider,
                            const std::string& outcome,
                            const std::vector<std::string>& participants,
                            const std::string& number) {
  Json list = {{"gid", Gid(decider, 0, number)}, {"prepared", Json::array()}};
  int branch = 0;
  for (const std::string& name : participants) {
    list["prepared"].push_back({{"database", name},
                                {"identity", IdentityOf(name)},
                                {"gid", Gid(decider, ++branch, number)}});
  }
  database(decider).Run(absl::StrCat(
      "INSERT INTO shard_decisions (txn, outcome, participants) VALUES ('",
      kTxn, "', '", outcome, "', '", list.dump(), "')"));
}

long ShardctlTest::Notes(const std::string& name) {
  return std::stol(database(name).Run("SELECT count(*) FROM notes"));
}

long ShardctlTest::Prepared(const std::string& name) {
  return std::stol(
      database(name).Run("SELECT count(*) FROM pg_prepared_xacts WHERE "
                         "database = current_database()"));
}

long ShardctlTest::Decisions(const std::string& name,
                             const std::string& outcome) {
  return std::stol(database(name).Run(
      absl::StrCat("SELECT count(*) FROM shard_decisions WHERE outcome LIKE '",
                   outcome, "'")));
}

}  // namespace shard::testing
