// Vertical partitioning, nested resolvers, and resolvers of one's own.
#include "shard/router/vertical_resolver.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/bind_request.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/list_strategy.h"
#include "shard/router/shard_id.h"
#include "shard/router/shard_rule.h"
#include "shard/sql/class_info.h"
#include "shard/sql/dml.h"
#include "shard/sql/expression.h"
#include "shard/sql/select.h"
#include "shard/sql/statement.h"
#include "shard/sql/table.h"
#include "shard/tests/dialects/fake_engine.h"

namespace shard {
namespace {

using shard::testing::HasCode;
using shard::testing::MakeFakeEngine;
using shard::testing::StatusIs;
using sql::SelectStatement;
using sql::Statement;
using sql::ValueType;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kFailedPrecondition = absl::StatusCode::kFailedPrecondition;

class VerticalResolverTest : public ::testing::Test {
 protected:
  static std::vector<sql::ColumnSpec> Id() {
    return {{.name = "id", .type = ValueType::kInt64, .primary_key = true}};
  }
  // The name of the engine, or the error.
  static std::string Name(const absl::StatusOr<Bind>& bind) {
    return bind.ok() ? bind->engine->name() : bind.status().ToString();
  }
  std::string Of(const sql::ClassInfo& info) {
    return Name(resolver_.Resolve({.class_info = &info}));
  }
  absl::StatusOr<Bind> For(const Statement& statement,
                           const sql::ClassInfo* info = nullptr) {
    return resolver_.Resolve({.class_info = info, .statement = &statement});
  }
  static SelectStatement From(const sql::Table& table) {
    SelectStatement select;
    select.Column(table.c("id")).From(table);
    return select;
  }
  static SelectStatement Joined(const sql::Table& a, const sql::Table& b) {
    return From(a).Join(
        b, sql::Binary(sql::BinaryOp::kEqual, a.c("id"), b.c("id")));
  }

