// Custom partitioning in a session: rules and a set of replicas decide.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/replica_set.h"
#include "shard/router/rule_resolver.h"
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Code = absl::StatusCode;

constexpr auto& c = Account::c;
constexpr std::int64_t kMark = 1000;

// Databases "primary", "r0", "r1" and "other", each with accounts and cities:
// account 1000 belongs to whoever the database is called. Nothing is
// replicated, so that what is read tells where it was read.
class CustomRowsTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (IsSkipped()) return;
    for (auto* engine : {&primary_, &r0_, &r1_, &other_}) {
      const std::string name = names_[engines_++];
      *engine = NewEngine(name, {&Account::table(), &City::table()});
      RunSql(*engine,
             "insert into accounts (id, owner, balance) values (1000, '" +
                 name + "', 0)");
    }
    log().Clear();
    set_.primary = primary_;
    set_.replicas = {{r0_}, {r1_}};
  }
  // The reference page's rules, cities being "MyOtherClass".
  SessionOptions Rules() {
    auto rules = std::make_shared<RuleResolver>();
    rules->When(ClassIs<City>(), other_)
        .When(Writes(), primary_)
        .Otherwise(ReplicaSet::Create(set_).value());
    return WithResolver(std::move(rules));
  }
  std::size_t On(const char* engine) { return log().Count("", engine); }
  std::size_t OnReplicas() { return On("r0") + On("r1"); }
  // Where account 1000 is read.
  std::string Owner(ShardedSession& session) {
    const auto owner = session.Scalar(Select(c.owner).Where(c.id == kMark));
    return owner.ok() ? *owner : owner.status().ToString();
  }

  std::shared_ptr<Engine> primary_, r0_, r1_, other_;
  ReplicaSetOptions set_;

 private:
  const std::vector<std::string> names_ = {"primary", "r0", "r1", "other"};
  std::size_t engines_ = 0;
};

TEST_P(CustomRowsTest, Row058RulesRouteEveryKindOfWork) {
  ShardedSession session(Rules());
  const auto city = MakeCity("EU", "Rome");
  SHARD_ASSERT_OK(session.Add(city));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(city->name.value(), "Rome");
  EXPECT_EQ(session.Scalars(Select<City>()).value().size(), 1u);
  EXPECT_GT(On("other"), 0u);
  EXPECT_EQ(On("primary") + OnReplicas(), 0u);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_THAT(Owner(session), HasSubstr("r"));
  EXPECT_EQ(On("primary"), 0u);
}

// Row 59: as a flush, so do bulk operations.
TEST_P(CustomRowsTest, Row059FlushAndBulkGoToThePrimary) {
  ShardedSession session(Rules());
  SHARD_ASSERT_OK(session.Add(MakeAccount("a")));
  SHARD_ASSERT_OK(session.Flush());
  std::vector<Account::Row> rows(1);
  rows[0].id = 50;
  rows[0].owner = "b";
  SHARD_ASSERT_OK(session.BulkInsert<Account>(rows));
  SHARD_ASSERT_OK(session.BulkUpdate<Account>(rows));
  SHARD_ASSERT_OK(session.BulkDelete<Account>(rows));
  SHARD_ASSERT_OK(session.BulkSaveObjects(std::vector{MakeAccount("c")}));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(OnReplicas() + On("other"), 0u);
  EXPECT_EQ(CountRows(primary_, "accounts"), 3);
}

TEST_P(CustomRowsTest, Row060StatementsThatWriteGoToThePrimary) {
  const std::vector<sql::Statement> writes = {
      Insert<Account>().Values(c.owner = "x", c.balance = 0),
      Update<Account>().Set(c.balance = 7).Where(c.id == kMark),
      Delete<Account>().Where(c.id == 2),
      sql::TextSql("select owner from accounts"),  // who knows?
      Select(c.owner).Where(c.id == kMark).ForUpdate()};
  for (const sql::Statement& write : writes) {
    ShardedSession session(Rules());
    SHARD_ASSERT_OK(session.Execute(write));
    SHARD_ASSERT_OK(session.Commit());
  }
  ShardedSession session(Rules());
  const sql::Statement insert = Insert<Account>().Values(
      c.owner = Param<std::string>("owner"), c.balance = 0);
  SHARD_ASSERT_OK(session.Execute(
      insert,
      std::vector<sql::Parameters>{{{"owner", "a"}}, {{"owner", "b"}}}));
  SHARD_ASSERT_OK_AND_ASSIGN(Connection * connection,
                             session.ConnectionFor<Account>());
  SHARD_ASSERT_OK(connection->ExecuteScript("update accounts set balance = 9"));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(OnReplicas(), 0u);
  EXPECT_EQ(ReadNumber(primary_, "select min(balance) from accounts"), 9);
}

TEST_P(CustomRowsTest, Row060TextOfAReadOnlyTransactionIsARead) {
  ShardedSession session(Rules());
  SHARD_ASSERT_OK(session.Begin({.read_only = true}));
  SHARD_ASSERT_OK(session.Execute("select owner from accounts"));
  SHARD_ASSERT_OK(session.ConnectionFor<Account>());
  EXPECT_EQ(On("primary"), 0u);
  EXPECT_GT(OnReplicas(), 0u);
}

