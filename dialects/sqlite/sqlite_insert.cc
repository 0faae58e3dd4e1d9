#include "shard/dialects/sqlite/sqlite_insert.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <list>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_dialect.h"
#include "shard/dialects/sqlite/sqlite_values.h"
#include "shard/dialects/sqlite/statement_cache.h"
#include "shard/sql/column.h"
#include "shard/sql/table.h"
#include "shard/sql/value.h"
#include "shard/sql/value_type.h"

namespace shard {
namespace {

std::int64_t LastKey(const sql::Column& key) {
  return key.type() == sql::ValueType::kInt32
             ? std::numeric_limits<std::int32_t>::max()
             : std::numeric_limits<std::int64_t>::max();
}

std::string InsertInto(const InsertRequest& request) {
  return absl::StrCat("insert of ", request.rows, " rows into '",
                      request.table->name(), "' failed");
}

}  // namespace

absl::Status SqliteInserter::Check(const InsertRequest& request) const {
  if (request.values.size() != request.rows * request.columns.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(InsertInto(request), ": ", request.rows, " rows of ",
                     request.columns.size(), " columns were given ",
                     request.values.size(), " values"));
  }
  const absl::Status status =
      CheckValues(request.values, database_.max_value_bytes());
  return status.ok() ? status : Annotate(status, InsertInto(request));
}

absl::StatusOr<Outcome> SqliteInserter::Run(const InsertRequest& request) {
  Outcome outcome;
  outcome.affected.push_back(0);
  if (request.rows == 0) return outcome;
  SHARD_ASSIGN_OR_RETURN(const Plan* plan, PlanFor(request));
  const bool one_statement =
      request.generated_key == nullptr && request.rows <= plan->chunk_rows;
  const absl::Status status = one_statement || database_.in_transaction()
                                  ? RunRows(*plan, request, &outcome)
                                  : RunInTransaction(*plan, request, &outcome);
  if (!status.ok()) return Annotate(status, InsertInto(request));
  return outcome;
}

absl::Status SqliteInserter::RunInTransaction(const Plan& plan,
                                              const InsertRequest& request,
                                              Outcome* outcome) {
  SHARD_RETURN_IF_ERROR(database_.Run("BEGIN IMMEDIATE"));
  absl::Status status = RunRows(plan, request, outcome);
  if (status.ok()) status = database_.Run("COMMIT");
  if (!status.ok() && database_.in_transaction()) {
    database_.Run("ROLLBACK").IgnoreError();  // the first error says more
  }
  return status;
}

