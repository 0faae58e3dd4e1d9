#include "shard/tests/crash/soak.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "shard/base/status_macros.h"
#include "shard/tests/crash/databases.h"
#include "shard/tests/crash/disk_room.h"
#include "shard/tests/crash/foreign_writer.h"
#include "shard/tests/crash/journal.h"
#include "shard/tests/crash/nemesis.h"
#include "shard/tests/crash/records.h"
#include "shard/tests/crash/recovering.h"
#include "shard/tests/crash/scratch_folder.h"
#include "shard/tests/crash/server.h"
#include "shard/tests/crash/stop_signal.h"
#include "shard/tests/crash/worker.h"
#include "shard/tests/support/postgres_proxy.h"

namespace shard::bank {
namespace {

constexpr absl::Duration kTellEvery = absl::Seconds(5);
// No fault lasts half as long.
constexpr absl::Duration kStandstill = absl::Seconds(15);
constexpr absl::Duration kServerPatience = absl::Seconds(30);
// More than all the timeouts of a session together.
constexpr absl::Duration kWorkerPatience = absl::Seconds(20);
constexpr absl::Duration kRecoveryPatience = absl::Seconds(60);

class Soak {
 public:
  Soak(const SoakSettings* settings, std::string folder)
      : settings_(*settings), folder_(std::move(folder)) {}

  absl::StatusOr<SoakResult> Run() {
    SHARD_RETURN_IF_ERROR(MakeDatabases());
    SHARD_RETURN_IF_ERROR(FoundBank(databases_));
    SHARD_RETURN_IF_ERROR(MakeForeignTables(files_));
    SHARD_RETURN_IF_ERROR(StartWorkers());
    SHARD_RETURN_IF_ERROR(DoHarm());
    if (stop_.came()) return absl::CancelledError("interrupted");
    StopWorkers();
    SHARD_RETURN_IF_ERROR(RestartServers());
    Recover();
    SHARD_ASSIGN_OR_RETURN(const Records records,
                           ReadRecords(databases_, journals()));
    result_.findings = Audit(records, kOpeningBalance);
    return result_;
  }

 private:
  std::string journals() const { return absl::StrCat(folder_, "/journals"); }

  absl::Status MakeDatabases() {
    if (settings_.servers > 0) {
      SHARD_ASSIGN_OR_RETURN(servers_,
                             Server::Make(folder_, settings_.servers));
      SHARD_RETURN_IF_ERROR(StartServers());
    }
    for (const auto& server : servers_) {
      SHARD_ASSIGN_OR_RETURN(auto wire,
                             testing::PostgresProxy::Start(server->url()));
      const std::string name = absl::StrCat("pg", databases_.size());
      databases_.push_back({name, server->url()});
      by_wire_.push_back({name, wire->url()});
      wires_.push_back(std::move(wire));
    }
    for (std::size_t i = 0; i < settings_.files; ++i) {
      SHARD_RETURN_IF_ERROR(AddFile(absl::StrCat("file", i)));
    }
    std::filesystem::create_directory(journals());
    return absl::OkStatus();
  }

  absl::Status AddFile(const std::string& name) {
    files_.push_back(
        {name, absl::StrCat(Database::kFile, folder_, "/", name, ".db")});
    databases_.push_back(files_.back());
    by_wire_.push_back(files_.back());
    SHARD_ASSIGN_OR_RETURN(disks_.emplace_back(),
                           DiskRoom::Open(files_.back().path(), /*make=*/true));
    return absl::OkStatus();
  }

  absl::Status StartServers() {
    for (const auto& server : servers_) {
      SHARD_RETURN_IF_ERROR(server->Start());
    }
    for (const auto& server : servers_) {
      SHARD_RETURN_IF_ERROR(server->WaitUntilReady(kServerPatience));
    }
    return absl::OkStatus();
  }

  // No backend outlives this: what a client had sent before it died has either
  // happened by now or never will.
  absl::Status RestartServers() {
    for (const auto& server : servers_) server->Kill();
    return StartServers();
  }

  absl::Status StartWorkers() {
    for (std::size_t i = 0; i < settings_.clients; ++i) AddWorker("client", i);
    for (std::size_t i = 0; i < settings_.recoverers; ++i) {
      AddWorker("recoverer", i);
    }
    for (std::size_t i = 0; i < settings_.foreign_writers; ++i) {
      if (!files_.empty()) AddWorker("foreign", i);
    }
    if (settings_.break_protocol) AddWorker("saboteur", 0);
    for (const auto& worker : workers_) {
      SHARD_RETURN_IF_ERROR(worker->Start());
    }
    return absl::OkStatus();
  }