  const sql::Table user_table_{"user", Id()};
  const sql::Table admin_table_{"admin", Id()};
  const sql::Table root_table_{"root", Id()};
  const sql::Table order_table_{"order", Id()};
  const sql::Table loose_table_{"loose", Id()};
  const sql::ClassInfo user_{"User", &user_table_, {}};
  const sql::ClassInfo admin_{"Admin", &admin_table_, {&user_}};
  const sql::ClassInfo root_{"Root", &root_table_, {&admin_}};
  const sql::ClassInfo order_{"Order", &order_table_, {}};
  const sql::ClassInfo loose_{"Loose", &loose_table_, {}};
  const std::shared_ptr<Engine> people_ = MakeFakeEngine("people");
  const std::shared_ptr<Engine> sales_ = MakeFakeEngine("sales");
  const std::shared_ptr<Engine> rest_ = MakeFakeEngine("rest");
  VerticalResolver resolver_;
};

TEST_F(VerticalResolverTest, ClassThenNearestBaseThenDefault) {
  resolver_.BindClass(user_, people_).BindClass(order_, sales_);
  EXPECT_EQ(Of(user_), "people");
  EXPECT_EQ(Of(root_), "people");  // over two generations
  EXPECT_EQ(Of(order_), "sales");
  EXPECT_THAT(resolver_.Resolve({.class_info = &loose_}),
              StatusIs(kFailedPrecondition, HasSubstr("class Loose")));
  resolver_.BindDefault(rest_);
  EXPECT_EQ(Of(loose_), "rest");
  EXPECT_EQ(Of(root_), "people");  // a base comes before the default
  resolver_.BindClass(admin_, sales_);
  EXPECT_EQ(Of(root_), "sales");  // the nearest
  EXPECT_EQ(Of(user_), "people");
  resolver_.BindClass(root_, rest_);
  EXPECT_EQ(Of(root_), "rest");
}

TEST_F(VerticalResolverTest, FirstBoundOfSeveralBases) {
  const sql::ClassInfo both{"Both", &loose_table_, {&loose_, &order_, &admin_}};
  resolver_.BindClass(user_, people_);
  EXPECT_EQ(Of(both), "people");
  resolver_.BindClass(order_, sales_);
  EXPECT_EQ(Of(both), "sales");
}

TEST_F(VerticalResolverTest, BindingAgainReplaces) {
  resolver_.BindClass(user_, people_).BindDefault(people_);
  resolver_.BindClass(user_, sales_).BindDefault(rest_);
  EXPECT_EQ(Of(user_), "sales");
  EXPECT_EQ(Name(For(From(user_table_))), "sales");
  EXPECT_EQ(Of(loose_), "rest");
}

TEST_F(VerticalResolverTest, StatementsByTheirTables) {
  resolver_.BindClass(user_, people_).BindClass(order_, sales_);
  EXPECT_EQ(Name(For(From(user_table_))), "people");
  EXPECT_EQ(Name(For(sql::DeleteStatement(order_table_))), "sales");
  EXPECT_EQ(Name(For(sql::InsertStatement(order_table_))), "sales");
  EXPECT_EQ(Name(For(sql::UpdateStatement(user_table_))), "people");
  EXPECT_THAT(For(From(loose_table_)),
              StatusIs(kFailedPrecondition, HasSubstr("'loose'")));
  resolver_.BindDefault(rest_);
  EXPECT_EQ(Name(For(From(loose_table_))), "rest");
}

TEST_F(VerticalResolverTest, StatementOverTwoDatabasesIsRefused) {
  resolver_.BindClass(user_, people_).BindClass(order_, sales_);
  const auto refused =
      StatusIs(kInvalid, AllOf(HasSubstr("'user'"), HasSubstr("'order'"),
                               HasSubstr("different databases")));
  EXPECT_THAT(For(Joined(user_table_, order_table_)), refused);
  EXPECT_THAT(
      For(Joined(user_table_, order_table_)),
      StatusIs(kInvalid, AllOf(HasSubstr("'people'"), HasSubstr("'sales'"))));
  EXPECT_THAT(
      For(From(user_table_)
              .Where(sql::InQuery(user_table_.c("id"), From(order_table_)))),
      refused);
  EXPECT_THAT(
      For(Joined(user_table_, order_table_), &user_),
      StatusIs(kInvalid, AllOf(HasSubstr("User"), HasSubstr("'order'"))));
  EXPECT_THAT(For(Joined(user_table_, loose_table_)),
              StatusIs(kFailedPrecondition, HasSubstr("'loose'")));
  resolver_.BindDefault(rest_);
  EXPECT_THAT(For(Joined(user_table_, loose_table_)), HasCode(kInvalid));
}

TEST_F(VerticalResolverTest, ClassesOfOneDatabaseMayBeJoined) {
  resolver_.BindClass(user_, people_)
      .BindClass(order_, people_)
      .BindDefault(people_);
  EXPECT_EQ(Name(For(Joined(user_table_, order_table_))), "people");
  EXPECT_EQ(Name(For(Joined(user_table_, order_table_), &user_)), "people");
  EXPECT_EQ(Name(For(Joined(user_table_, loose_table_))), "people");
}

TEST_F(VerticalResolverTest, ClassBoundThroughItsBaseIsReadWithItsBasesTable) {
  resolver_.BindClass(user_, people_).BindDefault(rest_);
  // Joined inheritance: Admin's rows live in both tables.
  EXPECT_EQ(Name(For(Joined(user_table_, admin_table_), &admin_)), "people");
  EXPECT_EQ(Name(For(From(admin_table_), &admin_)), "people");
}

TEST_F(VerticalResolverTest, TextByItsClassThenTheDefault) {
  resolver_.BindClass(user_, people_);
  const Statement text = sql::TextSql("select 1");
  EXPECT_EQ(Name(For(text, &admin_)), "people");
  EXPECT_THAT(For(text), StatusIs(kFailedPrecondition,
                                  HasSubstr("names no class or table")));
  EXPECT_THAT(For(text, &loose_),
              StatusIs(kFailedPrecondition, HasSubstr("Loose")));
  EXPECT_THAT(resolver_.Resolve({}), HasCode(kFailedPrecondition));
  resolver_.BindDefault(rest_);
  EXPECT_EQ(Name(For(text)), "rest");
  EXPECT_EQ(Name(For(SelectStatement().Column(sql::Literal(1)))), "rest");
}

TEST_F(VerticalResolverTest, SingleDatabaseHasNoShards) {
  resolver_.BindClass(user_, people_);
  EXPECT_THAT(
      resolver_.Resolve({.class_info = &user_, .shard = ShardId::Of("eu")}),
      StatusIs(kInvalid, AllOf(HasSubstr("'eu'"), HasSubstr("'people'"))));
  EXPECT_EQ(Name(resolver_.Resolve({.class_info = &user_, .shard = ShardId()})),
            "people");
  SHARD_ASSERT_OK_AND_ASSIGN(const Bind bind,
                             resolver_.Resolve({.class_info = &user_}));
  EXPECT_TRUE(bind.shard.is_none());
  SHARD_ASSERT_OK_AND_ASSIGN(const BindSet all,
                             resolver_.ResolveAll({.class_info = &user_}));
  EXPECT_THAT(all, ElementsAre(bind));
  EXPECT_THAT(resolver_.ShardKey(user_), IsEmpty());
  EXPECT_THAT(resolver_.ShardKey(loose_), IsEmpty());
}

TEST_F(VerticalResolverTest, LeadsToAHorizontalResolver) {
  const auto east = MakeFakeEngine("east"), west = MakeFakeEngine("west");
  const auto strategy =
      ListStrategy::Create({{1, "east"}, {2, "west"}}).value();
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto horizontal,
      HorizontalResolver::Create(
          {{{"east", east}, {"west", west}},
           {ShardBy({user_table_.FindColumn("id")}, strategy)}}));
  resolver_.BindClass(user_, horizontal).BindDefault(rest_);

