// The server's errors as Status.
#ifndef SHARD_DIALECTS_POSTGRES_SQLSTATE_H_
#define SHARD_DIALECTS_POSTGRES_SQLSTATE_H_

#include <libpq-fe.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace shard::postgres {

// The code of an error by its SQLSTATE; `message` tells timeouts from other
// cancellations, which share one.
absl::StatusCode CodeOfSqlState(std::string_view sqlstate,
                                std::string_view message);

// The server's primary message without the values that it may quote.
std::string WithoutValues(std::string_view sqlstate, std::string_view message);

// The error that `result` holds. Leaves DETAIL out: it shows values.
absl::Status ErrorOfResult(const PGresult* result, std::string_view statement);

// kUnavailable: the connection broke while `statement` ran.
absl::Status ErrorOfLostConnection(const PGconn* connection,
                                   std::string_view statement);

// libpq's words for a failed attempt to connect. Its errors carry no SQLSTATE
// there, so it must have been told to be verbose, which puts it in the text.
absl::Status ErrorOfConnecting(const PGconn* connection);

// What COMMIT of a failed transaction comes to; the server says it by the tag.
absl::Status RolledBack(std::string_view statement);

absl::Status CopyRefused(std::string_view statement);

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_SQLSTATE_H_
