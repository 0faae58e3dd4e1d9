// The atomic commit by hand, on libpq without waiting and on SQLite's C
// functions: the floor of comparisons. The same protocol as the library's, with
// as few round trips as it can do with.
#ifndef SHARD_BENCH_RAW_TWO_PHASE_H_
#define SHARD_BENCH_RAW_TWO_PHASE_H_

#include <libpq-fe.h>
#include <poll.h>
#include <sqlite3.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/random_hex.h"
#include "shard/base/status_macros.h"

namespace shard::bench {

// One server, of which answers are awaited apart from sending.
class RawServer {
 public:
  static absl::StatusOr<std::unique_ptr<RawServer>> Open(
      const std::string& url) {
    std::unique_ptr<RawServer> server(new RawServer(PQconnectdb(url.c_str())));
    if (PQstatus(server->connection_) != CONNECTION_OK) return server->Error();
    SHARD_RETURN_IF_ERROR(server->Run("SET client_min_messages = warning"));
    PQsetnonblocking(server->connection_, 1);
    return server;
  }
  ~RawServer() { PQfinish(connection_); }

  absl::Status Send(const std::string& sql) {
    if (PQsendQuery(connection_, sql.c_str()) != 1) return Error();
    return PQflush(connection_) < 0 ? Error() : absl::OkStatus();
  }
  // The first cell of the last rows; empty when there were none.
  absl::StatusOr<std::string> Await() {
    std::string cell;
    absl::Status status;
    while (true) {
      while (PQisBusy(connection_)) {
        pollfd socket{PQsocket(connection_), POLLIN, 0};
        poll(&socket, 1, -1);
        if (PQconsumeInput(connection_) != 1) return Error();
      }
      PGresult* const result = PQgetResult(connection_);
      if (result == nullptr) break;
      if (PQresultStatus(result) == PGRES_FATAL_ERROR) status = Error();
      if (PQntuples(result) > 0) cell = PQgetvalue(result, 0, 0);
      PQclear(result);
    }
    if (!status.ok()) return status;
    return cell;
  }
  absl::Status Run(const std::string& sql) {
    SHARD_RETURN_IF_ERROR(Send(sql));
    return Await().status();
  }

 private:
  explicit RawServer(PGconn* connection) : connection_(connection) {}
  absl::Status Error() const {
    return absl::UnknownError(
        absl::StrCat("raw PostgreSQL: ", PQerrorMessage(connection_)));
  }
  PGconn* const connection_;
};

// A file that decides, if there is one; servers, of which else the first does.
// Each has bench_items with one row to update and the table of decisions.
class RawTwoPhase {
 public:
  RawTwoPhase(sqlite3* file, std::vector<std::unique_ptr<RawServer>> servers)
      : file_(file), servers_(std::move(servers)) {}
  ~RawTwoPhase() { sqlite3_close(file_); }

  // The row that is changed.
  void set_row(int id) { row_ = id; }

  // Adds one on each of them and commits.
  absl::Status Commit() {
    SHARD_ASSIGN_OR_RETURN(const std::string txn, RandomHex(16));
    const std::string update = absl::StrCat(
        "UPDATE bench_items SET quantity = quantity + 1 WHERE id = ", row_);
    for (const auto& server : servers_) {
      SHARD_RETURN_IF_ERROR(server->Send(
          absl::StrCat("BEGIN; ", update,
                       file_ == nullptr && server == servers_[0]
                           ? "; SELECT pg_current_xact_id_if_assigned()"
                           : "")));
    }
    if (file_ != nullptr) {
      SHARD_RETURN_IF_ERROR(RunOnFile("BEGIN"));
      SHARD_RETURN_IF_ERROR(RunOnFile(update));
    }
    std::string number = "0";
    for (const auto& server : servers_) {
      SHARD_ASSIGN_OR_RETURN(const std::string cell, server->Await());
      if (file_ == nullptr && server == servers_[0]) number = cell;
    }
    const auto gid = [&](std::size_t branch) {
      return absl::StrCat("'byhand/bench/", txn, "/", txn, "/", number, "/",
                          branch, "'");
    };
    const std::size_t first = file_ == nullptr ? 1 : 0;
    for (std::size_t i = first; i < servers_.size(); ++i) {
      SHARD_RETURN_IF_ERROR(servers_[i]->Send(
          absl::StrCat("SELECT 1; PREPARE TRANSACTION ", gid(i))));
    }
    for (std::size_t i = first; i < servers_.size(); ++i) {
      SHARD_RETURN_IF_ERROR(servers_[i]->Await().status());
    }
    SHARD_RETURN_IF_ERROR(Decide(absl::StrCat(
        "INSERT INTO shard_decisions (txn, outcome, participants) VALUES ('",
        txn, "', 'commit', '{\"gid\": \"", txn, "\"}')")));
    for (std::size_t i = first; i < servers_.size(); ++i) {
      SHARD_RETURN_IF_ERROR(
          servers_[i]->Send(absl::StrCat("COMMIT PREPARED ", gid(i))));
    }
    for (std::size_t i = first; i < servers_.size(); ++i) {
      SHARD_RETURN_IF_ERROR(servers_[i]->Await().status());
    }
    return Forget(txn);
  }

 private:
  absl::Status RunOnFile(const std::string& sql) {
    if (sqlite3_exec(file_, sql.c_str(), nullptr, nullptr, nullptr) ==
        SQLITE_OK) {
      return absl::OkStatus();
    }
    return absl::UnknownError(
        absl::StrCat("raw SQLite: ", sqlite3_errmsg(file_)));
  }
  absl::Status Decide(const std::string& insert) {
    if (file_ == nullptr) return servers_[0]->Run(insert + "; COMMIT");
    SHARD_RETURN_IF_ERROR(RunOnFile(insert));
    return RunOnFile("COMMIT");
  }
  // Decisions are removed many at a time, as the library does.
  absl::Status Forget(const std::string& txn) {
    absl::StrAppend(&finished_, finished_.empty() ? "'" : ", '", txn, "'");
    if (++count_ % 128 != 0) return absl::OkStatus();
    const std::string sql = absl::StrCat(
        "DELETE FROM shard_decisions WHERE txn IN (", finished_, ")");
    finished_.clear();
    if (file_ != nullptr) return RunOnFile(sql);
    return servers_[0]->Run(absl::StrCat(
        "BEGIN; SET LOCAL synchronous_commit = off; ", sql, "; COMMIT"));
  }

  sqlite3* const file_;  // null: none
  std::vector<std::unique_ptr<RawServer>> servers_;
  std::string finished_;
  std::size_t count_ = 0;
  int row_ = 1;
};

}  // namespace shard::bench

#endif  // SHARD_BENCH_RAW_TWO_PHASE_H_