  const Statement west_only(
      From(user_table_)
          .Where(sql::Binary(sql::BinaryOp::kEqual, user_table_.c("id"),
                             sql::Literal(2))));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const BindSet pruned,
      resolver_.ResolveAll({.class_info = &user_, .statement = &west_only}));
  EXPECT_THAT(pruned, ElementsAre(Bind{west.get(), ShardId::Of("west")}));
  SHARD_ASSERT_OK_AND_ASSIGN(const BindSet all,
                             resolver_.ResolveAll({.class_info = &user_}));
  EXPECT_EQ(all.size(), 2u);
  EXPECT_EQ(Name(resolver_.Resolve(
                {.class_info = &user_, .shard = ShardId::Of("east")})),
            "east");
  EXPECT_EQ(Of(order_), "rest");
  EXPECT_THAT(resolver_.ShardKey(user_),
              ElementsAre(user_table_.FindColumn("id")));
  EXPECT_THAT(resolver_.ShardKey(order_), IsEmpty());
  // A sharded table and one elsewhere.
  EXPECT_THAT(For(Joined(user_table_, order_table_)), HasCode(kInvalid));
}

TEST_F(VerticalResolverTest, KeepsItsEnginesAlive) {
  const std::weak_ptr<Engine> watched = [this] {
    auto engine = MakeFakeEngine("kept");
    resolver_.BindClass(user_, engine);
    return std::weak_ptr<Engine>(engine);
  }();
  EXPECT_FALSE(watched.expired());
  EXPECT_EQ(Of(user_), "kept");
}

// Rows 44 to 57 of the reference, as far as a resolver alone shows them.

struct Audited {};

template <class Key, class Target>
concept CanBind = requires(VerticalResolver r, Target target) {
  r.BindClass<Key>(target);
};
using AnEngine = std::shared_ptr<Engine>;
static_assert(CanBind<Audited, AnEngine>);
static_assert(CanBind<Audited, std::shared_ptr<HorizontalResolver>>);
static_assert(!CanBind<int, AnEngine>);
static_assert(!CanBind<std::string*, AnEngine>);
static_assert(!CanBind<Audited, std::nullptr_t>);
static_assert(!CanBind<Audited, Engine*>);
static_assert(!CanBind<Audited, std::string>);
template <class Key>
concept CanBindValue = requires(VerticalResolver r, Key key, AnEngine engine) {
  r.BindClass(key, engine);
};
static_assert(CanBindValue<const sql::ClassInfo&>);
static_assert(!CanBindValue<const char*>);
static_assert(!CanBindValue<Audited>);

