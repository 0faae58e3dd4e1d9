// What is said of a row that has another version than its object.
#ifndef SHARD_SESSION_STALE_VERSION_H_
#define SHARD_SESSION_STALE_VERSION_H_

#include <string>

#include "absl/status/status.h"
#include "shard/session/attribute.h"
#include "shard/session/entity_base.h"
#include "shard/session/transaction.h"

namespace shard {

// kAborted: "<what> expected version 3; it has version 5 now; ...". Asks
// the database for the row's version, in the same transaction. Versions are
// shown where they are numbers or timestamps.
absl::Status StaleVersion(EntityBase& object, const std::string& what,
                          Share& share);

// Makes sure that the version of a stored object is known: an expired one is
// loaded, with all that is expired. kAborted when the row is gone;
// kInvalidArgument when the version was assigned.
absl::Status KnowVersion(EntityBase& object, AttributeBase* const* attributes);

// For a stored object that is to take over what another one of its class,
// `given`, holds: kAborted when that was read from another version of the row,
// else as KnowVersion. OK where `given` has no version.
absl::Status CheckSameVersion(AttributeBase* const* given, EntityBase& object,
                              AttributeBase* const* attributes);

}  // namespace shard

#endif  // SHARD_SESSION_STALE_VERSION_H_
