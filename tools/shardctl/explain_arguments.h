// What `shardctl explain` is told on the command line.
#ifndef SHARD_TOOLS_SHARDCTL_EXPLAIN_ARGUMENTS_H_
#define SHARD_TOOLS_SHARDCTL_EXPLAIN_ARGUMENTS_H_

#include <string>
#include <vector>

namespace shard::shardctl {

struct ExplainArguments {
  std::string table;
  std::vector<std::string> keys;  // each as text; "7,eu" of two columns
};

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_EXPLAIN_ARGUMENTS_H_
