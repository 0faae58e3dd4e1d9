// Commit over several databases, one after the other.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/commit_result.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// The result itself.

TEST(CommitResultTest, SaysWhatCommittedWhere) {
  CommitResult result;
  EXPECT_TRUE(result.all_committed());
  EXPECT_EQ(result.ToString(), "committed on none");
  result.shares = {{"e1", "europe", true, {}},
                   {"e2", "", true, {}},
                   {"e3", "asia", false, absl::AbortedError("disk full")}};
  EXPECT_FALSE(result.all_committed());
  EXPECT_EQ(result.ToString(),
            "committed on 'europe', 'e2'; not on 'asia': disk full");
}

TEST(CommitResultTest, TravelsInsideTheError) {
  CommitResult result;
  result.shares = {{"e1", "s\"1", true, {}},
                   {"e3", "asia", false, absl::AbortedError("bad \xff byte")}};
  const absl::Status status = PartlyCommitted(result);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss,
                               AllOf(HasSubstr("'s\"1'"), HasSubstr("asia"))));
  const auto found = CommitResultOf(status);
  ASSERT_TRUE(found.has_value());
  ASSERT_EQ(found->shares.size(), 2u);
  EXPECT_EQ(found->shares[0].shard, "s\"1");
  EXPECT_TRUE(found->shares[0].committed);
  EXPECT_EQ(found->shares[1].engine, "e3");
  EXPECT_THAT(found->shares[1].error, HasCode(absl::StatusCode::kAborted));
  EXPECT_FALSE(CommitResultOf(absl::DataLossError("other")).has_value());
  EXPECT_FALSE(CommitResultOf(absl::OkStatus()).has_value());
}

class CommitTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (IsSkipped()) return;
    const auto people = NewEngine("people", {&Account::table()});
    const auto places = NewEngine("places", {&City::table()});
    people_ = people;
    places_ = places;
    auto resolver = std::make_shared<VerticalResolver>();
    resolver->BindClass(Account::class_info(), people)
        .BindClass(City::class_info(), places);
    options_ = WithResolver(resolver);
  }
  // Makes every COMMIT with a city in it fail.
  void ForbidCities() { Forbid(places_, "cities"); }
  void Forbid(const std::shared_ptr<Engine>& engine, const std::string& table) {
    RunSql(engine, "drop table " + table);
    RunSql(engine, "create table none (id bigint primary key)");
    const std::string columns =
        table == "cities" ? "continent text, name text, population bigint"
                          : "owner text, note text default 'none', "
                            "balance bigint";
    RunSql(engine, "create table " + table + " (id bigint primary key, " +
                       columns +
                       ", absent bigint default 5 references none (id) "
                       "deferrable initially deferred)");
  }
  std::shared_ptr<City> CityWithId() {
    auto city = MakeCity("EU", "Paris");
    city->id = 1;
    return city;
  }

  std::shared_ptr<Engine> people_, places_;
  SessionOptions options_;
};

TEST_P(CommitTest, ListsWhatCommitted) {
  ShardedSession session(options_);
  SHARD_ASSERT_OK(session.Add(MakeAccount("ada")));
  SHARD_ASSERT_OK(session.Add(MakeCity("EU", "Paris")));
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
  ASSERT_EQ(done.shares.size(), 2u);
  EXPECT_TRUE(done.all_committed());
  EXPECT_EQ(done.shares[0].engine, "people");
  EXPECT_EQ(done.shares[1].engine, "places");
  EXPECT_EQ(done.shares[0].shard, "");
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult nothing, session.Commit());
  EXPECT_TRUE(nothing.shares.empty());
}

TEST_P(CommitTest, SecondFailsAfterTheFirstCommitted) {
  ForbidCities();
  ShardedSession session(options_);
  const auto ada = MakeAccount("ada");
  const auto paris = CityWithId();
  SHARD_ASSERT_OK(session.Add(ada));
  SHARD_ASSERT_OK(session.Add(paris));
  const auto done = session.Commit();
  EXPECT_THAT(done,
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("'people'"), HasSubstr("'places'"))));
  const auto result = CommitResultOf(done.status());
  ASSERT_TRUE(result.has_value());
  ASSERT_EQ(result->shares.size(), 2u);
  EXPECT_TRUE(result->shares[0].committed);
  EXPECT_EQ(result->shares[0].engine, "people");
  EXPECT_FALSE(result->shares[1].committed);
  EXPECT_THAT(result->shares[1].error,
              HasCode(absl::StatusCode::kFailedPrecondition));
  // The objects are what their rows are now.
  EXPECT_EQ(ada->object_state(), ObjectState::kPersistent);
  EXPECT_EQ(ada->owner.value(), "ada");
  EXPECT_EQ(paris->object_state(), ObjectState::kTransient);
  EXPECT_EQ(CountRows(people_, "accounts"), 1);
  EXPECT_EQ(CountRows(places_, "cities"), 0);
  // And the session goes on.
  ada->balance = 4;
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(people_, "select balance from accounts"), 4);
}

