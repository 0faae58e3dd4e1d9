// Loads that are one transaction, and whose connections are cut: what they say
// is what is there.
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/status_macros.h"
#include "shard/base/testing.h"
#include "shard/session/csv_source.h"
#include "shard/session/generator_source.h"
#include "shard/session/load.h"
#include "shard/tests/session/models.h"
#include "shard/tests/session/two_phase/proxied_test.h"
#include "shard/tests/support/postgres_proxy.h"

namespace shard::testing {
namespace {

using ::testing::SizeIs;

constexpr std::int64_t kRows = 6;

class LoadUndoAllTest : public ProxiedTest {
 protected:
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

  // Loads with every message of the first database cut, which has the row of
  // the load, and lets `check` look.
  template <class Loads, class Check>
  void CutEachMessage(Loads loads, Check check) {
    OpenProxies(1);
    RecoverInBackground();
    SHARD_ASSERT_OK(loads());  // makes the table
    Empty();
    Arm();
    SHARD_ASSERT_OK(loads());
    AtEachMessage(
        [&](PostgresProxy& proxy, Direction direction, std::size_t message) {
          Empty();
          proxy.Arm({direction, message, PostgresProxy::kCutBefore});
          const absl::StatusOr<LoadReport> report = loads();
          ASSERT_TRUE(proxy.WaitForBackends(absl::Seconds(10)));
          RecoverUntilClean();
          check(report);
        });
  }
  void ExpectAllLoaded(const LoadReport& report) {
    EXPECT_EQ(Sum("count(*)"), kRows);
    EXPECT_EQ(report.inserted, static_cast<std::uint64_t>(kRows));
    EXPECT_EQ(report.position.rows, static_cast<std::uint64_t>(kRows));
    const auto loads = ListLoads(options());
    SHARD_ASSERT_OK(loads);
    ASSERT_THAT(*loads, SizeIs(1));
    EXPECT_TRUE((*loads)[0].finished);
    EXPECT_EQ((*loads)[0].position, report.position);
  }
};
INSTANTIATE_TEST_SUITE_P(Databases, LoadUndoAllTest,
                         ::testing::Values("P", "PP"),
                         [](const auto& param) { return param.param; });

// It cannot be begun anew, but neither need it, once it is committed.
TEST_P(LoadUndoAllTest, AGeneratorSaysWhatWasCommitted) {
  SHARD_OPEN_OR_SKIP(GetParam());
  CutEachMessage([this] { return LoadGenerated(); },
                 [this](const absl::StatusOr<LoadReport>& report) {
                   if (report.ok()) {
                     ExpectAllLoaded(*report);
                   } else {
                     EXPECT_EQ(Sum("count(*)"), 0) << report.status();
                   }
                 });
}

TEST_P(LoadUndoAllTest, AFileIsLoadedAllTheSame) {
  SHARD_OPEN_OR_SKIP(GetParam());
  CutEachMessage([this] { return LoadFile(); },
                 [this](absl::StatusOr<LoadReport> report) {
                   // When the databases are looked at, nothing is tried again.
                   if (absl::IsUnavailable(report.status())) {
                     EXPECT_EQ(Sum("count(*)"), 0) << report.status();
                     report = LoadFile();
                     RecoverUntilClean();
                   }
                   ASSERT_THAT(report, IsOk());
                   ExpectAllLoaded(*report);
                 });
}

}  // namespace
}  // namespace shard::testing
