// Partitioning by three functions, and what they are told.
#include "shard/router/chooser_resolver.h"

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
#include "shard/router/request_values.h"
#include "shard/router/shard_id.h"
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
using sql::Literal;
using sql::Value;
using sql::ValueType;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kInternal = absl::StatusCode::kInternal;
using Names = std::vector<std::string>;

// Knows one column.
class OneReader : public KeyReader {
 public:
  OneReader(std::string column, Value value)
      : column_(std::move(column)), value_(std::move(value)) {}
  absl::StatusOr<sql::ValueView> Read(const sql::Column& column) override {
    if (column.name() != column_) return absl::NotFoundError(column.name());
    return value_.view();
  }

 private:
  std::string column_;
  Value value_;
};

class ChooserResolverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    SHARD_ASSERT_OK_AND_ASSIGN(
        resolver_, ChooserResolver::Create(Shards(), WeatherChoosers()));
  }

  ShardPlaces Shards() const { return {{"asia", asia_}, {"europe", europe_}}; }

  // Those of the weather example: by continent, where a statement tells it.
  Choosers WeatherChoosers() {
    Choosers choosers;
    choosers.shard =
        [this](const BindRequest& request) -> absl::StatusOr<std::string> {
      const auto continent = KnownValue(request, *continent_);
      if (!continent.ok()) return continent.status();
      return places_.at(std::string(continent->view().bytes()));
    };
    choosers.identity = [](const BindRequest&) -> absl::StatusOr<Names> {
      return Names{"asia", "europe"};
    };
    choosers.statement =
        [this](const BindRequest& request) -> absl::StatusOr<Names> {
      const auto continents = PossibleValues(request, *continent_);
      if (!continents.has_value()) return Names{"asia", "europe"};
      Names names;
      for (const Value& continent : *continents) {
        names.push_back(places_.at(std::string(continent.view().bytes())));
      }
      return names;
    };
    return choosers;
  }

  static std::string Name(const absl::StatusOr<Bind>& bind) {
    return bind.ok() ? bind->shard.name() : bind.status().ToString();
  }
  static std::string NamesIn(const absl::StatusOr<BindSet>& binds) {
    if (!binds.ok()) return binds.status().ToString();
    std::string names;
    for (const Bind& bind : *binds) names += bind.shard.name() + " ";
    return names;
  }
  std::string All(const sql::Statement& statement) {
    return NamesIn(resolver_->ResolveAll({.statement = &statement}));
  }
  sql::SelectStatement Cities() const {
    return sql::SelectStatement().Column(city_.c("id"));
  }
  sql::Expression Is(const char* continent) const {
    return sql::Binary(sql::BinaryOp::kEqual, city_.c("continent"),
                       Literal(continent));
  }
  // A resolver whose choosers all answer with these names.
  std::shared_ptr<ChooserResolver> Answering(Names names) const {
    Choosers choosers;
    choosers.shard = [names](const BindRequest&) {
      return absl::StatusOr<std::string>(names.empty() ? "" : names.front());
    };
    choosers.identity = [names](const BindRequest&) {
      return absl::StatusOr<Names>(names);
    };
    choosers.statement = choosers.identity;
    return ChooserResolver::Create(Shards(), std::move(choosers)).value();
  }

  const sql::Table city_{
      "city",
      {{.name = "id", .type = ValueType::kInt64, .primary_key = true},
       {.name = "continent", .type = ValueType::kText}}};
  const sql::Column* const continent_ = city_.FindColumn("continent");
  const sql::ClassInfo city_class_{"City", &city_, {}};
  const std::map<std::string, std::string> places_ = {
      {"AS", "asia"}, {"EU", "europe"}, {"AF", "europe"}};
  const std::shared_ptr<Engine> asia_ = MakeFakeEngine("a");
  const std::shared_ptr<Engine> europe_ = MakeFakeEngine("e");
  std::shared_ptr<ChooserResolver> resolver_;
};