TEST_F(VerticalResolverTest, Row44NullPointersAreRefused) {
  resolver_.BindDefault(rest_).BindClass(user_, std::shared_ptr<Engine>());
  const auto refused =
      StatusIs(kInvalid, AllOf(HasSubstr("User"), HasSubstr("null")));
  EXPECT_THAT(resolver_.Resolve({.class_info = &user_}), refused);
  // Of all work, before it goes where nobody wanted it.
  EXPECT_THAT(resolver_.ResolveAll({.class_info = &order_}), refused);
  EXPECT_THAT(VerticalResolver()
                  .BindTable(order_table_, std::shared_ptr<BindResolver>())
                  .Resolve({}),
              StatusIs(kInvalid, HasSubstr("'order'")));
  EXPECT_THAT(
      VerticalResolver().BindDefault(std::shared_ptr<Engine>()).Resolve({}),
      StatusIs(kInvalid, HasSubstr("default")));
  EXPECT_THAT(VerticalResolver()
                  .BindMetaData({&order_table_}, std::shared_ptr<Engine>())
                  .Resolve({}),
              StatusIs(kInvalid, HasSubstr("metadata")));
}

TEST_F(VerticalResolverTest, Row45ClassesBringTheirTables) {
  resolver_.BindClass(user_, people_).BindDefault(rest_);
  EXPECT_EQ(Name(For(From(user_table_))), "people");
  // A joined subclass brings the tables of its bases, where nobody else does.
  const sql::ClassInfo joined{"Joined", &admin_table_, {&order_}, &order_};
  resolver_.BindClass(joined, sales_);
  EXPECT_EQ(Name(For(From(admin_table_))), "sales");
  EXPECT_EQ(Name(For(From(order_table_))), "sales");
  EXPECT_EQ(Of(order_), "sales");  // by its table
  resolver_.BindClass(order_, people_);
  EXPECT_EQ(Name(For(From(order_table_))), "people");
  EXPECT_EQ(Name(For(From(admin_table_))), "sales");
}

// What is bound, what is asked, and where that goes; "": nowhere.
TEST_F(VerticalResolverTest, Row46OrderOfResolution) {
  enum : unsigned { kClass = 1, kTable = 2, kDefault = 4, kMetaData = 8 };
  const std::shared_ptr<Engine> table = MakeFakeEngine("table"),
                                metadata = MakeFakeEngine("metadata");
  const Statement users(From(user_table_)), typed(From(user_table_), &user_),
      orders(From(order_table_)), text(sql::TextSql("select 1")),
      one(SelectStatement().Column(sql::Literal(1)));
  const auto resolve = [&](unsigned bound, BindRequest request) {
    VerticalResolver resolver;
    if (bound & kClass) resolver.BindClass(user_, people_);
    if (bound & kTable) resolver.BindTable(user_table_, table);
    if (bound & kDefault) resolver.BindDefault(rest_);
    if (bound & kMetaData) {
      resolver.BindMetaData({&user_table_, &order_table_}, metadata);
    }
    const auto bind = resolver.Resolve(request);
    if (!bind.ok()) {
      EXPECT_THAT(bind, HasCode(kFailedPrecondition));
    }
    return bind.ok() ? bind->engine->name() : "";
  };
  struct Case {
    const char* what;
    BindRequest request;
    // Bound: class | table | class, table | class, default | table, default |
    // default | default, metadata | metadata | nothing
    std::vector<std::string> goes;
  };
  const std::vector<unsigned> bound = {kClass,
                                       kTable,
                                       kClass | kTable,
                                       kClass | kDefault,
                                       kTable | kDefault,
                                       kDefault,
                                       kDefault | kMetaData,
                                       kMetaData,
                                       0};
  const Case cases[] = {
      {"nothing", {}, {"", "", "", "rest", "rest", "rest", "rest", "", ""}},
      {"class",
       {.class_info = &user_},
       {"people", "table", "people", "people", "table", "rest", "rest",
        "metadata", ""}},
      {"class and text",
       {.class_info = &user_, .statement = &text},
       {"people", "table", "people", "people", "table", "rest", "rest",
        "metadata", ""}},
      {"text",
       {.statement = &text},
       {"", "", "", "rest", "rest", "rest", "rest", "", ""}},
      {"no table",
       {.statement = &one},
       {"", "", "", "rest", "rest", "rest", "rest", "", ""}},
      {"class and its table",
       {.class_info = &user_, .statement = &users},
       {"people", "table", "people", "people", "table", "rest", "rest",
        "metadata", ""}},
      {"statement about the class",
       {.statement = &typed},
       {"people", "table", "people", "people", "table", "rest", "rest",
        "metadata", ""}},
      {"table alone",
       {.statement = &users},
       {"people", "table", "table", "people", "table", "rest", "rest",
        "metadata", ""}},
      {"class of the table alone",
       {.class_info = &user_, .statement = &users, .class_is_of_table = true},
       {"people", "table", "table", "people", "table", "rest", "rest",
        "metadata", ""}},
      {"another table",
       {.statement = &orders},
       {"", "", "", "rest", "rest", "rest", "rest", "metadata", ""}},
      {"class and another table",
       {.class_info = &user_, .statement = &orders},
       {"people", "", "people", "people", "rest", "rest", "rest", "metadata",
        ""}},
      {"another class and the table",
       {.class_info = &order_, .statement = &typed},
       {"people", "table", "people", "people", "table", "rest", "rest",
        "metadata", ""}},
  };
  for (const Case& c : cases) {
    for (std::size_t i = 0; i < bound.size(); ++i) {
      EXPECT_EQ(resolve(bound[i], c.request), c.goes[i])
          << c.what << ", bound: " << bound[i];
    }
  }
}

