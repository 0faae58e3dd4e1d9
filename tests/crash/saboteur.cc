#include "shard/tests/crash/saboteur.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "shard/base/status_macros.h"
#include "shard/tests/crash/disk_room.h"
#include "shard/tests/crash/plan.h"
#include "shard/tests/crash/raw_database.h"
#include "shard/tests/crash/stop_signal.h"

namespace shard::bank {
namespace {

absl::Status GuessAll(RawDatabase& server, Random& random) {
  SHARD_ASSIGN_OR_RETURN(const RawDatabase::Rows prepared,
                         server.Query("SELECT gid FROM pg_prepared_xacts "
                                      "WHERE gid LIKE 'shard1/%'"));
  for (const auto& row : prepared) {
    const char* const verb = Chance(random, 50) ? "COMMIT" : "ROLLBACK";
    // Its owner may be faster.
    server.Query(absl::StrCat(verb, " PREPARED '", row[0], "'"))
        .status()
        .IgnoreError();
  }
  return absl::OkStatus();
}

using Disks = std::map<std::string, std::unique_ptr<DiskRoom>>;  // by database

absl::Status ForgetDecisions(RawDatabase& file, const std::string& name,
                             Disks& disks) {
  constexpr char kNeeded[] = "FROM shard_decisions WHERE length(redo) > 0";
  SHARD_ASSIGN_OR_RETURN(const RawDatabase::Rows needed,
                         file.Query(absl::StrCat("SELECT txn ", kNeeded)));
  if (needed.empty()) return absl::OkStatus();
  for (auto& [other, disk] : disks) {
    if (other != name) disk->FillUpAfter(0);
  }
  const absl::Status forgotten =
      file.Query(absl::StrCat("DELETE ", kNeeded)).status();
  absl::SleepFor(absl::Milliseconds(5));
  for (auto& [other, disk] : disks) disk->Clear();
  return forgotten;
}

}  // namespace

absl::Status RunSaboteur(const std::vector<Database>& databases,
                         std::uint64_t seed) {
  const StopSignal stop;
  Random random(seed);
  std::map<std::string, std::unique_ptr<RawDatabase>> open;
  Disks disks;
  for (const Database& database : databases) {
    if (!database.is_file()) continue;
    SHARD_ASSIGN_OR_RETURN(disks[database.name],
                           DiskRoom::Open(database.path(), /*make=*/false));
  }
  while (!stop.came()) {
    for (const Database& database : databases) {
      auto& raw = open[database.name];
      if (raw == nullptr) {
        auto opened = RawDatabase::Open(database.url);
        if (!opened.ok()) continue;
        raw = *std::move(opened);
      }
      const absl::Status status =
          raw->is_postgres() ? GuessAll(*raw, random)
                             : ForgetDecisions(*raw, database.name, disks);
      if (!status.ok()) raw = nullptr;
    }
    absl::SleepFor(absl::Microseconds(300));
  }
  return absl::OkStatus();
}

}  // namespace shard::bank
