#include "shard/dialects/sqlite/sqlite_cursor.h"

#include <sqlite3.h>

#include <cstddef>
#include <list>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/row_batch.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_errors.h"
#include "shard/dialects/sqlite/sqlite_rows.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/value.h"

namespace shard {
namespace {

std::vector<sql::ValueView> Copies(absl::Span<const sql::ValueView> values,
                                   sql::ByteArena& bytes) {
  std::vector<sql::ValueView> copies(values.begin(), values.end());
  for (sql::ValueView& value : copies) {
    if (!value.holds_bytes()) continue;
    value = sql::ValueView::Bytes(value.type(), bytes.Copy(value.bytes()));
  }
  return copies;
}

}  // namespace

void SqliteCursorList::EndTransaction() {
  for (auto at = open_.begin(); at != open_.end();) {
    SqliteCursor& cursor = **at++;
    if (cursor.in_transaction_) cursor.End();
  }
}

void SqliteCursorList::EndAll() {
  while (!open_.empty()) open_.front()->End();
}

SqliteCursor::SqliteCursor(SqliteDatabase* database, SqliteCursorList* list,
                           const Request& request, std::size_t batch_rows)
    : database_(database),
      list_(list),
      place_(list->open_.insert(list->open_.end(), this)),
      compiled_(*request.statement),
      parameters_(request.parameters),
      batch_rows_(batch_rows),
      in_transaction_(database->in_transaction()) {}

SqliteCursor::~SqliteCursor() { End(); }

void SqliteCursor::End() {
  if (list_ == nullptr) return;
  statement_.Return();
  list_->open_.erase(place_);
  list_ = nullptr;
}

absl::StatusOr<bool> SqliteCursor::Finish(RowBatch* batch) {
  batch->ClearRows();
  if (at_end_) return false;
  if (list_ == nullptr) {
    return SqliteError(SQLITE_ABORT_ROLLBACK,
                       "the cursor's transaction is over, or an error ended "
                       "the cursor; open another",
                       compiled_.text);
  }
  const auto begin = database_->listeners().Now();
  absl::Status status = opened_ ? absl::OkStatus() : Open();
  if (status.ok()) status = Fill(batch);
  if (!opened_) {
    database_->listeners().Tell(compiled_.text, parameters_.size(),
                                batch->rows(), status.ok(), begin);
    opened_ = true;
  }
  if (!status.ok()) {
    batch->ClearRows();
    End();
    return status;
  }
  if (at_end_) End();
  return batch->rows() > 0;
}

absl::Status SqliteCursor::Open() {
  SHARD_ASSIGN_OR_RETURN(statement_, database_->Prepare(compiled_.text));
  // The parameters' owner may let go of them after the first batch, while the
  // statement reads them again and again.
  return database_->Bind(statement_.get(), Copies(parameters_, bytes_), bytes_);
}

absl::Status SqliteCursor::Fill(RowBatch* batch) {
  sqlite3_stmt* const statement = statement_.get();
  SHARD_RETURN_IF_ERROR(database_->StartTimed(statement));
  for (std::size_t row = 0; row < batch_rows_; ++row) {
    SHARD_ASSIGN_OR_RETURN(const bool has_row, database_->Step(statement));
    // Only now: a step may have found that the schema has changed.
    if (row == 0) ShapeBatch(statement, compiled_, batch);
    if (!has_row) {
      at_end_ = true;
      break;
    }
    SHARD_RETURN_IF_ERROR(AppendRow(statement, batch));
  }
  return absl::OkStatus();
}

}  // namespace shard
