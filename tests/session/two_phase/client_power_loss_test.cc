// The machine of the client goes down, or its process, at every event of its
// SQLite files, while PostgreSQL servers that take part stay up. The process
// really ends there, since what the servers know cannot be turned back. Every
// event of two mixes is met; of the others every seventh, or with
// SHARD_TEST_ALL_OUTAGES set every one too.
#include <sys/wait.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "shard/tests/session/two_phase/outage_test.h"
#include "shard/tests/support/disk_trace.h"
#include "shard/tests/support/folder_contents.h"

namespace shard::testing {
namespace {

constexpr int kDied = 99;

struct ChildRun {
  int exit_code = -1;
  bool told = false;
};

class ClientPowerLossTest : public OutageTest {
 protected:
  ClientPowerLossTest() : image_(disk().folder() + ".image") {}
  ~ClientPowerLossTest() override { std::filesystem::remove_all(image_); }

  // A process runs the command until the outage. The folder is then as that
  // left it.
  ChildRun RunUntil(const Outage& outage, const std::string& command) {
    std::string line =
        absl::StrCat("tests/session/two_phase/power_loss_child ", command, " ",
                     done_ + 1, " ", outage.before_event,
                     outage.kind == Outage::kPowerLoss ? " power " : " death ",
                     outage.seed, " '", disk().folder(), "' '", image_, "'");
    for (const std::string& url : urls())
      absl::StrAppend(&line, " '", url, "'");
    ChildRun run;
    FILE* const pipe = popen(line.c_str(), "r");
    char buffer[256];
    while (fgets(buffer, sizeof buffer, pipe) != nullptr) {
      run.told = run.told || absl::StartsWith(buffer, "told");
    }
    const int status = pclose(pipe);
    run.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    disk().Restore(
        ReadFolder(run.exit_code == kDied ? image_ : disk().folder()));
    return run;
  }

  // Another process takes it up.
  void ExpectToldIsTrue(bool told, First first) {
    const Aftermath after = TakeUp(first);
    ASSERT_EQ(after.problem, "");
    EXPECT_GE(after.done.transactions, done_ + (told ? 1 : 0));
    EXPECT_LE(after.done.transactions, done_ + 1);
    if (first == First::kWrite) ++alone_;
    for (std::size_t i = 0; i < urls().size(); ++i) {
      EXPECT_EQ(after.done.alone[i], IsFile(i) ? alone_ : 0);
    }
    done_ = after.done.transactions + 1;  // it has committed one
    ++cases_;
  }

  // Of the outages before one event. False once there are no such events.
  bool Enumerate(std::size_t event) {
    for (const Outage& outage : OutagesBefore(event, 2)) {
      SCOPED_TRACE(Describe(outage));
      const ChildRun run = RunUntil(outage, "commit");
      EXPECT_TRUE(run.exit_code == kDied || run.exit_code == 0);
      EXPECT_TRUE(run.exit_code == kDied || run.told);
      ExpectToldIsTrue(run.told, NextFirst());
      if (HasFailure() || run.exit_code == 0) return false;
    }
    return true;
  }

  // A second outage while another process takes up what the first left. False
  // once the commit, and true once recovery, has no such event.
  bool EnumerateSecond(std::size_t event, const std::string& command) {
    const Outage left = OutagesBefore(event, 2)[event % 3];
    for (std::size_t next = 0; !HasFailure(); ++next) {
      const Outage outage = OutagesBefore(next, 2)[(event + next) % 3];
      SCOPED_TRACE(absl::StrCat(Describe(left), ", then ", Describe(outage)));
      const ChildRun commit = RunUntil(left, "commit");
      if (commit.exit_code == 0) {
        ExpectToldIsTrue(commit.told, First::kRecover);
        return false;
      }
      EXPECT_EQ(commit.exit_code, kDied);
      const ChildRun recovery = RunUntil(outage, command);
      EXPECT_TRUE(recovery.exit_code == kDied || recovery.exit_code == 0);
      ExpectToldIsTrue(commit.told, First::kRecover);
      if (recovery.exit_code == 0) break;
    }
    return !HasFailure();
  }

  std::size_t cases() const { return cases_; }

  // From one event that is met to the next; a prime.
  static std::size_t Step() {
    static constexpr std::string_view kWhole[] = {"SP", "SSP"};
    const bool whole =
        AllOutages() || std::find(std::begin(kWhole), std::end(kWhole),
                                  GetParam()) != std::end(kWhole);
    return whole ? 1 : 7;
  }

 private:
  bool IsFile(std::size_t database) const {
    return GetParam()[database] == 'S';
  }
  First NextFirst() const {
    return cases_ % 2 == 0 ? First::kRecover : First::kWrite;
  }

  static std::string Describe(const Outage& outage) {
    return absl::StrCat(
        outage.kind == Outage::kPowerLoss ? "power loss" : "death",
        " before event ", outage.before_event, ", seed ", outage.seed);
  }

  const std::string image_;
  std::int64_t done_ = 0;   // transactions
  std::int64_t alone_ = 0;  // commits of one file
  std::size_t cases_ = 0;
};

TEST_P(ClientPowerLossTest, InTheCommit) {
  if (!is_made()) GTEST_SKIP() << "needs PostgreSQL servers: run ./test";
  std::size_t events = 0;
  while (Enumerate(events)) events += Step();
  EXPECT_GT(events, 5u);
  std::cout << "cases=" << cases() << " (" << GetParam() << ", " << events
            << " events)\n";
}

TEST_P(ClientPowerLossTest, InTheRecovery) {
  if (!is_made()) GTEST_SKIP() << "needs PostgreSQL servers: run ./test";
  // A prime: over the tests it meets all kinds of events.
  for (std::size_t event = 2; EnumerateSecond(event, "recover");
       event += 7 * Step()) {
  }
  std::cout << "cases=" << cases() << " (" << GetParam() << ", recovery)\n";
}

INSTANTIATE_TEST_SUITE_P(Mixes, ClientPowerLossTest,
                         ::testing::Values("SP", "SPP", "SSP", "PSSP", "SSSP",
                                           "SSPP", "SSSPP", "SSSSP", "SSSSPP"),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace shard::testing
