// SQL expressions in a flush: what an assigned expression becomes, and when its
// value is read back.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/entity.h"
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"
#include "shard/sql/functions.h"
#include "shard/tests/session/session_test.h"

namespace elsewhere {

// A type of a user's, in a namespace of its own, that can become SQL.
struct Product {
  using value_type = std::int64_t;
  std::int64_t a, b;
};
shard::sql::Expression ToExpression(const Product& product) {
  return shard::sql::Binary(shard::sql::BinaryOp::kMultiply,
                            shard::sql::Literal(shard::sql::Value(product.a)),
                            shard::sql::Literal(shard::sql::Value(product.b)));
}

}  // namespace elsewhere

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

template <class F>
struct CounterFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "name"> name;
  Field<F, std::int64_t, "hits", ClientDefault<0>> hits;
  Field<F, std::optional<bool>, "open"> open;
};
struct Counter : Entity<Counter, CounterFields, "counters"> {};
constexpr auto& c = Counter::c;

class ExpressionFlushTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (!IsSkipped()) Open<Counter>();
  }
  // A batch of n runs is a statement of the log in SQLite, n in PostgreSQL.
  std::size_t Batch(std::size_t n) const { return is_postgresql() ? n : 1; }
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

TEST_P(ExpressionFlushTest, Row001FunctionsTextAndSubqueries) {
  ShardedSession session(options());
  const auto counter = Stored(session, "Visits", -41);
  Stored(session, "most", 99);
  SHARD_ASSERT_OK(session.Commit());
  log().Clear();
  counter->name = Upper(c.name);
  counter->hits = Abs(c.hits);
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("UPDATE"), 1u);
  EXPECT_EQ(counter->name.value(), "VISITS");
  EXPECT_EQ(counter->hits.value(), 41);
  counter->hits = SqlText<std::int64_t>("hits * 2");
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(counter->hits.value(), 82);
  counter->hits = Subquery(Select(Max(c.hits)).Where(c.region == "eu"));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(counter->hits.value(), 99);
  EXPECT_EQ(ReadText(home(), "select name from counters where id = 1"),
            "VISITS");
}

TEST_P(ExpressionFlushTest, Row001SubqueriesSeeTheRowsOfOneDatabase) {
  ShardedSession session(options());
  const auto counter = Stored(session, "visits", 1);
  SHARD_ASSERT_OK(session.Commit());
  log().Clear();
  const Expr<std::int64_t> elsewhere[] = {
      Subquery(Select(Max(c.hits)).Where(c.region == "us")),
      Subquery(Select(Max(c.hits)).From<Counter>())};
  for (const Expr<std::int64_t>& most : elsewhere) {
    counter->hits = Coalesce(most, 7);
    if (!is_sharded()) {
      SHARD_ASSERT_OK(session.Flush());
      continue;
    }
    EXPECT_THAT(session.Flush(),
                StatusIs(absl::StatusCode::kUnimplemented,
                         AllOf(HasSubstr("Counter"), HasSubstr("'s0'"))));
    const auto added = std::make_shared<Counter>();
    added->name = "new";
    added->hits = Coalesce(most, 7);
    counter->hits = 1;
    SHARD_ASSERT_OK(session.Add(added));
    EXPECT_THAT(session.Flush(), HasCode(absl::StatusCode::kUnimplemented));
    EXPECT_EQ(log().CountAll(), 0u);
    SHARD_ASSERT_OK(session.Expunge(*added));
  }
  SHARD_ASSERT_OK(session.Commit());
}

TEST_P(ExpressionFlushTest, Row002ExpressionsExpireAndLiteralsStayLoaded) {
  ShardedSession session(options());
  const auto counter = Stored(session, "visits", 41);
  counter->hits = c.hits + 1;
  counter->name = "calls";
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(counter->hits.state(), AttributeState::kExpired);
  EXPECT_EQ(counter->name.value(), "calls");
  EXPECT_EQ(log().Count("SELECT"), 0u);
  EXPECT_EQ(counter->hits.value(), 42);
  EXPECT_EQ(counter->hits.value(), 42);
  EXPECT_EQ(log().Count("SELECT"), 1u);
}

