// Fail points: nothing without a handler, each passing heard with one.
#include "shard/base/failpoint.h"

#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace shard {
namespace {

using ::testing::ElementsAre;

#ifdef NDEBUG

TEST(FailPointTest, IsCompiledOutOfAnOptimisedBuild) {
  bool called = false;
  EXPECT_FALSE(
      SetFailPointHandler([&called](std::string_view) { called = true; }));
  FailPoint("decide.row");
  EXPECT_FALSE(called);
}

#else

class FailPointTest : public ::testing::Test {
 protected:
  void TearDown() override { SetFailPointHandler(nullptr); }
};

TEST_F(FailPointTest, DoesNothingWithoutAHandler) { FailPoint("decide.row"); }

TEST_F(FailPointTest, TellsTheHandlerInTheThreadThatPasses) {
  std::vector<std::string> names;
  std::thread::id thread;
  ASSERT_TRUE(SetFailPointHandler([&](std::string_view name) {
    names.emplace_back(name);
    thread = std::this_thread::get_id();
  }));
  FailPoint("prepare.sent");
  EXPECT_EQ(thread, std::this_thread::get_id());
  std::thread other([] { FailPoint("prepare.done"); });
  const std::thread::id other_id = other.get_id();
  other.join();
  EXPECT_EQ(thread, other_id);
  EXPECT_THAT(names, ElementsAre("prepare.sent", "prepare.done"));
}

TEST_F(FailPointTest, TheLastHandlerCountsAndNullIsNone) {
  int first = 0;
  int second = 0;
  SetFailPointHandler([&first](std::string_view) { ++first; });
  SetFailPointHandler([&second](std::string_view) { ++second; });
  FailPoint("decide.row");
  EXPECT_TRUE(SetFailPointHandler(nullptr));
  FailPoint("decide.row");
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
}

TEST_F(FailPointTest, AHandlerMayTakeItselfAway) {
  std::vector<std::string> names;
  SetFailPointHandler([&names](std::string_view name) {
    // What it has captured lives until it returns all the same.
    SetFailPointHandler(nullptr);
    names.emplace_back(name);
  });
  FailPoint("decide.row");
  FailPoint("decide.row");
  EXPECT_THAT(names, ElementsAre("decide.row"));
}

TEST_F(FailPointTest, HandlersMayChangeWhileOthersPass) {
  std::atomic<int> heard{0};
  std::atomic<bool> stop{false};
  std::thread passing([&stop] {
    while (!stop) FailPoint("decide.row");
  });
  while (heard < 1000) {
    SetFailPointHandler([&heard](std::string_view) { ++heard; });
    std::this_thread::yield();
    SetFailPointHandler(nullptr);
    SetFailPointHandler([&heard](std::string_view) { ++heard; });
  }
  stop = true;
  passing.join();
}

#endif

}  // namespace
}  // namespace shard
