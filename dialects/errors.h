// Building the Status of a driver's error.
#ifndef SHARD_DIALECTS_ERRORS_H_
#define SHARD_DIALECTS_ERRORS_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace shard {

// The payload that holds a database's own error code: a SQLSTATE ("23505") or
// the extended result code of SQLite ("2067").
inline constexpr char kDatabaseCodePayload[] = "shardsession/database-code";

// "<driver's words>; statement: <start of the statement's text>". `statement`
// is text with placeholders, so no bound value shows. Empty: left out.
absl::Status DatabaseError(absl::StatusCode code, std::string_view words,
                           std::string_view statement,
                           std::string_view database_code);

// The database's own code, if `status` carries one.
std::optional<std::string> DatabaseCode(const absl::Status& status);

// Marks an error about a value that a driver does not send, since the database
// cannot hold it: the fault of that value alone, as if the database itself had
// refused it.
absl::Status ValueError(absl::Status status);
bool IsValueError(const absl::Status& status);

// The same status with `where` put in front of its message; payloads stay.
absl::Status Annotate(const absl::Status& status, std::string_view where);

}  // namespace shard

#endif  // SHARD_DIALECTS_ERRORS_H_
