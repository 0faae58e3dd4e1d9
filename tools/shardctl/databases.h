// Opening the databases of a cluster.
#ifndef SHARD_TOOLS_SHARDCTL_DATABASES_H_
#define SHARD_TOOLS_SHARDCTL_DATABASES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/engine.h"
#include "shard/router/topology.h"
#include "shard/tools/shardctl/cluster_config.h"

namespace shard::shardctl {

struct Database {
  std::string name;
  std::string url;  // without its password
  std::shared_ptr<Engine> engine;
  // Why it cannot be worked with. The engine then says the same at once, as
  // kUnavailable, whatever the reason is: no server, a wrong password, too many
  // connections. So a command goes on with the others, and waits once.
  absl::Status reached;
};

enum class MissingFile { kIsAnError, kIsMade };

// Connects to each. kInvalidArgument, naming the database: a bad URL.
// MissingFile: SQLite would make a file, and then a slip in a path went
// unnoticed.
absl::StatusOr<std::vector<Database>> OpenDatabases(const ClusterConfig& config,
                                                    absl::Duration timeout,
                                                    MissingFile missing_file);

// The topology of them: no stamp is made or changed. Errors are those of
// Topology::Open.
absl::StatusOr<std::shared_ptr<Topology>> OpenTopology(
    const ClusterConfig& config, const std::vector<Database>& databases);

// The same for who writes rows: with the config's epoch, which is 1 where none
// is said. kFailedPrecondition: databases have an older one, which only a stamp
// raises; a newer one refuses what is written later.
absl::StatusOr<std::shared_ptr<Topology>> OpenTopologyToWrite(
    const ClusterConfig& config, const std::vector<Database>& databases,
    absl::Duration timeout);

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_DATABASES_H_
