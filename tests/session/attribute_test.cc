// Attributes: their states, assignment, and reading them.
#include "shard/session/attribute.h"

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {

enum class Color { kRed, kBlue };
struct ThingId {
  std::int64_t number = 0;
  bool operator==(const ThingId&) const = default;
};

}  // namespace shard::testing

template <>
struct shard::CustomType<shard::testing::Color> {
  using Stored = std::string;
  static std::string ToStored(testing::Color color) {
    return color == testing::Color::kRed ? "red" : "blue";
  }
  static absl::StatusOr<testing::Color> FromStored(const std::string& text) {
    if (text == "red") return testing::Color::kRed;
    if (text == "blue") return testing::Color::kBlue;
    return absl::InvalidArgumentError("there is no such color");
  }
};

template <>
struct shard::CustomType<shard::testing::ThingId> {
  using Stored = std::int64_t;
  static std::int64_t ToStored(testing::ThingId id) { return id.number; }
  static absl::StatusOr<testing::ThingId> FromStored(std::int64_t number) {
    return testing::ThingId{number};
  }
};

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

template <class F>
struct ThingFields {
  Field<F, ThingId, "id", PrimaryKey> id;
  Field<F, Color, "color"> color;
  Field<F, std::optional<Color>, "second"> second;
};
struct Thing : Entity<Thing, ThingFields, "things"> {};

template <class F>
struct SampleFields {
  Field<F, std::int32_t, "id", PrimaryKey> id;
  Field<F, bool, "flag"> flag;
  Field<F, std::int64_t, "big"> big;
  Field<F, double, "real"> real;
  Field<F, std::string, "text"> text;
  Field<F, Bytes, "bytes"> bytes;
  Field<F, Timestamp, "at"> at;
  Field<F, Date, "day"> day;
  Field<F, Decimal, "price"> price;
  Field<F, Uuid, "uuid"> uuid;
  Field<F, Json, "json"> json;
  Field<F, std::optional<double>, "maybe"> maybe;
};
struct Sample : Entity<Sample, SampleFields, "samples"> {};

// What does not need a database.

template <class A, class V>
concept Assignable = requires(A& attribute, V value) {
  attribute = value;
};
static_assert(Assignable<Attribute<std::int64_t>, int>);
static_assert(!Assignable<Attribute<std::int64_t>, const char*>);
static_assert(!Assignable<Attribute<std::int64_t>, double>);
static_assert(!Assignable<Attribute<std::int32_t>, std::int64_t>);
static_assert(!Assignable<Attribute<std::int64_t>, std::nullopt_t>);
static_assert(Assignable<Attribute<std::optional<std::int64_t>>, int>);
static_assert(
    Assignable<Attribute<std::optional<std::int64_t>>, std::nullopt_t>);
static_assert(!Assignable<Attribute<std::string>, std::nullptr_t>);
static_assert(!Assignable<Attribute<std::string>, Expr<std::int64_t>>);
static_assert(Assignable<Attribute<std::string>, Expr<std::string>>);
static_assert(!std::is_convertible_v<Attribute<std::int64_t>, std::int64_t>);

