#include "shard/tests/tools/program.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <vector>

namespace shard::testing {
namespace {

void Must(bool done, const char* what) {
  if (!done) throw std::runtime_error(what);
}

// Only what may be called between fork and exec.
[[noreturn]] void Exec(char* const* arguments) {
  execv(arguments[0], arguments);
  _exit(127);
}

std::vector<char*> Pointers(const std::vector<std::string>& command) {
  std::vector<char*> pointers;
  for (const std::string& argument : command) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

// What there is to read; false at its end.
bool ReadSome(int file, std::string* text) {
  std::array<char, 4096> buffer;
  const ssize_t got = read(file, buffer.data(), buffer.size());
  if (got < 0 && errno == EINTR) return true;
  if (got <= 0) return false;
  text->append(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

int CodeOf(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int WaitFor(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) Must(errno == EINTR, "waitpid");
  return CodeOf(status);
}

}  // namespace

Ran RunProgram(const std::vector<std::string>& command) {
  const std::vector<char*> arguments = Pointers(command);
  int out[2], err[2];
  Must(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0, "pipe2");
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const pid_t child = fork();
  Must(child >= 0 && nothing >= 0, "fork");
  if (child == 0) {
    dup2(nothing, STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    Exec(arguments.data());
  }
  close(nothing);
  close(out[1]);
  close(err[1]);
  Ran ran;
  std::array<pollfd, 2> files = {{{out[0], POLLIN, 0}, {err[0], POLLIN, 0}}};
  while (files[0].fd >= 0 || files[1].fd >= 0) {
    if (poll(files.data(), files.size(), -1) < 0) continue;
    if (files[0].revents != 0 && !ReadSome(out[0], &ran.out)) files[0].fd = -1;
    if (files[1].revents != 0 && !ReadSome(err[0], &ran.err)) files[1].fd = -1;
  }
  close(out[0]);
  close(err[0]);
  ran.exit_code = WaitFor(child);
  return ran;
}

BackgroundProgram::BackgroundProgram(const std::vector<std::string>& command) {
  const std::vector<char*> arguments = Pointers(command);
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  child_ = fork();
  Must(child_ >= 0 && nothing >= 0, "fork");
  if (child_ == 0) {
    for (const int file : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      dup2(nothing, file);
    }
    Exec(arguments.data());
  }
  close(nothing);
}

BackgroundProgram::~BackgroundProgram() {
  if (ended()) return;
  Signal(SIGKILL);
  Wait();
}

void BackgroundProgram::Signal(int signal) {
  if (!ended_) kill(child_, signal);
}

int BackgroundProgram::Wait() {
  if (!ended_) status_ = WaitFor(child_);
  ended_ = true;
  return status_;
}

bool BackgroundProgram::ended() {
  int status = 0;
  if (!ended_ && waitpid(child_, &status, WNOHANG) == child_) {
    status_ = CodeOf(status);
    ended_ = true;
  }
  return ended_;
}

Ran RunOnTerminal(const std::vector<std::string>& command,
                  const std::string& typed) {
  const std::vector<char*> arguments = Pointers(command);
  int terminal = -1;
  const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
  Must(child >= 0, "forkpty");
  if (child == 0) Exec(arguments.data());
  Must(write(terminal, typed.data(), typed.size()) ==
           static_cast<ssize_t>(typed.size()),
       "write");
  Ran ran;
  while (ReadSome(terminal, &ran.out)) {
  }
  close(terminal);
  ran.exit_code = WaitFor(child);
  return ran;
}

}  // namespace shard::testing
