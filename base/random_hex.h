// Random names from the system's source.
#ifndef SHARD_BASE_RANDOM_HEX_H_
#define SHARD_BASE_RANDOM_HEX_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace shard {

// So many random bytes of the operating system as lower-case hexadecimal
// digits, two for each; never of a generator that a fork or a restored machine
// could repeat. kUnavailable when the system gives none. Thread-safe.
absl::StatusOr<std::string> RandomHex(std::size_t bytes);

}  // namespace shard

#endif  // SHARD_BASE_RANDOM_HEX_H_
