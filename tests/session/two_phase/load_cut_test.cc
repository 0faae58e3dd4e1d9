// Loads whose connections are cut at every message: batches are tried again,
// and every row is there once.
#include <array>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/commit_result.h"
#include "shard/session/generator_source.h"
#include "shard/session/load.h"
#include "shard/tests/session/models.h"
#include "shard/tests/session/two_phase/two_phase_test.h"
#include "shard/tests/support/postgres_proxy.h"

namespace shard::testing {
namespace {

using Direction = PostgresProxy::Direction;

constexpr std::int64_t kRows = 7;
constexpr std::size_t kBatch = 4;

class LoadCutTest : public TwoPhaseTest,
                    public ::testing::WithParamInterface<std::string> {
 protected:
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
    EngineOptions engine;
    engine.health_check_after = -absl::Seconds(1);
    cut_cluster_.emplace(through, engine);
    options_ = cut_cluster_->options();
    options_.finish_timeout = absl::Milliseconds(200);
    options_.lock_timeout = absl::Milliseconds(100);
    options_.recovery.background = true;
    options_.recovery.interval = absl::Milliseconds(50);
    options_.recovery.recover_after = absl::Milliseconds(20);
  }
  ~LoadCutTest() override {
    options_ = {};
    cut_cluster_.reset();
  }

  absl::StatusOr<LoadReport> LoadCities(const std::string& name) {
    GeneratorSource<City> source(
        [&, n = std::int64_t{0}]() mutable -> std::optional<City::Row> {
          if (n == kRows) return std::nullopt;
          const std::string place = absl::StrCat("C", n % urls().size());
          return City::Row{
              .id = ++n, .continent = place, .name = "n", .population = n};
        });
    LoadOptions how{.name = name, .batch_rows = kBatch};
    how.retry.most_tries = 500;
    how.retry.longest_pause = absl::Milliseconds(50);
    return Load(options_, source, how);
  }
  void RecoverUntilClean() {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while ((!cluster().RecoverNow().clean() || Prepared() > 0) &&
           absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(2));
    }
  }
  std::int64_t Sum(const std::string& what) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < urls().size(); ++i) {
      sum += outside(i).Number(absl::StrCat("select ", what, " from cities"));
    }
    return sum;
  }
  void Empty() {
    for (std::size_t i = 0; i < urls().size(); ++i) {
      outside(i).Run("delete from cities");
    }
    outside(0).Run("delete from shard_loads");
  }

  void CountMessages() {
    for (const auto& proxy : proxies_) {
      messages_.push_back({0, 0});
      if (proxy == nullptr) continue;
      for (const auto& message : proxy->messages()) {
        ++messages_.back()[message.direction];
      }
    }
  }
  // Calls `visit(proxy)` with the fault armed, for each message.
  template <class Visit>
  void AtEachMessage(Visit&& visit) {
    for (std::size_t i = 0; i < proxies_.size(); ++i) {
      if (proxies_[i] == nullptr) continue;
      for (const Direction direction :
           {PostgresProxy::kToServer, PostgresProxy::kToClient}) {
        for (std::size_t k = 0; k < messages_[i][direction]; ++k) {
          SCOPED_TRACE(absl::StrCat(
              "d", i, ", message ", k, " to the ",
              direction == PostgresProxy::kToServer ? "server" : "client"));
          Empty();
          proxies_[i]->Arm({direction, k, PostgresProxy::kCutBefore});
          visit(*proxies_[i]);
          ++cuts_;
          if (HasFailure()) return;
        }
      }
    }
    std::cout << cuts_ << " cuts\n";
  }
  // A load that is not disturbed, counted.
  void LoadInPeace(const std::string& name) {
    SHARD_ASSERT_OK(LoadCities("first"));  // makes the table
    Empty();
    for (const auto& proxy : proxies_) {
      if (proxy != nullptr) proxy->Arm();
    }
    SHARD_ASSERT_OK(LoadCities(name));
    CountMessages();
  }

  std::vector<std::unique_ptr<PostgresProxy>> proxies_;
  std::vector<std::array<std::size_t, 2>> messages_;
  std::optional<Cluster> cut_cluster_;
  SessionOptions options_;
  int cuts_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Databases, LoadCutTest,
                         ::testing::Values("P", "PP", "SP"),
                         [](const auto& param) { return param.param; });

TEST_P(LoadCutTest, ALoadWithANameEndsAllTheSame) {
  SHARD_OPEN_OR_SKIP(GetParam());
  OpenProxies();
  LoadInPeace("cities");
  AtEachMessage([&](PostgresProxy& proxy) {
    auto report = LoadCities("cities");
    // Before the first batch, when the databases are looked at, nothing is
    // tried again.
    if (absl::IsUnavailable(report.status())) {
      EXPECT_EQ(Sum("count(*)"), 0);
      report = LoadCities("cities");
    }
    ASSERT_THAT(report, IsOk());
    ASSERT_TRUE(proxy.WaitForBackends(absl::Seconds(10)));
    RecoverUntilClean();
    EXPECT_EQ(Sum("count(*)"), kRows);
    EXPECT_EQ(Sum("coalesce(sum(id), 0)"), kRows * (kRows + 1) / 2);
  });
}

TEST_P(LoadCutTest, ALoadWithoutANameSaysWhatItDoesNotKnow) {
  SHARD_OPEN_OR_SKIP(GetParam());
  OpenProxies();
  LoadInPeace("");
  AtEachMessage([&](PostgresProxy& proxy) {
    const auto report = LoadCities("");
    ASSERT_TRUE(proxy.WaitForBackends(absl::Seconds(10)));
    RecoverUntilClean();
    if (report.ok()) {
      EXPECT_EQ(Sum("count(*)"), kRows);
      EXPECT_EQ(Sum("coalesce(sum(id), 0)"), kRows * (kRows + 1) / 2);
      return;
    }
    EXPECT_TRUE(AnswerLostOf(report.status()).has_value()) << report.status();
    EXPECT_TRUE(urls().size() == 1) << report.status();
  });
}

}  // namespace
}  // namespace shard::testing
