// The system's clock and chance, or those of a test's own world.
#include "shard/base/environment.h"

#include <atomic>
#include <cstddef>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "shard/base/random_hex.h"
#include "shard/base/testing.h"

namespace shard {
namespace {

class StandingClock : public Environment {
 public:
  absl::Time Now() override { return now; }
  void Pause(absl::Duration duration) override { now += duration; }
  double Chance() override { return 0.5; }
  std::string RandomBytes(std::size_t bytes) override {
    return std::string(bytes, '\x2a');
  }

  absl::Time now = absl::FromUnixSeconds(1000);
};

class EnvironmentTest : public ::testing::Test {
 protected:
  void TearDown() override { SetEnvironment(nullptr); }
};

TEST_F(EnvironmentTest, IsTheSystemByDefault) {
  const absl::Time before = absl::Now();
  Pause(absl::Milliseconds(2));
  EXPECT_GE(Now() - before, absl::Milliseconds(2));
  for (int i = 0; i < 100; ++i) {
    const double jitter = Jitter(0.5, 1.0);
    EXPECT_GE(jitter, 0.5);
    EXPECT_LE(jitter, 1.0);
  }
  SHARD_ASSERT_OK_AND_ASSIGN(const std::string one, RandomHex(16));
  SHARD_ASSERT_OK_AND_ASSIGN(const std::string other, RandomHex(16));
  EXPECT_NE(one, other);
}

TEST_F(EnvironmentTest, TasksRunSideBySide) {
  std::atomic<int> met = 0;
  // Each waits for the others.
  const auto task = [&] {
    ++met;
    while (met < 3) std::this_thread::yield();
  };
  RunSideBySide({task, task, task});
  EXPECT_EQ(met, 3);
  RunSideBySide({});
}

TEST_F(EnvironmentTest, TasksRunInTurnInAWorldOfItsOwn) {
  StandingClock world;
  SetEnvironment(&world);
  std::string order;
  RunSideBySide({[&] { order += 'a'; }, [&] { order += 'b'; }});
  EXPECT_EQ(order, "ab");
}

TEST_F(EnvironmentTest, IsTheTestsOnceThatIsSet) {
  StandingClock world;
  SetEnvironment(&world);
  EXPECT_EQ(Now(), absl::FromUnixSeconds(1000));
  Pause(absl::Hours(1));
  EXPECT_EQ(Now(), absl::FromUnixSeconds(4600));
  EXPECT_EQ(Jitter(1.0, 3.0), 2.0);
  SHARD_ASSERT_OK_AND_ASSIGN(const std::string hex, RandomHex(2));
  EXPECT_EQ(hex, "2a2a");
}

}  // namespace
}  // namespace shard
