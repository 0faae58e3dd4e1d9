// Whose a load is, when processes die or get in each other's way.
#include "shard/session/load_record.h"

#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/engine.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/generator_source.h"
#include "shard/session/load.h"
#include "shard/session/load_home.h"
#include "shard/session/loader.h"
#include "shard/session/session_core.h"
#include "shard/tests/session/models.h"
#include "shard/tests/session/two_phase/two_phase_test.h"

namespace shard::testing {
namespace {

using ::testing::HasSubstr;

class LoadRecordTest : public TwoPhaseTest,
                       public ::testing::WithParamInterface<std::string> {
 protected:
  // Stops at row `broken`, from 0.
  absl::StatusOr<LoadReport> LoadCities(std::int64_t count,
                                        std::int64_t broken = -1) {
    GeneratorSource<City> source(
        [&, n = std::int64_t{0}]() mutable -> std::optional<City::Row> {
          if (n == count) return std::nullopt;
          const std::string place =
              n == broken ? "Atlantis" : absl::StrCat("C", n % urls().size());
          return City::Row{
              .id = ++n, .continent = place, .name = "n", .population = n};
        });
    return Load(options(), source, {.name = "cities", .batch_rows = 10});
  }
  std::int64_t Count() {
    std::int64_t count = 0;
    for (std::size_t i = 0; i < urls().size(); ++i) {
      count += outside(i).Number("select count(*) from cities");
    }
    return count;
  }
};
INSTANTIATE_TEST_SUITE_P(Databases, LoadRecordTest,
                         ::testing::Values("S", "P", "SS", "PP", "SP"),
                         [](const auto& param) { return param.param; });

TEST_P(LoadRecordTest, TheLastCommitOfAProcessThatDiedIsAwaited) {
  SHARD_OPEN_OR_SKIP(GetParam());
  ASSERT_FALSE(LoadCities(30, 12).ok());
  ASSERT_EQ(Count(), 10);
  const auto engine = OpenEngine(urls()[0]);
  SHARD_ASSERT_OK(engine);
  const auto dead = (*engine)->Connect();
  SHARD_ASSERT_OK(dead);
  SHARD_ASSERT_OK((*dead)->Begin());
  std::string batch = "update shard_loads set rows_read = 20;";
  for (int id = 11; id <= 20; ++id) {
    absl::StrAppend(&batch, "insert into cities values (", id,
                    ", 'C0', 'n', 1);");
  }
  SHARD_ASSERT_OK((*dead)->ExecuteScript(batch));
  auto resumed =
      std::async(std::launch::async, [this] { return LoadCities(30); });
  absl::SleepFor(absl::Milliseconds(200));
  SHARD_ASSERT_OK((*dead)->Commit());
  const auto report = resumed.get();
  SHARD_ASSERT_OK(report);
  EXPECT_EQ(report->resumed_at, 20u);
  EXPECT_EQ(report->inserted, 10u);
  EXPECT_EQ(Count(), 30);
}

// No database is written to only to remember the load.
TEST_P(LoadRecordTest, ALoadIsRememberedWhereItsRowsGo) {
  SHARD_OPEN_OR_SKIP(GetParam());
  const std::size_t last = urls().size() - 1;
  SessionOptions session = options();
  auto resolver = std::make_shared<VerticalResolver>();
  resolver->BindClass(City::class_info(), cluster().engine(last));
  session.resolver = resolver;
  GeneratorSource<City> source(
      [n = std::int64_t{0}]() mutable -> std::optional<City::Row> {
        if (n == 3) return std::nullopt;
        return City::Row{
            .id = ++n, .continent = "C0", .name = "n", .population = n};
      });
  SHARD_ASSERT_OK(Load(session, source, {.name = "cities"}));
  EXPECT_EQ(outside(last).Number("select count(*) from shard_loads"), 1);
  ASSERT_EQ(ListLoads(session).value().size(), 1u);
}

// The same batch, committed by another run, is not this one's.
TEST_P(LoadRecordTest, AnotherRunsCommitIsNotTakenForOnesOwn) {
  SHARD_OPEN_OR_SKIP(GetParam());
  const auto homes = LoadHomes(options(), nullptr);
  if (!homes.ok()) GTEST_SKIP() << homes.status();
  const std::shared_ptr<Engine> home = homes->front();
  SHARD_ASSERT_OK(EnsureLoads(*home));
  SessionCore session(LoaderSession(options()));
  LoadRecord lost(home, "cities");
  SHARD_ASSERT_OK(lost.TakeUp(session, "source", false));
  SHARD_ASSERT_OK(session.Commit());
  ASSERT_TRUE(lost.Lock(session).value());
  SHARD_ASSERT_OK(lost.Advance(session, {.rows = 10}, 0, false));
  session.Rollback();

  LoadRecord other(home, "cities");
  SHARD_ASSERT_OK(other.TakeUp(session, "source", false));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_FALSE(lost.Lock(session).value());
  ASSERT_TRUE(other.Lock(session).value());
  SHARD_ASSERT_OK(other.Advance(session, {.rows = 10}, 0, false));
  SHARD_ASSERT_OK(session.Commit());

  EXPECT_FALSE(lost.Lock(session).value());
  EXPECT_FALSE(lost.HasAdvanced(session).value());
  EXPECT_THAT(std::string(lost.TakenError().message()),
              HasSubstr("another process"));
  EXPECT_FALSE(other.Lock(session).value());
  EXPECT_TRUE(other.HasAdvanced(session).value());
}

// What is done belongs to nobody: who looks at it takes nothing away.
TEST_P(LoadRecordTest, AFinishedLoadKeepsItsRun) {
  SHARD_OPEN_OR_SKIP(GetParam());
  SHARD_ASSERT_OK(LoadCities(10));
  const std::string run = outside(0).Text("select run from shard_loads");
  EXPECT_EQ(run.size(), 32u);
  const auto again = LoadCities(10);
  SHARD_ASSERT_OK(again);
  EXPECT_TRUE(again->already_finished);
  EXPECT_EQ(outside(0).Text("select run from shard_loads"), run);
}

}  // namespace
}  // namespace shard::testing
