// Rows on their way from the server.
#ifndef SHARD_DIALECTS_POSTGRES_RESULTS_H_
#define SHARD_DIALECTS_POSTGRES_RESULTS_H_

#include <libpq-fe.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/postgres/pg_types.h"
#include "shard/dialects/row_batch.h"
#include "shard/sql/value.h"

namespace shard::postgres {

// True when we can read all columns of `result` in binary form.
bool AllReadableInBinary(const PGresult* result);

// An integer cell, in either form; nothing for NULL and other types.
std::optional<std::int64_t> IntegerCell(const PGresult* result, int row,
                                        int column);

// Rows that an INSERT, UPDATE, DELETE or MERGE changed; 0 for anything else.
std::int64_t AffectedRows(const PGresult* result);
// Rows that a COPY from the client put in.
std::int64_t CopiedRows(const PGresult* result);
// Rows that came back, or else those that were changed.
std::size_t CountRows(const PGresult* result);

// Turns results of one statement into cells, run after run.
class RowReader {
 public:
  // `compiled`: what the statement's author expects of the columns; may be
  // null. `rows` null: rows are thrown away.
  void Start(const CompiledStatement* compiled, RowBatch* rows);
  // Adds the rows of a result behind those that are there. kOutOfRange for a
  // value that our types cannot hold, naming its column.
  absl::Status Add(const PGresult* result);
  // Empties the batch if there was no result with rows.
  void Finish();

 private:
  struct Column {
    TypeOid oid;
    bool binary;
    sql::ValueType type;  // of the cells
  };
  void TakeShape(const PGresult* result);
  bool HasShapeOf(const PGresult* result) const;
  bool AddCell(const Column& column, std::string_view cell);

  const CompiledStatement* compiled_ = nullptr;
  RowBatch* rows_ = nullptr;
  bool shaped_ = false;
  std::vector<Column> columns_;
};

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_RESULTS_H_
