// Values on their way into SQLite's statements.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_VALUES_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_VALUES_H_

#include <sqlite3.h>

#include <cstddef>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/value.h"

namespace shard {

// What SQLite cannot keep, found before any SQL runs: kInvalidArgument for a
// NaN (SQLite would store NULL), a UUID that has not 16 bytes, and text or
// bytes longer than `max_bytes`; kOutOfRange for a time outside the years 0001
// to 9999. Names the place of the value, never the value.
absl::Status CheckValues(absl::Span<const sql::ValueView> values,
                         std::size_t max_bytes);

// Binds a value that CheckValues took to the parameter `index`, from 1. Bytes
// are not copied: they, and `scratch`, which takes the text of times, must
// outlive the run. Returns SQLite's result code.
int BindValue(sqlite3_stmt* statement, int index, const sql::ValueView& value,
              sql::ByteArena& scratch);

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_VALUES_H_
