// Streaming loads, into one database and into several.
#include "shard/session/load.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
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
#include "shard/tests/session/models.h"
#include "shard/tests/session/two_phase/two_phase_test.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class LoadTest : public TwoPhaseTest,
                 public ::testing::WithParamInterface<std::string> {
 protected:
  // Row number n, from 0, on the shards in turn.
  City::Row CityAt(std::int64_t n) const {
    return {.id = n + 1,
            .continent = absl::StrCat("C", n % urls().size()),
            .name = "n",
            .population = n};
  }
  std::vector<City::Row> CitiesUpTo(std::int64_t count) const {
    std::vector<City::Row> rows;
    for (std::int64_t n = 0; n < count; ++n) rows.push_back(CityAt(n));
    return rows;
  }
  static GeneratorSource<City> SourceOf(std::vector<City::Row> rows,
                                        GeneratorOptions options = {}) {
    return GeneratorSource<City>(
        [rows = std::move(rows),
         next = std::size_t{0}]() mutable -> std::optional<City::Row> {
          if (next == rows.size()) return std::nullopt;
          return rows[next++];
        },
        std::move(options));
  }
  absl::StatusOr<LoadReport> LoadCities(std::vector<City::Row> rows,
                                        const LoadOptions& how) {
    auto source = SourceOf(std::move(rows));
    return Load(options(), source, how);
  }
  // "line", beginning with the header.
  std::string Csv(const std::vector<std::string>& lines) const {
    std::string text = "id,continent,name,population\n";
    for (const std::string& line : lines) absl::StrAppend(&text, line, "\n");
    return text;
  }
  absl::StatusOr<LoadReport> LoadCsv(const std::string& text,
                                     const LoadOptions& how) {
    std::istringstream stream(text);
    SHARD_ASSIGN_OR_RETURN(const auto source,
                           CsvSource::Open(&City::ClassMapping(), &stream));
    return Load(options(), *source, how);
  }
  std::int64_t Sum(const std::string& what) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < urls().size(); ++i) {
      sum += outside(i).Number(absl::StrCat("select ", what, " from cities"));
    }
    return sum;
  }
  std::int64_t Count() { return Sum("count(*)"); }
};
INSTANTIATE_TEST_SUITE_P(Databases, LoadTest,
                         ::testing::Values("S", "P", "SS", "PP", "SP"),
                         [](const auto& param) { return param.param; });

TEST_P(LoadTest, WritesEveryRowToItsShard) {
  SHARD_OPEN_OR_SKIP(GetParam());
  const auto report = LoadCities(CitiesUpTo(250), {.batch_rows = 100});
  SHARD_ASSERT_OK(report);
  EXPECT_EQ(report->inserted, 250u);
  EXPECT_EQ(report->position.rows, 250u);
  EXPECT_EQ(report->batches, 3u);
  EXPECT_EQ(report->refused, 0u);
  EXPECT_EQ(Count(), 250);
  EXPECT_EQ(Sum("coalesce(sum(population), 0)"), 249 * 250 / 2);
  for (std::size_t i = 0; i < urls().size(); ++i) {
    EXPECT_EQ(outside(i).Number(absl::StrCat(
                  "select count(*) from cities where continent <> 'C", i, "'")),
              0);
  }
  ExpectNothingIsLeft();
}

TEST_P(LoadTest, WithoutANameNothingIsWrittenDown) {
  SHARD_OPEN_OR_SKIP(GetParam());
  SHARD_ASSERT_OK(LoadCities(CitiesUpTo(3), {}));
  const auto loads = ListLoads(options());
  SHARD_ASSERT_OK(loads);
  EXPECT_THAT(*loads, IsEmpty());
}

TEST_P(LoadTest, AnEmptySourceIsLoaded) {
  SHARD_OPEN_OR_SKIP(GetParam());
  const auto report = LoadCities({}, {.name = "none"});
  SHARD_ASSERT_OK(report);
  EXPECT_EQ(report->inserted, 0u);
  EXPECT_TRUE((*ListLoads(options()))[0].finished);
}

