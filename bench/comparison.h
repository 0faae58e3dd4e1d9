// The library's time for a piece of work beside the time of its floor: the same
// work done by hand on the raw driver.
#ifndef SHARD_BENCH_COMPARISON_H_
#define SHARD_BENCH_COMPARISON_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace shard::bench {

// One side of a comparison. Made once; then run again and again.
class Side {
 public:
  virtual ~Side() = default;
  // Before and after each run, outside the timing.
  virtual absl::Status Prepare() { return absl::OkStatus(); }
  virtual absl::Status CleanUp() { return absl::OkStatus(); }
  // The timed work: Case::operations operations.
  virtual absl::Status Run() = 0;
};

using MakeSide = std::function<absl::StatusOr<std::unique_ptr<Side>>()>;

struct Case {
  std::string name;        // letters, digits, '_' and '/'
  std::size_t operations;  // that one run does
  double at_most;          // ours to floor; without a floor, nanoseconds
  MakeSide ours;
  MakeSide floor;  // empty: `at_most` is a time
};

// Measures a case: `pairs` times one side and then the other, the first side
// changing, so that what else the machine does falls on both. Google Benchmark
// decides how often a side runs each time. Returns the line to print.
std::string Compare(const Case& what, int pairs);

// What the fields of the lines are.
std::string ComparisonHeader();

}  // namespace shard::bench

#endif  // SHARD_BENCH_COMPARISON_H_