TEST_F(VerticalResolverTest, Row47TheCallersClassBeatsTheStatement) {
  resolver_.BindClass(user_, people_).BindClass(order_, sales_);
  EXPECT_EQ(Name(For(From(order_table_), &user_)), "people");
  EXPECT_EQ(Name(For(Statement(From(order_table_), &order_), &user_)),
            "people");
  // But not what it is part of.
  EXPECT_THAT(For(Joined(user_table_, order_table_), &user_),
              HasCode(kInvalid));
}

TEST_F(VerticalResolverTest, Row48TwoDatabasesAreRefusedInAnyOrder) {
  resolver_.BindClass(user_, people_).BindTable(order_table_, sales_);
  const auto refused =
      StatusIs(kInvalid, AllOf(HasSubstr("'user'"), HasSubstr("'people'"),
                               HasSubstr("'order'"), HasSubstr("'sales'")));
  EXPECT_THAT(For(Joined(user_table_, order_table_)), refused);
  EXPECT_THAT(For(Joined(order_table_, user_table_)), refused);
  EXPECT_THAT(For(Joined(user_table_, order_table_), &user_), refused);
  EXPECT_THAT(
      For(sql::UpdateStatement(user_table_)
              .Where(sql::InQuery(user_table_.c("id"), From(order_table_)))),
      refused);
}

TEST_F(VerticalResolverTest, Row49JoinedSubclass) {
  const sql::ClassInfo joined{"Joined", &admin_table_, {&user_}, &user_};
  const auto of = [&](VerticalResolver& resolver) {
    return Name(resolver.Resolve({.class_info = &joined}));
  };
  const SelectStatement both = Joined(user_table_, admin_table_);
  const Statement typed(both, &joined);
  resolver_.BindClass(user_, people_);
  EXPECT_EQ(of(resolver_), "people");
  resolver_.BindClass(joined, sales_);
  EXPECT_EQ(of(resolver_), "sales");
  EXPECT_EQ(Of(user_), "people");
  // All of its rows are there, those in the base's table, too.
  EXPECT_EQ(Name(For(typed)), "sales");
  EXPECT_EQ(Name(For(both, &joined)), "sales");

  VerticalResolver tables;
  tables.BindTable(user_table_, people_).BindTable(admin_table_, sales_);
  EXPECT_EQ(of(tables), "people");
  EXPECT_EQ(Name(tables.Resolve({.statement = &typed})), "people");
  VerticalResolver sub_table;
  sub_table.BindTable(admin_table_, sales_);
  EXPECT_THAT(sub_table.Resolve({.class_info = &joined}),
              StatusIs(kFailedPrecondition, HasSubstr("class Joined")));
  EXPECT_EQ(of(sub_table.BindDefault(rest_)), "rest");
}

