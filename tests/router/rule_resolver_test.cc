// Rules of one's own: what they look at, and that the first that fits counts.
#include "shard/router/rule_resolver.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/may_write.h"
#include "shard/router/vertical_resolver.h"
#include "shard/sql/table.h"
#include "shard/tests/dialects/fake_engine.h"
#include "shard/tests/router/fake_history.h"

namespace shard::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Code = absl::StatusCode;

class RuleResolverTest : public ::testing::Test {
 protected:
  std::string Where(const BindRequest& request) {
    const absl::StatusOr<Bind> bind = rules_.Resolve(request);
    return bind.ok() ? bind->engine->name() : bind.status().ToString();
  }
  std::string Where(const sql::Statement& statement,
                    const sql::ClassInfo* class_info = nullptr) {
    return Where({.class_info = class_info,
                  .statement = &statement,
                  .operation = statement.is_select() ? Operation::kRead
                                                     : Operation::kExecute});
  }

  const std::shared_ptr<Engine> primary_ = MakeFakeEngine("primary"),
                                other_ = MakeFakeEngine("other"),
                                rest_ = MakeFakeEngine("rest");
  static std::vector<sql::ColumnSpec> Id() {
    return {
        {.name = "id", .type = sql::ValueType::kInt64, .primary_key = true}};
  }
  const sql::Table pages_{"pages", Id()}, notes_{"notes", Id()};
  const sql::ClassInfo other_class_{"MyOtherClass", &notes_, {}},
      under_{"Under", &notes_, {&other_class_}},
      far_under_{"FarUnder", &notes_, {&under_}}, page_{"Page", &pages_, {}};
  const sql::Statement select_ =
      sql::SelectStatement().From(pages_).Column(pages_.c("id"));
  RuleResolver rules_;
};

// The reference page's three rules.
TEST_F(RuleResolverTest, Row058TheFirstRuleThatFits) {
  rules_.When(ClassIs(other_class_), other_)
      .When(Writes(), primary_)
      .Otherwise(rest_);
  for (const sql::ClassInfo* known : {&other_class_, &under_, &far_under_}) {
    EXPECT_EQ(Where({.class_info = known, .operation = Operation::kFlush}),
              "other");
    EXPECT_EQ(Where({.class_info = known, .operation = Operation::kRead}),
              "other");
  }
  EXPECT_EQ(Where({.class_info = &page_, .operation = Operation::kFlush}),
            "primary");
  EXPECT_EQ(Where({.class_info = &page_, .operation = Operation::kRead}),
            "rest");
  EXPECT_EQ(Where({.class_info = &page_, .operation = Operation::kRefresh}),
            "rest");
  SHARD_ASSERT_OK_AND_ASSIGN(
      const BindSet all, rules_.ResolveAll({.class_info = &page_,
                                            .operation = Operation::kExecute}));
  EXPECT_THAT(all, ElementsAre(Bind{primary_.get(), ShardId()}));
}

struct Archived {};  // not mapped

TEST_F(RuleResolverTest, Row058AMixinIsABase) {
  const sql::ClassInfo old{"Old", &notes_, {&sql::ClassInfoOf<Archived>()}};
  rules_.When(ClassIs<Archived>(), other_).Otherwise(rest_);
  EXPECT_EQ(Where({.class_info = &old}), "other");
  EXPECT_EQ(Where({.class_info = &page_}), "rest");
}

// Rows 59 to 61: every one of them is a write.
TEST_F(RuleResolverTest, Row060EveryWriteIsOne) {
  rules_.When(Writes(), primary_).When(Reads(), rest_);
  EXPECT_EQ(Where({.operation = Operation::kBulk}), "primary");
  EXPECT_EQ(Where(sql::InsertStatement(pages_)), "primary");
  EXPECT_EQ(Where(sql::UpdateStatement(pages_)), "primary");
  EXPECT_EQ(Where(sql::DeleteStatement(pages_)), "primary");
  EXPECT_EQ(Where(sql::TextSql("select 1")), "primary");
  EXPECT_EQ(Where({.operation = Operation::kExecute}), "primary");
  EXPECT_EQ(Where(select_), "rest");
  sql::SelectStatement locking = *select_.As<sql::SelectStatement>();
  locking.for_update = true;
  EXPECT_EQ(Where(sql::Statement(locking)), "primary");
}

TEST_F(RuleResolverTest, Row060AReadOnlyTransactionWritesNothing) {
  rules_.When(Writes(), primary_).Otherwise(rest_);
  FakeHistory history;
  history.reads_only = true;
  const sql::Statement text = sql::TextSql("select 1");
  EXPECT_EQ(Where({.statement = &text,
                   .operation = Operation::kExecute,
                   .history = &history}),
            "rest");
}

