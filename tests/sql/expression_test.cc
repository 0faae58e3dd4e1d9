// The untyped tree: what builders make of their parts.
#include "shard/sql/expression.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/sql/select.h"
#include "shard/sql/table.h"

namespace shard::sql {
namespace {

using shard::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Expression kTrue = Literal(true);

TEST(ExpressionTest, EmptyStandsForNone) {
  const Expression none;
  EXPECT_TRUE(none.empty());
  EXPECT_FALSE(none);
  EXPECT_EQ(none.As<LiteralNode>(), nullptr);
  EXPECT_TRUE(kTrue);
  EXPECT_NE(kTrue.As<LiteralNode>(), nullptr);
  EXPECT_EQ(kTrue.As<ColumnNode>(), nullptr);
}

TEST(ExpressionTest, CopiesShareTheTree) {
  const Expression copy = kTrue;
  EXPECT_EQ(&copy.node(), &kTrue.node());
}

TEST(ExpressionTest, AndAndOrGather) {
  EXPECT_TRUE(And({}, {}).empty());
  EXPECT_EQ(&And(kTrue, {}).node(), &kTrue.node());
  EXPECT_EQ(&Or({}, kTrue).node(), &kTrue.node());
  const Expression three = And(And(kTrue, kTrue), kTrue);
  ASSERT_NE(three.As<ConjunctionNode>(), nullptr);
  EXPECT_TRUE(three.As<ConjunctionNode>()->is_and);
  EXPECT_THAT(three.As<ConjunctionNode>()->terms, SizeIs(3));
  const Expression four = Or(Or(kTrue, kTrue), Or(kTrue, kTrue));
  EXPECT_THAT(four.As<ConjunctionNode>()->terms, SizeIs(4));
  // But not one inside the other.
  const Expression mixed = Or(three, kTrue);
  EXPECT_THAT(mixed.As<ConjunctionNode>()->terms, SizeIs(2));
  // And what was put in is as it was.
  EXPECT_THAT(three.As<ConjunctionNode>()->terms, SizeIs(3));
}

TEST(ExpressionTest, TypesOfResults) {
  const Expression i32 = Literal(1);
  const Expression i64 = Literal(1LL);
  const Expression real = Literal(1.0);
  const Expression decimal = Literal(Decimal());
  const Expression text = Literal("x");
  const Expression date = Literal(Date{});
  const Expression unknown = Parameter("p");
  const auto sum = [](const Expression& a, const Expression& b) {
    return Binary(BinaryOp::kAdd, a, b)->type;
  };
  EXPECT_EQ(sum(i32, i32), ValueType::kInt32);
  EXPECT_EQ(sum(i32, i64), ValueType::kInt64);
  EXPECT_EQ(sum(i64, i32), ValueType::kInt64);
  EXPECT_EQ(sum(i64, decimal), ValueType::kDecimal);
  EXPECT_EQ(sum(decimal, i32), ValueType::kDecimal);
  EXPECT_EQ(sum(decimal, real), ValueType::kDouble);
  EXPECT_EQ(sum(real, decimal), ValueType::kDouble);
  EXPECT_EQ(sum(real, i64), ValueType::kDouble);
  EXPECT_EQ(sum(unknown, i64), ValueType::kInt64);
  EXPECT_EQ(sum(i64, unknown), ValueType::kInt64);
  EXPECT_EQ(sum(unknown, unknown), ValueType::kNull);
  EXPECT_EQ(sum(date, i32), ValueType::kDate);
  EXPECT_EQ(Binary(BinaryOp::kConcat, i32, text)->type, ValueType::kText);
  for (int op = static_cast<int>(BinaryOp::kEqual);
       op <= static_cast<int>(BinaryOp::kNotLike); ++op) {
    EXPECT_EQ(Binary(static_cast<BinaryOp>(op), text, i32)->type,
              ValueType::kBool);
  }
  EXPECT_EQ(Unary(UnaryOp::kNegate, decimal)->type, ValueType::kDecimal);
  EXPECT_EQ(Unary(UnaryOp::kNot, kTrue)->type, ValueType::kBool);
  EXPECT_EQ(Unary(UnaryOp::kIsNull, text)->type, ValueType::kBool);
  EXPECT_EQ(In(text, {})->type, ValueType::kBool);
  EXPECT_EQ(Between(i32, i32, i32)->type, ValueType::kBool);
  EXPECT_EQ(And(kTrue, kTrue)->type, ValueType::kBool);
  EXPECT_EQ(Cast(text, ValueType::kDate)->type, ValueType::kDate);
  EXPECT_EQ(Collate(text, "C")->type, ValueType::kText);
  EXPECT_EQ(Case({{kTrue, text}})->type, ValueType::kText);
  EXPECT_EQ(Case({{kTrue, Null()}, {kTrue, date}})->type, ValueType::kDate);
  EXPECT_EQ(Case({{kTrue, Null()}}, real)->type, ValueType::kDouble);
  EXPECT_EQ(Function("f", {})->type, ValueType::kNull);
  EXPECT_EQ(Function("f", {}, FunctionKind::kScalar, ValueType::kDate)->type,
            ValueType::kDate);
  EXPECT_EQ(Literal(Value())->type, ValueType::kNull);
  EXPECT_EQ(Parameter("p", ValueType::kUuid)->type, ValueType::kUuid);
  EXPECT_EQ(Subquery(SelectStatement().Column(date))->type, ValueType::kDate);
  EXPECT_EQ(Subquery(SelectStatement())->type, ValueType::kNull);
}

TEST(ExpressionTest, OperandsAreAllThatStandsDirectlyBelow) {
  const Expression a = Literal(1), b = Literal(2), c = Literal(3);
  const auto nodes = [](const Expression& e) {
    std::vector<const Node*> out;
    for (const Expression& operand : Operands(e))
      out.push_back(&operand.node());
    return out;
  };
  using ::testing::ElementsAre;
  const Node *na = &a.node(), *nb = &b.node(), *nc = &c.node();
  EXPECT_THAT(nodes(a), IsEmpty());
  EXPECT_THAT(nodes({}), IsEmpty());
  EXPECT_THAT(nodes(Unary(UnaryOp::kNot, a)), ElementsAre(na));
  EXPECT_THAT(nodes(Binary(BinaryOp::kAdd, a, b)), ElementsAre(na, nb));
  EXPECT_THAT(nodes(And(a, And(b, c))), ElementsAre(na, nb, nc));
  EXPECT_THAT(nodes(In(a, {b, c})), ElementsAre(na, nb, nc));
  EXPECT_THAT(nodes(InQuery(a, SelectStatement())), ElementsAre(na));
  EXPECT_THAT(nodes(Between(a, b, c)), ElementsAre(na, nb, nc));
  EXPECT_THAT(nodes(Function("f", {a, b})), ElementsAre(na, nb));
  EXPECT_THAT(nodes(Case({{a, b}}, c)), ElementsAre(na, nb, nc));
  EXPECT_THAT(nodes(Case({{a, b}})), ElementsAre(na, nb));
  EXPECT_THAT(nodes(Cast(a, ValueType::kText)), ElementsAre(na));
  EXPECT_THAT(nodes(Collate(a, "C")), ElementsAre(na));
  EXPECT_THAT(nodes(Subquery(SelectStatement().Column(a))), IsEmpty());
}

TEST(ExpressionTest, WalkVisitsParentsFirstAndNoSubqueries) {
  const Expression inner = Binary(BinaryOp::kLess, Literal(1), Literal(2));
  const Expression tree =
      And(inner, InQuery(Literal(3), SelectStatement().Column(Literal(4))));
  int visited = 0;
  const Node* first = nullptr;
  Walk(tree, [&](const Expression& e) {
    if (visited++ == 0) first = &e.node();
  });
  EXPECT_EQ(first, &tree.node());
  EXPECT_EQ(visited, 6);  // AND, "<", 1, 2, IN, 3
  Walk(Expression(), [](const Expression&) { FAIL(); });
}

TEST(ExpressionTest, MistakesBecomeErrorNodes) {
  const Expression function = Function("a b", {});
  ASSERT_NE(function.As<ErrorNode>(), nullptr);
  EXPECT_THAT(function.As<ErrorNode>()->status,
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'a b'")));
  EXPECT_NE(Case({}).As<ErrorNode>(), nullptr);
}

// Table, Column and Alias.

TEST(TableTest, ColumnsKnowWhereTheyAre) {
  const Table table("t", {{.name = "a",
                           .type = ValueType::kInt64,
                           .primary_key = true,
                           .nullable = true},
                          {.name = "b", .server_default = "'x'"},
                          {.name = "c", .nullable = false}});
  ASSERT_THAT(table.columns(), SizeIs(3));
  const Column& a = table.columns()[0];
  EXPECT_EQ(a.QualifiedName(), "t.a");
  EXPECT_EQ(&a.table(), &table);
  EXPECT_FALSE(a.nullable());  // a primary key never is
  EXPECT_EQ(table.columns()[2].index(), 2u);
  EXPECT_FALSE(table.columns()[2].nullable());
  EXPECT_TRUE(table.columns()[1].nullable());
  EXPECT_EQ(table.FindColumn("b"), &table.columns()[1]);
  EXPECT_EQ(table.FindColumn("B"), nullptr);
  EXPECT_EQ(table.FindColumn(""), nullptr);
  EXPECT_THAT(table.primary_key(), ::testing::ElementsAre(&a));
  ASSERT_NE(table.c("b").As<ColumnNode>(), nullptr);
  EXPECT_EQ(table.c("b").As<ColumnNode>()->column, &table.columns()[1]);
  EXPECT_NE(table.c("z").As<ErrorNode>(), nullptr);
  EXPECT_NE(Alias(table, "u").c("z").As<ErrorNode>(), nullptr);
  EXPECT_EQ(Alias(table, "u").c("a").As<ColumnNode>()->alias, "u");
}

TEST(TableTest, GeneratedKeyIsALoneIntegerWithoutDefaults) {
  const ColumnSpec id{
      .name = "id", .type = ValueType::kInt64, .primary_key = true};
  const auto generated = [](std::vector<ColumnSpec> columns) {
    const Table table("t", std::move(columns));
    return table.generated_key() != nullptr;
  };
  EXPECT_TRUE(generated({id, {.name = "x"}}));
  ColumnSpec narrow = id;
  narrow.type = ValueType::kInt32;
  EXPECT_TRUE(generated({narrow}));
  ColumnSpec text = id;
  text.type = ValueType::kText;
  EXPECT_FALSE(generated({text}));
  ColumnSpec with_server_default = id;
  with_server_default.server_default = "7";
  EXPECT_FALSE(generated({with_server_default}));
  ColumnSpec with_client_default = id;
  with_client_default.client_default = [] { return Literal(7); };
  EXPECT_FALSE(generated({with_client_default}));
  ColumnSpec second = id;
  second.name = "other";
  EXPECT_FALSE(generated({id, second}));
  EXPECT_FALSE(generated({{.name = "id", .type = ValueType::kInt64}}));
  EXPECT_FALSE(generated({}));
}

}  // namespace
}  // namespace shard::sql
