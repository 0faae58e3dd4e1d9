// SQLite's result codes as Status.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_ERRORS_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_ERRORS_H_

#include <string_view>

#include "absl/status/status.h"

namespace shard {

// The code for an extended result code of SQLite that is an error.
absl::StatusCode SqliteStatusCode(int result);

// `words` are SQLite's own; the payload holds `result`.
absl::Status SqliteError(int result, std::string_view words,
                         std::string_view statement);

// True when the connection is of no use after `result`: its file is broken or
// cannot be read any more.
bool IsLostBySqliteError(int result);

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_ERRORS_H_
