// Asking a server how far it is with the write-ahead log.
#ifndef SHARD_DIALECTS_POSTGRES_POSTGRES_REPLICATION_H_
#define SHARD_DIALECTS_POSTGRES_POSTGRES_REPLICATION_H_

#include "absl/status/statusor.h"
#include "shard/dialects/postgres/link.h"
#include "shard/dialects/replication_state.h"

namespace shard::postgres {

// One round trip. Needs no rights.
absl::StatusOr<ReplicationState> ReadReplication(Link& link);

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_POSTGRES_REPLICATION_H_
