// What the database makes, and when it is fetched: by RETURNING, by a SELECT
// when it is read, or by one in the flush.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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

std::int64_t next_stamp = 0;
std::int64_t NextStamp() { return ++next_stamp; }
Expr<std::int64_t> TwiceThree() { return SqlText<std::int64_t>("3 + 3"); }

// A server default, and defaults that are values.
template <class F>
struct ItemFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "name"> name;
  Field<F, std::optional<std::string>, "grade", ServerDefault<"'new'">> grade;
  Field<F, std::int64_t, "price", ClientDefault<0>> price;
  Field<F, std::int64_t, "stamp", ClientDefault<&NextStamp>,
        OnUpdate<&NextStamp>>
      stamp;
};
struct Item : Entity<Item, ItemFields, "items"> {};
struct ItemOn : Entity<ItemOn, ItemFields, "items_on",
                       EagerDefaults<EagerDefaultsMode::kOn>> {};
struct ItemOff : Entity<ItemOff, ItemFields, "items_off",
                        EagerDefaults<EagerDefaultsMode::kOff>> {};
struct Bare : Entity<Bare, ItemFields, "bare", NoReturning> {};
struct BareOn : Entity<BareOn, ItemFields, "bare_on", NoReturning,
                       EagerDefaults<EagerDefaultsMode::kOn>> {};

// Defaults that are SQL.
template <class F>
struct ComputedFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "name"> name;
  Field<F, std::optional<std::int64_t>, "made", ClientDefault<&TwiceThree>,
        OnUpdate<&TwiceThree>>
      made;
};
struct Computed : Entity<Computed, ComputedFields, "computed"> {};
struct ComputedOn : Entity<ComputedOn, ComputedFields, "computed_on",
                           EagerDefaults<EagerDefaultsMode::kOn>> {};

// A column that nobody makes a value for.
template <class F>
struct PlainFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "name"> name;
  Field<F, std::optional<std::string>, "remark"> remark;
  Field<F, std::optional<std::string>, "grade", ServerDefault<"'new'">> grade;
};
struct Plain : Entity<Plain, PlainFields, "plains"> {};

// A small key, and a type that PostgreSQL names otherwise.
template <class F>
struct SmallFields {
  Field<F, std::optional<Json>, "extra", ServerDefault<"'[1]'">> extra;
  Field<F, std::int32_t, "id", PrimaryKey> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
  Field<F, std::string, "name"> name;
  Field<F, Timestamp, "made", ServerDefault<"'2020-01-02 03:04:05'">> made;
};
struct Small : Entity<Small, SmallFields, "smalls"> {};

// A key that is no number of a sequence.
template <class F>
struct TicketFields {
  Field<F, std::int64_t, "id", PrimaryKey, ServerDefault<"(40 + 2)">> id;
  Field<F, std::string, "region", ClientDefault<&HomeRegion>> region;
};
struct Ticket : Entity<Ticket, TicketFields, "tickets", NoReturning> {};

class EagerDefaultsTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (IsSkipped()) return;
    Open<Item, ItemOn, ItemOff, Bare, BareOn, Computed, ComputedOn, Small,
         Plain, Ticket>();
  }
  template <class E>
  std::vector<std::shared_ptr<E>> Added(ShardedSession& session, int count) {
    std::vector<std::shared_ptr<E>> objects;
    for (int i = 0; i < count; ++i) {
      objects.push_back(std::make_shared<E>());
      objects.back()->name = "n" + std::to_string(i);
    }
    EXPECT_THAT(session.AddAll(objects), IsOk());
    EXPECT_THAT(session.Flush(), IsOk());
    return objects;
  }
  std::size_t CountReturning(std::string_view verb) {
    std::size_t count = 0;
    for (const auto& entry : log().Of(verb)) {
      count += entry.statement.find("RETURNING") != std::string::npos;
    }
    return count;
  }
};

