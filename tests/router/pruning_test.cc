// Which shards a condition or a statement leads to.
#include "shard/router/pruning.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/hash_strategy.h"
#include "shard/router/list_strategy.h"
#include "shard/router/shard_rule.h"
#include "shard/router/sharding_strategy.h"
#include "shard/router/statement_tables.h"
#include "shard/sql/dml.h"
#include "shard/sql/expression.h"
#include "shard/sql/select.h"
#include "shard/sql/statement.h"
#include "shard/sql/table.h"

namespace shard {
namespace {

using shard::testing::HasCode;
using shard::testing::StatusIs;
using sql::And;
using sql::BinaryOp;
using sql::Expression;
using sql::In;
using sql::Literal;
using sql::Or;
using sql::SelectStatement;
using sql::Statement;
using sql::Table;
using sql::UnaryOp;
using sql::Value;
using sql::ValueType;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kUnimplemented = absl::StatusCode::kUnimplemented;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

Expression Equal(Expression a, Expression b) {
  return sql::Binary(BinaryOp::kEqual, std::move(a), std::move(b));
}

// Cannot say where an odd key is, and has no place for those above 100.
class MoodyStrategy : public ShardingStrategy {
 public:
  absl::StatusOr<ShardId> ShardFor(
      absl::Span<const sql::ValueView> key) const override {
    if (key[0].integer() > 100) return absl::InvalidArgumentError("no place");
    if (key[0].integer() % 2 != 0) return absl::UnavailableError("ask later");
    return shards_[0];
  }
  const std::vector<ShardId>& shards() const override { return shards_; }

 private:
  std::vector<ShardId> shards_ = {ShardId::Of("A"), ShardId::Of("B")};
};

// Ten keys from 0 on are on A, the next ten on B, all others up to 29 on C; no
// others are. Knows exactly which a domain allows.
class TensStrategy : public ShardingStrategy {
 public:
  absl::StatusOr<ShardId> ShardFor(
      absl::Span<const sql::ValueView> key) const override {
    const std::int64_t k = key[0].integer();
    if (k < 0 || k > 29) return absl::InvalidArgumentError("no place");
    return shards_[static_cast<std::size_t>(k / 10)];
  }
  const std::vector<ShardId>& shards() const override { return shards_; }
  ShardSet ShardsFor(absl::Span<const KeyDomain> key) const override {
    ShardSet found;
    for (std::int64_t k = 0; k < 30; ++k) {
      if (Allows(key[0], sql::ValueView::Int64(k))) {
        AddOnce(found, shards_[static_cast<std::size_t>(k / 10)]);
      }
    }
    return found;
  }

 private:
  static bool Allows(const KeyDomain& domain, const sql::ValueView& k) {
    const auto has = [&k](const KeyDomain::Values& values) {
      return std::find(values.begin(), values.end(), k) != values.end();
    };
    if (domain.values.has_value() && !has(*domain.values)) return false;
    if (has(domain.excluded)) return false;
    const auto order = [&k](const KeyBound& bound) {
      return k.integer() - bound.value.integer();
    };
    if (domain.low.has_value() &&
        order(*domain.low) < (domain.low->inclusive ? 0 : 1)) {
      return false;
    }
    return !domain.high.has_value() ||
           order(*domain.high) <= (domain.high->inclusive ? 0 : -1);
  }

  std::vector<ShardId> shards_ = {ShardId::Of("A"), ShardId::Of("B"),
                                  ShardId::Of("C")};
};

class PruningTest : public ::testing::Test {
 protected:
  // Where integer k is: 1 on A, 2 on B, 3 on C, 4 on A; nothing else has a
  // place. (A list, so that tests can be read.)
  const std::shared_ptr<const ShardingStrategy> list_ =
      ListStrategy::Create({{1, "A"}, {2, "B"}, {3, "C"}, {4, "A"}}).value();
  const std::shared_ptr<const ShardingStrategy> hash_ =
      HashStrategy::Create({"A", "B", "C"}).value();

  const Table orders_{"orders",
                      {{.name = "k", .type = ValueType::kInt64},
                       {.name = "x", .type = ValueType::kInt64}}};
  const Table lines_{"lines",
                     {{.name = "k", .type = ValueType::kInt32},
                      {.name = "x", .type = ValueType::kInt64},
                      {.name = "t", .type = ValueType::kText}}};
  const Table notes_{"notes", {{.name = "x", .type = ValueType::kInt64}}};
  ShardRule orders_rule_{{orders_.FindColumn("k")}, list_};
  ShardRule lines_rule_{{lines_.FindColumn("k")}, list_};

  const Expression k_ = orders_.c("k");
  const Expression x_ = orders_.c("x");

