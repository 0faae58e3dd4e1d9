// The one source of chance of a simulation.
#ifndef SHARD_TESTS_SIMULATION_RANDOM_H_
#define SHARD_TESTS_SIMULATION_RANDOM_H_

#include <cstddef>
#include <cstdint>

namespace shard::testing {

// SplitMix64. Unlike the distributions of the standard library it gives the
// same everywhere, so that a seed means the same run on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // In [0, bound); bound is not 0.
  std::size_t Below(std::size_t bound) {
    return static_cast<std::size_t>(Next() % bound);
  }
  // True once in `n` times; never for 0.
  bool OneIn(std::size_t n) { return n != 0 && Below(n) == 0; }
  bool Coin() { return (Next() & 1) != 0; }
  // In [0, 1).
  double Fraction() {
    return static_cast<double>(Next() >> 11) * (1.0 / 9007199254740992.0);
  }

 private:
  std::uint64_t state_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SIMULATION_RANDOM_H_
