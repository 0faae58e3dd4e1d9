#include "shard/tests/simulation/nemesis.h"

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "shard/dialects/participant.h"
#include "shard/session/two_phase/follower.h"
#include "shard/tests/simulation/sqlite_connection.h"

namespace shard::testing {
namespace {

// More than decision_retention.
constexpr absl::Duration kLongTime = absl::Minutes(61);

}  // namespace

Nemesis::Nemesis(World* world, Databases* databases, Flaw flaw, Victims victims)
    : world_(*world),
      databases_(*databases),
      flaw_(flaw),
      victims_(std::move(victims)),
      process_(world->NewProcess("nemesis")),
      longest_pause_(absl::Milliseconds(20) *
                     static_cast<double>(1 + world->random().Below(40))) {}

void Nemesis::Run(const std::function<bool()>& over) {
  while (!over()) {
    world_.Pause(longest_pause_ * world_.random().Fraction());
    if (!over()) Strike();
  }
}

void Nemesis::Strike() {
  Sabotage();
  switch (world_.random().Below(8)) {
    case 0:
    case 1:
      return CrashServer();
    case 2:
    case 3:
      return KillProgram();
    case 4:
      return TakePower();
    case 5:
      return LetTimePass();
    default: {
      const std::vector<PostgresServer*> servers = databases_.Servers();
      if (servers.empty()) return KillProgram();
      servers[world_.random().Below(servers.size())]->CutSomeLine();
    }
  }
}

void Nemesis::CrashServer() {
  const std::vector<PostgresServer*> servers = databases_.Servers();
  if (servers.empty()) return;
  PostgresServer* const server = servers[world_.random().Below(servers.size())];
  if (!server->up()) return;
  server->Crash();
  const absl::Duration down =
      absl::Milliseconds(400) * world_.random().Fraction();
  world_.Spawn(process_, "init", [this, server, down] {
    world_.Pause(down);
    if (!server->up()) server->Start();
  });
}

void Nemesis::Repair() {
  for (PostgresServer* server : databases_.Servers()) {
    if (!server->up()) server->Start();
  }
}

void Nemesis::KillProgram() {
  const std::vector<Process*> programs = victims_.programs();
  if (programs.empty()) return;
  world_.Kill(programs[world_.random().Below(programs.size())]);
}

void Nemesis::TakePower() {
  const std::vector<Process*> programs = victims_.programs();
  for (Process* program : programs) world_.Kill(program, /*power=*/true);
  world_.Note({"power is lost"});
  for (SqliteFile* file : databases_.Files()) file->LosePower();
}

void Nemesis::LetTimePass() {
  if (!victims_.quiet()) return;
  world_.Note({"a long time passes"});
  world_.JumpAhead(kLongTime);
}

// What no cleaning pass may do.
void Nemesis::Sabotage() {
  const bool followers = flaw_ == Flaw::kFollowerCleanedFirst;
  if (!followers && flaw_ != Flaw::kEarlyClean) return;
  const auto txns_of = [followers](const std::vector<DecisionRow>& rows,
                                   const std::string& identity) {
    std::vector<std::string> txns;
    for (const DecisionRow& row : rows) {
      if (row.outcome == Decision::kCommit &&
          IsFollowerRow(row, identity) == followers) {
        txns.push_back(row.txn);
      }
    }
    return txns;
  };
  for (PostgresServer* server : databases_.Servers()) {
    server->Vandalise([server, txns_of] {
      server->DeleteDecisions(
          txns_of(server->ListDecisions(), server->stamp().identity));
    });
  }
  for (SqliteFile* file : databases_.Files()) {
    SqliteSimulatedConnection connection(&world_, flaw_, file);
    const auto rows = connection.ListDecisions();
    if (!rows.ok()) continue;
    const auto txns = txns_of(*rows, file->stamp().identity);
    if (!txns.empty())
      connection.DeleteDecisions(txns, absl::Seconds(5)).IgnoreError();
  }
}

}  // namespace shard::testing
