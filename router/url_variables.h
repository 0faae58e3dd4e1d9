// Variables in the URLs of a configuration.
#ifndef SHARD_ROUTER_URL_VARIABLES_H_
#define SHARD_ROUTER_URL_VARIABLES_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace shard {

// The value of a variable; absent where it is not set.
using Variables =
    std::function<std::optional<std::string>(const std::string& name)>;

// Those of the process.
std::optional<std::string> EnvironmentVariable(const std::string& name);

// `url` with each "${NAME}" replaced by the variable's value. That is one part
// of the URL, whatever stands in it: it is escaped (%XX), so that a password
// may have '@' or '/' in it. A URL that is nothing but "${NAME}" is the value
// as it is: a whole URL. "$${" stands for "${".
//
// kInvalidArgument names a variable that is not set; a name is letters, digits
// and '_'. Values are never shown.
absl::StatusOr<std::string> WithVariables(const std::string& url,
                                          const Variables& variables);

}  // namespace shard

#endif  // SHARD_ROUTER_URL_VARIABLES_H_
