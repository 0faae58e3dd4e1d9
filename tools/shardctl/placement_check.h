// Whether the rows that are there lie where new ones would go.
#ifndef SHARD_TOOLS_SHARDCTL_PLACEMENT_CHECK_H_
#define SHARD_TOOLS_SHARDCTL_PLACEMENT_CHECK_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "shard/dialects/engine.h"
#include "shard/router/shard_rule.h"

namespace shard::shardctl {

// Looks at a few rows of each shard. A wrong order of shards, another shard key
// or a key of another type put rows where no program looks for them, and
// nothing else would tell. kFailedPrecondition names the shards; tables without
// rows tell nothing, and pass.
absl::Status CheckPlacement(
    const ShardRule& rule,
    absl::Span<const std::pair<std::string, std::shared_ptr<Engine>>> shards);

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_PLACEMENT_CHECK_H_
