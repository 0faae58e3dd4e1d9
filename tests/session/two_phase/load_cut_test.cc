// Loads whose connections are cut at every message: batches are tried again,
// and every row is there once.
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/commit_result.h"
#include "shard/session/generator_source.h"
#include "shard/session/load.h"
#include "shard/tests/session/models.h"
#include "shard/tests/session/two_phase/proxied_test.h"
#include "shard/tests/support/postgres_proxy.h"

namespace shard::testing {
namespace {

constexpr std::int64_t kRows = 7;
constexpr std::size_t kBatch = 4;

class LoadCutTest : public ProxiedTest {
 protected:
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
  // A load that is not disturbed; then `visit(proxy)` with each message of it
  // cut.
  template <class Visit>
  void CutEachMessage(const std::string& name, Visit&& visit) {
    OpenProxies();
    RecoverInBackground();
    SHARD_ASSERT_OK(LoadCities("first"));  // makes the table
    Empty();
    Arm();
    SHARD_ASSERT_OK(LoadCities(name));
    int cuts = 0;
    AtEachMessage(
        [&](PostgresProxy& proxy, Direction direction, std::size_t message) {
          Empty();
          proxy.Arm({direction, message, PostgresProxy::kCutBefore});
          visit(proxy);
          ++cuts;
        });
    std::cout << cuts << " cuts\n";
  }
};
INSTANTIATE_TEST_SUITE_P(Databases, LoadCutTest,
                         ::testing::Values("P", "PP", "SP"),
                         [](const auto& param) { return param.param; });

TEST_P(LoadCutTest, ALoadWithANameEndsAllTheSame) {
  SHARD_OPEN_OR_SKIP(GetParam());
  CutEachMessage("cities", [&](PostgresProxy& proxy) {
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
  CutEachMessage("", [&](PostgresProxy& proxy) {
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
