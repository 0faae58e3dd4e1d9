// Choosing one of several places that would all do.
#ifndef SHARD_ROUTER_BALANCER_H_
#define SHARD_ROUTER_BALANCER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "shard/dialects/engine.h"

namespace shard {

enum class Balance : std::uint8_t {
  kRandom,
  kRoundRobin,   // one after the other
  kWeighted,     // at random, each as often as its weight says
  kFewestInUse,  // where this process has fewest connections on loan
};

// Thread-safe; takes no lock.
class Balancer {
 public:
  struct Choice {
    const Engine* engine;
    std::uint32_t weight;
  };
  static constexpr std::size_t kMostChoices = 64;

  // With a seed one thread gets the same choices in each run; without one the
  // system gives it.
  Balancer(Balance balance, std::vector<Choice> choices,
           std::optional<std::uint64_t> seed);

  // One of the choices whose bits are set in `candidates`, which is not 0.
  std::size_t Pick(std::uint64_t candidates);

 private:
  std::uint64_t Random();
  std::size_t PickWeighted(std::uint64_t candidates);
  std::size_t PickFewestInUse(std::uint64_t candidates);

  const Balance balance_;
  const std::vector<Choice> choices_;
  std::atomic<std::uint64_t> random_;  // the generator's state
  std::atomic<std::uint64_t> turn_ = 0;
};

}  // namespace shard

#endif  // SHARD_ROUTER_BALANCER_H_
