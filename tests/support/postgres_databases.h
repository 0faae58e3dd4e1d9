// Whole PostgreSQL databases for tests: the participant of an atomic commit is
// a database, so that two schemas of one will not do.
#ifndef SHARD_TESTS_SUPPORT_POSTGRES_DATABASES_H_
#define SHARD_TESTS_SUPPORT_POSTGRES_DATABASES_H_

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace shard::testing {

// Servers that SHARD_TEST_POSTGRES_URLS names; 0, where it is unset: skip.
std::size_t CountPostgresServers();
// Whether SHARD_TEST_POSTGRES_NO_PREPARE_URL names a server; if not: skip.
bool HasPostgresWithoutPrepare();

// Databases on any servers, used again since a new one takes long. Thread-safe.
class PostgresDatabases {
 public:
  PostgresDatabases() = default;
  PostgresDatabases(const PostgresDatabases&) = delete;
  PostgresDatabases& operator=(const PostgresDatabases&) = delete;
  ~PostgresDatabases() { DropAll(); }

  // Those of this process; dropped when GoogleTest has run all tests.
  static PostgresDatabases& OfProcess();

  // The URL of an empty database on the server of that URL; throws
  // std::runtime_error when there is none to be had.
  std::string Take(const std::string& server);
  // Ends what goes on in that database (other connections, prepared
  // transactions) and empties it: settings and schemas, with all that is in
  // them. If that fails, so does the test, and nobody gets the database again.
  // Databases dropped before are left alone.
  void GiveBack(const std::string& url);
  // Drops them all, also those that are still taken.
  void DropAll();

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> servers_;  // by URL of the database
  std::map<std::string, std::vector<std::string>> idle_;  // by server: URLs
};

// A database for one test; goes back to PostgresDatabases::OfProcess() at the
// end. Close your connections first: they are lost then.
class PostgresDatabase {
 public:
  // On one of the servers of SHARD_TEST_POSTGRES_URLS: number 0 is the first,
  // and behind the last the first again. Throws std::runtime_error when that
  // fails, and where the variable is unset.
  static PostgresDatabase OnServer(std::size_t number);
  // On the server of SHARD_TEST_POSTGRES_NO_PREPARE_URL, the same way: it has
  // max_prepared_transactions = 0.
  static PostgresDatabase WithoutPrepare();

  PostgresDatabase(PostgresDatabase&& other) noexcept
      : url_(std::exchange(other.url_, "")) {}
  PostgresDatabase& operator=(PostgresDatabase&& other) noexcept {
    std::swap(url_, other.url_);
    return *this;
  }
  ~PostgresDatabase();

  const std::string& url() const { return url_; }

 private:
  explicit PostgresDatabase(std::string url) : url_(std::move(url)) {}

  std::string url_;  // empty: moved from
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SUPPORT_POSTGRES_DATABASES_H_
