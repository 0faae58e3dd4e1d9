// Rows of one statement of SQLite, fetched a batch at a time.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_CURSOR_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_CURSOR_H_

#include <cstddef>
#include <list>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/row_batch.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/statement_cache.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/value.h"

namespace shard {

class SqliteCursor;

// The open cursors of one connection, so that none holds a statement longer
// than its transaction (it would keep the transaction's snapshot alive) or its
// connection.
class SqliteCursorList {
 public:
  SqliteCursorList() = default;
  SqliteCursorList(const SqliteCursorList&) = delete;
  SqliteCursorList& operator=(const SqliteCursorList&) = delete;

  // After the end of a transaction: ends the cursors that were opened in it.
  void EndTransaction();
  // Before the end of the connection: ends them all.
  void EndAll();

 private:
  friend class SqliteCursor;
  std::list<SqliteCursor*> open_;
};

class SqliteCursor : public Cursor {
 public:
  // Values must have been checked; see CheckValues.
  SqliteCursor(SqliteDatabase* database, SqliteCursorList* list,
               const Request& request, std::size_t batch_rows);
  ~SqliteCursor() override;

  absl::Status Start() override { return absl::OkStatus(); }
  absl::StatusOr<bool> Finish(RowBatch* batch) override;

 private:
  friend class SqliteCursorList;

  absl::Status Open();
  absl::Status Fill(RowBatch* batch);
  // Leaves the list and gives the statement back.
  void End();

  SqliteDatabase* database_;
  SqliteCursorList* list_;
  std::list<SqliteCursor*>::iterator place_;  // in the list
  const CompiledStatement& compiled_;
  const absl::Span<const sql::ValueView> parameters_;  // until the first batch
  const std::size_t batch_rows_;
  const bool in_transaction_;
  StatementCache::Loan statement_;  // empty before the first batch and behind
  sql::ByteArena bytes_;            // what the statement's parameters point to
  bool opened_ = false;
  bool at_end_ = false;  // of the rows; else ended early, with its transaction
};

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_CURSOR_H_
