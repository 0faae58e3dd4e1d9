// An answer of a router, and why.
#ifndef SHARD_ROUTER_ROUTE_H_
#define SHARD_ROUTER_ROUTE_H_

#include <string>

#include "shard/router/bind.h"

namespace shard {

// Plain value. `why` is a phrase for people, without a capital or a full stop;
// it may show literals of the statement and values of its parameters, so it
// does not belong into an error.
struct Route {
  BindSet binds;
  std::string why;
};

}  // namespace shard

#endif  // SHARD_ROUTER_ROUTE_H_
