// What the tests of shardctl start from.
#ifndef SHARD_TESTS_TOOLS_SHARDCTL_TEST_H_
#define SHARD_TESTS_TOOLS_SHARDCTL_TEST_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "shard/tests/tools/program.h"
#include "shard/tests/tools/raw_database.h"

namespace shard::testing {

// Cluster "bank": the real program on real databases, in states made by hand.
// Each has a table notes(note).
class ShardctlTest : public ::testing::Test {
 protected:
  using Json = nlohmann::json;

  ShardctlTest();
  ~ShardctlTest() override;

  // Makes databases of these names, and stamps them. "ledger" is a SQLite file,
  // as are "file...", "old" is on a server that cannot prepare, the others are
  // on PostgreSQL servers in turn. False, and nothing is made, where those are
  // not there.
  bool Open(const std::vector<std::string>& names, bool stamp = true);
  RawDatabase& database(const std::string& name) { return *raw_.at(name); }
  const std::string& folder() const { return folder_; }

  // The options that name the cluster and its databases.
  std::vector<std::string> Databases() const;
  // From now on that database is named by this URL.
  void Redirect(const std::string& name, const std::string& url) {
    urls_.at(name) = url;
  }
  // A server that is not there.
  static std::string DeadUrl() {
    return "postgresql://nobody:secret99@127.0.0.1:1/nowhere";
  }

  static std::vector<std::string> Command(std::vector<std::string> arguments);
  Ran Run(const std::vector<std::string>& arguments);
  // With --json; what it printed is an object, and its exit code is in it.
  std::pair<int, Json> RunJson(const std::vector<std::string>& arguments);

  std::string IdentityOf(const std::string& name);
  // "0": a decider that gives transactions no numbers.
  std::string Gid(const std::string& decider, int branch,
                  const std::string& number = "0",
                  const std::string& cluster = "bank");
  // The number of a transaction that was rolled back there.
  std::string DeadNumber(const std::string& name);
  // Writes a note and prepares it.
  void Prepare(const std::string& name, const std::string& gid);
  // Puts in a decision over Gid(decider, ...), with these participants.
  void DecideAt(const std::string& decider, const std::string& outcome,
                const std::vector<std::string>& participants,
                const std::string& number = "0");

  long Notes(const std::string& name);
  long Prepared(const std::string& name);
  // Rows of that outcome; "%" for all.
  long Decisions(const std::string& name, const std::string& outcome = "%");

  static constexpr char kTxn[] = "0123456789abcdef0123456789abcdef";

 private:
  std::string folder_;
  std::vector<std::string> names_;
  std::map<std::string, std::unique_ptr<RawDatabase>> raw_;
  std::map<std::string, std::string> urls_;
};

}  // namespace shard::testing

// Opens these databases, or skips the test.
#define SHARD_OPEN_OR_SKIP(...)                                          \
  if (!Open(__VA_ARGS__)) {                                              \
    GTEST_SKIP() << "needs PostgreSQL servers: run the tests by ./test"; \
  }

#endif  // SHARD_TESTS_TOOLS_SHARDCTL_TEST_H_
