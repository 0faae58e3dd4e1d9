// Processes that do part of a test.
#ifndef SHARD_TESTS_SESSION_CHILDREN_H_
#define SHARD_TESTS_SESSION_CHILDREN_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace shard::testing {

// A fork of the test's process, which must have no other threads. It says
// numbers to its parent, and ends behind its work. Killed with the object, if
// it still runs.
class Child {
 public:
  // Where the child says them.
  class Mouth {
   public:
    explicit Mouth(int pipe) : pipe_(pipe) {}
    void Say(std::int64_t number) const;

   private:
    int pipe_;
  };

  explicit Child(const std::function<void(const Mouth&)>& work);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // The next number; nullopt once it has ended.
  std::optional<std::int64_t> Hear() const;
  // All up to its end.
  std::vector<std::int64_t> HearAll() const;
  // SIGSTOP, SIGCONT, SIGKILL. Returns when it has stopped, or ended.
  void Send(int signal);

 private:
  pid_t pid_ = -1;
  int pipe_ = -1;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SESSION_CHILDREN_H_
