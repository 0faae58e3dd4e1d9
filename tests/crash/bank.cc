// A bank over several databases whose clients and servers are killed all the
// time. At the end not a cent may be missing. See README.md beside this file.
//
//   bazel run -c opt //tests/crash:bank -- --seconds 60
//
// Exit code: 0 all is well, 1 it is not, 2 there is no result.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/tests/crash/client.h"
#include "shard/tests/crash/databases.h"
#include "shard/tests/crash/disk_room.h"
#include "shard/tests/crash/foreign_writer.h"
#include "shard/tests/crash/recovering.h"
#include "shard/tests/crash/saboteur.h"
#include "shard/tests/crash/soak.h"

ABSL_FLAG(int, seconds, 30, "how long the clients work");
ABSL_FLAG(std::uint64_t, seed, 0,
          "of what happens when, as far as that can be repeated; 0: a random "
          "one");
ABSL_FLAG(unsigned, clients, 3, "client processes");
ABSL_FLAG(unsigned, threads, 2, "threads of each client");
ABSL_FLAG(unsigned, recoverers, 2,
          "processes that do nothing but recover, beside the clients");
ABSL_FLAG(unsigned, servers, 3, "PostgreSQL servers");
ABSL_FLAG(unsigned, files, 1, "SQLite files");
ABSL_FLAG(unsigned, foreign_writers, 1,
          "processes that write to the files past the library, if there are "
          "files");
ABSL_FLAG(bool, break_protocol, false,
          "break the protocol on purpose, to see that it is found out");
ABSL_FLAG(bool, keep, false, "keep the databases and logs");

// Of the processes that it starts.
ABSL_FLAG(std::string, role, "", "for the program's own use");
ABSL_FLAG(std::string, name, "", "for the program's own use");
ABSL_FLAG(std::string, journal, "", "for the program's own use");
ABSL_FLAG(std::vector<std::string>, databases, {}, "for the program's own use");

namespace shard::bank {
namespace {

// "--break-protocol" is "--break_protocol".
void MendFlags(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (argv[i][0] != '-' || argv[i][1] != '-') continue;
    for (char* c = argv[i] + 2; *c != '\0' && *c != '='; ++c) {
      if (*c == '-') *c = '_';
    }
  }
}

absl::Status RunRole(const std::string& role) {
  std::vector<Database> databases;
  for (const std::string& text : absl::GetFlag(FLAGS_databases)) {
    databases.push_back(ParseDatabase(text));
  }
  const std::uint64_t seed = absl::GetFlag(FLAGS_seed);
  UseDiskRooms();
  if (role == "client") {
    return RunClient({.databases = databases,
                      .name = absl::GetFlag(FLAGS_name),
                      .journal = absl::GetFlag(FLAGS_journal),
                      .threads = absl::GetFlag(FLAGS_threads),
                      .seed = seed});
  }
  if (role == "recoverer") return RunRecoverer(databases, seed);
  if (role == "foreign") return RunForeignWriter(databases, seed);
  if (role == "saboteur") return RunSaboteur(databases, seed);
  return absl::InvalidArgumentError(absl::StrCat("no role '", role, "'"));
}

SoakSettings SettingsFromFlags() {
  SoakSettings settings;
  settings.time = absl::Seconds(absl::GetFlag(FLAGS_seconds));
  settings.seed = absl::GetFlag(FLAGS_seed);
  if (settings.seed == 0) settings.seed = std::random_device{}() | 1u;
  settings.clients = absl::GetFlag(FLAGS_clients);
  settings.threads = absl::GetFlag(FLAGS_threads);
  settings.recoverers = absl::GetFlag(FLAGS_recoverers);
  settings.servers = absl::GetFlag(FLAGS_servers);
  settings.files = absl::GetFlag(FLAGS_files);
  settings.foreign_writers = absl::GetFlag(FLAGS_foreign_writers);
  settings.break_protocol = absl::GetFlag(FLAGS_break_protocol);
  settings.keep = absl::GetFlag(FLAGS_keep);
  return settings;
}

int Report(const SoakResult& result) {
  constexpr std::size_t kMostDetails = 20;
  const Findings& findings = result.findings;
  for (std::size_t i = 0; i < findings.details.size(); ++i) {
    if (i == kMostDetails) {
      std::printf("... %zu more\n", findings.details.size() - i);
      break;
    }
    std::printf("%s\n", findings.details[i].c_str());
  }
  if (result.troubles > 0) std::printf("troubles: %zu\n", result.troubles);
  std::printf("transfers=%zu kills=%zu torn=%zu lost=%zu indoubt=%zu\n",
              findings.transfers, result.kills, findings.torn, findings.lost,
              findings.indoubt);
  const bool well = findings.details.empty() && result.troubles == 0 &&
                    findings.transfers > 0 && result.kills > 0;
  return well ? EXIT_SUCCESS : EXIT_FAILURE;
}

int Main() {
  constexpr int kNoResult = 2;
  if (const std::string role = absl::GetFlag(FLAGS_role); !role.empty()) {
    const absl::Status status = RunRole(role);
    if (status.ok()) return EXIT_SUCCESS;
    std::fprintf(stderr, "%s %s: %s\n", role.c_str(),
                 absl::GetFlag(FLAGS_name).c_str(), status.ToString().c_str());
    return EXIT_FAILURE;
  }
  const SoakSettings settings = SettingsFromFlags();
  if (settings.files + settings.servers == 0) {
    std::fprintf(stderr, "bank: neither files nor servers\n");
    return kNoResult;
  }
  std::printf("seed %llu\n", static_cast<unsigned long long>(settings.seed));
  const auto result = RunSoak(settings);
  if (result.ok()) return Report(*result);
  std::fprintf(stderr, "bank: %s\n", result.status().ToString().c_str());
  return kNoResult;
}

}  // namespace
}  // namespace shard::bank

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Transfers money over several databases while clients and servers are "
      "killed; tells whether any was lost.");
  shard::bank::MendFlags(argc, argv);
  absl::ParseCommandLine(argc, argv);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return shard::bank::Main();
}
