// What the program asks of its surroundings: the time, a pause, chance.
#ifndef SHARD_BASE_ENVIRONMENT_H_
#define SHARD_BASE_ENVIRONMENT_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace shard {

// The system's clock and random source, unless a test has put its own world in
// their place. Thread-safe.
absl::Time Now();
void Pause(absl::Duration duration);
// Evenly between the two, so that many who wait do not come back in step.
double Jitter(double low, double high);
// Waits until all are done. The first runs in this thread, the others in
// threads of their own: for the rare work that waits long, and must not wait
// for the others.
void RunSideBySide(const std::vector<std::function<void()>>& tasks);

// A world of a test's, in which the same seed gives the same run.
class Environment {
 public:
  virtual ~Environment() = default;
  virtual absl::Time Now() = 0;
  virtual void Pause(absl::Duration duration) = 0;
  // In [0, 1).
  virtual double Chance() = 0;
  virtual std::string RandomBytes(std::size_t bytes) = 0;
  // One after the other: a run is a function of its seed.
  virtual void RunSideBySide(const std::vector<std::function<void()>>& tasks);
};

// For tests: asked instead of the system from now on, in the thread that asks;
// must outlive its use. Null: the system again.
void SetEnvironment(Environment* environment);
// The one that was set, or null.
Environment* CurrentEnvironment();

}  // namespace shard

#endif  // SHARD_BASE_ENVIRONMENT_H_
