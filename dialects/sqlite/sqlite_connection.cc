#include "shard/dialects/sqlite/sqlite_connection.h"

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/row_batch.h"
#include "shard/dialects/sqlite/sqlite_cursor.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_dialect.h"
#include "shard/dialects/sqlite/sqlite_query.h"
#include "shard/dialects/sqlite/sqlite_rows.h"
#include "shard/dialects/sqlite/sqlite_settings.h"
#include "shard/dialects/sqlite/sqlite_values.h"
#include "shard/dialects/sqlite/statement_cache.h"

namespace shard {
namespace {

// The comment tells FinishScript, and whoever reads a log, what kind it is.
constexpr std::string_view kBegin = "BEGIN";
constexpr std::string_view kBeginReadOnly = "BEGIN /* read only */";
// ROLLBACK TO it undoes all work and keeps the write lock, which an atomic
// commit needs to do the work again.
constexpr std::string_view kBeginMayFollow =
    "SAVEPOINT shard_transaction /* may follow */";
constexpr std::string_view kCommit = "COMMIT";
constexpr std::string_view kRollback = "ROLLBACK";

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> SqliteConnection::Open(
    const SqliteOptions& options) {
  SHARD_ASSIGN_OR_RETURN(std::unique_ptr<SqliteDatabase> database,
                         SqliteDatabase::Open(options));
  std::unique_ptr<Connection> connection(
      new SqliteConnection(std::move(database)));
  connection->listeners().SetEngine(options.engine_name, options.on_statement);
  return connection;
}

SqliteConnection::SqliteConnection(std::unique_ptr<SqliteDatabase> database)
    : database_(std::move(database)),
      inserter_(database_.get()),
      updater_(database_.get()),
      participant_(this, database_.get(), &cursors_) {
  database_->set_gate(&participant_.gate());
  database_->set_listeners(&listeners());
}

SqliteConnection::~SqliteConnection() { cursors_.EndAll(); }

const Dialect& SqliteConnection::dialect() const {
  return SqliteDialect::Get();
}

absl::Status SqliteConnection::Ping() { return database_->Run("SELECT 1"); }

absl::Status SqliteConnection::Check(const Request& request) const {
  if (request.runs == 0 || request.parameters.size() % request.runs != 0) {
    return DatabaseError(
        absl::StatusCode::kInvalidArgument,
        absl::StrCat(request.parameters.size(), " values do not divide into ",
                     request.runs, " runs"),
        request.statement->text, "");
  }
  const absl::Status status =
      CheckValues(request.parameters, database_->max_value_bytes());
  if (status.ok()) return status;
  return ValueError(DatabaseError(status.code(), std::string(status.message()),
                                  request.statement->text, ""));
}

template <typename Work>
absl::Status SqliteConnection::RunWatched(const Work& work) {
  SHARD_RETURN_IF_ERROR(CheckNotLost());
  const bool began = database_->in_transaction();
  const absl::Status status = work();
  NoteEndOfTransaction();
  if (began && !status.ok() && !database_->in_transaction()) {
    database_->set_transaction_lost(true);
  }
  return status;
}

absl::Status SqliteConnection::CheckNotLost() {
  if (was_in_transaction_ && !database_->in_transaction()) {
    NoteEndOfTransaction();  // a cursor met the error
    database_->set_transaction_lost(true);
  }
  if (!database_->transaction_lost()) return absl::OkStatus();
  return absl::AbortedError(
      "the transaction is over: SQLite rolled it back upon an earlier error; "
      "call Rollback, and begin it again");
}

absl::Status SqliteConnection::Start(const Request& request) {
  SHARD_RETURN_IF_ERROR(Check(request));
  request_ = request;
  return absl::OkStatus();
}

absl::StatusOr<Outcome> SqliteConnection::Finish(RowBatch* rows) {
  Outcome outcome;
  const absl::Status status = RunWatched([&] { return Run(rows, &outcome); });
  if (!status.ok()) {
    if (rows != nullptr) rows->ClearRows();
    return status;
  }
  return outcome;
}

absl::Status SqliteConnection::Run(RowBatch* rows, Outcome* outcome) {
  // A copy: before a first write the gate may have requests of its own.
  const Request request = request_;
  const std::string& text = request.statement->text;
  const auto begin = listeners().Now();
  SHARD_ASSIGN_OR_RETURN(const StatementCache::Loan loan,
                         database_->Prepare(text));
  if (!request.one_row) outcome->affected.reserve(request.runs);
  const std::size_t count = request.parameters.size() / request.runs;
  absl::Status status;
  std::size_t together = 0;  // runs that were done as a few statements
  for (std::size_t run = 0; status.ok() && run < request.runs; ++run) {
    // Not the first, which may find more to do: the fence, for instance.
    if (run == 1 && request.one_row_each &&
        request.statement->row_update != nullptr) {
      sqlite3_reset(loan.get());
      SHARD_ASSIGN_OR_RETURN(together, updater_.Run(request, run, outcome));
      run += together;
      if (run == request.runs) break;
    }
    if (run > 0) sqlite3_reset(loan.get());
    scratch_.Clear();
    status = database_->Bind(
        loan.get(), request.parameters.subspan(run * count, count), scratch_);
    if (status.ok()) {
      status = RunOnce(request, loan.get(), run == 0, rows, outcome);
    }
  }
  if (listeners().any()) {
    const std::size_t read = rows == nullptr ? 0 : rows->rows();
    const auto changed =
        static_cast<std::size_t>(outcome->total_affected()) - together;
    listeners().Tell(text, request.parameters.size() - together * count,
                     read > 0 ? read : changed, status.ok(), begin);
  }
  return status;
}

absl::Status SqliteConnection::RunOnce(const Request& request,
                                       sqlite3_stmt* statement, bool shape,
                                       RowBatch* rows, Outcome* outcome) {
  // The count of changes keeps the number of the last INSERT, UPDATE or DELETE
  // when this statement is none; the total then stays.
  const std::int64_t before = sqlite3_total_changes64(database_->handle());
  bool has_row = false;
  do {
    SHARD_ASSIGN_OR_RETURN(has_row, database_->Step(statement));
    if (rows == nullptr) continue;
    // Only now: a step may have found that the schema has changed.
    if (std::exchange(shape, false)) {
      ShapeBatch(statement, *request.statement, rows);
    }
    if (has_row) SHARD_RETURN_IF_ERROR(AppendRow(statement, rows));
  } while (has_row && !request.one_row);
  if (request.one_row) return absl::OkStatus();
  const std::int64_t after = sqlite3_total_changes64(database_->handle());
  outcome->affected.push_back(
      after == before ? 0 : sqlite3_changes64(database_->handle()));
  return absl::OkStatus();
}

absl::StatusOr<bool> SqliteConnection::CountsRowsOf(const sql::Table& table,
                                                    const Dialect& names) {
  SHARD_ASSIGN_OR_RETURN(
      SqliteQuery query,
      SqliteQuery::Open(*database_,
                        "SELECT 1 FROM pragma_table_list(?1) WHERE type = "
                        "'view'",
                        {names.naming().NameOf(table.name())}));
  SHARD_ASSIGN_OR_RETURN(const bool is_view, query.Next());
  return !is_view;
}

absl::Status SqliteConnection::StartInsert(const InsertRequest& request) {
  SHARD_RETURN_IF_ERROR(inserter_.Check(request));
  insert_ = request;
  return absl::OkStatus();
}

absl::StatusOr<Outcome> SqliteConnection::FinishInsert() {
  absl::StatusOr<Outcome> outcome;
  const absl::Status status = RunWatched([&] {
    outcome = inserter_.Run(insert_);
    return outcome.status();
  });
  if (!status.ok()) return status;
  return outcome;
}

absl::StatusOr<std::unique_ptr<Cursor>> SqliteConnection::OpenCursor(
    const Request& request, std::size_t batch_rows) {
  if (request.runs != 1 || batch_rows == 0) {
    return absl::InvalidArgumentError(
        "a cursor needs one run and batches of at least one row");
  }
  SHARD_RETURN_IF_ERROR(CheckNotLost());
  SHARD_RETURN_IF_ERROR(Check(request));
  return std::make_unique<SqliteCursor>(database_.get(), &cursors_, request,
                                        batch_rows);
}

absl::Status SqliteConnection::StartScript(std::string_view sql) {
  script_ = sql;
  return absl::OkStatus();
}

absl::Status SqliteConnection::FinishScript() {
  // Taken out: a listener may ask for the next script.
  const std::string sql = std::exchange(script_, std::string());
  const bool begins =
      sql == kBegin || sql == kBeginReadOnly || sql == kBeginMayFollow;
  if (!begins && sql != kCommit && sql != kRollback) return RunScript(sql);
  if (sql == kRollback) {
    NoteEndOfTransaction();
    database_->set_transaction_lost(false);
    // SQLite may have rolled back by itself, upon a full disk for instance.
    if (!in_transaction()) return absl::OkStatus();
  }
  SHARD_RETURN_IF_ERROR(CheckNotLost());
  if (sql == kBeginMayFollow && in_transaction()) {
    return absl::InvalidArgumentError(
        "cannot start a transaction within a transaction");
  }
  // A cursor over RETURNING counts as a writer at work, which COMMIT refuses.
  if (sql == kCommit) cursors_.EndTransaction();
  if (!begins) database_->limits().LiftTimeLimits();
  const absl::Status status = database_->Run(sql);
  if (status.ok() && sql == kCommit) participant_.gate().NoteCommit();
  NoteEndOfTransaction();
  if (status.ok() && sql == kBeginReadOnly) {
    database_->set_read_only_transaction(true);
  }
  return status;
}

absl::Status SqliteConnection::RunScript(const std::string& script) {
  if (script.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(
        "the script has a NUL byte, where SQLite would end it; remove it");
  }
  const char* rest = script.c_str();
  while (true) {
    SHARD_ASSIGN_OR_RETURN(const SqliteStatementPtr statement,
                           database_->PrepareNext(&rest));
    if (statement == nullptr) return absl::OkStatus();
    SHARD_RETURN_IF_ERROR(
        RunWatched([&] { return RunScriptStatement(statement.get()); }));
  }
}

absl::Status SqliteConnection::RunScriptStatement(sqlite3_stmt* statement) {
  // Refuses parameters, which would silently be NULL.
  SHARD_RETURN_IF_ERROR(database_->Bind(statement, {}, scratch_));
  const auto begin = listeners().Now();
  const std::int64_t before = sqlite3_total_changes64(database_->handle());
  std::size_t rows = 0;
  absl::StatusOr<bool> row = database_->Step(statement);
  for (; row.ok() && *row; row = database_->Step(statement)) ++rows;
  if (sqlite3_total_changes64(database_->handle()) != before) {
    rows = static_cast<std::size_t>(sqlite3_changes64(database_->handle()));
  }
  listeners().Tell(sqlite3_sql(statement), 0, rows, row.ok(), begin);
  return row.status();
}

void SqliteConnection::NoteEndOfTransaction() {
  const bool open = database_->in_transaction();
  if (was_in_transaction_ && !open) {
    cursors_.EndTransaction();
    database_->set_read_only_transaction(false);
    database_->limits().End();
    participant_.TransactionEnded();
  }
  was_in_transaction_ = open;
}

absl::Status SqliteConnection::Begin(const TransactionOptions& options) {
  SHARD_RETURN_IF_ERROR(CheckTransactionOptions(options, absl::Now()));
  if (options.durable) SHARD_RETURN_IF_ERROR(CheckSyncsCommits(*database_));
  if (!SqliteLimits::Wanted(options)) return Connection::Begin(options);
  SHARD_ASSIGN_OR_RETURN(const std::string patience,
                         ReadSqliteSetting(*database_, "busy_timeout"));
  int milliseconds = 0;
  if (!absl::SimpleAtoi(patience, &milliseconds)) {
    return absl::InternalError(
        absl::StrCat("busy_timeout is no number: ", patience));
  }
  SHARD_RETURN_IF_ERROR(Connection::Begin(options));
  database_->limits().Begin(options, absl::Milliseconds(milliseconds));
  return absl::OkStatus();
}

std::string SqliteConnection::BeginText(
    const TransactionOptions& options) const {
  if (options.read_only) return std::string(kBeginReadOnly);
  return std::string(options.may_follow ? kBeginMayFollow : kBegin);
}

}  // namespace shard
