// Versions of rows: no change is lost to another transaction's.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
using ::testing::Not;

// Counted from 1.
template <class F>
struct PageFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "title"> title;
  Field<F, std::int64_t, "reads", ClientDefault<0>> reads;
  Field<F, std::int32_t, "version", Version> version;
};
struct Page : Entity<Page, PageFields, "pages"> {};
constexpr auto& c = Page::c;

// Made by functions: of nothing, and of the version before.
Timestamp Tick() {
  static std::int64_t microseconds = 1'000'000;
  return Timestamp{microseconds += 1'000'000};
}
std::string Longer(const std::optional<std::string>& old) {
  return old.has_value() ? *old + "+" : "v";
}
template <class F>
struct TickedFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "title"> title;
  Field<F, Timestamp, "changed", VersionBy<&Tick>> changed;
};
struct Ticked : Entity<Ticked, TickedFields, "ticked"> {};
template <class F>
struct GrownFields {
  Field<F, std::string, "tag", VersionBy<&Longer>> tag;
  Field<F, std::string, "name", PrimaryKey> name;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "title"> title;
};
struct Grown : Entity<Grown, GrownFields, "grown"> {};

// Made by the database: by SQL, and by triggers.
Expr<std::int64_t> TenMore() {
  return SqlText<std::int64_t>("\"version\" + 10");
}
template <class F>
struct ServedFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "title"> title;
  Field<F, std::int64_t, "version", ServerVersion, ServerDefault<"1">,
        OnUpdate<&TenMore>>
      version;
};
struct Served : Entity<Served, ServedFields, "served"> {};
template <class F>
struct TriggeredFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "title"> title;
  Field<F, std::int64_t, "version", ServerVersion, ServerDefault<"1">> version;
};
struct Triggered : Entity<Triggered, TriggeredFields, "triggered"> {};
struct Unseen : Entity<Unseen, TriggeredFields, "unseen", NoReturning> {};

// Versions that cannot be.
template <class F>
struct NullableFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::optional<std::int64_t>, "version", Version> version;
};
struct Nullable : Entity<Nullable, NullableFields, "nullable"> {};
template <class F>
struct DoubleFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::int64_t, "one", Version> one;
  Field<F, std::int64_t, "two", Version> two;
};
struct Double : Entity<Double, DoubleFields, "doubles"> {};

template <class F>
struct WordyFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "word", Version> word;
};
struct Wordy : Entity<Wordy, WordyFields, "wordy"> {};

class VersioningTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (IsSkipped()) return;
    Open<Page, Ticked, Grown, Served, Triggered, Unseen>();
    keeping_ = options();
    keeping_.expire_on_commit = false;  // what is known outlives the commit
  }
  const SessionOptions& keeping() const { return keeping_; }

  template <class E>
  std::shared_ptr<E> Stored(ShardedSession& session, std::string title = "t") {
    auto object = std::make_shared<E>();
    object->title = std::move(title);
    EXPECT_THAT(session.Add(object), IsOk());
    EXPECT_THAT(session.Commit(), IsOk());
    log().Clear();
    return object;
  }
  // A trigger that makes versions of 5 more.
  void MakeTrigger(const std::string& table) {
    RunSql(home(),
           is_sqlite()
               ? absl::StrCat("create trigger bump after update of title on ",
                              table, " begin update ", table,
                              " set version = old.version + 5 where id = "
                              "old.id; end")
               : absl::StrCat("create function bump() returns trigger language "
                              "plpgsql as $$ begin new.version = old.version + "
                              "5; return new; end $$; create trigger bump "
                              "before update on ",
                              table, " for each row execute function bump()"));
  }

 private:
  SessionOptions keeping_;
};

TEST_P(VersioningTest, CountsFromOneWithEachUpdate) {
  ShardedSession session(options());
  const auto page = std::make_shared<Page>();
  page->title = "a";
  SHARD_ASSERT_OK(session.Add(page));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(page->version.value(), 1);
  page->title = "b";
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(page->version.value(), 2);
  SHARD_ASSERT_OK(session.Flush());  // nothing changed
  page->title = "b";
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(page->version.value(), 2);
  page->reads = c.reads + 1;
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(page->version.value(), 3);
  EXPECT_EQ(page->version.state(), AttributeState::kLoaded);
  EXPECT_EQ(log().Count("SELECT"), is_sqlite() ? 1u : 0u) << "of the key";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(home(), "select version from pages"), 3);
}

TEST_P(VersioningTest, StaleUpdateNamesClassKeyAndBothVersions) {
  ShardedSession session(keeping());
  const auto page = Stored<Page>(session);
  RunSql(home(), "update pages set title = 'other', version = 5");
  page->title = "mine";
  const absl::Status stale = session.Flush();
  EXPECT_THAT(stale, StatusIs(absl::StatusCode::kAborted,
                              AllOf(HasSubstr("UPDATE of"), HasSubstr("Page 1"),
                                    HasSubstr("expected version 1"),
                                    HasSubstr("has version 5 now"),
                                    HasSubstr("s0"), Not(HasSubstr("mine")))));
  EXPECT_THAT(session.Commit(), HasCode(absl::StatusCode::kFailedPrecondition));
  session.Rollback();
  EXPECT_EQ(page->title.value(), "other");
  EXPECT_EQ(page->version.value(), 5);
  page->title = "mine";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(page->version.value(), 6);
  EXPECT_EQ(ReadText(home(), "select title from pages where version = 6"),
            "mine");
}

