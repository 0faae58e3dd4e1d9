// Who breaks things.
#ifndef SHARD_TESTS_SIMULATION_NEMESIS_H_
#define SHARD_TESTS_SIMULATION_NEMESIS_H_

#include <functional>
#include <vector>

#include "absl/time/time.h"
#include "shard/tests/simulation/databases.h"
#include "shard/tests/simulation/flaw.h"
#include "shard/tests/simulation/world.h"

namespace shard::testing {

// At times of the seed's choosing: kills programs, crashes servers and starts
// them again, cuts connections, takes the power from the machine of programs
// and files, lets long times pass. With a flaw of that kind, also breaks the
// protocol's rules from outside.
class Nemesis {
 public:
  struct Victims {
    // Those that are alive.
    std::function<std::vector<Process*>()> programs;
    // Nobody waits for an answer whose decision a cleaning pass might remove.
    std::function<bool()> quiet;
  };
  Nemesis(World* world, Databases* databases, Flaw flaw, Victims victims);

  // An actor; ends once `over` says so.
  void Run(const std::function<bool()>& over);
  // Starts the servers that are down.
  void Repair();

 private:
  void Strike();
  void CrashServer();
  void KillProgram();
  void TakePower();
  void LetTimePass();
  void Sabotage();

  World& world_;
  Databases& databases_;
  const Flaw flaw_;
  const Victims victims_;
  Process* const process_;
  absl::Duration longest_pause_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SIMULATION_NEMESIS_H_
