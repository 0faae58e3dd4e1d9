// Horizontal partitioning: the three choices that come from one rule.
#include "shard/router/horizontal_resolver.h"

#include <initializer_list>
#include <map>
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
#include "shard/router/hash_strategy.h"
#include "shard/router/list_strategy.h"
#include "shard/router/shard_id.h"
#include "shard/router/shard_rule.h"
#include "shard/router/sharding_strategy.h"
#include "shard/sql/class_info.h"
#include "shard/sql/dml.h"
#include "shard/sql/expression.h"
#include "shard/sql/statement.h"
#include "shard/sql/table.h"
#include "shard/tests/dialects/fake_engine.h"

namespace shard {
namespace {

using shard::testing::HasCode;
using shard::testing::MakeFakeEngine;
using shard::testing::StatusIs;
using sql::Literal;
using sql::Value;
using sql::ValueType;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kNotFound = absl::StatusCode::kNotFound;

// Reads from a map. As the contract allows, a view is good until the next Read.
class MapReader : public KeyReader {
 public:
  MapReader(std::initializer_list<std::pair<const std::string, Value>> values)
      : values_(values) {}
  explicit MapReader(std::map<std::string, Value> values)
      : values_(std::move(values)) {}
  absl::StatusOr<sql::ValueView> Read(const sql::Column& column) override {
    if (fails) return absl::DataLossError("unreadable");
    const auto found = values_.find(column.name());
    if (found == values_.end()) return absl::NotFoundError(column.name());
    scratch_ = std::make_unique<Value>(found->second);
    return scratch_->view();
  }
  bool fails = false;

 private:
  std::map<std::string, Value> values_;
  std::unique_ptr<Value> scratch_;
};

class HorizontalResolverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SHARD_ASSERT_OK_AND_ASSIGN(resolver_,
                               HorizontalResolver::Create(Options()));
  }

  HorizontalOptions Options() const {
    return {{{"A", a_}, {"B", b_}, {"C", c_}},
            {ShardBy({city_.FindColumn("continent")}, list_),
             ShardBy({report_.FindColumn("tenant"), report_.FindColumn("day")},
                     hash_),
             ShardBy({log_.FindColumn("id")}, only_c_)}};
  }

  // The names of the shards.
  static std::string Names(const absl::StatusOr<BindSet>& binds) {
    if (!binds.ok()) return binds.status().ToString();
    std::string names;
    for (const Bind& bind : *binds) names += bind.shard.name();
    return names;
  }
  static std::string Name(const absl::StatusOr<Bind>& bind) {
    return bind.ok() ? bind->shard.name() : bind.status().ToString();
  }

  const sql::Table city_{
      "city",
      {{.name = "id", .type = ValueType::kInt64, .primary_key = true},
       {.name = "continent", .type = ValueType::kText},
       {.name = "size", .type = ValueType::kDouble}}};
  const sql::Table report_{"report",
                           {{.name = "tenant", .type = ValueType::kText},
                            {.name = "day", .type = ValueType::kDate}}};
  const sql::Table log_{"log", {{.name = "id", .type = ValueType::kInt64}}};
  const sql::Table loose_{"loose", {{.name = "id", .type = ValueType::kInt64}}};
  const sql::ClassInfo city_class_{"City", &city_, {}};
  const sql::ClassInfo report_class_{"Report", &report_, {}};
  const sql::ClassInfo log_class_{"Log", &log_, {}};
  const sql::ClassInfo loose_class_{"Loose", &loose_, {}};

  const std::shared_ptr<Engine> a_ = MakeFakeEngine("a");
  const std::shared_ptr<Engine> b_ = MakeFakeEngine("b");
  const std::shared_ptr<Engine> c_ = MakeFakeEngine("c");
  const std::shared_ptr<const ShardingStrategy> list_ =
      ListStrategy::Create({{"EU", "A"}, {"AS", "B"}, {"AF", "A"}}).value();
  const std::shared_ptr<const ShardingStrategy> hash_ =
      HashStrategy::Create({"A", "B", "C"}).value();
  const std::shared_ptr<const ShardingStrategy> only_c_ =
      HashStrategy::Create({"C"}).value();
  std::shared_ptr<HorizontalResolver> resolver_;
};

// Setting up.

