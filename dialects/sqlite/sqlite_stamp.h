// The table shard_stamp of a SQLite file: who it is.
#ifndef SHARD_DIALECTS_SQLITE_SQLITE_STAMP_H_
#define SHARD_DIALECTS_SQLITE_SQLITE_STAMP_H_

#include <optional>

#include "absl/status/statusor.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/participant.h"

namespace shard {

// nullopt when there is no such table, or no row in it.
absl::StatusOr<std::optional<Stamp>> ReadSqliteStamp(Connection& connection);

// See Participant::PutStamp. Takes the write lock only where something is
// missing or older. The epoch of a stamp of another cluster, shard or way of
// placing keys is left alone: whoever put it there must not be shut out.
absl::StatusOr<Stamp> PutSqliteStamp(Connection& connection,
                                     const Stamp& stamp);

}  // namespace shard

#endif  // SHARD_DIALECTS_SQLITE_SQLITE_STAMP_H_
