// Where an object belongs after its shard key was changed.
#ifndef SHARD_SESSION_SHARD_KEY_CHANGE_H_
#define SHARD_SESSION_SHARD_KEY_CHANGE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "shard/router/bind_resolver.h"
#include "shard/session/attribute.h"
#include "shard/session/entity_base.h"
#include "shard/session/mapping.h"

namespace shard {

// The fields that say where an object belongs, field i in bit i.
std::uint64_t ShardKeyFieldsOf(const BindResolver& resolver,
                               const Mapping& mapping);

// Where its shard key says that a stored object belongs now; expired parts of
// it are loaded first. Errors: those of the resolver.
absl::StatusOr<Bind> PlaceByShardKey(BindResolver& resolver, EntityBase& object,
                                     AttributeBase* const* attributes);

}  // namespace shard

#endif  // SHARD_SESSION_SHARD_KEY_CHANGE_H_
