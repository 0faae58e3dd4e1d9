// A connection cut at every message of a commit, over every allowed mix of one
// to four databases: all or nothing, and what the caller was told is true.
#include <array>
#include <cstddef>
#include <iostream>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "shard/dialects/engine.h"
#include "shard/session/commit_result.h"
#include "shard/tests/session/two_phase/two_phase_test.h"
#include "shard/tests/support/postgres_proxy.h"

namespace shard::testing {
namespace {

using Direction = PostgresProxy::Direction;

class CutConnectionsTest : public TwoPhaseTest,
                           public ::testing::WithParamInterface<std::string> {
 protected:
  // The session's own way to the servers; cluster() has a direct one.
  void OpenProxies() {
    std::vector<std::string> through;
    for (std::size_t i = 0; i < urls().size(); ++i) {
      proxies_.push_back(nullptr);
      through.push_back(urls()[i]);
      if (!outside(i).is_postgres()) continue;
      auto proxy = PostgresProxy::Start(urls()[i]);
      ASSERT_THAT(proxy, IsOk());
      proxies_.back() = *std::move(proxy);
      through.back() = proxies_.back()->url();
    }
    all_.resize(urls().size());
    std::iota(all_.begin(), all_.end(), std::size_t{0});
    EngineOptions engine;
    // A connection may be cut once the commit has done with it.
    engine.health_check_after = -absl::Seconds(1);
    cut_cluster_.emplace(through, engine);
    options_ = cut_cluster_->options();
    options_.finish_timeout = absl::Seconds(2);
    options_.resolve_timeout = absl::Seconds(5);
  }
  ~CutConnectionsTest() override {
    cut_cluster_.reset();
    options_ = {};
  }

  void Arm() {
    for (const auto& proxy : proxies_) {
      if (proxy != nullptr) proxy->Arm();
    }
  }

  // Messages of that direction that passed since Arm.
  std::size_t Count(const PostgresProxy& proxy, Direction direction) {
    std::size_t count = 0;
    for (const auto& message : proxy.messages()) {
      count += message.direction == direction ? 1 : 0;
    }
    return count;
  }

  void RecoverUntilClean() {
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
    cut_cluster_->AddCities(session, name, all_);
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
    RecoverUntilClean();
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

  std::vector<std::unique_ptr<PostgresProxy>> proxies_;
  std::vector<std::size_t> all_;
  std::optional<Cluster> cut_cluster_;
  SessionOptions options_;
  int cases_ = 0;
};

TEST_P(CutConnectionsTest, AtEveryMessage) {
  SHARD_OPEN_OR_SKIP(GetParam());
  OpenProxies();
  {
    ShardedSession session(options_);
    cut_cluster_->AddCities(session, "Whole", all_);
    Arm();
    SHARD_ASSERT_OK(session.Commit());
  }
  std::vector<std::array<std::size_t, 2>> messages;
  for (const auto& proxy : proxies_) {
    messages.push_back({0, 0});
    if (proxy == nullptr) continue;
    for (const Direction direction :
         {PostgresProxy::kToServer, PostgresProxy::kToClient}) {
      messages.back()[direction] = Count(*proxy, direction);
      EXPECT_GT(messages.back()[direction], 0u);
    }
  }
  for (std::size_t i = 0; i < proxies_.size(); ++i) {
    if (proxies_[i] == nullptr) continue;
    for (const Direction direction :
         {PostgresProxy::kToServer, PostgresProxy::kToClient}) {
      for (std::size_t k = 0; k < messages[i][direction]; ++k) {
        for (const auto action :
             {PostgresProxy::kCutBefore, PostgresProxy::kCutAfter}) {
          SCOPED_TRACE(absl::StrCat(
              "d", i, ", message ", k, " to the ",
              direction == PostgresProxy::kToServer ? "server" : "client",
              ", cut ",
              action == PostgresProxy::kCutBefore ? "before" : "after"));
          Try(*proxies_[i], {direction, k, action}, false);
          // What comes towards the client behind the cut decides nothing.
          if (direction == PostgresProxy::kToServer) {
            Try(*proxies_[i], {direction, k, action}, true);
          }
          if (HasFailure()) return;
        }
      }
    }
  }
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
