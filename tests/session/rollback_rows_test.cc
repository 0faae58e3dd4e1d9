// What a rollback makes of objects, and what they are fit for afterwards.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/entity.h"
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"
#include "shard/sql/statement.h"
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

class RollbackRowsTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (!IsSkipped()) Open<Counter>();
  }
  static std::shared_ptr<Counter> MakeCounter(std::string name,
                                              std::int64_t hits) {
    auto counter = std::make_shared<Counter>();
    counter->name = std::move(name);
    counter->hits = hits;
    return counter;
  }
  // With 1 hit, committed.
  static std::shared_ptr<Counter> Stored(ShardedSession& session,
                                         std::string name) {
    auto counter = MakeCounter(std::move(name), 1);
    SHARD_EXPECT_OK(session.Add(counter));
    SHARD_EXPECT_OK(session.Commit());
    return counter;
  }
  // Puts a row in under a key that no row has any more.
  static std::shared_ptr<Counter> Succeed(ShardedSession& session,
                                          std::int64_t id) {
    auto successor = MakeCounter("new", 2);
    successor->id = id;
    SHARD_EXPECT_OK(session.Add(successor));
    SHARD_EXPECT_OK(session.Flush());
    return successor;
  }
  // After a rollback: the key is the old row's, and nobody else's.
  static void ExpectIsBack(ShardedSession& session, std::int64_t id,
                           const std::shared_ptr<Counter>& counter,
                           const std::shared_ptr<Counter>& successor) {
    EXPECT_EQ(counter->object_state(), ObjectState::kPersistent);
    EXPECT_EQ(successor->object_state(), ObjectState::kTransient);
    EXPECT_EQ(counter->id.value(), id);
    SHARD_ASSERT_OK_AND_ASSIGN(const auto found, session.Get<Counter>(id));
    EXPECT_EQ(found, counter);
    EXPECT_EQ(counter->name.value(), "old");
  }
};

TEST_P(RollbackRowsTest, Row019RollbackRestoresExpressionAttributesToo) {
  ShardedSession session(options());
  const auto counter = Stored(session, "a");
  for (const bool flushed : {true, false}) {
    counter->name = "b";
    counter->hits = c.hits + 41;
    if (flushed) {
      SHARD_ASSERT_OK(session.Flush());
      EXPECT_EQ(counter->hits.value(), 42);
    }
    session.Rollback();
    EXPECT_EQ(counter->object_state(), ObjectState::kPersistent);
    log().Clear();
    EXPECT_EQ(counter->name.value(), "a");
    EXPECT_EQ(counter->hits.value(), 1);
    EXPECT_EQ(log().Count("SELECT"), 1);
    // Nothing of it is left to be written.
    SHARD_ASSERT_OK(session.Commit());
    EXPECT_EQ(log().Count("UPDATE"), 0);
    EXPECT_EQ(ReadNumber(home(), "select hits from counters"), 1);
  }
}

TEST_P(RollbackRowsTest, Row019NewObjectsBecomeTransient) {
  ShardedSession session(options());
  const auto flushed = MakeCounter("flushed", 1);
  const auto pending = MakeCounter("pending", 2);
  SHARD_ASSERT_OK(session.Add(flushed));
  SHARD_ASSERT_OK(session.Flush());
  flushed->hits = c.hits + 1;  // neither written
  SHARD_ASSERT_OK(session.Add(pending));
  session.Rollback();
  EXPECT_EQ(flushed->object_state(), ObjectState::kTransient);
  EXPECT_EQ(pending->object_state(), ObjectState::kTransient);
  EXPECT_EQ(flushed->name.value(), "flushed");
  EXPECT_EQ(pending->hits.value(), 2);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(home(), "counters"), 0);
  // They can be added again.
  SHARD_ASSERT_OK(session.Add(flushed));
  SHARD_ASSERT_OK(session.Add(pending));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(home(), "counters"), 2);
}

TEST_P(RollbackRowsTest, Row019DeletedObjectsComeBack) {
  ShardedSession session(options());
  const auto counter = Stored(session, "a");
  for (const bool flushed : {true, false}) {
    SHARD_ASSERT_OK(session.Delete(counter));
    if (flushed) {
      SHARD_ASSERT_OK(session.Flush());
    }
    session.Rollback();
    EXPECT_EQ(counter->object_state(), ObjectState::kPersistent);
    SHARD_ASSERT_OK(session.Commit());
    EXPECT_EQ(CountRows(home(), "counters"), 1);
  }
  EXPECT_EQ(counter->name.value(), "a");
}

