// Horizontal partitioning: the three choices that come from one rule.
#include "shard/router/horizontal_resolver.h"

#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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

// Shards behind other resolvers.

// A primary for writes and a replica for reads.
class PrimaryAndReplica : public BindResolver {
 public:
  PrimaryAndReplica(std::shared_ptr<Engine> primary,
                    std::shared_ptr<Engine> replica)
      : primary_(std::move(primary)), replica_(std::move(replica)) {}
  absl::StatusOr<Bind> Resolve(const BindRequest& request) override {
    EXPECT_FALSE(request.shard.has_value());  // it means nothing here
    if (down) return absl::UnavailableError("out of order");
    const bool reads = request.operation == Operation::kRead;
    return Bind{reads ? replica_.get() : primary_.get(), ShardId()};
  }
  bool Reaches(const Engine& engine) const override {
    return &engine == primary_.get() || &engine == replica_.get();
  }
  bool down = false;

 private:
  std::shared_ptr<Engine> primary_, replica_;
};

TEST_F(HorizontalResolverTest, ShardMayBeAnotherResolver) {
  const auto replica = MakeFakeEngine("replica");
  const auto pair = std::make_shared<PrimaryAndReplica>(a_, replica);
  HorizontalOptions options = Options();
  options.shards = {{"A", pair}, {"B", b_}, {"C", c_}};
  SHARD_ASSERT_OK_AND_ASSIGN(const auto resolver,
                             HorizontalResolver::Create(std::move(options)));
  MapReader object{{"continent", "EU"}};
  const Bind primary{a_.get(), ShardId::Of("A")};
  const Bind reading{replica.get(), ShardId::Of("A")};
  SHARD_ASSERT_OK_AND_ASSIGN(
      Bind bind, resolver->Resolve({.class_info = &city_class_,
                                    .object = &object,
                                    .operation = Operation::kFlush}));
  EXPECT_EQ(bind, primary);
  SHARD_ASSERT_OK_AND_ASSIGN(
      const BindSet binds, resolver->ResolveAll({.class_info = &city_class_}));
  EXPECT_THAT(binds, ElementsAre(reading, Bind{b_.get(), ShardId::Of("B")}));
  SHARD_ASSERT_OK_AND_ASSIGN(bind,
                             resolver->Resolve({.class_info = &city_class_,
                                                .operation = Operation::kFlush,
                                                .shard = ShardId::Of("A")}));
  EXPECT_EQ(bind, primary);
  EXPECT_EQ(resolver->ShardOf(*replica), ShardId::Of("A"));
  EXPECT_EQ(resolver->ShardOf(*b_), ShardId::Of("B"));
  EXPECT_TRUE(resolver->ShardOf(*MakeFakeEngine("x")).is_none());
  pair->down = true;
  EXPECT_THAT(resolver->ResolveAll({.class_info = &city_class_}),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("'A'"), HasSubstr("out of order"))));
}

TEST_F(HorizontalResolverTest, ShardsOfShards) {
  const auto north = MakeFakeEngine("north"), south = MakeFakeEngine("south");
  HorizontalOptions inner_options;
  inner_options.shards = {{"A north", north}, {"A south", south}};
  inner_options.rules = {
      ShardBy({city_.FindColumn("id")},
              ListStrategy::Create({{1, "A north"}, {2, "A south"}}).value())};
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto inner, HorizontalResolver::Create(std::move(inner_options)));
  HorizontalOptions options = Options();
  options.shards = {{"A", inner}, {"B", b_}, {"C", c_}};
  SHARD_ASSERT_OK_AND_ASSIGN(const auto resolver,
                             HorizontalResolver::Create(options));
  MapReader object{{"continent", "EU"}, {"id", 2}};
  EXPECT_EQ(
      Name(resolver->Resolve({.class_info = &city_class_, .object = &object})),
      "A south");
  // Both names are known.
  const auto all = [&](std::string_view shard) {
    return Names(resolver->ResolveAll(
        {.class_info = &city_class_, .shard = ShardId::Of(shard)}));
  };
  EXPECT_EQ(all("A"), "A northA south");
  EXPECT_EQ(all("A south"), "A south");
  EXPECT_EQ(resolver->ShardOf(*south), ShardId::Of("A south"));
  EXPECT_THAT(
      resolver->Resolve(
          {.class_info = &city_class_, .shard = ShardId::Of("D")}),
      StatusIs(kNotFound, HasSubstr("'A', 'A north', 'A south', 'B', 'C'")));
  options.shards = {{"A", inner}, {"A north", b_}, {"B", b_}, {"C", c_}};
  EXPECT_THAT(HorizontalResolver::Create(options),
              StatusIs(kInvalid, HasSubstr("two shards named 'A north'")));
}

