// Atomic commits under a seeded scheduler: 10,000 seeds, each of which replays.
#include "shard/tests/simulation/simulation.h"

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "shard/base/strings.h"
#include "shard/tests/simulation/flaw.h"

namespace shard::testing {
namespace {

constexpr std::uint64_t kSeeds = 10'000;
// A planted bug must be found in so many.
constexpr std::uint64_t kSeedsForFlaw = 20'000;

SimulationResult RunSeed(std::uint64_t seed, Flaw flaw = Flaw::kNone,
                         bool keep_trace = false) {
  SimulationOptions options;
  options.seed = seed;
  options.flaw = flaw;
  options.keep_trace = keep_trace;
  return Simulate(options);
}

TEST(SimulationTest, HoldsForTenThousandSeeds) {
  std::size_t transactions = 0, committed = 0, steps = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const SimulationResult result = RunSeed(seed);
    transactions += result.transactions;
    committed += result.committed;
    steps += result.steps;
    ASSERT_TRUE(result.violations.empty())
        << "seed " << seed << ": " << absl::StrJoin(result.violations, "; ")
        << "\nReplay it with bazel run //tests/simulation:simulate -- --seed "
        << seed << " --trace";
  }
  std::cout << "seeds=" << kSeeds << " transactions=" << transactions
            << " committed=" << committed << " steps=" << steps << "\n";
  // Not by doing nothing.
  EXPECT_GT(committed, kSeeds);
}

TEST(SimulationTest, RepeatsASeedToTheLastStep) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const SimulationResult first = RunSeed(seed);
    const SimulationResult again =
        RunSeed(seed, Flaw::kNone, /*keep_trace=*/true);
    ASSERT_EQ(first.hash, again.hash) << "seed " << seed;
    ASSERT_EQ(first.steps, again.steps) << "seed " << seed;
    ASSERT_FALSE(again.trace.empty());
  }
  EXPECT_NE(RunSeed(1).hash, RunSeed(2).hash);
}

class FlawTest : public ::testing::TestWithParam<FlawName> {};

TEST_P(FlawTest, IsFound) {
  for (std::uint64_t seed = 1; seed <= kSeedsForFlaw; ++seed) {
    const SimulationResult result = RunSeed(seed, GetParam().flaw);
    if (result.violations.empty()) continue;
    std::cout << "seed " << seed << ": " << result.violations.front() << "\n";
    return;
  }
  FAIL() << "nothing is wrong in " << kSeedsForFlaw << " seeds";
}

std::vector<FlawName> PlantedFlaws() {
  std::vector<FlawName> flaws;
  for (const FlawName& flaw : FlawNames()) {
    if (flaw.flaw != Flaw::kNone) flaws.push_back(flaw);
  }
  return flaws;
}

// "no-unique-key" is no name of a test.
std::string TestName(const ::testing::TestParamInfo<FlawName>& info) {
  std::string name;
  bool upper = true;
  for (const char c : info.param.name) {
    if (c == '-') {
      upper = true;
      continue;
    }
    name += upper ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Planted, FlawTest, ::testing::ValuesIn(PlantedFlaws()),
                         TestName);

}  // namespace
}  // namespace shard::testing
