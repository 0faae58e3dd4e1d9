// A topology for tests of the atomic commit.
#ifndef SHARD_TESTS_SESSION_TWO_PHASE_CLUSTER_H_
#define SHARD_TESTS_SESSION_TWO_PHASE_CLUSTER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shard/dialects/engine.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/topology.h"
#include "shard/session/sharded_session.h"
#include "shard/session/two_phase/recoverer.h"
#include "shard/tests/session/models.h"
#include "shard/tests/support/postgres_databases.h"

namespace shard::testing {

// Databases "d0", "d1", ... with a table of cities, placed by continent: those
// of "C0" in d0, of "C1" in d1, and so on. Throws when anything fails. Several
// clusters may stand on the same databases, as several processes do.
class Cluster {
 public:
  explicit Cluster(std::vector<std::string> urls, EngineOptions options = {});

  // Two-phase, without a thread that recovers.
  SessionOptions options() const { return options_; }
  Topology& topology() { return *options_.topology; }
  std::size_t size() const { return urls_.size(); }
  const std::string& url(std::size_t index) const { return urls_[index]; }
  std::shared_ptr<Engine> engine(std::size_t index) const {
    return options_.topology->databases()[index].second;
  }

  // A session with a new city in each of the databases, flushed.
  void AddCities(ShardedSession& session, const std::string& name,
                 const std::vector<std::size_t>& databases);

  // One pass that waits for nothing and keeps no decision.
  RecoveryReport RecoverNow();

 private:
  std::vector<std::string> urls_;
  SessionOptions options_;
};

// Looks at and changes one database past all sessions of a test; throws when
// that fails.
class Outside {
 public:
  explicit Outside(const std::string& url);
  std::int64_t Number(std::string_view sql);
  std::string Text(std::string_view sql);
  void Run(std::string_view sql);

  bool is_postgres() const;
  // Cities of that name.
  std::int64_t Cities(const std::string& name);
  // Transactions of ours that are prepared here.
  std::int64_t Prepared();
  std::int64_t Decisions();
  // Every row can be locked at once.
  bool LocksAreFree();

 private:
  std::shared_ptr<Engine> engine_;
};

// New databases of the kinds that letters name: 'P' on a PostgreSQL server (all
// in turn), 'N' on one that cannot prepare, 'S' a SQLite file in `folder`. They
// have the table of cities. They end with the object.
class MadeDatabases {
 public:
  // Throws when that fails, and where there is no such server: see CanMake.
  MadeDatabases(std::string_view kinds, const std::string& folder);
  // Whether the servers for these kinds are there.
  static bool CanMake(std::string_view kinds);

  const std::vector<std::string>& urls() const { return urls_; }

 private:
  std::vector<PostgresDatabase> servers_;
  std::vector<std::string> urls_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SESSION_TWO_PHASE_CLUSTER_H_