// Rules that follow others.

TEST_F(HorizontalResolverTest, CoLocatedTables) {
  const sql::Table visit("visit", {{.name = "day", .type = ValueType::kDate},
                                   {.name = "who", .type = ValueType::kText},
                                   {.name = "n", .type = ValueType::kInt32}});
  const sql::Table note("note", {{.name = "d", .type = ValueType::kDate},
                                 {.name = "w", .type = ValueType::kText}});
  const sql::ClassInfo visit_class{"Visit", &visit, {}};
  HorizontalOptions options = Options();
  // A chain, told in any order.
  options.rules.push_back(
      CoLocate({note.FindColumn("d"), note.FindColumn("w")},
               {visit.FindColumn("day"), visit.FindColumn("who")}));
  options.rules.push_back(
      CoLocate({visit.FindColumn("day"), visit.FindColumn("who")},
               {report_.FindColumn("day"), report_.FindColumn("tenant")}));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto resolver,
                             HorizontalResolver::Create(std::move(options)));
  for (int day = 0; day < 10; ++day) {
    MapReader parent{{"tenant", "t"}, {"day", Date{day}}};
    MapReader child{{"who", "t"}, {"day", Date{day}}};
    EXPECT_EQ(
        Name(resolver->Resolve({.class_info = &visit_class, .object = &child})),
        Name(resolver->Resolve(
            {.class_info = &report_class_, .object = &parent})));
  }
  EXPECT_THAT(resolver->ShardKey(visit_class),
              ElementsAre(visit.FindColumn("who"), visit.FindColumn("day")));
  MapReader without{{"day", Date{1}}};
  EXPECT_THAT(
      resolver->Resolve({.class_info = &visit_class, .object = &without}),
      StatusIs(kInvalid, AllOf(HasSubstr("Visit.who"), HasSubstr("'report'"),
                               HasSubstr("not set"))));
  // A join of the two runs shard by shard, and one of a known key on one.
  const auto equal = [](sql::Expression a, sql::Expression b) {
    return sql::Binary(sql::BinaryOp::kEqual, std::move(a), std::move(b));
  };
  sql::SelectStatement join;
  join.Column(visit.c("n"))
      .From(visit)
      .Join(report_, sql::And(equal(visit.c("who"), report_.c("tenant")),
                              equal(visit.c("day"), report_.c("day"))));
  const sql::Statement all(join);
  EXPECT_EQ(Names(resolver->ResolveAll({.statement = &all})), "ABC");
  join.Where(sql::And(equal(report_.c("tenant"), Literal("t")),
                      equal(visit.c("day"), Literal(Date{1}))));
  const sql::Statement one(join);
  EXPECT_EQ(Names(resolver->ResolveAll({.statement = &one})).size(), 1u);
}