absl::Status SqliteInserter::RunRows(const Plan& plan,
                                     const InsertRequest& request,
                                     Outcome* outcome) {
  if (request.generated_key != nullptr) {
    SHARD_ASSIGN_OR_RETURN(const std::int64_t first,
                           ReserveKeys(plan, request));
    outcome->keys.resize(request.rows);
    for (std::size_t i = 0; i < request.rows; ++i) {
      outcome->keys[i] = first + static_cast<std::int64_t>(i);
    }
  }
  for (std::size_t done = 0; done < request.rows; done += plan.chunk_rows) {
    SHARD_RETURN_IF_ERROR(
        InsertChunk(plan, request, done,
                    std::min(plan.chunk_rows, request.rows - done), outcome));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::int64_t> SqliteInserter::ReserveKeys(
    const Plan& plan, const InsertRequest& request) {
  // Another writer is waited for only while nothing has been read: a reader
  // that becomes a writer fails at once when it would have to wait.
  if (sqlite3_txn_state(database_.handle(), "main") == SQLITE_TXN_NONE) {
    SHARD_RETURN_IF_ERROR(database_.Run(plan.take_write_lock));
  }
  SHARD_ASSIGN_OR_RETURN(const std::int64_t in_table, GreatestKeyInTable(plan));
  SHARD_ASSIGN_OR_RETURN(const std::int64_t ever, GreatestKeyEver(plan));
  const std::int64_t greatest = std::max(in_table, ever);
  const std::int64_t left = LastKey(*request.generated_key) - greatest;
  if (left < 0 || static_cast<std::uint64_t>(left) < request.rows) {
    return absl::ResourceExhaustedError(
        absl::StrCat("column '", request.generated_key->QualifiedName(),
                     "' has numbers left for ", std::max<std::int64_t>(left, 0),
                     " more rows only"));
  }
  return greatest + 1;
}

absl::StatusOr<std::int64_t> SqliteInserter::GreatestKeyInTable(
    const Plan& plan) {
  SHARD_ASSIGN_OR_RETURN(const StatementCache::Loan loan,
                         database_.Prepare(plan.greatest_key));
  const auto begin = database_.listeners().Now();
  const absl::StatusOr<bool> row = database_.Step(loan.get());
  database_.listeners().Tell(plan.greatest_key, 0, 1, row.ok(), begin);
  if (!row.ok()) return row.status();
  switch (sqlite3_column_type(loan.get(), 0)) {
    case SQLITE_NULL:
      return 0;
    case SQLITE_INTEGER:
      return std::max<std::int64_t>(0, sqlite3_column_int64(loan.get(), 0));
    default:
      return absl::FailedPreconditionError(
          absl::StrCat("column '", plan.table, ".", plan.columns.front(),
                       "' holds a key that is not an integer; give keys to "
                       "new rows yourself"));
  }
}

absl::StatusOr<std::int64_t> SqliteInserter::GreatestKeyEver(const Plan& plan) {
  // What SQLite has in memory of the schema is fresh: a statement on the table
  // has just run in this transaction.
  int autoincrement = 0;
  sqlite3_table_column_metadata(database_.handle(), nullptr, plan.table.c_str(),
                                plan.columns.front().c_str(), nullptr, nullptr,
                                nullptr, nullptr, &autoincrement);
  if (autoincrement == 0) return 0;
  constexpr char kText[] =
      "SELECT seq FROM sqlite_sequence WHERE name = ? COLLATE NOCASE";
  SHARD_ASSIGN_OR_RETURN(const StatementCache::Loan loan,
                         database_.Prepare(kText));
  const sql::ValueView table = sql::ValueView::Text(plan.table);
  scratch_.Clear();
  SHARD_RETURN_IF_ERROR(database_.Bind(loan.get(), {&table, 1}, scratch_));
  const auto begin = database_.listeners().Now();
  const absl::StatusOr<bool> row = database_.Step(loan.get());
  database_.listeners().Tell(kText, 1, row.ok() && *row ? 1 : 0, row.ok(),
                             begin);
  if (!row.ok()) return row.status();
  return *row ? sqlite3_column_int64(loan.get(), 0) : 0;
}

absl::Status SqliteInserter::InsertChunk(const Plan& plan,
                                         const InsertRequest& request,
                                         std::size_t first, std::size_t rows,
                                         Outcome* outcome) {
  SHARD_ASSIGN_OR_RETURN(const StatementCache::Loan loan,
                         database_.Prepare(plan.InsertText(rows)));
  const auto begin = database_.listeners().Now();
  sqlite3_stmt* const statement = loan.get();
  scratch_.Clear();
  int index = 0;
  int result = SQLITE_OK;
  const sql::ValueView* value =
      request.values.data() + first * request.columns.size();
  for (std::size_t row = first; row < first + rows; ++row) {
    if (plan.has_generated_key) {
      result |= sqlite3_bind_int64(statement, ++index, outcome->keys[row]);
    }
    for (std::size_t i = 0; i < request.columns.size(); ++i) {
      result |= BindValue(statement, ++index, *value++, scratch_);
    }
  }
  if (result != SQLITE_OK) {
    return database_.Error(sqlite3_extended_errcode(database_.handle()),
                           loan.text());
  }
  const absl::StatusOr<bool> done = database_.Step(statement);
  database_.listeners().Tell(loan.text(), static_cast<std::size_t>(index),
                             done.ok() ? rows : 0, done.ok(), begin);
  if (done.ok()) {
    outcome->affected[0] += sqlite3_changes64(database_.handle());
  }
  return done.status();
}

bool SqliteInserter::Plan::Fits(const InsertRequest& request) const {
  // By name: at a table's address there may stand another one later.
  const bool generated = request.generated_key != nullptr;
  if (generated != has_generated_key || names != request.names ||
      declared != request.table->name() ||
      columns.size() != request.columns.size() + generated ||
      (generated && columns.front() != request.generated_key->name())) {
    return false;
  }
  return std::equal(request.columns.begin(), request.columns.end(),
                    columns.begin() + generated,
                    [](const sql::Column* column, const std::string& name) {
                      return column->name() == name;
                    });
}

absl::StatusOr<const SqliteInserter::Plan*> SqliteInserter::PlanFor(
    const InsertRequest& request) {
  const auto found =
      std::find_if(plans_.begin(), plans_.end(),
                   [&request](const Plan& plan) { return plan.Fits(request); });
  if (found != plans_.end()) {
    plans_.splice(plans_.begin(), plans_, found);
    return &plans_.front();
  }
  SHARD_ASSIGN_OR_RETURN(Plan plan, MakePlan(request));
  plans_.push_front(std::move(plan));
  if (plans_.size() > kMostPlans) plans_.pop_back();
  return &plans_.front();
}

absl::StatusOr<SqliteInserter::Plan> SqliteInserter::MakePlan(
    const InsertRequest& request) const {
  const SqliteDialect& dialect = SqliteDialect::Get();
  Plan plan;
  plan.declared = request.table->name();
  plan.names = request.names;
  plan.table = request.names == nullptr
                   ? plan.declared
                   : request.names->naming().NameOf(plan.declared);
  plan.has_generated_key = request.generated_key != nullptr;
  if (plan.has_generated_key) {
    plan.columns.push_back(request.generated_key->name());
  }
  for (const sql::Column* column : request.columns) {
    plan.columns.push_back(column->name());
  }
  SHARD_ASSIGN_OR_RETURN(const std::string table,
                         dialect.QuoteIdentifier(plan.table));
  plan.insert = absl::StrCat("INSERT INTO ", table);
  if (plan.columns.empty()) {
    plan.insert += " DEFAULT VALUES";  // takes one row only
    plan.head_bytes = plan.insert.size();
    plan.chunk_rows = 1;
    return plan;
  }
  std::string row = "(";
  for (std::size_t i = 0; i < plan.columns.size(); ++i) {
    SHARD_ASSIGN_OR_RETURN(const std::string column,
                           dialect.QuoteIdentifier(plan.columns[i]));
    absl::StrAppend(&plan.insert, i == 0 ? " (" : ",", column);
    row += i == 0 ? "?" : ",?";
  }
  row += "),";
  plan.insert += ") VALUES ";
  plan.head_bytes = plan.insert.size();
  plan.row_bytes = row.size();
  plan.chunk_rows = std::clamp<std::size_t>(
      database_.max_parameters() / plan.columns.size(), 1, kChunkRows);
  for (std::size_t i = 0; i < plan.chunk_rows; ++i) plan.insert += row;
  if (plan.has_generated_key) {
    SHARD_ASSIGN_OR_RETURN(const std::string key,
                           dialect.QuoteIdentifier(plan.columns.front()));
    plan.take_write_lock = absl::StrCat("DELETE FROM ", table, " WHERE 0");
    plan.greatest_key = absl::StrCat("SELECT max(", key, ") FROM ", table);
  }
  return plan;
}

}  // namespace shard
