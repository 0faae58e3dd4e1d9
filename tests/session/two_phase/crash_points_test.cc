// Process death at every fail point of a commit and of a recovery, over every
// allowed mix of one to four databases. Whatever died where: all or nothing,
// nothing stays prepared, every lock is free.
#include <sys/wait.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "shard/tests/session/two_phase/two_phase_test.h"

namespace shard::testing {
namespace {

constexpr std::size_t kNever = 1'000'000;
constexpr int kDied = 99;

struct ChildRun {
  int exit_code = -1;
  std::string outcome;
  std::vector<std::string> passed;  // fail points
};

class CrashPointsTest : public TwoPhaseTest,
                        public ::testing::WithParamInterface<std::string> {
 protected:
  ChildRun Run(const std::string& command, std::size_t die_at,
               const std::string& name) {
    std::string line = absl::StrCat("tests/session/two_phase/fault_child ",
                                    command, " ", die_at, " ", name);
    for (const std::string& url : urls())
      absl::StrAppend(&line, " '", url, "'");
    FILE* const pipe = popen(line.c_str(), "r");
    std::string output;
    char buffer[4096];
    while (const std::size_t got = fread(buffer, 1, sizeof buffer, pipe)) {
      output.append(buffer, got);
    }
    const int status = pclose(pipe);
    ChildRun run;
    run.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    run.passed = absl::StrSplit(output, '\n', absl::SkipEmpty());
    if (run.exit_code == 0 && !run.passed.empty()) {
      run.outcome = run.passed.front();
      run.passed.erase(run.passed.begin());
    }
    return run;
  }

  bool LocksAreFree() {
    bool free = true;
    for (std::size_t i = 0; i < cluster().size(); ++i) {
      free = free && outside(i).LocksAreFree();
    }
    return free;
  }

  // A server takes a moment to notice that its client has died, and before that
  // may do the PREPARE that was sent last.
  void RecoverUntilClean() {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    RecoveryReport report = cluster().RecoverNow();
    while ((!report.clean() || Prepared() > 0 || Decisions() > 0 ||
            !LocksAreFree()) &&
           absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(5));
      report = cluster().RecoverNow();
    }
    EXPECT_TRUE(report.clean()) << report.ToString();
    EXPECT_EQ(Prepared(), 0);
    EXPECT_EQ(Decisions(), 0);
    EXPECT_TRUE(LocksAreFree());
  }