TEST_F(HorizontalResolverTest, FollowersThatNameTheRowMoveWithIt) {
  const sql::Table visit("visit",
                         {{.name = "at", .type = ValueType::kText},
                          {.name = "city", .type = ValueType::kInt64}});
  const sql::Table note("note", {{.name = "at", .type = ValueType::kText}});
  const sql::Column* const at = visit.FindColumn("at");
  const sql::Column* const city = visit.FindColumn("city");
  HorizontalOptions options = Options();
  options.rules.push_back(CoLocate(
      {city, at}, {city_.FindColumn("id"), city_.FindColumn("continent")}));
  options.rules.push_back(
      CoLocate({note.FindColumn("at")}, {city_.FindColumn("continent")}));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto resolver,
                             HorizontalResolver::Create(std::move(options)));
  MapReader object{{"at", "AS"}};
  const sql::ClassInfo visit_class{"Visit", &visit, {}};
  EXPECT_EQ(
      Name(resolver->Resolve({.class_info = &visit_class, .object = &object})),
      "B");
  const auto followers = resolver->CoLocatedWith(city_);
  ASSERT_EQ(followers.size(), 1u);
  EXPECT_EQ(followers[0].table, &visit);
  EXPECT_THAT(followers[0].columns,
              ElementsAre(std::pair(city, city_.FindColumn("id")),
                          std::pair(at, city_.FindColumn("continent"))));
  EXPECT_THAT(resolver->CoLocatedWith(visit), IsEmpty());
}

TEST_F(HorizontalResolverTest, BadCoLocationsAreRefused) {
  const sql::Table child("child", {{.name = "id", .type = ValueType::kInt64},
                                   {.name = "name", .type = ValueType::kText}});
  const auto create = [&](std::vector<ShardRule> rules) {
    HorizontalOptions options = Options();
    for (ShardRule& rule : rules) options.rules.push_back(std::move(rule));
    return HorizontalResolver::Create(std::move(options)).status();
  };
  const sql::Column* id = child.FindColumn("id");
  const sql::Column* name = child.FindColumn("name");
  EXPECT_THAT(
      create({CoLocate({id}, {loose_.FindColumn("id")})}),
      StatusIs(kInvalid, AllOf(HasSubstr("'child'"), HasSubstr("'loose'"))));
  EXPECT_THAT(create({CoLocate({id}, {city_.FindColumn("id")})}),
              StatusIs(kInvalid, AllOf(HasSubstr("'city.id'"),
                                       HasSubstr("'city.continent'"))));
  EXPECT_THAT(create({CoLocate({id}, {city_.FindColumn("continent")})}),
              StatusIs(kInvalid, AllOf(HasSubstr("'child.id'"),
                                       HasSubstr("int64"), HasSubstr("text"))));
  EXPECT_THAT(create({CoLocate({name}, {report_.FindColumn("tenant")})}),
              HasCode(kInvalid));
  EXPECT_THAT(create({CoLocate({name, id}, {city_.FindColumn("continent")})}),
              HasCode(kInvalid));
  EXPECT_THAT(create({CoLocate({name, id}, {city_.FindColumn("continent"),
                                            loose_.FindColumn("id")})}),
              StatusIs(kInvalid, HasSubstr("one table")));
  EXPECT_THAT(create({CoLocate({name}, {nullptr})}), HasCode(kInvalid));
  EXPECT_THAT(create({CoLocate({id}, {loose_.FindColumn("id")}),
                      CoLocate({loose_.FindColumn("id")}, {id})}),
              StatusIs(kInvalid, HasSubstr("follow each other")));
}

// Statements without a key.

