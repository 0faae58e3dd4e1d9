// Database URLs.
#ifndef SHARD_DIALECTS_URL_H_
#define SHARD_DIALECTS_URL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace shard {

// scheme://[user[:password]@][host[:port]][/path][?key=value&...], with %XX
// decoded in every part.
struct Url {
  std::string scheme;
  std::string user;
  std::string password;
  std::string host;  // "[::1]" comes without its brackets
  std::optional<std::uint16_t> port;
  std::string path;  // what follows the '/' behind the host
  std::vector<std::pair<std::string, std::string>> query;

  // kInvalidArgument says which part is wrong, without showing the password.
  static absl::StatusOr<Url> Parse(std::string_view text);
  // The URL for messages: "***" for a password.
  std::string Redacted() const;
};

}  // namespace shard

#endif  // SHARD_DIALECTS_URL_H_
