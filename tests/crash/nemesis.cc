#include "shard/tests/crash/nemesis.h"

#include <cstdio>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "shard/base/status_macros.h"
#include "shard/tests/crash/foreign_writer.h"
#include "shard/tests/crash/raw_database.h"

namespace shard::bank {

absl::Status Nemesis::Act() {
  SHARD_RETURN_IF_ERROR(RepairUntil(absl::Now()));
  LookForDeserters();
  if (absl::Now() < next_harm_) return absl::OkStatus();
  next_harm_ = absl::Now() + absl::Milliseconds(50 + Pick(random_, 350));
  DoHarm();
  return absl::OkStatus();
}

// As often as their weights say, among those that have a target.
void Nemesis::DoHarm() {
  const bool servers = !targets_.servers.empty();
  const bool files = !targets_.files.empty();
  struct Harm {
    std::size_t weight;
    void (Nemesis::*act)();
  };
  const Harm harms[] = {
      {40u, &Nemesis::KillWorker},
      {15u, &Nemesis::PauseWorker},
      {files ? 8u : 0u, &Nemesis::ForbidWrites},
      {files ? 12u : 0u, &Nemesis::FillDisk},
      {servers ? 15u : 0u, &Nemesis::KillServer},
      {servers ? 10u : 0u, &Nemesis::EndBackends},
      {servers ? 20u : 0u, &Nemesis::CutWire},
  };
  std::size_t all = 0;
  for (const Harm& harm : harms) all += harm.weight;
  std::size_t at = Pick(random_, all);
  for (const Harm& harm : harms) {
    if (at < harm.weight) return (this->*harm.act)();
    at -= harm.weight;
  }
}

absl::Status Nemesis::Rest() { return RepairUntil(absl::InfiniteFuture()); }

std::string Nemesis::ToString() const {
  return absl::StrCat("killed ", worker_kills_, " workers and ", server_kills_,
                      " servers, paused ", pauses_, ", cut connections ", cuts_,
                      " times, filled disks ", full_, " times");
}

void Nemesis::RepairLater(const void* victim, int least_ms, int most_ms,
                          std::function<absl::Status()> repair) {
  victims_.insert(victim);
  const auto wait = absl::Milliseconds(
      least_ms + static_cast<int>(Pick(random_, most_ms - least_ms)));
  repairs_.emplace(absl::Now() + wait, Repair{victim, std::move(repair)});
}

absl::Status Nemesis::RepairUntil(absl::Time time) {
  while (!repairs_.empty() && repairs_.begin()->first <= time) {
    const Repair repair = std::move(repairs_.begin()->second);
    repairs_.erase(repairs_.begin());
    SHARD_RETURN_IF_ERROR(repair.run());
    victims_.erase(repair.victim);
  }
  return absl::OkStatus();
}

void Nemesis::LookForDeserters() {
  for (Worker* worker : targets_.workers) {
    if (victims_.contains(worker) || worker->running()) continue;
    std::fprintf(stderr, "%s ended by %s\n", worker->name().c_str(),
                 worker->HowItEnded().c_str());
    ++deserters_;
    RepairLater(worker, 100, 500, [worker] { return worker->Start(); });
  }
  for (Server* server : targets_.servers) {
    if (victims_.contains(server) || server->running()) continue;
    std::fprintf(stderr, "server %s ended by itself\n", server->url().c_str());
    ++deserters_;
    RepairLater(server, 100, 500, [server] { return server->Start(); });
  }
}

template <class T>
T* Nemesis::PickVictim(const std::vector<T*>& among) {
  T* const victim = among[Pick(random_, among.size())];
  return victims_.contains(victim) ? nullptr : victim;
}

void Nemesis::KillWorker() {
  Worker* const worker = PickVictim(targets_.workers);
  if (worker == nullptr) return;
  worker->Kill();
  ++worker_kills_;
  // Before those who would settle what it left.
  WriteAtOnce(targets_.files, random_);
  RepairLater(worker, 1, 500, [worker] { return worker->Start(); });
}

// Longer than recovery waits before it asks: when the worker goes on, its
// transactions may be decided already.
void Nemesis::PauseWorker() {
  Worker* const worker = PickVictim(targets_.workers);
  if (worker == nullptr) return;
  worker->Pause();
  ++pauses_;
  RepairLater(worker, 100, 2500, [worker] {
    worker->Resume();
    return absl::OkStatus();
  });
}

// All that it writes to files fails, what has nothing to do with SQLite, too.
void Nemesis::ForbidWrites() {
  Worker* const worker = PickVictim(targets_.workers);
  if (worker == nullptr) return;
  worker->ForbidWrites(true);
  ++full_;
  RepairLater(worker, 1, 500, [worker] {
    worker->ForbidWrites(false);
    return absl::OkStatus();
  });
}

// For everybody who writes to the file.
void Nemesis::FillDisk() {
  DiskRoom* const disk = PickVictim(targets_.disks);
  if (disk == nullptr) return;
  disk->FillUpAfter(static_cast<std::int64_t>(Pick(random_, 50)));
  ++full_;
  RepairLater(disk, 20, 1000, [disk] {
    disk->Clear();
    return absl::OkStatus();
  });
}

void Nemesis::KillServer() {
  Server* const server = PickVictim(targets_.servers);
  if (server == nullptr) return;
  server->Kill();
  ++server_kills_;
  // Now and then longer than sessions wait for an answer.
  const int most_ms = Chance(random_, 25) ? 4000 : 800;
  RepairLater(server, 1, most_ms, [server] { return server->Start(); });
}

void Nemesis::EndBackends() {
  Server* const server = PickVictim(targets_.servers);
  if (server == nullptr) return;
  // May be refused, by a server that is just starting.
  const auto raw = RawDatabase::Open(server->url());
  if (!raw.ok()) return;
  (*raw)
      ->Query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
          "backend_type = 'client backend' AND pid <> pg_backend_pid() "
          "AND random() < 0.5")
      .status()
      .IgnoreError();
  ++cuts_;
}

// All connections at once, or one before or behind any message.
void Nemesis::CutWire() {
  testing::PostgresProxy* const wire = PickVictim(targets_.wires);
  if (wire == nullptr) return;
  ++cuts_;
  if (Chance(random_, 30)) return wire->CutAll();
  using Fault = testing::PostgresProxy::Fault;
  constexpr testing::PostgresProxy::Action kActions[] = {
      testing::PostgresProxy::kCutBefore, testing::PostgresProxy::kCutAfter,
      testing::PostgresProxy::kStall, testing::PostgresProxy::kStallBoth};
  Fault fault;
  fault.direction = Chance(random_, 50) ? testing::PostgresProxy::kToServer
                                        : testing::PostgresProxy::kToClient;
  fault.message = Pick(random_, 100);
  fault.action = kActions[Pick(random_, std::size(kActions))];
  wire->Arm(fault);
  // A statement in the midst of a transaction is waited for without end.
  RepairLater(wire, 100, 3000, [wire] {
    wire->Arm();
    wire->CutAll();
    return absl::OkStatus();
  });
}

}  // namespace shard::bank
