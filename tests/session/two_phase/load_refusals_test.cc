// Which errors a load takes for the fault of a row.
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/schema.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/list_strategy.h"
#include "shard/session/generator_source.h"
#include "shard/session/load.h"
#include "shard/tests/session/two_phase/two_phase_test.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

template <class F>
struct ReadingFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "place"> place;
  Field<F, std::string, "note"> note;
  Field<F, std::optional<double>, "ratio"> ratio;
  Field<F, std::optional<Timestamp>, "at"> at;
  Field<F, std::optional<std::int64_t>, "parent"> parent;
};
struct Reading : Entity<Reading, ReadingFields, "readings"> {};

class LoadRefusalsTest : public TwoPhaseTest,
                         public ::testing::WithParamInterface<std::string> {
 protected:
  bool OpenReadings() {
    if (!Open(GetParam())) return false;
    HorizontalOptions horizontal;
    std::vector<std::pair<sql::Value, std::string>> places;
    for (std::size_t i = 0; i < urls().size(); ++i) {
      horizontal.shards.emplace_back(absl::StrCat("d", i), cluster().engine(i));
      places.emplace_back(sql::Value(absl::StrCat("C", i)),
                          absl::StrCat("d", i));
      EXPECT_TRUE(CreateAll(*cluster().engine(i), {&Reading::table()}).ok());
    }
    horizontal.rules.push_back(
        ShardBy(Reading::c.place, *ListStrategy::Create(places)));
    readings_ = options();
    readings_.resolver = *HorizontalResolver::Create(horizontal);
    return true;
  }
  // Number n has key n + 1; on the shards in turn.
  std::vector<Reading::Row> Readings(std::int64_t count) const {
    std::vector<Reading::Row> rows;
    for (std::int64_t n = 0; n < count; ++n) {
      Reading::Row& row = rows.emplace_back();
      row.id = n + 1;
      row.place = absl::StrCat("C", n % shards());
      row.note = "n";
    }
    return rows;
  }
  absl::StatusOr<LoadReport> LoadReadings(std::vector<Reading::Row> rows,
                                          const LoadOptions& how) {
    GeneratorSource<Reading> source(
        [rows = std::move(rows),
         next = std::size_t{0}]() mutable -> std::optional<Reading::Row> {
          if (next == rows.size()) return std::nullopt;
          return rows[next++];
        });
    return Load(readings_, source, how);
  }
  static std::vector<std::string> Where(const LoadReport& report) {
    std::vector<std::string> where;
    for (const auto& row : report.refused_rows) where.push_back(row.where);
    return where;
  }
  std::int64_t Count() {
    std::int64_t count = 0;
    for (std::size_t i = 0; i < urls().size(); ++i) {
      count += outside(i).Number("select count(*) from readings");
    }
    return count;
  }
  std::size_t shards() const { return urls().size(); }
  bool IsPostgres(std::size_t number) {
    return outside(number % shards()).is_postgres();
  }

  SessionOptions readings_;
};
INSTANTIATE_TEST_SUITE_P(Databases, LoadRefusalsTest,
                         ::testing::Values("S", "P", "SS", "PP", "SP"),
                         [](const auto& param) { return param.param; });

#define SHARD_OPEN_READINGS_OR_SKIP() \
  if (!OpenReadings()) GTEST_SKIP() << "needs PostgreSQL servers"

// Rows that refer to each other, all of shard 0, and a bad one.
std::vector<Reading::Row> WithParents(std::vector<Reading::Row> rows,
                                      std::size_t bad) {
  for (Reading::Row& row : rows) row.place = "C0";
  rows[0].parent = 2;
  rows[2].parent = 5;  // a ring
  rows[4].parent = 3;
  for (std::int64_t n = 10; n < 20; ++n) rows[n].parent = n + 2;
  rows[bad].id = 2;
  return rows;
}