// Row 61: no SELECT runs ahead of an UPDATE or DELETE by criteria elsewhere.
TEST_P(CustomRowsTest, Row061NothingIsReadElsewhereBeforeAWrite) {
  ShardedSession session(Rules());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto account, session.Get<Account>(kMark));
  SHARD_ASSERT_OK(session.Commit());
  log().Clear();
  SHARD_ASSERT_OK(session.Execute(
      Update<Account>().Set(c.balance = 7).Where(c.id == kMark)));
  EXPECT_EQ(account->balance.value(), 7) << "it must see the UPDATE";
  SHARD_ASSERT_OK(session.Execute(Delete<Account>().Where(c.id == 2)));
  EXPECT_EQ(OnReplicas(), 0u);
}

TEST_P(CustomRowsTest, Row062ATransactionSeesItsOwnWrites) {
  ShardedSession session(Rules());
  const std::string replica = Owner(session);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Owner(session), replica);
  const auto account = MakeAccountWithId(70, "new");
  SHARD_ASSERT_OK(session.Add(account));
  // Each of them flushes first.
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, session.Get<Account>(70));
  EXPECT_EQ(found, account);
  EXPECT_EQ(Owner(session), "primary");
  SHARD_ASSERT_OK(session.Refresh(*account));
  EXPECT_EQ(account->owner.value(), "new");
  EXPECT_THAT(session.Scalars(Select(c.id).OrderBy(c.id)).value(),
              ElementsAre(70, kMark));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_THAT(Owner(session), HasSubstr("r"));
}

// The row is on no replica, so a refresh from there would call it deleted.
TEST_P(CustomRowsTest, Row062WhatTheSessionWroteIsReadAgainFromThePrimary) {
  ShardedSession session(Rules());
  const auto account = MakeAccountWithId(70, "new");
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(account->owner.value(), "new");
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, session.Get<Account>(70));
  EXPECT_EQ(found, account);
  // What another wrote is read again where it was read.
  ShardedSession reader(Rules());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto read, reader.Get<Account>(kMark));
  const std::string replica = read->owner.value();
  for (int i = 0; i < 10; ++i) {
    SHARD_ASSERT_OK(reader.Commit());
    EXPECT_EQ(read->owner.value(), replica);
    SHARD_ASSERT_OK(reader.Commit());
    SHARD_ASSERT_OK(reader.Get<Account>(kMark));
    EXPECT_EQ(read->owner.value(), replica);
  }
}

TEST_P(CustomRowsTest, Row062ReadYourWritesIsAnOption) {
  set_.own_writes = OwnWrites::kFromPrimary;
  ShardedSession session(Rules());
  EXPECT_THAT(Owner(session), HasSubstr("r"));
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK(session.Add(MakeAccount("new")));
  session.Rollback();
  EXPECT_THAT(Owner(session), HasSubstr("r"));
  session.Rollback();
  SHARD_ASSERT_OK(session.Add(MakeAccount("new")));
  SHARD_ASSERT_OK(session.Commit());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Owner(session), "primary");
    SHARD_ASSERT_OK(session.Commit());
  }
  session.Close();  // a session anew
  EXPECT_THAT(Owner(session), HasSubstr("r"));
}

TEST_P(CustomRowsTest, Row062HasWrittenToIsACondition) {
  auto rules = std::make_shared<RuleResolver>();
  rules->When(AnyOf({Writes(), HasWrittenTo(primary_)}), primary_)
      .Otherwise(r0_);
  ShardedSession session(WithResolver(rules));
  EXPECT_EQ(Owner(session), "r0");
  SHARD_ASSERT_OK(session.Add(MakeAccount("new")));
  EXPECT_EQ(Owner(session), "primary");
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Owner(session), "primary");
}

TEST_P(CustomRowsTest, Row063ErrorsOfAResolverComeBeforeAnySql) {
  auto rules = std::make_shared<RuleResolver>();
  rules->When(ClassIs<City>(), other_);
  ShardedSession session(WithResolver(rules));
  const auto refused =
      StatusIs(Code::kFailedPrecondition, HasSubstr("no rule fits"));
  EXPECT_THAT(session.Get<Account>(kMark).status(), refused);
  EXPECT_THAT(session.Scalars(Select<Account>()).status(), refused);
  EXPECT_THAT(session.Execute("select 1").status(), refused);
  EXPECT_THAT(session.ConnectionFor<Account>().status(), refused);
  EXPECT_THAT(
      session.BulkInsert<Account>(std::vector<Account::Row>(1)).status(),
      refused);
  // A city that could be written is not, either.
  const auto city = MakeCity("EU", "Rome");
  SHARD_ASSERT_OK(session.Add(city));
  SHARD_ASSERT_OK(session.Add(MakeAccount("a")));
  EXPECT_THAT(session.Flush(), refused);
  EXPECT_THAT(session.Commit().status(), refused);
  EXPECT_EQ(log().CountAll(), 0u);
  session.Rollback();
  EXPECT_EQ(city->object_state(), ObjectState::kTransient);
  SHARD_ASSERT_OK(session.Add(city));
  SHARD_ASSERT_OK(session.Commit());
}

SHARD_ON_DATABASES(CustomRowsTest, "sqlite", "postgresql", "mixed");

}  // namespace
}  // namespace shard::testing
