// The typed layer: what compiles, what must not, and what is built.
#include "shard/sql/typed_expression.h"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/sql/expression.h"
#include "shard/sql/functions.h"
#include "shard/sql/table.h"
#include "shard/sql/typed_select.h"

namespace shard {
namespace {

using sql::BinaryNode;
using sql::BinaryOp;
using sql::LiteralNode;
using sql::Value;
using sql::ValueType;
using ::testing::SizeIs;

using I64 = Expr<std::int64_t>;
using I32 = Expr<std::int32_t>;
using Real = Expr<double>;
using Text = Expr<std::string>;
using Flag = Expr<bool>;
using MaybeText = Expr<std::optional<std::string>>;
using Money = Expr<Decimal>;
using Time = Expr<Timestamp>;

template <class L, class R>
concept Comparable = requires(const L& l, const R& r) {
  { l == r } -> std::same_as<Expr<bool>>;
  { l < r } -> std::same_as<Expr<bool>>;
};
template <class L, class R>
concept Addable = requires(const L& l, const R& r) {
  l + r;
};
template <class L, class R>
concept Subtractable = requires(const L& l, const R& r) {
  l - r;
};
template <class X, class List>
concept Listable = requires(const X& x, const List& list) {
  In(x, list);
  NotIn(x, list);
};
template <class X, class L>
concept Betweenable = requires(const X& x, const L& l) {
  Between(x, l, l);
};
template <class C>
concept Filters = requires(TypedSelect<std::int64_t>& s, const C& c) {
  s.Where(c);
  s.Having(c);
};
template <class L, class R>
concept Conjoinable = requires(const L& l, const R& r) {
  l&& r;
  l || r;
};
template <class X>
concept Negatable = requires(const X& x) {
  !x;
};
template <class X, class P>
concept LikeAble = requires(const X& x, const P& p) {
  Like(x, p);
};
template <class X>
concept Summable = requires(const X& x) {
  Sum(x);
  Avg(x);
};

TEST(TypedExpressionTest, ComparisonsThatCompile) {
  static_assert(Comparable<I64, int>);
  static_assert(Comparable<I64, std::int64_t>);
  static_assert(Comparable<I64, std::uint32_t>);
  static_assert(Comparable<I64, I64>);
  static_assert(Comparable<I32, short>);
  static_assert(Comparable<Real, double>);
  static_assert(Comparable<Real, int>);
  static_assert(Comparable<Text, const char*>);
  static_assert(Comparable<Text, char[4]>);
  static_assert(Comparable<Text, std::string>);
  static_assert(Comparable<Text, std::string_view>);
  static_assert(Comparable<Flag, bool>);
  static_assert(Comparable<MaybeText, Text>);
  static_assert(Comparable<Text, MaybeText>);
  static_assert(Comparable<MaybeText, const char*>);
  static_assert(Comparable<Money, Decimal>);
  static_assert(Comparable<Time, Timestamp>);
}

TEST(TypedExpressionTest, ComparisonsThatDoNot) {
  static_assert(!Comparable<I64, const char*>);
  static_assert(!Comparable<I64, std::string>);
  static_assert(!Comparable<I64, double>);
  static_assert(!Comparable<I64, float>);
  static_assert(!Comparable<I64, bool>);
  static_assert(!Comparable<I64, std::uint64_t>);
  static_assert(!Comparable<I64, I32>);
  static_assert(!Comparable<I64, Text>);
  static_assert(!Comparable<I64, std::nullopt_t>);
  static_assert(!Comparable<I64, std::nullptr_t>);
  static_assert(!Comparable<I64, std::optional<std::int64_t>>);
  static_assert(!Comparable<I32, std::int64_t>);
  static_assert(!Comparable<I32, std::uint32_t>);
  static_assert(!Comparable<Text, int>);
  static_assert(!Comparable<Text, char>);
  static_assert(!Comparable<Text, std::nullopt_t>);
  static_assert(!Comparable<Text, std::nullptr_t>);
  static_assert(!Comparable<MaybeText, std::nullopt_t>);
  static_assert(!Comparable<MaybeText, std::optional<std::string>>);
  static_assert(!Comparable<Text, Bytes>);
  static_assert(!Comparable<Flag, int>);
  static_assert(!Comparable<Flag, const char*>);
  static_assert(!Comparable<Real, bool>);
  static_assert(!Comparable<Money, double>);
  static_assert(!Comparable<Money, const char*>);
  static_assert(!Comparable<Time, std::int64_t>);
  static_assert(!Comparable<Time, Expr<Date>>);
}

TEST(TypedExpressionTest, ArithmeticIsForNumbersAndJoiningForText) {
  static_assert(Addable<I64, int>);
  static_assert(Addable<Money, Decimal>);
  static_assert(Addable<Text, const char*>);
  static_assert(Addable<MaybeText, Text>);
  static_assert(!Addable<I64, double>);
  static_assert(!Addable<I64, const char*>);
  static_assert(!Addable<Flag, bool>);
  static_assert(!Addable<Time, std::int64_t>);
  static_assert(!Subtractable<Text, const char*>);
  static_assert(Subtractable<Real, int>);
  static_assert(std::same_as<decltype(I32{} + 1), I32>);
  static_assert(std::same_as<decltype(MaybeText{} + "x"), Text>);
}

TEST(TypedExpressionTest, ConditionsAreBool) {
  static_assert(Filters<Flag>);
  static_assert(Filters<Expr<std::optional<bool>>>);
  static_assert(!Filters<I64>);
  static_assert(!Filters<Text>);
  static_assert(!Filters<bool>);
  static_assert(Conjoinable<Flag, Flag>);
  static_assert(!Conjoinable<Flag, bool>);
  static_assert(!Conjoinable<Flag, I64>);
  static_assert(!Conjoinable<I64, I64>);
  static_assert(Negatable<Flag>);
  static_assert(!Negatable<I64>);
}

TEST(TypedExpressionTest, ListsHoldWhatMayBeCompared) {
  static_assert(Listable<I64, std::vector<std::int64_t>>);
  static_assert(Listable<I64, std::vector<int>>);
  static_assert(Listable<I64, std::set<int>>);
  static_assert(Listable<I64, std::vector<I64>>);
  static_assert(Listable<Text, std::vector<const char*>>);
  static_assert(Listable<Text, std::vector<std::string_view>>);
  // Each of these would cut off what does not fit.
  static_assert(!Listable<I64, std::vector<double>>);
  static_assert(!Listable<I32, std::vector<std::int64_t>>);
  static_assert(!Listable<I64, std::vector<std::uint64_t>>);
  static_assert(!Listable<I64, std::vector<bool>>);
  static_assert(!Listable<I64, std::vector<I32>>);
  static_assert(!Listable<I64, std::vector<std::string>>);
  static_assert(!Listable<Text, std::string>);
  static_assert(!Listable<I64, TypedSelect<std::string>>);
  static_assert(Listable<I64, TypedSelect<std::int64_t>>);
  static_assert(Betweenable<I64, int>);
  static_assert(!Betweenable<I64, double>);
}

TEST(TypedExpressionTest, FunctionsTakeWhatTheyCanUse) {
  static_assert(LikeAble<Text, const char*>);
  static_assert(LikeAble<MaybeText, Text>);
  static_assert(!LikeAble<I64, const char*>);
  static_assert(!LikeAble<Text, int>);
  static_assert(Summable<I64>);
  static_assert(Summable<Money>);
  static_assert(!Summable<Text>);
  static_assert(!Summable<Flag>);
  static_assert(std::same_as<decltype(Sum(I32{})), I64>);
  static_assert(std::same_as<decltype(Sum(Real{})), Real>);
  static_assert(std::same_as<decltype(Sum(Money{})), Money>);
  static_assert(std::same_as<decltype(Avg(I64{})), Real>);
  static_assert(std::same_as<decltype(Max(MaybeText{})), Text>);
}

class BuiltTest : public ::testing::Test {
 protected:
  const sql::Table table_{"t",
                          {{.name = "id", .type = ValueType::kInt64},
                           {.name = "name", .type = ValueType::kText},
                           {.name = "small", .type = ValueType::kInt32}}};
  const I64 id_ = Typed<std::int64_t>(table_.c("id"));
  const Text name_ = Typed<std::string>(table_.c("name"));
  const I32 small_ = Typed<std::int32_t>(table_.c("small"));
};

TEST_F(BuiltTest, LiteralsTakeTheTypeOfTheOtherSide) {
  const auto literal = [](const Expr<bool>& e) {
    return e.expression.As<BinaryNode>()->right.As<LiteralNode>()->value;
  };
  EXPECT_EQ(literal(id_ == 7).type(), ValueType::kInt64);
  EXPECT_EQ(literal(id_ == 7), Value(7));
  EXPECT_EQ(literal(small_ == 7).type(), ValueType::kInt32);
  EXPECT_EQ(literal(Real{sql::Literal(1.0)} < 7).type(), ValueType::kDouble);
  EXPECT_EQ(literal(name_ == "x"), Value("x"));
  EXPECT_EQ(literal(name_ == std::string_view("a\0b", 3)),
            Value(std::string_view("a\0b", 3)));
}

TEST_F(BuiltTest, OperatorsAreWhatTheySay) {
  const auto op = [](const auto& e) {
    return e.expression.template As<BinaryNode>()->op;
  };
  EXPECT_EQ(op(id_ == 1), BinaryOp::kEqual);
  EXPECT_EQ(op(id_ != 1), BinaryOp::kNotEqual);
  EXPECT_EQ(op(id_ < 1), BinaryOp::kLess);
  EXPECT_EQ(op(id_ <= 1), BinaryOp::kLessOrEqual);
  EXPECT_EQ(op(id_ > 1), BinaryOp::kGreater);
  EXPECT_EQ(op(id_ >= 1), BinaryOp::kGreaterOrEqual);
  EXPECT_EQ(op(id_ + 1), BinaryOp::kAdd);
  EXPECT_EQ(op(id_ - 1), BinaryOp::kSubtract);
  EXPECT_EQ(op(id_ * 1), BinaryOp::kMultiply);
  EXPECT_EQ(op(id_ / 1), BinaryOp::kDivide);
  EXPECT_EQ(op(id_ % 1), BinaryOp::kModulo);
  EXPECT_EQ(op(name_ + "x"), BinaryOp::kConcat);
  EXPECT_EQ(op(Like(name_, "x%")), BinaryOp::kLike);
}

TEST_F(BuiltTest, OrderOfOperandsIsKept) {
  const auto e = (id_ - 2 < id_).expression;
  const auto* less = e.As<BinaryNode>();
  ASSERT_NE(less->left.As<BinaryNode>(), nullptr);
  EXPECT_EQ(less->left.As<BinaryNode>()->op, BinaryOp::kSubtract);
  EXPECT_NE(less->right.As<sql::ColumnNode>(), nullptr);
}

TEST_F(BuiltTest, InTakesListsAndContainers) {
  const auto list = [](const Expr<bool>& e) {
    return e.expression.As<sql::InNode>()->list;
  };
  EXPECT_THAT(list(In(id_, {1, 2, 3})), SizeIs(3));
  EXPECT_THAT(list(In(id_, {})), SizeIs(0));
  EXPECT_THAT(list(NotIn(id_, std::vector<int>{4})), SizeIs(1));
  const auto names = list(In(name_, {"a", "b"}));
  ASSERT_THAT(names, SizeIs(2));
  EXPECT_EQ(names[1].As<LiteralNode>()->value, Value("b"));
  EXPECT_EQ(
      list(In(id_, std::vector<int>{4}))[0].As<LiteralNode>()->value.type(),
      ValueType::kInt64);
}

TEST_F(BuiltTest, CaseFunctionsAndParameters) {
  const auto color = Case<std::string>().When(id_ < 0, "red").Else(name_);
  const auto* node = color.expression.As<sql::CaseNode>();
  ASSERT_NE(node, nullptr);
  EXPECT_THAT(node->branches, SizeIs(1));
  EXPECT_TRUE(node->otherwise);
  EXPECT_EQ(color.expression->type, ValueType::kText);
  EXPECT_NE(Case<std::string>().End().expression.As<sql::ErrorNode>(), nullptr);

  const auto function = Func<std::string>("f", name_, 1, "x");
  const auto* unknown = function.expression.As<sql::FunctionNode>();
  ASSERT_NE(unknown, nullptr);
  EXPECT_EQ(unknown->kind, sql::FunctionKind::kUnknown);
  EXPECT_THAT(unknown->arguments, SizeIs(3));
  EXPECT_EQ(
      ScalarFunc<std::string>("f").expression.As<sql::FunctionNode>()->kind,
      sql::FunctionKind::kScalar);
  EXPECT_EQ(Count(id_).expression.As<sql::FunctionNode>()->kind,
            sql::FunctionKind::kAggregate);
  EXPECT_TRUE(Count().expression.As<sql::FunctionNode>()->star);
  EXPECT_TRUE(CountDistinct(id_).expression.As<sql::FunctionNode>()->distinct);

  const auto parameter = Param<Date>("day");
  EXPECT_EQ(parameter.expression.As<sql::ParameterNode>()->name, "day");
  EXPECT_EQ(parameter.expression->type, ValueType::kDate);
  const auto text = SqlText<double>("random() * :n", {{"n", Value(2)}});
  EXPECT_EQ(text.expression->type, ValueType::kDouble);
  EXPECT_THAT(text.expression.As<sql::TextNode>()->parameters, SizeIs(1));
}

}  // namespace
}  // namespace shard