TEST_F(VerticalResolverTest, Row50ConcreteSubclass) {
  const sql::ClassInfo concrete{"Concrete", &admin_table_, {&user_}};
  const auto of = [&](VerticalResolver& resolver) {
    return resolver.Resolve({.class_info = &concrete});
  };
  EXPECT_EQ(Name(of(VerticalResolver().BindClass(user_, people_))), "people");
  EXPECT_THAT(of(VerticalResolver().BindTable(user_table_, people_)),
              HasCode(kFailedPrecondition));
  EXPECT_EQ(Name(of(VerticalResolver()
                        .BindClass(user_, people_)
                        .BindClass(concrete, sales_))),
            "sales");
  EXPECT_EQ(Name(of(VerticalResolver()
                        .BindTable(user_table_, people_)
                        .BindTable(admin_table_, sales_))),
            "sales");
}

TEST_F(VerticalResolverTest, Row51MixinsWhereOnlyAStatementIsGiven) {
  struct Mapped {
    explicit Mapped(const char* name)
        : table(name, Id(), &info),
          info{name, &table, {&sql::PlainClassInfo<Audited>()}} {}
    const sql::Table table;
    const sql::ClassInfo info;
  };
  const Mapped first("first"), second("second");
  resolver_.BindClass<Audited>(people_).BindDefault(rest_);
  EXPECT_EQ(Of(first.info), "people");
  // Plain tables follow their classes, however those are bound.
  EXPECT_EQ(Name(For(From(first.table))), "people");
  EXPECT_EQ(Name(For(sql::InsertStatement(first.table))), "people");
  EXPECT_EQ(Name(For(sql::UpdateStatement(first.table))), "people");
  EXPECT_EQ(Name(For(sql::DeleteStatement(first.table))), "people");
  const sql::Alias alias(first.table, "other");
  EXPECT_EQ(Name(For(SelectStatement().Column(alias.c("id")).From(alias))),
            "people");
  EXPECT_EQ(Name(For(Joined(first.table, second.table))), "people");
  EXPECT_EQ(Name(For(Joined(first.table, second.table), &first.info)),
            "people");
  EXPECT_EQ(
      Name(For(Statement(Joined(first.table, second.table), &second.info))),
      "people");
  EXPECT_THAT(
      For(Joined(first.table, user_table_)),
      StatusIs(kInvalid, AllOf(HasSubstr("'first'"), HasSubstr("'user'"))));
  EXPECT_THAT(sql::PlainClassInfo<Audited>().name, HasSubstr("Audited"));
}

TEST_F(VerticalResolverTest, Row52SeveralBoundSuperclasses) {
  const auto mro = [](const sql::ClassInfo& info) {
    std::string names;
    for (const sql::ClassInfo* c : sql::MroOf(info)) names += c->name + " ";
    return names;
  };
  const sql::ClassInfo root{"O", nullptr, {}};
  const sql::ClassInfo a{"A", nullptr, {&root}}, b{"B", nullptr, {&root}};
  const sql::ClassInfo c{"C", nullptr, {&a, &b}}, d{"D", nullptr, {&b}};
  const sql::ClassInfo both{"Both", &loose_table_, {&c, &d}};
  EXPECT_EQ(mro(root), "O ");
  EXPECT_EQ(mro(c), "C A B O ");  // O behind B, which derives from it
  EXPECT_EQ(mro(both), "Both C A D B O ");
  // Named in an order that puts a base before its subclass.
  EXPECT_EQ(mro({"E", nullptr, {&root, &a}}), "E A O ");

  resolver_.BindClass(root, rest_);
  EXPECT_EQ(Of(both), "rest");
  resolver_.BindClass(b, people_);
  EXPECT_EQ(Of(both), "people");
  resolver_.BindClass(d, sales_);
  EXPECT_EQ(Of(both), "sales");
  resolver_.BindClass(a, people_);
  EXPECT_EQ(Of(both), "people");
}