TEST_F(ChooserResolverTest, AllThreeAreNeeded) {
  for (const int missing : {0, 1, 2}) {
    Choosers choosers = WeatherChoosers();
    if (missing == 0) choosers.shard = nullptr;
    if (missing == 1) choosers.identity = nullptr;
    if (missing == 2) choosers.statement = nullptr;
    const char* names[] = {"Choosers::shard", "Choosers::identity",
                           "Choosers::statement"};
    EXPECT_THAT(ChooserResolver::Create(Shards(), std::move(choosers)),
                StatusIs(kInvalid, HasSubstr(names[missing])));
  }
  EXPECT_THAT(ChooserResolver::Create({}, WeatherChoosers()),
              StatusIs(kInvalid, HasSubstr("no shards")));
}

TEST_F(ChooserResolverTest, EachIsAskedForItsOwn) {
  OneReader object("continent", "AS");
  EXPECT_EQ(Name(resolver_->Resolve({.class_info = &city_class_,
                                     .object = &object,
                                     .operation = Operation::kFlush})),
            "asia");
  OneReader key("id", 5);
  EXPECT_EQ(NamesIn(resolver_->ResolveAll({.class_info = &city_class_,
                                           .object = &key,
                                           .operation = Operation::kRead})),
            "asia europe ");
  EXPECT_EQ(All(Cities()), "asia europe ");
  EXPECT_EQ(All(Cities().Where(Is("EU"))), "europe ");
  EXPECT_EQ(All(sql::DeleteStatement(city_).Where(Is("AS"))), "asia ");
  EXPECT_EQ(All(Cities().Where(sql::Or(Is("AS"), Is("EU")))), "asia europe ");
  const sql::Statement select = Cities().Where(Is("EU"));
  EXPECT_EQ(Name(resolver_->Resolve({.statement = &select})), "europe");
}

TEST_F(ChooserResolverTest, ExplicitShardsGoBefore) {
  OneReader object("continent", "AS");
  EXPECT_EQ(Name(resolver_->Resolve({.object = &object,
                                     .operation = Operation::kFlush,
                                     .shard = ShardId::Of("europe")})),
            "europe");
  const std::vector<ShardId> named = {ShardId::Of("europe")};
  EXPECT_EQ(NamesIn(resolver_->ResolveAll({.shards = named})), "europe ");
  EXPECT_THAT(resolver_->ResolveAll({.shard = ShardId::Of("mars")}),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("'mars'"), HasSubstr("'asia'"))));
}

// Rows 95 and 119.
TEST_F(ChooserResolverTest, AnswersThatMakeNoSense) {
  const sql::Statement select = Cities();
  OneReader key("id", 5);
  const auto check = [&](const Names& answer, const std::string& words) {
    const auto resolver = Answering(answer);
    const auto wrong = [&](const char* chooser) {
      return StatusIs(kInternal, AllOf(HasSubstr(chooser), HasSubstr("City"),
                                       HasSubstr(words)));
    };
    EXPECT_THAT(resolver->ResolveAll(
                    {.class_info = &city_class_, .statement = &select}),
                wrong("the statement chooser"));
    EXPECT_THAT(resolver->ResolveAll({.class_info = &city_class_,
                                      .object = &key,
                                      .operation = Operation::kRead}),
                wrong("the identity chooser"));
  };
  check({}, "no shard at all");
  check({"mars"}, "'mars'");
  check({"asia", ""}, "empty name");
  check({"asia", "europe", "asia"}, "'asia' twice");
  const BindRequest flush = {.class_info = &city_class_,
                             .object = &key,
                             .operation = Operation::kFlush};
  EXPECT_THAT(Answering({"mars"})->Resolve(flush),
              StatusIs(kInternal, AllOf(HasSubstr("the shard chooser"),
                                        HasSubstr("'mars'"),
                                        HasSubstr("'asia', 'europe'"))));
  EXPECT_THAT(Answering({})->Resolve(flush),
              StatusIs(kInternal, HasSubstr("empty name")));
}

