// Fresh databases for each test, the same test on every kind of them.
#ifndef SHARD_TESTS_SESSION_DATABASES_H_
#define SHARD_TESTS_SESSION_DATABASES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "shard/dialects/engine.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/shard_rule.h"
#include "shard/session/sharded_session.h"
#include "shard/sql/table.h"
#include "shard/tests/support/postgres_databases.h"

namespace shard::testing {

// What was sent to the databases of one test. Thread-safe.
class StatementLog {
 public:
  struct Entry {
    std::string engine;
    std::string statement;
    std::size_t parameters;
  };
  void Add(const StatementEvent& event);
  void Clear();
  // Statements that "SELECT", "INSERT", "UPDATE" or "DELETE", on one engine or
  // on all; with an empty verb all statements.
  std::vector<Entry> Of(std::string_view verb,
                        std::string_view engine = "") const;
  std::size_t Count(std::string_view verb, std::string_view engine = "") const {
    return Of(verb, engine).size();
  }
  // SELECT, INSERT, UPDATE and DELETE.
  std::size_t CountAll() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;  // guarded by mutex_
};

// "sqlite": a file for each engine. "postgresql": a database for each, on
// the servers of SHARD_TEST_POSTGRES_URLS in turn; skipped where that is unset.
// "mixed": one of the first, one of the second, and so on. "sharded" behind a
// kind is for the suite to heed: session_test.h.
class DatabaseTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override;
  ~DatabaseTest() override;

  // An engine of that name on a new database with these tables; throws when
  // that fails. What it runs is in log().
  std::shared_ptr<Engine> NewEngine(const std::string& name,
                                    const sql::MetaData& tables,
                                    EngineOptions options = {});
  // Another engine on the same database as `engine`.
  std::shared_ptr<Engine> SameDatabase(const Engine& engine,
                                       EngineOptions options = {});
  // Of the database of NewEngine(name).
  const std::string& UrlOf(const std::string& name) const {
    return urls_.at(name);
  }
  // `count` shards, named "s0", "s1", ...
  std::vector<std::pair<std::string, std::shared_ptr<Engine>>> NewShards(
      std::size_t count, const sql::MetaData& tables);
  // `count` shards and a hash of each column, one for each table.
  std::shared_ptr<HorizontalResolver> HashedBy(
      const std::vector<const sql::Column*>& keys, std::size_t count);
  // Shards "europe", "asia" and "africa" with cities by continent: "EU", "AS"
  // and "AF".
  std::shared_ptr<HorizontalResolver> CitiesByContinent();
  std::shared_ptr<Engine> shard(const std::string& name) {
    return shards_.at(name);
  }

  // The one value of a statement, read past any session of the test.
  std::string ReadText(const std::shared_ptr<Engine>& engine,
                       std::string_view sql);
  std::int64_t ReadNumber(const std::shared_ptr<Engine>& engine,
                          std::string_view sql);
  std::int64_t CountRows(const std::shared_ptr<Engine>& engine,
                         const std::string& table) {
    return ReadNumber(engine, "select count(*) from " + table);
  }
  // Over all shards.
  std::int64_t CountRowsOnShards(const std::string& table);
  // Runs statements and commits them, past any session of the test.
  void RunSql(const std::shared_ptr<Engine>& engine, std::string_view sql);

  StatementLog& log() { return *log_; }
  bool is_postgresql() const { return GetParam().starts_with("postgresql"); }
  bool is_sqlite() const { return GetParam().starts_with("sqlite"); }
  bool is_sharded() const { return GetParam().ends_with("sharded"); }
  const std::string& folder() const { return folder_; }

 private:
  std::string NewUrl();

  std::string folder_;
  std::size_t databases_ = 0;
  std::vector<PostgresDatabase> postgres_;
  std::map<std::string, std::string> urls_;  // by engine name
  std::map<std::string, std::shared_ptr<Engine>> shards_;
  std::shared_ptr<StatementLog> log_ = std::make_shared<StatementLog>();
};

// Options for a session that routes by `resolver`, with two_phase off.
SessionOptions WithResolver(std::shared_ptr<BindResolver> resolver);

}  // namespace shard::testing

// One run of the suite for each kind: SHARD_ON_DATABASES(FlushTest, "sqlite",
// "postgresql").
#define SHARD_ON_DATABASES(suite, ...)                  \
  INSTANTIATE_TEST_SUITE_P(                             \
      Databases, suite, ::testing::Values(__VA_ARGS__), \
      [](const auto& param) { return std::string(param.param); })

#endif  // SHARD_TESTS_SESSION_DATABASES_H_
