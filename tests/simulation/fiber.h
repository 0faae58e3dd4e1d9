// A thread of control that runs only when it is told to.
#ifndef SHARD_TESTS_SIMULATION_FIBER_H_
#define SHARD_TESTS_SIMULATION_FIBER_H_

#include <ucontext.h>

#include <functional>
#include <memory>

namespace shard::testing {

// Runs `body` on a stack of its own, from one Resume to the next Suspend. All
// fibers of a simulation share one thread: going from one to another costs a
// fraction of a microsecond, where threads would cost many. Exceptions must not
// leave `body`, and nobody may suspend while one is on its way.
class Fiber {
 public:
  explicit Fiber(std::function<void()> body);
  // It must have ended.
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Goes on in the fiber, until it suspends or ends. May be called from a
  // fiber too.
  void Resume();
  // Of the fiber that runs: goes back to whoever resumed it.
  static void Suspend();
  // The fiber that runs; null outside of all.
  static Fiber* Current();
  bool ended() const { return ended_; }

 private:
  struct Stack;
  static void Enter();
  static std::unique_ptr<Stack> TakeStack();

  std::function<void()> body_;
  std::unique_ptr<Stack> stack_;
  ucontext_t context_;
  ucontext_t resumer_;
  Fiber* resumed_by_ = nullptr;
  bool ended_ = false;
  void* fake_stack_ = nullptr;  // of the address sanitizer
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SIMULATION_FIBER_H_