TEST_P(LoadTest, GoesOnBehindTheLastBatch) {
  SHARD_OPEN_OR_SKIP(GetParam());
  std::vector<City::Row> broken = CitiesUpTo(250);
  broken[220].continent = "Atlantis";
  const LoadOptions how{.name = "cities", .batch_rows = 100};
  const auto stopped = LoadCities(broken, how);
  EXPECT_THAT(stopped.status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("row 221: "), HasSubstr("200 rows"))));
  EXPECT_EQ(Count(), 200);
  const auto loads = ListLoads(options());
  SHARD_ASSERT_OK(loads);
  ASSERT_THAT(*loads, SizeIs(1));
  EXPECT_EQ((*loads)[0].name, "cities");
  EXPECT_EQ((*loads)[0].position.rows, 200u);
  EXPECT_FALSE((*loads)[0].finished);

  const auto resumed = LoadCities(CitiesUpTo(250), how);
  SHARD_ASSERT_OK(resumed);
  EXPECT_EQ(resumed->resumed_at, 200u);
  EXPECT_EQ(resumed->inserted, 50u);
  EXPECT_EQ(resumed->position.rows, 250u);
  EXPECT_EQ(Count(), 250);
  EXPECT_EQ(Sum("coalesce(sum(population), 0)"), 249 * 250 / 2);
  ExpectNothingIsLeft();
}

TEST_P(LoadTest, AFinishedLoadHasNothingToDoUntilItIsForgotten) {
  SHARD_OPEN_OR_SKIP(GetParam());
  const LoadOptions how{.name = "cities"};
  SHARD_ASSERT_OK(LoadCities(CitiesUpTo(10), how));
  const auto again = LoadCities(CitiesUpTo(10), how);
  SHARD_ASSERT_OK(again);
  EXPECT_TRUE(again->already_finished);
  EXPECT_EQ(again->inserted, 0u);
  EXPECT_EQ(again->position.rows, 10u);
  EXPECT_EQ(Count(), 10);

  SHARD_ASSERT_OK(ForgetLoad(options(), "cities"));
  EXPECT_THAT(ForgetLoad(options(), "cities"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("cities")));
  std::vector<City::Row> more = CitiesUpTo(20);
  more.erase(more.begin(), more.begin() + 10);
  SHARD_ASSERT_OK(LoadCities(more, how));
  EXPECT_EQ(Count(), 20);
}

TEST_P(LoadTest, AnotherSourceOfThatNameIsRefused) {
  SHARD_OPEN_OR_SKIP(GetParam());
  std::vector<City::Row> broken = CitiesUpTo(20);
  broken[15].continent = "Atlantis";
  LoadOptions how{.name = "cities", .batch_rows = 10};
  EXPECT_FALSE(LoadCities(broken, how).ok());
  auto other = SourceOf(CitiesUpTo(20), {.origin = "the moon"});
  EXPECT_THAT(Load(options(), other, how).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("10 rows of another source"),
                             HasSubstr("the moon"))));
  EXPECT_EQ(Count(), 10);
  how.accept_changed_source = true;
  SHARD_ASSERT_OK(Load(options(), other, how));
  EXPECT_EQ(Count(), 20);
  // A finished one is what it was.
  auto third = SourceOf(CitiesUpTo(20));
  EXPECT_THAT(Load(options(), third, how).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("another source")));
}

TEST_P(LoadTest, ALoadThatHasReadNothingTakesAnySource) {
  SHARD_OPEN_OR_SKIP(GetParam());
  std::vector<City::Row> broken = CitiesUpTo(20);
  broken[5].continent = "Atlantis";
  EXPECT_FALSE(LoadCities(broken, {.name = "cities"}).ok());
  auto other = SourceOf(CitiesUpTo(20), {.origin = "the moon"});
  SHARD_ASSERT_OK(Load(options(), other, {.name = "cities"}));
  EXPECT_EQ(Count(), 20);
}

