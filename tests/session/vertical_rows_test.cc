// Binds by class, base class, mixin, table and metadata in real sessions: rows
// 44 to 57 of the reference, as far as they do not need mapped inheritance.
// (The resolver alone: tests/router/vertical_resolver_test.cc.)
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/sharded_session.h"
#include "shard/sql/class_info.h"
#include "shard/sql/functions.h"
#include "shard/tests/session/databases.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Tracked {};
struct Audited {};

template <class F>
struct UserFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "name"> name;
};
struct User : Entity<User, UserFields, "users", Bases<Audited>>, Audited {};

template <class F>
struct AddressFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "town"> town;
};
struct Address
    : Entity<Address, AddressFields, "addresses", Bases<Tracked, Audited>>,
      Audited,
      Tracked {};

// Objects of it are users.
struct NotMapped : User {};

std::shared_ptr<User> MakeUser(std::int64_t id) {
  auto user = std::make_shared<User>();
  user->id = id;
  user->name = "ada";
  return user;
}
std::shared_ptr<Address> MakeAddress(std::int64_t id) {
  auto address = std::make_shared<Address>();
  address->id = id;
  address->town = "Bonn";
  return address;
}

// Row 44 and row 53, where the compiler says it.
template <class C>
concept IsBindable = requires(VerticalResolver r, std::shared_ptr<Engine> e) {
  r.BindClass<C>(e);
};
static_assert(IsBindable<User> && IsBindable<Audited>);
static_assert(!IsBindable<NotMapped>);
static_assert(!IsBindable<std::int64_t> && !IsBindable<User*>);
template <class C>
concept IsForStatements = requires {
  BindTo<C>();
};
static_assert(IsForStatements<User>);
static_assert(!IsForStatements<Audited> && !IsForStatements<int>);

// Engines "e1", "e2" and "e3", each with both tables.
class VerticalRowsTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (IsSkipped()) return;
    for (auto* engine : {&e1_, &e2_, &e3_}) {
      *engine = NewEngine(absl::StrCat("e", ++engines_),
                          {&User::table(), &Address::table()});
    }
  }

  ShardedSession Session() {
    return ShardedSession(
        WithResolver(std::make_shared<VerticalResolver>(resolver_)));
  }
  // The engine that the one statement of `work` went to, or "unbound".
  std::string Asked(const std::function<absl::Status(ShardedSession&)>& work) {
    log().Clear();
    ShardedSession session = Session();
    const absl::Status status = work(session);
    if (!status.ok()) {
      EXPECT_THAT(status, HasCode(absl::StatusCode::kFailedPrecondition));
      EXPECT_EQ(log().Count(""), 0u);
      return "unbound";
    }
    const auto sent = log().Of("");
    std::string engine;
    for (const auto& entry : sent) {
      EXPECT_TRUE(engine.empty() || entry.engine == engine);
      engine = entry.engine;
    }
    return engine;
  }
  std::string Asked(const sql::Statement& statement,
                    const BindArguments& bind = {}) {
    return Asked([&](ShardedSession& session) {
      return session.Execute(statement, {}, bind).status();
    });
  }
  template <MappedClass E>
  std::string AskedByGet() {
    return Asked(
        [](ShardedSession& session) { return session.Get<E>(1).status(); });
  }

  std::size_t engines_ = 0;
  std::shared_ptr<Engine> e1_, e2_, e3_;
  VerticalResolver resolver_;
};

sql::Statement CoreSelect(const sql::Table& table) {
  return sql::SelectStatement().Column(table.c("id")).From(table);
}

sql::Statement SelectOne() {
  return sql::SelectStatement().Column(sql::Literal(1));
}

TEST_P(VerticalRowsTest, Row044NullEnginesAreRefusedBeforeAnySql) {
  resolver_.BindDefault(e1_).BindClass<User>(std::shared_ptr<Engine>());
  ShardedSession session = Session();
  SHARD_ASSERT_OK(session.Add(MakeUser(1)));
  const auto refused =
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("User"), HasSubstr("null pointer")));
  EXPECT_THAT(session.Commit(), refused);
  session.Rollback();
  EXPECT_THAT(session.Get<User>(1), refused);
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(VerticalRowsTest, Row045TablesFollowTheirClasses) {
  resolver_.BindClass<User>(e1_).BindClass<Address>(e2_);
  EXPECT_EQ(Asked(CoreSelect(User::table())), "e1");
  EXPECT_EQ(Asked(CoreSelect(Address::table())), "e2");
  EXPECT_EQ(Asked(sql::DeleteStatement(Address::table())), "e2");
}

