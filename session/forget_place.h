// Telling a router that a row is not where it said.
#ifndef SHARD_SESSION_FORGET_PLACE_H_
#define SHARD_SESSION_FORGET_PLACE_H_

#include "shard/router/bind_resolver.h"
#include "shard/session/entity_base.h"

namespace shard {

// The object's row was not found on its shard: it is gone, or has moved, and
// what the router remembers of its key is dropped. Asks no database.
void ForgetPlace(BindResolver& resolver, EntityBase& object);

}  // namespace shard

#endif  // SHARD_SESSION_FORGET_PLACE_H_