TEST_F(HorizontalResolverTest, WritesWithoutAKeyAreDenied) {
  const sql::UpdateStatement update =
      sql::UpdateStatement(city_).Set(sql::Assign(city_, "size", Literal(1.0)));
  const auto where = [&](const char* column, sql::Expression value) {
    return sql::Statement(sql::UpdateStatement(update).Where(
        sql::Binary(sql::BinaryOp::kEqual, city_.c(column), std::move(value))));
  };
  const auto denied =
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("'city'"), HasSubstr("'city.continent'"),
                     HasSubstr("'A', 'B'"), HasSubstr("all_shards")));
  const sql::Statement all(update), other = where("id", Literal(5)),
                                    keyed = where("continent", Literal("AS"));
  const sql::Statement remove{sql::DeleteStatement(city_)};
  EXPECT_THAT(resolver_->ResolveAll({.statement = &all}), denied);
  EXPECT_THAT(resolver_->ResolveAll({.statement = &other}), denied);
  EXPECT_THAT(resolver_->ResolveAll({.statement = &remove}), denied);
  EXPECT_EQ(Names(resolver_->ResolveAll({.statement = &keyed})), "B");
  // Keys that are listed, even if they are everywhere.
  const sql::Statement listed(sql::UpdateStatement(update).Where(
      sql::In(city_.c("continent"), {Literal("EU"), Literal("AS")})));
  EXPECT_EQ(Names(resolver_->ResolveAll({.statement = &listed})), "AB");
  // Allowed for one statement, by naming shards, or by option.
  EXPECT_EQ(
      Names(resolver_->ResolveAll({.statement = &all, .all_shards = true})),
      "AB");
  const std::vector<ShardId> named = {ShardId::Of("B"), ShardId::Of("A")};
  EXPECT_EQ(
      Names(resolver_->ResolveAll({.statement = &remove, .shards = named})),
      "BA");
  HorizontalOptions options = Options();
  options.writes_without_key = KeylessWrites::kAllow;
  SHARD_ASSERT_OK_AND_ASSIGN(const auto lax,
                             HorizontalResolver::Create(std::move(options)));
  EXPECT_EQ(Names(lax->ResolveAll({.statement = &remove})), "AB");
  // Where there is one shard only, nobody can be surprised.
  const sql::Statement log{sql::DeleteStatement(log_)};
  EXPECT_EQ(Names(resolver_->ResolveAll({.statement = &log})), "C");
}

TEST_F(HorizontalResolverTest, ReadsWithoutAKeyByOption) {
  const sql::Statement all(sql::SelectStatement().Column(city_.c("id")));
  const sql::Statement keyed(
      sql::SelectStatement()
          .Column(city_.c("id"))
          .Where(sql::Binary(sql::BinaryOp::kEqual, city_.c("continent"),
                             Literal("EU"))));
  EXPECT_EQ(Names(resolver_->ResolveAll({.statement = &all})), "AB");
  EXPECT_EQ(resolver_->MostRows({.statement = &all}), std::nullopt);
  HorizontalOptions options = Options();
  options.reads_without_key = KeylessReads::Deny();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto strict,
                             HorizontalResolver::Create(options));
  const auto denied = StatusIs(
      absl::StatusCode::kFailedPrecondition,
      AllOf(HasSubstr("'city.continent'"), HasSubstr("reads_without_key")));
  EXPECT_THAT(strict->ResolveAll({.statement = &all}), denied);
  EXPECT_EQ(Names(strict->ResolveAll({.statement = &keyed})), "A");
  MapReader by_id{{"id", 7}};
  EXPECT_THAT(
      strict->ResolveAll({.class_info = &city_class_, .object = &by_id}),
      denied);
  const std::vector<ShardId> named = {ShardId::Of("A"), ShardId::Of("B")};
  EXPECT_EQ(Names(strict->ResolveAll({.statement = &all, .shards = named})),
            "AB");
  options.reads_without_key = KeylessReads::UpTo(10);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto limited,
                             HorizontalResolver::Create(options));
  EXPECT_EQ(Names(limited->ResolveAll({.statement = &all})), "AB");
  EXPECT_EQ(limited->MostRows({.statement = &all}), 10);
  EXPECT_EQ(limited->MostRows({.statement = &keyed}), std::nullopt);
  EXPECT_EQ(limited->MostRows({.statement = &all, .shards = named}),
            std::nullopt);
}

// IN lists.

