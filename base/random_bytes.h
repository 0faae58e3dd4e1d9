// Random bytes from the system's source.
#ifndef SHARD_BASE_RANDOM_BYTES_H_
#define SHARD_BASE_RANDOM_BYTES_H_

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace shard {

// Fills `bytes` from the operating system; never from a generator that a fork
// or a restored machine could repeat. kUnavailable when the system gives none.
// Thread-safe.
absl::Status FillRandom(absl::Span<char> bytes);

}  // namespace shard

#endif  // SHARD_BASE_RANDOM_BYTES_H_
