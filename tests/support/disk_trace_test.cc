#include "shard/tests/support/disk_trace.h"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "shard/tests/support/folder_contents.h"

namespace shard::testing {
namespace {

using Sets = std::set<FolderContents>;

constexpr std::uint64_t kSeeds = 200;

// What power losses of all seeds may leave of all events.
std::set<FolderContents> AfterPowerLosses(const DiskTrace& trace,
                                          Losses* losses = nullptr) {
  std::set<FolderContents> left;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    left.insert(
        trace.After({Outage::kPowerLoss, trace.events().size(), seed}, losses));
  }
  return left;
}

FolderContents AfterDeath(const DiskTrace& trace, std::size_t event) {
  return trace.After({Outage::kProcessDeath, event});
}

TEST(DiskTraceTest, ADeadProcessLosesNothing) {
  DiskTrace trace(FolderContents{{"a", "old"}});
  const std::size_t a = *trace.Find("a");
  trace.Write(a, 1, "LDER");
  const std::size_t b = trace.Create("b");
  trace.Write(b, 2, "x");
  trace.Truncate(a, 2);
  trace.Delete("b", false);
  EXPECT_EQ(AfterDeath(trace, 0), (FolderContents{{"a", "old"}}));
  EXPECT_EQ(AfterDeath(trace, 1), (FolderContents{{"a", "oLDER"}}));
  EXPECT_EQ(AfterDeath(trace, 2), (FolderContents{{"a", "oLDER"}, {"b", ""}}));
  EXPECT_EQ(AfterDeath(trace, 3),
            (FolderContents{{"a", "oLDER"}, {"b", std::string("\0\0x", 3)}}));
  EXPECT_EQ(AfterDeath(trace, 4).at("a"), "oL");
  EXPECT_EQ(AfterDeath(trace, 5), (FolderContents{{"a", "oL"}}));
  EXPECT_EQ(trace.Now(), AfterDeath(trace, 5));
}

TEST(DiskTraceTest, SyncedWritesSurvivePowerLoss) {
  DiskTrace trace(FolderContents{{"a", "old"}});
  trace.Write(*trace.Find("a"), 0, "new");
  EXPECT_EQ(AfterPowerLosses(trace), (Sets{{{"a", "old"}}, {{"a", "new"}}}));
  trace.Sync(*trace.Find("a"), false);
  EXPECT_EQ(AfterPowerLosses(trace), (Sets{{{"a", "new"}}}));
}

TEST(DiskTraceTest, AnySetOfUnsyncedWritesSurvives) {
  DiskTrace trace(FolderContents{{"a", "---"}});
  const std::size_t a = *trace.Find("a");
  for (std::size_t i = 0; i < 3; ++i) trace.Write(a, i, std::to_string(i));
  EXPECT_EQ(AfterPowerLosses(trace).size(), 8u);
}

TEST(DiskTraceTest, AWriteIsTornAtSectors) {
  const std::string old(2000, 'o');
  DiskTrace trace(FolderContents{{"a", old}});
  trace.Write(*trace.Find("a"), 100, std::string(1500, 'n'));
  std::set<std::size_t> lengths;
  Losses losses;
  for (const FolderContents& left : AfterPowerLosses(trace, &losses)) {
    const std::string& contents = left.at("a");
    const std::size_t end = contents.find_last_of('n');
    const std::size_t length = end == contents.npos ? 0 : end + 1 - 100;
    std::string wanted = old;
    wanted.replace(100, length, std::string(length, 'n'));
    EXPECT_EQ(contents, wanted);
    lengths.insert(length);
  }
  EXPECT_EQ(lengths, (std::set<std::size_t>{0, 412, 924, 1436, 1500}));
  EXPECT_GT(losses.torn, 0u);
  EXPECT_GT(losses.kept, 0u);
  EXPECT_GT(losses.dropped, 0u);
  EXPECT_EQ(losses.zeroed, 0u) << "it became no longer";
}

TEST(DiskTraceTest, AFileMayBecomeLongerByZeros) {
  DiskTrace trace(FolderContents{{"a", "x"}});
  trace.Write(*trace.Find("a"), 1, "yz");
  EXPECT_EQ(
      AfterPowerLosses(trace),
      (Sets{{{"a", "x"}}, {{"a", "xyz"}}, {{"a", std::string("x\0\0", 3)}}}));
}

TEST(DiskTraceTest, ANewFileNeedsASyncOfItsFolder) {
  DiskTrace trace;
  const std::size_t a = trace.Create("a");
  trace.Write(a, 0, "x");
  trace.Sync(a, false);
  EXPECT_EQ(AfterPowerLosses(trace), (Sets{FolderContents(), {{"a", "x"}}}));
  trace.Sync(a, true);
  EXPECT_EQ(AfterPowerLosses(trace), (Sets{{{"a", "x"}}}));
}

TEST(DiskTraceTest, ADeletedFileMayComeBack) {
  DiskTrace trace(FolderContents{{"a", "1"}});
  trace.Delete("a", false);
  trace.Write(trace.Create("a"), 0, "2");
  EXPECT_EQ(AfterPowerLosses(trace), (Sets{FolderContents(),
                                           {{"a", "1"}},
                                           {{"a", ""}},
                                           {{"a", "2"}},
                                           {{"a", std::string(1, '\0')}}}));
  trace.Delete("a", true);
  EXPECT_EQ(AfterPowerLosses(trace), (Sets{FolderContents()}));
}

TEST(DiskTraceTest, TheFirstSeedsLoseAllAndNothing) {
  DiskTrace trace(FolderContents{{"a", "1"}, {"b", "1"}});
  trace.Write(*trace.Find("a"), 0, "2");
  trace.Delete("b", false);
  trace.Create("c");
  const std::size_t all = trace.events().size();
  EXPECT_EQ(trace.After({Outage::kPowerLoss, all, 0}),
            (FolderContents{{"a", "1"}, {"b", "1"}}));
  EXPECT_EQ(trace.After({Outage::kPowerLoss, all, 1}), trace.Now());
}

TEST(DiskTraceTest, ATraceCanGoOnFromAnyMoment) {
  DiskTrace trace(FolderContents{{"a", "1"}});
  trace.Write(*trace.Find("a"), 0, "2");
  trace.Write(trace.Create("b"), 0, "x");
  trace.Delete("a", false);
  DiskTrace other = trace.Until(2);
  EXPECT_EQ(other.Now(), AfterDeath(trace, 2));
  EXPECT_EQ(other.Create("c"), trace.Create("c"));
  other.Sync(*other.Find("c"), true);
  EXPECT_EQ(AfterPowerLosses(other), (Sets{{{"a", "1"}, {"b", ""}, {"c", ""}},
                                           {{"a", "2"}, {"b", ""}, {"c", ""}}}))
      << "the first write is not synced by what comes later";
}

TEST(DiskTraceTest, AStartMakesAllDurable) {
  DiskTrace trace(FolderContents{{"a", "1"}});
  const std::size_t a = *trace.Find("a");
  trace.Write(a, 0, "2");
  const std::size_t b = trace.Create("b");
  trace.Restart();
  EXPECT_TRUE(trace.events().empty());
  EXPECT_EQ(AfterPowerLosses(trace), (Sets{{{"a", "2"}, {"b", ""}}}));
  trace.Write(b, 0, "x");
  trace.Sync(b, false);
  EXPECT_EQ(AfterPowerLosses(trace), (Sets{{{"a", "2"}, {"b", "x"}}}));
  EXPECT_EQ(trace.events()[0].ToString(), "write b 0+1");
}

}  // namespace
}  // namespace shard::testing