TEST_F(HorizontalResolverTest, BadShardsAreRefused) {
  const auto create = [this](auto shards) {
    HorizontalOptions options = Options();
    options.shards = std::move(shards);
    return HorizontalResolver::Create(std::move(options)).status();
  };
  using Shards = std::vector<std::pair<std::string, std::shared_ptr<Engine>>>;
  EXPECT_THAT(create(Shards{}), StatusIs(kInvalid, HasSubstr("no shards")));
  EXPECT_THAT(create(Shards{{"A", a_}, {"B", nullptr}, {"C", c_}}),
              StatusIs(kInvalid, HasSubstr("'B'")));
  EXPECT_THAT(create(Shards{{"A", a_}, {"", b_}}), HasCode(kInvalid));
  EXPECT_THAT(create(Shards{{"A", a_}, {"B", b_}, {"A", c_}}),
              StatusIs(kInvalid, HasSubstr("two shards named 'A'")));
  EXPECT_THAT(create(Shards{{"A", a_}, {"B", b_}, {"C", a_}}),
              StatusIs(kInvalid, AllOf(HasSubstr("'A'"), HasSubstr("'C'"),
                                       HasSubstr("share"))));
  EXPECT_THAT(create(Shards{{"A", a_}, {"B", b_}}),
              StatusIs(kInvalid, AllOf(HasSubstr("'report'"), HasSubstr("'C'"),
                                       HasSubstr("no engine"))));
}

TEST_F(HorizontalResolverTest, BadRulesAreRefused) {
  const auto create = [this](ShardRule rule) {
    HorizontalOptions options = Options();
    options.rules.push_back(std::move(rule));
    return HorizontalResolver::Create(std::move(options)).status();
  };
  EXPECT_THAT(create(ShardBy({}, hash_)), HasCode(kInvalid));
  EXPECT_THAT(create(ShardBy({loose_.FindColumn("id")}, nullptr)),
              HasCode(kInvalid));
  EXPECT_THAT(create(ShardBy({loose_.FindColumn("misspelt")}, hash_)),
              HasCode(kInvalid));
  EXPECT_THAT(create(ShardBy({loose_.FindColumn("id"), nullptr}, hash_)),
              HasCode(kInvalid));
  EXPECT_THAT(create(ShardBy({city_.FindColumn("id")}, hash_)),
              StatusIs(kInvalid, HasSubstr("'city' has two")));
  EXPECT_THAT(
      create(ShardBy({loose_.FindColumn("id"), log_.FindColumn("id")}, hash_)),
      StatusIs(kInvalid, AllOf(HasSubstr("'loose'"), HasSubstr("'log'"))));
  const sql::Table real("real", {{.name = "x", .type = ValueType::kDouble}});
  EXPECT_THAT(
      create(ShardBy({real.FindColumn("x")}, hash_)),
      StatusIs(kInvalid, AllOf(HasSubstr("real.x"), HasSubstr("double"))));
}

// The shard of an object.

TEST_F(HorizontalResolverTest, ObjectGoesWhereItsKeySays) {
  MapReader object{{"continent", "AS"}, {"id", 1}};
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Bind bind, resolver_->Resolve({.class_info = &city_class_,
                                           .object = &object,
                                           .operation = Operation::kFlush}));
  EXPECT_EQ(bind, (Bind{b_.get(), ShardId::Of("B")}));
  // By the table of an INSERT, without a class.
  const sql::Statement insert{sql::InsertStatement(city_)};
  EXPECT_EQ(Name(resolver_->Resolve({.object = &object, .statement = &insert})),
            "B");
}

TEST_F(HorizontalResolverTest, CompositeKeyIsReadPartByPart) {
  for (int day = 0; day < 20; ++day) {
    MapReader object{{"tenant", "a tenant with a name that is long"},
                     {"day", Date{day}}};
    const std::vector<Value> key = {"a tenant with a name that is long",
                                    Date{day}};
    EXPECT_EQ(Name(resolver_->Resolve(
                  {.class_info = &report_class_, .object = &object})),
              hash_->ShardFor({key[0].view(), key[1].view()})->name());
  }
}

