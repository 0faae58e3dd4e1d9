// Places where a test can make the program fail.
#ifndef SHARD_BASE_FAILPOINT_H_
#define SHARD_BASE_FAILPOINT_H_

#include <functional>
#include <string_view>

namespace shard {

// Stands before and after every step of the atomic commit and its recovery.
// Does nothing unless a test has set a handler, and nothing at all in an
// optimised build (NDEBUG). `name` is "<step>.<place>", "prepare.sent" for
// instance; steps over several databases pass it once for each. Thread-safe.
#ifdef NDEBUG
inline void FailPoint(std::string_view) {}
#else
void FailPoint(std::string_view name);
#endif

// For tests: called at each fail point from now on, in the thread that passes
// it; it may count, wait, throw nothing, or end the process. Null: none. False
// where fail points are compiled out.
bool SetFailPointHandler(std::function<void(std::string_view name)> handler);

}  // namespace shard

#endif  // SHARD_BASE_FAILPOINT_H_
