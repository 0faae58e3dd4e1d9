// Everything that goes wrong.
#ifndef SHARD_TESTS_CRASH_NEMESIS_H_
#define SHARD_TESTS_CRASH_NEMESIS_H_

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "shard/tests/crash/plan.h"
#include "shard/tests/crash/server.h"
#include "shard/tests/crash/worker.h"
#include "shard/tests/support/postgres_proxy.h"

namespace shard::bank {

// Kills, pauses and cuts at random, and repairs after a while, so that there is
// always somebody at work. Main thread only: it starts processes.
class Nemesis {
 public:
  // All must be running, and outlive this object. `wires` are what clients
  // reach the servers by.
  Nemesis(std::vector<Server*> servers, std::vector<Worker*> workers,
          std::vector<testing::PostgresProxy*> wires, std::uint64_t seed)
      : servers_(std::move(servers)),
        workers_(std::move(workers)),
        wires_(std::move(wires)),
        random_(seed) {}

  // Repairs what is due, and does harm when it is time for that. To be called
  // often. An error: something cannot be started again.
  absl::Status Act();
  // Repairs everything at once.
  absl::Status Rest();

  // Workers and servers killed.
  std::size_t kills() const { return worker_kills_ + server_kills_; }
  // Workers and servers that ended though nobody had killed them.
  std::size_t deserters() const { return deserters_; }
  // "killed 9 workers and 3 servers, ..."
  std::string ToString() const;

 private:
  // Undoes a fault at its time, after which its victim may have another.
  void RepairLater(const void* victim, int least_ms, int most_ms,
                   std::function<absl::Status()> repair);
  absl::Status RepairUntil(absl::Time time);
  void LookForDeserters();
  // One that has no fault at present; null: none.
  template <class T>
  T* PickVictim(const std::vector<T*>& among);

  void KillWorker();
  void PauseWorker();
  void KillServer();
  void EndBackends();
  void CutWire();

  struct Repair {
    const void* victim;
    std::function<absl::Status()> run;
  };

  const std::vector<Server*> servers_;
  const std::vector<Worker*> workers_;
  const std::vector<testing::PostgresProxy*> wires_;
  Random random_;
  std::multimap<absl::Time, Repair> repairs_;
  std::set<const void*> victims_;
  absl::Time next_harm_ = absl::InfinitePast();
  std::size_t worker_kills_ = 0;
  std::size_t server_kills_ = 0;
  std::size_t pauses_ = 0;
  std::size_t cuts_ = 0;
  std::size_t deserters_ = 0;
};

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_NEMESIS_H_