TEST_P(VersioningTest, RowThatIsGone) {
  ShardedSession session(keeping());
  const auto page = Stored<Page>(session);
  RunSql(home(), "delete from pages");
  page->reads = c.reads + 1;
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kAborted,
                       AllOf(HasSubstr("Page 1"), HasSubstr("version 1"),
                             HasSubstr("the row is gone"))));
  session.Rollback();
  page->title = "expired, so it is looked for first";
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kAborted,
                       AllOf(HasSubstr("Page 1"), HasSubstr("gone"))));
}

TEST_P(VersioningTest, StaleDeleteIsRefused) {
  ShardedSession session(keeping());
  const auto page = Stored<Page>(session);
  RunSql(home(), "update pages set version = 2");
  SHARD_ASSERT_OK(session.Delete(page));
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kAborted,
                       AllOf(HasSubstr("DELETE of"), HasSubstr("Page 1"),
                             HasSubstr("expected version 1"),
                             HasSubstr("version 2 now"))));
  session.Rollback();
  EXPECT_EQ(CountRows(home(), "pages"), 1);
  SHARD_ASSERT_OK(session.Delete(page));  // its version is loaded again
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(home(), "pages"), 0);
}

TEST_P(VersioningTest, FirstStaleObjectOfABatchIsNamed) {
  ShardedSession session(keeping());
  std::vector<std::shared_ptr<Page>> pages;
  for (int i = 0; i < 4; ++i) pages.push_back(Stored<Page>(session));
  RunSql(home(), "update pages set version = 9 where id in (2, 4)");
  for (const auto& page : pages) page->title = "mine";
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kAborted,
                       AllOf(HasSubstr("Page 2"), HasSubstr("version 1"),
                             HasSubstr("version 9"))));
  EXPECT_EQ(log().Count("UPDATE"), is_postgresql() ? 4u : 1u);
  session.Rollback();
  EXPECT_EQ(ReadNumber(home(), "select count(*) from pages where title = 't'"),
            4);
  for (const auto& page : pages) page->title = "mine";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(home(), "select sum(version) from pages"),
            2 + 10 + 2 + 10);
}

TEST_P(VersioningTest, KeyMayChangeInTheSameUpdate) {
  ShardedSession session(keeping());
  const auto page = Stored<Page>(session);
  page->id = 70;
  SHARD_ASSERT_OK(session.Flush());
  page->id = c.id + 7;
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(page->id.value(), 77);
  EXPECT_EQ(page->version.value(), 3);
  EXPECT_EQ(ReadNumber(home(), "select version from pages where id = 77"), 3);
  RunSql(home(), "update pages set version = 8");
  page->id = 78;
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kAborted,
                       AllOf(HasSubstr("Page 77"), HasSubstr("version 8"))));
}

TEST_P(VersioningTest, ExpiredVersionsAreLoadedFirst) {
  ShardedSession session(options());
  const auto page = Stored<Page>(session);  // the commit expired it
  page->title = "b";
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("SELECT"), 1u);
  EXPECT_EQ(page->version.value(), 2);
  EXPECT_EQ(log().Count("UPDATE"), 1u);
}

TEST_P(VersioningTest, AssigningTheVersionOfARowIsRefused) {
  ShardedSession session(keeping());
  const auto page = Stored<Page>(session);
  page->version = 7;
  EXPECT_THAT(session.Flush(), StatusIs(absl::StatusCode::kInvalidArgument,
                                        HasSubstr("Page.version")));
  EXPECT_EQ(log().CountAll(), 0u);
  SHARD_ASSERT_OK(session.Refresh(*page));
  page->title = "b";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(page->version.value(), 2);
}

TEST_P(VersioningTest, ErrorInPlanningBumpsNothing) {
  ShardedSession session(keeping());
  const auto page = Stored<Page>(session);
  page->title = "b";
  const auto nameless = std::make_shared<Grown>();
  nameless->title = "needs a key";
  SHARD_ASSERT_OK(session.Add(nameless));
  EXPECT_THAT(session.Flush(), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(page->version.value(), 1);
  nameless->name = "key";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(page->version.value(), 2);
}

TEST_P(VersioningTest, RollbackTakesTheVersionBack) {
  ShardedSession session(options());
  const auto page = Stored<Page>(session);
  page->title = "b";
  SHARD_ASSERT_OK(session.Flush());
  session.Rollback();
  EXPECT_EQ(page->version.value(), 1);
  const auto fresh = std::make_shared<Page>();
  fresh->title = "new";
  SHARD_ASSERT_OK(session.Add(fresh));
  SHARD_ASSERT_OK(session.Flush());
  fresh->title = "newer";
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(fresh->version.value(), 2);
  session.Rollback();
  SHARD_ASSERT_OK(session.Add(fresh));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(fresh->version.value(), 1);
  EXPECT_EQ(fresh->title.value(), "newer");
}

TEST_P(VersioningTest, VersionsOfAFunction) {
  ShardedSession session(keeping());
  const auto ticked = Stored<Ticked>(session);
  const Timestamp first = ticked->changed.value();
  ticked->title = "b";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ticked->changed.value().microseconds,
            first.microseconds + 1'000'000);
  RunSql(home(),
         is_sqlite()
             ? "update ticked set changed = '2020-01-02 03:04:05.000000'"
             : "update ticked set changed = '2020-01-02T03:04:05Z'");
  ticked->title = "c";
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kAborted,
                       AllOf(HasSubstr("Ticked 1"),
                             HasSubstr("expected version 1970-01-01"))));
}

