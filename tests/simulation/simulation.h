// One run of the simulation: a seed, and what came of it.
#ifndef SHARD_TESTS_SIMULATION_SIMULATION_H_
#define SHARD_TESTS_SIMULATION_SIMULATION_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "shard/tests/simulation/flaw.h"

namespace shard::testing {

struct SimulationOptions {
  std::uint64_t seed = 1;
  Flaw flaw = Flaw::kNone;
  bool keep_trace = false;
};

struct SimulationResult {
  std::vector<std::string> violations;
  std::vector<std::string> trace;  // if it was to be kept
  std::uint64_t hash = 0;          // of the whole run
  std::size_t steps = 0;
  std::size_t transactions = 0;
  std::size_t committed = 0;  // as their programs were told
};

// Two or three programs run transactions, plain writes and recovery over a few
// databases, while a nemesis is at work. When they are done, all is repaired
// and recovered, and the ledger audited. Not thread-safe: one at a time.
SimulationResult Simulate(const SimulationOptions& options);

}  // namespace shard::testing

#endif  // SHARD_TESTS_SIMULATION_SIMULATION_H_