TEST_F(HorizontalResolverTest, EachShardGetsItsOwnValues) {
  const sql::Expression list = sql::In(
      city_.c("continent"), {Literal("EU"), sql::Parameter("p"), Literal("AS"),
                             Literal("nowhere"), Literal(Value())});
  const sql::Statement statement(
      sql::SelectStatement()
          .Column(city_.c("id"))
          .Where(sql::And(list, sql::Binary(sql::BinaryOp::kLess, city_.c("id"),
                                            Literal(5)))));
  const sql::Parameters parameters = {{"p", "AF"}};
  const BindRequest request = {.statement = &statement,
                               .parameters = &parameters};
  const auto values = [&](const std::shared_ptr<Engine>& engine,
                          const char* shard) {
    const auto own =
        resolver_->StatementFor(request, {engine.get(), ShardId::Of(shard)});
    if (!own.has_value()) return std::string("as it is");
    const auto& terms = own->As<sql::SelectStatement>()
                            ->where.As<sql::ConjunctionNode>()
                            ->terms;
    EXPECT_EQ(terms.size(), 2u);
    std::string text;
    for (const sql::Expression& item : terms[0].As<sql::InNode>()->list) {
      const auto* literal = item.As<sql::LiteralNode>();
      text += literal != nullptr ? std::string(literal->value.view().bytes())
                                 : ":p";
    }
    return text;
  };
  EXPECT_EQ(values(a_, "A"), "EU:p");
  EXPECT_EQ(values(b_, "B"), "AS");
}

TEST_F(HorizontalResolverTest, ListsThatAreLeftAsTheyAre) {
  const Bind a{a_.get(), ShardId::Of("A")};
  const auto splits = [&](sql::Expression where,
                          const sql::Parameters& parameters = {}) {
    const sql::Statement statement(
        sql::DeleteStatement(city_).Where(std::move(where)));
    return resolver_
        ->StatementFor({.statement = &statement, .parameters = &parameters}, a)
        .has_value();
  };
  const sql::Expression key = city_.c("continent");
  EXPECT_TRUE(splits(sql::In(key, {Literal("EU"), Literal("AS")})));
  EXPECT_FALSE(splits(sql::In(key, {Literal("EU"), Literal("AF")})));
  EXPECT_FALSE(splits(sql::In(key, {Literal("EU"), Literal("AS")}, true)));
  EXPECT_FALSE(splits(sql::In(key, {Literal("EU"), sql::Parameter("p")})));
  EXPECT_FALSE(splits(sql::In(key, {Literal("EU"), Literal(5)})));
  EXPECT_FALSE(splits(sql::In(city_.c("id"), {Literal(1), Literal(2)})));
  EXPECT_FALSE(splits(sql::Or(sql::In(key, {Literal("EU"), Literal("AS")}),
                              sql::In(key, {Literal("AF"), Literal("AS")}))));
}

// A statement outlives the resolvers that have read it.
TEST_F(HorizontalResolverTest, PlansAreThoseOfTheResolver) {
  const sql::Statement statement(
      sql::SelectStatement()
          .Column(log_.c("id"))
          .Where(sql::Binary(sql::BinaryOp::kEqual, log_.c("id"), Literal(1))));
  for (int i = 0; i < 20; ++i) {
    const std::string name = i % 2 == 0 ? "A" : "B";
    HorizontalOptions options = Options();
    options.rules = {ShardBy({log_.FindColumn("id")},
                             ListStrategy::Create({{1, name}}).value())};
    SHARD_ASSERT_OK_AND_ASSIGN(const auto resolver,
                               HorizontalResolver::Create(std::move(options)));
    EXPECT_EQ(Names(resolver->ResolveAll({.statement = &statement})), name);
  }
}

// Explain.