  void ExpectAllOrNothing(const std::string& name) {
    const std::int64_t cities = Cities(name);
    EXPECT_TRUE(cities == 0 ||
                cities == static_cast<std::int64_t>(urls().size()))
        << cities << " of " << urls().size();
  }
};

TEST_P(CrashPointsTest, InTheCommit) {
  SHARD_OPEN_OR_SKIP(GetParam());
  const auto all = static_cast<std::int64_t>(urls().size());
  const ChildRun whole = Run("commit", kNever, "Whole");
  ASSERT_EQ(whole.exit_code, 0);
  ASSERT_EQ(whole.outcome, "committed");
  ASSERT_FALSE(whole.passed.empty());
  EXPECT_EQ(Cities("Whole"), all);
  const char* const sent = all == 1 ? "plain.send" : "decide.send";
  const char* const answered = all == 1 ? "plain.answered" : "decide.answered";
  const auto place = [&](const char* point) {
    return static_cast<std::size_t>(
        std::find(whole.passed.begin(), whole.passed.end(), point) -
        whole.passed.begin());
  };
  ASSERT_LT(place(answered), whole.passed.size());
  for (std::size_t point = 0; point < whole.passed.size(); ++point) {
    SCOPED_TRACE(
        absl::StrCat("dies at ", whole.passed[point], ", number ", point));
    const std::string name = absl::StrCat("City", point);
    ASSERT_EQ(Run("commit", point, name).exit_code, kDied);
    RecoverUntilClean();
    ExpectAllOrNothing(name);
    // Before it is asked for, it cannot happen; once it is answered, it has.
    if (point <= place(sent)) {
      EXPECT_EQ(Cities(name), 0);
    }
    if (point >= place(answered)) {
      EXPECT_EQ(Cities(name), all);
    }
    if (HasFailure()) return;
  }
  std::cout << "cases=" << whole.passed.size() << " (" << GetParam() << ")\n";
  RecordProperty("cases", static_cast<int>(whole.passed.size()));
}

TEST_P(CrashPointsTest, InTheCommitOfOneWriterAmongReaders) {
  SHARD_OPEN_OR_SKIP(GetParam());
  if (urls().size() == 1) GTEST_SKIP() << "there are no others to read from";
  const ChildRun whole = Run("one", kNever, "Whole");
  ASSERT_EQ(whole.exit_code, 0);
  ASSERT_EQ(whole.outcome, "committed");
  const auto place = [&](const char* point) {
    return static_cast<std::size_t>(
        std::find(whole.passed.begin(), whole.passed.end(), point) -
        whole.passed.begin());
  };
  ASSERT_LT(place("one.answered"), whole.passed.size());
  ASSERT_LT(place("rest.answered"), whole.passed.size());
  for (std::size_t point = 0; point < whole.passed.size(); ++point) {
    SCOPED_TRACE(
        absl::StrCat("dies at ", whole.passed[point], ", number ", point));
    const std::string name = absl::StrCat("City", point);
    ASSERT_EQ(Run("one", point, name).exit_code, kDied);
    RecoverUntilClean();
    EXPECT_LE(Cities(name), 1);
    if (point <= place("one.send")) {
      EXPECT_EQ(Cities(name), 0);
    }
    if (point >= place("one.answered")) {
      EXPECT_EQ(Cities(name), 1);
    }
    if (HasFailure()) return;
  }
}

TEST_P(CrashPointsTest, InTheRecovery) {
  SHARD_OPEN_OR_SKIP(GetParam());
  if (urls().size() == 1) GTEST_SKIP() << "one database needs no recovery";
  const auto all = static_cast<std::int64_t>(urls().size());
  const ChildRun whole = Run("commit", kNever, "Whole");
  RecoverUntilClean();
  std::size_t cases = 0;
  // Left behind by one that died right before, and right after, the decision.
  for (const char* left_at : {"decide.send", "decide.answered"}) {
    const auto found =
        std::find(whole.passed.begin(), whole.passed.end(), left_at);
    const auto die_at = static_cast<std::size_t>(found - whole.passed.begin());
    const bool decided = std::string(left_at) == "decide.answered";
    for (std::size_t point = 0;; ++point) {
      SCOPED_TRACE(absl::StrCat("left at ", left_at,
                                ", recovery dies at fail point ", point));
      const std::string name = absl::StrCat("City", cases);
      ASSERT_EQ(Run("commit", die_at, name).exit_code, kDied);
      const ChildRun recovery = Run("recover", point, name);
      ASSERT_TRUE(recovery.exit_code == kDied || recovery.exit_code == 0);
      RecoverUntilClean();
      EXPECT_EQ(Cities(name), decided ? all : 0);
      ++cases;
      if (HasFailure()) return;
      if (recovery.exit_code == 0) break;  // it has not so many
    }
  }
  std::cout << "cases=" << cases << " (" << GetParam() << ", recovery)\n";
  RecordProperty("cases", static_cast<int>(cases));
}

INSTANTIATE_TEST_SUITE_P(Mixes, CrashPointsTest,
                         ::testing::Values("P", "PP", "PPP", "PPPP", "S", "SP",
                                           "SPP", "PPSP", "N", "NP", "PNP",
                                           "NPPP", "SS", "SSS", "SSSS", "SSP",
                                           "PSS", "SPSP", "SSSP", "SSPP",
                                           "SSSPP", "SSSSP", "SSSSPP"),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace shard::testing