TEST(AttributeTest, NeverSet) {
  Account account;
  EXPECT_EQ(account.owner.state(), AttributeState::kUnset);
  EXPECT_THAT(account.owner.Load(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("Account.owner"), HasSubstr("never"))));
  try {
    account.owner.value();
    FAIL() << "value() of an attribute without one must throw";
  } catch (const BadAttributeAccess& error) {
    EXPECT_THAT(error.status(), HasCode(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(error.what(), HasSubstr("Account.owner"));
  }
}

TEST(AttributeTest, AssignedButNotFlushed) {
  Account account;
  account.owner = "ada";
  EXPECT_EQ(account.owner.state(), AttributeState::kModified);
  EXPECT_EQ(account.owner.value(), "ada");
  EXPECT_EQ(account.object_state(), ObjectState::kTransient);
}

TEST(AttributeTest, ExpressionHasNoValueBeforeTheFlush) {
  Account account;
  account.balance = Account::c.balance + 1;
  EXPECT_EQ(account.balance.state(), AttributeState::kExpression);
  EXPECT_THAT(account.balance.Load(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("Account.balance is an SQL expression")));
  account.balance = 3;
  EXPECT_EQ(account.balance.state(), AttributeState::kModified);
  EXPECT_EQ(account.balance.value(), 3);
}

TEST(AttributeTest, NullableTakesNothing) {
  Account account;
  account.note = "x";
  account.note = std::nullopt;
  EXPECT_EQ(account.note.value(), std::nullopt);
  account.note = std::optional<std::string>("y");
  EXPECT_EQ(account.note.value(), "y");
}

// What does.

class AttributeStoreTest : public DatabaseTest {};

std::shared_ptr<Sample> MakeSample() {
  auto sample = std::make_shared<Sample>();
  sample->id = std::numeric_limits<std::int32_t>::max();
  sample->flag = true;
  sample->big = std::numeric_limits<std::int64_t>::min();
  sample->real = 0.1;
  sample->text = "naïve \xF0\x9F\x8C\x8D";
  sample->bytes = Bytes{std::string("\0\xff\n'", 4)};
  sample->at = Timestamp{-1};
  sample->day = *Date::FromCivil(2024, 2, 29);
  sample->price = *Decimal::Parse("-12345678901234567890.0500");
  sample->uuid = *Uuid::Parse("00112233-4455-6677-8899-aabbccddeeff");
  sample->json = Json{R"({"b": [1, null], "a": "ü"})"};
  return sample;
}

void ExpectSample(const Sample& sample) {
  EXPECT_EQ(sample.flag.value(), true);
  EXPECT_EQ(sample.big.value(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(sample.real.value(), 0.1);
  EXPECT_EQ(sample.text.value(), "naïve \xF0\x9F\x8C\x8D");
  EXPECT_EQ(sample.bytes.value().data, std::string("\0\xff\n'", 4));
  EXPECT_EQ(sample.at.value().microseconds, -1);
  EXPECT_EQ(sample.day.value(), *Date::FromCivil(2024, 2, 29));
  EXPECT_EQ(sample.price.value().text(), "-12345678901234567890.0500");
  EXPECT_EQ(sample.uuid.value().ToText(),
            "00112233-4455-6677-8899-aabbccddeeff");
  EXPECT_EQ(sample.json.value().text, R"({"b": [1, null], "a": "ü"})");
  EXPECT_EQ(sample.maybe.value(), std::nullopt);
}

TEST_P(AttributeStoreTest, EveryTypeComesBackAsItWent) {
  const auto engine = NewEngine("main", {&Sample::table()});
  {
    ShardedSession session(engine);
    const auto sample = MakeSample();
    SHARD_ASSERT_OK(session.Add(sample));
    SHARD_ASSERT_OK(session.Commit());
    ExpectSample(*sample);  // loaded again
  }
  ShardedSession session(engine);
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto sample,
      session.Get<Sample>(std::numeric_limits<std::int32_t>::max()));
  ASSERT_NE(sample, nullptr);
  ExpectSample(*sample);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto all, session.Scalars(Select<Sample>()));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0], sample);
}

TEST_P(AttributeStoreTest, EveryTypeInUpdatesAndConditions) {
  const auto engine = NewEngine("main", {&Sample::table()});
  constexpr auto& c = Sample::c;
  ShardedSession session(engine);
  const auto sample = MakeSample();
  SHARD_ASSERT_OK(session.Add(sample));
  SHARD_ASSERT_OK(session.Commit());
  sample->flag = false;
  sample->at = *Timestamp::Parse("2024-02-29 23:59:59.999999");
  sample->price = *Decimal::Parse("0.10");
  sample->uuid = *Uuid::Parse("ffffffff-4455-6677-8899-aabbccddeeff");
  sample->maybe = 2.5;
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto found,
      session.Scalars(Select<Sample>().Where(
          c.flag == false && c.big < 0 && c.real == 0.1 &&
          c.text == sample->text.value() && c.bytes == sample->bytes.value() &&
          c.at > Timestamp{0} && c.day == *Date::FromCivil(2024, 2, 29) &&
          c.price == *Decimal::Parse("0.1") && c.uuid == sample->uuid.value() &&
          c.maybe == 2.5)));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0]->price.value().text(), "0.10");
}

TEST_P(AttributeStoreTest, EnumsAndStrongIds) {
  const auto engine = NewEngine("main", {&Thing::table()});
  {
    ShardedSession session(engine);
    auto thing = std::make_shared<Thing>();
    thing->id = ThingId{7};
    thing->color = Color::kBlue;
    SHARD_ASSERT_OK(session.Add(thing));
    SHARD_ASSERT_OK(session.Commit());
    thing->second = Color::kRed;
    SHARD_ASSERT_OK(session.Commit());
  }
  EXPECT_EQ(ReadText(engine, "select color from things"), "blue");
  ShardedSession session(engine);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto thing, session.Get<Thing>(ThingId{7}));
  ASSERT_NE(thing, nullptr);
  EXPECT_EQ(thing->color.value(), Color::kBlue);
  EXPECT_EQ(thing->second.value(), Color::kRed);
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto blue,
      session.Scalars(Select<Thing>().Where(Thing::c.color == Color::kBlue)));
  EXPECT_EQ(blue.size(), 1u);
}

