// A client program: a topology, sessions' commits, plain writers, recovery.
#ifndef SHARD_TESTS_SIMULATION_PROGRAM_H_
#define SHARD_TESTS_SIMULATION_PROGRAM_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "shard/dialects/engine.h"
#include "shard/session/session_options.h"
#include "shard/session/transaction.h"
#include "shard/session/two_phase/recovery_report.h"
#include "shard/tests/simulation/databases.h"
#include "shard/tests/simulation/ledger.h"
#include "shard/tests/simulation/world.h"

namespace shard::testing {

// One life of a process: what its sessions do goes through the code on trial,
// from Transaction downwards.
class Program {
 public:
  Program(World* world, Databases* databases, Ledger* ledger);
  ~Program();

  // First. Fails as Topology::Open does.
  absl::Status Open();
  // A transaction over some databases.
  void RunTransaction();
  // A write to one database, without an atomic commit.
  void RunPlainWrite(std::size_t database, bool must_succeed = false);
  RecoveryReport RecoverOnce();

 private:
  // Passes of recovery take turns, and wait as threads do. The world has but
  // one thread, so here is where they wait.
  class Turn;

  absl::Status WriteTo(Transaction& transaction, int tag,
                       const std::vector<std::size_t>& order);
  absl::Status WriteOne(Transaction& transaction, int tag,
                        std::size_t database);
  void End(Transaction& transaction, int tag);
  void Note(int tag, const absl::Status& status);

  World& world_;
  Databases& databases_;
  Ledger& ledger_;
  std::vector<std::shared_ptr<Engine>> engines_;  // as the databases
  SessionOptions options_;
  bool taken_ = false;  // the turn
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SIMULATION_PROGRAM_H_