TEST_F(RuleResolverTest, Row062ASessionThatHasWritten) {
  rules_.When(AnyOf({Writes(), HasWrittenTo(primary_)}), primary_)
      .Otherwise(rest_);
  FakeHistory history;
  const BindRequest read{.operation = Operation::kRead, .history = &history};
  EXPECT_EQ(Where(read), "rest");
  history.engines[primary_.get()].wrote = true;
  EXPECT_EQ(Where(read), "primary");
  EXPECT_EQ(Where({.operation = Operation::kRead}), "rest");  // nobody's
}

TEST_F(RuleResolverTest, ConditionsOnTablesArgumentsAndAnything) {
  sql::Parameters acme({{"tenant", "acme"}}), other({{"tenant", "other"}});
  rules_.When(ForTable(notes_), other_)
      .When(AllOf({ArgumentIs("tenant", "acme"), Not(Writes())}), primary_)
      .When(Condition("the moon is full",
                      [](const BindRequest& request) {
                        return request.shard == ShardId::Of("moon");
                      }),
            primary_)
      .Otherwise(rest_);
  EXPECT_EQ(Where({.arguments = &acme}), "primary");
  EXPECT_EQ(Where({.operation = Operation::kFlush, .arguments = &acme}),
            "rest");
  EXPECT_EQ(Where({.arguments = &other}), "rest");
  EXPECT_EQ(Where(select_), "rest");
  EXPECT_EQ(Where({.class_info = &under_}), "other");
  EXPECT_EQ(Where(sql::InsertStatement(notes_)), "other");
  sql::SelectStatement joined = *select_.As<sql::SelectStatement>();
  joined.Join(notes_, sql::Binary(sql::BinaryOp::kEqual, pages_.c("id"),
                                  notes_.c("id")));
  EXPECT_EQ(Where(sql::Statement(joined), &page_), "other");
  EXPECT_THAT(Where({.shard = ShardId::Of("moon")}),
              HasSubstr("there is no shard 'moon'"));
}

TEST_F(RuleResolverTest, Row063NoRuleFits) {
  rules_.When(ClassIs(other_class_), other_);
  EXPECT_THAT(
      rules_.Resolve({.class_info = &page_, .operation = Operation::kFlush}),
      StatusIs(Code::kFailedPrecondition,
               HasSubstr("no rule fits a flush of class Page; add one")));
  EXPECT_THAT(rules_.ResolveAll({.statement = &select_,
                                 .operation = Operation::kRead,
                                 .shard = ShardId::Of("eu")}),
              StatusIs(Code::kFailedPrecondition,
                       HasSubstr("a read of table 'pages', on shard 'eu'")));
  EXPECT_THAT(
      Where(sql::TextSql("select 1")),
      HasSubstr("no rule fits a statement, about no class or table; add"));
  EXPECT_THAT(Where({.operation = Operation::kExecute}),
              HasSubstr("a connection, about no class"));
  EXPECT_THAT(rules_.ShardKey(page_), IsEmpty());
  rules_.When(ClassIs(page_), std::shared_ptr<Engine>(), "pages");
  EXPECT_THAT(rules_.Resolve({.class_info = &page_}),
              StatusIs(Code::kInvalidArgument,
                       HasSubstr("the rule 'pages' leads to a null engine")));
}

TEST_F(RuleResolverTest, RulesHaveNamesAndSayWhichCounts) {
  rules_.When(ClassIs(under_), other_, "the odd ones")
      .When(AnyOf({Writes(), Not(ForTable(pages_))}), primary_)
      .Otherwise(rest_);
  const auto name = [this](const BindRequest& request) {
    return rules_.Find(request)->name;
  };
  EXPECT_EQ(name({.class_info = &far_under_}), "the odd ones");
  EXPECT_EQ(name({.class_info = &page_, .operation = Operation::kBulk}),
            "(writes or not table 'pages')");
  EXPECT_EQ(name({.class_info = &page_}), "otherwise");
  EXPECT_EQ(RuleResolver().Find({}), nullptr);
}

TEST_F(RuleResolverTest, LeadsToOtherResolvers) {
  auto by_class = std::make_shared<VerticalResolver>();
  by_class->BindClass(page_, primary_);
  auto inner = std::make_shared<RuleResolver>();
  inner->When(Reads(), rest_);
  rules_.When(ClassIs(page_), by_class).Otherwise(inner);
  EXPECT_EQ(Where({.class_info = &page_}), "primary");
  EXPECT_EQ(Where({.class_info = &under_}), "rest");
  EXPECT_THAT(Where({.class_info = &under_, .operation = Operation::kFlush}),
              HasSubstr("no rule fits a flush of class Under"));
  EXPECT_TRUE(rules_.ShardOf(*primary_).is_none());
}

}  // namespace
}  // namespace shard::testing
