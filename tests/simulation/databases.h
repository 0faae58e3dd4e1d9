// The databases of one simulated world.
#ifndef SHARD_TESTS_SIMULATION_DATABASES_H_
#define SHARD_TESTS_SIMULATION_DATABASES_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "shard/dialects/engine.h"
#include "shard/tests/simulation/flaw.h"
#include "shard/tests/simulation/postgres_server.h"
#include "shard/tests/simulation/sqlite_file.h"
#include "shard/tests/simulation/world.h"

namespace shard::testing {

inline constexpr char kCluster[] = "main";

// One of both kinds; the other pointer is null.
struct Database {
  std::string name;
  std::unique_ptr<PostgresServer> server;
  std::unique_ptr<SqliteFile> file;

  bool is_file() const { return file != nullptr; }
  // How often the work of that tag is there.
  std::size_t Count(int tag) const;
  // What transactions have left there, in words; empty when there is nothing.
  std::string Leftovers() const;
};

class Databases {
 public:
  // A few, as the seed has it; they are up.
  Databases(World* world, Flaw flaw);

  std::size_t size() const { return databases_.size(); }
  Database& operator[](std::size_t index) { return databases_[index]; }
  std::vector<Database>& all() { return databases_; }
  std::vector<PostgresServer*> Servers();
  std::vector<SqliteFile*> Files();

  // New ones, as a program would open them.
  std::vector<std::pair<std::string, std::shared_ptr<Engine>>> OpenEngines();

 private:
  void ListAllFiles();

  World& world_;
  const Flaw flaw_;
  std::vector<Database> databases_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SIMULATION_DATABASES_H_