// Row 120, and none is ever called without something to choose by (116).
TEST_F(ChooserResolverTest, NothingToChooseByIsRefused) {
  const auto refused =
      StatusIs(kInvalid, AllOf(HasSubstr("City"), HasSubstr("name the shard")));
  EXPECT_THAT(resolver_->Resolve({.class_info = &city_class_}), refused);
  // Every place there is needs no choice.
  EXPECT_EQ(NamesIn(resolver_->ResolveAll({.class_info = &city_class_})),
            "asia europe ");
  EXPECT_THAT(resolver_->Resolve({}), HasCode(kInvalid));
  const sql::Statement select = Cities();
  EXPECT_THAT(resolver_->Resolve({.statement = &select}),
              StatusIs(kInvalid, HasSubstr("'asia', 'europe'")));
}

TEST_F(ChooserResolverTest, ErrorsOfChoosersNameThem) {
  OneReader object("id", 5);  // no continent
  EXPECT_THAT(resolver_->Resolve({.class_info = &city_class_,
                                  .object = &object,
                                  .operation = Operation::kFlush}),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("the shard chooser for class City")));
}

TEST_F(ChooserResolverTest, ExplainNamesTheChooser) {
  const sql::Statement select = Cities();
  SHARD_ASSERT_OK_AND_ASSIGN(const Route route,
                             resolver_->Explain({.statement = &select}));
  EXPECT_EQ(route.why, "by the statement chooser");
  EXPECT_EQ(route.binds.size(), 2u);
  EXPECT_EQ(resolver_->ShardOf(*asia_), ShardId::Of("asia"));
}

// request_values.h

TEST_F(ChooserResolverTest, ValuesOfAStatement) {
  const sql::Expression continent = city_.c("continent");
  const auto values = [&](const sql::Statement& statement,
                          const sql::Parameters& parameters = {}) {
    const auto found = PossibleValues(
        {.statement = &statement, .parameters = &parameters}, *continent_);
    if (!found.has_value()) return Names{"any"};
    Names names;
    for (const Value& value : *found) {
      names.emplace_back(value.view().bytes());
    }
    return names;
  };
  EXPECT_THAT(values(Cities()), ElementsAre("any"));
  EXPECT_THAT(values(Cities().Where(sql::In(
                         continent, {Literal("x"), sql::Parameter("p")})),
                     {{"p", "y"}}),
              ElementsAre("x", "y"));
  EXPECT_THAT(
      values(Cities().Where(sql::And(
          sql::Or(Is("x"), Is("y")),
          sql::Binary(sql::BinaryOp::kNotEqual, continent, Literal("x"))))),
      ElementsAre("y"));
  EXPECT_THAT(values(Cities().Where(sql::And(Is("x"), Is("y")))), IsEmpty());
  EXPECT_THAT(
      values(Cities().Where(sql::Unary(sql::UnaryOp::kIsNull, continent))),
      ElementsAre("any"));
  // Every table of that name counts.
  const sql::Alias other(city_, "other");
  sql::SelectStatement join = Cities().From(city_).Join(
      other, sql::Binary(sql::BinaryOp::kEqual, other.c("id"), city_.c("id")));
  join.Where(Is("x"));
  EXPECT_THAT(values(join), ElementsAre("any"));
  join.Where(
      sql::Binary(sql::BinaryOp::kEqual, other.c("continent"), Literal("z")));
  EXPECT_THAT(values(join), ElementsAre("x", "z"));
  EXPECT_THAT(values(sql::UpdateStatement(city_).Where(Is("x"))),
              ElementsAre("x"));
  EXPECT_THAT(values(sql::TextSql("select 1")), ElementsAre("any"));
  EXPECT_THAT(KnownValue({}, *continent_),
              HasCode(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace shard
