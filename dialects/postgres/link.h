// The wire to one server: connected by libpqxx, driven by libpq.
#ifndef SHARD_DIALECTS_POSTGRES_LINK_H_
#define SHARD_DIALECTS_POSTGRES_LINK_H_

#include <libpq-fe.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "shard/dialects/postgres/conninfo.h"

namespace shard::postgres {

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ClearResult>;

// Rows as text; NULL comes as "".
using TextRows = std::vector<std::vector<std::string>>;
TextRows RowsOf(const PGresult* result);
// "INSERT 0 1"; lives as long as the result.
std::string_view CommandTag(const PGresult* result);

// libpqxx owns the connection, connects and closes it; what it cannot do
// (pipelines, calls that do not wait, binary parameters) is done with libpq on
// the same connection. Not thread-safe.
//
// Every wait for the server is done here, and ends at the deadline with
// kDeadlineExceeded. Then the link is broken for good, since an answer is still
// to come; what the server does meanwhile is not known.
class Link {
 public:
  // Its deadline is that of connecting; who is done with that sets another.
  static absl::StatusOr<std::unique_ptr<Link>> Connect(const ConnInfo& info);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Non-blocking: what is written waits in memory until it can be sent. Null
  // when libpqxx found it lost; libpq takes that for a broken connection.
  PGconn* libpq() const;

  void set_deadline(absl::Time deadline);
  // A second one, of the running transaction; the earlier counts.
  void GiveUpAt(absl::Time time) { give_up_at_ = time; }
  // Called every now and then while it waits. Null: not.
  void set_progress(std::function<void()> progress) {
    progress_ = std::move(progress);
  }

  // False once the connection is lost, or out of step with the server.
  bool usable() const;
  bool broken() const { return broken_; }
  void Break() { broken_ = true; }
  // Breaks it, if that was not noted yet, and returns the error that says so.
  absl::Status Lost(std::string_view statement);
  // What `error` comes to once the connection is lost: kUnavailable, whatever
  // the server said as it went down, or kDeadlineExceeded. What was sent may
  // have been done.
  absl::Status AsLoss(const absl::Status& error, std::string_view statement);

  // Sends what waits to be sent and reads until something has come in.
  // kUnavailable: the connection broke; what has come by then can be read.
  absl::Status Wait(std::string_view statement);
  // Waits for the next result of what was sent; null behind the last. A lost
  // connection shows in the result and in usable(): all errors are those of
  // the deadline.
  absl::StatusOr<Result> NextResult(std::string_view statement);

  // The rows of a query of ours on the catalogue. At most nine parameters.
  absl::StatusOr<TextRows> LookUp(std::string_view query,
                                  absl::Span<const std::string> parameters);
  // Asks the server for a sign of life.
  absl::Status Ping();
  // Whether it has closed the connection, which nobody waits for: seen without
  // asking it.
  bool HasHungUp();

 private:
  class Libpqxx;
  explicit Link(std::unique_ptr<Libpqxx> libpqxx);
  absl::Status SetUp();
  // Waits for all results and returns the last, which is no error.
  absl::StatusOr<Result> LastResult(std::string_view statement);
  // False when nothing can be read, or written, by the deadline.
  bool WaitForSocket(short events, absl::Time deadline);

  std::unique_ptr<Libpqxx> libpqxx_;
  absl::Time deadline_ = absl::InfiniteFuture();
  absl::Time give_up_at_ = absl::InfiniteFuture();
  int late_reads_ = 0;  // since the deadline is over
  std::function<void()> progress_;
  bool broken_ = false;
  bool timed_out_ = false;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_LINK_H_
