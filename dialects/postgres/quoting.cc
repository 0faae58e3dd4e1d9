#include "shard/dialects/postgres/quoting.h"

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace shard::postgres {

absl::StatusOr<std::string> QuoteLiteral(const Link& link,
                                         std::string_view text) {
  if (link.libpq() == nullptr) {
    return absl::UnavailableError("connection lost");
  }
  const std::unique_ptr<char, decltype(&PQfreemem)> quoted(
      PQescapeLiteral(link.libpq(), text.data(), text.size()), &PQfreemem);
  if (quoted == nullptr || text.find('\0') != text.npos) {
    return absl::InvalidArgumentError("text with a NUL byte, or no UTF-8");
  }
  return std::string(quoted.get());
}

}  // namespace shard::postgres
