#include "shard/tests/support/postgres_databases.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "shard/sql/types.h"
#include "shard/tests/support/postgres_client.h"

namespace shard::testing {
namespace {

constexpr char kServers[] = "SHARD_TEST_POSTGRES_URLS";
constexpr char kWithoutPrepare[] = "SHARD_TEST_POSTGRES_NO_PREPARE_URL";

std::vector<std::string> UrlsIn(const char* variable) {
  const char* const urls = std::getenv(variable);
  return absl::StrSplit(urls == nullptr ? "" : urls, ',', absl::SkipEmpty());
}

std::string UrlIn(const char* variable, std::size_t number) {
  const std::vector<std::string> urls = UrlsIn(variable);
  if (urls.empty()) {
    throw std::runtime_error(
        absl::StrCat(variable, " is not set; ./test sets it"));
  }
  return urls[number % urls.size()];
}

// Where the name of the database begins and ends, with the '/' before it.
std::pair<std::size_t, std::size_t> PathIn(const std::string& url) {
  const std::size_t end = std::min(url.find('?'), url.size());
  return {std::min(url.find('/', url.find("://") + 3), end), end};
}

std::string WithDatabase(const std::string& server, const std::string& name) {
  const auto [begin, end] = PathIn(server);
  return absl::StrCat(server.substr(0, begin), "/", name, server.substr(end));
}

std::string DatabaseIn(const std::string& url) {
  const auto [begin, end] = PathIn(url);
  return url.substr(begin + 1, end - begin - 1);
}

// Settings that a test gave its database must not stop what tidies up, and a
// lock that nobody frees is a failure, not a test that hangs.
PostgresClient ConnectToTidyUp(const std::string& url) {
  return PostgresClient(url,
                        "-c default_transaction_read_only=off"
                        " -c statement_timeout=0 -c lock_timeout=30s"
                        " -c client_min_messages=warning");
}

// Waits as well: a backend may be in the middle of its PREPARE TRANSACTION.
// (The server's own wait, pg_terminate_backend(pid, timeout), looks only every
// 100 ms, and connections just closed by their test are often still leaving.)
void EndOtherBackends(PostgresClient& client) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!client
              .Run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                   " WHERE datname = current_database()"
                   " AND backend_type = 'client backend'"
                   " AND pid <> pg_backend_pid()")
              .empty()) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("connections of the test do not end");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void RollBackPrepared(PostgresClient& client) {
  for (const std::string& statement :
       client.Run("SELECT format('ROLLBACK PREPARED %L', gid)"
                  " FROM pg_prepared_xacts"
                  " WHERE database = current_database()")) {
    client.Run(statement);
  }
}

// As PostgreSQL 15 makes a new database: "public" and nothing else.
void Empty(PostgresClient& client, const std::string& name) {
  client.Run(absl::StrCat("ALTER DATABASE ", name, " RESET ALL;",
                          "DO $$ DECLARE schema text; BEGIN"
                          " FOR schema IN SELECT nspname FROM pg_namespace"
                          "  WHERE nspname !~ '^pg_'"
                          "  AND nspname <> 'information_schema' LOOP"
                          "  EXECUTE format('DROP SCHEMA %I CASCADE', schema);"
                          " END LOOP; END $$;"
                          "CREATE SCHEMA public"
                          " AUTHORIZATION pg_database_owner;"
                          "GRANT USAGE ON SCHEMA public TO PUBLIC"));
}

void Drop(const std::string& server, const std::string& url) {
  const std::string name = DatabaseIn(url);
  PostgresClient client(server);
  // Not even FORCE drops a database that has prepared transactions.
  if (!client
           .Run(absl::StrCat("SELECT gid FROM pg_prepared_xacts"
                             " WHERE database = '",
                             name, "'"))
           .empty()) {
    PostgresClient inside = ConnectToTidyUp(url);
    RollBackPrepared(inside);
  }
  client.Run(absl::StrCat("DROP DATABASE ", name, " WITH (FORCE)"));
}

class DropAtTheEnd : public ::testing::Environment {
  void TearDown() override { PostgresDatabases::OfProcess().DropAll(); }
};
[[maybe_unused]] const auto* const drop_at_the_end =
    ::testing::AddGlobalTestEnvironment(new DropAtTheEnd);

}  // namespace

std::size_t CountPostgresServers() { return UrlsIn(kServers).size(); }

bool HasPostgresWithoutPrepare() { return !UrlsIn(kWithoutPrepare).empty(); }

PostgresDatabases& PostgresDatabases::OfProcess() {
  static PostgresDatabases& databases = *new PostgresDatabases;
  return databases;
}

std::string PostgresDatabases::Take(const std::string& server) {
  {
    const std::lock_guard lock(mutex_);
    if (std::vector<std::string>& idle = idle_[server]; !idle.empty()) {
      std::string url = std::move(idle.back());
      idle.pop_back();
      return url;
    }
  }
  const std::string name = absl::StrCat(
      "t", absl::StrReplaceAll(Uuid::Random().ToText(), {{"-", ""}}));
  // Others may be connected to template1; nobody ever is to template0.
  PostgresClient(server).Run(
      absl::StrCat("CREATE DATABASE ", name, " TEMPLATE template0"));
  const std::string url = WithDatabase(server, name);
  const std::lock_guard lock(mutex_);
  servers_[url] = server;
  return url;
}

void PostgresDatabases::GiveBack(const std::string& url) {
  std::string server;
  {
    const std::lock_guard lock(mutex_);
    const auto found = servers_.find(url);
    if (found == servers_.end()) return;
    server = found->second;
  }
  try {
    PostgresClient client = ConnectToTidyUp(url);
    EndOtherBackends(client);
    RollBackPrepared(client);
    Empty(client, DatabaseIn(url));
    const std::lock_guard lock(mutex_);
    idle_[server].push_back(url);
  } catch (const std::exception& error) {
    ADD_FAILURE() << "cannot empty the test's database: " << error.what();
  }
}

void PostgresDatabases::DropAll() {
  std::map<std::string, std::string> servers;
  {
    const std::lock_guard lock(mutex_);
    servers = std::exchange(servers_, {});
    idle_.clear();
  }
  for (const auto& [url, server] : servers) {
    try {
      Drop(server, url);
    } catch (const std::exception& error) {
      ADD_FAILURE() << "cannot drop a test's database: " << error.what();
    }
  }
}

PostgresDatabase PostgresDatabase::OnServer(std::size_t number) {
  return PostgresDatabase(
      PostgresDatabases::OfProcess().Take(UrlIn(kServers, number)));
}

PostgresDatabase PostgresDatabase::WithoutPrepare() {
  return PostgresDatabase(
      PostgresDatabases::OfProcess().Take(UrlIn(kWithoutPrepare, 0)));
}

PostgresDatabase::~PostgresDatabase() {
  if (!url_.empty()) PostgresDatabases::OfProcess().GiveBack(url_);
}

}  // namespace shard::testing