  static std::string Names(const ShardSet& shards) {
    std::string names;
    for (const ShardId shard : shards) names += shard.name();
    return names;
  }
  std::string Prune(const Expression& condition,
                    const sql::Parameters* parameters = nullptr) const {
    return Names(ShardsForCondition(orders_rule_, sql::TableRef(orders_),
                                    condition, parameters));
  }
  absl::StatusOr<std::string> Shards(
      const Statement& statement,
      const sql::Parameters* parameters = nullptr) const {
    const RuleFinder find = [this](const Table& table) -> const ShardRule* {
      if (&table == &orders_) return &orders_rule_;
      if (&table == &lines_) return &lines_rule_;
      return nullptr;
    };
    const auto shards = ShardsForStatement(find, statement, parameters);
    if (!shards.ok()) return shards.status();
    return Names(*shards);
  }
  std::string ShardsOf(const Statement& statement) const {
    const auto shards = Shards(statement);
    return shards.ok() ? *shards : shards.status().ToString();
  }
  SelectStatement FromOrders() const {
    SelectStatement select;
    select.Column(x_).From(orders_);
    return select;
  }
};

TEST_F(PruningTest, NoConditionIsEveryShard) {
  EXPECT_EQ(Prune({}), "ABC");
  EXPECT_EQ(Prune(Literal(true)), "ABC");
}

TEST_F(PruningTest, Equality) {
  EXPECT_EQ(Prune(Equal(k_, Literal(2))), "B");
  EXPECT_EQ(Prune(Equal(Literal(3), k_)), "C");
  EXPECT_EQ(Prune(Equal(k_, Literal(std::int64_t{2}))), "B");
  EXPECT_EQ(Prune(Equal(x_, Literal(2))), "ABC");  // another column
  EXPECT_EQ(Prune(Equal(k_, k_)), "ABC");
  EXPECT_EQ(Prune(Equal(k_, x_)), "ABC");
}

TEST_F(PruningTest, Lists) {
  EXPECT_EQ(Prune(In(k_, {Literal(3), Literal(1)})), "AC");
  EXPECT_EQ(Prune(In(k_, {Literal(1), Literal(4), Literal(1)})), "A");
  EXPECT_EQ(Prune(In(k_, {})), "");
  EXPECT_EQ(Prune(In(k_, {Literal(1)}, /*negated=*/true)), "ABC");
  EXPECT_EQ(Prune(In(k_, {Literal(1), x_})), "ABC");  // one not known
  EXPECT_EQ(Prune(In(Literal(1), {k_})), "ABC");
  EXPECT_EQ(Prune(sql::InQuery(k_, FromOrders())), "ABC");
}

TEST_F(PruningTest, ValuesThatHaveNoPlaceHaveNoRows) {
  EXPECT_EQ(Prune(Equal(k_, Literal(99))), "");
  EXPECT_EQ(Prune(In(k_, {Literal(99), Literal(2)})), "B");
}

TEST_F(PruningTest, NullIsEqualToNothing) {
  EXPECT_EQ(Prune(Equal(k_, Literal(Value()))), "");
  EXPECT_EQ(Prune(In(k_, {Literal(Value()), Literal(2)})), "B");
  EXPECT_EQ(Prune(Equal(k_, sql::Null())), "ABC");  // not read, so widened
  // A shard key is never NULL.
  EXPECT_EQ(Prune(sql::Unary(UnaryOp::kIsNull, k_)), "");
  EXPECT_EQ(Prune(sql::Unary(UnaryOp::kIsNotNull, k_)), "ABC");
  EXPECT_EQ(Prune(sql::Unary(UnaryOp::kIsNull, x_)), "ABC");
}

TEST_F(PruningTest, OtherTypesWiden) {
  // The database may find these equal to a key: SQLite takes '2' for 2.
  EXPECT_EQ(Prune(Equal(k_, Literal("2"))), "ABC");
  EXPECT_EQ(Prune(Equal(k_, Literal(2.0))), "ABC");
  EXPECT_EQ(Prune(Equal(k_, Literal(true))), "ABC");
  EXPECT_EQ(Prune(Equal(k_, Literal(Decimal::Parse("2").value()))), "ABC");
  EXPECT_EQ(Prune(In(k_, {Literal(1), Literal("2")})), "ABC");
}

TEST_F(PruningTest, WhatIsNotUnderstoodWidens) {
  for (const BinaryOp op :
       {BinaryOp::kLike, BinaryOp::kNotLike, BinaryOp::kAdd}) {
    EXPECT_EQ(Prune(sql::Binary(op, k_, Literal(2))), "ABC");
  }
  EXPECT_EQ(Prune(sql::Unary(UnaryOp::kNegate, k_)), "ABC");
  EXPECT_EQ(
      Prune(Equal(sql::Binary(BinaryOp::kAdd, k_, Literal(0)), Literal(2))),
      "ABC");
  EXPECT_EQ(Prune(Equal(sql::Cast(k_, ValueType::kInt64), Literal(2))), "ABC");
  EXPECT_EQ(Prune(Equal(sql::Collate(k_, "C"), Literal(2))), "ABC");
  EXPECT_EQ(Prune(Equal(k_, sql::Cast(Literal(2), ValueType::kInt64))), "ABC");
  EXPECT_EQ(Prune(sql::Text("k = 2")), "ABC");
  EXPECT_EQ(Prune(Equal(Equal(k_, Literal(2)), Literal(false))), "ABC");
  EXPECT_EQ(Prune(sql::Case({{Equal(k_, Literal(2)), Literal(true)}})), "ABC");
}

TEST_F(PruningTest, AndNarrowsOrWidens) {
  const Expression one = Equal(k_, Literal(1)), two = Equal(k_, Literal(2));
  const Expression other = Equal(x_, Literal(5));
  EXPECT_EQ(Prune(And(one, other)), "A");
  EXPECT_EQ(Prune(And(other, two)), "B");
  EXPECT_EQ(Prune(And(one, two)), "");                    // no row can be both
  EXPECT_EQ(Prune(And(one, Equal(k_, Literal(4)))), "");  // both on A
  EXPECT_EQ(Prune(Or(two, one)), "AB");
  EXPECT_EQ(Prune(Or(one, other)), "ABC");
  EXPECT_EQ(Prune(And(Or(one, two), In(k_, {Literal(2), Literal(3)}))), "B");
  EXPECT_EQ(Prune(And(Or(one, two), other)), "AB");
  EXPECT_EQ(Prune(Or(And(one, other), And(two, other))), "AB");
  EXPECT_EQ(Prune(Or(And(one, two), Equal(k_, Literal(3)))), "C");
  EXPECT_EQ(Prune(Or(In(k_, {}), In(k_, {}))), "");
}

TEST_F(PruningTest, Parameters) {
  const Expression condition = Equal(k_, sql::Parameter("key"));
  const sql::Parameters two = {{"key", 2}};
  const sql::Parameters null = {{"key", Value()}};
  const sql::Parameters text = {{"key", "2"}};
  const sql::Parameters none = {{"other", 2}};
  EXPECT_EQ(Prune(condition, &two), "B");
  EXPECT_EQ(Prune(condition, &null), "");
  EXPECT_EQ(Prune(condition, &text), "ABC");
  EXPECT_EQ(Prune(condition, &none), "ABC");
  EXPECT_EQ(Prune(condition, nullptr), "ABC");
  EXPECT_EQ(Prune(In(k_, {sql::Parameter("key"), Literal(3)}), &two), "BC");
}

TEST_F(PruningTest, Ranges) {
  orders_rule_.strategy = std::make_shared<TensStrategy>();
  const auto compare = [this](BinaryOp op, int value) {
    return Prune(sql::Binary(op, k_, Literal(value)));
  };
  EXPECT_EQ(compare(BinaryOp::kLess, 10), "A");
  EXPECT_EQ(compare(BinaryOp::kLessOrEqual, 10), "AB");
  EXPECT_EQ(compare(BinaryOp::kGreater, 19), "C");
  EXPECT_EQ(compare(BinaryOp::kGreaterOrEqual, 19), "BC");
  EXPECT_EQ(compare(BinaryOp::kGreater, 29), "");
  EXPECT_EQ(compare(BinaryOp::kNotEqual, 5), "ABC");
  const auto mirrored = [this](BinaryOp op, int value) {
    return Prune(sql::Binary(op, Literal(value), k_));
  };
  EXPECT_EQ(mirrored(BinaryOp::kGreater, 10), "A");
  EXPECT_EQ(mirrored(BinaryOp::kGreaterOrEqual, 10), "AB");
  EXPECT_EQ(mirrored(BinaryOp::kLess, 19), "C");
  EXPECT_EQ(mirrored(BinaryOp::kLessOrEqual, 19), "BC");
  const auto between = [this](int low, int high, bool negated) {
    return Prune(sql::Between(k_, Literal(low), Literal(high), negated));
  };
  EXPECT_EQ(between(3, 9, false), "A");
  EXPECT_EQ(between(9, 10, false), "AB");
  EXPECT_EQ(between(12, 12, false), "B");
  EXPECT_EQ(between(9, 3, false), "");
  EXPECT_EQ(between(0, 19, true), "C");
  EXPECT_EQ(between(10, 29, true), "A");
  EXPECT_EQ(between(5, 25, true), "AC");
  EXPECT_EQ(between(9, 3, true), "ABC");
  // Several at once.
  const Expression over = sql::Binary(BinaryOp::kGreater, k_, Literal(9));
  EXPECT_EQ(Prune(And(over, sql::Binary(BinaryOp::kLess, k_, Literal(20)))),
            "B");
  EXPECT_EQ(Prune(And(over, sql::Binary(BinaryOp::kLess, k_, Literal(10)))),
            "");
  EXPECT_EQ(Prune(And(over, In(k_, {Literal(1), Literal(11)}))), "B");
  EXPECT_EQ(Prune(And(over, Equal(k_, Literal(9)))), "");
  EXPECT_EQ(Prune(Or(sql::Binary(BinaryOp::kLess, k_, Literal(3)),
                     sql::Binary(BinaryOp::kGreater, k_, Literal(25)))),
            "AC");
  // Values of other types say nothing, ends that are not known neither.
  EXPECT_EQ(Prune(sql::Binary(BinaryOp::kLess, k_, Literal(9.5))), "ABC");
  EXPECT_EQ(Prune(sql::Binary(BinaryOp::kLess, k_, x_)), "ABC");
  EXPECT_EQ(Prune(sql::Between(k_, Literal(20), x_)), "C");
  EXPECT_EQ(Prune(sql::Between(k_, Literal(20), x_, true)), "ABC");
}

TEST_F(PruningTest, ExcludedValues) {
  orders_rule_.strategy = std::make_shared<TensStrategy>();
  std::vector<Expression> first_ten, numbers;
  for (int i = 0; i < 10; ++i) first_ten.push_back(Literal(i));
  EXPECT_EQ(Prune(In(k_, first_ten, /*negated=*/true)), "BC");
  first_ten.push_back(x_);  // what it excludes beside is not known
  EXPECT_EQ(Prune(In(k_, first_ten, /*negated=*/true)), "BC");
  first_ten.pop_back();
  first_ten.pop_back();
  EXPECT_EQ(Prune(In(k_, first_ten, /*negated=*/true)), "ABC");
  EXPECT_EQ(Prune(And(In(k_, first_ten, /*negated=*/true),
                      sql::Binary(BinaryOp::kNotEqual, Literal(9), k_))),
            "BC");
  EXPECT_EQ(Prune(And(In(k_, {Literal(1), Literal(11)}),
                      sql::Binary(BinaryOp::kNotEqual, k_, Literal(1)))),
            "B");
  EXPECT_EQ(Prune(In(k_, {}, /*negated=*/true)), "ABC");
}

TEST_F(PruningTest, ComparisonWithNullIsNeverTrue) {
  orders_rule_.strategy = std::make_shared<TensStrategy>();
  const Expression null = Literal(Value());
  for (const BinaryOp op :
       {BinaryOp::kNotEqual, BinaryOp::kLess, BinaryOp::kLessOrEqual,
        BinaryOp::kGreater, BinaryOp::kGreaterOrEqual}) {
    EXPECT_EQ(Prune(sql::Binary(op, k_, null)), "");
    EXPECT_EQ(Prune(sql::Binary(op, null, k_)), "");
  }
  EXPECT_EQ(Prune(In(k_, {Literal(1), null}, /*negated=*/true)), "");
  EXPECT_EQ(Prune(sql::Between(k_, null, Literal(5))), "");
  EXPECT_EQ(Prune(sql::Between(k_, Literal(5), null)), "");
  EXPECT_EQ(Prune(sql::Between(k_, null, Literal(19), true)), "C");
  EXPECT_EQ(Prune(sql::Between(k_, Literal(10), null, true)), "A");
  EXPECT_EQ(Prune(null), "");
  EXPECT_EQ(Prune(Literal(false)), "");
  EXPECT_EQ(Prune(sql::Unary(UnaryOp::kNot, Literal(true))), "");
  EXPECT_EQ(Prune(Literal(0)), "ABC");  // PostgreSQL would refuse it
}

TEST_F(PruningTest, NotIsCarriedInward) {
  orders_rule_.strategy = std::make_shared<TensStrategy>();
  const auto prune_not = [this](const Expression& condition) {
    return Prune(sql::Unary(UnaryOp::kNot, condition));
  };
  const Expression low = sql::Binary(BinaryOp::kLess, k_, Literal(10));
  const Expression high =
      sql::Binary(BinaryOp::kGreaterOrEqual, k_, Literal(20));
  const Expression other = Equal(x_, Literal(1));
  EXPECT_EQ(prune_not(low), "BC");
  EXPECT_EQ(prune_not(Or(low, high)), "B");
  EXPECT_EQ(prune_not(And(low, other)), "ABC");
  EXPECT_EQ(prune_not(Or(low, other)), "BC");
  EXPECT_EQ(prune_not(sql::Unary(UnaryOp::kNot, low)), "A");
  EXPECT_EQ(prune_not(Equal(k_, Literal(5))), "ABC");
  EXPECT_EQ(prune_not(sql::Binary(BinaryOp::kNotEqual, k_, Literal(5))), "A");
  EXPECT_EQ(prune_not(In(k_, {Literal(5), Literal(15)}, true)), "AB");
  EXPECT_EQ(prune_not(In(k_, {Literal(5)})), "ABC");
  EXPECT_EQ(prune_not(sql::Between(k_, Literal(0), Literal(19))), "C");
  EXPECT_EQ(prune_not(sql::Between(k_, Literal(3), Literal(5), true)), "A");
  EXPECT_EQ(prune_not(sql::Unary(UnaryOp::kIsNotNull, k_)), "");
  EXPECT_EQ(prune_not(sql::Unary(UnaryOp::kIsNull, k_)), "ABC");
  EXPECT_EQ(prune_not(Literal(Value())), "");
}

TEST_F(PruningTest, ParametersOfRanges) {
  orders_rule_.strategy = std::make_shared<TensStrategy>();
  const Expression condition =
      sql::Between(k_, sql::Parameter("from"), sql::Parameter("to"));
  const sql::Parameters some = {{"from", 3}, {"to", 12}};
  const sql::Parameters open = {{"from", 12}};
  const sql::Parameters null = {{"from", Value()}, {"to", 12}};
  EXPECT_EQ(Prune(condition, &some), "AB");
  EXPECT_EQ(Prune(condition, &open), "BC");
  EXPECT_EQ(Prune(condition, &null), "");
  EXPECT_EQ(Prune(condition, nullptr), "ABC");
  const sql::Parameters no = {{"flag", false}};
  EXPECT_EQ(Prune(sql::Parameter("flag"), &no), "");
  EXPECT_EQ(Prune(sql::Unary(UnaryOp::kNot, sql::Parameter("flag")), &no),
            "ABC");
}

// A language orders text as it likes.
TEST_F(PruningTest, RangesOfTextNeedABinaryCollation) {
  class UpToM : public ShardingStrategy {
   public:
    absl::StatusOr<ShardId> ShardFor(
        absl::Span<const sql::ValueView> key) const override {
      return shards_[key[0].bytes() < "m" ? 0 : 1];
    }
    const std::vector<ShardId>& shards() const override { return shards_; }
    ShardSet ShardsFor(absl::Span<const KeyDomain> key) const override {
      const std::optional<KeyBound>& high = key[0].high;
      if (high.has_value() && high->value.bytes() < "m") return {shards_[0]};
      return ShardingStrategy::ShardsFor(key);
    }

   private:
    std::vector<ShardId> shards_ = {ShardId::Of("A"), ShardId::Of("B")};
  };
  const ShardRule rule = {{lines_.FindColumn("t")}, std::make_shared<UpToM>()};
  const Expression t = lines_.c("t");
  const auto prune = [&](const Expression& condition) {
    return Names(
        ShardsForCondition(rule, sql::TableRef(lines_), condition, nullptr));
  };
  const auto less = [](Expression a, Expression b) {
    return sql::Binary(BinaryOp::kLess, std::move(a), std::move(b));
  };
  EXPECT_EQ(prune(less(t, Literal("c"))), "AB");
  EXPECT_EQ(prune(less(sql::Collate(t, "C"), Literal("c"))), "A");
  EXPECT_EQ(prune(less(t, sql::Collate(Literal("c"), "C"))), "A");
  EXPECT_EQ(prune(less(sql::Collate(t, "de_DE"), Literal("c"))), "AB");
  EXPECT_EQ(
      prune(less(sql::Collate(t, "C"), sql::Collate(Literal("c"), "de_DE"))),
      "AB");
  EXPECT_EQ(
      prune(sql::Between(sql::Collate(t, "C"), Literal("a"), Literal("c"))),
      "A");
  EXPECT_EQ(prune(sql::Between(t, Literal("a"), Literal("c"))), "AB");
  // Equality is the same everywhere.
  EXPECT_EQ(prune(Equal(t, Literal("z"))), "B");
  EXPECT_EQ(prune(Equal(sql::Collate(t, "C"), Literal("z"))), "B");
  EXPECT_EQ(prune(Equal(sql::Collate(t, "nocase"), Literal("z"))), "AB");
}

TEST_F(PruningTest, ChoicesAreReadWithWhatIsKnownAround) {
  const ShardRule rule = {{lines_.FindColumn("k"), lines_.FindColumn("x")},
                          hash_};
  const Expression k = lines_.c("k"), x = lines_.c("x");
  const auto place = [this](int first, int second) {
    const std::vector<sql::ValueView> key = {sql::ValueView::Int32(first),
                                             sql::ValueView::Int64(second)};
    return hash_->ShardFor(key)->name();
  };
  for (int i = 0; i < 20; ++i) {
    const ShardSet shards = ShardsForCondition(
        rule, sql::TableRef(lines_),
        And(Equal(k, Literal(i)), Or(Equal(x, Literal(std::int64_t{1})),
                                     Equal(x, Literal(std::int64_t{2})))),
        nullptr);
    std::vector<std::string> names;
    for (const ShardId shard : shards) names.push_back(shard.name());
    std::vector<std::string> expected = {place(i, 1), place(i, 2)};
    std::sort(expected.begin(), expected.end());
    expected.erase(std::unique(expected.begin(), expected.end()),
                   expected.end());
    EXPECT_EQ(names, expected) << i;
  }
}

TEST_F(PruningTest, AliasesAreTablesOfTheirOwn) {
  const sql::Alias other(orders_, "other");
  const Expression condition =
      And(Equal(k_, Literal(1)), Equal(other.c("k"), Literal(2)));
  EXPECT_EQ(Prune(condition), "A");
  EXPECT_EQ(Names(ShardsForCondition(orders_rule_, sql::TableRef(other),
                                     condition, nullptr)),
            "B");
  EXPECT_EQ(Prune(Equal(lines_.c("k"), Literal(2))), "ABC");
}

TEST_F(PruningTest, LongListsAreNotCountedOut) {
  std::vector<Expression> many;
  for (int i = 0; i < 1025; ++i) many.push_back(Literal(1));
  EXPECT_EQ(Prune(In(k_, many)), "ABC");
  many.pop_back();
  EXPECT_EQ(Prune(In(k_, many)), "A");
}

TEST_F(PruningTest, StrategyThatCannotTellWidens) {
  const ShardRule moody = {{orders_.FindColumn("k")},
                           std::make_shared<MoodyStrategy>()};
  const auto prune = [&](int key) {
    return Names(ShardsForCondition(moody, sql::TableRef(orders_),
                                    Equal(k_, Literal(key)), nullptr));
  };
  EXPECT_EQ(prune(2), "A");
  EXPECT_EQ(prune(102), "");
  EXPECT_EQ(prune(3), "AB");
}

TEST_F(PruningTest, CompositeKeys) {
  const ShardRule rule = {{lines_.FindColumn("k"), lines_.FindColumn("t")},
                          hash_};
  const Expression k = lines_.c("k"), t = lines_.c("t");
  const auto prune = [&](const Expression& condition) {
    return Names(
        ShardsForCondition(rule, sql::TableRef(lines_), condition, nullptr));
  };
  const auto place = [this](int number, const char* text) {
    const std::vector<sql::ValueView> key = {sql::ValueView::Int32(number),
                                             sql::ValueView::Text(text)};
    return hash_->ShardFor(key)->name();
  };
  EXPECT_EQ(prune(And(Equal(k, Literal(7)), Equal(t, Literal("de")))),
            place(7, "de"));
  EXPECT_EQ(place(7, "de"), "A");  // slot 1358 of placement_test.cc
  EXPECT_EQ(prune(Equal(k, Literal(7))), "ABC");
  EXPECT_EQ(prune(Equal(t, Literal("de"))), "ABC");
  EXPECT_EQ(prune(Or(Equal(k, Literal(7)), Equal(t, Literal("de")))), "ABC");
  EXPECT_EQ(prune(And(Equal(k, Literal(7)), In(t, {}))), "");
  EXPECT_EQ(prune(And(Equal(k, Literal(7)), Equal(t, Literal(Value())))), "");
  // Every combination of two lists.
  const std::string shards = prune(And(In(k, {Literal(1), Literal(2)}),
                                       In(t, {Literal("a"), Literal("b")})));
  for (const int number : {1, 2}) {
    for (const char* text : {"a", "b"}) {
      EXPECT_THAT(shards, HasSubstr(place(number, text)));
    }
  }
}

TEST_F(PruningTest, SelectOfOneTable) {
  EXPECT_EQ(ShardsOf(FromOrders()), "ABC");
  EXPECT_EQ(ShardsOf(FromOrders().Where(Equal(k_, Literal(2)))), "B");
  // HAVING and the select list say nothing of rows.
  EXPECT_EQ(ShardsOf(FromOrders()
                         .Column(Equal(k_, Literal(2)))
                         .GroupBy(x_)
                         .Having(Equal(k_, Literal(2)))),
            "ABC");
  // Never empty: one shard says that there is nothing.
  EXPECT_EQ(ShardsOf(FromOrders().Where(In(k_, {}))), "A");
  EXPECT_EQ(ShardsOf(FromOrders().Where(
                And(Equal(k_, Literal(2)), Equal(k_, Literal(3))))),
            "A");
  const sql::Parameters parameters = {{"key", 3}};
  SHARD_ASSERT_OK_AND_ASSIGN(
      const std::string shards,
      Shards(FromOrders().Where(Equal(k_, sql::Parameter("key"))),
             &parameters));
  EXPECT_EQ(shards, "C");
}

TEST_F(PruningTest, WritesByTheirConditions) {
  sql::UpdateStatement update(orders_);
  update.Set(sql::Assign(orders_, "x", Literal(1)));
  EXPECT_EQ(ShardsOf(update), "ABC");
  EXPECT_EQ(ShardsOf(sql::UpdateStatement(update).Where(Equal(k_, Literal(2)))),
            "B");
  EXPECT_EQ(ShardsOf(sql::DeleteStatement(orders_).Where(
                In(k_, {Literal(2), Literal(3)}))),
            "BC");
  EXPECT_EQ(ShardsOf(sql::DeleteStatement(orders_).Where(In(k_, {}))), "A");
  EXPECT_THAT(Shards(sql::DeleteStatement(notes_)),
              StatusIs(kInvalid, HasSubstr("'notes'")));
}

TEST_F(PruningTest, UpdateOfTheKeyMustKeepItsRowsInPlace) {
  const auto update = [this](Expression value) {
    return sql::UpdateStatement(orders_)
        .Set(sql::Assign(orders_, "x", Literal(9)))
        .Set(sql::Assign(orders_, "k", std::move(value)));
  };
  const Expression here = Equal(k_, Literal(1));  // on A, as 4 is
  EXPECT_EQ(ShardsOf(update(Literal(4)).Where(here)), "A");
  const auto refused = StatusIs(kUnimplemented, HasSubstr("'orders.k'"));
  EXPECT_THAT(Shards(update(Literal(2)).Where(here)), refused);
  EXPECT_THAT(Shards(update(Literal(4))), refused);
  EXPECT_THAT(Shards(update(Literal(99)).Where(here)), refused);
  EXPECT_THAT(Shards(update(Literal(Value())).Where(here)), refused);
  EXPECT_THAT(Shards(update(Literal("4")).Where(here)), refused);
  EXPECT_THAT(
      Shards(update(sql::Binary(BinaryOp::kAdd, k_, Literal(3))).Where(here)),
      refused);
}

TEST_F(PruningTest, StatementsThatSayNothing) {
  EXPECT_THAT(Shards(sql::InsertStatement(orders_)),
              StatusIs(kInvalid, HasSubstr("INSERT")));
  EXPECT_THAT(Shards(sql::TextSql("select 1")),
              StatusIs(kInvalid, HasSubstr("raw SQL")));
  EXPECT_THAT(Shards(SelectStatement().Column(Literal(1))),
              StatusIs(kInvalid, HasSubstr("without a table")));
  EXPECT_THAT(
      Shards(SelectStatement().Column(notes_.c("x"))),
      StatusIs(kInvalid, AllOf(HasSubstr("'notes'"), HasSubstr("ShardBy"))));
}

TEST_F(PruningTest, JoinOnTheKeysRunsShardByShard) {
  const Expression on = Equal(lines_.c("k"), k_);
  EXPECT_EQ(ShardsOf(FromOrders().Join(lines_, on)), "ABC");
  EXPECT_EQ(ShardsOf(FromOrders().Join(lines_, Equal(k_, lines_.c("k")))),
            "ABC");
  EXPECT_EQ(ShardsOf(FromOrders().Join(lines_, on, sql::JoinKind::kLeft)),
            "ABC");
  // What is known of either side prunes both.
  EXPECT_EQ(ShardsOf(FromOrders()
                         .Join(lines_, on)
                         .Where(Equal(lines_.c("k"), Literal(2)))),
            "B");
  EXPECT_EQ(ShardsOf(FromOrders().Join(lines_, And(on, Equal(k_, Literal(3))))),
            "C");
  EXPECT_EQ(
      ShardsOf(FromOrders()
                   .Join(lines_, on)
                   .Where(And(In(k_, {Literal(1), Literal(2)}),
                              In(lines_.c("k"), {Literal(2), Literal(3)})))),
      "B");
  // WHERE may say it as well.
  EXPECT_EQ(
      ShardsOf(FromOrders().Join(lines_, Equal(lines_.c("x"), x_)).Where(on)),
      "ABC");
}

TEST_F(PruningTest, LeftJoinsConditionIsNoFilter) {
  // Rows of orders with another key stay, without lines.
  EXPECT_EQ(ShardsOf(FromOrders().Join(
                lines_, And(Equal(lines_.c("k"), k_), Equal(k_, Literal(2))),
                sql::JoinKind::kLeft)),
            "ABC");
}

TEST_F(PruningTest, LeftJoinsConditionLinksItsOwnTableOnly) {
  const sql::Alias third(orders_, "third");
  // lines is not found by its key; that the next join mentions the keys of
  // orders and lines does not bring the missing rows.
  EXPECT_THAT(
      Shards(FromOrders()
                 .Join(lines_, Equal(lines_.c("x"), x_), sql::JoinKind::kLeft)
                 .Join(third,
                       And(Equal(third.c("k"), k_), Equal(lines_.c("k"), k_)),
                       sql::JoinKind::kLeft)),
      HasCode(kUnimplemented));
  // In an inner join's it drops all rows that would be missed.
  EXPECT_EQ(ShardsOf(FromOrders()
                         .Join(lines_, Equal(lines_.c("x"), x_))
                         .Join(third, And(Equal(third.c("k"), k_),
                                          Equal(lines_.c("k"), k_)))),
            "ABC");
}

TEST_F(PruningTest, ChainOfJoins) {
  const sql::Alias third(orders_, "third");
  EXPECT_EQ(ShardsOf(FromOrders()
                         .Join(lines_, Equal(lines_.c("k"), k_))
                         .Join(third, Equal(third.c("k"), lines_.c("k")))
                         .Where(Equal(third.c("k"), Literal(2)))),
            "B");
}

TEST_F(PruningTest, LeftJoinTellsOfTheRowsItLooksFor) {
  const Expression on = Equal(lines_.c("k"), k_);
  const auto left = [&](const Expression& condition) {
    return ShardsOf(
        FromOrders().Join(lines_, on, sql::JoinKind::kLeft).Where(condition));
  };
  EXPECT_EQ(left(Equal(k_, Literal(2))), "B");
  // Rows without a line are left out, so it is an inner join.
  EXPECT_EQ(left(Equal(lines_.c("k"), Literal(2))), "B");
  EXPECT_EQ(left(And(sql::Unary(UnaryOp::kIsNotNull, lines_.c("x")),
                     Equal(lines_.c("k"), Literal(2)))),
            "B");
  EXPECT_EQ(left(Or(Equal(lines_.c("k"), Literal(2)),
                    Equal(lines_.c("k"), Literal(3)))),
            "BC");
  // They are what is looked for.
  const Expression none = sql::Unary(UnaryOp::kIsNull, lines_.c("k"));
  EXPECT_EQ(left(none), "ABC");
  EXPECT_EQ(left(Or(Equal(lines_.c("k"), Literal(2)), none)), "ABC");
  EXPECT_EQ(left(And(none, Equal(k_, Literal(3)))), "C");
  EXPECT_EQ(left(sql::Unary(UnaryOp::kNot, sql::Unary(UnaryOp::kNot, none))),
            "ABC");
}

// A line on another shard must not be taken for none.
TEST_F(PruningTest, LeftJoinLooksEverywhereForRowsThatMustNotBe) {
  const Expression x_on = Equal(lines_.c("x"), x_);
  const auto left = [&](const Expression& on, const Expression& condition) {
    return Shards(
        FromOrders().Join(lines_, on, sql::JoinKind::kLeft).Where(condition));
  };
  const Expression here = Equal(k_, Literal(2));
  EXPECT_THAT(
      left(x_on, And(here, sql::Unary(UnaryOp::kIsNull, lines_.c("k")))),
      HasCode(kUnimplemented));
  EXPECT_THAT(
      left(x_on, And(here, Or(sql::Unary(UnaryOp::kIsNull, lines_.c("x")),
                              Equal(lines_.c("k"), Literal(2))))),
      HasCode(kUnimplemented));
  const auto on_b = left(And(x_on, Equal(lines_.c("k"), Literal(2))), here);
  SHARD_ASSERT_OK(on_b);
  EXPECT_EQ(*on_b, "B");
  const auto nowhere = left(And(x_on, In(lines_.c("k"), {})), here);
  SHARD_ASSERT_OK(nowhere);
  EXPECT_EQ(*nowhere, "B");
}

TEST_F(PruningTest, EqualColumnsTellOfEachOther) {
  const sql::Alias third(orders_, "third");
  // Through columns that are no shard keys.
  EXPECT_EQ(ShardsOf(FromOrders().Where(
                And(Equal(k_, x_), Equal(x_, Literal(std::int64_t{3}))))),
            "C");
  EXPECT_EQ(ShardsOf(FromOrders()
                         .Join(lines_, Equal(lines_.c("x"), k_))
                         .Join(third, And(Equal(third.c("k"), k_),
                                          Equal(lines_.c("k"), third.c("k"))))
                         .Where(In(lines_.c("x"), {Literal(2), Literal(1)}))),
            "AB");
  // Parts of a composite key of which each table knows one.
  orders_rule_ = {{orders_.FindColumn("k"), orders_.FindColumn("x")}, hash_};
  lines_rule_ = {{lines_.FindColumn("k"), lines_.FindColumn("x")}, hash_};
  EXPECT_EQ(ShardsOf(FromOrders()
                         .Join(lines_, And(Equal(lines_.c("k"), k_),
                                           Equal(lines_.c("x"), x_)))
                         .Where(And(Equal(k_, Literal(7)),
                                    Equal(lines_.c("x"), Literal(8)))))
                .size(),
            1u);
}

TEST_F(PruningTest, JoinThatFindsNothingIsOneShard) {
  EXPECT_EQ(ShardsOf(FromOrders()
                         .Join(lines_, Equal(lines_.c("x"), x_))
                         .Where(In(k_, {}))),
            "A");
}

TEST_F(PruningTest, PlanIsAskedWithManyParameters) {
  const RuleFinder find = [this](const Table&) { return &orders_rule_; };
  const Statement statement(
      FromOrders().Where(Equal(k_, sql::Parameter("key"))));
  SHARD_ASSERT_OK_AND_ASSIGN(const PruningPlan plan,
                             PruningPlan::Make(find, statement));
  const auto ask = [&](const sql::Parameters& parameters) {
    return Names(plan.Shards(&parameters).value());
  };
  EXPECT_EQ(ask({{"key", 2}}), "B");
  EXPECT_EQ(ask({{"key", 3}}), "C");
  EXPECT_EQ(ask({{"key", "3"}}), "ABC");
  EXPECT_EQ(&plan.table(), &orders_);
}

TEST_F(PruningTest, WhetherTheKeyTells) {
  const RuleFinder find = [this](const Table&) { return &orders_rule_; };
  const auto keyed = [&](const Expression& condition) {
    const Statement statement(FromOrders().Where(condition));
    const PruningPlan plan = PruningPlan::Make(find, statement).value();
    return plan.IsKeyed(plan.Shards(nullptr).value(), nullptr);
  };
  EXPECT_TRUE(keyed(Equal(k_, Literal(1))));
  EXPECT_TRUE(keyed(In(k_, {Literal(1), Literal(2), Literal(3)})));
  EXPECT_TRUE(
      keyed(Or(In(k_, {Literal(1), Literal(2)}), Equal(k_, Literal(3)))));
  EXPECT_FALSE(keyed(Equal(x_, Literal(1))));
  EXPECT_FALSE(keyed(sql::Binary(BinaryOp::kGreater, k_, Literal(0))));
  EXPECT_FALSE(keyed(Or(Equal(k_, Literal(1)), Equal(x_, Literal(1)))));
}

TEST_F(PruningTest, WhyForPeople) {
  const RuleFinder find = [this](const Table& table) {
    return &table == &orders_ ? &orders_rule_ : &lines_rule_;
  };
  const auto why = [&](const SelectStatement& select,
                       const sql::Parameters& parameters = {}) {
    const Statement statement(select);
    const PruningPlan plan = PruningPlan::Make(find, statement).value();
    return plan.Why(plan.Shards(&parameters).value(), &parameters);
  };
  EXPECT_EQ(why(FromOrders().Where(Equal(k_, Literal(1)))),
            "1 of 3 shards by orders.k = 1");
  EXPECT_EQ(why(FromOrders().Where(In(k_, {sql::Parameter("a"), Literal(1)})),
                {{"a", 2}}),
            "2 of 3 shards by orders.k IN (2, 1)");
  EXPECT_EQ(why(FromOrders().Where(
                And(Equal(x_, Literal(1)),
                    Or(Equal(k_, Literal(1)), Equal(k_, Literal(4)))))),
            "1 of 3 shards by (orders.k = 1 OR orders.k = 4)");
  EXPECT_EQ(why(FromOrders()),
            "all 3 shards, since nothing that can be read tells of shard key "
            "orders.k");
  EXPECT_EQ(why(FromOrders().Where(
                sql::Between(k_, Literal(0), sql::Parameter("missing")))),
            "all 3 shards, since orders.k >= 0 AND orders.k <= :missing leaves "
            "none of them out");
  EXPECT_EQ(why(FromOrders()
                    .Join(lines_, Equal(lines_.c("k"), k_))
                    .Where(Equal(lines_.c("k"), Literal(2)))),
            "1 of 3 shards by orders.k = 2, and lines.k = 2");
}

TEST_F(PruningTest, JoinAcrossShardsIsRefused) {
  const auto refused = StatusIs(
      kUnimplemented, AllOf(HasSubstr("'orders'"), HasSubstr("'lines'")));
  EXPECT_THAT(Shards(FromOrders().Join(lines_, Equal(lines_.c("x"), x_))),
              refused);
  EXPECT_THAT(Shards(FromOrders().Join(lines_, Equal(lines_.c("k"), x_))),
              refused);
  EXPECT_THAT(Shards(FromOrders().Join(lines_, Or(Equal(lines_.c("k"), k_),
                                                  Equal(lines_.c("x"), x_)))),
              refused);
  EXPECT_THAT(Shards(FromOrders().Join(
                  lines_, sql::Binary(BinaryOp::kLess, lines_.c("k"), k_))),
              refused);
  // A self-join needs the keys too.
  const sql::Alias other(orders_, "other");
  EXPECT_THAT(Shards(FromOrders().Join(other, Equal(other.c("x"), x_))),
              HasCode(kUnimplemented));
  EXPECT_THAT(Shards(FromOrders().Join(notes_, Equal(notes_.c("x"), x_))),
              StatusIs(kInvalid, HasSubstr("'notes'")));
}

TEST_F(PruningTest, JoinNeedsTheSameStrategyAndKindOfKey) {
  const Expression on = Equal(lines_.c("k"), k_);
  lines_rule_.strategy = hash_;
  EXPECT_THAT(Shards(FromOrders().Join(lines_, on)), HasCode(kUnimplemented));
  // Text and integers that a database calls equal have different places.
  lines_rule_ = {{lines_.FindColumn("t")}, list_};
  EXPECT_THAT(Shards(FromOrders().Join(lines_, Equal(lines_.c("t"), k_))),
              HasCode(kUnimplemented));
  // Half of a composite key is not enough.
  orders_rule_ = {{orders_.FindColumn("k"), orders_.FindColumn("x")}, hash_};
  lines_rule_ = {{lines_.FindColumn("k"), lines_.FindColumn("x")}, hash_};
  EXPECT_THAT(Shards(FromOrders().Join(lines_, on)), HasCode(kUnimplemented));
  EXPECT_EQ(
      ShardsOf(FromOrders().Join(lines_, And(on, Equal(x_, lines_.c("x"))))),
      "ABC");
  // Nor the parts in another order.
  EXPECT_THAT(Shards(FromOrders().Join(lines_, And(Equal(lines_.c("k"), x_),
                                                   Equal(lines_.c("x"), k_)))),
              HasCode(kUnimplemented));
}

TEST_F(PruningTest, JoinOfRowsFixedToOneShard) {
  const Expression on = Equal(lines_.c("x"), x_);
  EXPECT_EQ(ShardsOf(FromOrders()
                         .Join(lines_, on)
                         .Where(And(Equal(k_, Literal(1)),
                                    Equal(lines_.c("k"), Literal(4))))),
            "A");
  EXPECT_THAT(Shards(FromOrders()
                         .Join(lines_, on)
                         .Where(And(Equal(k_, Literal(1)),
                                    Equal(lines_.c("k"), Literal(2))))),
              HasCode(kUnimplemented));
}

TEST_F(PruningTest, SubqueriesMustBeOnTheOneShard) {
  SelectStatement inner;
  inner.Column(lines_.c("x")).From(lines_);
  const auto outer = [&](const Expression& condition) {
    return FromOrders().Where(And(condition, sql::InQuery(x_, inner)));
  };
  EXPECT_THAT(Shards(outer(Literal(true))), HasCode(kUnimplemented));
  EXPECT_THAT(Shards(outer(Equal(k_, Literal(1)))),
              StatusIs(kUnimplemented, HasSubstr("'lines'")));
  inner.Where(Equal(lines_.c("k"), Literal(4)));
  EXPECT_EQ(ShardsOf(outer(Equal(k_, Literal(1)))), "A");
  EXPECT_THAT(Shards(outer(Equal(k_, Literal(2)))), HasCode(kUnimplemented));
  EXPECT_THAT(Shards(outer(Literal(true))), HasCode(kUnimplemented));
  // In whatever clause it stands, and however deep.
  const Expression scalar = sql::Subquery(inner);
  EXPECT_THAT(Shards(FromOrders().Column(scalar)), HasCode(kUnimplemented));
  EXPECT_THAT(Shards(FromOrders().OrderBy({scalar})), HasCode(kUnimplemented));
  EXPECT_THAT(Shards(FromOrders().GroupBy(scalar)), HasCode(kUnimplemented));
  EXPECT_THAT(Shards(FromOrders().Having(Equal(scalar, scalar))),
              HasCode(kUnimplemented));
  EXPECT_THAT(Shards(sql::DeleteStatement(orders_).Where(Equal(x_, scalar))),
              HasCode(kUnimplemented));
  EXPECT_THAT(Shards(sql::UpdateStatement(orders_).Set(
                  sql::Assign(orders_, "x", scalar))),
              HasCode(kUnimplemented));
  EXPECT_EQ(ShardsOf(sql::UpdateStatement(orders_)
                         .Set(sql::Assign(orders_, "x", scalar))
                         .Where(Equal(k_, Literal(1)))),
            "A");
  SelectStatement middle;
  middle.Column(lines_.c("x"))
      .From(lines_)
      .Where(And(Equal(lines_.c("k"), Literal(2)),
                 sql::InQuery(lines_.c("x"), inner)));
  EXPECT_THAT(Shards(FromOrders().Where(
                  And(Equal(k_, Literal(2)), sql::InQuery(x_, middle)))),
              HasCode(kUnimplemented));
}

// statement_tables.h

TEST_F(PruningTest, TablesOfAStatement) {
  SelectStatement inner;
  inner.Column(notes_.c("x")).From(notes_);
  const sql::Alias other(orders_, "other");
  EXPECT_THAT(TablesOf(FromOrders()
                           .Join(other, Literal(true))
                           .Join(lines_, sql::InQuery(x_, inner))),
              ElementsAre(&orders_, &lines_, &notes_));
  EXPECT_THAT(TablesOf(sql::DeleteStatement(lines_).Where(
                  sql::InQuery(lines_.c("x"), inner))),
              ElementsAre(&lines_, &notes_));
  EXPECT_THAT(TablesOf(sql::UpdateStatement(lines_).Set(
                  sql::Assign(lines_, "x", sql::Subquery(inner)))),
              ElementsAre(&lines_, &notes_));
  EXPECT_THAT(TablesOf(sql::InsertStatement(lines_).Values(
                  {sql::Assign(lines_, "x", sql::Subquery(inner))})),
              ElementsAre(&lines_, &notes_));
  EXPECT_THAT(
      TablesOf(sql::InsertStatement(lines_)
                   .Values({sql::Assign(lines_, "x", Literal(1))})
                   .OnConflictUpdate(
                       {lines_.FindColumn("x")},
                       {sql::Assign(lines_, "x", sql::Subquery(inner))})),
      ElementsAre(&lines_, &notes_));
  EXPECT_THAT(
      TablesOf(sql::InsertStatement(lines_).Returning(sql::Subquery(inner))),
      ElementsAre(&lines_, &notes_));
  EXPECT_THAT(TablesOf(sql::TextSql("select * from orders")),
              ::testing::IsEmpty());
  // A subquery inside an operand of another expression.
  EXPECT_THAT(TablesOf(SelectStatement().Column(
                  sql::Case({{Equal(k_, Literal(1)), sql::Subquery(inner)}}))),
              ElementsAre(&orders_, &notes_));
}

}  // namespace
}  // namespace shard
