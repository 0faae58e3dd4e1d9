// Everything that goes wrong.
#ifndef SHARD_TESTS_CRASH_NEMESIS_H_
#define SHARD_TESTS_CRASH_NEMESIS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "shard/tests/crash/database.h"
#include "shard/tests/crash/disk_room.h"
#include "shard/tests/crash/plan.h"
#include "shard/tests/crash/server.h"
#include "shard/tests/crash/worker.h"
#include "shard/tests/support/postgres_proxy.h"

namespace shard::bank {

// What the nemesis may do harm to. Workers must be there, all else need not.
struct Targets {
  std::vector<Worker*> workers;
  std::vector<Server*> servers;
  std::vector<testing::PostgresProxy*> wires;  // clients' way to the servers
  std::vector<Database> files;                 // of SQLite
  std::vector<DiskRoom*> disks;                // below them
};

// Kills, pauses, cuts and fills up at random, and repairs after a while, so
// that there is always somebody at work. Main thread only: it starts processes.
class Nemesis {
 public:
  // All must be running, and outlive this object.
  Nemesis(Targets targets, std::uint64_t seed)
      : targets_(std::move(targets)), random_(seed) {}

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

  void DoHarm();
  void KillWorker();
  void PauseWorker();
  void ForbidWrites();
  void FillDisk();
  void KillServer();
  void EndBackends();
  void CutWire();

  struct Repair {
    const void* victim;
    std::function<absl::Status()> run;
  };

  const Targets targets_;
  Random random_;
  std::multimap<absl::Time, Repair> repairs_;
  std::set<const void*> victims_;
  absl::Time next_harm_ = absl::InfinitePast();
  std::size_t worker_kills_ = 0;
  std::size_t server_kills_ = 0;
  std::size_t pauses_ = 0;
  std::size_t cuts_ = 0;
  std::size_t full_ = 0;
  std::size_t deserters_ = 0;
};

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_NEMESIS_H_
