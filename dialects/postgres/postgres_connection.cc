#include "shard/dialects/postgres/postgres_connection.h"

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/postgres/postgres_cursor.h"
#include "shard/dialects/postgres/postgres_dialect.h"
#include "shard/dialects/postgres/sqlstate.h"

namespace shard::postgres {

PostgresConnection::PostgresConnection(std::unique_ptr<Link> link,
                                       const EngineOptions& options,
                                       bool text_sorts_by_bytes)
    : link_(std::move(link)),
      text_sorts_by_bytes_(text_sorts_by_bytes),
      pipeline_(link_.get(), &state_, options.on_statement, options.name) {}

PostgresConnection::~PostgresConnection() = default;

const Dialect& PostgresConnection::dialect() const {
  return PostgresDialect::Instance();
}

absl::Status PostgresConnection::Ping() {
  SHARD_RETURN_IF_ERROR(CheckIdle());
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(
      PQexec(link_->libpq(), ""), &PQclear);
  if (PQresultStatus(result.get()) == PGRES_EMPTY_QUERY) {
    return absl::OkStatus();
  }
  if (PQstatus(link_->libpq()) == CONNECTION_OK && result != nullptr) {
    return ErrorOfResult(result.get(), "");
  }
  return ErrorOfLostConnection(link_->libpq(), "");
}

absl::Status PostgresConnection::CheckIdle() const {
  if (!pipeline_.running() && !nothing_started_) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the connection is busy: finish what was started first");
}

absl::Status PostgresConnection::Start(const Request& request) {
  SHARD_RETURN_IF_ERROR(CheckIdle());
  SHARD_RETURN_IF_ERROR(run_.Prepare(request));
  if (request.runs == 0) {
    nothing_started_ = true;
    return absl::OkStatus();
  }
  return pipeline_.Start(&run_);
}

absl::StatusOr<Outcome> PostgresConnection::Finish(RowBatch* rows) {
  run_.set_rows(rows);
  if (!std::exchange(nothing_started_, false)) {
    SHARD_RETURN_IF_ERROR(pipeline_.Finish());
  }
  return run_.TakeOutcome();
}

absl::Status PostgresConnection::StartInsert(const InsertRequest& request) {
  SHARD_RETURN_IF_ERROR(CheckIdle());
  SHARD_RETURN_IF_ERROR(CheckInsert(request));
  if (request.rows == 0) {
    nothing_started_ = true;
    return absl::OkStatus();
  }
  // One row has one order, and no other way is as quick.
  if (request.rows == 1) return StartRowInsert(request);
  if (request.generated_key == nullptr && request.columns.empty()) {
    return StartRowInsert(request);
  }
  SHARD_ASSIGN_OR_RETURN(const TableFacts* facts, FactsOf(request));
  if (request.generated_key != nullptr && !facts->has_sequence) {
    return StartRowInsert(request);
  }
  return StartPageInsert(request, *facts);
}

absl::StatusOr<const TableFacts*> PostgresConnection::FactsOf(
    const InsertRequest& request) {
  const sql::Table& table = *request.table;
  SHARD_ASSIGN_OR_RETURN(inserting_into_,
                         dialect().QuoteIdentifier(table.name()));
  const auto found = tables_.find(inserting_into_);
  if (found != tables_.end()) return &found->second;
  const sql::Column* const key = table.generated_key();
  SHARD_ASSIGN_OR_RETURN(
      TableFacts facts,
      LookUpTable(*link_, inserting_into_, key == nullptr ? "" : key->name()));
  return &tables_.emplace(inserting_into_, std::move(facts)).first->second;
}

absl::Status PostgresConnection::StartRowInsert(const InsertRequest& request) {
  SHARD_ASSIGN_OR_RETURN(std::string text, RowInsertText(request));
  row_insert_.Prepare(request, std::move(text));
  insert_ = &row_insert_;
  return pipeline_.Start(insert_);
}

absl::Status PostgresConnection::StartPageInsert(const InsertRequest& request,
                                                 const TableFacts& facts) {
  SHARD_ASSIGN_OR_RETURN(std::string text,
                         request.generated_key == nullptr
                             ? PageInsertText(request, facts)
                             : KeyedPageInsertText(request, facts));
  page_insert_.Prepare(request, std::move(text));
  insert_ = &page_insert_;
  return pipeline_.Start(insert_);
}

absl::StatusOr<Outcome> PostgresConnection::FinishInsert() {
  if (std::exchange(nothing_started_, false)) return Outcome{{0}, {}};
  if (absl::Status status = pipeline_.Finish(); !status.ok()) {
    // Perhaps the table is not what it was.
    tables_.erase(inserting_into_);
    return status;
  }
  return insert_->TakeOutcome();
}

absl::StatusOr<std::unique_ptr<Cursor>> PostgresConnection::OpenCursor(
    const Request& request, std::size_t batch_rows) {
  if (!in_transaction()) {
    return absl::FailedPreconditionError(
        "a cursor needs a transaction: call Begin first");
  }
  auto cursor =
      std::make_unique<PostgresCursor>(&pipeline_, request, batch_rows);
  SHARD_RETURN_IF_ERROR(cursor->Prepare());
  return cursor;
}

absl::Status PostgresConnection::ExecuteScript(std::string_view sql) {
  SHARD_RETURN_IF_ERROR(CheckStatementText(sql));
  nothing_started_ = false;
  return pipeline_.RunScript(sql);
}

bool PostgresConnection::in_transaction() const {
  switch (PQtransactionStatus(link_->libpq())) {
    case PQTRANS_ACTIVE:  // something was started; how it began is not known
    case PQTRANS_INTRANS:
    case PQTRANS_INERROR:
      return true;
    default:
      return false;
  }
}

std::string PostgresConnection::BeginText(
    const TransactionOptions& options) const {
  return options.read_only ? "BEGIN READ ONLY" : "BEGIN";
}

}  // namespace shard::postgres
