// Orders that must agree.
#ifndef SHARD_TESTS_CRASH_ORDER_H_
#define SHARD_TESTS_CRASH_ORDER_H_

#include <string>
#include <vector>

namespace shard::bank {

// Empty when there is one order that all of these are part of. Else a circle:
// each stands before the next in one of them, and the last before the first.
std::vector<std::string> FindCircle(
    const std::vector<std::vector<std::string>>& orders);

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_ORDER_H_
