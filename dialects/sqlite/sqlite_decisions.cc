#include "shard/dialects/sqlite/sqlite_decisions.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/row_batch.h"
#include "shard/sql/value.h"
#include "shard/sql/value_type.h"

namespace shard {
namespace {

using sql::ValueType;
using sql::ValueView;

// Not WITHOUT ROWID: rows with much redo would make long ways to every key.
constexpr std::string_view kCreate =
    "CREATE TABLE IF NOT EXISTS main.shard_decisions("
    "txn TEXT PRIMARY KEY NOT NULL CHECK (length(txn) = 32), "
    "outcome TEXT NOT NULL CHECK (outcome IN ('commit', 'abort')), "
    "participants TEXT NOT NULL, "
    "redo BLOB, "
    "created TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')))";

// The age in microseconds, by the database's clock.
constexpr std::string_view kAge =
    ", CAST(round((julianday('now') - julianday(created)) * 86400e6) AS "
    "INTEGER) AS age FROM main.shard_decisions ";
constexpr std::string_view kSelect = "SELECT txn, outcome, participants, redo";
// A redo may be long.
constexpr std::string_view kSelectWithoutRedo =
    "SELECT txn, outcome, participants, NULL";

constexpr std::string_view kDelete =
    "DELETE FROM main.shard_decisions WHERE txn = ?";

// No transaction's: theirs are random.
constexpr std::string_view kNobody = "00000000000000000000000000000000";

ValueView OutcomeText(Decision outcome) {
  return ValueView::Text(outcome == Decision::kCommit ? "commit" : "abort");
}

CompiledStatement Text(std::string_view text) {
  CompiledStatement statement;
  statement.text = text;
  return statement;
}

absl::Duration Age(const ValueView& microseconds) {
  if (microseconds.is_null()) return absl::ZeroDuration();
  // A clock that was set back would make it negative.
  return absl::Microseconds(std::max<std::int64_t>(0, microseconds.integer()));
}

DecisionRow ReadRow(absl::Span<const ValueView> cells) {
  DecisionRow row;
  row.txn = cells[0].bytes();
  // The table takes nothing but these two words.
  row.outcome =
      cells[1].bytes() == "commit" ? Decision::kCommit : Decision::kAbort;
  row.participants = cells[2].bytes();
  if (!cells[3].is_null()) row.redo = cells[3].bytes();
  row.age = Age(cells[4]);
  return row;
}

}  // namespace

absl::Status RunSqliteText(Connection& connection, std::string_view text,
                           std::initializer_list<ValueView> values,
                           RowBatch* rows) {
  const CompiledStatement statement = Text(text);
  return connection
      .Execute(
          {&statement, absl::MakeConstSpan(values.begin(), values.size()), 1},
          rows)
      .status();
}

absl::StatusOr<bool> HasSqliteTable(Connection& connection,
                                    std::string_view table) {
  RowBatch rows;
  SHARD_RETURN_IF_ERROR(RunSqliteText(
      connection,
      "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?",
      {ValueView::Text(table)}, &rows));
  return rows.rows() > 0;
}

absl::Status SqliteDecisions::CreateTable() {
  return RunSqliteText(connection_, kCreate);
}

absl::Status SqliteDecisions::Add(const DecisionRow& row) {
  static const CompiledStatement& insert = *new CompiledStatement(
      Text("INSERT INTO main.shard_decisions(txn, outcome, participants, redo) "
           "VALUES (?, ?, ?, ?)"));
  const ValueView values[] = {
      ValueView::Text(row.txn), OutcomeText(row.outcome),
      ValueView::Text(row.participants),
      row.redo.empty() ? ValueView()
                       : ValueView::Bytes(ValueType::kBytes, row.redo)};
  return connection_.Execute({&insert, values, 1}, nullptr).status();
}

absl::StatusOr<std::optional<DecisionRow>> SqliteDecisions::Find(
    std::string_view txn) {
  SHARD_ASSIGN_OR_RETURN(const bool has_table,
                         HasSqliteTable(connection_, "shard_decisions"));
  if (!has_table) return std::nullopt;
  RowBatch rows;
  SHARD_RETURN_IF_ERROR(RunSqliteText(
      connection_, absl::StrCat(ToAbsl(kSelect), ToAbsl(kAge), "WHERE txn = ?"),
      {ValueView::Text(txn)}, &rows));
  if (rows.rows() == 0) return std::nullopt;
  return ReadRow(rows.row(0));
}

absl::StatusOr<std::vector<DecisionRow>> SqliteDecisions::List() {
  std::vector<DecisionRow> decisions;
  SHARD_ASSIGN_OR_RETURN(const bool has_table,
                         HasSqliteTable(connection_, "shard_decisions"));
  if (!has_table) return decisions;
  RowBatch rows;
  SHARD_RETURN_IF_ERROR(
      RunSqliteText(connection_,
                    absl::StrCat(ToAbsl(kSelectWithoutRedo), ToAbsl(kAge),
                                 "ORDER BY created, txn"),
                    {}, &rows));
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    decisions.push_back(ReadRow(rows.row(i)));
  }
  return decisions;
}

absl::StatusOr<SqliteDecisions::Summary> SqliteDecisions::Summarise() {
  RowBatch rows;
  SHARD_RETURN_IF_ERROR(
      RunSqliteText(connection_,
                    absl::StrCat("SELECT count(*), max(age) FROM (",
                                 ToAbsl(kSelectWithoutRedo), ToAbsl(kAge), ")"),
                    {}, &rows));
  const absl::Span<const ValueView> cells = rows.row(0);
  return Summary{.rows = cells[0].integer(), .oldest = Age(cells[1])};
}

absl::Status SqliteDecisions::Delete(const std::vector<std::string>& txns) {
  SHARD_ASSIGN_OR_RETURN(const bool has_table,
                         HasSqliteTable(connection_, "shard_decisions"));
  if (!has_table || txns.empty()) return absl::OkStatus();
  const CompiledStatement statement = Text(kDelete);
  std::vector<ValueView> values;
  for (const std::string& txn : txns) values.push_back(ValueView::Text(txn));
  return connection_.Execute({&statement, values, values.size()}, nullptr)
      .status();
}

absl::Status SqliteDecisions::Touch() {
  DecisionRow row;
  row.txn = kNobody;
  row.outcome = Decision::kAbort;
  SHARD_RETURN_IF_ERROR(Add(row));
  return RunSqliteText(connection_, kDelete, {ValueView::Text(kNobody)});
}

}  // namespace shard
