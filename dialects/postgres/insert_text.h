// The text of inserts of many rows.
#ifndef SHARD_DIALECTS_POSTGRES_INSERT_TEXT_H_
#define SHARD_DIALECTS_POSTGRES_INSERT_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/postgres/table_facts.h"

namespace shard::postgres {

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

// "COPY ... FROM STDIN": the generated key first, if there is one. Needs at
// least one column, the key or another.
absl::StatusOr<std::string> CopyText(const InsertRequest& request);

// What goes in front of the COPYs of a request, one message with them, so that
// nothing can come between: locks the table against those who would change it,
// and says in one row whether the facts still hold. NULL: they do not. Else
// "{}", or, with a generated key, as many numbers of its sequence as there are
// rows. `fresh`: the transaction has read nothing before.
absl::StatusOr<std::string> CopyGuardText(const InsertRequest& request,
                                          const TableFacts& facts, bool fresh);

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_INSERT_TEXT_H_
