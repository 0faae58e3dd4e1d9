// Whether a PostgreSQL database is fit for atomic commits.
#ifndef SHARD_DIALECTS_POSTGRES_POSTGRES_INSPECTION_H_
#define SHARD_DIALECTS_POSTGRES_POSTGRES_INSPECTION_H_

#include <vector>

#include "absl/status/statusor.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/postgres/conversation.h"
#include "shard/dialects/postgres/postgres_decisions.h"

namespace shard::postgres {

// See Participant::Inspect; a finding for each subject. An error when the
// database cannot be asked.
absl::StatusOr<std::vector<Finding>> InspectPostgres(
    Conversation& conversation, PostgresDecisions& decisions);

}  // namespace shard::postgres

#endif  // SHARD_DIALECTS_POSTGRES_POSTGRES_INSPECTION_H_
