// What the tests of the atomic commit start from.
#ifndef SHARD_TESTS_SESSION_TWO_PHASE_TWO_PHASE_TEST_H_
#define SHARD_TESTS_SESSION_TWO_PHASE_TWO_PHASE_TEST_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/sql/types.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/two_phase/cluster.h"

namespace shard::testing {

class TwoPhaseTest : public ::testing::Test {
 protected:
  TwoPhaseTest()
      : folder_(
            absl::StrCat(::testing::TempDir(), "/", Uuid::Random().ToText())) {
    std::filesystem::create_directories(folder_);
  }
  ~TwoPhaseTest() override {
    Close();
    std::filesystem::remove_all(folder_);
  }

  // False, and the test is skipped, where the servers are not there.
  bool Open(std::string_view kinds) {
    Close();
    if (!MadeDatabases::CanMake(kinds)) return false;
    const std::string files = absl::StrCat(folder_, "/", opened_++);
    std::filesystem::create_directories(files);
    databases_.emplace(kinds, files);
    EngineOptions options;
    options.busy_timeout = absl::Milliseconds(500);
    options.on_statement = [log = log_](const StatementEvent& event) {
      log->Add(event);
    };
    cluster_.emplace(urls(), options);
    for (const std::string& url : urls()) {
      outside_.push_back(std::make_unique<Outside>(url));
    }
    log_->Clear();
    return true;
  }

  void Close() {
    cluster_.reset();
    outside_.clear();
    databases_.reset();
  }

  Cluster& cluster() { return *cluster_; }
  SessionOptions options() const { return cluster_->options(); }
  Outside& outside(std::size_t database) { return *outside_[database]; }
  StatementLog& log() { return *log_; }
  const std::vector<std::string>& urls() const { return databases_->urls(); }
  bool is_open() const { return cluster_.has_value(); }

  // The path of a database that is a file.
  std::string Path(std::size_t database) const {
    const std::string& url = urls()[database];
    return url.substr(url.find("///") + 3);
  }
  bool HasMarker(std::size_t database) const {
    return std::filesystem::exists(Path(database) + "-shard");
  }

  // Cities of that name over all databases.
  std::int64_t Cities(const std::string& name) {
    std::int64_t count = 0;
    for (const auto& outside : outside_) count += outside->Cities(name);
    return count;
  }
  std::int64_t Prepared() {
    std::int64_t count = 0;
    for (const auto& outside : outside_) count += outside->Prepared();
    return count;
  }
  std::int64_t Decisions() {
    std::int64_t count = 0;
    for (const auto& outside : outside_) count += outside->Decisions();
    return count;
  }
  void ExpectNothingIsLeft() {
    const RecoveryReport report = cluster().RecoverNow();
    EXPECT_TRUE(report.clean()) << report.ToString();
    EXPECT_EQ(Prepared(), 0);
    EXPECT_EQ(Decisions(), 0);
    for (const auto& outside : outside_) EXPECT_TRUE(outside->LocksAreFree());
    for (std::size_t i = 0; i < urls().size(); ++i) {
      EXPECT_FALSE(HasMarker(i)) << "beside d" << i;
    }
  }

 private:
  const std::string folder_;
  int opened_ = 0;
  std::optional<MadeDatabases> databases_;
  std::shared_ptr<StatementLog> log_ = std::make_shared<StatementLog>();
  std::optional<Cluster> cluster_;
  std::vector<std::unique_ptr<Outside>> outside_;
};

}  // namespace shard::testing

// Opens databases of these kinds, or skips the test.
#define SHARD_OPEN_OR_SKIP(kinds)                                        \
  if (!Open(kinds)) {                                                    \
    GTEST_SKIP() << "needs PostgreSQL servers: run the tests by ./test"; \
  }

#endif  // SHARD_TESTS_SESSION_TWO_PHASE_TWO_PHASE_TEST_H_
