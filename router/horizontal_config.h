// A horizontal router out of a topology file.
#ifndef SHARD_ROUTER_HORIZONTAL_CONFIG_H_
#define SHARD_ROUTER_HORIZONTAL_CONFIG_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/config_node.h"
#include "shard/router/router_registry.h"

namespace shard {

// {"type": "horizontal", "shards": ["eu", "us"],     or {"eu": "main",
//  "us": {"database": "main", "schema": "us", "pattern": "us_{table}"}}
//  "strategy": {"type": "hash", "slots": {"0-2047": "eu", ...}},
//  "classes": {"Order": ["id"], "Line": {"key": ["order_id"]}},
//  "tables": {"orders": {"key": {"id": "int64"}}}}
//
// kInvalidArgument names field and line; kUnimplemented, too: a member that
// stands for something to come.
absl::StatusOr<std::shared_ptr<BindResolver>> MakeHorizontalRouter(
    const RouterConfig& config, RouterContext& context);

// The first member in which the two place rows differently, for errors: its
// path. A class or table that only one of them has is no difference.
std::optional<std::string> PlacementDifference(const ConfigNode& before,
                                               const ConfigNode& after);

}  // namespace shard

#endif  // SHARD_ROUTER_HORIZONTAL_CONFIG_H_