TEST_P(LoadTest, StopsAtARowThatTheDatabaseRefuses) {
  SHARD_OPEN_OR_SKIP(GetParam());
  std::vector<City::Row> rows = CitiesUpTo(64);
  rows[50].id = rows[50 - 2 * urls().size()].id;  // on the same shard
  const auto report = LoadCities(rows, {.batch_rows = 32});
  EXPECT_THAT(report.status(),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       AllOf(HasSubstr("row 51: "), HasSubstr("32 rows"))));
  EXPECT_EQ(Count(), 32);
  ExpectNothingIsLeft();
}

TEST_P(LoadTest, SkipsRowsThatAnybodyRefuses) {
  SHARD_OPEN_OR_SKIP(GetParam());
  for (std::size_t i = 0; i < urls().size(); ++i) {
    outside(i).Run("create unique index of_population on cities (population)");
  }
  std::vector<City::Row> rows = CitiesUpTo(100);
  rows[3].continent = "Atlantis";
  rows[40].continent.reset();
  const auto shards = static_cast<std::int64_t>(urls().size());
  rows[61].population = 61 - shards;  // is there, on the same shard
  rows[99].id = 100 - shards;
  std::vector<std::string> told;
  LoadOptions how{.name = "cities",
                  .batch_rows = 30,
                  .on_refused = OnRefusedRow::kSkip,
                  .most_refused_kept = 3};
  how.on_refused_row = [&](const RefusedLoadRow& row) {
    told.push_back(row.where);
  };
  const auto report = LoadCities(rows, how);
  SHARD_ASSERT_OK(report);
  EXPECT_EQ(report->inserted, 96u);
  EXPECT_EQ(report->position.rows, 100u);
  EXPECT_EQ(report->refused, 4u);
  EXPECT_THAT(told, ElementsAre("row 4", "row 41", "row 62", "row 100"));
  ASSERT_THAT(report->refused_rows, SizeIs(3));
  EXPECT_EQ(report->refused_rows[0].where, "row 4");
  // The row in the batch is of no interest.
  EXPECT_THAT(std::string(report->refused_rows[1].reason.message()),
              Not(HasSubstr("row 11")));
  EXPECT_EQ(report->refused_rows[2].reason.code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Count(), 96);
  const auto loads = ListLoads(options());
  SHARD_ASSERT_OK(loads);
  EXPECT_EQ((*loads)[0].refused, 4u);
  const auto again = LoadCities(rows, how);
  SHARD_ASSERT_OK(again);
  EXPECT_EQ(again->refused, 4u);
  ExpectNothingIsLeft();
}

TEST_P(LoadTest, SkipsABatchOfNothingElse) {
  SHARD_OPEN_OR_SKIP(GetParam());
  SHARD_ASSERT_OK(LoadCities(CitiesUpTo(20), {}));
  const auto report = LoadCities(
      CitiesUpTo(25), {.batch_rows = 10, .on_refused = OnRefusedRow::kSkip});
  SHARD_ASSERT_OK(report);
  EXPECT_EQ(report->refused, 20u);
  EXPECT_EQ(report->inserted, 5u);
  EXPECT_EQ(Count(), 25);
}

TEST_P(LoadTest, StopsWhenTooManyAreSkipped) {
  SHARD_OPEN_OR_SKIP(GetParam());
  std::vector<City::Row> rows = CitiesUpTo(40);
  for (std::size_t i = 0; i < 40; i += 8) rows[i].continent = "Atlantis";
  const auto report = LoadCities(
      rows,
      {.batch_rows = 10, .on_refused = OnRefusedRow::kSkip, .most_refused = 3});
  EXPECT_THAT(report.status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("row 25: "), HasSubstr("3 rows"))));
  EXPECT_EQ(Count(), 17);  // of two batches
}

