// How classes are mapped.
#include "shard/session/mapping.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

template <class F>
struct KeylessFields {
  Field<F, std::int64_t, "number"> number;
};
struct Keyless : Entity<Keyless, KeylessFields, "keyless"> {};

template <class F>
struct TwiceFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "name"> name;
  Field<F, std::string, "name"> other;
};
struct Twice : Entity<Twice, TwiceFields, "twice"> {};

template <class F>
struct WideFields {
  Field<F, std::int64_t, "f1", PrimaryKey> f1;
  Field<F, std::int64_t, "f2"> f2;
  Field<F, std::int64_t, "f3"> f3;
  Field<F, std::int64_t, "f4"> f4;
  Field<F, std::int64_t, "f5"> f5;
  Field<F, std::string, "f6"> f6;
  Field<F, std::string, "f7"> f7;
  Field<F, std::string, "f8"> f8;
  Field<F, std::string, "f9"> f9;
  Field<F, std::string, "f10"> f10;
  Field<F, double, "f11"> f11;
  Field<F, double, "f12"> f12;
  Field<F, bool, "f13"> f13;
  Field<F, bool, "f14"> f14;
  Field<F, std::optional<std::int32_t>, "f15"> f15;
  Field<F, std::optional<std::int32_t>, "f16"> f16;
  Field<F, std::optional<std::string>, "f17"> f17;
  Field<F, std::optional<std::string>, "f18"> f18;
  Field<F, Decimal, "f19"> f19;
  Field<F, Timestamp, "f20"> f20;
};
struct Wide : Entity<Wide, WideFields, "wide"> {};

template <class F>
struct LonelyFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
};
struct Lonely : Entity<Lonely, LonelyFields, "lonely"> {};

struct Unmapped {};
static_assert(MappedClass<Account>);
static_assert(!MappedClass<Unmapped>);
static_assert(!MappedClass<EntityBase>);
template <class T>
concept Addable = requires(ShardedSession& session, std::shared_ptr<T> object) {
  session.Add(object);
};
static_assert(Addable<Account>);
static_assert(!Addable<Unmapped>);  // a class with no mapping
static_assert(std::is_empty_v<decltype(Account::c.owner)>);

TEST(MappingTest, ColumnsAreTheFields) {
  const sql::Table& table = Account::table();
  EXPECT_EQ(table.name(), "accounts");
  ASSERT_EQ(table.columns().size(), 4u);
  EXPECT_EQ(table.columns()[0].name(), "id");
  EXPECT_TRUE(table.columns()[0].primary_key());
  EXPECT_FALSE(table.FindColumn("owner")->nullable());
  EXPECT_TRUE(table.FindColumn("note")->nullable());
  EXPECT_EQ(table.FindColumn("note")->server_default(), "'none'");
  EXPECT_EQ(table.FindColumn("balance")->type(), sql::ValueType::kInt64);
  EXPECT_EQ(table.generated_key(), table.FindColumn("id"));
  EXPECT_EQ(&Account::c.owner.column(), table.FindColumn("owner"));
}

TEST(MappingTest, ClassesAreKnownByName) {
  EXPECT_THAT(Account::class_info().name, ::testing::EndsWith("Account"));
  EXPECT_EQ(Account::class_info().table, &Account::table());
  EXPECT_NE(&Account::class_info(), &City::class_info());
  EXPECT_TRUE(Account::class_info().bases.empty());
}

TEST(MappingTest, KeysInTheOrderOfTheTable) {
  EXPECT_EQ(Line::ClassMapping().key_fields(),
            (std::vector<std::uint16_t>{0, 1}));
  EXPECT_FALSE(Line::ClassMapping().has_integer_key());
  EXPECT_FALSE(Page::ClassMapping().has_integer_key());
  EXPECT_TRUE(Account::ClassMapping().has_integer_key());
}

TEST(MappingTest, NoPrimaryKeyIsNamed) {
  EXPECT_THAT(Keyless::ClassMapping().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("Keyless"), HasSubstr("PrimaryKey"))));
}

TEST(MappingTest, ColumnMappedTwiceIsNamed) {
  EXPECT_THAT(Twice::ClassMapping().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("Twice"), HasSubstr("'name'"))));
}

TEST(MappingTest, UnmappedColumnIsNamed) {
  sql::SelectStatement select;
  select.Column(Account::table().c("nope"));
  const auto engine = OpenEngine("sqlite://");
  SHARD_ASSERT_OK(engine);
  ShardedSession session(*engine);
  EXPECT_THAT(session.Execute(sql::Statement(select)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("accounts"), HasSubstr("nope"))));
}

TEST(MappingTest, OfATableWithoutAClass) {
  const Mapping notes(
      "notes",
      {{.name = "id", .type = sql::ValueType::kInt64, .primary_key = true},
       {.name = "text", .server_default = "'none'"},
       {.name = "at", .type = sql::ValueType::kTimestamp, .nullable = false}});
  SHARD_ASSERT_OK(notes.status());
  EXPECT_FALSE(notes.has_class());
  EXPECT_TRUE(Account::ClassMapping().has_class());
  EXPECT_EQ(notes.class_info().name, "notes");
  EXPECT_EQ(notes.class_info().table, &notes.table());
  EXPECT_EQ(notes.table().mapped_class(), &notes.class_info());
  EXPECT_EQ(notes.fields().size(), 3u);
  EXPECT_EQ(notes.key_set(), 1u);
  EXPECT_TRUE(notes.has_integer_key());
  EXPECT_EQ(notes.server_defaults(), 2u);
  EXPECT_EQ(notes.null_means_default(), 0u);  // NULL is meant

  const Mapping keyless("log", {{.name = "line"}});
  SHARD_EXPECT_OK(keyless.status());
  EXPECT_TRUE(keyless.key_fields().empty());
}

