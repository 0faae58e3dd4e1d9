// What was asked for.
#ifndef SHARD_TOOLS_SHARDCTL_COMMAND_LINE_H_
#define SHARD_TOOLS_SHARDCTL_COMMAND_LINE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "shard/dialects/participant.h"
#include "shard/tools/shardctl/explain_arguments.h"
#include "shard/tools/shardctl/load_arguments.h"

namespace shard::shardctl {

struct CommandLine {
  std::string command;  // empty with `help`, maybe
  bool help = false;
  bool json = false;

  // Which databases.
  std::string topology_file;
  std::optional<std::string> cluster;
  std::optional<std::int64_t> epoch;
  std::vector<std::pair<std::string, std::string>> databases;  // name, URL
  // For connecting, and for each answer.
  absl::Duration timeout = absl::Seconds(5);

  bool all = false;                                 // status
  absl::Duration recover_after = absl::Seconds(5);  // recover
  absl::Duration retention = absl::Hours(1);        // recover
  std::string gid;                                  // resolve
  std::optional<Decision> decision;                 // resolve
  bool yes = false;                                 // resolve
  OnConflict on_conflict = OnConflict::kReport;     // resolve
  std::string remove;                               // check
  std::string identity;                             // forget
  std::string action;                               // topology: "check"
  ExplainArguments explain;
  LoadArguments load;
};

// `arguments` without the program's name. Options may stand before or behind
// the command. kInvalidArgument says what is wrong, and repeats nothing that
// may be a URL with a password.
absl::StatusOr<CommandLine> ParseCommandLine(
    const std::vector<std::string>& arguments);

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_COMMAND_LINE_H_
