// The commands.
#ifndef SHARD_TOOLS_SHARDCTL_COMMANDS_H_
#define SHARD_TOOLS_SHARDCTL_COMMANDS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "shard/tools/shardctl/cluster_config.h"
#include "shard/tools/shardctl/command_line.h"
#include "shard/tools/shardctl/databases.h"
#include "shard/tools/shardctl/exit_code.h"
#include "shard/tools/shardctl/output.h"

namespace shard::shardctl {

struct Context {
  const CommandLine& line;
  const ClusterConfig& config;
  const std::vector<Database>& databases;
  Output& output;
};

// Each does what docs/shardctl.md says, and tells `output` of it.
ExitCode RunStatus(Context& context);
ExitCode RunRecover(Context& context);
ExitCode RunResolve(Context& context);
ExitCode RunCheck(Context& context);
ExitCode RunStamp(Context& context);
ExitCode RunForget(Context& context);
ExitCode RunLoad(Context& context);

// Those about the topology file itself, which open what they need. An error is
// one of usage: the file is wrong.
absl::StatusOr<ExitCode> RunTopologyCheck(const CommandLine& line,
                                          Output& output);
absl::StatusOr<ExitCode> RunExplain(const CommandLine& line, Output& output);

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_COMMANDS_H_
