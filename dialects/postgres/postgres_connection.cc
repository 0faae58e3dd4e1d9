#include "shard/dialects/postgres/postgres_connection.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/postgres/insert_text.h"
#include "shard/dialects/postgres/postgres_cursor.h"
#include "shard/dialects/postgres/postgres_dialect.h"
#include "shard/dialects/postgres/postgres_replication.h"

namespace shard::postgres {

PostgresConnection::PostgresConnection(std::unique_ptr<Link> link,
                                       const EngineOptions& options,
                                       const DatabaseFacts& facts)
    : facts_(facts),
      conversation_(std::move(link), &listeners()),
      participant_(&conversation_, facts.max_prepared_transactions,
                   facts.standby) {
  listeners().SetEngine(options.name, options.on_statement);
}

PostgresConnection::~PostgresConnection() = default;

const Dialect& PostgresConnection::dialect() const {
  return PostgresDialect::Instance();
}

absl::Status PostgresConnection::Ping() {
  SHARD_RETURN_IF_ERROR(CheckIdle());
  return conversation_.link().Ping();
}

absl::StatusOr<std::optional<ReplicationState>>
PostgresConnection::ReadReplication() {
  SHARD_RETURN_IF_ERROR(CheckIdle());
  return postgres::ReadReplication(conversation_.link());
}

absl::Status PostgresConnection::CheckIdle() const {
  if (!nothing_started_) return conversation_.CheckIdle();
  return absl::FailedPreconditionError(
      "the connection is busy: finish what was started first");
}

absl::Status PostgresConnection::Start(const Request& request) {
  SHARD_RETURN_IF_ERROR(CheckIdle());
  if (in_transaction() && IsWorthPaging(request)) {
    return StartPageUpdate(request);
  }
  SHARD_RETURN_IF_ERROR(run_.Prepare(request));
  if (request.runs == 0) {
    nothing_started_ = true;
    return absl::OkStatus();
  }
  return conversation_.pipeline().Start(&run_);
}

absl::Status PostgresConnection::StartPageUpdate(const Request& request) {
  const RowUpdate& update = *request.statement->row_update;
  SHARD_ASSIGN_OR_RETURN(updating_,
                         dialect().QuoteQualified(update.schema, update.table));
  auto found = updated_.find(updating_);
  if (found == updated_.end()) {
    SHARD_ASSIGN_OR_RETURN(TableFacts facts,
                           LookUpTable(conversation_.link(), updating_, ""));
    found = updated_.emplace(updating_, std::move(facts)).first;
  }
  SHARD_ASSIGN_OR_RETURN(std::string text,
                         PageUpdateText(request, found->second));
  page_update_.Prepare(request, std::move(text));
  SHARD_RETURN_IF_ERROR(conversation_.pipeline().Start(&page_update_));
  updating_pages_ = true;
  return absl::OkStatus();
}

absl::StatusOr<Outcome> PostgresConnection::FinishPageUpdate() {
  if (absl::Status status = conversation_.pipeline().Finish(); !status.ok()) {
    updated_.erase(updating_);  // perhaps the table is not what it was
    return status;
  }
  const Request& request = page_update_.request();
  if (page_update_.changed_all()) {
    return Outcome{std::vector<std::int64_t>(request.runs, 1), {}};
  }
  // One by one they show which rows were missing; what came twice is then as
  // the last of them has it.
  SHARD_RETURN_IF_ERROR(run_.Prepare(request));
  run_.set_rows(nullptr);
  SHARD_RETURN_IF_ERROR(conversation_.pipeline().Start(&run_));
  SHARD_RETURN_IF_ERROR(conversation_.pipeline().Finish());
  return run_.TakeOutcome();
}

absl::StatusOr<Outcome> PostgresConnection::Finish(RowBatch* rows) {
  if (std::exchange(updating_pages_, false)) {
    if (rows != nullptr) rows->ResetFor(*page_update_.request().statement);
    return FinishPageUpdate();
  }
  run_.set_rows(rows);
  if (!std::exchange(nothing_started_, false)) {
    SHARD_RETURN_IF_ERROR(conversation_.pipeline().Finish());
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
  SHARD_ASSIGN_OR_RETURN(const bool copies, StartCopy(request));
  return copies ? absl::OkStatus() : StartStatements(request);
}

absl::StatusOr<bool> PostgresConnection::StartCopy(
    const InsertRequest& request) {
  if (!IsWorthCopying(request)) return false;
  // The guard would look at the past, and refuse.
  if (keeps_snapshot_ && in_transaction() && !conversation_.begin_pending()) {
    return false;
  }
  SHARD_ASSIGN_OR_RETURN(const TableFacts* facts, FactsOf(request));
  if (!MayCopy(request, *facts)) return false;
  SHARD_RETURN_IF_ERROR(copy_.Prepare(request, *facts));
  copied_ = request;
  SHARD_RETURN_IF_ERROR(conversation_.copies().Start(&copy_));
  return true;
}

absl::Status PostgresConnection::StartStatements(const InsertRequest& request) {
  if (!request.returning && request.generated_key != nullptr) {
    SHARD_ASSIGN_OR_RETURN(reserved_,
                           ReservedKeys::Take(conversation_.link(), request));
    return StartInsertOf(reserved_->Request());
  }
  reserved_.reset();
  return StartInsertOf(request);
}

absl::Status PostgresConnection::StartInsertOf(const InsertRequest& request) {
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
  SHARD_ASSIGN_OR_RETURN(inserting_into_, request.QuotedTable(dialect()));
  const auto found = tables_.find(inserting_into_);
  if (found != tables_.end()) return &found->second;
  const sql::Column* const key = table.generated_key();
  SHARD_ASSIGN_OR_RETURN(TableFacts facts,
                         LookUpTable(conversation_.link(), inserting_into_,
                                     key == nullptr ? "" : key->name()));
  return &tables_.emplace(inserting_into_, std::move(facts)).first->second;
}

absl::Status PostgresConnection::StartRowInsert(const InsertRequest& request) {
  SHARD_ASSIGN_OR_RETURN(std::string text, RowInsertText(request));
  row_insert_.Prepare(request, std::move(text));
  insert_ = &row_insert_;
  return conversation_.pipeline().Start(insert_);
}

absl::Status PostgresConnection::StartPageInsert(const InsertRequest& request,
                                                 const TableFacts& facts) {
  SHARD_ASSIGN_OR_RETURN(std::string text,
                         request.generated_key == nullptr
                             ? PageInsertText(request, facts)
                             : KeyedPageInsertText(request, facts));
  page_insert_.Prepare(request, std::move(text));
  insert_ = &page_insert_;
  return conversation_.pipeline().Start(insert_);
}

absl::StatusOr<Outcome> PostgresConnection::FinishInsert() {
  if (std::exchange(nothing_started_, false)) return Outcome{{0}, {}};
  return conversation_.copies().running() ? FinishCopy() : FinishStatements();
}

absl::StatusOr<Outcome> PostgresConnection::FinishCopy() {
  if (absl::Status status = conversation_.copies().Finish(); !status.ok()) {
    tables_.erase(inserting_into_);  // perhaps the table is not what it was
    return status;
  }
  if (!copy_.refused()) return copy_.TakeOutcome();
  tables_.erase(inserting_into_);
  SHARD_RETURN_IF_ERROR(StartStatements(copied_));
  return FinishStatements();
}

absl::StatusOr<Outcome> PostgresConnection::FinishStatements() {
  if (absl::Status status = conversation_.pipeline().Finish(); !status.ok()) {
    // Perhaps the table is not what it was.
    tables_.erase(inserting_into_);
    return status;
  }
  absl::StatusOr<Outcome> outcome = insert_->TakeOutcome();
  if (outcome.ok() && reserved_.has_value()) outcome->keys = reserved_->keys();
  return outcome;
}

absl::StatusOr<std::unique_ptr<Cursor>> PostgresConnection::OpenCursor(
    const Request& request, std::size_t batch_rows) {
  if (!in_transaction()) {
    return absl::FailedPreconditionError(
        "a cursor needs a transaction: call Begin first");
  }
  auto cursor = std::make_unique<PostgresCursor>(&conversation_.pipeline(),
                                                 request, batch_rows);
  SHARD_RETURN_IF_ERROR(cursor->Prepare());
  return cursor;
}

absl::Status PostgresConnection::StartScript(std::string_view sql) {
  SHARD_RETURN_IF_ERROR(CheckStatementText(sql));
  nothing_started_ = false;
  return conversation_.StartScript({std::string(sql)});
}

absl::Status PostgresConnection::FinishScript() {
  return conversation_.FinishScript();
}

absl::Status PostgresConnection::Begin(const TransactionOptions& options) {
  SHARD_RETURN_IF_ERROR(CheckIdle());
  SHARD_RETURN_IF_ERROR(CheckTransactionOptions(options, absl::Now()));
  SHARD_RETURN_IF_ERROR(conversation_.Begin(BeginText(options), options));
  keeps_snapshot_ = options.isolation == Isolation::kRepeatableRead ||
                    options.isolation == Isolation::kSerializable;
  ForgetSavepoints();
  return absl::OkStatus();
}

std::string PostgresConnection::BeginText(
    const TransactionOptions& options) const {
  std::string text = "BEGIN";
  switch (options.isolation) {
    case Isolation::kDefault:
      break;
    case Isolation::kReadCommitted:
      text += " ISOLATION LEVEL READ COMMITTED";
      break;
    case Isolation::kRepeatableRead:
      text += " ISOLATION LEVEL REPEATABLE READ";
      break;
    case Isolation::kSerializable:
      text += " ISOLATION LEVEL SERIALIZABLE";
      break;
  }
  if (options.read_only) text += " READ ONLY";
  return text;
}

}  // namespace shard::postgres
