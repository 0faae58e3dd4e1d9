// A process that this one started.
#ifndef SHARD_TESTS_CRASH_CHILD_H_
#define SHARD_TESTS_CRASH_CHILD_H_

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace shard::bank {

struct Command {
  std::vector<std::string> arguments;  // the first is the program
  // As user postgres, where we are root: servers refuse to run as root.
  bool as_postgres = false;
  std::string log = "";  // where its output goes; empty: where ours goes
  int farewell = 9;      // the signal that it gets when we end, however we do
};

// Killed and reaped when this object ends. Only the main thread may start
// children: they live no longer than the thread that started them.
class Child {
 public:
  static absl::StatusOr<Child> Start(const Command& command);
  // Waits for its end. kUnknown: it failed, see its log.
  static absl::Status Run(const Command& command);

  Child() = default;
  Child(Child&& other) noexcept
      : pid_(std::exchange(other.pid_, 0)), status_(other.status_) {}
  Child& operator=(Child&& other) noexcept;
  ~Child() { Kill(); }

  // False as well when it has ended by itself.
  bool running();
  void Signal(int number);
  // As if no disk had room for it any more: what it writes to files fails, with
  // EFBIG. Sockets and pipes do as before.
  void ForbidWrites(bool forbid);
  // Waits for its end. True when it ended by itself and well, or of SIGTERM: it
  // may get that before it is ready for it.
  bool Wait();
  // SIGKILL; waits for its end.
  void Kill();
  // "exit code 1", "signal 11"; of one that has ended.
  std::string HowItEnded() const;

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  void Ended(int status) {
    status_ = status;
    pid_ = 0;
  }
  bool EndedWell() const;
  pid_t pid_ = 0;    // 0: none, or reaped
  int status_ = -1;  // as waitpid gives it
};

}  // namespace shard::bank

#endif  // SHARD_TESTS_CRASH_CHILD_H_
