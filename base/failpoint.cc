#include "shard/base/failpoint.h"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

namespace shard {

#ifdef NDEBUG

bool SetFailPointHandler(std::function<void(std::string_view)>) {
  return false;
}

#else

namespace {

using Handler = std::function<void(std::string_view)>;

std::atomic<bool> handler_set = false;

std::mutex& Mutex() {
  static std::mutex& mutex = *new std::mutex;  // outlives static objects
  return mutex;
}

std::shared_ptr<const Handler>& TheHandler() {
  static auto& handler = *new std::shared_ptr<const Handler>;
  return handler;
}

}  // namespace

void FailPoint(std::string_view name) {
  if (!handler_set.load(std::memory_order_relaxed)) return;
  std::shared_ptr<const Handler> handler;
  {
    const std::lock_guard lock(Mutex());
    handler = TheHandler();
  }
  if (handler != nullptr) (*handler)(name);
}

bool SetFailPointHandler(Handler handler) {
  const std::lock_guard lock(Mutex());
  handler_set = static_cast<bool>(handler);
  TheHandler() =
      handler ? std::make_shared<const Handler>(std::move(handler)) : nullptr;
  return true;
}

#endif

}  // namespace shard
