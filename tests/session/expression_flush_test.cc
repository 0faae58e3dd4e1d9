// SQL expressions in a flush: what an assigned expression becomes, and when its
// value is read back.
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/entity.h"
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {
namespace {

template <class F>
struct CounterFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "name"> name;
  Field<F, std::int64_t, "hits", ClientDefault<0>> hits;
};
struct Counter : Entity<Counter, CounterFields, "counters"> {};
constexpr auto& c = Counter::c;

class ExpressionFlushTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (!IsSkipped()) Open<Counter>();
  }
  std::shared_ptr<Counter> Stored(ShardedSession& session,
                                  const std::string& name, std::int64_t hits) {
    auto counter = std::make_shared<Counter>();
    counter->name = name;
    counter->hits = hits;
    EXPECT_THAT(session.Add(counter), IsOk());
    EXPECT_THAT(session.Flush(), IsOk());
    log().Clear();
    return counter;
  }
};

TEST_P(ExpressionFlushTest, Row001UpdateIsEvaluatedByTheDatabase) {
  ShardedSession session(options());
  const auto counter = Stored(session, "visits", 41);
  SHARD_ASSERT_OK(session.Commit());
  RunSql(home(), "update counters set hits = 99");
  log().Clear();

  counter->hits = c.hits + 1;
  SHARD_ASSERT_OK(session.Commit());
  const auto updates = log().Of("UPDATE");
  ASSERT_EQ(updates.size(), 1);
  EXPECT_TRUE(absl::StrContains(updates[0].statement, "\"hits\" + "));
  EXPECT_EQ(updates[0].parameters, 2);  // the 1, and the key
  EXPECT_EQ(log().Count("SELECT"), 0);
  EXPECT_EQ(ReadNumber(home(), "select hits from counters"), 100);
}

SHARD_ON_SESSIONS(ExpressionFlushTest);

}  // namespace
}  // namespace shard::testing
