// Two-phase tests whose connections are cut: sessions reach the servers through
// proxies, cluster() and outside() have a direct way.
#ifndef SHARD_TESTS_SESSION_TWO_PHASE_PROXIED_TEST_H_
#define SHARD_TESTS_SESSION_TWO_PHASE_PROXIED_TEST_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/tests/session/two_phase/two_phase_test.h"
#include "shard/tests/support/postgres_proxy.h"

namespace shard::testing {

class ProxiedTest : public TwoPhaseTest,
                    public ::testing::WithParamInterface<std::string> {
 protected:
  using Direction = PostgresProxy::Direction;

  ~ProxiedTest() override {
    options_ = {};  // they keep the cluster's engines
    through_.reset();
  }

  // Before the first `most` databases, those of them that are servers.
  void OpenProxies(std::size_t most = 100) {
    std::vector<std::string> through = urls();
    proxies_.resize(through.size());
    for (std::size_t i = 0; i < std::min(most, through.size()); ++i) {
      if (!outside(i).is_postgres()) continue;
      auto proxy = PostgresProxy::Start(urls()[i]);
      ASSERT_THAT(proxy, IsOk());
      proxies_[i] = *std::move(proxy);
      through[i] = proxies_[i]->url();
    }
    EngineOptions engine;
    // A connection may be cut once the commit has done with it.
    engine.health_check_after = -absl::Seconds(1);
    through_.emplace(through, engine);
    options_ = through_->options();
  }
  // What is left behind is settled by the session's own process, at once.
  void RecoverInBackground() {
    options_.finish_timeout = absl::Milliseconds(200);
    options_.lock_timeout = absl::Milliseconds(100);
    options_.recovery.background = true;
    options_.recovery.interval = absl::Milliseconds(50);
    options_.recovery.recover_after = absl::Milliseconds(20);
  }
  void RecoverUntilClean() {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while ((!cluster().RecoverNow().clean() || Prepared() > 0) &&
           absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(2));
    }
  }

  // Counts messages from now on.
  void Arm() {
    for (const auto& proxy : proxies_) {
      if (proxy != nullptr) proxy->Arm();
    }
  }
  // Calls `visit(proxy, direction, number)` for each message since Arm. Stops
  // at the first failure.
  template <class Visit>
  void AtEachMessage(Visit&& visit) {
    std::vector<std::array<std::size_t, 2>> counts(proxies_.size());
    for (std::size_t i = 0; i < proxies_.size(); ++i) {
      if (proxies_[i] == nullptr) continue;
      for (const auto& message : proxies_[i]->messages()) {
        ++counts[i][message.direction];
      }
      ASSERT_GT(counts[i][PostgresProxy::kToServer], 0u);
      ASSERT_GT(counts[i][PostgresProxy::kToClient], 0u);
    }
    for (std::size_t i = 0; i < proxies_.size(); ++i) {
      for (const Direction direction :
           {PostgresProxy::kToServer, PostgresProxy::kToClient}) {
        for (std::size_t k = 0; k < counts[i][direction]; ++k) {
          SCOPED_TRACE(absl::StrCat(
              "d", i, ", message ", k, " to the ",
              direction == PostgresProxy::kToServer ? "server" : "client"));
          visit(*proxies_[i], direction, k);
          if (HasFailure()) return;
        }
      }
    }
  }

  // Of the cities of all databases.
  std::int64_t Sum(const std::string& what) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < urls().size(); ++i) {
      sum += outside(i).Number(absl::StrCat("select ", what, " from cities"));
    }
    return sum;
  }
  // Forgets cities and loads.
  void Empty() {
    for (std::size_t i = 0; i < urls().size(); ++i) {
      outside(i).Run("delete from cities");
    }
    outside(0).Run("delete from shard_loads");
  }

  std::vector<std::unique_ptr<PostgresProxy>> proxies_;  // null: none
  std::optional<Cluster> through_;                       // the proxies
  SessionOptions options_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_SESSION_TWO_PHASE_PROXIED_TEST_H_
