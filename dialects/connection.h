// One conversation with one database.
#ifndef SHARD_DIALECTS_CONNECTION_H_
#define SHARD_DIALECTS_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/dialect.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/replication_state.h"
#include "shard/dialects/row_batch.h"
#include "shard/dialects/statement_listeners.h"
#include "shard/dialects/transaction_guest.h"
#include "shard/dialects/transaction_options.h"
#include "shard/sql/table.h"
#include "shard/sql/value.h"

namespace shard {

// Runs `statement` once, or `runs` times in order with as many sets of
// parameters one behind the other. What it points to must live until the
// request is finished.
struct Request {
  const CompiledStatement* statement = nullptr;
  absl::Span<const sql::ValueView> parameters;
  std::size_t runs = 1;
  // Reads, and each run gives one row at most, as a look-up by key does: a
  // driver that has got it need look for no more, nor fill Outcome::affected.
  bool one_row = false;
  // Writes, and each run is to change one row, another one each. If it turns
  // out otherwise the transaction, or its innermost savepoint, must be rolled
  // back: a driver may then have done more than it was told to.
  bool one_row_each = false;
};

// Inserts `rows` rows of equal shape; `values` holds them row by row. A driver
// may send them by another statement than INSERT, where that does the same.
// Where `generated_key` is set (a table's generated_key(), not among
// `columns`), the database's numbers come back in the order of the rows.
// Without `returning` the statement has no RETURNING clause, and rows that do
// not arrive are no error: the table may be a view, or have triggers that put
// its rows elsewhere. Numbers are then taken first; kFailedPrecondition where
// there are none to take.
struct InsertRequest {
  const sql::Table* table = nullptr;
  absl::Span<const sql::Column* const> columns;
  std::size_t rows = 0;
  absl::Span<const sql::ValueView> values;
  const sql::Column* generated_key = nullptr;
  bool returning = true;
  // Where Connection::inserts_fetch() and the table's key is one integer,
  // generated or among `columns`: takes a row for each that goes in, in their
  // order, with the key and what the database has in the columns to fetch.
  absl::Span<const sql::Column* const> fetched = {};
  RowBatch* fetched_rows = nullptr;
  // By which dialect the table is named; null: the connection's, as declared.
  const Dialect* names = nullptr;

  absl::StatusOr<std::string> QuotedTable(const Dialect& plain) const {
    return (names == nullptr ? plain : *names).QuoteTable(table->name());
  }
};

struct Outcome {
  std::vector<std::int64_t> affected;  // rows changed, for each run
  std::vector<std::int64_t> keys;      // an insert's generated keys
  std::int64_t total_affected() const {
    std::int64_t sum = 0;
    for (const std::int64_t rows : affected) sum += rows;
    return sum;
  }
};

// Rows of one statement, fetched a batch at a time. Lives no longer than the
// transaction it was opened in; between batches its connection is free for
// other work. Not thread-safe, but may move between threads.
class Cursor {
 public:
  virtual ~Cursor() = default;
  // Asks for the next batch without waiting for it.
  virtual absl::Status Start() = 0;
  // Waits for the batch that Start asked for. False, with no rows, at the end.
  virtual absl::StatusOr<bool> Finish(RowBatch* batch) = 0;
  absl::StatusOr<bool> Next(RowBatch* batch);
};

// Not thread-safe: one user at a time. Owned by its Engine's pool, lent out as
// a PooledConnection. Every error is an absl::Status with the codes below; no
// driver exception passes. Messages carry the driver's words, never a bound
// value; payload kDatabaseCodePayload (errors.h) holds the SQLSTATE or SQLite
// code.
//
//   kAlreadyExists       unique violation
//   kFailedPrecondition  another constraint
//   kAborted             serialization failure, deadlock, busy: try again
//   kUnavailable         connection lost or refused, read-only server
//   kDeadlineExceeded, kCancelled   timeout, cancelled by the server
//   kResourceExhausted   disk full, too many connections
//   kInvalidArgument     bad SQL, a value of the wrong type or out of range
//   kUnimplemented       what the database cannot do
//
// Each piece of work has a blocking verb (Execute, Insert) and a pair of
// start/finish verbs, so that one thread can keep several databases busy: start
// on all, then finish on all. Between Start and Finish nothing else may be
// asked of the connection. After an error from Start there is no Finish.
class Connection {
 public:
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  virtual const Dialect& dialect() const = 0;
  // False once the connection is lost; the pool then throws it away.
  virtual bool usable() const = 0;
  // Asks the database for a sign of life.
  virtual absl::Status Ping() = 0;
  // Whether the server has hung up meanwhile, as far as can be seen without
  // asking it. For an idle connection.
  virtual bool HasHungUp() { return false; }
  // nullopt where nothing is known of it, as of an embedded database.
  virtual absl::StatusOr<std::optional<ReplicationState>> ReadReplication() {
    return std::nullopt;
  }
  // True when Finish does the work itself, in the thread that calls it, as an
  // embedded database does; false when the work runs elsewhere meanwhile.
  virtual bool works_in_finish() const = 0;
  // True when text sorts by bytes here unless said otherwise.
  virtual bool text_sorts_by_bytes() const = 0;

