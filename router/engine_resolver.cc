#include "shard/router/engine_resolver.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"

namespace shard {

absl::Status CheckNamesNoShard(const BindRequest& request,
                               const Engine& where) {
  ShardId named = request.shard.value_or(ShardId());
  if (named.is_none() && !request.shards.empty()) {
    named = request.shards.front();
  }
  if (named.is_none()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("there is no shard '", named.name(), "' here: '",
                   where.name(), "' is bound as a single database"));
}

EngineResolver::EngineResolver(std::shared_ptr<Engine> engine)
    : engine_(std::move(engine)) {}

absl::StatusOr<Bind> EngineResolver::Resolve(const BindRequest& request) {
  SHARD_RETURN_IF_ERROR(CheckNamesNoShard(request, *engine_));
  return Bind{engine_.get(), ShardId()};
}

absl::StatusOr<Route> EngineResolver::Explain(const BindRequest& request) {
  const absl::StatusOr<Bind> bind = Resolve(request);
  if (!bind.ok()) return bind.status();
  return Route{{*bind}, "one database"};
}

}  // namespace shard
