// What --help says.
#ifndef SHARD_TOOLS_SHARDCTL_HELP_H_
#define SHARD_TOOLS_SHARDCTL_HELP_H_

#include <string_view>

namespace shard::shardctl {

// Of one command, with examples; of the program for an empty name.
std::string_view HelpText(std::string_view command);

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_HELP_H_
