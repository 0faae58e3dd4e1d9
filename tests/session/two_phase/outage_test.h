// What tests start from that take away power, or the process.
#ifndef SHARD_TESTS_SESSION_TWO_PHASE_OUTAGE_TEST_H_
#define SHARD_TESTS_SESSION_TWO_PHASE_OUTAGE_TEST_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "shard/session/two_phase/recovery_report.h"
#include "shard/tests/session/two_phase/cluster.h"
#include "shard/tests/session/two_phase/numbered_work.h"
#include "shard/tests/support/disk_trace.h"
#include "shard/tests/support/folder_contents.h"
#include "shard/tests/support/power_loss_vfs.h"

namespace shard::testing {

// What a process does first with what an outage left.
enum class First { kRecover, kWrite };

// What it found, and what it did to the files.
struct Aftermath {
  NumberedWork::Done done;
  std::string problem;  // empty: none
  DiskTrace trace;
  std::size_t recovered_at = 0;  // event
  // By database: when a write of its own was told to be committed.
  std::map<std::size_t, std::size_t> alone_at;
};

// Databases of the kinds that the parameter names, as MadeDatabases has it; the
// SQLite files are on a recorded disk. They hold transaction 0.
class OutageTest : public ::testing::TestWithParam<std::string> {
 protected:
  OutageTest();
  ~OutageTest() override;

  // Whether every outage is wanted (SHARD_TEST_ALL_OUTAGES is set): a soak, and
  // not the selection of each that fits into a test.
  static bool AllOutages();
  // False without the servers that are needed: skip.
  bool is_made() const { return made_ != nullptr; }
  PowerLossVfs& disk() { return disk_; }
  const std::vector<std::string>& urls() const { return made_->urls(); }
  // The files, closed.
  const FolderContents& initial() const { return initial_; }

  // As a new process does.
  Cluster Open();
  // Throws unless all databases tell that it is committed; a log that has to be
  // cleared of a COMMIT that died may send it away once for each file.
  static void Commit(Cluster& cluster, std::int64_t number);
  // Throws unless nothing is left to do after some passes.
  static void RecoverUntilClean(Cluster& cluster);
  // Throws unless all databases have the same.
  static NumberedWork::Done Find(Cluster& cluster);

  // A new process on the disk as it is: recovers, looks, and commits one more.
  // What is wrong is the aftermath's problem.
  Aftermath TakeUp(First first);
  // The same of a process that goes on.
  Aftermath GoOn(Cluster& cluster, First first);

  // The outages before one event: process death, power losses with all that
  // they can take, and with random parts.
  static std::vector<Outage> OutagesBefore(std::size_t event,
                                           std::size_t power_losses);
  // With the events around it.
  static std::string Describe(const DiskTrace& trace, const Outage& outage);

 private:
  void Examine(Cluster& cluster, First first, Aftermath* after);
  void WriteAlone(Cluster& cluster,
                  std::map<std::size_t, std::size_t>* told_at);
  static bool IsClean(const RecoveryReport& report, Cluster& cluster);

  PowerLossVfs disk_;
  std::unique_ptr<MadeDatabases> made_;
  FolderContents initial_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SESSION_TWO_PHASE_OUTAGE_TEST_H_
