// Whether this is still the process that something was made in.
#ifndef SHARD_BASE_FORK_COUNT_H_
#define SHARD_BASE_FORK_COUNT_H_

#include <cstdint>

namespace shard {

// Grows by one in the child of each fork() from the first call on. What holds
// connections, or numbers that must be given out once, notes it and compares:
// in a child it holds a copy of what its parent goes on using. Costs one read
// of memory. Thread-safe.
std::uint64_t ForkCount();

}  // namespace shard

#endif  // SHARD_BASE_FORK_COUNT_H_
