#include "shard/bench/postgres_server.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace shard::bench {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// tools/pg_clusters.sh: in the workspace when Bazel runs us, else here.
std::string ScriptPath() {
  const std::string workspace = Environment("BUILD_WORKSPACE_DIRECTORY");
  return (workspace.empty() ? "" : workspace + "/") + "tools/pg_clusters.sh";
}

std::string ReadLine(int file) {
  std::string line;
  char next;
  while (read(file, &next, 1) == 1 && next != '\n') line += next;
  return line;
}

// Becomes the script. With the cluster up, it tells the URL and then reads,
// until our process lets go of the other end.
[[noreturn]] void BecomeScript(const std::string& script, int in, int out) {
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  execl("/bin/bash", "bash", script.c_str(), "run", "2", "bash", "-c",
        "echo \"$SHARD_TEST_POSTGRES_URLS\"; exec cat > /dev/null",
        static_cast<char*>(nullptr));
  _exit(127);
}

}  // namespace

absl::StatusOr<std::unique_ptr<PostgresServer>> PostgresServer::Find() {
  std::unique_ptr<PostgresServer> server(new PostgresServer);
  for (const char* name :
       {"SHARD_BENCH_POSTGRES_URL", "SHARD_TEST_POSTGRES_URLS"}) {
    if (server->urls_.empty()) {
      server->urls_ = absl::StrSplit(Environment(name), ',', absl::SkipEmpty());
    }
  }
  if (!server->urls_.empty()) return server;
  const std::string script = ScriptPath();
  if (std::filesystem::exists(script)) {
    server->urls_ =
        absl::StrSplit(server->StartCluster(script), ',', absl::SkipEmpty());
  }
  if (!server->urls_.empty()) return server;
  return absl::UnavailableError(
      absl::StrCat("no PostgreSQL server: SHARD_BENCH_POSTGRES_URL is not set "
                   "and ",
                   script, " could not start one"));
}

std::string PostgresServer::StartCluster(const std::string& script) {
  int to_script[2], from_script[2];
  if (pipe2(to_script, O_CLOEXEC) != 0) return "";
  if (pipe2(from_script, O_CLOEXEC) != 0) return "";
  script_ = fork();
  if (script_ == 0) BecomeScript(script, to_script[0], from_script[1]);
  close(to_script[0]);
  close(from_script[1]);
  keep_alive_ = to_script[1];
  std::string url = script_ > 0 ? ReadLine(from_script[0]) : "";
  close(from_script[0]);
  return url;
}

PostgresServer::~PostgresServer() {
  if (script_ <= 0) return;
  close(keep_alive_);
  waitpid(script_, nullptr, 0);
}

}  // namespace shard::bench
