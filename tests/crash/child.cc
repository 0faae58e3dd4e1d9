#include "shard/tests/crash/child.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "shard/base/status_macros.h"

namespace shard::bank {
namespace {

// Everything that the new process needs, ready before the fork: between fork
// and exec a child of a process with threads must not even take memory.
struct Launch {
  std::vector<char*> arguments;
  bool change_user = false;
  uid_t user = 0;
  gid_t group = 0;
  int log = -1;
  int farewell = 0;
  pid_t parent = 0;
};

[[noreturn]] void Become(const Launch& launch) {
  if (launch.change_user &&
      (setgroups(0, nullptr) != 0 || setgid(launch.group) != 0 ||
       setuid(launch.user) != 0)) {
    _exit(126);
  }
  prctl(PR_SET_PDEATHSIG, launch.farewell);
  signal(SIGXFSZ, SIG_IGN);                    // see ForbidWrites
  if (getppid() != launch.parent) _exit(126);  // it has ended meanwhile
  if (launch.log >= 0) {
    dup2(launch.log, STDOUT_FILENO);
    dup2(launch.log, STDERR_FILENO);
  }
  // A folder that user postgres may be in, too.
  if (chdir("/") != 0) _exit(126);
  execv(launch.arguments[0], launch.arguments.data());
  _exit(127);
}

absl::Status BecomePostgres(Launch& launch) {
  if (getuid() != 0) return absl::OkStatus();
  const passwd* const user = getpwnam("postgres");
  if (user == nullptr) {
    return absl::NotFoundError("there is no user postgres to run servers as");
  }
  launch.change_user = true;
  launch.user = user->pw_uid;
  launch.group = user->pw_gid;
  return absl::OkStatus();
}

absl::StatusOr<int> OpenLog(const std::string& path) {
  const int file =
      open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file >= 0) return file;
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
}

}  // namespace

absl::StatusOr<Child> Child::Start(const Command& command) {
  Launch launch;
  for (const std::string& argument : command.arguments) {
    launch.arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  launch.arguments.push_back(nullptr);
  launch.farewell = command.farewell;
  launch.parent = getpid();
  if (command.as_postgres) SHARD_RETURN_IF_ERROR(BecomePostgres(launch));
  if (!command.log.empty()) {
    SHARD_ASSIGN_OR_RETURN(launch.log, OpenLog(command.log));
  }
  const pid_t pid = fork();
  if (pid == 0) Become(launch);
  if (launch.log >= 0) close(launch.log);
  if (pid > 0) return Child(pid);
  return absl::ErrnoToStatus(errno, "cannot fork");
}

absl::Status Child::Run(const Command& command) {
  SHARD_ASSIGN_OR_RETURN(Child child, Start(command));
  if (child.Wait()) return absl::OkStatus();
  return absl::UnknownError(
      absl::StrCat(absl::StrJoin(command.arguments, " "), " failed",
                   command.log.empty() ? "" : "; see ", command.log));
}

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  Kill();
  pid_ = std::exchange(other.pid_, 0);
  status_ = other.status_;
  return *this;
}

bool Child::running() {
  if (pid_ == 0) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  Ended(status);
  return false;
}

bool Child::EndedWell() const {
  return (WIFEXITED(status_) && WEXITSTATUS(status_) == 0) ||
         (WIFSIGNALED(status_) && WTERMSIG(status_) == SIGTERM);
}

std::string Child::HowItEnded() const {
  return WIFSIGNALED(status_)
             ? absl::StrCat("signal ", WTERMSIG(status_))
             : absl::StrCat("exit code ", WEXITSTATUS(status_));
}

void Child::Signal(int number) {
  if (running()) kill(pid_, number);
}

void Child::ForbidWrites(bool forbid) {
  if (!running()) return;
  rlimit limit = {};
  if (prlimit(pid_, RLIMIT_FSIZE, nullptr, &limit) != 0) return;
  limit.rlim_cur = forbid ? 0 : limit.rlim_max;
  prlimit(pid_, RLIMIT_FSIZE, &limit, nullptr);
}

bool Child::Wait() {
  if (pid_ == 0) return EndedWell();
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  Ended(status);
  return EndedWell();
}

void Child::Kill() {
  Signal(SIGKILL);
  Wait();
}

}  // namespace shard::bank
