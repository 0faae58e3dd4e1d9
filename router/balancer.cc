#include "shard/router/balancer.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "shard/base/environment.h"

namespace shard {
namespace {

// The n-th bit that is set, from 0.
std::size_t NthOf(std::uint64_t candidates, std::uint64_t n) {
  for (; n > 0; --n) candidates &= candidates - 1;
  return static_cast<std::size_t>(std::countr_zero(candidates));
}

std::uint64_t SystemSeed() {
  constexpr double kSeeds = 9007199254740992.0;  // as many as a double tells
  return static_cast<std::uint64_t>(Jitter(0, 1) * kSeeds);
}

}  // namespace

Balancer::Balancer(Balance balance, std::vector<Choice> choices,
                   std::optional<std::uint64_t> seed)
    : balance_(balance),
      choices_(std::move(choices)),
      random_(seed.has_value() ? *seed : SystemSeed()) {}

// SplitMix64: its whole state is a counter, so threads need no lock.
std::uint64_t Balancer::Random() {
  constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15;
  std::uint64_t z = random_.fetch_add(kStep, std::memory_order_relaxed) + kStep;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::size_t Balancer::Pick(std::uint64_t candidates) {
  const auto count = static_cast<std::uint64_t>(std::popcount(candidates));
  if (count == 1) return NthOf(candidates, 0);
  switch (balance_) {
    case Balance::kWeighted:
      return PickWeighted(candidates);
    case Balance::kFewestInUse:
      return PickFewestInUse(candidates);
    case Balance::kRoundRobin:
      return NthOf(candidates,
                   turn_.fetch_add(1, std::memory_order_relaxed) % count);
    case Balance::kRandom:
      break;
  }
  return NthOf(candidates, Random() % count);
}

std::size_t Balancer::PickWeighted(std::uint64_t candidates) {
  std::uint64_t sum = 0;
  for (std::uint64_t left = candidates; left != 0; left &= left - 1) {
    sum += choices_[NthOf(left, 0)].weight;
  }
  std::uint64_t point = Random() % sum;
  while (true) {
    const Choice& choice = choices_[NthOf(candidates, 0)];
    if (point < choice.weight) return NthOf(candidates, 0);
    point -= choice.weight;
    candidates &= candidates - 1;
  }
}

// Among equals one after the other: without it, all go to the first while
// nothing runs.
std::size_t Balancer::PickFewestInUse(std::uint64_t candidates) {
  std::size_t fewest = std::numeric_limits<std::size_t>::max();
  std::uint64_t best = 0;
  for (std::uint64_t left = candidates; left != 0; left &= left - 1) {
    const std::size_t i = NthOf(left, 0);
    const std::size_t in_use = choices_[i].engine->connections_in_use();
    if (in_use > fewest) continue;
    if (in_use < fewest) best = 0;
    fewest = in_use;
    best |= std::uint64_t{1} << i;
  }
  const auto count = static_cast<std::uint64_t>(std::popcount(best));
  return NthOf(best, turn_.fetch_add(1, std::memory_order_relaxed) % count);
}

}  // namespace shard
