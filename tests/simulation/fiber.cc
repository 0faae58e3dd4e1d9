#include "shard/tests/simulation/fiber.h"

#include <ucontext.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace shard::testing {
namespace {

constexpr std::size_t kStackBytes = 256 * 1024;

thread_local Fiber* current = nullptr;

}  // namespace

struct Fiber::Stack {
  std::unique_ptr<char[]> bytes{new char[kStackBytes]};
};

namespace {

// Ended fibers leave their stacks to the next: warm, and nothing to allocate.
template <class Stack>
std::vector<std::unique_ptr<Stack>>& Spare() {
  thread_local std::vector<std::unique_ptr<Stack>> spare;
  return spare;
}

#if defined(__SANITIZE_ADDRESS__)

thread_local const void* thread_stack = nullptr;
thread_local std::size_t thread_stack_bytes = 0;

#endif

}  // namespace

std::unique_ptr<Fiber::Stack> Fiber::TakeStack() {
  auto& spare = Spare<Stack>();
  if (spare.empty()) return std::make_unique<Stack>();
  std::unique_ptr<Stack> stack = std::move(spare.back());
  spare.pop_back();
  return stack;
}

Fiber::Fiber(std::function<void()> body)
    : body_(std::move(body)), stack_(TakeStack()) {
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack_->bytes.get();
  context_.uc_stack.ss_size = kStackBytes;
  context_.uc_link = nullptr;
  makecontext(&context_, &Fiber::Enter, 0);
}

Fiber::~Fiber() { Spare<Stack>().push_back(std::move(stack_)); }

Fiber* Fiber::Current() { return current; }

void Fiber::Resume() {
  resumed_by_ = std::exchange(current, this);
#if defined(__SANITIZE_ADDRESS__)
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, stack_->bytes.get(), kStackBytes);
  swapcontext(&resumer_, &context_);
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#else
  swapcontext(&resumer_, &context_);
#endif
  current = resumed_by_;
}

void Fiber::Suspend() {
  Fiber& self = *current;
#if defined(__SANITIZE_ADDRESS__)
  const bool to_fiber = self.resumed_by_ != nullptr;
  __sanitizer_start_switch_fiber(
      self.ended_ ? nullptr : &self.fake_stack_,
      to_fiber ? self.resumed_by_->stack_->bytes.get() : thread_stack,
      to_fiber ? kStackBytes : thread_stack_bytes);
  swapcontext(&self.context_, &self.resumer_);
  __sanitizer_finish_switch_fiber(self.fake_stack_, nullptr, nullptr);
#else
  swapcontext(&self.context_, &self.resumer_);
#endif
}

void Fiber::Enter() {
  Fiber& self = *current;
#if defined(__SANITIZE_ADDRESS__)
  const void* bottom = nullptr;
  std::size_t bytes = 0;
  __sanitizer_finish_switch_fiber(nullptr, &bottom, &bytes);
  if (self.resumed_by_ == nullptr) {
    thread_stack = bottom;
    thread_stack_bytes = bytes;
  }
#endif
  self.body_();
  self.body_ = nullptr;
  self.ended_ = true;
  Suspend();
}

}  // namespace shard::testing
