#include "shard/tests/session/children.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace shard::testing {

void Child::Mouth::Say(std::int64_t number) const {
  if (write(pipe_, &number, sizeof(number)) != sizeof(number)) _exit(2);
}

Child::Child(const std::function<void(const Mouth&)>& work) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("no pipe");
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("no process");
  if (pid_ == 0) {
    close(ends[0]);
    alarm(60);  // should the parent not come to an end
    work(Mouth(ends[1]));
    _exit(0);  // what it has of the parent is not its own to destroy
  }
  close(ends[1]);
  pipe_ = ends[0];
}

Child::~Child() {
  Send(SIGKILL);
  close(pipe_);
}

std::optional<std::int64_t> Child::Hear() const {
  std::int64_t number = 0;
  if (read(pipe_, &number, sizeof(number)) != sizeof(number)) return {};
  return number;
}

std::vector<std::int64_t> Child::HearAll() const {
  std::vector<std::int64_t> numbers;
  while (const auto number = Hear()) numbers.push_back(*number);
  return numbers;
}

void Child::Send(int signal) {
  if (pid_ < 0) return;
  kill(pid_, signal);
  int status = 0;
  if (signal == SIGSTOP) waitpid(pid_, &status, WUNTRACED);
  if (signal != SIGKILL) return;
  waitpid(pid_, &status, 0);
  pid_ = -1;
}

}  // namespace shard::testing
