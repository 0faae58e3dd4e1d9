// Which databases a load is about.
#ifndef SHARD_SESSION_LOAD_HOME_H_
#define SHARD_SESSION_LOAD_HOME_H_

#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/engine.h"
#include "shard/session/mapping.h"
#include "shard/session/session_options.h"

namespace shard {

// OK where what is written to the databases of the class is committed on all of
// them or on none; otherwise kFailedPrecondition says what is missing.
absl::Status CheckCommitsTogether(const SessionOptions& session,
                                  const Mapping& mapping);

// The PostgreSQL ones among the databases of the class. They are good as long
// as the resolver of `session`.
absl::StatusOr<std::vector<std::shared_ptr<Engine>>> PostgresOf(
    const SessionOptions& session, const Mapping& mapping);

// Where loads may be written down: the databases of the topology by name, or
// without one the database to which the resolver leads for that class, or for
// none (null). kFailedPrecondition: it leads to several.
absl::StatusOr<std::vector<std::shared_ptr<Engine>>> LoadHomes(
    const SessionOptions& session, const Mapping* mapping);

// Whether the database has the table shard_loads.
absl::StatusOr<bool> HasLoads(Engine& engine);
// Makes it where it is not there yet.
absl::Status EnsureLoads(Engine& engine);

// The database where the load of that name is written down; else the first of
// the class, or where none of the class is in the topology, the first of all.
// Asks all of them, since another may have been the first when it was begun.
// kFailedPrecondition, naming both: two of them have it.
absl::StatusOr<std::shared_ptr<Engine>> FindLoadHome(
    const SessionOptions& session, const Mapping& mapping,
    std::string_view name);

}  // namespace shard

#endif  // SHARD_SESSION_LOAD_HOME_H_
