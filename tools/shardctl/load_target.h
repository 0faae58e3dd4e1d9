// The table that rows are loaded into, on all its shards.
#ifndef SHARD_TOOLS_SHARDCTL_LOAD_TARGET_H_
#define SHARD_TOOLS_SHARDCTL_LOAD_TARGET_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/reflection.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/shard_rule.h"
#include "shard/router/topology.h"
#include "shard/session/mapping.h"
#include "shard/session/session_options.h"
#include "shard/tools/shardctl/cluster_config.h"
#include "shard/tools/shardctl/databases.h"
#include "shard/tools/shardctl/load_arguments.h"

namespace shard::shardctl {

// Immutable once opened. Sessions made with its options must not outlive it.
class LoadTarget {
 public:
  // Reads the table from every shard, and looks whether it is the same there
  // and its rows lie where the arguments say. kNotFound: a shard that is not
  // among the databases, a table that is not there; kInvalidArgument: columns
  // that are not; kFailedPrecondition: see MatchColumns, CheckPlacement and
  // Topology::Open, and databases with another epoch; kUnavailable and others:
  // a database cannot be read.
  static absl::StatusOr<std::unique_ptr<LoadTarget>> Open(
      const ClusterConfig& config, const std::vector<Database>& databases,
      const LoadArguments& arguments, absl::Duration timeout);

  const Mapping& mapping() const { return *mapping_; }
  const std::vector<std::string>& shards() const { return shards_; }
  // What the table has and cannot be loaded: "'at' is always made by the
  // database, 'place' is point". Empty where that is nothing.
  std::string LeftOut() const;
  // For a session that writes a batch in each transaction, or all rows in one:
  // then the files that follow another may keep more to be done again.
  SessionOptions Options(bool all_in_one = false) const;

 private:
  LoadTarget() = default;

  std::vector<std::string> shards_;
  ReflectedTable table_;
  std::unique_ptr<Mapping> mapping_;
  std::shared_ptr<Topology> topology_;
  std::shared_ptr<HorizontalResolver> resolver_;
};

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_LOAD_TARGET_H_
