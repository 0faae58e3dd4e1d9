// The dialects that are linked into this program.
#ifndef SHARD_DIALECTS_REGISTRY_H_
#define SHARD_DIALECTS_REGISTRY_H_

#include <functional>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/url.h"

namespace shard {

// Makes the opener for a URL; kInvalidArgument says what is wrong with it.
using OpenerFactory =
    std::function<absl::StatusOr<std::unique_ptr<Engine::Opener>>(
        const Url&, const EngineOptions&)>;

// Makes URLs that start with "<scheme>://" known to OpenEngine. Called once for
// each dialect, from a global in its folder:
//
//   const bool registered = RegisterDialect("sqlite", &MakeSqliteOpener);
//
// Always true. Thread-safe.
bool RegisterDialect(std::string_view scheme, OpenerFactory factory);

// kNotFound, naming the schemes there are, when none is registered.
absl::StatusOr<OpenerFactory> FindDialect(std::string_view scheme);

}  // namespace shard

#endif  // SHARD_DIALECTS_REGISTRY_H_
