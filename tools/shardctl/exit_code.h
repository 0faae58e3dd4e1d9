// What shardctl's exit code says.
#ifndef SHARD_TOOLS_SHARDCTL_EXIT_CODE_H_
#define SHARD_TOOLS_SHARDCTL_EXIT_CODE_H_

#include <algorithm>

#include "absl/status/status.h"

namespace shard::shardctl {

// The same for every command; docs/shardctl.md promises them. Where several
// apply the highest counts.
enum class ExitCode {
  kOk = 0,
  kUnfinished = 1,   // it was done, and something is left to look at
  kUnreachable = 2,  // a database could not be read: the answer lacks its part
  kRefused = 3,      // no: with nothing changed, or an error was found
  kUsage = 4,        // the command line or the topology file is wrong
};

inline ExitCode Worse(ExitCode a, ExitCode b) { return std::max(a, b); }

// Of a command that ended with this error.
inline ExitCode ExitCodeOf(const absl::Status& error) {
  return absl::IsUnavailable(error) || absl::IsDeadlineExceeded(error)
             ? ExitCode::kUnreachable
             : ExitCode::kRefused;
}

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_EXIT_CODE_H_
