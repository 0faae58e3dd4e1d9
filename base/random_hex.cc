#include "shard/base/random_hex.h"

#include <sys/random.h>

#include <cerrno>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "shard/base/environment.h"

namespace shard {

absl::StatusOr<std::string> RandomHex(std::size_t bytes) {
  if (Environment* const environment = CurrentEnvironment()) {
    return absl::BytesToHexString(environment->RandomBytes(bytes));
  }
  std::string random(bytes, '\0');
  std::size_t filled = 0;
  while (filled < bytes) {
    const ssize_t got = getrandom(&random[filled], bytes - filled, 0);
    if (got > 0) {
      filled += static_cast<std::size_t>(got);
    } else if (errno != EINTR) {
      return absl::UnavailableError(
          "the operating system gives no random bytes");
    }
  }
  return absl::BytesToHexString(random);
}

}  // namespace shard
