// The tables of the atomic commit in a PostgreSQL database, and its stamp.
#ifndef SHARD_DIALECTS_POSTGRES_POSTGRES_STAMP_H_
#define SHARD_DIALECTS_POSTGRES_POSTGRES_STAMP_H_

#include <optional>

#include "absl/status/statusor.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/postgres/conversation.h"

namespace shard::postgres {

// See Participant. kPermissionDenied says what an administrator has to do.
absl::StatusOr<std::optional<Stamp>> ReadPostgresStamp(
    Conversation& conversation);
absl::StatusOr<Stamp> PutPostgresStamp(Conversation& conversation,
                                       const Stamp& stamp);

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_POSTGRES_STAMP_H_
