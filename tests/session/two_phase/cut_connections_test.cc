// A connection cut at every message of a commit, over every allowed mix of one
// to four databases: all or nothing, and what the caller was told is true.
#include <cstddef>
#include <iostream>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "shard/session/commit_result.h"
#include "shard/tests/session/two_phase/proxied_test.h"
#include "shard/tests/support/postgres_proxy.h"

namespace shard::testing {
namespace {

class CutConnectionsTest : public ProxiedTest {
 protected:
  void OpenAll() {
    OpenProxies();
    all_.resize(urls().size());
    std::iota(all_.begin(), all_.end(), std::size_t{0});
    options_.finish_timeout = absl::Seconds(2);
    options_.resolve_timeout = absl::Seconds(5);
  }

  void RecoverUntilForgotten() {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    RecoveryReport report = cluster().RecoverNow();
    while ((!report.clean() || Prepared() > 0 || Decisions() > 0) &&
           absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(2));
      report = cluster().RecoverNow();
    }
    EXPECT_TRUE(report.clean()) << report.ToString();
    EXPECT_EQ(Prepared(), 0);
    EXPECT_EQ(Decisions(), 0);
  }

  // One commit with a fault; `unreachable`: the server cannot be reached from
  // then until the caller has its answer.
  void Try(PostgresProxy& proxy, const PostgresProxy::Fault& fault,
           bool unreachable) {
    const std::string name = absl::StrCat("City", cases_++);
    const auto everywhere = static_cast<std::int64_t>(urls().size());
    SessionOptions options = options_;
    if (unreachable) {
      options.finish_timeout = absl::Milliseconds(30);
      options.resolve_timeout = absl::Milliseconds(30);
    }
    ShardedSession session(options);
    through_->AddCities(session, name, all_);
    Arm();
    proxy.Refuse(unreachable);
    proxy.Arm(fault);
    const absl::StatusOr<CommitResult> told = session.Commit();
    const std::int64_t at_once = Cities(name);
    proxy.Refuse(false);
    std::optional<Decision> resolved;
    const auto in_doubt = InDoubtOf(told.status());
    if (in_doubt.has_value()) {
      const auto decision =
          ShardedSession(options_).Resolve(in_doubt->transaction);
      ASSERT_THAT(decision, IsOk());
      resolved = *decision;
    }
    ASSERT_TRUE(proxy.WaitForBackends(absl::Seconds(10)));
    RecoverUntilForgotten();
    const std::int64_t at_last = Cities(name);
    EXPECT_TRUE(at_last == 0 || at_last == everywhere) << at_last;
    if (told.ok()) {
      EXPECT_EQ(at_last, everywhere) << told->ToString();
      if (!told->has_pending()) {
        EXPECT_EQ(at_once, everywhere);
      }
    } else if (resolved.has_value()) {
      EXPECT_EQ(at_last, *resolved == Decision::kCommit ? everywhere : 0);
    } else if (!AnswerLostOf(told.status()).has_value()) {
      EXPECT_EQ(at_last, 0) << told.status();
    }
    for (const std::size_t i : all_) EXPECT_TRUE(outside(i).LocksAreFree());
  }

  std::vector<std::size_t> all_;
  int cases_ = 0;
};

TEST_P(CutConnectionsTest, AtEveryMessage) {
  SHARD_OPEN_OR_SKIP(GetParam());
  OpenAll();
  {
    ShardedSession session(options_);
    through_->AddCities(session, "Whole", all_);
    Arm();
    SHARD_ASSERT_OK(session.Commit());
  }
  AtEachMessage(
      [this](PostgresProxy& proxy, Direction direction, std::size_t message) {
        for (const auto action :
             {PostgresProxy::kCutBefore, PostgresProxy::kCutAfter}) {
          SCOPED_TRACE(action == PostgresProxy::kCutBefore ? "cut before"
                                                           : "cut after");
          Try(proxy, {direction, message, action}, false);
          // What comes towards the client behind the cut decides nothing.
          if (direction == PostgresProxy::kToServer) {
            Try(proxy, {direction, message, action}, true);
          }
        }
      });
  std::cout << "cases=" << cases_ << " (" << GetParam() << ")\n";
  RecordProperty("cases", cases_);
}

INSTANTIATE_TEST_SUITE_P(Mixes, CutConnectionsTest,
                         ::testing::Values("P", "PP", "PPP", "PPPP", "SP",
                                           "SPP", "PPSP", "N", "NP", "PNP",
                                           "NPPP"),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace shard::testing