  virtual absl::Status Start(const Request& request) = 0;
  // `rows` takes the rows of all runs, one behind the other; may be null.
  virtual absl::StatusOr<Outcome> Finish(RowBatch* rows) = 0;
  absl::StatusOr<Outcome> Execute(const Request& request, RowBatch* rows);

  // Whether Outcome::affected tells how many rows an UPDATE or DELETE of the
  // table, named by that dialect, changed. False for a view whose triggers do
  // the work, where the database does not count that. Asks the database, where
  // there is doubt.
  virtual absl::StatusOr<bool> CountsRowsOf(const sql::Table& table,
                                            const Dialect& names);

  // Whether many rows of an INSERT bring back what the database made sooner by
  // InsertRequest::fetched than by a statement each.
  virtual bool inserts_fetch() const { return false; }
  virtual absl::Status StartInsert(const InsertRequest& request) = 0;
  virtual absl::StatusOr<Outcome> FinishInsert() = 0;
  absl::StatusOr<Outcome> Insert(const InsertRequest& request);

  // Between Start and Finish of anything: goes on with it as far as it goes
  // without waiting. True when there will be more to do before Finish need
  // only wait: a server that takes rows in pieces has to be fed. For who waits
  // for another database meanwhile.
  virtual bool Advance() { return false; }

  // A cursor over the rows of a statement that returns rows. The statement must
  // live as long as the cursor; the parameters only until the first Finish.
  // `batch_rows`: rows a batch at most.
  virtual absl::StatusOr<std::unique_ptr<Cursor>> OpenCursor(
      const Request& request, std::size_t batch_rows) = 0;

  // Statements without parameters or rows, one or several: DDL and settings.
  absl::Status ExecuteScript(std::string_view sql);
  virtual absl::Status StartScript(std::string_view sql) = 0;
  virtual absl::Status FinishScript() = 0;

  // From now on waiting for the database ends at that time, with
  // kDeadlineExceeded; the connection is lost then. An embedded database, which
  // works itself, ignores it. InfiniteFuture(), as at first: no limit.
  virtual void set_deadline(absl::Time deadline);

  // Who hears of the statements that run here.
  StatementListeners& listeners() { return listeners_; }

  // Those who have joined its transaction, in the order in which they came.
  // They must be gone when the loan ends.
  std::vector<TransactionGuest*>& guests() { return guests_; }

  // Its part in an atomic commit.
  virtual Participant& participant() = 0;

  // Transactions. Savepoint names are quoted, so any text will do. A server
  // may hear of Begin only with the next statement: it saves a round trip.
  virtual absl::Status Begin(const TransactionOptions& options = {});
  // The running transaction's deadline and statement timeout no longer count,
  // since it is about to be committed.
  virtual void LiftTimeLimits();
  // For the running transaction: waiting for a lock ends after that time with
  // kAborted, unless the database, or its options, have a limit of their own.
  // Takes effect with the next statement.
  virtual absl::Status LimitLockWaits(absl::Duration limit);
  absl::Status Commit();
  absl::Status Rollback();
  absl::Status Savepoint(std::string_view name);
  absl::Status RollbackTo(std::string_view name);
  absl::Status Release(std::string_view name);
  virtual bool in_transaction() const = 0;
  // The savepoints there are, the innermost last. Those made and ended by text
  // are not known, unless it is said here.
  const std::vector<std::string>& savepoints() const;
  void NoteSavepoint(std::string_view name);
  void NoteReleased(std::string_view name);

  // Called during long work in Finish, from the thread that does it, or while
  // that waits, so that a caller can put others to work meanwhile.
  virtual void set_progress(std::function<void()> progress);

 protected:
  Connection() = default;
  // A transaction begins, or has ended.
  void ForgetSavepoints() { savepoints_.clear(); }

 private:
  std::size_t IndexOfSavepoint(std::string_view name) const;
  virtual std::string BeginText(const TransactionOptions& options) const = 0;

  StatementListeners listeners_;
  std::vector<TransactionGuest*> guests_;
  std::vector<std::string> savepoints_;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_CONNECTION_H_