// Values that a driver does not send: its database cannot hold them.
std::vector<Reading::Row> WithBadValues(std::vector<Reading::Row> rows,
                                        std::size_t shards, bool is_postgres,
                                        std::size_t shard) {
  const std::size_t first = shard + 4 * shards;
  rows[first].at = Timestamp{std::numeric_limits<std::int64_t>::min()};
  const std::size_t second = first + shards;
  if (is_postgres) {
    rows[second].note = "a\xff";
    rows[second + 9 * shards].note = std::string("a\0b", 3);
  } else {
    rows[second].ratio = std::numeric_limits<double>::quiet_NaN();
    rows[second + 9 * shards].at = Timestamp{-62'500'000'000'000'000};
  }
  return rows;
}

TEST_P(LoadRefusalsTest, SkipsValuesThatADriverDoesNotSend) {
  SHARD_OPEN_READINGS_OR_SKIP();
  for (std::size_t shard = 0; shard < shards(); ++shard) {
    const std::string name = absl::StrCat("of shard ", shard);
    std::vector<Reading::Row> rows = WithBadValues(
        Readings(20 * shards()), shards(), IsPostgres(shard), shard);
    for (Reading::Row& row : rows) row.id += 1000 * shard;
    const auto report =
        LoadReadings(rows, {.name = name, .on_refused = OnRefusedRow::kSkip});
    SHARD_ASSERT_OK(report);
    const std::size_t first = shard + 4 * shards() + 1;
    EXPECT_THAT(Where(*report),
                ElementsAre(absl::StrCat("row ", first),
                            absl::StrCat("row ", first + shards()),
                            absl::StrCat("row ", first + 10 * shards())));
    for (const auto& row : report->refused_rows) {
      EXPECT_THAT(std::string(row.reason.message()), Not(HasSubstr("row ")));
    }
    EXPECT_EQ(report->inserted, rows.size() - 3);
  }
  EXPECT_EQ(Count(), static_cast<std::int64_t>(shards() * (20 * shards() - 3)));
  ExpectNothingIsLeft();
}

TEST_P(LoadRefusalsTest, StopsAtAValueThatADriverDoesNotSend) {
  SHARD_OPEN_READINGS_OR_SKIP();
  const std::vector<Reading::Row> rows = WithBadValues(
      Readings(20 * shards()), shards(), IsPostgres(0), /*shard=*/0);
  EXPECT_THAT(LoadReadings(rows, {}).status().message(),
              HasSubstr(absl::StrCat("row ", 4 * shards() + 1, ": ")));
  EXPECT_EQ(Count(), 0);
  ExpectNothingIsLeft();
}

TEST_P(LoadRefusalsTest, SkipsWhatTriggersAndIndexesOfPostgresRefuse) {
  SHARD_OPEN_READINGS_OR_SKIP();
  if (!IsPostgres(0) || !IsPostgres(shards() - 1)) return;
  for (std::size_t shard = 0; shard < shards(); ++shard) {
    outside(shard).Run("create index of_note on readings (note)");
    outside(shard).Run(
        "create function look() returns trigger language plpgsql as $$ begin "
        "if new.note = 'own' then raise 'bad' using errcode = 'ZB001'; end if; "
        "if new.note = 'none' then raise 'bad'; end if; "
        // In PostgreSQL's words: the tests' user is above its policies.
        "if new.note = 'policy' then raise 'new row violates row-level "
        "security policy' using errcode = '42501'; end if; "
        "if new.note = 'right' then raise 'permission denied for table' "
        "using errcode = '42501'; end if; return new; end $$");
    outside(shard).Run(
        "create trigger looks before insert on readings "
        "for each row execute function look()");
  }
  std::vector<Reading::Row> rows = Readings(40);
  rows[3].note = "own";
  rows[17].note = "none";
  rows[25].note = "policy";
  // Cannot be compressed to what an index holds.
  rows[30].note.clear();
  std::uint64_t state = 1;
  while (rows[30].note.size() < 40'000) {
    state = state * 6364136223846793005 + 1442695040888963407;
    rows[30].note.push_back(static_cast<char>('!' + (state >> 33) % 90));
  }
  const auto report = LoadReadings(rows, {.on_refused = OnRefusedRow::kSkip});
  SHARD_ASSERT_OK(report);
  EXPECT_THAT(Where(*report),
              ElementsAre("row 4", "row 18", "row 26", "row 31"));
  EXPECT_EQ(Count(), 36);
  rows = Readings(50);
  rows.erase(rows.begin(), rows.begin() + 40);
  rows[5].note = "right";
  EXPECT_FALSE(LoadReadings(rows, {.on_refused = OnRefusedRow::kSkip}).ok());
  ExpectNothingIsLeft();
}

class LoadFamiliesTest : public LoadRefusalsTest {
 protected:
  bool OpenFamilies() {
    if (!OpenReadings()) return false;
    for (std::size_t i = 0; i < shards(); ++i) {
      outside(i).Run("drop table readings");
      outside(i).Run(
          "create table readings (id bigint primary key, place text not null, "
          "note text not null, ratio double precision, at text, "
          "parent bigint references readings (id))");
    }
    return true;
  }
};
INSTANTIATE_TEST_SUITE_P(Databases, LoadFamiliesTest,
                         ::testing::Values("S", "P", "SS", "PP", "SP"),
                         [](const auto& param) { return param.param; });

TEST_P(LoadFamiliesTest, ABadRowCostsNoneOfThoseThatReferToOthers) {
  if (!OpenFamilies()) GTEST_SKIP() << "needs PostgreSQL servers";
  std::vector<Reading::Row> rows = WithParents(Readings(40), 30);
  rows[35].parent = 1000;  // nobody
  const LoadOptions how{.on_refused = OnRefusedRow::kSkip};
  const auto report = LoadReadings(rows, how);
  SHARD_ASSERT_OK(report);
  EXPECT_THAT(Where(*report), ElementsAre("row 31", "row 36"));
  EXPECT_EQ(report->inserted, 38u);
  EXPECT_EQ(Count(), 38);
  ExpectNothingIsLeft();
}

TEST_P(LoadFamiliesTest, TheBadRowIsTheOneThatIsNamed) {
  if (!OpenFamilies()) GTEST_SKIP() << "needs PostgreSQL servers";
  EXPECT_THAT(LoadReadings(WithParents(Readings(40), 30), {}).status(),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("row 31")));
  EXPECT_EQ(Count(), 0);
  std::vector<Reading::Row> rows = WithParents(Readings(40), 30);
  rows[30].id = 31;
  rows[25].parent = 1000;
  EXPECT_THAT(LoadReadings(rows, {}).status().message(), HasSubstr("row 26"));
  EXPECT_EQ(Count(), 0);
  ExpectNothingIsLeft();
}

}  // namespace
}  // namespace shard::testing