TEST_P(AttributeStoreTest, GeneratedKeyOfAStrongId) {
  const auto engine = NewEngine("main", {&Thing::table()});
  ShardedSession session(engine);
  auto thing = std::make_shared<Thing>();
  thing->color = Color::kRed;
  SHARD_ASSERT_OK(session.Add(thing));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(thing->id.value(), ThingId{1});
}

TEST_P(AttributeStoreTest, WhatTheTypeDoesNotKnowIsAnError) {
  const auto engine = NewEngine("main", {&Thing::table()});
  RunSql(engine, "insert into things (id, color) values (1, 'green')");
  ShardedSession session(engine);
  EXPECT_THAT(
      session.Get<Thing>(ThingId{1}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("Thing.color"), HasSubstr("no such color"))));
  EXPECT_THAT(session.Scalars(Select<Thing>()),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_P(AttributeStoreTest, NullWhereTheTypeHasNoNull) {
  const auto engine = NewEngine("main", {});
  RunSql(engine,
         "create table things (id bigint primary key, color text, "
         "second text)");
  RunSql(engine, "insert into things (id) values (1)");
  ShardedSession session(engine);
  EXPECT_THAT(session.Get<Thing>(ThingId{1}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("Thing.color is NULL"),
                             HasSubstr("std::optional"))));
}

TEST_P(AttributeStoreTest, StatesOverALife) {
  const auto engine = NewEngine("main", {&Account::table()});
  ShardedSession session(engine);
  const auto account = MakeAccount("ada", 5);
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(account->owner.state(), AttributeState::kLoaded);
  // The server's, which the INSERT brought back.
  EXPECT_EQ(account->note.state(), AttributeState::kLoaded);
  EXPECT_EQ(account->note.value(), "none");
  account->balance = Account::c.balance + 1;
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(account->balance.state(), AttributeState::kExpired);
  EXPECT_EQ(account->owner.state(), AttributeState::kLoaded);
  EXPECT_EQ(account->balance.value(), 6);
  EXPECT_EQ(account->balance.state(), AttributeState::kLoaded);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(account->owner.state(), AttributeState::kExpired);
  EXPECT_EQ(account->id.state(), AttributeState::kLoaded);
}

TEST_P(AttributeStoreTest, LoadNamesTheClassWhenTheRowIsGone) {
  const auto engine = NewEngine("main", {&Account::table()});
  ShardedSession session(engine);
  const auto account = MakeAccount("ada");
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Commit());
  RunSql(engine, "delete from accounts");
  EXPECT_THAT(account->owner.Load(),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("Account 1"), HasSubstr("'main'"))));
  EXPECT_THROW(account->owner.value(), BadAttributeAccess);
}

TEST_P(AttributeStoreTest, ExpiredAttributesAreLoadedTogether) {
  const auto engine = NewEngine("main", {&Account::table()});
  ShardedSession session(engine);
  const auto account = MakeAccount("ada", 1);
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Commit());
  log().Clear();
  EXPECT_EQ(account->owner.value(), "ada");
  EXPECT_EQ(account->note.value(), "none");
  EXPECT_EQ(account->balance.value(), 1);
  EXPECT_EQ(log().Count("SELECT"), 1u);
  EXPECT_EQ(log().CountAll(), 1u);
}

TEST_P(AttributeStoreTest, AssignedBeforeItWasLoadedAgain) {
  const auto engine = NewEngine("main", {&Account::table()});
  ShardedSession session(engine);
  const auto account = MakeAccount("ada", 1);
  SHARD_ASSERT_OK(session.Add(account));
  SHARD_ASSERT_OK(session.Commit());
  account->balance = 9;
  EXPECT_EQ(account->owner.value(), "ada");  // loads all that is expired
  EXPECT_EQ(account->balance.value(), 9);    // and leaves what was assigned
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(engine, "select balance from accounts"), 9);
}

SHARD_ON_DATABASES(AttributeStoreTest, "sqlite", "postgresql");

}  // namespace
}  // namespace shard::testing
