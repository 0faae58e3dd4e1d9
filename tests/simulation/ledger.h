// What transactions did and what their programs were told.
#ifndef SHARD_TESTS_SIMULATION_LEDGER_H_
#define SHARD_TESTS_SIMULATION_LEDGER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "shard/tests/simulation/databases.h"
#include "shard/tests/simulation/world.h"

namespace shard::testing {

struct Attempt {
  enum Told {
    kNothing,  // it is under way, or its program died
    kCommitted,
    kAborted,
    kUnknown,  // in doubt, or the answer of its only database was lost
  };
  int tag = 0;
  std::vector<std::size_t> wrote_to;  // indexes into Databases
  Told told = kNothing;
  std::string transaction;  // its gid, once it has one
};

// The judge: knows nothing of the protocol, only what a user is promised.
class Ledger {
 public:
  explicit Ledger(World* world) : world_(*world) {}

  // Of a new transaction. The tag is its place, from 1.
  int Begin();
  Attempt& operator[](int tag) {
    return attempts_[static_cast<std::size_t>(tag - 1)];
  }
  const std::vector<Attempt>& attempts() const { return attempts_; }
  void Tell(int tag, Attempt::Told told);

  // While it lives somebody waits to be told.
  class Waiting {
   public:
    explicit Waiting(Ledger* ledger) : ledger_(*ledger) { ++ledger_.waiting_; }
    ~Waiting() { --ledger_.waiting_; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    Ledger& ledger_;
  };
  bool quiet() const { return waiting_ == 0; }

  // Each is on all its databases, once, or on none; as was told.
  void Audit(Databases& databases) const;

 private:
  void AuditOne(const Attempt& attempt, Databases& databases) const;

  World& world_;
  std::vector<Attempt> attempts_;
  int waiting_ = 0;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SIMULATION_LEDGER_H_
