// A process that ends at an event of its SQLite files, and leaves what an
// outage would have left of them.
//
//   power_loss_child COMMAND NUMBER EVENT KIND SEED FOLDER IMAGE URL ...
//
// COMMAND "commit" commits transaction NUMBER of NumberedWork and cleans up
// behind it, "recover" recovers. The files of FOLDER are those of the URLs.
// Right before EVENT, counted from where the command begins, it writes to IMAGE
// what an outage of KIND ("death" or "power") with that SEED leaves, and ends
// with code 99; if there are not so many, with code 0. It prints "told" once it
// has been told that all is committed.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/failpoint.h"
#include "shard/tests/session/two_phase/cluster.h"
#include "shard/tests/session/two_phase/numbered_work.h"
#include "shard/tests/support/disk_trace.h"
#include "shard/tests/support/folder_contents.h"
#include "shard/tests/support/power_loss_vfs.h"

namespace shard::testing {
namespace {

constexpr int kDied = 99;

struct Arguments {
  std::string command;
  std::int64_t number;
  Outage outage;
  std::string folder;
  std::string image;
  std::vector<std::string> urls;
};

Arguments Read(const std::vector<std::string>& words) {
  Arguments arguments;
  arguments.command = words.at(0);
  arguments.number = std::stoll(words.at(1));
  arguments.outage.before_event = std::stoul(words.at(2));
  arguments.outage.kind =
      words.at(3) == "power" ? Outage::kPowerLoss : Outage::kProcessDeath;
  arguments.outage.seed = std::stoull(words.at(4));
  arguments.folder = words.at(5);
  arguments.image = words.at(6);
  arguments.urls.assign(words.begin() + 7, words.end());
  return arguments;
}

void DieAt(PowerLossVfs& disk, const Arguments& arguments) {
  disk.Start();
  disk.AtEvent(arguments.outage.before_event, [&](const DiskTrace& trace) {
    ReplaceFolder(arguments.image, trace.After(arguments.outage));
    _exit(kDied);
  });
}

absl::Status Do(PowerLossVfs& disk, const Arguments& arguments) {
  if (arguments.command == "recover") DieAt(disk, arguments);
  Cluster cluster(arguments.urls);
  NumberedWork work(&cluster);
  if (arguments.command == "recover") {
    cluster.RecoverNow();
    return absl::OkStatus();
  }
  DieAt(disk, arguments);
  const auto result = work.Commit(arguments.number);
  if (!result.ok()) return result.status();
  if (!result->all_committed()) {
    return absl::InternalError(result->ToString());
  }
  std::cout << "told\n" << std::flush;
  cluster.RecoverNow();
  return absl::OkStatus();
}

int Run(const std::vector<std::string>& words) {
  const Arguments arguments = Read(words);
  PowerLossVfs disk(arguments.folder);
  // Between two writes of SQLite a marker may come and go.
  SetFailPointHandler([&disk](std::string_view) { disk.events(); });
  const absl::Status status = Do(disk, arguments);
  if (!status.ok()) {
    std::cerr << "power_loss_child: " << status << "\n";
    return 1;
  }
  SetFailPointHandler(nullptr);
  return 0;
}

}  // namespace
}  // namespace shard::testing

int main(int argc, char** argv) {
  try {
    return shard::testing::Run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "power_loss_child: " << error.what() << "\n";
    return 1;
  }
}
