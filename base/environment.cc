#include "shard/base/environment.h"

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <random>
#include <thread>
#include <vector>

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

void RunSideBySide(const std::vector<std::function<void()>>& tasks) {
  if (Environment* const environment = CurrentEnvironment()) {
    return environment->RunSideBySide(tasks);
  }
  std::vector<std::thread> threads;
  // While it grew, an exception would destroy threads that run.
  threads.reserve(tasks.size());
  std::size_t started = 1;
  try {
    for (; started < tasks.size(); ++started) {
      threads.emplace_back(std::ref(tasks[started]));
    }
  } catch (const std::exception&) {
    // No more threads, or memory for them, to be had: this one does the rest.
  }
  if (!tasks.empty()) tasks[0]();
  for (; started < tasks.size(); ++started) tasks[started]();
  for (std::thread& thread : threads) thread.join();
}

void Environment::RunSideBySide(
    const std::vector<std::function<void()>>& tasks) {
  for (const auto& task : tasks) task();
}

double Jitter(double low, double high) {
  if (Environment* const environment = CurrentEnvironment()) {
    return low + (high - low) * environment->Chance();
  }
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(low, high)(random);
}

}  // namespace shard
