// Rows read one by one: objects, structs, and how much memory that takes.
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <class F>
struct EventFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region"> region;
  Field<F, std::optional<std::string>, "payload", Deferred> payload;
  Field<F, std::optional<double>, "weight"> weight;
};
struct Event : Entity<Event, EventFields, "events"> {};
constexpr auto& c = Event::c;

class StreamTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (!IsSkipped()) Open<Event>();
  }
  // Events from 1 to `count` at home.
  void FillEvents(std::int64_t count) {
    const std::string numbers =
        is_postgresql()
            ? "generate_series(1, " + std::to_string(count) + ") as n(i)"
            : "(with recursive m(i) as (select 1 union all select i + 1 from m "
              "where i < " +
                  std::to_string(count) + ") select i from m) as n";
    RunSql(home(),
           "insert into events (id, region, payload, weight) "
           "select i, 'eu', 'payload of the event', i / 2.0 from " +
               numbers);
  }
};

TEST_P(StreamTest, GivesTheObjectsOneByOne) {
  FillEvents(1200);
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto held, session.Get<Event>(700));
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto events, session.Stream(Select<Event>().OrderBy(Desc(c.id))));
  std::int64_t expected = 1200;
  std::set<std::shared_ptr<Event>> some;
  while (true) {
    SHARD_ASSERT_OK_AND_ASSIGN(const auto event, events.Next());
    if (event == nullptr) break;
    EXPECT_EQ(event->id.value(), expected);
    EXPECT_EQ(event->weight.value(), expected / 2.0);
    EXPECT_EQ(event == held, expected == 700);
    if (expected % 100 == 0) some.insert(event);
    --expected;
  }
  EXPECT_EQ(expected, 0);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto behind, events.Next());
  EXPECT_EQ(behind, nullptr);
  EXPECT_EQ(log().Count("SELECT"), places());
  EXPECT_EQ(some.size(), 12u);
}

TEST_P(StreamTest, OtherWorkBetweenTheRows) {
  FillEvents(1100);
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(auto events, session.Stream(Select<Event>()));
  std::int64_t sum = 0;
  for (int i = 0; i < 1100; ++i) {
    SHARD_ASSERT_OK_AND_ASSIGN(const auto event, events.Next());
    ASSERT_NE(event, nullptr);
    sum += event->id.value();
    if (i == 300) {
      EXPECT_EQ(session.Scalars(Select(c.id).Where(c.id <= 7)).value().size(),
                7u);
      EXPECT_EQ(event->payload.value(), "payload of the event");
    }
  }
  EXPECT_EQ(sum, 1100 * 1101 / 2);
}

