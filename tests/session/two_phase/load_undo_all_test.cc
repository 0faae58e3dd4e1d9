// Loads that are one transaction, and whose connections are cut: what they say
// is what is there.
#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/status_macros.h"
#include "shard/base/testing.h"
#include "shard/session/csv_source.h"
#include "shard/session/generator_source.h"
#include "shard/session/load.h"
#include "shard/tests/session/models.h"
#include "shard/tests/session/two_phase/two_phase_test.h"
#include "shard/tests/support/postgres_proxy.h"

namespace shard::testing {
namespace {

using ::testing::SizeIs;

constexpr std::int64_t kRows = 6;

class LoadUndoAllTest : public TwoPhaseTest,
                        public ::testing::WithParamInterface<std::string> {
 protected:
  ~LoadUndoAllTest() override {
    options_ = {};
    cut_cluster_.reset();
  }

  // Through a proxy to the first database, which has the row of the load.
  void OpenProxy() {
    auto proxy = PostgresProxy::Start(urls()[0]);
    SHARD_ASSERT_OK(proxy);
    proxy_ = *std::move(proxy);
    std::vector<std::string> through = urls();
    through[0] = proxy_->url();
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
  LoadOptions Options() const {
    LoadOptions how{.name = "cities",
                    .batch_rows = 4,
                    .on_refused = OnRefusedRow::kUndoAll};
    how.retry.most_tries = 500;
    how.retry.longest_pause = absl::Milliseconds(50);
    return how;
  }
  std::string PlaceOf(std::int64_t n) const {
    return absl::StrCat("C", n % urls().size());
  }
  absl::StatusOr<LoadReport> LoadGenerated() {
    GeneratorSource<City> source(
        [&, n = std::int64_t{0}]() mutable -> std::optional<City::Row> {
          if (n == kRows) return std::nullopt;
          const std::string place = PlaceOf(n);
          return City::Row{
              .id = ++n, .continent = place, .name = "n", .population = n};
        });
    return Load(options_, source, Options());
  }
  absl::StatusOr<LoadReport> LoadFile() {
    const std::string path = absl::StrCat(::testing::TempDir(), "/cities.csv");
    std::ofstream file(path);
    file << "id,continent,name,population\n";
    for (std::int64_t n = 0; n < kRows; ++n) {
      file << n + 1 << "," << PlaceOf(n) << ",n," << n << "\n";
    }
    file.close();
    SHARD_ASSIGN_OR_RETURN(const auto source,
                           CsvSource::Open(&City::ClassMapping(), path));
    return Load(options_, *source, Options());
  }

  void RecoverUntilClean() {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while ((!cluster().RecoverNow().clean() || Prepared() > 0) &&
           absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(2));
    }
  }
  void Empty() {
    for (std::size_t i = 0; i < urls().size(); ++i) {
      outside(i).Run("delete from cities");
    }
    outside(0).Run("delete from shard_loads");
  }
  // Loads with every message of the first database cut, and lets `check` look.
  template <class Loads, class Check>
  void AtEachMessage(Loads loads, Check check) {
    SHARD_ASSERT_OK(loads());  // makes the table
    Empty();
    proxy_->Arm();
    SHARD_ASSERT_OK(loads());
    std::array<std::size_t, 2> counts{};
    for (const auto& message : proxy_->messages()) ++counts[message.direction];
    for (const auto direction :
         {PostgresProxy::kToServer, PostgresProxy::kToClient}) {
      for (std::size_t k = 0; k < counts[direction]; ++k) {
        SCOPED_TRACE(absl::StrCat(
            "message ", k, " to the ",
            direction == PostgresProxy::kToServer ? "server" : "client"));
        Empty();
        proxy_->Arm({direction, k, PostgresProxy::kCutBefore});
        const absl::StatusOr<LoadReport> report = loads();
        ASSERT_TRUE(proxy_->WaitForBackends(absl::Seconds(10)));
        RecoverUntilClean();
        check(report);
        if (HasFailure()) return;
      }
    }
  }
  std::int64_t Count() {
    std::int64_t count = 0;
    for (std::size_t i = 0; i < urls().size(); ++i) {
      count += outside(i).Number("select count(*) from cities");
    }
    return count;
  }
  void ExpectAllLoaded(const LoadReport& report) {
    EXPECT_EQ(Count(), kRows);
    EXPECT_EQ(report.inserted, static_cast<std::uint64_t>(kRows));
    EXPECT_EQ(report.position.rows, static_cast<std::uint64_t>(kRows));
    const auto loads = ListLoads(options());
    SHARD_ASSERT_OK(loads);
    ASSERT_THAT(*loads, SizeIs(1));
    EXPECT_TRUE((*loads)[0].finished);
    EXPECT_EQ((*loads)[0].position, report.position);
  }

  std::unique_ptr<PostgresProxy> proxy_;
  std::optional<Cluster> cut_cluster_;
  SessionOptions options_;
};
INSTANTIATE_TEST_SUITE_P(Databases, LoadUndoAllTest,
                         ::testing::Values("P", "PP"),
                         [](const auto& param) { return param.param; });

// It cannot be begun anew, but neither need it, once it is committed.
TEST_P(LoadUndoAllTest, AGeneratorSaysWhatWasCommitted) {
  SHARD_OPEN_OR_SKIP(GetParam());
  OpenProxy();
  AtEachMessage([this] { return LoadGenerated(); },
                [this](const absl::StatusOr<LoadReport>& report) {
                  if (report.ok()) {
                    ExpectAllLoaded(*report);
                  } else {
                    EXPECT_EQ(Count(), 0) << report.status();
                  }
                });
}

TEST_P(LoadUndoAllTest, AFileIsLoadedAllTheSame) {
  SHARD_OPEN_OR_SKIP(GetParam());
  OpenProxy();
  AtEachMessage([this] { return LoadFile(); },
                [this](absl::StatusOr<LoadReport> report) {
                  // When the databases are looked at, nothing is tried again.
                  if (absl::IsUnavailable(report.status())) {
                    EXPECT_EQ(Count(), 0) << report.status();
                    report = LoadFile();
                    RecoverUntilClean();
                  }
                  ASSERT_THAT(report, IsOk());
                  ExpectAllLoaded(*report);
                });
}

}  // namespace
}  // namespace shard::testing
