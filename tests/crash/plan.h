// What a transfer is to do.
#ifndef SHARD_TESTS_CRASH_PLAN_H_
#define SHARD_TESTS_CRASH_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace shard::bank {

using Random = std::mt19937_64;

// True in so many cases of a hundred.
bool Chance(Random& random, int percent);
// From 0 to `below` - 1.
std::size_t Pick(Random& random, std::size_t below);

// What happens to one account.
struct Leg {
  std::string home;  // its database
  std::int64_t account = 0;
  std::int64_t delta = 0;
  friend auto operator<=>(const Leg&, const Leg&) = default;
};

// "pg0/3=-20 pg1/5=20"
std::string LegsText(const std::vector<Leg>& legs);
// kDataLoss for any other text.
absl::StatusOr<std::vector<Leg>> ParseLegs(const std::string& text);

// One attempt: repeated, it has another sequence, so that the records show for
// each attempt what became of it.
struct Plan {
  std::string client;         // "2.7.1": client, its life, thread
  std::int64_t sequence = 0;  // counts the client's attempts
  std::vector<Leg> legs;      // of sum 0; no account twice

  std::string transfer() const;  // "2.7.1-35"
  // How many databases it touches.
  std::size_t databases() const;
};

// Mostly two or three databases, now and then one or as many as four; some
// accounts more often than others, so that transfers meet.
std::vector<Leg> RandomLegs(Random& random,
                            const std::vector<std::string>& homes,
                            std::size_t accounts_each);

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_PLAN_H_
