// How bad a finding is, as it is shown and as the program's end says it.
#ifndef SHARD_TOOLS_SHARDCTL_FINDING_LEVEL_H_
#define SHARD_TOOLS_SHARDCTL_FINDING_LEVEL_H_

#include "shard/dialects/participant.h"
#include "shard/tools/shardctl/exit_code.h"
#include "shard/tools/shardctl/table.h"

namespace shard::shardctl {

Table::Cell LevelCell(Finding::Level level);
ExitCode CodeOf(Finding::Level level);

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_FINDING_LEVEL_H_