TEST_P(ExpressionFlushTest, Row003InsertRendersTheExpressionAndBringsItBack) {
  ShardedSession session(options());
  const auto counter = std::make_shared<Counter>();
  counter->name = "visits";
  counter->hits = SqlText<std::int64_t>("20 + 22");
  SHARD_ASSERT_OK(session.Add(counter));
  SHARD_ASSERT_OK(session.Flush());
  const auto inserts = log().Of("INSERT");
  ASSERT_EQ(inserts.size(), 1u);
  EXPECT_THAT(inserts[0].statement,
              AllOf(HasSubstr("20 + 22"), HasSubstr("RETURNING")));
  EXPECT_EQ(counter->hits.value(), 42);
  EXPECT_EQ(log().CountAll(), 1u);
}

TEST_P(ExpressionFlushTest, Row004AnyTypeThatConvertsToAnExpressionIsTaken) {
  ShardedSession session(options());
  const auto counter = Stored(session, "visits", 1);
  counter->hits = elsewhere::Product{6, 7};
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(counter->hits.value(), 42);
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto found,
      session.Scalars(Select<Counter>().Where(
          c.region == HomeRegion() && c.hits == elsewhere::Product{21, 2})));
  EXPECT_EQ(found.size(), 1u);
}

TEST_P(ExpressionFlushTest, Row005ExpressionsAreNeverComparedWithTheOldValue) {
  ShardedSession session(options());
  const auto counter = Stored(session, "visits", 1);
  counter->hits = c.hits + 0;
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("UPDATE"), 1u);
  EXPECT_EQ(counter->open.value(), std::nullopt);
  counter->open = SqlText<bool>("1 = 0");
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("UPDATE"), 2u);
  EXPECT_EQ(counter->open.value(), false);
  counter->open = Null();
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(counter->open.value(), std::nullopt);
  counter->open = Null();
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("UPDATE"), 4u);
}

TEST_P(ExpressionFlushTest,
       Row006ExpressionsRunAloneAndTheirNeighboursTogether) {
  ShardedSession session(options());
  std::vector<std::shared_ptr<Counter>> counters;
  for (int i = 0; i < 6; ++i) {
    const auto counter = std::make_shared<Counter>();
    counter->name = "n" + std::to_string(i);
    if (i % 2 == 0) {
      counter->hits = SqlText<std::int64_t>("1 + 1");
    } else {
      counter->hits = 2;
    }
    counters.push_back(counter);
  }
  SHARD_ASSERT_OK(session.AddAll(counters));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("INSERT"), 3u + 1u);
  log().Clear();
  for (int i = 0; i < 6; ++i) {
    if (i % 2 == 0) {
      counters[i]->hits = c.hits + 40;
    } else {
      counters[i]->hits = 42;
    }
  }
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(log().Count("UPDATE"), 3u + Batch(3));
  EXPECT_EQ(ReadNumber(home(), "select count(*) from counters where hits = 42"),
            6);
}

TEST_P(ExpressionFlushTest, Row007EachExpressionUpdateMustMeetItsRow) {
  ShardedSession session(options());
  const auto kept = Stored(session, "kept", 1);
  const auto lost = Stored(session, "lost", 1);
  SHARD_ASSERT_OK(session.Commit());
  RunSql(home(), "delete from counters where name = 'lost'");
  kept->hits = c.hits + 1;
  lost->hits = c.hits + 1;
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kAborted,
                       AllOf(HasSubstr("UPDATE of"), HasSubstr("Counter 2"),
                             HasSubstr("0 rows"), HasSubstr("s0"))));
  session.Rollback();
  EXPECT_EQ(ReadNumber(home(), "select sum(hits) from counters"), 1);
}

TEST_P(ExpressionFlushTest, Row008ExpressionAsKeyOfAnInsert) {
  ShardedSession session(options());
  const auto counter = std::make_shared<Counter>();
  counter->id = SqlText<std::int64_t>("500 + 5");
  counter->name = "visits";
  SHARD_ASSERT_OK(session.Add(counter));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(counter->id.value(), 505);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, session.Get<Counter>(505));
  EXPECT_EQ(found, counter);
  session.Rollback();
  EXPECT_EQ(counter->id.state(), AttributeState::kUnset);
}

