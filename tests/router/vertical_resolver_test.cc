// Vertical partitioning, nested resolvers, and resolvers of one's own.
#include "shard/router/vertical_resolver.h"

#include <memory>
#include <string>
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
