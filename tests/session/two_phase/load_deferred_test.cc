// Loads into tables with constraints that are checked at the commit only.
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
#include "shard/base/testing.h"
#include "shard/session/csv_source.h"
#include "shard/session/generator_source.h"
#include "shard/session/load.h"
#include "shard/tests/session/models.h"
#include "shard/tests/session/two_phase/two_phase_test.h"

namespace shard::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Row 15 of 25 has the population of the row before it on its shard.
class LoadDeferredTest : public TwoPhaseTest,
                         public ::testing::WithParamInterface<std::string> {
 protected:
  static constexpr std::int64_t kRows = 25;
  static constexpr std::int64_t kBad = 14;  // from 0

  void Defer() {
    for (std::size_t i = 0; i < urls().size(); ++i) {
      outside(i).Run(
          "alter table cities add constraint of_population unique "
          "(population) deferrable initially deferred");
    }
  }
  City::Row CityAt(std::int64_t n) const {
    const auto shards = static_cast<std::int64_t>(urls().size());
    return {.id = n + 1,
            .continent = absl::StrCat("C", n % shards),
            .name = "n",
            .population = n == kBad ? n - shards : n};
  }
  absl::StatusOr<LoadReport> LoadCities(const LoadOptions& how) {
    GeneratorSource<City> source(
        [&, n = std::int64_t{0}]() mutable -> std::optional<City::Row> {
          if (n == kRows) return std::nullopt;
          return CityAt(n++);
        });
    return Load(options(), source, how);
  }
  std::int64_t Count() {
    std::int64_t count = 0;
    for (std::size_t i = 0; i < urls().size(); ++i) {
      count += outside(i).Number("select count(*) from cities");
    }
    return count;
  }
};
INSTANTIATE_TEST_SUITE_P(Databases, LoadDeferredTest,
                         ::testing::Values("P", "PP"),
                         [](const auto& param) { return param.param; });

TEST_P(LoadDeferredTest, TheRowIsFoundAndSkipped) {
  SHARD_OPEN_OR_SKIP(GetParam());
  Defer();
  std::vector<std::string> told;
  LoadOptions how{
      .name = "cities", .batch_rows = 10, .on_refused = OnRefusedRow::kSkip};
  how.on_refused_row = [&](const RefusedLoadRow& row) {
    told.push_back(row.where);
  };
  const auto report = LoadCities(how);
  SHARD_ASSERT_OK(report);
  EXPECT_EQ(report->inserted, 24u);
  EXPECT_EQ(report->refused, 1u);
  EXPECT_THAT(told, ElementsAre("row 15"));
  EXPECT_EQ(Count(), 24);
  ExpectNothingIsLeft();
}

TEST_P(LoadDeferredTest, TheRowIsFoundAndStopsTheLoad) {
  SHARD_OPEN_OR_SKIP(GetParam());
  Defer();
  EXPECT_THAT(
      LoadCities({.batch_rows = 10}).status(),
      StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("row 15: ")));
  EXPECT_EQ(Count(), 10);
}

TEST_P(LoadDeferredTest, AllIsWrittenAgainToFindTheLine) {
  SHARD_OPEN_OR_SKIP(GetParam());
  Defer();
  const std::string path = absl::StrCat(::testing::TempDir(), "/deferred.csv");
  std::ofstream file(path);
  file << "id,continent,name,population\n";
  for (std::int64_t n = 0; n < kRows; ++n) {
    const City::Row row = CityAt(n);
    file << row.id << "," << *row.continent << ",n," << *row.population << "\n";
  }
  file.close();
  const auto source = CsvSource::Open(&City::ClassMapping(), path);
  SHARD_ASSERT_OK(source);
  std::vector<std::uint64_t> rows;
  std::vector<std::uint64_t> begun_anew;
  LoadOptions how{.batch_rows = 10, .on_refused = OnRefusedRow::kUndoAll};
  how.progress_interval = absl::ZeroDuration();
  how.on_progress = [&](const LoadProgress& progress) {
    rows.push_back(progress.position.rows);
    begun_anew.push_back(progress.begun_anew);
    return absl::OkStatus();
  };
  EXPECT_THAT(
      Load(options(), **source, how).status(),
      StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("line 16: ")));
  EXPECT_THAT(rows, ElementsAre(10, 20, 25, 10));
  EXPECT_THAT(begun_anew, ElementsAre(0, 0, 0, 1));
  EXPECT_EQ(Count(), 0);
}

TEST_P(LoadDeferredTest, WhatCannotBeReadAgainNamesTheBatch) {
  SHARD_OPEN_OR_SKIP(GetParam());
  Defer();
  // What cannot be prepared is kFailedPrecondition, whatever it is about.
  const auto code = urls().size() == 1 ? absl::StatusCode::kAlreadyExists
                                       : absl::StatusCode::kFailedPrecondition;
  EXPECT_THAT(
      LoadCities({.batch_rows = 10, .on_refused = OnRefusedRow::kUndoAll})
          .status(),
      StatusIs(code, HasSubstr("checked at the commit")));
  EXPECT_EQ(Count(), 0);
}

}  // namespace
}  // namespace shard::testing