  // Each second client and recoverer goes by wires that can be cut anywhere.
  void AddWorker(const std::string& role, std::size_t number) {
    const std::string name = absl::StrCat(role, " ", number);
    // Far apart, since threads and lives count on from here.
    const std::uint64_t seed =
        settings_.seed * 1'000'003 + workers_.size() * 100'000;
    const std::string all = absl::StrJoin(
        number % 2 == 0 && role != "saboteur" ? by_wire_ : databases_, ",",
        [](std::string* out, const Database& database) {
          out->append(DatabaseText(database));
        });
    workers_.push_back(std::make_unique<Worker>(name, [=, this](int life) {
      return std::vector<std::string>{
          absl::StrCat("--role=", role),
          absl::StrCat("--name=", number, ".", life),
          absl::StrCat("--databases=", all),
          absl::StrCat("--journal=", journals(), "/", number, ".", life),
          absl::StrCat("--threads=", settings_.threads),
          absl::StrCat("--seed=",
                       seed + static_cast<std::uint64_t>(life) * 50)};
    }));
  }

  absl::Status DoHarm() {
    Nemesis nemesis(AllTargets(), settings_.seed);
    const absl::Time begin = absl::Now();
    last_commit_ = begin;
    absl::Time tell = begin + kTellEvery;
    while (!stop_.came() && absl::Now() < begin + settings_.time) {
      SHARD_RETURN_IF_ERROR(nemesis.Act());
      if (absl::Now() > tell) {
        tell += kTellEvery;
        Tell(absl::Now() - begin, nemesis);
      }
      absl::SleepFor(absl::Milliseconds(10));
    }
    SHARD_RETURN_IF_ERROR(nemesis.Rest());
    Tell(absl::Now() - begin, nemesis);
    result_.kills = nemesis.kills();
    result_.troubles += nemesis.deserters();
    return absl::OkStatus();
  }

  Targets AllTargets() const {
    Targets targets;
    for (const auto& worker : workers_) targets.workers.push_back(worker.get());
    for (const auto& server : servers_) targets.servers.push_back(server.get());
    for (const auto& wire : wires_) targets.wires.push_back(wire.get());
    for (const auto& disk : disks_) targets.disks.push_back(disk.get());
    targets.files = files_;
    return targets;
  }

  void Tell(absl::Duration elapsed, const Nemesis& nemesis) {
    auto counts = told_.Update();
    if (!counts.ok()) return;
    LookForStandstill((*counts)[Outcome::kCommitted]);
    std::string line;
    for (const auto& [outcome, count] : *counts) {
      absl::StrAppend(&line, line.empty() ? "" : ", ", count, " ",
                      OutcomeName(outcome));
    }
    std::printf("%3.0f s: %s; %s\n", absl::ToDoubleSeconds(elapsed),
                line.c_str(), nemesis.ToString().c_str());
  }

  void LookForStandstill(std::size_t committed) {
    const absl::Time now = absl::Now();
    if (committed > committed_) {
      committed_ = committed;
      last_commit_ = now;
    } else if (now > last_commit_ + kStandstill) {
      Trouble(absl::StrCat("nobody has committed for ",
                           absl::FormatDuration(kStandstill)));
      last_commit_ = now;
    }
  }

  // Every other one is killed in the midst of its work, so that recovery has
  // something to do at the very end.
  void StopWorkers() {
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      if (i % 2 == 1) {
        workers_[i]->Kill();
        ++result_.kills;
      } else {
        const absl::Status status = workers_[i]->Stop(kWorkerPatience);
        if (!status.ok()) Trouble(std::string(status.message()));
      }
    }
  }

  void Recover() {
    const absl::Status status = RecoverAll(databases_, kRecoveryPatience);
    if (!status.ok()) Trouble(status.ToString());
  }

  void Trouble(const std::string& what) {
    ++result_.troubles;
    std::printf("%s\n", what.c_str());
  }

  const SoakSettings& settings_;
  const std::string folder_;
  const StopSignal stop_;
  std::vector<std::unique_ptr<Server>> servers_;
  std::vector<std::unique_ptr<testing::PostgresProxy>> wires_;
  std::vector<Database> databases_;
  std::vector<Database> by_wire_;                 // the same
  std::vector<Database> files_;                   // those of them
  std::vector<std::unique_ptr<DiskRoom>> disks_;  // below the files
  std::vector<std::unique_ptr<Worker>> workers_;  // end before their servers
  JournalCounts told_{journals()};
  std::size_t committed_ = 0;  // when last looked at
  absl::Time last_commit_;
  SoakResult result_;
};

}  // namespace

absl::StatusOr<SoakResult> RunSoak(const SoakSettings& settings) {
  SHARD_ASSIGN_OR_RETURN(const ScratchFolder folder,
                         ScratchFolder::Make(settings.keep));
  return Soak(&settings, folder.path()).Run();
}

}  // namespace shard::bank
