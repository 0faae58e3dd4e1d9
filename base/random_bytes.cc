#include "shard/base/random_bytes.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "shard/base/environment.h"

namespace shard {

absl::Status FillRandom(absl::Span<char> bytes) {
  if (Environment* const environment = CurrentEnvironment()) {
    const std::string random = environment->RandomBytes(bytes.size());
    std::copy(random.begin(), random.end(), bytes.begin());
    return absl::OkStatus();
  }
  while (!bytes.empty()) {
    const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
    if (got > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      return absl::UnavailableError(
          "the operating system gives no random bytes");
    }
  }
  return absl::OkStatus();
}

}  // namespace shard