TEST_P(LoadTest, UndoesAll) {
  SHARD_OPEN_OR_SKIP(GetParam());
  const LoadOptions how{
      .name = "cities", .batch_rows = 10, .on_refused = OnRefusedRow::kUndoAll};
  std::vector<City::Row> rows = CitiesUpTo(40);
  rows[33].id = rows[33 - urls().size()].id;
  EXPECT_THAT(
      LoadCities(rows, how).status(),
      StatusIs(absl::StatusCode::kAlreadyExists,
               AllOf(HasSubstr("row 34: "), HasSubstr("nothing is loaded"))));
  EXPECT_EQ(Count(), 0);
  const auto report = LoadCities(CitiesUpTo(40), how);
  SHARD_ASSERT_OK(report);
  EXPECT_EQ(report->inserted, 40u);
  EXPECT_EQ(report->batches, 4u);
  EXPECT_EQ(Count(), 40);
  SHARD_ASSERT_OK(LoadCities(CitiesUpTo(40), how));
  EXPECT_EQ(Count(), 40);
  ExpectNothingIsLeft();
}

TEST_P(LoadTest, NamesTheLinesOfText) {
  SHARD_OPEN_OR_SKIP(GetParam());
  const std::string text = Csv({"1,C0,\"two\nlines\",1", "2,C0,b,many",
                                "3,C0,c,3", "3,C0,d,4", "4,C0,e"});
  const auto report = LoadCsv(text, {.on_refused = OnRefusedRow::kSkip});
  SHARD_ASSERT_OK(report);
  std::vector<std::string> where;
  for (const auto& row : report->refused_rows) where.push_back(row.where);
  EXPECT_THAT(where, ElementsAre("line 4", "line 6", "line 7"));
  EXPECT_EQ(report->inserted, 2u);
  EXPECT_EQ(report->position.bytes, text.size());
  EXPECT_EQ(report->position.rows, 5u);
  EXPECT_EQ(Count(), 2);
}

TEST_P(LoadTest, TellsItsProgress) {
  SHARD_OPEN_OR_SKIP(GetParam());
  std::vector<LoadProgress> told;
  LoadOptions how{.batch_rows = 40};
  how.progress_interval = absl::ZeroDuration();
  how.on_progress = [&](const LoadProgress& progress) {
    told.push_back(progress);
    return absl::OkStatus();
  };
  auto source = SourceOf(CitiesUpTo(100), {.total_rows = 100});
  SHARD_ASSERT_OK(Load(options(), source, how));
  ASSERT_THAT(told, SizeIs(4));
  EXPECT_EQ(told[0].position.rows, 40u);
  EXPECT_EQ(told[0].batches, 1u);
  EXPECT_EQ(told[0].total_rows, 100u);
  EXPECT_FALSE(told[0].finished);
  EXPECT_GT(told[0].rows_per_second, 0);
  ASSERT_TRUE(told[0].time_left.has_value());
  EXPECT_GT(*told[0].time_left, absl::ZeroDuration());
  EXPECT_NEAR(absl::FDivDuration(*told[0].time_left, told[0].elapsed), 60. / 40,
              0.01);
  EXPECT_EQ(told[2].position.rows, 100u);
  EXPECT_TRUE(told[3].finished);
  EXPECT_EQ(told[3].time_left, absl::ZeroDuration());

  // Only the end, when it is over before the time has come.
  told.clear();
  how.progress_interval = absl::Hours(1);
  std::vector<City::Row> more = CitiesUpTo(200);
  more.erase(more.begin(), more.begin() + 100);
  SHARD_ASSERT_OK(LoadCities(more, how));
  EXPECT_THAT(told, SizeIs(2));
}

