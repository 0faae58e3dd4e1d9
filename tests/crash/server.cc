#include "shard/tests/crash/server.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "shard/base/status_macros.h"

namespace shard::bank {
namespace {

constexpr char kPrograms[] = "/usr/lib/postgresql/15/bin/";

// Not synced to the disk: only processes die here, and what a process wrote
// stays in the system's cache. Killed in immediate mode, a server loses nothing
// but its own memory, with fsync or without; only a power cut tells the
// difference. All other settings are those of a server that means it.
constexpr char kSettings[] = R"(
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
max_prepared_transactions = 100
shared_buffers = 32MB
fsync = off
logging_collector = off
)";

absl::Status InitDb(const std::string& data) {
  SHARD_RETURN_IF_ERROR(Child::Run(
      {.arguments = {absl::StrCat(kPrograms, "initdb"), "-D", data, "-U",
                     "postgres", "-A", "trust", "--encoding=UTF8",
                     "--locale=C.UTF-8", "--no-sync"},
       .as_postgres = true,
       .log = absl::StrCat(data, ".log")}));
  return Child::Run(
      {.arguments = {"/bin/sh", "-c", "echo \"$0\" >> \"$1\"", kSettings,
                     absl::StrCat(data, "/postgresql.conf")},
       .as_postgres = true});
}

// Quicker than another initdb.
absl::Status Copy(const std::string& from, const std::string& to) {
  return Child::Run(
      {.arguments = {"/bin/cp", "-a", from, to}, .as_postgres = true});
}

bool IsFree(int port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool bound = bind(listener, reinterpret_cast<sockaddr*>(&address),
                          sizeof(address)) == 0;
  close(listener);
  return bound;
}

// Below those that the system hands out, so that nobody gets it while its
// server is down. Two of these programs begin at different places.
int TakePort() {
  constexpr int kFirst = 20000, kPorts = 5000;
  static int next = getpid() * 16 % kPorts;
  for (int tries = 0; tries < kPorts; ++tries) {
    const int port = kFirst + next++ % kPorts;
    if (IsFree(port)) return port;
  }
  return kFirst;
}

// initdb wants a folder of its own user's.
absl::Status MakeFolder(const std::string& folder) {
  return Child::Run(
      {.arguments = {"/usr/bin/install", "-d", "-m", "0777", folder}});
}

}  // namespace

absl::StatusOr<std::vector<std::unique_ptr<Server>>> Server::Make(
    const std::string& folder, std::size_t count) {
  if (!std::filesystem::exists(absl::StrCat(kPrograms, "initdb"))) {
    return absl::NotFoundError(
        "PostgreSQL 15 is not installed: run tools/install_dependencies.sh");
  }
  const std::string clusters = absl::StrCat(folder, "/servers");
  SHARD_RETURN_IF_ERROR(MakeFolder(clusters));
  std::vector<std::unique_ptr<Server>> servers;
  for (std::size_t i = 0; i < count; ++i) {
    std::string data = absl::StrCat(clusters, "/pg", i);
    SHARD_RETURN_IF_ERROR(i == 0 ? InitDb(data)
                                 : Copy(servers[0]->data_, data));
    servers.emplace_back(new Server(std::move(data), TakePort()));
  }
  return servers;
}

absl::StatusOr<std::unique_ptr<Server>> Server::MakeStandby(
    const std::string& folder) const {
  SHARD_RETURN_IF_ERROR(MakeFolder(folder));
  std::string data = absl::StrCat(folder, "/standby");
  SHARD_RETURN_IF_ERROR(Child::Run(
      {.arguments = {absl::StrCat(kPrograms, "pg_basebackup"), "-d", url_, "-D",
                     data, "--write-recovery-conf", "--wal-method=stream",
                     "--checkpoint=fast", "--no-sync"},
       .as_postgres = true,
       .log = absl::StrCat(data, ".log")}));
  return std::unique_ptr<Server>(new Server(std::move(data), TakePort()));
}

Server::Server(std::string data, int port)
    : data_(std::move(data)),
      port_(port),
      url_(absl::StrCat("postgresql://postgres@127.0.0.1:", port,
                        "/postgres")) {}

absl::Status Server::Start() {
  SHARD_ASSIGN_OR_RETURN(
      process_,
      Child::Start({.arguments = {absl::StrCat(kPrograms, "postgres"), "-D",
                                  data_, "-p", absl::StrCat(port_)},
                    .as_postgres = true,
                    .log = absl::StrCat(data_, ".log"),
                    .farewell = SIGQUIT}));
  return absl::OkStatus();
}

absl::Status Server::WaitUntilReady(absl::Duration patience) const {
  const absl::Time deadline = absl::Now() + patience;
  while (PQping(absl::StrCat(url_, "?connect_timeout=2").c_str()) !=
         PQPING_OK) {
    if (absl::Now() > deadline) {
      return absl::UnavailableError(absl::StrCat(
          "the server does not take connections; see ", data_, ".log"));
    }
    absl::SleepFor(absl::Milliseconds(20));
  }
  return absl::OkStatus();
}

// A server that has just begun to start takes no heed of the signal.
void Server::Kill() {
  while (process_.running()) {
    process_.Signal(SIGQUIT);
    for (int i = 0; i < 50 && process_.running(); ++i) {
      absl::SleepFor(absl::Milliseconds(2));
    }
  }
}

}  // namespace shard::bank
