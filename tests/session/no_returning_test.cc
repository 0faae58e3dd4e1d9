// Classes that are written without RETURNING: what is read back, and views.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/entity.h"
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

template <class F>
struct ThingFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "name"> name;
  Field<F, std::optional<std::string>, "body", ServerDefault<"'made'">,
        Deferred>
      body;
};
struct Thing : Entity<Thing, ThingFields, "things", NoReturning> {};
struct ThingOn : Entity<ThingOn, ThingFields, "things_on", NoReturning,
                        EagerDefaults<EagerDefaultsMode::kOn>> {};

template <class F>
struct CountedFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "name"> name;
  Field<F, std::int64_t, "version", Version> version;
};
struct Counted : Entity<Counted, CountedFields, "counted", NoReturning> {};

class NoReturningTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (!IsSkipped()) Open<Thing, ThingOn, Counted>();
  }
  template <class E>
  std::shared_ptr<E> Made(std::int64_t id, std::string name) {
    auto object = std::make_shared<E>();
    object->id = id;
    object->name = std::move(name);
    return object;
  }
  // The table becomes "base", and under its name stands a view whose triggers
  // write to that.
  void BecomeView(const std::string& table, const std::string& last) {
    const std::string insert = absl::StrCat(
        "insert into base (id, region, name, ", last,
        ") values (new.id, new.region, new.name, new.", last, ");");
    const std::string update = absl::StrCat(
        "update base set id = new.id, region = new.region, name = new.name, ",
        last, " = new.", last, " where id = old.id;");
    const std::string remove = "delete from base where id = old.id;";
    std::string sql =
        absl::StrCat("alter table ", table, " rename to base; ", "create view ",
                     table, " as select * from base; ");
    const std::string* const actions[] = {&insert, &update, &remove};
    const char* const verbs[] = {"insert", "update", "delete"};
    for (int i = 0; i < 3; ++i) {
      const std::string on =
          absl::StrCat("create trigger on_", verbs[i], " instead of ", verbs[i],
                       " on ", table, " for each row ");
      if (is_sqlite()) {
        absl::StrAppend(&sql, on, "begin ", *actions[i], " end; ");
      } else {
        absl::StrAppend(&sql, "create function do_", verbs[i],
                        "() returns trigger language plpgsql as $$ begin ",
                        *actions[i], " return ", i == 2 ? "old" : "new",
                        "; end $$; ", on, "execute function do_", verbs[i],
                        "(); ");
      }
    }
    RunSql(home(), sql);
  }
};

TEST_P(NoReturningTest, Row013OnReadsDeferredFieldsBackThatWereMade) {
  ShardedSession session(options());
  const auto thing = Made<ThingOn>(1, "a");
  SHARD_ASSERT_OK(session.Add(thing));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("INSERT"), 1u);
  EXPECT_EQ(log().Count("SELECT"), 1u);
  EXPECT_EQ(thing->body.value(), "made");
  EXPECT_EQ(log().CountAll(), 2u);
  thing->body = SqlText<std::optional<std::string>>("'made again'");
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(thing->body.state(), AttributeState::kLoaded);
  EXPECT_EQ(thing->body.value(), "made again");
  // What reads all of it is another statement.
  session.ExpireAll();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto same,
                             session.Get<ThingOn>(1, AtHome<ThingOn>()));
  EXPECT_EQ(same, thing);
  EXPECT_EQ(same->name.value(), "a");
  EXPECT_EQ(same->body.state(), AttributeState::kExpired);
  // A deferred field that was given is not read.
  const auto given = Made<ThingOn>(2, "b");
  given->body = "given";
  SHARD_ASSERT_OK(session.Add(given));
  log().Clear();
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().CountAll(), 1u);
}

