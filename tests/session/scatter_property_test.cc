// The same random rows in one database and over three shards: the same random
// statements have equal answers.
#include <cstdlib>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/sharded_session.h"
#include "shard/sql/functions.h"
#include "shard/tests/session/databases.h"

namespace shard::testing {
namespace {

template <class F>
struct ItemFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::optional<std::int64_t>, "number"> number;
  Field<F, std::optional<std::string>, "text"> text;
  Field<F, std::optional<Decimal>, "price"> price;
  Field<F, std::optional<double>, "real"> real;
  Field<F, bool, "flag"> flag;
};
struct Item : Entity<Item, ItemFields, "items"> {};

constexpr auto& i = Item::c;
constexpr int kRows = 60;
constexpr int kCases = 300;

class ScatterPropertyTest : public DatabaseTest {
 protected:
  int Random(int below) {
    return static_cast<int>(random_() % static_cast<unsigned>(below));
  }
  bool Coin() { return Random(2) == 0; }

  std::shared_ptr<Item> RandomItem(int id) {
    auto item = std::make_shared<Item>();
    item->id = id;
    item->flag = Coin();
    if (Random(4) > 0) item->number = Random(6) - 3;
    if (Random(4) > 0) {
      static const char* const kTexts[] = {"", "a", "A", "b", "ä", "aa", "Z"};
      item->text = kTexts[Random(7)];
    }
    if (Random(4) > 0) {
      static const char* const kPrices[] = {"1",   "1.0", "-0.5", "10",
                                            "9.5", "0",   "1e3"};
      item->price = *Decimal::Parse(kPrices[Random(7)]);
    }
    if (Random(4) > 0) item->real = (Random(9) - 4) / 2.0;
    return item;
  }

  Expr<bool> RandomCondition(int depth) {
    if (depth > 0 && Coin()) {
      const auto left = RandomCondition(depth - 1);
      const auto right = RandomCondition(depth - 1);
      return Coin() ? left && right : left || right;
    }
    switch (Random(9)) {
      case 0:
        return i.id == Random(kRows);
      case 1:
        return In(i.id,
                  {std::int64_t{Random(kRows)}, std::int64_t{Random(kRows)},
                   std::int64_t{Random(kRows)}});
      case 2:
        return i.number > Random(6) - 3;
      case 3:
        return i.text == "a";
      case 4:
        return IsNull(i.price);
      case 5:
        return !(i.id == Random(kRows));
      case 6:
        return i.real <= (Random(9) - 4) / 2.0;
      case 7:
        return Between(i.id, Random(kRows), Random(kRows));
      default:
        return i.flag == true;
    }
  }

  sql::OrderTerm RandomTerm() {
    sql::OrderTerm term;
    switch (Random(6)) {
      case 0:
        term.expression = ToExpression(i.number);
        break;
      case 1:
        term.expression = ToExpression(i.text);
        break;
      case 2:
        term.expression = ToExpression(i.price);
        break;
      case 3:
        term.expression = ToExpression(i.real);
        break;
      case 4:
        term.expression = ToExpression(Coalesce(i.number, 0) * 2);
        break;
      default:
        term.expression = ToExpression(i.flag);
    }
    term.descending = Coin();
    // One database of a mixed topology has an order of its own.
    term.nulls = GetParam() == "mixed" || Coin()
                     ? (Coin() ? sql::NullOrder::kFirst : sql::NullOrder::kLast)
                     : sql::NullOrder::kEngine;
    return term;
  }

  sql::Statement RandomSelect() {
    auto select = Select(i.number, i.text, i.id);
    if (Random(4) > 0) select.Where(RandomCondition(2));
    for (int terms = Random(3); terms > 0; --terms) {
      select.OrderBy(RandomTerm());
    }
    select.OrderBy(Coin() ? Asc(i.id) : Desc(i.id));  // a total order
    if (Coin()) select.Limit(Random(kRows));
    if (Coin()) select.Offset(Random(20));
    return select;
  }

  std::mt19937 random_;
};

TEST_P(ScatterPropertyTest, ShardsAnswerAsOneDatabaseDoes) {
  const char* given = std::getenv("SHARD_TEST_SEED");
  const unsigned seed =
      given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10))
                       : std::random_device()();
  SCOPED_TRACE("SHARD_TEST_SEED=" + std::to_string(seed));
  random_.seed(seed);
  ShardedSession one(NewEngine("one", {&Item::table()}));
  ShardedSession many(WithResolver(HashedBy({&Item::c.id.column()}, 3)));
  for (int id = 0; id < kRows; ++id) {
    const auto item = RandomItem(id);
    SHARD_ASSERT_OK(one.Add(item));
    SHARD_ASSERT_OK(one.Flush());
    SHARD_ASSERT_OK(one.Expunge(*item));
    auto copy = std::make_shared<Item>();
    copy->id = id;
    copy->flag = item->flag.value();
    copy->number = item->number.Load().value_or(std::nullopt);
    copy->text = item->text.Load().value_or(std::nullopt);
    copy->price = item->price.Load().value_or(std::nullopt);
    copy->real = item->real.Load().value_or(std::nullopt);
    SHARD_ASSERT_OK(many.Add(copy));
  }
  for (int n = 0; n < kCases; ++n) {
    const sql::Statement select = RandomSelect();
    SHARD_ASSERT_OK_AND_ASSIGN(auto expected, one.Execute(select));
    SHARD_ASSERT_OK_AND_ASSIGN(auto found, many.Execute(select));
    SHARD_ASSERT_OK_AND_ASSIGN(const auto expected_rows, expected.All());
    SHARD_ASSERT_OK_AND_ASSIGN(const auto found_rows, found.All());
    ASSERT_EQ(found_rows.size(), expected_rows.size()) << "case " << n;
    for (std::size_t row = 0; row < found_rows.size(); ++row) {
      ASSERT_EQ(found_rows[row].values(), expected_rows[row].values())
          << "case " << n << ", row " << row;
    }
  }
}

SHARD_ON_DATABASES(ScatterPropertyTest, "sqlite", "postgresql", "mixed");

}  // namespace
}  // namespace shard::testing
