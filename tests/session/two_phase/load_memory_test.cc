// What a load holds in memory does not grow with what it loads.
#include <cstdint>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/typed_load.h"
#include "shard/tests/session/models.h"
#include "shard/tests/session/two_phase/two_phase_test.h"

namespace shard::testing {
namespace {

constexpr std::int64_t kRows = 1'000'000;
constexpr std::int64_t kMostMegabytes = 64;

// A line of /proc/self/status, in megabytes.
std::int64_t Megabytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word != name + ":") continue;
    std::int64_t kilobytes = 0;
    status >> kilobytes;
    return kilobytes / 1024;
  }
  return 0;
}

class LoadMemoryTest : public TwoPhaseTest,
                       public ::testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(Databases, LoadMemoryTest,
                         ::testing::Values("S", "SS", "PP"),
                         [](const auto& param) { return param.param; });

TEST_P(LoadMemoryTest, IsThatOfABatch) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers keep memory";
#endif
  SHARD_OPEN_OR_SKIP(GetParam());
  const std::size_t shards = urls().size();
  const std::int64_t before = Megabytes("VmRSS");
  // Forgets the peak of what was before.
  std::ofstream("/proc/self/clear_refs") << "5";
  LoadOptions how;
  how.progress_interval = absl::ZeroDuration();
  how.on_progress = [this](const LoadProgress&) {
    log().Clear();  // which has the statements
    return absl::OkStatus();
  };
  std::int64_t n = 0;
  const auto report = Load<City>(
      options(),
      [&]() -> std::optional<City::Row> {
        if (n == kRows) return std::nullopt;
        const std::string place = absl::StrCat("C", n % shards);
        ++n;
        return City::Row{
            .id = n, .continent = place, .name = "n", .population = n};
      },
      how);
  SHARD_ASSERT_OK(report);
  EXPECT_EQ(report->inserted, static_cast<std::uint64_t>(kRows));
  const std::int64_t peak = Megabytes("VmHWM");
  std::cout << before << " MB before, at most " << peak << " MB\n";
  EXPECT_LT(peak - before, kMostMegabytes);
}

}  // namespace
}  // namespace shard::testing
