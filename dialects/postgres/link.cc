#include "shard/dialects/postgres/link.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <limits>
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
#include "shard/dialects/errors.h"
#include "shard/dialects/postgres/sqlstate.h"

namespace shard::postgres {
namespace {

constexpr char kLookingUp[] = "a look-up in the catalogue";

constexpr char kSettingUp[] = "the settings of a new connection";

// How often what has come already is read once the deadline is over: all of an
// answer of usual size, but not a stream without end.
constexpr int kMostLateReads = 64;

// How long one wait is, where others are to be helped between: a server has
// work for longer in what its socket holds.
constexpr absl::Duration kStretch = absl::Milliseconds(2);

// As poll takes it.
int MillisecondsUntil(absl::Time deadline) {
  if (deadline == absl::InfiniteFuture()) return -1;
  const std::int64_t left = absl::ToInt64Milliseconds(
      absl::Ceil(deadline - absl::Now(), absl::Milliseconds(1)));
  return static_cast<int>(
      std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

// Waits until the socket can be read or written; false when it cannot and
// `deadline` is over.
bool WaitForSocket(int socket, short events, absl::Time deadline) {
  while (true) {
    pollfd entry{socket, events, 0};
    const int ready = poll(&entry, 1, MillisecondsUntil(deadline));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // libpq will find out
    if (absl::Now() >= deadline) return false;
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

void IgnoreNotice(void*, const PGresult*) {}

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
    PQsetNoticeReceiver(handle_, &IgnoreNotice, nullptr);
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

}  // namespace

TextRows RowsOf(const PGresult* result) {
  TextRows rows(PQntuples(result));
  for (int row = 0; row < PQntuples(result); ++row) {
    for (int column = 0; column < PQnfields(result); ++column) {
      rows[row].emplace_back(PQgetvalue(result, row, column));
    }
  }
  return rows;
}

// PQcmdStatus takes what it does not change as non-const.
std::string_view CommandTag(const PGresult* result) {
  return PQcmdStatus(const_cast<PGresult*>(result));
}

// A connection of libpqxx with a policy of our own.
class Link::Libpqxx : public pqxx::connection_base {
 public:
  explicit Libpqxx(const ConnInfo& info)
      : connection_base(policy_), policy_(info) {}
  ~Libpqxx() { close(); }

  absl::Status Connect() {
    try {
      init();
      return absl::OkStatus();
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
  const absl::Time deadline = absl::Now() + info.timeout;
  auto libpqxx = std::make_unique<Libpqxx>(info);
  SHARD_RETURN_IF_ERROR(libpqxx->Connect());
  std::unique_ptr<Link> link(new Link(std::move(libpqxx)));
  link->set_deadline(deadline);
  SHARD_RETURN_IF_ERROR(link->SetUp());
  return link;
}

absl::Status Link::SetUp() {
  PQsetNoticeReceiver(libpq(), &IgnoreNotice, nullptr);
  if (PQsetnonblocking(libpq(), 1) != 0) return Lost(kSettingUp);
  const std::string sql = CorrectingSettings(libpq());
  if (sql.empty()) return absl::OkStatus();
  if (PQsendQuery(libpq(), sql.c_str()) != 1) return Lost(kSettingUp);
  return LastResult(kSettingUp).status();
}

PGconn* Link::libpq() const { return libpqxx_->libpq(); }

bool Link::usable() const {
  return !broken_ && PQstatus(libpq()) == CONNECTION_OK;
}

void Link::set_deadline(absl::Time deadline) {
  deadline_ = deadline;
  late_reads_ = 0;
}

absl::Status Link::Lost(std::string_view statement) {
  broken_ = true;
  if (!timed_out_) return ErrorOfLostConnection(libpq(), statement);
  return DatabaseError(absl::StatusCode::kUnavailable,
                       "connection lost: an earlier answer did not come in "
                       "time",
                       statement, "");
}

absl::Status Link::AsLoss(const absl::Status& error,
                          std::string_view statement) {
  if (absl::IsDeadlineExceeded(error)) return error;
  const absl::Status lost = Lost(statement);
  if (error.ok()) return lost;
  if (absl::IsUnavailable(error)) return error;
  return DatabaseError(absl::StatusCode::kUnavailable,
                       absl::StrCat("connection lost: ", error.message()), "",
                       DatabaseCode(error).value_or(""));
}

bool Link::WaitForSocket(short events, absl::Time deadline) {
  const int socket = PQsocket(libpq());
  while (progress_) {
    progress_();
    const absl::Time now = absl::Now();
    const absl::Time until = std::min(deadline, now + kStretch);
    if (postgres::WaitForSocket(socket, events, until)) return true;
    if (now >= deadline) return false;
  }
  return postgres::WaitForSocket(socket, events, deadline);
}

absl::Status Link::Wait(std::string_view statement) {
  const int unsent = PQflush(libpq());
  // When it fails, the server may have said why before it hung up.
  if (unsent >= 0 && PQsocket(libpq()) >= 0) {
    const short events = unsent == 1 ? POLLIN | POLLOUT : POLLIN;
    const absl::Time deadline = std::min(deadline_, give_up_at_);
    const bool late = absl::Now() >= deadline && ++late_reads_ > kMostLateReads;
    if (late || !WaitForSocket(events, deadline)) {
      broken_ = timed_out_ = true;
      return DatabaseError(absl::StatusCode::kDeadlineExceeded,
                           "no answer in time; the server may still be at work "
                           "on it, and the connection is given up",
                           statement, "");
    }
  }
  if (PQconsumeInput(libpq()) == 1) return absl::OkStatus();
  return ErrorOfLostConnection(libpq(), statement);
}

absl::StatusOr<Result> Link::NextResult(std::string_view statement) {
  while (PQisBusy(libpq())) {
    const absl::Status status = Wait(statement);
    if (absl::IsDeadlineExceeded(status)) return status;
    if (!status.ok()) break;  // libpq has a result for that
  }
  return Result(PQgetResult(libpq()));
}

absl::StatusOr<Result> Link::LastResult(std::string_view statement) {
  Result last;
  while (true) {
    SHARD_ASSIGN_OR_RETURN(Result next, NextResult(statement));
    if (next == nullptr) break;
    last = std::move(next);
  }
  if (last == nullptr || PQstatus(libpq()) != CONNECTION_OK) {
    return Lost(statement);
  }
  if (PQresultStatus(last.get()) == PGRES_FATAL_ERROR) {
    return ErrorOfResult(last.get(), statement);
  }
  return last;
}

absl::StatusOr<TextRows> Link::LookUp(
    std::string_view query, absl::Span<const std::string> parameters) {
  const std::string text(query);
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) {
    values.push_back(parameter.c_str());
  }
  // Not by libpqxx: it leaks its result when the connection is lost.
  if (!usable() ||
      PQsendQueryParams(libpq(), text.c_str(), static_cast<int>(values.size()),
                        nullptr, values.data(), nullptr, nullptr, 0) != 1) {
    return Lost(kLookingUp);
  }
  SHARD_ASSIGN_OR_RETURN(const Result result, LastResult(kLookingUp));
  return RowsOf(result.get());
}

absl::Status Link::Ping() {
  if (!usable() || PQsendQuery(libpq(), "") != 1) return Lost("");
  return LastResult("").status();
}

bool Link::HasHungUp() {
  // The server's last words, or news of no interest, come before the end.
  constexpr int kMostReads = 3;
  for (int reads = 0; reads < kMostReads && usable(); ++reads) {
    pollfd entry{PQsocket(libpq()), POLLIN, 0};
    if (poll(&entry, 1, 0) <= 0) return false;
    if (PQconsumeInput(libpq()) != 1) broken_ = true;
  }
  return !usable();
}

}  // namespace shard::postgres