// Whoever took the identity of another row in the transaction gives it back.

TEST_P(RollbackRowsTest, Row019ARowComesBackFromUnderItsSuccessor) {
  for (const bool deleted : {false, true}) {
    ShardedSession session(options());
    const auto counter = Stored(session, "old");
    const std::int64_t id = counter->id.value();
    SHARD_ASSERT_OK(session.Delete(counter));
    SHARD_ASSERT_OK(session.Flush());
    const auto successor = Succeed(session, id);
    if (deleted) {
      SHARD_ASSERT_OK(session.Delete(successor));
      SHARD_ASSERT_OK(session.Flush());
    }
    session.Rollback();
    ExpectIsBack(session, id, counter, successor);
  }
}

TEST_P(RollbackRowsTest, Row019AChangedKeyComesBackFromUnderANewRow) {
  ShardedSession session(options());
  const auto counter = Stored(session, "old");
  const std::int64_t id = counter->id.value();
  counter->id = id + 100;
  SHARD_ASSERT_OK(session.Flush());
  const auto successor = Succeed(session, id);
  session.Rollback();
  ExpectIsBack(session, id, counter, successor);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto other, session.Get<Counter>(id + 100));
  EXPECT_EQ(other, nullptr);
}

// A commit leaves alone what the one before has expired; not so what was
// loaded or assigned meanwhile, in whatever way.
TEST_P(RollbackRowsTest, EachCommitExpiresWhatCameSinceTheLast) {
  ShardedSession session(options());
  const auto counter = Stored(session, "a");
  const std::int64_t id = counter->id.value();
  const auto touches = std::vector<std::function<void()>>{
      [] {},
      [&] { EXPECT_EQ(counter->name.value(), "a"); },
      [&] { SHARD_EXPECT_OK(session.Get<Counter>(id)); },
      [&] { SHARD_EXPECT_OK(session.Scalars(Select<Counter>())); },
      [&] { SHARD_EXPECT_OK(session.Refresh(*counter, c.name)); },
      [&] { counter->name = "a"; },
      [&] { counter->name = c.name + ""; },
      [&] {
        counter->name = "b";
        session.Rollback();
      },
      [&] {
        counter->id = id + 1;
        SHARD_EXPECT_OK(session.Flush());
        session.Rollback();
      }};
  for (std::size_t i = 0; i < touches.size(); ++i) {
    SCOPED_TRACE(i);
    touches[i]();
    SHARD_ASSERT_OK(session.Commit());
    EXPECT_EQ(counter->id.value(), id);
    EXPECT_EQ(counter->name.state(), AttributeState::kExpired);
    EXPECT_EQ(counter->hits.state(), AttributeState::kExpired);
  }
  log().Clear();
  EXPECT_EQ(counter->hits.value(), 1);
  EXPECT_EQ(counter->name.value(), "a");
  EXPECT_EQ(log().Count("SELECT"), 1);
}

// Also what was assigned after the object had been changed and expired.
TEST_P(RollbackRowsTest, Row019AssignmentsAfterAnExpiryEndToo) {
  ShardedSession session(options());
  const auto counter = Stored(session, "a");
  for (const bool expression : {false, true}) {
    for (const bool rolls_back : {false, true}) {
      counter->name = "b";
      SHARD_ASSERT_OK(session.Expire(*counter));
      if (expression) {
        counter->name = c.name + "c";
      } else {
        counter->name = "c";
      }
      if (rolls_back) {
        session.Rollback();
      } else {
        SHARD_ASSERT_OK(session.Expire(*counter));
      }
      EXPECT_EQ(counter->name.value(), "a");
      counter->hits = counter->hits.value() + 1;
      SHARD_ASSERT_OK(session.Commit());
      EXPECT_EQ(
          ReadNumber(home(), "select count(*) from counters where name = 'a'"),
          1);
    }
  }
}

