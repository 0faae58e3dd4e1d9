// Loads whose process dies, and are resumed: every row is there once.
#include <sys/wait.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "shard/tests/session/two_phase/two_phase_test.h"

namespace shard::testing {
namespace {

constexpr std::size_t kNever = 1'000'000;
constexpr int kDied = 99;
constexpr int kKilled = 128 + 9;

class LoadCrashTest : public TwoPhaseTest,
                      public ::testing::WithParamInterface<std::string> {
 protected:
  struct Ended {
    int code = -1;
    std::string output;
  };
  // `before`: a command that runs the child.
  Ended LoadInChild(std::size_t die_at, std::int64_t rows, std::size_t batch,
                    const std::string& before = "") {
    std::string line =
        absl::StrCat(before, "tests/session/two_phase/load_child ", die_at, " ",
                     rows, " ", batch);
    for (const std::string& url : urls()) {
      absl::StrAppend(&line, " '", url, "'");
    }
    FILE* const pipe = popen(line.c_str(), "r");
    Ended ended;
    char buffer[4096];
    while (const std::size_t got = fread(buffer, 1, sizeof buffer, pipe)) {
      ended.output.append(buffer, got);
    }
    const int status = pclose(pipe);
    if (WIFEXITED(status)) ended.code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) ended.code = 128 + WTERMSIG(status);
    return ended;
  }
  // A share of a batch that was decided may be pending when the load is over,
  // if the process that was to commit it died.
  void RecoverUntilClean() {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while ((!cluster().RecoverNow().clean() || Prepared() > 0) &&
           absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(5));
    }
  }
  void ExpectEachRowOnce(std::int64_t rows) {
    RecoverUntilClean();
    std::int64_t count = 0;
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < urls().size(); ++i) {
      count += outside(i).Number("select count(*) from cities");
      sum += outside(i).Number("select coalesce(sum(id), 0) from cities");
    }
    EXPECT_EQ(count, rows);
    EXPECT_EQ(sum, rows * (rows + 1) / 2);
  }
  void Empty() {
    for (std::size_t i = 0; i < urls().size(); ++i) {
      outside(i).Run("delete from cities");
    }
    outside(0).Run("delete from shard_loads");
  }
};
INSTANTIATE_TEST_SUITE_P(Databases, LoadCrashTest,
                         ::testing::Values("S", "P", "SS", "PP", "SP"),
                         [](const auto& param) { return param.param; });

TEST_P(LoadCrashTest, AtEveryFailPoint) {
  SHARD_OPEN_OR_SKIP(GetParam());
  constexpr std::int64_t kRows = 9;
  constexpr std::size_t kBatch = 4;
  const Ended whole = LoadInChild(kNever, kRows, kBatch);
  ASSERT_EQ(whole.code, 0) << whole.output;
  ExpectEachRowOnce(kRows);
  const std::size_t points = std::stoul(whole.output);
  ASSERT_GT(points, 0u);
  std::size_t deaths = 0;
  for (std::size_t point = 0; point < points; ++point) {
    SCOPED_TRACE(absl::StrCat("dies at fail point ", point));
    Empty();
    const Ended died = LoadInChild(point, kRows, kBatch);
    // The first time there was more to do: databases to be made known to each
    // other, a table to be made; and recovery has fail points, too.
    ASSERT_TRUE(died.code == 0 || died.code == kDied) << died.output;
    deaths += died.code == kDied ? 1 : 0;
    const Ended resumed = LoadInChild(kNever, kRows, kBatch);
    ASSERT_EQ(resumed.code, 0) << resumed.output;
    ExpectEachRowOnce(kRows);
    if (HasFailure()) return;
  }
  EXPECT_GT(deaths, points / 2);
  std::cout << deaths << " deaths\n";
}

TEST_P(LoadCrashTest, AtRandomMoments) {
  SHARD_OPEN_OR_SKIP(GetParam());
  constexpr std::int64_t kRows = 3000;
  constexpr std::size_t kBatch = 10;
  constexpr int kKills = 8;
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::minstd_rand random(seed);
  std::uniform_real_distribution<> seconds(0.03, 0.25);
  int kills = 0;
  Ended ended;
  for (int i = 0; i < kKills; ++i) {
    ended = LoadInChild(
        kNever, kRows, kBatch,
        absl::StrCat("exec timeout -s KILL ", seconds(random), " "));
    if (ended.code == 0) break;
    ASSERT_EQ(ended.code, kKilled) << ended.output;
    ++kills;
  }
  ended = LoadInChild(kNever, kRows, kBatch);
  ASSERT_EQ(ended.code, 0) << ended.output;
  ExpectEachRowOnce(kRows);
  std::cout << kills << " kills\n";
}

}  // namespace
}  // namespace shard::testing
