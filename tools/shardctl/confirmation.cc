#include "shard/tools/shardctl/confirmation.h"

#include <unistd.h>

#include <iostream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/tools/shardctl/style.h"

namespace shard::shardctl {

absl::Status Confirm(const std::string& words) {
  if (isatty(STDIN_FILENO) == 0) {
    return absl::FailedPreconditionError(
        "this must be confirmed, and there is no terminal to ask on: say "
        "--yes");
  }
  std::cout.flush();
  std::cerr << "Type '" << words << "' to go on: " << std::flush;
  std::string typed;
  std::getline(std::cin, typed);
  if (OneLine(typed) == words) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("not confirmed: that was not '", words, "'"));
}

}  // namespace shard::shardctl
