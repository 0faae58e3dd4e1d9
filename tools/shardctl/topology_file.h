// A cluster's databases, written down.
#ifndef SHARD_TOOLS_SHARDCTL_TOPOLOGY_FILE_H_
#define SHARD_TOOLS_SHARDCTL_TOPOLOGY_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "shard/tools/shardctl/cluster_config.h"

namespace shard::shardctl {

// {"cluster": "bank", "epoch": 1, "databases": {"eu": "postgresql://...",
//  "ledger": "sqlite:////var/lib/ledger.db"}}
//
// Only `databases` is required. kInvalidArgument says what is wrong without
// showing anything of the text, which may hold passwords: no JSON, a member
// that is not known, missing or of another type, a database twice.
absl::StatusOr<ClusterConfig> ParseTopology(std::string_view json);

// Of a file. kNotFound: it cannot be read.
absl::StatusOr<ClusterConfig> ReadTopologyFile(const std::string& path);

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_TOPOLOGY_FILE_H_