TEST_F(VerticalResolverTest, Row54AHierarchyGoesToOnePlaceInAFlush) {
  resolver_.BindClass(user_, people_).BindDefault(rest_);
  for (const sql::ClassInfo* info : {&user_, &admin_, &root_}) {
    EXPECT_EQ(Name(resolver_.Resolve(
                  {.class_info = info, .operation = Operation::kFlush})),
              "people");
  }
}

TEST_F(VerticalResolverTest, Row55TableBindsServeEverything) {
  resolver_.BindTable(user_table_, people_).BindTable(order_table_, sales_);
  for (const Operation operation :
       {Operation::kFlush, Operation::kBulk, Operation::kRead,
        Operation::kRefresh, Operation::kExecute}) {
    EXPECT_EQ(
        Name(resolver_.Resolve({.class_info = &user_, .operation = operation})),
        "people");
  }
  for (const sql::ClassInfo* given :
       {&order_, static_cast<const sql::ClassInfo*>(nullptr)}) {
    EXPECT_EQ(Name(For(sql::InsertStatement(order_table_), given)), "sales");
    EXPECT_EQ(Name(For(sql::UpdateStatement(order_table_), given)), "sales");
    EXPECT_EQ(Name(For(sql::DeleteStatement(order_table_), given)), "sales");
  }
}

TEST_F(VerticalResolverTest, Row57UnboundNamesClassAndTable) {
  resolver_.BindClass(user_, people_);
  EXPECT_THAT(resolver_.Resolve(
                  {.class_info = &order_, .operation = Operation::kFlush}),
              StatusIs(kFailedPrecondition,
                       AllOf(HasSubstr("class Order"), HasSubstr("'order'"))));
}

// Resolvers of one's own.

TEST_F(VerticalResolverTest, FunctionAsAResolver) {
  FunctionResolver by_operation(
      [this](const BindRequest& request) -> absl::StatusOr<Bind> {
        if (request.operation == Operation::kBulk) {
          return absl::UnimplementedError("no bulk");
        }
        return Bind{request.operation == Operation::kRead ? people_.get()
                                                          : sales_.get(),
                    ShardId()};
      });
  EXPECT_EQ(Name(by_operation.Resolve({.operation = Operation::kRead})),
            "people");
  EXPECT_EQ(Name(by_operation.Resolve({.operation = Operation::kFlush})),
            "sales");
  SHARD_ASSERT_OK_AND_ASSIGN(
      const BindSet all,
      by_operation.ResolveAll({.operation = Operation::kExecute}));
  EXPECT_THAT(all, ElementsAre(Bind{sales_.get(), ShardId()}));
  EXPECT_THAT(by_operation.ResolveAll({.operation = Operation::kBulk}),
              StatusIs(absl::StatusCode::kUnimplemented, "no bulk"));
  EXPECT_THAT(by_operation.ShardKey(user_), IsEmpty());
}

// Reads go everywhere, writes to the first.
class EverywhereResolver : public BindResolver {
 public:
  EverywhereResolver(Engine* first, Engine* second)
      : binds_{{first, ShardId::Of("1")}, {second, ShardId::Of("2")}} {}
  absl::StatusOr<Bind> Resolve(const BindRequest&) override {
    return binds_.front();
  }
  absl::StatusOr<BindSet> ResolveAll(const BindRequest&) override {
    return binds_;
  }

 private:
  BindSet binds_;
};

TEST_F(VerticalResolverTest, SubclassAsAResolver) {
  resolver_.BindDefault(
      std::make_shared<EverywhereResolver>(people_.get(), sales_.get()));
  EXPECT_EQ(Of(loose_), "people");
  SHARD_ASSERT_OK_AND_ASSIGN(const BindSet all,
                             resolver_.ResolveAll({.class_info = &loose_}));
  EXPECT_EQ(all.size(), 2u);
}

}  // namespace
}  // namespace shard
