// A transaction's deadline, and the atomic commit.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/failpoint.h"
#include "shard/base/testing.h"
#include "shard/session/commit_result.h"
#include "shard/tests/session/two_phase/two_phase_test.h"

namespace shard::testing {
namespace {

class DeadlineTest : public TwoPhaseTest {
 protected:
  void TearDown() override { SetFailPointHandler(nullptr); }

  // Lets the deadline pass when the commit comes to that point.
  static void BeLateAt(std::string_view point, absl::Time deadline) {
    SetFailPointHandler([point, deadline](std::string_view name) {
      if (name != point) return;
      absl::SleepFor(deadline + absl::Milliseconds(5) - absl::Now());
    });
  }
};

TEST_F(DeadlineTest, NoLongerCountsOnceItIsAboutToBeDecided) {
  for (const char* kinds : {"PP", "SP", "SS", "PPS", "P", "S"}) {
    for (const char* point : {"decide.send", "commit.send", "one.send"}) {
      SCOPED_TRACE(kinds);
      SCOPED_TRACE(point);
      SHARD_OPEN_OR_SKIP(kinds);
      std::vector<std::size_t> all;
      for (std::size_t i = 0; i < cluster().size(); ++i) all.push_back(i);
      ShardedSession session(options());
      const absl::Time deadline = absl::Now() + absl::Milliseconds(1200);
      SHARD_ASSERT_OK(session.Begin({.deadline = deadline}));
      cluster().AddCities(session, "Rome", all);
      BeLateAt(point, deadline);
      SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
      SetFailPointHandler(nullptr);
      EXPECT_TRUE(done.all_committed());
      EXPECT_EQ(Cities("Rome"), static_cast<std::int64_t>(all.size()));
      ExpectNothingIsLeft();
    }
  }
}

TEST_F(DeadlineTest, BoundsPreparing) {
  for (const char* kinds : {"PP", "SP", "SS", "PPS"}) {
    SCOPED_TRACE(kinds);
    SHARD_OPEN_OR_SKIP(kinds);
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < cluster().size(); ++i) all.push_back(i);
    ShardedSession session(options());
    const absl::Time deadline = absl::Now() + absl::Milliseconds(1200);
    SHARD_ASSERT_OK(session.Begin({.deadline = deadline}));
    cluster().AddCities(session, "Rome", all);
    BeLateAt("prepare.send", deadline);
    EXPECT_THAT(session.Commit().status(),
                HasCode(absl::StatusCode::kDeadlineExceeded));
    SetFailPointHandler(nullptr);
    session.Rollback();
    EXPECT_EQ(Cities("Rome"), 0);
    ExpectNothingIsLeft();
    cluster().AddCities(session, "Oslo", all);
    SHARD_ASSERT_OK(session.Commit());
    EXPECT_EQ(Cities("Oslo"), static_cast<std::int64_t>(all.size()));
  }
}

}  // namespace
}  // namespace shard::testing
