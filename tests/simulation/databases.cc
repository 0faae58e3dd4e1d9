#include "shard/tests/simulation/databases.h"

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "shard/router/placement.h"
#include "shard/tests/simulation/postgres_connection.h"
#include "shard/tests/simulation/sqlite_connection.h"

namespace shard::testing {
namespace {

constexpr std::size_t kMostServers = 3;
constexpr std::size_t kMostFiles = 3;

}  // namespace

std::size_t Database::Count(int tag) const {
  return is_file() ? file->Count(tag) : server->Count(tag);
}

std::string Database::Leftovers() const {
  const std::size_t prepared = is_file() ? 0 : server->prepared();
  const std::size_t decisions =
      is_file() ? file->visible().decisions.size() : server->decisions();
  if (prepared + decisions == 0) return "";
  return absl::StrCat(name, " holds ", prepared, " prepared shares and ",
                      decisions, " decisions");
}

Databases::Databases(World* world, Flaw flaw) : world_(*world), flaw_(flaw) {
  Random& random = world->random();
  std::size_t servers = random.Below(kMostServers + 1);
  const std::size_t files = random.Below(kMostFiles + 1);
  if (servers + files < 2) servers = 2;
  // Some cannot prepare; see Participant::can_prepare.
  const bool one_cannot_prepare = servers > 1 && random.OneIn(8);
  for (std::size_t i = 0; i < servers + files; ++i) {
    Database database;
    const bool is_server = i < servers;
    database.name = absl::StrCat(is_server ? "server" : "file",
                                 is_server ? i : i - servers);
    Stamp stamp;
    stamp.cluster = kCluster;
    stamp.shard = database.name;
    stamp.identity = absl::BytesToHexString(world->RandomBytes(16));
    stamp.hash = kPlacementName;
    if (is_server) {
      database.server = std::make_unique<PostgresServer>(
          world, flaw, std::move(stamp), !(one_cannot_prepare && i == 0));
      database.server->Start();
    } else {
      database.file =
          std::make_unique<SqliteFile>(world, flaw, std::move(stamp));
    }
    databases_.push_back(std::move(database));
  }
  if (!random.OneIn(4)) ListAllFiles();
}

// As after a long time.
void Databases::ListAllFiles() {
  for (SqliteFile* file : Files()) {
    std::set<std::string> others;
    for (SqliteFile* other : Files()) {
      if (other != file) others.insert(other->stamp().identity);
    }
    file->ListFromTheStart(std::move(others));
  }
}

std::vector<PostgresServer*> Databases::Servers() {
  std::vector<PostgresServer*> servers;
  for (Database& database : databases_) {
    if (!database.is_file()) servers.push_back(database.server.get());
  }
  return servers;
}

std::vector<SqliteFile*> Databases::Files() {
  std::vector<SqliteFile*> files;
  for (Database& database : databases_) {
    if (database.is_file()) files.push_back(database.file.get());
  }
  return files;
}

std::vector<std::pair<std::string, std::shared_ptr<Engine>>>
Databases::OpenEngines() {
  std::vector<std::pair<std::string, std::shared_ptr<Engine>>> engines;
  for (Database& database : databases_) {
    std::unique_ptr<Engine::Opener> opener;
    if (database.is_file()) {
      opener = std::make_unique<SqliteSimulatedOpener>(&world_, flaw_,
                                                       database.file.get());
    } else {
      opener = std::make_unique<PostgresSimulatedOpener>(&world_,
                                                         database.server.get());
    }
    EngineOptions options;
    options.name = database.name;
    engines.emplace_back(database.name,
                         std::make_shared<Engine>(std::move(opener), options));
  }
  return engines;
}

}  // namespace shard::testing
