#include "shard/tests/crash/raw_database.h"

#include <libpq-fe.h>
#include <sqlite3.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/tests/crash/database.h"

namespace shard::bank {
namespace {

absl::Status Failed(const std::string& sql, const char* words,
                    absl::StatusCode code = absl::StatusCode::kUnknown) {
  return absl::Status(code, absl::StrCat(sql, ": ", words));
}

class RawPostgres : public RawDatabase {
 public:
  explicit RawPostgres(const std::string& url)
      : connection_(PQconnectdb(url.c_str()), &PQfinish) {}

  absl::Status status() const {
    if (PQstatus(connection_.get()) == CONNECTION_OK) return absl::OkStatus();
    return Failed("connecting", PQerrorMessage(connection_.get()));
  }
  bool is_postgres() const override { return true; }

  absl::StatusOr<Rows> Query(const std::string& sql) override {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(
        PQexec(connection_.get(), sql.c_str()), &PQclear);
    const ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
      return Failed(sql, PQerrorMessage(connection_.get()));
    }
    Rows rows(static_cast<std::size_t>(PQntuples(result.get())));
    for (std::size_t row = 0; row < rows.size(); ++row) {
      for (int column = 0; column < PQnfields(result.get()); ++column) {
        rows[row].emplace_back(
            PQgetvalue(result.get(), static_cast<int>(row), column));
      }
    }
    return rows;
  }

 private:
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

absl::StatusCode SqliteCode(int result) {
  switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::StatusCode::kAborted;
    case SQLITE_CANTOPEN:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_PROTOCOL:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kUnknown;
  }
}

class RawSqlite : public RawDatabase {
 public:
  static absl::StatusOr<std::unique_ptr<RawDatabase>> Open(
      const std::string& path) {
    sqlite3* handle = nullptr;
    const int result =
        sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr);
    std::unique_ptr<RawSqlite> database(new RawSqlite(handle));
    if (result != SQLITE_OK) {
      return Failed(path, sqlite3_errstr(result), SqliteCode(result));
    }
    sqlite3_busy_timeout(handle, 1000);
    return database;
  }
  bool is_postgres() const override { return false; }

  absl::StatusOr<Rows> Query(const std::string& sql) override {
    Rows rows;
    const auto add = [](void* out, int columns, char** values, char**) {
      std::vector<std::string> row;
      for (int i = 0; i < columns; ++i) {
        row.emplace_back(values[i] == nullptr ? "" : values[i]);
      }
      static_cast<Rows*>(out)->push_back(std::move(row));
      return 0;
    };
    const int result =
        sqlite3_exec(handle_.get(), sql.c_str(), add, &rows, nullptr);
    if (result != SQLITE_OK) {
      return Failed(sql, sqlite3_errmsg(handle_.get()), SqliteCode(result));
    }
    return rows;
  }

 private:
  explicit RawSqlite(sqlite3* handle) : handle_(handle, &sqlite3_close) {}
  const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> handle_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RawDatabase>> RawDatabase::Open(
    const std::string& url) {
  const Database database{"", url};
  if (database.is_file()) return RawSqlite::Open(database.path());
  auto postgres = std::make_unique<RawPostgres>(url);
  SHARD_RETURN_IF_ERROR(postgres->status());
  return postgres;
}

}  // namespace shard::bank