TEST_P(EagerDefaultsTest, Row010SqlDefaultsAreRenderedAndFetched) {
  ShardedSession session(options());
  const auto computed = Added<Computed>(session, 1)[0];
  EXPECT_THAT(log().Of("INSERT")[0].statement, HasSubstr("3 + 3"));
  EXPECT_EQ(computed->made.value(), 6);
  EXPECT_EQ(log().CountAll(), 1u);
  computed->name = "changed";
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_THAT(log().Of("UPDATE")[0].statement, HasSubstr("3 + 3"));
  EXPECT_EQ(computed->made.state(), AttributeState::kExpired);
  EXPECT_EQ(computed->made.value(), 6);
  EXPECT_EQ(log().Count("SELECT"), 1u);
}

TEST_P(EagerDefaultsTest, Row011ValuesOfTheClientAreKnownWithoutAsking) {
  ShardedSession session(options());
  next_stamp = 10;
  const auto item = Added<Item>(session, 1)[0];
  EXPECT_EQ(item->stamp.value(), 11);
  EXPECT_EQ(item->price.value(), 0);
  item->name = "changed";
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(item->stamp.value(), 12);
  EXPECT_EQ(log().Count("SELECT"), 0u);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(home(), "select stamp from items"), 12);
}

TEST_P(EagerDefaultsTest, Row012AutoFetchesAfterInsertsAndNeverAfterUpdates) {
  ShardedSession session(options());
  const auto items = Added<Item>(session, 3);
  EXPECT_EQ(log().Count("INSERT"), 1u);
  EXPECT_EQ(CountReturning("INSERT"), 1u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(items[i]->grade.value(), "new");
    SHARD_ASSERT_OK_AND_ASSIGN(const auto same,
                               session.Get<Item>(items[i]->id.value()));
    EXPECT_EQ(same, items[i]);
  }
  EXPECT_EQ(log().Count("SELECT"), 0u);
  items[0]->price = Item::c.price + 1;
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(CountReturning("UPDATE"), 0u);
  EXPECT_EQ(items[0]->price.state(), AttributeState::kExpired);
  SHARD_ASSERT_OK(session.Commit());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ReadText(home(), "select name from items where id = " +
                                   std::to_string(items[i]->id.value())),
              "n" + std::to_string(i));
  }
}

TEST_P(EagerDefaultsTest, Row012ManyRowsBringTheirValuesBackInOrder) {
  ShardedSession session(options());
  const auto items = Added<Item>(session, 1000);
  EXPECT_EQ(log().Count("INSERT"), 1u);
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto rows, session.Execute(Select(Item::c.id, Item::c.name)
                                     .Where(Item::c.region == HomeRegion())
                                     .OrderBy(Item::c.id)));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto all, rows.All());
  ASSERT_EQ(all.size(), 1000u);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(*all[i].Get<std::int64_t>(0), items[i]->id.value());
    ASSERT_EQ(*all[i].Get<std::string>(1), items[i]->name.value());
  }
}

TEST_P(EagerDefaultsTest, Row012KeysGivenOrSmallOrOfOneRow) {
  ShardedSession session(options());
  std::vector<std::shared_ptr<Small>> smalls;
  for (const int count : {1, 3}) {
    for (const bool given : {false, true}) {
      log().Clear();
      for (int i = 0; i < count; ++i) {
        const auto small = std::make_shared<Small>();
        small->name = "n" + std::to_string(smalls.size());
        if (given) small->id = 1000 - static_cast<int>(smalls.size());
        SHARD_ASSERT_OK(session.Add(small));
        smalls.push_back(small);
      }
      SHARD_ASSERT_OK(session.Flush());
      EXPECT_EQ(log().Count("INSERT"), 1u);
      EXPECT_EQ(log().CountAll(), 1u);
    }
  }
  for (const auto& small : smalls) {
    EXPECT_EQ(small->extra.value(), Json{"[1]"});
    EXPECT_EQ(small->made.value(), smalls[0]->made.value());
    EXPECT_EQ(small->extra.state(), AttributeState::kLoaded);
  }
  EXPECT_EQ(log().Count("SELECT"), 0u);
  SHARD_ASSERT_OK(session.Commit());
  for (const auto& small : smalls) {
    EXPECT_EQ(small->id.value(),
              ReadNumber(home(), "select id from smalls where name = '" +
                                     small->name.value() + "'"));
  }
}

