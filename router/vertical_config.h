// A vertical router out of a topology file.
#ifndef SHARD_ROUTER_VERTICAL_CONFIG_H_
#define SHARD_ROUTER_VERTICAL_CONFIG_H_

#include <memory>

#include "absl/status/statusor.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/router_registry.h"
#include "shard/router/vertical_resolver.h"
#include "shard/sql/class_info.h"

namespace shard {

// {"type": "vertical", "binds": {"User": "users"}, "default": "main"}: each
// class in the database or router of that name.
absl::StatusOr<std::shared_ptr<BindResolver>> MakeVerticalRouter(
    const RouterConfig& config, RouterContext& context);

void BindTo(VerticalResolver& resolver, const sql::ClassInfo& class_info,
            const RouterPlace& place);
void BindDefaultTo(VerticalResolver& resolver, const RouterPlace& place);

}  // namespace shard

#endif  // SHARD_ROUTER_VERTICAL_CONFIG_H_
