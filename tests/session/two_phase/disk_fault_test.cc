// A full disk, or an I/O error, at every event of a commit over SQLite files.
// What the caller is told is what happened, whether the process goes on, dies
// over it, or the machine does.
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "shard/session/commit_result.h"
#include "shard/tests/session/two_phase/cluster.h"
#include "shard/tests/session/two_phase/numbered_work.h"
#include "shard/tests/session/two_phase/outage_test.h"
#include "shard/tests/support/disk_trace.h"
#include "shard/tests/support/power_loss_vfs.h"

namespace shard::testing {
namespace {

using Fault = PowerLossVfs::Fault;

enum class Told { kCommitted, kAborted, kUnknown };

class DiskFaultTest : public OutageTest {
 protected:
  // One commit without the fault, and one with it: the second is transaction 2.
  struct Attempt {
    std::unique_ptr<Cluster> cluster;
    absl::StatusOr<CommitResult> result;
    Told told;
  };
  Attempt CommitWith(const std::optional<Fault>& fault) {
    disk().Restore(initial());
    auto cluster = std::make_unique<Cluster>(Open());
    Commit(*cluster, 1);
    disk().Start();
    if (fault.has_value()) disk().SetFault(*fault);
    auto result = NumberedWork(cluster.get()).Commit(2);
    const Told told = WhatIsTold(result.status());
    return {std::move(cluster), std::move(result), told};
  }

  Told WhatIsTold(const absl::Status& status) const {
    if (status.ok()) return Told::kCommitted;
    // Of one file alone nobody promises to find out.
    const bool unknown =
        InDoubtOf(status).has_value() || AnswerLostOf(status).has_value();
    return unknown ? Told::kUnknown : Told::kAborted;
  }

  void Enumerate(Fault fault) {
    CommitWith(std::nullopt).cluster.reset();
    // With some for the closing of the files, which changes nothing any more.
    const std::size_t events = disk().events();
    for (fault.event = 0; fault.event < events; ++fault.event) {
      // Of three files each event has one of the two.
      for (const First first : {First::kRecover, First::kWrite}) {
        const bool turn = fault.event % 2 == (first == First::kWrite ? 1 : 0);
        if (urls().size() > 2 && !turn && !AllOutages()) continue;
        GoOnAfter(fault, first);
        DieAfter(fault, first);
        if (HasFailure()) return;
      }
    }
  }

  std::size_t cases() const { return cases_; }
  std::size_t failed() const { return failed_; }

 private:
  void GoOnAfter(const Fault& fault, First first) {
    const Attempt attempt = CommitWith(fault);
    SCOPED_TRACE(Describe(fault, attempt));
    disk().ClearFault();
    ExpectToldIsTrue(attempt, GoOn(*attempt.cluster, first));
  }

  void DieAfter(const Fault& fault, First first) {
    Attempt attempt = CommitWith(fault);
    if (disk().operations_failed() > 0) ++failed_;
    const DiskTrace trace = disk().trace();
    SCOPED_TRACE(Describe(fault, attempt));
    disk().ClearFault();
    attempt.cluster.reset();
    for (const Outage& outage : OutagesBefore(trace.events().size(), 3)) {
      SCOPED_TRACE(OutageTest::Describe(trace, outage));
      disk().Restore(trace.After(outage));
      ExpectToldIsTrue(attempt, TakeUp(first));
    }
  }

  void ExpectToldIsTrue(const Attempt& attempt, const Aftermath& after) {
    ++cases_;
    ASSERT_EQ(after.problem, "");
    const std::int64_t found = after.done.transactions;
    if (attempt.told == Told::kCommitted) {
      EXPECT_EQ(found, 2);
    } else if (attempt.told == Told::kAborted) {
      EXPECT_EQ(found, 1);
    } else {
      EXPECT_TRUE(found == 1 || found == 2) << found;
    }
  }

  static std::string Describe(const Fault& fault, const Attempt& attempt) {
    return absl::StrCat(
        fault.kind == Fault::kDiskFull ? "disk full" : "I/O error",
        fault.for_good ? " from" : " at", " event ", fault.event, "; told: ",
        attempt.result.ok() ? attempt.result->ToString()
                            : attempt.result.status().ToString());
  }

  std::size_t cases_ = 0;
  std::size_t failed_ = 0;
};

TEST_P(DiskFaultTest, AtEveryEvent) {
  for (const Fault::Kind kind : {Fault::kDiskFull, Fault::kIoError}) {
    for (const bool for_good : {false, true}) {
      Enumerate({kind, 0, for_good});
    }
  }
  EXPECT_GT(failed(), 0u);
  std::cout << "cases=" << cases() << " (" << GetParam() << ")\n";
}

INSTANTIATE_TEST_SUITE_P(Files, DiskFaultTest,
                         ::testing::Values("S", "SS", "SSS"),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace shard::testing