TEST_F(HorizontalResolverTest, ExplainsItsAnswers) {
  const auto why = [this](const BindRequest& request) {
    const auto route = resolver_->Explain(request);
    return route.ok() ? route->why : route.status().ToString();
  };
  const sql::Statement keyed(
      sql::SelectStatement()
          .Column(city_.c("id"))
          .Where(sql::Binary(sql::BinaryOp::kEqual, city_.c("continent"),
                             Literal("EU"))));
  EXPECT_EQ(why({.statement = &keyed}),
            "1 of 2 shards by city.continent = 'EU'");
  EXPECT_EQ(why({.statement = &keyed, .shard = ShardId::Of("B")}),
            "named by the caller");
  MapReader object{{"continent", "EU"}};
  EXPECT_EQ(why({.class_info = &city_class_, .object = &object}),
            "by the row's shard key 'city.continent'");
  const sql::Statement text = sql::TextSql("select 1");
  EXPECT_THAT(why({.class_info = &city_class_, .statement = &text}),
              HasSubstr("raw SQL text"));
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

TEST_F(HorizontalResolverTest, SeveralExplicitShards) {
  MapReader object{{"continent", "AS"}};
  const auto all = [this](const std::vector<ShardId>& shards) {
    return resolver_->ResolveAll(
        {.class_info = &city_class_, .shards = shards});
  };
  EXPECT_EQ(Names(all({ShardId::Of("C"), ShardId::Of("A")})), "CA");
  EXPECT_THAT(all({ShardId::Of("C"), ShardId::Of("D")}),
              StatusIs(kNotFound, HasSubstr("'D'")));
  EXPECT_THAT(all({ShardId::Of("C"), ShardId::Of("C")}),
              StatusIs(kInvalid, HasSubstr("'C' is named twice")));
  // What needs one place takes one.
  const auto one = [&](const std::vector<ShardId>& shards) {
    return resolver_->Resolve(
        {.class_info = &city_class_, .object = &object, .shards = shards});
  };
  EXPECT_EQ(Name(one({ShardId::Of("C")})), "C");
  EXPECT_THAT(one({ShardId::Of("C"), ShardId::Of("A")}),
              StatusIs(kInvalid, HasSubstr("'C', 'A'")));
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

TEST_F(HorizontalResolverTest, ReferenceTables) {
  HorizontalOptions options = Options();
  // Listed nearest first; the first by name is A all the same.
  options.shards = {{"C", c_}, {"A", a_}, {"B", b_}};
  options.rules.push_back(ReferenceTable(loose_));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto resolver,
                             HorizontalResolver::Create(options));
  const auto of = [&](BindRequest request) {
    return Names(resolver->ResolveAll(request));
  };
  BindRequest request;
  request.class_info = &loose_class_;
  for (const Operation writes :
       {Operation::kFlush, Operation::kBulk, Operation::kExecute}) {
    request.operation = writes;
    EXPECT_EQ(of(request), "ABC");
    EXPECT_TRUE(resolver->WritesEverywhere(request));
    EXPECT_THAT(resolver->Resolve(request), HasCode(kInvalid));
  }
  for (const Operation reads : {Operation::kRead, Operation::kRefresh}) {
    request.operation = reads;
    EXPECT_EQ(of(request), "C");
    EXPECT_EQ(Name(resolver->Resolve(request)), "C");
  }
  request.shard = ShardId::Of("B");
  EXPECT_EQ(of(request), "B");
  EXPECT_FALSE(resolver->WritesEverywhere({.class_info = &city_class_}));
  EXPECT_THAT(resolver->ShardKey(loose_class_), IsEmpty());

  const sql::Statement insert{sql::InsertStatement(loose_)};
  const sql::Statement remove{sql::DeleteStatement(loose_)};
  for (const sql::Statement* statement : {&insert, &remove}) {
    const BindRequest write{.statement = statement,
                            .operation = Operation::kExecute};
    EXPECT_EQ(of(write), "ABC");
    EXPECT_TRUE(resolver->WritesEverywhere(write));
  }
  sql::SelectStatement both;
  both.Column(loose_.c("id"))
      .From(loose_)
      .Join(city_,
            sql::Binary(sql::BinaryOp::kEqual, city_.c("id"), loose_.c("id")));
  const sql::Statement all(both);
  EXPECT_EQ(of({.statement = &all}),
            Names(resolver_->ResolveAll({.class_info = &city_class_})));
  EXPECT_FALSE(resolver->WritesEverywhere({.statement = &all}));
  const sql::Statement one(both.Where(sql::Binary(
      sql::BinaryOp::kEqual, city_.c("continent"), Literal(Value("EU")))));
  EXPECT_EQ(of({.statement = &one}), "A");

  options.rules.push_back(ReferenceTable(loose_));
  EXPECT_THAT(HorizontalResolver::Create(options),
              StatusIs(kInvalid, HasSubstr("two sharding rules")));
}

}  // namespace
}  // namespace shard
