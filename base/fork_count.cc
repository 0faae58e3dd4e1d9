#include "shard/base/fork_count.h"

#include <pthread.h>

#include <atomic>
#include <cstdint>

namespace shard {
namespace {

std::atomic<std::uint64_t> forks = 0;

bool CountForks() {
  return pthread_atfork(nullptr, nullptr, [] {
           forks.fetch_add(1, std::memory_order_relaxed);
         }) == 0;
}

}  // namespace

std::uint64_t ForkCount() {
  [[maybe_unused]] static const bool counting = CountForks();
  return forks.load(std::memory_order_relaxed);
}

}  // namespace shard