TEST_P(ExpressionFlushTest, Row009ExpressionAsNewKeyOfAnUpdate) {
  ShardedSession session(options());
  const auto counter = Stored(session, "visits", 41);
  SHARD_ASSERT_OK(session.Commit());
  const std::int64_t old = counter->id.value();
  log().Clear();
  counter->id = c.id + 3;
  counter->hits = 42;
  SHARD_ASSERT_OK(session.Flush());
  const auto updates = log().Of("UPDATE");
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_THAT(updates[0].statement, HasSubstr("RETURNING \"id\""));
  EXPECT_EQ(counter->id.value(), old + 3);
  EXPECT_EQ(counter->hits.value(), 42);
  EXPECT_EQ(log().CountAll(), 1u);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, session.Get<Counter>(old + 3));
  EXPECT_EQ(found, counter);
  counter->name = "calls";
  SHARD_ASSERT_OK(session.Flush());
  session.Rollback();
  EXPECT_EQ(counter->id.value(), old);
  EXPECT_EQ(counter->name.value(), "visits");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto again, session.Get<Counter>(old));
  EXPECT_EQ(again, counter);
}

TEST_P(ExpressionFlushTest, Row017InsertThatYieldsNoRow) {
  RunSql(
      home(),
      is_sqlite()
          ? "create trigger swallow before insert on counters when new.name "
            "= 'ghost' begin select raise(ignore); end"
          : "create function swallow() returns trigger language plpgsql as "
            "$$ begin if new.name = 'ghost' then return null; end if; return "
            "new; end $$; create trigger swallow before insert on counters "
            "for each row execute function swallow()");
  for (const int others : {0, 2}) {
    for (const bool with_sql : {false, true}) {
      ShardedSession session(options());
      std::vector<std::shared_ptr<Counter>> counters;
      for (int i = 0; i <= others; ++i) {
        counters.push_back(std::make_shared<Counter>());
        counters.back()->name = i == 0 ? "ghost" : "real";
        if (with_sql) counters.back()->hits = SqlText<std::int64_t>("1");
      }
      SHARD_ASSERT_OK(session.AddAll(counters));
      EXPECT_THAT(
          session.Flush(),
          StatusIs(absl::StatusCode::kFailedPrecondition,
                   AllOf(HasSubstr("trigger or rule"), HasSubstr("ounter"))));
      session.Rollback();
      EXPECT_EQ(counters[0]->object_state(), ObjectState::kTransient);
      EXPECT_EQ(CountRows(home(), "counters"), 0);
    }
  }
}

TEST_P(ExpressionFlushTest, Row018RowsOfOneShapeArePagesWithKeysInOrder) {
  ShardedSession session(options());
  std::vector<std::shared_ptr<Counter>> counters;
  for (int i = 0; i < 2500; ++i) {
    counters.push_back(std::make_shared<Counter>());
    counters.back()->name = "n" + std::to_string(i);
    counters.back()->hits = i;
  }
  SHARD_ASSERT_OK(session.AddAll(counters));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("INSERT"), is_postgresql() ? 1u : 40u);
  for (int i = 1; i < 2500; ++i) {
    ASSERT_EQ(counters[i]->id.value(), counters[i - 1]->id.value() + 1);
  }
  SHARD_ASSERT_OK(session.Commit());
  const std::string first = std::to_string(counters[0]->id.value());
  EXPECT_EQ(ReadNumber(home(),
                       "select count(*) from counters where id = hits "
                       "+ " +
                           first),
            2500);
}

TEST_P(ExpressionFlushTest, Row020ExpressionsRunOnTheRowsOwnShard) {
  ShardedSession session(options());
  const auto counter = std::make_shared<Counter>();
  counter->region = "us";
  counter->name = "visits";
  counter->hits = SqlText<std::int64_t>("40 + 1");
  SHARD_ASSERT_OK(session.Add(counter));
  SHARD_ASSERT_OK(session.Commit());
  const std::string owner = is_sharded() ? "s1" : "s0";
  EXPECT_EQ(log().Count("INSERT", owner), 1u);
  counter->hits = c.hits + 1;
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("UPDATE", owner), 1u);
  EXPECT_EQ(counter->hits.value(), 42);
  EXPECT_EQ(log().Count("SELECT", owner), 1u);
  EXPECT_EQ(log().CountAll(), 3u);
  if (!is_sharded()) return;
  counter->region = SqlText<std::string>("'eu'");
  EXPECT_THAT(session.Flush(), StatusIs(absl::StatusCode::kInvalidArgument,
                                        HasSubstr("Counter.region")));
  EXPECT_EQ(log().CountAll(), 3u);
}

SHARD_ON_SESSIONS(ExpressionFlushTest);

}  // namespace
}  // namespace shard::testing