TEST_P(EagerDefaultsTest, Row013OnFetchesAfterUpdatesToo) {
  ShardedSession session(options());
  const auto items = Added<ItemOn>(session, 3);
  EXPECT_EQ(CountReturning("INSERT"), 1u);
  EXPECT_EQ(items[2]->grade.value(), "new");
  for (const auto& item : items) item->price = ItemOn::c.price + 7;
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(CountReturning("UPDATE"), 3u);
  for (const auto& item : items) EXPECT_EQ(item->price.value(), 7);
  const auto computed = Added<ComputedOn>(session, 1)[0];
  computed->made = 1;
  SHARD_ASSERT_OK(session.Flush());
  computed->name = "changed";
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(computed->made.value(), 6);
  EXPECT_EQ(log().Count("SELECT"), 0u);
}

TEST_P(EagerDefaultsTest, Row013OnWithoutReturningSelectsInTheFlush) {
  ShardedSession session(options());
  const auto items = Added<BareOn>(session, 3);
  EXPECT_EQ(log().Count("SELECT", "s0"), is_sqlite() ? 4u : 3u)
      << "one for each, and SQLite looks for the greatest key";
  log().Clear();
  for (const auto& item : items) EXPECT_EQ(item->grade.value(), "new");
  EXPECT_EQ(log().CountAll(), 0u);
  items[0]->price = BareOn::c.price + 7;
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("SELECT"), 1u);
  EXPECT_EQ(items[0]->price.value(), 7);
  EXPECT_EQ(log().Count("SELECT"), 1u);
  EXPECT_EQ(CountReturning(""), 0u);
}

TEST_P(EagerDefaultsTest, Row014OffLeavesThemToOneSelectEach) {
  ShardedSession session(options());
  const auto items = Added<ItemOff>(session, 3);
  EXPECT_EQ(log().Count("INSERT"), 1u);
  log().Clear();
  for (const auto& item : items) {
    EXPECT_EQ(item->grade.state(), AttributeState::kExpired);
    EXPECT_EQ(item->grade.value(), "new");
    EXPECT_EQ(item->grade.value(), "new");
  }
  EXPECT_EQ(log().Count("SELECT"), 3u);
}

TEST_P(EagerDefaultsTest, Row015GivenValuesAreNotFetchedAgain) {
  ShardedSession session(options());
  const auto item = std::make_shared<Item>();
  item->name = "given";
  item->grade = "old";
  SHARD_ASSERT_OK(session.Add(item));
  SHARD_ASSERT_OK(session.Flush());
  for (const auto& entry : log().Of("INSERT")) {
    EXPECT_THAT(entry.statement, Not(HasSubstr("RETURNING \"grade")));
  }
  EXPECT_EQ(item->grade.value(), "old");
  SHARD_ASSERT_OK(session.Commit());
  log().Clear();
  item->name = "changed";
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(log().Count("SELECT"), 0u);
  EXPECT_EQ(item->grade.state(), AttributeState::kExpired);
}

TEST_P(EagerDefaultsTest, Row015ColumnsWithoutADefaultAreNotFetched) {
  ShardedSession session(options());
  const auto plain = std::make_shared<Plain>();
  plain->name = "unset remark";
  SHARD_ASSERT_OK(session.Add(plain));
  SHARD_ASSERT_OK(session.Flush());
  const auto inserts = log().Of("INSERT");
  ASSERT_EQ(inserts.size(), 1u);
  EXPECT_THAT(inserts[0].statement, Not(HasSubstr("remark")));
  EXPECT_EQ(plain->grade.value(), "new");
  EXPECT_EQ(log().Count("SELECT"), 0u);
  EXPECT_EQ(plain->remark.value(), std::nullopt);
  EXPECT_EQ(log().Count("SELECT"), 1u);
}

