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
  if (!request.shard.has_value() || request.shard->is_none()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("there is no shard '", request.shard->name(), "' here: '",
                   where.name(), "' is bound as a single database"));
}

EngineResolver::EngineResolver(std::shared_ptr<Engine> engine)
    : engine_(std::move(engine)) {}

absl::StatusOr<Bind> EngineResolver::Resolve(const BindRequest& request) {
  SHARD_RETURN_IF_ERROR(CheckNamesNoShard(request, *engine_));
  return Bind{engine_.get(), ShardId()};
}

}  // namespace shard
