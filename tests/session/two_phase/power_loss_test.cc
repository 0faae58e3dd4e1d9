// An outage before every write, sync, creation and deletion of every file, the
// markers too: in commits over SQLite files, in the clean-up behind them, and
// in what comes after such an outage. Whatever is left: all or nothing, once,
// and what was told has happened.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "shard/tests/session/two_phase/cluster.h"
#include "shard/tests/session/two_phase/outage_test.h"
#include "shard/tests/support/disk_trace.h"
#include "shard/tests/support/folder_contents.h"

namespace shard::testing {
namespace {

constexpr std::int64_t kTransactions = 3;

// Commits, and the events by which they were told to have happened.
struct Commits {
  DiskTrace trace;
  std::vector<std::size_t> told_at;

  std::int64_t ToldBy(std::size_t event) const {
    return std::count_if(told_at.begin(), told_at.end(),
                         [event](std::size_t at) { return at <= event; });
  }
};

std::string Name(First first) {
  return first == First::kRecover ? "then recovery" : "then writes";
}

class PowerLossTest : public OutageTest {
 protected:
  // Transactions with a clean-up before the last and behind it, and the files'
  // end.
  Commits CommitAllOutages() {
    disk().Restore(initial());
    Commits commits;
    {
      Cluster cluster = Open();
      for (std::int64_t number = 1; number <= kTransactions; ++number) {
        if (number == kTransactions) cluster.RecoverNow();
        Commit(cluster, number);
        commits.told_at.push_back(disk().events());
      }
      cluster.RecoverNow();
    }
    commits.trace = disk().trace();
    return commits;
  }

  void EnumerateOutages(const Commits& commits) {
    const std::size_t events = commits.trace.events().size();
    const std::size_t power_losses = urls().size() > 2 ? 2 : 6;
    const std::size_t step =
        AllOutages() || urls().size() < 4 ? 1 : kStepOfFour;
    for (std::size_t event = 0; event <= events; event += step) {
      for (const Outage& outage : OutagesBefore(event, power_losses)) {
        const FolderContents left = commits.trace.After(outage, &losses_);
        for (const First first : {First::kRecover, First::kWrite}) {
          SCOPED_TRACE(
              absl::StrCat(Name(first), Describe(commits.trace, outage)));
          const Aftermath& after = TakeUpOnce(left, first);
          ASSERT_EQ(after.problem, "");
          ExpectToldIsTrue(commits, event, after);
          EXPECT_EQ(after.done.alone,
                    std::vector<std::int64_t>(urls().size(),
                                              after.alone_at.empty() ? 0 : 1));
          ++cases_;
          if (HasFailure()) return;
        }
      }
    }
  }

  // What follows after some of these outages has another one before each of its
  // events.
  void EnumerateSecondOutages(const Commits& commits) {
    const std::size_t events = commits.trace.events().size();
    // There are as many second ones of each.
    const std::size_t files = urls().size();
    const std::size_t step =
        AllOutages() ? 1 : events * files * files / kFirstOutages + 1;
    for (std::size_t event = 0; event <= events; event += step) {
      for (const Outage& outage : OutagesBefore(event, 2)) {
        SCOPED_TRACE(absl::StrCat("first ", Describe(commits.trace, outage)));
        for (const First first : {First::kRecover, First::kWrite}) {
          SCOPED_TRACE(Name(first));
          EnumerateSecondOutages(commits, outage, first);
          if (HasFailure()) return;
        }
      }
    }
  }

 private:
  // So many of the events of one file have a second outage behind them, less of
  // several files; with SHARD_TEST_ALL_OUTAGES set all have.
  static constexpr std::size_t kFirstOutages = 80;
  // Of four files every so many events have a first outage; a prime.
  static constexpr std::size_t kStepOfFour = 3;

  // Once for all outages that leave the same.
  const Aftermath& TakeUpOnce(const FolderContents& left, First first) {
    const auto [known, is_new] =
        known_.try_emplace({Hash(left), first}, Aftermath());
    if (is_new) {
      disk().Restore(left);
      known->second = TakeUp(first);
      known->second.trace = DiskTrace();  // large
    }
    return known->second;
  }

  static std::size_t Hash(const FolderContents& contents) {
    std::string all;
    for (const auto& [name, bytes] : contents) {
      absl::StrAppend(&all, name, " ", bytes.size(), " ", bytes);
    }
    return std::hash<std::string>()(all);
  }

  static void ExpectToldIsTrue(const Commits& commits, std::size_t event,
                               const Aftermath& after) {
    const std::int64_t told = commits.ToldBy(event);
    EXPECT_GE(after.done.transactions, told) << "what was told is lost";
    // One may have been under way.
    EXPECT_LE(after.done.transactions, told + 1);
  }

  void EnumerateSecondOutages(const Commits& commits, const Outage& outage,
                              First first) {
    const bool died = outage.kind == Outage::kProcessDeath;
    // What a dead process did not sync is still not synced.
    const DiskTrace left = died ? commits.trace.Until(outage.before_event)
                                : DiskTrace(commits.trace.After(outage));
    disk().Resume(left);
    const Aftermath after = TakeUp(first);
    ASSERT_EQ(after.problem, "");
    for (std::size_t event = left.events().size(); event <= after.recovered_at;
         ++event) {
      for (const Outage& second : OutagesBefore(event, 3)) {
        SCOPED_TRACE(absl::StrCat("second ", Describe(after.trace, second)));
        const Aftermath& end =
            TakeUpOnce(after.trace.After(second, &losses_), First::kRecover);
        ASSERT_EQ(end.problem, "");
        ExpectToldIsTrue(commits, outage.before_event, end);
        // What a dead process did not sync is not decided until recovery has
        // synced it, and has nothing to do for a file alone.
        const bool recovered = event == after.recovered_at && urls().size() > 1;
        if (!died || recovered) {
          EXPECT_EQ(end.done.transactions, after.done.transactions);
        }
        ExpectToldIsTrueOfWrites(after, event, end);
        ++second_cases_;
        if (HasFailure()) return;
      }
    }
  }

  static void ExpectToldIsTrueOfWrites(const Aftermath& after,
                                       std::size_t event,
                                       const Aftermath& end) {
    for (std::size_t i = 0; i < end.done.alone.size(); ++i) {
      const auto wrote = after.alone_at.find(i);
      const bool may = wrote != after.alone_at.end();
      EXPECT_GE(end.done.alone[i], may && wrote->second <= event ? 1 : 0);
      EXPECT_LE(end.done.alone[i], may ? 1 : 0);
    }
  }

 protected:
  void Print() const {
    std::cout << "cases=" << cases_ + second_cases_ << " (" << GetParam()
              << "): one outage " << cases_ << ", two " << second_cases_
              << "; different images " << known_.size() << "; unsynced kept "
              << losses_.kept << ", dropped " << losses_.dropped << ", torn "
              << losses_.torn << ", zeroed " << losses_.zeroed << "\n";
  }

 private:
  std::map<std::pair<std::size_t, First>, Aftermath> known_;
  std::size_t cases_ = 0;
  std::size_t second_cases_ = 0;
  Losses losses_;
};

TEST_P(PowerLossTest, AtEveryEvent) {
  const Commits commits = CommitAllOutages();
  EnumerateOutages(commits);
  if (!HasFailure()) EnumerateSecondOutages(commits);
  Print();
}

INSTANTIATE_TEST_SUITE_P(Files, PowerLossTest,
                         ::testing::Values("S", "SS", "SSS", "SSSS"),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace shard::testing