TEST(MappingTest, TablesThatCannotBeMapped) {
  const Mapping twice("notes", {{.name = "a"}, {.name = "b"}, {.name = "a"}});
  EXPECT_THAT(twice.status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'notes'"), HasSubstr("'a' twice"))));
  std::vector<sql::ColumnSpec> many(kMostFields + 1);
  for (std::size_t i = 0; i < many.size(); ++i) {
    many[i].name = absl::StrCat("c", i);
  }
  EXPECT_THAT(Mapping("wide", many).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("'wide' has 65 columns")));
  many.pop_back();
  SHARD_EXPECT_OK(Mapping("wide", many).status());
}

class MappingStoreTest : public DatabaseTest {};

TEST_P(MappingStoreTest, ClassesThatCannotBeUsedWriteNothing) {
  const auto engine = NewEngine("main", {&Account::table()});
  ShardedSession session(engine);
  const auto keyless = std::make_shared<Keyless>();
  const auto twice = std::make_shared<Twice>();
  EXPECT_THAT(session.Add(keyless),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("Keyless has no primary key")));
  EXPECT_EQ(keyless->object_state(), ObjectState::kTransient);
  EXPECT_THAT(session.Add(twice), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(session.Get<Keyless>(1),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(session.Get<Twice>(1),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(session.Scalars(Select<Keyless>()),
              HasCode(absl::StatusCode::kInvalidArgument));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(MappingStoreTest, TwentyFields) {
  const auto engine = NewEngine("main", {&Wide::table()});
  {
    ShardedSession session(engine);
    auto wide = std::make_shared<Wide>();
    wide->f1 = 1;
    wide->f2 = 2;
    wide->f3 = 3;
    wide->f4 = 4;
    wide->f5 = 5;
    wide->f6 = "6";
    wide->f7 = "7";
    wide->f8 = "8";
    wide->f9 = "9";
    wide->f10 = "10";
    wide->f11 = 11.5;
    wide->f12 = 12.5;
    wide->f13 = true;
    wide->f14 = false;
    wide->f15 = 15;
    wide->f17 = "17";
    wide->f19 = *Decimal::Parse("19.90");
    wide->f20 = Timestamp{20};
    SHARD_ASSERT_OK(session.Add(wide));
    SHARD_ASSERT_OK(session.Commit());
  }
  ShardedSession session(engine);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto wide, session.Get<Wide>(1));
  ASSERT_NE(wide, nullptr);
  EXPECT_EQ(wide->f5.value(), 5);
  EXPECT_EQ(wide->f10.value(), "10");
  EXPECT_EQ(wide->f12.value(), 12.5);
  EXPECT_TRUE(wide->f13.value());
  EXPECT_FALSE(wide->f14.value());
  EXPECT_EQ(wide->f15.value(), 15);
  EXPECT_EQ(wide->f16.value(), std::nullopt);
  EXPECT_EQ(wide->f17.value(), "17");
  EXPECT_EQ(wide->f19.value().text(), "19.90");
  EXPECT_EQ(wide->f20.value().microseconds, 20);
}

TEST_P(MappingStoreTest, NothingButAGeneratedKey) {
  const auto engine = NewEngine("main", {&Lonely::table()});
  ShardedSession session(engine);
  std::vector<std::shared_ptr<Lonely>> all;
  for (int i = 0; i < 3; ++i) all.push_back(std::make_shared<Lonely>());
  SHARD_ASSERT_OK(session.AddAll(all));
  SHARD_ASSERT_OK(session.Commit());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(all[i]->id.value(), i + 1);
  EXPECT_EQ(CountRows(engine, "lonely"), 3);
}

TEST_P(MappingStoreTest, CompositeKeys) {
  const auto engine = NewEngine("main", {&Line::table()});
  ShardedSession session(engine);
  auto line = std::make_shared<Line>();
  line->order_id = 5;
  line->position = "a";
  line->article = "tea";
  auto other = std::make_shared<Line>();
  other->order_id = 5;
  other->position = "b";
  SHARD_ASSERT_OK(session.AddAll(std::vector{line, other}));
  SHARD_ASSERT_OK(session.Commit());
  line->article = "milk";
  other->position = "c";
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK(session.Delete(line));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadText(engine, "select position from lines"), "c");
}

TEST_P(MappingStoreTest, PartOfACompositeKeyMissing) {
  const auto engine = NewEngine("main", {&Line::table()});
  ShardedSession session(engine);
  auto line = std::make_shared<Line>();
  line->order_id = 5;
  SHARD_ASSERT_OK(session.Add(line));
  EXPECT_THAT(session.Flush(), StatusIs(absl::StatusCode::kInvalidArgument,
                                        HasSubstr("Line.position")));
  EXPECT_EQ(log().CountAll(), 0u);
  line->position = "a";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(engine, "lines"), 1);
}

TEST_P(MappingStoreTest, TextKeyMissing) {
  const auto engine = NewEngine("main", {&Page::table()});
  ShardedSession session(engine);
  auto page = std::make_shared<Page>();
  page->body = "x";
  SHARD_ASSERT_OK(session.Add(page));
  EXPECT_THAT(session.Commit(), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("Page.path")));
  page->path = "/";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(engine, "pages"), 1);
}

SHARD_ON_DATABASES(MappingStoreTest, "sqlite", "postgresql");

}  // namespace
}  // namespace shard::testing