TEST_P(StreamTest, EndsWithItsTransaction) {
  FillEvents(1100);
  auto session = std::make_unique<ShardedSession>(options());
  SHARD_ASSERT_OK_AND_ASSIGN(auto events, session->Stream(Select<Event>()));
  SHARD_ASSERT_OK_AND_ASSIGN(auto rows, session->StreamRows(Select<Event>()));
  SHARD_ASSERT_OK(events.Next());
  SHARD_ASSERT_OK(rows.Next());
  SHARD_ASSERT_OK(session->Commit());
  EXPECT_THAT(events.Next(), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(rows.All(), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(rows.Next(), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(rows.All(), HasCode(absl::StatusCode::kFailedPrecondition));
  SHARD_ASSERT_OK_AND_ASSIGN(events, session->Stream(Select<Event>()));
  SHARD_ASSERT_OK(events.Next());
  session.reset();
  EXPECT_THAT(events.Next(), HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_P(StreamTest, LimitAndOffset) {
  FillEvents(1300);
  ShardedSession session(options());
  const auto count = [&](TypedSelect<Event> select) {
    return session.Rows(select).value().size();
  };
  EXPECT_EQ(count(Select<Event>().Limit(700)), 700u);
  EXPECT_EQ(count(Select<Event>().Limit(700).Offset(1000)), 300u);
  EXPECT_EQ(count(Select<Event>().OrderBy(c.id).Limit(700).Offset(2)), 700u);
  EXPECT_EQ(count(Select<Event>().Limit(0)), 0u);
}

TEST_P(StreamTest, RowsArePlainStructs) {
  FillEvents(600);
  RunSql(home(),
         "update events set weight = null, payload = null where id = 2");
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(
      const std::vector<Event::Row> rows,
      session.Rows(Select<Event>().Where(c.id <= 3).OrderBy(c.id)));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].id, 1);
  EXPECT_EQ(rows[0].region, "eu");
  EXPECT_EQ(rows[0].payload, "payload of the event");  // deferred, but here
  EXPECT_EQ(rows[0].weight, 0.5);
  EXPECT_EQ(rows[1].weight, std::nullopt);
  EXPECT_EQ(rows[1].payload, std::nullopt);
  SHARD_ASSERT_OK_AND_ASSIGN(auto stream,
                             session.StreamRows(Select<Event>().OrderBy(c.id)));
  std::int64_t expected = 0;
  while (true) {
    SHARD_ASSERT_OK_AND_ASSIGN(const Event::Row* row, stream.Next());
    if (row == nullptr) break;
    ++expected;
    EXPECT_EQ(row->id, expected);
    EXPECT_EQ(row->weight.has_value(), expected != 2);
  }
  EXPECT_EQ(expected, 600);
}

TEST_P(StreamTest, TuplesHaveTheTypesOfTheirColumns) {
  FillEvents(700);
  RunSql(home(), "update events set weight = null where id = 2");
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto rows, session.Tuples(Select(c.weight, c.id).OrderBy(c.id)));
  static_assert(std::is_same_v<
                decltype(rows),
                const std::vector<std::tuple<std::optional<double>, int64_t>>>);
  ASSERT_EQ(rows.size(), 700u);
  EXPECT_EQ(rows[0], std::make_tuple(0.5, 1));
  EXPECT_EQ(rows[1], std::make_tuple(std::nullopt, 2));
}

TEST_P(StreamTest, RowsSeeTheSessionsOwnChanges) {
  FillEvents(3);
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto event, session.Get<Event>(2));
  event->weight = 77.0;
  SHARD_ASSERT_OK_AND_ASSIGN(const auto rows,
                             session.Rows(Select<Event>().Where(c.id == 2)));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].weight, 77.0);
}

template <class F>
struct StrictFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region"> region;
  Field<F, double, "weight"> weight;
};
struct StrictEvent : Entity<StrictEvent, StrictFields, "events"> {};

TEST_P(StreamTest, WhatARowCannotTakeIsNamed) {
  if (is_sharded()) GTEST_SKIP() << "its class has no sharding rule";
  FillEvents(3);
  RunSql(home(), "update events set weight = null where id = 2");
  ShardedSession session(options());
  EXPECT_THAT(
      session.Rows(Select<StrictEvent>()),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("StrictEvent.weight"), HasSubstr("NULL"))));
}

std::int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t pages = 0, resident = 0;
  statm >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

TEST_P(StreamTest, MemoryDoesNotGrowWithTheRows) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer keeps what was freed for a while";
#endif
  // Fewer where a million takes long.
  const std::int64_t all = GetParam() == "sqlite" ? 1'000'000 : 300'000;
  FillEvents(all);
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(auto events, session.Stream(Select<Event>()));
  std::int64_t count = 0, sum = 0, before = 0;
  while (true) {
    SHARD_ASSERT_OK_AND_ASSIGN(const auto event, events.Next());
    if (event == nullptr) break;
    sum += event->id.value();
    if (++count == 20'000) before = ResidentBytes();
  }
  EXPECT_EQ(count, all);
  EXPECT_EQ(sum, all * (all + 1) / 2);
  // All objects at once would take 100 MB and more.
  EXPECT_LT(ResidentBytes() - before, 8 << 20);
}

SHARD_ON_SESSIONS(StreamTest);

}  // namespace
}  // namespace shard::testing
