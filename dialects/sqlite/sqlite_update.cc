#include "shard/dialects/sqlite/sqlite_update.h"

#include <sqlite3.h>

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/sqlite/sqlite_dialect.h"
#include "shard/dialects/sqlite/statement_cache.h"

namespace shard {
namespace {

// A name of the library's own, so that nobody's is in the way.
constexpr char kRows[] = "shard_rows";

bool IsConstraint(const absl::Status& status) {
  return absl::IsAlreadyExists(status) || absl::IsFailedPrecondition(status);
}

}  // namespace

absl::StatusOr<std::string> SqliteUpdater::ChunkText(
    const RowUpdate& update) const {
  const SqliteDialect& dialect = SqliteDialect::Get();
  SHARD_ASSIGN_OR_RETURN(const std::string table,
                         dialect.QuoteQualified(update.schema, update.table));
  std::string text = absl::StrCat("UPDATE ", table, " SET ");
  std::size_t cell = 0;
  for (const std::string& name : update.columns) {
    SHARD_ASSIGN_OR_RETURN(const std::string column,
                           dialect.QuoteIdentifier(name));
    absl::StrAppend(&text, cell == 0 ? "" : ",", column, "=", kRows, ".column",
                    cell + 1);
    ++cell;
  }
  absl::StrAppend(&text, " FROM (VALUES ");
  const std::size_t cells = update.columns.size() + update.match.size();
  for (std::size_t row = 0; row < kChunkRows; ++row) {
    absl::StrAppend(&text, row == 0 ? "(" : ",(");
    for (std::size_t i = 0; i < cells; ++i) text += i == 0 ? "?" : ",?";
    text += ")";
  }
  absl::StrAppend(&text, ") AS ", kRows, " WHERE ");
  for (std::size_t i = 0; i < update.match.size(); ++i) {
    SHARD_ASSIGN_OR_RETURN(const std::string column,
                           dialect.QuoteIdentifier(update.match[i]));
    // The column stands on the left: its affinity and collation count.
    absl::StrAppend(&text, i == 0 ? "" : " AND ", table, ".", column, "=",
                    kRows, ".column", ++cell);
  }
  return text;
}

absl::StatusOr<std::size_t> SqliteUpdater::Run(const Request& request,
                                               std::size_t first,
                                               Outcome* outcome) {
  const std::size_t rows = (request.runs - first) / kChunkRows * kChunkRows;
  const std::size_t cells = request.parameters.size() / request.runs;
  if (rows == 0 || cells * kChunkRows > database_.max_parameters() ||
      sqlite3_txn_state(database_.handle(), "main") != SQLITE_TXN_WRITE) {
    return 0;
  }
  SHARD_ASSIGN_OR_RETURN(const std::string text,
                         ChunkText(*request.statement->row_update));
  SHARD_ASSIGN_OR_RETURN(const StatementCache::Loan loan,
                         database_.Prepare(text));
  std::size_t done = 0;
  for (; done < rows; done += kChunkRows) {
    const absl::StatusOr<bool> all =
        RunChunk(request, first + done, loan.get(), text);
    if (!all.ok() && !IsConstraint(all.status())) return all.status();
    if (!all.ok() || !*all) break;
  }
  outcome->affected.insert(outcome->affected.end(), done, 1);
  return done;
}

// False when a row of it was not there.
absl::StatusOr<bool> SqliteUpdater::RunChunk(const Request& request,
                                             std::size_t first,
                                             sqlite3_stmt* statement,
                                             const std::string& text) {
  const auto begin = database_.listeners().Now();
  const std::size_t cells = request.parameters.size() / request.runs;
  sqlite3_reset(statement);
  scratch_.Clear();
  SHARD_RETURN_IF_ERROR(database_.Bind(
      statement, request.parameters.subspan(first * cells, kChunkRows * cells),
      scratch_));
  const absl::StatusOr<bool> stepped = database_.Step(statement);
  const std::size_t changed =
      stepped.ok()
          ? static_cast<std::size_t>(sqlite3_changes64(database_.handle()))
          : 0;
  database_.listeners().Tell(text, kChunkRows * cells, changed, stepped.ok(),
                             begin);
  if (!stepped.ok()) return stepped.status();
  return changed == kChunkRows;
}

}  // namespace shard
