#include "shard/tests/tools/raw_database.h"

#include <sqlite3.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "shard/tests/support/postgres_client.h"
#include "shard/tests/support/postgres_databases.h"

namespace shard::testing {
namespace {

class RawPostgres : public RawDatabase {
 public:
  explicit RawPostgres(const std::string& url)
      : RawDatabase(url), client_(url) {}
  explicit RawPostgres(PostgresDatabase database)
      : RawDatabase(database.url()),
        database_(std::move(database)),
        client_(url()) {}

  std::string Run(const std::string& sql) override {
    const std::vector<std::string> column = client_.Run(sql);
    return column.empty() ? "" : column.front();
  }
  std::unique_ptr<RawDatabase> Again() const override {
    return std::make_unique<RawPostgres>(url());
  }

 private:
  std::optional<PostgresDatabase> database_;  // none: of another object
  PostgresClient client_;
};

class RawSqlite : public RawDatabase {
 public:
  RawSqlite(const std::string& path, bool owned)
      : RawDatabase("sqlite:///" + path), path_(path), owned_(owned) {
    if (sqlite3_open(path.c_str(), &handle_) != SQLITE_OK) Throw();
    sqlite3_busy_timeout(handle_, 5000);
    Run("PRAGMA journal_mode = WAL");
  }

  ~RawSqlite() override {
    sqlite3_close(handle_);
    if (owned_) std::filesystem::remove(path_);
  }

  std::string Run(const std::string& sql) override {
    std::string value;
    const auto note = [](void* to, int, char** values, char**) {
      std::string& text = *static_cast<std::string*>(to);
      if (text.empty() && values[0] != nullptr) text = values[0];
      return 0;
    };
    if (sqlite3_exec(handle_, sql.c_str(), note, &value, nullptr) !=
        SQLITE_OK) {
      Throw();
    }
    return value;
  }

  std::unique_ptr<RawDatabase> Again() const override {
    return std::make_unique<RawSqlite>(path_, /*owned=*/false);
  }

 private:
  [[noreturn]] void Throw() const {
    throw std::runtime_error(sqlite3_errmsg(handle_));
  }

  const std::string path_;
  const bool owned_;
  sqlite3* handle_ = nullptr;
};

}  // namespace

std::unique_ptr<RawDatabase> RawDatabase::NewPostgres(std::size_t server) {
  if (CountPostgresServers() == 0) return nullptr;
  return std::make_unique<RawPostgres>(PostgresDatabase::OnServer(server));
}

std::unique_ptr<RawDatabase> RawDatabase::NewPostgresThatCannotPrepare() {
  if (!HasPostgresWithoutPrepare()) return nullptr;
  return std::make_unique<RawPostgres>(PostgresDatabase::WithoutPrepare());
}

std::unique_ptr<RawDatabase> RawDatabase::NewSqlite(const std::string& path) {
  return std::make_unique<RawSqlite>(path, /*owned=*/true);
}

}  // namespace shard::testing
