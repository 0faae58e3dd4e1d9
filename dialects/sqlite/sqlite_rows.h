// Rows on their way out of SQLite's statements.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_ROWS_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_ROWS_H_

#include <sqlite3.h>

#include "absl/status/status.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/row_batch.h"

namespace shard {

// Gives `batch` the shape of the rows of `statement`, without rows. Names and
// types come from `compiled` where it has some, names from SQLite otherwise.
void ShapeBatch(sqlite3_stmt* statement, const CompiledStatement& compiled,
                RowBatch* batch);

// Adds the row that `statement` stands on. Values become the types of the
// batch's columns, or what SQLite holds where the type is not known.
// kInvalidArgument, naming the column, for a value that is none of its type.
absl::Status AppendRow(sqlite3_stmt* statement, RowBatch* batch);

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_ROWS_H_