TEST_P(EagerDefaultsTest, Row016NoReturningNumbersKeysFirst) {
  ShardedSession session(options());
  const auto one = Added<Bare>(session, 1)[0];
  const auto items = Added<Bare>(session, 3);
  EXPECT_EQ(one->id.value(), 1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(items[i]->id.value(), i + 2);
  EXPECT_EQ(CountReturning(""), 0u);
  EXPECT_EQ(log().Count("INSERT"), 2u);
  log().Clear();
  EXPECT_EQ(items[1]->grade.state(), AttributeState::kExpired);
  EXPECT_EQ(items[1]->grade.value(), "new");
  EXPECT_EQ(log().CountAll(), 1u);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadText(home(), "select name from bare where id = 4"), "n2");
}

TEST_P(EagerDefaultsTest, Row016NoReturningLetsTriggersPutRowsElsewhere) {
  const std::string table = "create table moved (name text);";
  RunSql(
      home(),
      table + (is_sqlite()
                   ? "create trigger move before insert on bare begin insert "
                     "into moved values (new.name); select raise(ignore); end"
                   : "create function move() returns trigger language plpgsql "
                     "as $$ begin insert into moved values (new.name); return "
                     "null; end $$; create trigger move before insert on bare "
                     "for each row execute function move()"));
  ShardedSession session(options());
  Added<Bare>(session, 1);
  Added<Bare>(session, 3);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(home(), "bare"), 0);
  EXPECT_EQ(CountRows(home(), "moved"), 4);
}

TEST_P(EagerDefaultsTest, Row016KeysThatOnlyReturningTellsAreRefused) {
  ShardedSession session(options());
  const auto ticket = std::make_shared<Ticket>();
  SHARD_ASSERT_OK(session.Add(ticket));
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("Ticket.id"), HasSubstr("RETURNING"))));
  ticket->id = 7;
  SHARD_ASSERT_OK(session.Flush());
  log().Clear();
  const auto bare = std::make_shared<Bare>();
  bare->name = "x";
  bare->price = SqlText<std::int64_t>("1 + 1");
  SHARD_ASSERT_OK(session.Add(bare));
  EXPECT_THAT(session.Flush(), StatusIs(absl::StatusCode::kInvalidArgument,
                                        HasSubstr("Bare.id")));
  EXPECT_EQ(log().CountAll(), 0u);
  bare->id = 5;
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(bare->price.value(), 2);
  log().Clear();
  bare->id = Bare::c.id + 1;
  EXPECT_THAT(session.Flush(), StatusIs(absl::StatusCode::kInvalidArgument,
                                        HasSubstr("primary key of")));
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(EagerDefaultsTest, WhatTheDatabaseMadeEndsWithTheRow) {
  ShardedSession session(options());
  const auto item = Added<Item>(session, 1)[0];
  const auto off = Added<ItemOff>(session, 1)[0];
  EXPECT_EQ(item->grade.value(), "new");
  EXPECT_EQ(off->grade.value(), "new");
  session.Rollback();
  EXPECT_EQ(item->grade.state(), AttributeState::kUnset);
  EXPECT_EQ(off->grade.state(), AttributeState::kUnset);
  EXPECT_EQ(item->id.state(), AttributeState::kUnset);
  EXPECT_EQ(item->name.value(), "n0");
  SHARD_ASSERT_OK(session.Add(item));
  item->grade = "mine";
  SHARD_ASSERT_OK(session.Flush());
  session.Rollback();
  EXPECT_EQ(item->grade.value(), "mine");
}

SHARD_ON_SESSIONS(EagerDefaultsTest);

}  // namespace
}  // namespace shard::testing