TEST_P(NoReturningTest, RowThatIsGoneWhenReadBackPoisons) {
  RunSql(home(),
         is_sqlite()
             ? "create trigger drop_it after insert on things_on begin delete "
               "from things_on where id = new.id; end"
             : "create function drop_it() returns trigger language plpgsql as "
               "$$ begin delete from things_on where id = new.id; return null; "
               "end $$; create trigger drop_it after insert on things_on for "
               "each row execute function drop_it()");
  ShardedSession session(options());
  const auto other = Made<Thing>(1, "other");
  const auto thing = Made<ThingOn>(1, "a");
  SHARD_ASSERT_OK(session.Add(other));
  SHARD_ASSERT_OK(session.Add(thing));
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("ThingOn 1"),
                             HasSubstr("trigger or rule"), HasSubstr("s0"))));
  log().Clear();
  EXPECT_THAT(session.Flush(), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(session.Commit(), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(log().CountAll(), 0u);
  session.Rollback();
  EXPECT_EQ(thing->object_state(), ObjectState::kTransient);
  EXPECT_EQ(other->object_state(), ObjectState::kTransient);
  EXPECT_EQ(CountRows(home(), "things"), 0);
}

TEST_P(NoReturningTest, Row016ViewsAreWrittenThroughTheirTriggers) {
  BecomeView("things", "body");
  ShardedSession session(options());
  std::vector<std::shared_ptr<Thing>> things;
  for (int i = 1; i <= 100; ++i) {
    things.push_back(Made<Thing>(i, "n"));
    things.back()->body = "b";
  }
  SHARD_ASSERT_OK(session.AddAll(things));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(home(), "base"), 100);
  for (int i = 0; i < 98; ++i) things[i]->name = absl::StrCat("m", i);
  things[98]->name = SqlText<std::string>("name || '!'");
  SHARD_ASSERT_OK(session.Delete(things[99]));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(home(), "base"), 99);
  EXPECT_EQ(things[98]->name.value(), "n!");
  EXPECT_EQ(ReadText(home(), "select name from base where id = 99"), "n!");
  for (const int i : {0, 1, 64, 97}) {
    EXPECT_EQ(ReadText(home(), absl::StrCat("select name from base where id = ",
                                            i + 1)),
              absl::StrCat("m", i));
  }
}

TEST_P(NoReturningTest, Row016ViewsOfSqliteDoNotTellThatARowIsGone) {
  BecomeView("things", "body");
  ShardedSession session(options());
  const auto thing = Made<Thing>(1, "a");
  SHARD_ASSERT_OK(session.Add(thing));
  SHARD_ASSERT_OK(session.Commit());
  RunSql(home(), "delete from base");
  thing->name = "b";
  EXPECT_THAT(session.Flush(),
              HasCode(is_sqlite() ? absl::StatusCode::kOk
                                  : absl::StatusCode::kAborted));
}

TEST_P(NoReturningTest, Row016TablesStillDo) {
  ShardedSession session(options());
  const auto thing = Made<Thing>(1, "a");
  SHARD_ASSERT_OK(session.Add(thing));
  SHARD_ASSERT_OK(session.Commit());
  RunSql(home(), "delete from things");
  thing->name = "b";
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("Thing 1")));
  session.Rollback();
  SHARD_ASSERT_OK(session.Delete(thing));
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("Thing 1")));
}

TEST_P(NoReturningTest, ViewsOfSqliteCannotKeepVersions) {
  BecomeView("counted", "version");
  ShardedSession session(options());
  const auto counted = Made<Counted>(1, "a");
  SHARD_ASSERT_OK(session.Add(counted));
  SHARD_ASSERT_OK(session.Commit());
  counted->name = "b";
  const absl::Status flushed = session.Flush();
  if (is_postgresql()) {
    SHARD_EXPECT_OK(flushed);
    return;
  }
  EXPECT_THAT(flushed,
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("UPDATE of"), HasSubstr("Counted"),
                             HasSubstr("view"), HasSubstr("s0"))));
  EXPECT_THAT(session.Commit(), HasCode(absl::StatusCode::kFailedPrecondition));
}

SHARD_ON_SESSIONS(NoReturningTest);

}  // namespace
}  // namespace shard::testing