TEST_P(RollbackRowsTest, ValuesThatAStatementWroteDoNotOutliveClose) {
  ShardedSession session(options());
  const auto counter = Stored(session, "a");
  SHARD_ASSERT_OK(session.Execute(
      Update<Counter>().Set(c.hits = 42).Where(c.region == "eu")));
  EXPECT_EQ(counter->hits.value(), 42);
  session.Close();
  EXPECT_EQ(counter->hits.state(), AttributeState::kExpired);
  EXPECT_EQ(ReadNumber(home(), "select hits from counters"), 1);
}

// Also where they came into objects that were not here when it ran, and
// whatever wrote them.
TEST_P(RollbackRowsTest, ValuesReadAfterAStatementWroteDoNotOutliveClose) {
  RunSql(home(),
         "insert into counters (id, region, name, hits) values "
         "(1, 'eu', 'a', 1)");
  const sql::Statement by_class =
      Update<Counter>().Set(c.hits = 42).Where(c.region == "eu");
  const sql::Statement by_text =
      sql::TextSql("update counters set hits = 42 where id = :id");
  for (const bool text : {false, true}) {
    for (const bool many : {false, true}) {
      SCOPED_TRACE(text + 2 * many);
      std::vector<sql::Parameters> sets(1);
      if (text) sets.front() = {{"id", 1}};
      const sql::Statement& statement = text ? by_text : by_class;
      ShardedSession session(options());
      SHARD_ASSERT_OK(
          many ? session.Execute(statement, sets, AtHome<Counter>()).status()
               : session.Execute(statement, sets.front(), AtHome<Counter>())
                     .status());
      SHARD_ASSERT_OK_AND_ASSIGN(const auto counter, session.Get<Counter>(1));
      EXPECT_EQ(counter->hits.value(), 42);
      session.Close();
      EXPECT_EQ(counter->hits.state(), AttributeState::kExpired);
      SHARD_ASSERT_OK_AND_ASSIGN(const auto again, session.Get<Counter>(1));
      EXPECT_EQ(again->hits.value(), 1);
    }
  }
}

// What is not known to have been written stays readable.
TEST_P(RollbackRowsTest, TextThatChangedNothingLeavesObjectsReadable) {
  RunSql(home(),
         "insert into counters (id, region, name, hits) values "
         "(1, 'eu', 'a', 1)");
  for (const char* text : {"select hits from counters",
                           "update counters set hits = 42 where id = 7"}) {
    ShardedSession session(options());
    SHARD_ASSERT_OK_AND_ASSIGN(const auto counter, session.Get<Counter>(1));
    SHARD_ASSERT_OK(session.Execute(text, {}, AtHome<Counter>()));
    session.Close();
    EXPECT_EQ(counter->hits.state(), AttributeState::kLoaded);
  }
  // What was committed, too.
  ShardedSession session(options());
  SHARD_ASSERT_OK(
      session.Execute("update counters set hits = 42", {}, AtHome<Counter>()));
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto counter, session.Get<Counter>(1));
  session.Close();
  EXPECT_EQ(counter->hits.value(), 42);
}

// A shard that was chosen for a row that is gone is chosen again.
TEST_P(RollbackRowsTest, Row098TheShardIsChosenAgainAfterARollback) {
  for (const bool nested : {false, true}) {
    ShardedSession session(options());
    if (nested) {
      SHARD_ASSERT_OK(session.BeginNested());
    }
    const auto counter = MakeCounter("moved", 1);
    counter->region = "eu";
    SHARD_ASSERT_OK(session.Add(counter));
    SHARD_ASSERT_OK(session.Flush());
    EXPECT_EQ(counter->shard().is_none(), !is_sharded());
    if (nested) {
      SHARD_ASSERT_OK(session.RollbackNested());
    } else {
      session.Rollback();
    }
    counter->region = "us";
    SHARD_ASSERT_OK(session.Add(counter));
    SHARD_ASSERT_OK(session.Commit());
    if (!is_sharded()) continue;
    EXPECT_EQ(counter->shard().name(), "s1");
    EXPECT_EQ(CountRows(home(), "counters"), 0);
  }
  EXPECT_EQ(CountRows(is_sharded() ? shard("s1") : home(), "counters"), 2);
}

SHARD_ON_SESSIONS(RollbackRowsTest);

}  // namespace
}  // namespace shard::testing
