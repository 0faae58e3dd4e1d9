// The text of inserts of many rows.
#ifndef SHARD_DIALECTS_POSTGRES_INSERT_TEXT_H_
#define SHARD_DIALECTS_POSTGRES_INSERT_TEXT_H_

#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/postgres/link.h"

namespace shard::postgres {

// What the catalogue says of a table that an insert needs to know.
struct TableFacts {
  // The key is numbered by a sequence of its own that we may use.
  bool has_sequence = false;
  // Columns of a type that text does not turn into by itself: what to cast to.
  absl::flat_hash_map<std::string, std::string> casts;
};

// `table` is quoted. A table that does not exist has no facts.
absl::StatusOr<TableFacts> LookUpTable(Link& link, const std::string& table,
                                       const std::string& key);

// One row: INSERT ... VALUES ($1, ...), with RETURNING for a generated key.
absl::StatusOr<std::string> RowInsertText(const InsertRequest& request);

// The key of a request with columns to fetch.
const sql::Column& FetchedKey(const InsertRequest& request);

// Many rows: the parameters are an array for each column. Without a generated
// key; needs at least one column. With columns to fetch it answers with a row
// for each that went in, in their order: the key and those columns.
absl::StatusOr<std::string> PageInsertText(const InsertRequest& request,
                                           const TableFacts& facts);

// The same with a generated key: $1 is the number of rows. Answers with one
// row: the array of keys in the order of the rows, the number of rows that went
// in, and the sum of the lower 32 bits of the keys they went in with. With
// columns to fetch it answers as the other does.
absl::StatusOr<std::string> KeyedPageInsertText(const InsertRequest& request,
                                                const TableFacts& facts);

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_INSERT_TEXT_H_