TEST_P(LoadTest, IsCancelledBehindABatch) {
  SHARD_OPEN_OR_SKIP(GetParam());
  LoadOptions how{.name = "cities", .batch_rows = 10};
  how.on_progress = [](const LoadProgress&) {
    return absl::CancelledError("by the user");
  };
  EXPECT_THAT(LoadCities(CitiesUpTo(30), how).status(),
              StatusIs(absl::StatusCode::kCancelled, "by the user"));
  EXPECT_EQ(Count(), 10);
  how.on_progress = nullptr;
  SHARD_ASSERT_OK(LoadCities(CitiesUpTo(30), how));
  EXPECT_EQ(Count(), 30);

  how = {.batch_rows = 10, .on_refused = OnRefusedRow::kUndoAll};
  how.on_progress = [](const LoadProgress&) {
    return absl::AbortedError("by the user");
  };
  std::vector<City::Row> more = CitiesUpTo(60);
  more.erase(more.begin(), more.begin() + 30);
  EXPECT_THAT(LoadCities(more, how).status(),
              StatusIs(absl::StatusCode::kAborted, "by the user"));
  EXPECT_EQ(Count(), 30);
}

TEST_P(LoadTest, ErrorsOfTheSourceLeaveWhatIsCommitted) {
  SHARD_OPEN_OR_SKIP(GetParam());
  GeneratorSource<City> source([this, n = std::int64_t{0}]() mutable
                               -> absl::StatusOr<std::optional<City::Row>> {
    if (n == 25) return absl::DataLossError("torn");
    return CityAt(n++);
  });
  EXPECT_THAT(Load(options(), source, {.batch_rows = 10}).status(),
              StatusIs(absl::StatusCode::kDataLoss, "torn"));
  EXPECT_EQ(Count(), 25);
}

TEST_P(LoadTest, OtherErrorsAreNoBadRows) {
  SHARD_OPEN_OR_SKIP(GetParam());
  outside(0).Run("alter table cities rename to towns");
  std::size_t told = 0;
  LoadOptions how{.on_refused = OnRefusedRow::kSkip};
  how.on_refused_row = [&](const RefusedLoadRow&) { ++told; };
  const auto report = LoadCities(CitiesUpTo(10), how);
  EXPECT_FALSE(report.ok());
  EXPECT_EQ(told, 0u);
}

TEST_P(LoadTest, OfTwoLoadsOfOneNameOneIsRefused) {
  SHARD_OPEN_OR_SKIP(GetParam());
  // The second takes it up between two batches of the first.
  LoadOptions second{.name = "cities", .batch_rows = 10};
  LoadOptions first = second;
  first.progress_interval = absl::ZeroDuration();
  bool done = false;
  first.on_progress = [&](const LoadProgress&) {
    if (std::exchange(done, true)) return absl::OkStatus();
    return LoadCities(CitiesUpTo(40), second).status();
  };
  EXPECT_THAT(LoadCities(CitiesUpTo(40), first).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("another process")));
  EXPECT_EQ(Count(), 40);
}

TEST_P(LoadTest, BadOptionsAreRefused) {
  SHARD_OPEN_OR_SKIP(GetParam());
  EXPECT_THAT(
      LoadCities({}, {.batch_rows = 0}).status(),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("batch_rows")));
  EXPECT_THAT(LoadCities({}, {.name = std::string(201, 'x')}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("name")));
}

TEST_P(LoadTest, SeveralDatabasesMustCommitTogether) {
  SHARD_OPEN_OR_SKIP(GetParam());
  SessionOptions alone = options();
  alone.two_phase = false;
  auto source = SourceOf(CitiesUpTo(10));
  const auto report = Load(alone, source, {.name = "cities"});
  if (urls().size() == 1) {
    SHARD_ASSERT_OK(report);
    EXPECT_EQ(Count(), 10);
    return;
  }
  EXPECT_THAT(report.status(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("City"), HasSubstr("two_phase"))));
  alone.two_phase = true;
  alone.topology = nullptr;
  EXPECT_THAT(
      Load(alone, source, {}).status(),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("topology")));
  EXPECT_EQ(Count(), 0);
}

}  // namespace
}  // namespace shard::testing
