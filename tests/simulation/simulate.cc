// Runs seeds of the simulation: `simulate --seeds 10000`, or one of them with
// its trace: `simulate --seed 42 --trace`.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "shard/tests/simulation/flaw.h"
#include "shard/tests/simulation/simulation.h"

ABSL_FLAG(std::uint64_t, first, 1, "the first seed");
ABSL_FLAG(std::uint64_t, seeds, 1000, "how many seeds");
ABSL_FLAG(std::uint64_t, seed, 0, "this seed alone; 0: see --first, --seeds");
ABSL_FLAG(bool, trace, false, "print the trace of every seed");
ABSL_FLAG(std::uint64_t, most_failures, 1, "stop after so many failing seeds");
ABSL_FLAG(std::string, flaw, "none", "a known bug to plant");

namespace shard::testing {
namespace {

void Print(const SimulationResult& result) {
  for (const std::string& line : result.trace) std::puts(line.c_str());
}

// Prints the trace of a seed that fails. Whether it did.
bool Fails(SimulationOptions options, SimulationResult* result) {
  *result = Simulate(options);
  if (options.keep_trace) Print(*result);
  if (result->violations.empty()) return false;
  if (!options.keep_trace) {
    options.keep_trace = true;
    Print(Simulate(options));
  }
  std::printf("seed %llu fails:\n",
              static_cast<unsigned long long>(options.seed));
  for (const std::string& violation : result->violations) {
    std::printf("  %s\n", violation.c_str());
  }
  return true;
}

int Main() {
  SimulationOptions options;
  bool known = false;
  for (const FlawName& flaw : FlawNames()) {
    if (flaw.name != absl::GetFlag(FLAGS_flaw)) continue;
    options.flaw = flaw.flaw;
    known = true;
  }
  if (!known) {
    std::fprintf(stderr, "no such flaw\n");
    return 2;
  }
  options.keep_trace = absl::GetFlag(FLAGS_trace);
  std::uint64_t first = absl::GetFlag(FLAGS_first);
  std::uint64_t count = absl::GetFlag(FLAGS_seeds);
  if (absl::GetFlag(FLAGS_seed) != 0) {
    first = absl::GetFlag(FLAGS_seed);
    count = 1;
  }
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t failed = 0, steps = 0, transactions = 0, committed = 0, ran = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    options.seed = first + i;
    SimulationResult result;
    if (Fails(options, &result)) ++failed;
    ++ran;
    steps += result.steps;
    transactions += result.transactions;
    committed += result.committed;
    if (failed >= absl::GetFlag(FLAGS_most_failures)) break;
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  std::printf(
      "seeds=%llu failed=%llu transactions=%llu committed=%llu steps=%llu "
      "seconds=%.1f\n",
      static_cast<unsigned long long>(ran),
      static_cast<unsigned long long>(failed),
      static_cast<unsigned long long>(transactions),
      static_cast<unsigned long long>(committed),
      static_cast<unsigned long long>(steps), seconds);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace shard::testing

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "simulates atomic commits under a seeded scheduler");
  absl::ParseCommandLine(argc, argv);
  return shard::testing::Main();
}
