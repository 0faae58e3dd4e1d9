// Asking before something that cannot be taken back.
#ifndef SHARD_TOOLS_SHARDCTL_CONFIRMATION_H_
#define SHARD_TOOLS_SHARDCTL_CONFIRMATION_H_

#include <string>

#include "absl/status/status.h"

namespace shard::shardctl {

// Has somebody type `words`, on the terminal at standard input; the question
// goes to standard error. kFailedPrecondition: something else was typed, or
// there is no terminal.
absl::Status Confirm(const std::string& words);

}  // namespace shard::shardctl

#endif  // SHARD_TOOLS_SHARDCTL_CONFIRMATION_H_
