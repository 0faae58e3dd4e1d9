// Statements as values: parameters, the tables of a SELECT, what is compiled.
#include "shard/sql/statement.h"

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/sql/class_info.h"
#include "shard/sql/expression.h"
#include "shard/sql/select.h"
#include "shard/sql/table.h"
#include "shard/sql/typed_expression.h"
#include "shard/sql/typed_select.h"

namespace shard::sql {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Table& A() {
  static const Table& table = *new Table(
      "a", {{.name = "id", .type = ValueType::kInt64, .primary_key = true},
            {.name = "x", .type = ValueType::kInt64}});
  return table;
}
const Table& B() {
  static const Table& table =
      *new Table("b", {{.name = "id", .type = ValueType::kInt64}});
  return table;
}

TEST(ParametersTest, FindsByExactName) {
  Parameters parameters = {{"a", 1}, {"b", Value()}};
  parameters.Add("c", "text");
  ASSERT_NE(parameters.Find("a"), nullptr);
  EXPECT_EQ(*parameters.Find("a"), Value(1));
  EXPECT_TRUE(parameters.Find("b")->is_null());
  EXPECT_EQ(*parameters.Find("c"), Value("text"));
  EXPECT_EQ(parameters.Find("A"), nullptr);
  EXPECT_EQ(parameters.Find(""), nullptr);
  EXPECT_EQ(parameters.Find(":a"), nullptr);
}

TEST(SelectTablesTest, ComeFromFromAndJoins) {
  const Alias other(A(), "other");
  SelectStatement select;
  select.Column(B().c("id")).From(A()).Join(other, Literal(true));
  EXPECT_THAT(select.Tables(), ElementsAre(TableRef(A()), TableRef(other)));
}

TEST(SelectTablesTest, WithoutFromComeFromColumnsWhereAndJoins) {
  EXPECT_THAT(SelectStatement().Tables(), IsEmpty());
  EXPECT_THAT(SelectStatement().Column(Literal(1)).Tables(), IsEmpty());
  const Alias other(A(), "other");
  SelectStatement select;
  select.Column(Binary(BinaryOp::kAdd, A().c("id"), A().c("x")))
      .Where(Binary(BinaryOp::kLess, other.c("id"), A().c("id")))
      .Join(B(), Literal(true));
  EXPECT_THAT(select.Tables(),
              ElementsAre(TableRef(A()), TableRef(other), TableRef(B())));
  // A subquery's tables are its own.
  EXPECT_THAT(
      SelectStatement()
          .Column(A().c("id"))
          .Where(InQuery(A().c("x"), SelectStatement().Column(B().c("id"))))
          .Tables(),
      ElementsAre(TableRef(A())));
}

TEST(StatementTest, KnowsItsKindAndClass) {
  const ClassInfo info{"Thing", &A(), {}};
  const Statement select(SelectStatement().Column(A().c("id")), &info);
  EXPECT_TRUE(select.is_select());
  EXPECT_EQ(select.class_info(), &info);
  EXPECT_EQ(select.As<UpdateStatement>(), nullptr);
  const Statement text = TextSql("select 1");
  EXPECT_FALSE(text.is_select());
  ASSERT_NE(text.As<TextStatement>(), nullptr);
  EXPECT_EQ(text.As<TextStatement>()->text, "select 1");
  EXPECT_EQ(text.class_info(), nullptr);
  EXPECT_FALSE(Statement(DeleteStatement(A())).is_select());
}

TEST(StatementTest, LaterChangesDoNotReachIt) {
  SelectStatement select;
  select.Column(A().c("id"));
  const Statement statement(select);
  select.Column(A().c("x"));
  EXPECT_EQ(statement.As<SelectStatement>()->columns.size(), 1u);
}

TEST(CompileCacheTest, KeepsOneEntryForEachDialect) {
  const CompileCache cache;
  const int one = 1, two = 2;
  EXPECT_EQ(cache.Find(&one), nullptr);
  const auto first = std::make_shared<int>(1);
  const auto second = std::make_shared<int>(2);
  cache.Store(&one, first);
  EXPECT_EQ(cache.Find(&two), nullptr);
  cache.Store(&two, second);
  EXPECT_EQ(cache.Find(&one), first);
  EXPECT_EQ(cache.Find(&two), second);
  cache.Store(&one, second);
  EXPECT_EQ(cache.Find(&one), second);
  EXPECT_EQ(first.use_count(), 1);  // the old one is let go
}

TEST(CompileCacheTest, ManyThreads) {
  const CompileCache cache;
  const std::vector<int> dialects(4);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, &dialects, t] {
      for (int i = 0; i < 1000; ++i) {
        const int* mine = &dialects[(t + i) % 4];
        cache.Store(mine, std::make_shared<const int*>(mine));
        const auto found = cache.Find(mine);
        ASSERT_NE(found, nullptr);
        EXPECT_EQ(*std::static_pointer_cast<const int* const>(found), mine);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(TypedSelectTest, BuildsThePlainStatement) {
  const ClassInfo info{"Thing", &A(), {}};
  TypedSelect<std::int64_t> select(SelectStatement().Column(A().c("id")),
                                   &info);
  const auto x = Typed<std::int64_t>(A().c("x"));
  select.Where(x > 1)
      .Where(x < 9)
      .GroupBy(x)
      .Having(x != 3)
      .OrderBy(x, Desc(x, NullOrder::kLast))
      .Limit(5)
      .Offset(2)
      .Distinct()
      .ForUpdate();
  const SelectStatement& plain = select.statement();
  EXPECT_EQ(plain.where.As<ConjunctionNode>()->terms.size(), 2u);
  EXPECT_EQ(plain.group_by.size(), 1u);
  EXPECT_TRUE(plain.having);
  ASSERT_EQ(plain.order_by.size(), 2u);
  EXPECT_FALSE(plain.order_by[0].descending);
  EXPECT_EQ(plain.order_by[0].nulls, NullOrder::kEngine);
  EXPECT_TRUE(plain.order_by[1].descending);
  EXPECT_EQ(plain.order_by[1].nulls, NullOrder::kLast);
  EXPECT_EQ(plain.limit, 5);
  EXPECT_EQ(plain.offset, 2);
  EXPECT_TRUE(plain.distinct);
  EXPECT_TRUE(plain.for_update);
  const Statement statement = select;
  EXPECT_EQ(statement.class_info(), &info);
}

struct Thing {
  static const Table& table() { return B(); }
};

TEST(TypedSelectTest, JoinStandsBehindTheTableOfTheColumns) {
  TypedSelect<std::int64_t> select(SelectStatement().Column(A().c("id")),
                                   nullptr);
  select.LeftJoin<Thing>(Typed<std::int64_t>(A().c("x")) ==
                         Typed<std::int64_t>(B().c("id")));
  EXPECT_THAT(select.statement().Tables(),
              ElementsAre(TableRef(A()), TableRef(B())));
  EXPECT_EQ(select.statement().joins[0].kind, JoinKind::kLeft);
}

TEST(TypedSelectTest, AsSubquery) {
  const TypedSelect<std::int64_t> select(SelectStatement().Column(B().c("id")),
                                         nullptr);
  const auto id = Typed<std::int64_t>(A().c("id"));
  EXPECT_NE(Subquery(select).expression.As<SubqueryNode>(), nullptr);
  const auto in = In(id, select);
  ASSERT_NE(in.expression.As<InNode>(), nullptr);
  EXPECT_NE(in.expression.As<InNode>()->query, nullptr);
  EXPECT_FALSE(in.expression.As<InNode>()->negated);
  EXPECT_TRUE(NotIn(id, select).expression.As<InNode>()->negated);
}

}  // namespace
}  // namespace shard::sql
