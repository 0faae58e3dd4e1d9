#include "shard/dialects/postgres/link.h"

#include <libpq-fe.h>
#include <poll.h>

#include <cerrno>
#include <exception>
#include <memory>
#include <pqxx/pqxx>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/postgres/sqlstate.h"

namespace shard::postgres {
namespace {

constexpr char kLookingUp[] = "a look-up in the catalogue";

// Waits until the socket can be read or written; false when `deadline` is over.
bool WaitForSocket(int socket, short events, absl::Time deadline) {
  while (true) {
    int milliseconds = -1;
    if (deadline != absl::InfiniteFuture()) {
      const absl::Duration left = deadline - absl::Now();
      if (left <= absl::ZeroDuration()) return false;
      milliseconds = static_cast<int>(absl::ToInt64Milliseconds(left)) + 1;
    }
    pollfd entry{socket, events, 0};
    const int ready = poll(&entry, 1, milliseconds);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // libpq will find out
  }
}

// Drives libpq's steps until the connection stands.
absl::Status FinishConnecting(PGconn* connection, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;
  while (PQstatus(connection) != CONNECTION_BAD) {
    if (wanted == PGRES_POLLING_OK) return absl::OkStatus();
    if (wanted == PGRES_POLLING_FAILED) break;
    const short events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (!WaitForSocket(PQsocket(connection), events, deadline)) {
      return absl::UnavailableError(absl::StrCat(
          "cannot connect: no answer within ", absl::FormatDuration(timeout)));
    }
    wanted = PQconnectPoll(connection);
  }
  return ErrorOfConnecting(connection);
}

// How libpqxx connects: with parameters as a list, so that no message can
// repeat a connection string, and handing out the handle.
class Policy : public pqxx::connect_direct {
 public:
  explicit Policy(const ConnInfo& info) : connect_direct(""), info_(info) {}

  handle do_startconnect(handle existing) override {
    if (existing != nullptr) return existing;
    // Connecting anew behind our back would lose the transaction.
    if (std::exchange(started_, true)) throw pqxx::broken_connection();
    std::vector<const char*> names;
    std::vector<const char*> values;
    for (const auto& [name, value] : info_.keywords) {
      names.push_back(name.c_str());
      values.push_back(value.c_str());
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    handle_ = PQconnectStartParams(names.data(), values.data(),
                                   /*expand_dbname=*/0);
    if (handle_ == nullptr) throw std::bad_alloc();
    // Verbose: with the SQLSTATE, for which there is no other way here.
    PQsetErrorVerbosity(handle_, PQERRORS_VERBOSE);
    status_ = FinishConnecting(handle_, info_.timeout);
    if (!status_.ok()) {
      PQfinish(std::exchange(handle_, nullptr));
      throw pqxx::broken_connection();
    }
    PQsetErrorVerbosity(handle_, PQERRORS_DEFAULT);
    return handle_;
  }

  handle do_disconnect(handle existing) noexcept override {
    handle_ = nullptr;
    return connect_direct::do_disconnect(existing);
  }

  handle libpq() const { return handle_; }
  const absl::Status& status() const { return status_; }

 private:
  const ConnInfo& info_;
  bool started_ = false;
  handle handle_ = nullptr;
  absl::Status status_;
};

void IgnoreNotice(void*, const PGresult*) {}

struct Setting {
  const char* name;
  const char* value;
  const char* set;
};

// PGTZ and PGDATESTYLE in the environment win over what we asked for.
std::string CorrectingSettings(const PGconn* connection) {
  constexpr Setting kSettings[] = {
      {"TimeZone", "UTC", "SET TimeZone = 'UTC';"},
      {"DateStyle", "ISO", "SET DateStyle = 'ISO';"},
      {"IntervalStyle", "postgres", "SET IntervalStyle = 'postgres';"},
      {"standard_conforming_strings", "on",
       "SET standard_conforming_strings = on;"},
      {"client_encoding", "UTF8", "SET client_encoding = 'UTF8';"},
  };
  std::string sql;
  for (const Setting& setting : kSettings) {
    const char* value = PQparameterStatus(connection, setting.name);
    if (value == nullptr ||
        std::string_view(value).substr(
            0, std::string_view(setting.value).size()) != setting.value) {
      sql += setting.set;
    }
  }
  return sql;
}

absl::Status SetUp(PGconn* connection) {
  PQsetNoticeReceiver(connection, &IgnoreNotice, nullptr);
  if (const std::string sql = CorrectingSettings(connection); !sql.empty()) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(
        PQexec(connection, sql.c_str()), &PQclear);
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) {
      return ErrorOfResult(result.get(), sql);
    }
  }
  if (PQsetnonblocking(connection, 1) != 0) {
    return ErrorOfLostConnection(connection, "");
  }
  return absl::OkStatus();
}

std::vector<std::vector<std::string>> RowsOf(const PGresult* result) {
  std::vector<std::vector<std::string>> rows(PQntuples(result));
  for (int row = 0; row < PQntuples(result); ++row) {
    for (int column = 0; column < PQnfields(result); ++column) {
      rows[row].emplace_back(PQgetvalue(result, row, column));
    }
  }
  return rows;
}

}  // namespace

// A connection of libpqxx with a policy of our own.
class Link::Libpqxx : public pqxx::connection_base {
 public:
  explicit Libpqxx(const ConnInfo& info)
      : connection_base(policy_), policy_(info) {}
  ~Libpqxx() { close(); }

  absl::Status Connect() {
    try {
      init();
      return SetUp(policy_.libpq());
    } catch (const std::exception&) {
      if (!policy_.status().ok()) return policy_.status();
      return absl::UnavailableError("cannot connect");
    }
  }
  PGconn* libpq() const { return policy_.libpq(); }

 private:
  Policy policy_;
};

Link::Link(std::unique_ptr<Libpqxx> libpqxx) : libpqxx_(std::move(libpqxx)) {}
Link::~Link() = default;

absl::StatusOr<std::unique_ptr<Link>> Link::Connect(const ConnInfo& info) {
  auto libpqxx = std::make_unique<Libpqxx>(info);
  SHARD_RETURN_IF_ERROR(libpqxx->Connect());
  return std::unique_ptr<Link>(new Link(std::move(libpqxx)));
}

PGconn* Link::libpq() const { return libpqxx_->libpq(); }

absl::StatusOr<std::vector<std::vector<std::string>>> Link::LookUp(
    std::string_view query, absl::Span<const std::string> parameters) {
  const std::string text(query);
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) {
    values.push_back(parameter.c_str());
  }
  // Not by libpqxx: it leaks its result when the connection is lost.
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(
      PQexecParams(libpq(), text.c_str(), static_cast<int>(values.size()),
                   nullptr, values.data(), nullptr, nullptr, 0),
      &PQclear);
  if (PQresultStatus(result.get()) == PGRES_TUPLES_OK) {
    return RowsOf(result.get());
  }
  if (result == nullptr || PQstatus(libpq()) != CONNECTION_OK) {
    return ErrorOfLostConnection(libpq(), kLookingUp);
  }
  return ErrorOfResult(result.get(), kLookingUp);
}

bool WaitForServer(PGconn* connection) {
  const int unsent = PQflush(connection);
  if (unsent < 0) {
    // The server may have said why before it hung up.
    return PQconsumeInput(connection) == 1;
  }
  const short events = unsent == 1 ? POLLIN | POLLOUT : POLLIN;
  WaitForSocket(PQsocket(connection), events, absl::InfiniteFuture());
  return PQconsumeInput(connection) == 1;
}

}  // namespace shard::postgres
