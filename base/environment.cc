#include "shard/base/environment.h"

#include <atomic>
#include <random>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace shard {
namespace {

std::atomic<Environment*> current = nullptr;

}  // namespace

void SetEnvironment(Environment* environment) {
  current.store(environment, std::memory_order_release);
}

Environment* CurrentEnvironment() {
  return current.load(std::memory_order_acquire);
}

absl::Time Now() {
  Environment* const environment = CurrentEnvironment();
  return environment == nullptr ? absl::Now() : environment->Now();
}

void Pause(absl::Duration duration) {
  Environment* const environment = CurrentEnvironment();
  if (environment == nullptr) {
    absl::SleepFor(duration);
  } else {
    environment->Pause(duration);
  }
}

double Jitter(double low, double high) {
  if (Environment* const environment = CurrentEnvironment()) {
    return low + (high - low) * environment->Chance();
  }
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(low, high)(random);
}

}  // namespace shard