TEST_P(VerticalRowsTest, Row046OrderOfResolution) {
  // What is bound: nothing, the default, classes, tables, classes and default,
  // tables and default, metadata, metadata and default.
  const auto to_e3 = [&](VerticalResolver r) { return r.BindDefault(e3_); };
  VerticalResolver classes, tables, metadata;
  classes.BindClass<User>(e1_).BindClass<Address>(e2_);
  tables.BindTable(User::table(), e1_).BindTable(Address::table(), e2_);
  metadata.BindMetaData({&User::table()}, e1_)
      .BindMetaData({&Address::table()}, e2_);
  const std::vector<VerticalResolver> resolvers = {
      {},       to_e3({}),      classes, tables, to_e3(classes), to_e3(tables),
      metadata, to_e3(metadata)};
  const sql::Statement one = SelectOne();
  const sql::Statement users = CoreSelect(User::table());
  const sql::Statement addresses = CoreSelect(Address::table());
  const std::string no = "unbound";
  const auto execute = [](sql::Statement statement, BindArguments bind = {}) {
    return [=](ShardedSession& session) {
      return session.Execute(statement, {}, bind).status();
    };
  };
  struct Case {
    const char* what;
    std::function<absl::Status(ShardedSession&)> work;
    std::vector<std::string> goes;
  };
  const Case cases[] = {
      {"no class, no clause",
       execute(sql::TextSql("select 1")),
       {no, "e3", no, no, "e3", "e3", no, "e3"}},
      {"class alone",
       [](ShardedSession& s) { return s.Get<User>(1).status(); },
       {no, "e3", "e1", "e1", "e1", "e1", "e1", "e3"}},
      {"select(1)", execute(one), {no, "e3", no, no, "e3", "e3", no, "e3"}},
      {"class and select(1)",
       execute(one, BindTo<User>()),
       {no, "e3", "e1", "e1", "e1", "e1", "e1", "e3"}},
      {"table", execute(users), {no, "e3", "e1", "e1", "e1", "e1", "e1", "e3"}},
      {"statement about a class",
       execute(Select<Address>()),
       {no, "e3", "e2", "e2", "e2", "e2", "e2", "e3"}},
      {"column of a class",
       execute(Select(Address::c.town)),
       {no, "e3", "e2", "e2", "e2", "e2", "e2", "e3"}},
      {"class and its table",
       execute(users, BindTo<User>()),
       {no, "e3", "e1", "e1", "e1", "e1", "e1", "e3"}},
      {"class and another's table",
       execute(addresses, BindTo<User>()),
       {no, "e3", "e1", "e2", "e1", "e2", "e2", "e3"}},
      {"explicit engine",
       execute(addresses, OnEngine(e1_)),
       {"e1", "e1", "e1", "e1", "e1", "e1", "e1", "e1"}},
      {"explicit engine and class",
       execute(addresses, BindTo<Address>().OnEngine(e1_)),
       {"e1", "e1", "e1", "e1", "e1", "e1", "e1", "e1"}},
  };
  for (const Case& c : cases) {
    for (std::size_t i = 0; i < resolvers.size(); ++i) {
      resolver_ = resolvers[i];
      EXPECT_EQ(Asked(c.work), c.goes[i]) << c.what << ", binds " << i;
    }
  }
}

TEST_P(VerticalRowsTest, Row047ClassBeatsClauseAndAnEngineBeatsBoth) {
  resolver_.BindClass<User>(e1_).BindClass<Address>(e2_);
  const sql::Statement addresses = CoreSelect(Address::table());
  EXPECT_EQ(Asked(addresses, BindTo<User>()), "e1");
  EXPECT_EQ(Asked(Select<Address>(), BindTo<User>()), "e1");
  EXPECT_EQ(Asked(addresses, BindTo<User>().OnEngine(e3_)), "e3");
}

TEST_P(VerticalRowsTest, Row048TwoEnginesAreRefusedBeforeAnySql) {
  resolver_.BindClass<User>(e1_).BindClass<Address>(e2_);
  ShardedSession session = Session();
  const auto refused =
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("'users'"), HasSubstr("'addresses'"),
                     HasSubstr("'e1'"), HasSubstr("'e2'")));
  log().Clear();
  EXPECT_THAT(session.Execute(
                  Select<User>().Join<Address>(User::c.id == Address::c.id)),
              refused);
  EXPECT_THAT(session.Execute(
                  Select<Address>().Join<User>(User::c.id == Address::c.id)),
              refused);
  EXPECT_THAT(session.Execute(
                  Delete<User>().Where(In(User::c.id, Select(Address::c.id)))),
              refused);
  EXPECT_EQ(log().Count(""), 0u);
  EXPECT_FALSE(session.in_transaction());
}

TEST_P(VerticalRowsTest, Row051MixinAsKey) {
  resolver_.BindClass<Audited>(e1_).BindDefault(e3_);
  {
    ShardedSession session = Session();
    SHARD_ASSERT_OK(session.Add(MakeUser(1)));
    SHARD_ASSERT_OK(session.Add(MakeAddress(1)));
    SHARD_ASSERT_OK(session.Commit());
  }
  EXPECT_EQ(CountRows(e1_, "users"), 1);
  EXPECT_EQ(CountRows(e1_, "addresses"), 1);
  EXPECT_EQ(AskedByGet<User>(), "e1");
  // Where only a statement is given, of the class or of its table.
  const auto& c = User::c;
  EXPECT_EQ(Asked(Select<User>()), "e1");
  EXPECT_EQ(Asked(Select(Count()).From<User>()), "e1");
  EXPECT_EQ(Asked(Insert<User>().Values(c.id = 2, c.name = "bob")), "e1");
  EXPECT_EQ(Asked(Update<User>().Set(c.name = "cy")), "e1");
  EXPECT_EQ(Asked(Delete<User>()), "e1");
  const sql::Table& table = User::table();
  const sql::Alias alias(table, "other");
  EXPECT_EQ(Asked(CoreSelect(table)), "e1");
  EXPECT_EQ(Asked(sql::SelectStatement().Column(alias.c("id")).From(alias)),
            "e1");
  EXPECT_EQ(Asked(sql::DeleteStatement(table)), "e1");
  EXPECT_EQ(Asked(Select<User>().Join<Address>(c.id == Address::c.id)), "e1");
}

