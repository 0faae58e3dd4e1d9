// Whether a database carries the stamp that it should.
#ifndef SHARD_TOOLS_SHARDCTL_STAMP_CHECK_H_
#define SHARD_TOOLS_SHARDCTL_STAMP_CHECK_H_

#include <map>
#include <optional>
#include <string>

#include "shard/dialects/participant.h"
#include "shard/tools/shardctl/cluster_config.h"
#include "shard/tools/shardctl/output.h"

namespace shard::shardctl {

// Looks at the databases of one cluster, one after the other. Not thread-safe.
class StampCheck {
 public:
  explicit StampCheck(const ClusterConfig* config) : config_(*config) {}

  // Of the database of that name. An error where the stamp is of something
  // else, or of a database seen before; a warning where the epoch is another
  // than the one that was said. None at all: an error too.
  Finding Look(const std::string& name, const std::optional<Stamp>& stamp);

 private:
  const ClusterConfig& config_;
  std::map<std::string, std::string> names_;  // by identity
};

// "bank/eu, epoch 1, identity 9f..."
std::string StampText(const Stamp& stamp);
// null where there is none.
Json StampJson(const std::optional<Stamp>& stamp);

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_STAMP_CHECK_H_