TEST_P(VersioningTest, VersionsOfTheVersionBefore) {
  ShardedSession session(keeping());
  const auto grown = std::make_shared<Grown>();
  grown->name = "n";
  grown->title = "a";
  SHARD_ASSERT_OK(session.Add(grown));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(grown->tag.value(), "v");
  grown->title = "b";
  SHARD_ASSERT_OK(session.Commit());
  grown->title = SqlText<std::string>("'c'");
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(grown->tag.value(), "v++");
  EXPECT_EQ(ReadText(home(), "select tag from grown"), "v++");
  RunSql(home(), "update grown set tag = 'secret'");
  grown->title = "d";
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kAborted,
                       AllOf(HasSubstr("Grown"), HasSubstr("another one now"),
                             Not(HasSubstr("secret")), Not(HasSubstr("v++")))));
}

TEST_P(VersioningTest, SqlOfTheDatabaseMakesVersions) {
  ShardedSession session(keeping());
  const auto served = Stored<Served>(session);
  EXPECT_EQ(served->version.value(), 1);
  served->title = "b";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(served->version.value(), 11);
  EXPECT_EQ(log().CountAll(), 1u);
  served->title = SqlText<std::string>("'c'");
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(served->version.value(), 21);
  EXPECT_EQ(log().CountAll(), 2u);
  RunSql(home(), "update served set version = 22");
  served->title = "d";
  EXPECT_THAT(session.Flush(), StatusIs(absl::StatusCode::kAborted,
                                        AllOf(HasSubstr("version 21"),
                                              HasSubstr("version 22"))));
}

TEST_P(VersioningTest, TriggersMakeVersions) {
  if (is_sqlite()) GTEST_SKIP() << "RETURNING does not see AFTER triggers";
  MakeTrigger("triggered");
  ShardedSession session(keeping());
  const auto first = Stored<Triggered>(session);
  const auto second = Stored<Triggered>(session);
  first->title = "b";
  second->title = "b";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(first->version.value(), 6);
  EXPECT_EQ(second->version.value(), 6);
  EXPECT_EQ(log().Count("SELECT"), 0u);
  first->title = "c";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(first->version.value(), 11);
}

TEST_P(VersioningTest, TriggersMakeVersionsThatReturningDoesNotSee) {
  MakeTrigger("unseen");
  ShardedSession session(keeping());
  const auto unseen = Stored<Unseen>(session);
  EXPECT_EQ(unseen->version.state(), AttributeState::kLoaded);
  unseen->title = "b";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(log().Count("SELECT"), 1u);
  EXPECT_EQ(unseen->version.value(), 6);
  unseen->title = SqlText<std::string>("'c'");
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(unseen->version.value(), 11);
  EXPECT_EQ(ReadNumber(home(), "select version from unseen"), 11);
}

TEST_P(VersioningTest, RowsOfOtherShards) {
  ShardedSession session(keeping());
  const auto here = std::make_shared<Page>(), there = std::make_shared<Page>();
  here->title = "a";
  there->title = "a";
  there->region = "us";
  SHARD_ASSERT_OK(session.AddAll(std::vector{here, there}));
  SHARD_ASSERT_OK(session.Commit());
  log().Clear();
  here->title = "b";
  there->title = "b";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(here->version.value(), 2);
  EXPECT_EQ(there->version.value(), 2);
  EXPECT_EQ(log().Count("UPDATE", "s0"), is_sharded() || is_sqlite() ? 1u : 2u);
  EXPECT_EQ(log().Count("UPDATE", "s1"), is_sharded() ? 1u : 0u);
}

SHARD_ON_SESSIONS(VersioningTest);

TEST(VersionMappingTest, VersionsThatCannotBe) {
  EXPECT_THAT(Nullable::ClassMapping().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("Nullable"), HasSubstr("'version'"),
                             HasSubstr("NULL"))));
  EXPECT_THAT(Wordy::ClassMapping().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("Wordy"), HasSubstr("no integer"))));
  EXPECT_THAT(Double::ClassMapping().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("Double"), HasSubstr("'two'"))));
}

}  // namespace
}  // namespace shard::testing