TEST_F(HorizontalResolverTest, KeysThatNameNoShard) {
  const auto resolve = [this](std::map<std::string, Value> values) {
    MapReader object(std::move(values));
    return resolver_
        ->Resolve({.class_info = &city_class_,
                   .object = &object,
                   .operation = Operation::kFlush})
        .status();
  };
  EXPECT_THAT(resolve({{"id", 1}}),
              StatusIs(kInvalid, AllOf(HasSubstr("City.continent"),
                                       HasSubstr("not set"))));
  EXPECT_THAT(resolve({{"continent", Value()}}),
              StatusIs(kInvalid,
                       AllOf(HasSubstr("City.continent"), HasSubstr("NULL"))));
  EXPECT_THAT(resolve({{"continent", 5}}),
              StatusIs(kInvalid, AllOf(HasSubstr("City.continent"),
                                       HasSubstr("text"), HasSubstr("int32"))));
  EXPECT_THAT(resolve({{"continent", "s3cr3t"}}),
              StatusIs(kInvalid, AllOf(HasSubstr("City.continent"),
                                       HasSubstr("not in the list"),
                                       Not(HasSubstr("s3cr3t")))));
  MapReader half{{"tenant", "x"}};
  EXPECT_THAT(
      resolver_->Resolve({.class_info = &report_class_, .object = &half}),
      StatusIs(kInvalid, HasSubstr("Report")));
  MapReader broken{};
  broken.fails = true;
  EXPECT_THAT(
      resolver_->Resolve({.class_info = &city_class_, .object = &broken}),
      HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(HorizontalResolverTest, IntegerKeysOfBothWidths) {
  MapReader narrow{{"id", 5}};
  EXPECT_EQ(
      Name(resolver_->Resolve({.class_info = &log_class_, .object = &narrow})),
      "C");
}

// Explicit shards.

TEST_F(HorizontalResolverTest, ExplicitShardWins) {
  MapReader object{{"continent", "AS"}};
  const BindRequest request = {
      .class_info = &city_class_, .object = &object, .shard = ShardId::Of("C")};
  SHARD_ASSERT_OK_AND_ASSIGN(const Bind bind, resolver_->Resolve(request));
  EXPECT_EQ(bind, (Bind{c_.get(), ShardId::Of("C")}));
  EXPECT_EQ(Names(resolver_->ResolveAll(request)), "C");
  // Also for what says nothing else, and for tables without a rule.
  const sql::Statement text = sql::TextSql("select 1");
  EXPECT_EQ(
      Name(resolver_->Resolve({.statement = &text, .shard = ShardId::Of("A")})),
      "A");
  EXPECT_EQ(Name(resolver_->Resolve(
                {.class_info = &loose_class_, .shard = ShardId::Of("A")})),
            "A");
}

TEST_F(HorizontalResolverTest, UnknownShardIsNamedWithThoseThereAre) {
  const auto unknown =
      StatusIs(kNotFound, AllOf(HasSubstr("'D'"), HasSubstr("'A', 'B', 'C'")));
  const BindRequest request = {.class_info = &city_class_,
                               .shard = ShardId::Of("D")};
  EXPECT_THAT(resolver_->Resolve(request), unknown);
  EXPECT_THAT(resolver_->ResolveAll(request), unknown);
}

// Reads.

TEST_F(HorizontalResolverTest, KeyThatIsKnownInPart) {
  // Get by primary key, which is not the shard key: every shard of the class.
  MapReader by_id{{"id", 7}};
  EXPECT_EQ(Names(resolver_->ResolveAll(
                {.class_info = &city_class_, .object = &by_id})),
            "AB");
  MapReader by_continent{{"continent", "AF"}};
  EXPECT_EQ(Names(resolver_->ResolveAll(
                {.class_info = &city_class_, .object = &by_continent})),
            "A");
  MapReader half{{"tenant", "x"}};
  EXPECT_EQ(Names(resolver_->ResolveAll(
                {.class_info = &report_class_, .object = &half})),
            "ABC");
  MapReader wrong{{"continent", 1.5}};
  EXPECT_THAT(
      resolver_->ResolveAll({.class_info = &city_class_, .object = &wrong}),
      HasCode(kInvalid));
  EXPECT_EQ(Names(resolver_->ResolveAll({.class_info = &city_class_})), "AB");
}

TEST_F(HorizontalResolverTest, StatementsArePruned) {
  const sql::Statement select(
      sql::SelectStatement()
          .Column(city_.c("id"))
          .Where(sql::Binary(sql::BinaryOp::kEqual, city_.c("continent"),
                             sql::Parameter("where"))));
  const sql::Parameters asia = {{"where", "AS"}};
  EXPECT_EQ(
      Names(resolver_->ResolveAll({.statement = &select, .parameters = &asia})),
      "B");
  EXPECT_EQ(
      Name(resolver_->Resolve({.statement = &select, .parameters = &asia})),
      "B");
  EXPECT_EQ(Names(resolver_->ResolveAll({.statement = &select})), "AB");
  EXPECT_THAT(
      resolver_->Resolve({.statement = &select}),
      StatusIs(kInvalid, AllOf(HasSubstr("one shard"), HasSubstr("'A', 'B'"))));
}

TEST_F(HorizontalResolverTest, TextGoesToAllShardsOfItsClass) {
  const sql::Statement text = sql::TextSql("select 1");
  EXPECT_EQ(Names(resolver_->ResolveAll(
                {.class_info = &city_class_, .statement = &text})),
            "AB");
  EXPECT_EQ(
      Name(resolver_->Resolve({.class_info = &log_class_, .statement = &text})),
      "C");
  EXPECT_THAT(
      resolver_->Resolve({.class_info = &city_class_, .statement = &text}),
      HasCode(kInvalid));
  EXPECT_THAT(resolver_->ResolveAll({.statement = &text}),
              StatusIs(kInvalid, HasSubstr("which shard")));
  EXPECT_THAT(resolver_->Resolve({}), HasCode(kInvalid));
}

TEST_F(HorizontalResolverTest, ClassWithoutARuleIsNamed) {
  EXPECT_THAT(resolver_->ResolveAll({.class_info = &loose_class_}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("Loose"), HasSubstr("ShardBy"))));
  const sql::Statement select(sql::SelectStatement().Column(loose_.c("id")));
  EXPECT_THAT(resolver_->ResolveAll({.statement = &select}),
              StatusIs(kInvalid, HasSubstr("'loose'")));
  MapReader object{{"id", 1}};
  EXPECT_THAT(
      resolver_->Resolve({.class_info = &loose_class_, .object = &object}),
      HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(HorizontalResolverTest, UpsertMayNotMoveARow) {
  const sql::Column* continent = city_.FindColumn("continent");
  MapReader eu({{"continent", Value("EU")}});
  const auto resolve = [&](sql::Expression new_key) {
    sql::InsertStatement insert(city_);
    insert.Values({{continent, Literal(Value("EU"))}});
    insert.OnConflictUpdate({continent}, {{continent, std::move(new_key)}});
    const sql::Statement statement(std::move(insert));
    BindRequest request;
    request.statement = &statement;
    request.object = &eu;
    return resolver_->Resolve(request);
  };
  EXPECT_EQ(Name(resolve(sql::Excluded(*continent))), "A");
  EXPECT_THAT(resolve(Literal(Value("AS"))),
              StatusIs(absl::StatusCode::kUnimplemented,
                       HasSubstr("shard key 'city.continent'")));
}

TEST_F(HorizontalResolverTest, UpsertMustConflictOnTheShardKey) {
  const sql::Column* continent = city_.FindColumn("continent");
  const sql::Column* id = city_.FindColumn("id");
  MapReader eu({{"continent", Value("EU")}});
  sql::InsertStatement insert(city_);
  insert.Values({{continent, Literal(Value("EU"))}, {id, Literal(Value(1))}});
  insert.OnConflictDoNothing({id});
  const sql::Statement statement(std::move(insert));
  BindRequest request;
  request.statement = &statement;
  request.object = &eu;
  EXPECT_THAT(resolver_->Resolve(request),
              StatusIs(absl::StatusCode::kUnimplemented,
                       HasSubstr("does not name shard key 'city.continent'")));
  request.shard = ShardId::Of("A");
  EXPECT_EQ(Name(resolver_->Resolve(request)), "A");
}

TEST_F(HorizontalResolverTest, ShardKeyOfAClass) {
  EXPECT_THAT(
      resolver_->ShardKey(report_class_),
      ElementsAre(report_.FindColumn("tenant"), report_.FindColumn("day")));
  EXPECT_THAT(resolver_->ShardKey(loose_class_), IsEmpty());
}

}  // namespace
}  // namespace shard
