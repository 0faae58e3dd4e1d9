// A resolver that always answers with the same engine.
#ifndef SHARD_ROUTER_ENGINE_RESOLVER_H_
#define SHARD_ROUTER_ENGINE_RESOLVER_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/dialects/engine.h"
#include "shard/router/bind_resolver.h"

namespace shard {

// kInvalidArgument, naming both, when the request names a shard: the caller
// takes `where` for something that it is not.
absl::Status CheckNamesNoShard(const BindRequest& request, const Engine& where);

// A single database. Immutable and thread-safe.
class EngineResolver : public BindResolver {
 public:
  explicit EngineResolver(std::shared_ptr<Engine> engine);
  absl::StatusOr<Bind> Resolve(const BindRequest& request) override;
  absl::StatusOr<Route> Explain(const BindRequest& request) override;
  bool Reaches(const Engine& engine) const override {
    return &engine == engine_.get();
  }

 private:
  const std::shared_ptr<Engine> engine_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_ENGINE_RESOLVER_H_
