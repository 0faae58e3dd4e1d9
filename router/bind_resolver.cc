#include "shard/router/bind_resolver.h"

#include "absl/status/statusor.h"

namespace shard {

absl::StatusOr<Route> BindResolver::Explain(const BindRequest& request) {
  Route route;
  route.why = "by the bind resolver";
  if (request.object == nullptr) {
    absl::StatusOr<BindSet> binds = ResolveAll(request);
    if (!binds.ok()) return binds.status();
    route.binds = *binds;
    return route;
  }
  const absl::StatusOr<Bind> bind = Resolve(request);
  if (!bind.ok()) return bind.status();
  route.binds = {*bind};
  return route;
}

}  // namespace shard