TEST_P(VerticalRowsTest, Row052SeveralBoundSuperclasses) {
  // Address names Tracked first, whatever the order in C++.
  resolver_.BindClass<Audited>(e1_).BindClass<Tracked>(e2_);
  EXPECT_EQ(AskedByGet<Address>(), "e2");
  EXPECT_EQ(AskedByGet<User>(), "e1");
  resolver_.BindClass<Address>(e3_);
  EXPECT_EQ(AskedByGet<Address>(), "e3");
}

TEST_P(VerticalRowsTest, Row054AFlushGoesByTheClass) {
  // Its own entry, then its bases', then its table's; the objects of one class
  // never part.
  resolver_.BindClass<Audited>(e1_)
      .BindTable(User::table(), e2_)
      .BindTable(Address::table(), e2_);
  ShardedSession session = Session();
  for (std::int64_t id = 1; id <= 3; ++id) {
    SHARD_ASSERT_OK(session.Add(MakeUser(id)));
    SHARD_ASSERT_OK(session.Add(MakeAddress(id)));
  }
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(e1_, "users"), 3);
  EXPECT_EQ(CountRows(e1_, "addresses"), 3);
  // What says no class goes by the table that was bound.
  EXPECT_EQ(Asked(CoreSelect(User::table())), "e2");
  EXPECT_EQ(Asked(Select<User>()), "e1");
}

TEST_P(VerticalRowsTest, Row055TableBindsServeFlushReadsAndStatements) {
  resolver_.BindTable(User::table(), e1_).BindTable(Address::table(), e2_);
  ShardedSession session = Session();
  SHARD_ASSERT_OK(session.Add(MakeUser(1)));
  SHARD_ASSERT_OK(session.Add(MakeAddress(1)));
  SHARD_ASSERT_OK(session.Flush());
  SHARD_ASSERT_OK(
      session.BulkInsert<User>(std::vector<User::Row>{{2, "bob"}, {3, "cy"}}));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(e1_, "users"), 3);
  EXPECT_EQ(CountRows(e2_, "addresses"), 1);
  EXPECT_EQ(AskedByGet<User>(), "e1");
  EXPECT_EQ(AskedByGet<Address>(), "e2");
  const auto& c = User::c;
  const sql::Statement insert = Insert<User>().Values(c.id = 4, c.name = "x");
  const sql::Statement update = Update<User>().Set(c.name = "y");
  const sql::Statement remove = Delete<User>();
  for (const sql::Statement& typed : {insert, update, remove}) {
    EXPECT_EQ(Asked(typed), "e1");
    EXPECT_EQ(Asked(typed, BindTo<User>()), "e1");
  }
  EXPECT_EQ(
      Asked(sql::UpdateStatement(User::table())
                .Set(sql::Assign(User::table(), "name", sql::Literal("z")))),
      "e1");
}

TEST_P(VerticalRowsTest, Row056WhatNamesNothingGoesToTheDefault) {
  resolver_.BindClass<User>(e1_);
  EXPECT_EQ(Asked(SelectOne()), "unbound");
  EXPECT_EQ(Asked(sql::TextSql("select 1")), "unbound");
  EXPECT_EQ(Asked(sql::TextSql("select 1"), BindTo<User>()), "e1");
  resolver_.BindDefault(e3_);
  EXPECT_EQ(Asked(SelectOne()), "e3");
  EXPECT_EQ(Asked(sql::TextSql("select 1")), "e3");
}

TEST_P(VerticalRowsTest, Row057AFlushThatCannotBeRoutedWritesNothing) {
  resolver_.BindClass<User>(e1_);
  ShardedSession session = Session();
  SHARD_ASSERT_OK(session.Add(MakeUser(1)));
  SHARD_ASSERT_OK(session.Flush());
  log().Clear();
  SHARD_ASSERT_OK(session.Add(MakeUser(2)));
  SHARD_ASSERT_OK(session.Add(MakeAddress(1)));
  const auto unbound =
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("class "), HasSubstr("Address"),
                     HasSubstr("'addresses'"), HasSubstr("bind it")));
  EXPECT_THAT(session.Flush(), unbound);
  EXPECT_THAT(session.Commit(), unbound);
  EXPECT_EQ(log().CountAll(), 0u);
  session.Rollback();
  EXPECT_EQ(CountRows(e1_, "users"), 0);
}

SHARD_ON_DATABASES(VerticalRowsTest, "sqlite", "postgresql");

}  // namespace
}  // namespace shard::testing