TEST_P(CommitTest, DeletedObjectsAfterAPartialCommit) {
  ShardedSession session(options_);
  const auto ada = MakeAccount("ada");
  const auto rome = MakeCity("EU", "Rome");
  SHARD_ASSERT_OK(session.Add(ada));
  SHARD_ASSERT_OK(session.Commit());
  ForbidCities();
  SHARD_ASSERT_OK(session.Delete(ada));
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK(session.Add(CityWithId()));
  EXPECT_THAT(session.Commit(), HasCode(absl::StatusCode::kDataLoss));
  EXPECT_EQ(ada->object_state(), ObjectState::kDeleted);
  EXPECT_EQ(CountRows(people_, "accounts"), 0);
}

TEST_P(CommitTest, FirstFailingIsAPlainError) {
  ForbidCities();
  ShardedSession session(options_);
  const auto ada = MakeAccount("ada");
  const auto paris = CityWithId();
  SHARD_ASSERT_OK(session.Add(paris));
  SHARD_ASSERT_OK(session.Add(ada));
  const auto done = session.Commit();
  EXPECT_THAT(done, StatusIs(absl::StatusCode::kFailedPrecondition,
                             HasSubstr("'places'")));
  EXPECT_FALSE(CommitResultOf(done.status()).has_value());
  EXPECT_EQ(ada->object_state(), ObjectState::kTransient);
  EXPECT_EQ(paris->object_state(), ObjectState::kTransient);
  EXPECT_EQ(CountRows(people_, "accounts"), 0);
  SHARD_ASSERT_OK(session.Add(ada));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(people_, "accounts"), 1);
}

TEST_P(CommitTest, FailingWhereOthersOnlyReadIsAPlainError) {
  ForbidCities();
  ShardedSession session(options_);
  SHARD_ASSERT_OK(session.Scalars(Select<Account>()));
  SHARD_ASSERT_OK(session.Add(CityWithId()));
  EXPECT_THAT(session.Commit(), HasCode(absl::StatusCode::kFailedPrecondition));
  // What runs on a connection is not known, and counts as writing.
  SHARD_ASSERT_OK(session.ConnectionFor<Account>());
  SHARD_ASSERT_OK(session.Add(CityWithId()));
  EXPECT_THAT(session.Commit(), HasCode(absl::StatusCode::kDataLoss));
}

TEST_P(CommitTest, PoisonedByOneCommitsNowhere) {
  ShardedSession session(options_);
  SHARD_ASSERT_OK(session.Add(MakeAccount("ada")));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_FALSE(
      session.Execute("insert into cities (id) values (1)", {}, BindTo<City>())
          .ok());
  EXPECT_THAT(session.Commit(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("'places'"), HasSubstr("Rollback()"))));
  EXPECT_EQ(CountRows(people_, "accounts"), 0);
  session.Rollback();
  SHARD_ASSERT_OK(session.Commit());
}

TEST_P(CommitTest, TransactionsSeeNothingOfEachOther) {
  ShardedSession first(options_), second(options_);
  SHARD_ASSERT_OK(first.Add(MakeAccount("ada")));
  SHARD_ASSERT_OK(first.Flush());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto none,
                             second.Scalars(Select<Account>()));
  EXPECT_TRUE(none.empty());
  SHARD_ASSERT_OK(first.Commit());
  second.Rollback();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto one, second.Scalars(Select<Account>()));
  EXPECT_EQ(one.size(), 1u);
}

TEST_P(CommitTest, BusyFilesAbort) {
  if (!is_sqlite()) GTEST_SKIP() << "about files";
  EngineOptions options;
  options.name = "people2";
  options.busy_timeout = absl::Milliseconds(20);
  const auto impatient = SameDatabase(*people_, options);
  ShardedSession holder(options_), session(impatient);
  SHARD_ASSERT_OK(holder.Add(MakeAccount("ada")));
  SHARD_ASSERT_OK(holder.Flush());
  const auto bob = MakeAccount("bob");
  SHARD_ASSERT_OK(session.Add(bob));
  EXPECT_THAT(session.Commit(),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("people2")));
  session.Rollback();
  SHARD_ASSERT_OK(holder.Commit());
  SHARD_ASSERT_OK(session.Add(bob));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(bob->id.value(), 2);
}

SHARD_ON_DATABASES(CommitTest, "sqlite", "postgresql", "mixed");

}  // namespace
}  // namespace shard::testing
