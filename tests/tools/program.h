// Running a program as an operator would.
#ifndef SHARD_TESTS_TOOLS_PROGRAM_H_
#define SHARD_TESTS_TOOLS_PROGRAM_H_

#include <string>
#include <vector>

namespace shard::testing {

struct Ran {
  int exit_code = -1;  // or minus the signal that ended it
  std::string out;     // on a terminal: both
  std::string err;
};

// Without a terminal; standard input is empty. Throws when it cannot be run.
Ran RunProgram(const std::vector<std::string>& command);

// One that runs meanwhile; what it prints goes nowhere. Killed with the object.
class BackgroundProgram {
 public:
  explicit BackgroundProgram(const std::vector<std::string>& command);
  ~BackgroundProgram();
  BackgroundProgram(const BackgroundProgram&) = delete;
  BackgroundProgram& operator=(const BackgroundProgram&) = delete;

  void Signal(int signal);
  // Waits for its end; its exit code, or minus the signal that ended it.
  int Wait();
  // Whether it has ended; what Wait says is then known.
  bool ended();

 private:
  int child_;
  int status_ = 0;
  bool ended_ = false;
};

// On a terminal, where `typed` is typed.
Ran RunOnTerminal(const std::vector<std::string>& command,
                  const std::string& typed);

}  // namespace shard::testing

#endif  // SHARD_TESTS_TOOLS_PROGRAM_H_
