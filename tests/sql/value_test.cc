// Values and views of them: equality, lifetimes, the arena.
#include "shard/sql/value.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/types.h"
#include "shard/sql/value_type.h"

namespace shard::sql {
namespace {

Value DecimalValue(std::string_view text) {
  return Value(Decimal::Parse(text).value());
}

TEST(ValueViewTest, IsSmallAndTriviallyCopyable) {
  static_assert(sizeof(ValueView) <= 24);
  static_assert(std::is_trivially_copyable_v<ValueView>);
  EXPECT_TRUE(ValueView().is_null());
}

TEST(ValueViewTest, HoldsWhatItWasGiven) {
  EXPECT_EQ(ValueView::Bool(true).integer(), 1);
  EXPECT_EQ(ValueView::Int32(-5).integer(), -5);
  EXPECT_EQ(ValueView::Int64(INT64_MIN).integer(), INT64_MIN);
  EXPECT_EQ(ValueView::Double(0.1).real(), 0.1);
  EXPECT_EQ(ValueView::Of(Timestamp{-7}).integer(), -7);
  EXPECT_EQ(ValueView::Of(Timestamp{-7}).type(), ValueType::kTimestamp);
  EXPECT_EQ(ValueView::Of(Date{-7}).integer(), -7);
  EXPECT_EQ(ValueView::Of(Date{-7}).type(), ValueType::kDate);
  EXPECT_EQ(ValueView::Text("a").bytes(), "a");
  EXPECT_EQ(ValueView::Text({}).bytes(), "");
  const Uuid uuid = Uuid::Random();
  EXPECT_EQ(ValueView::Of(uuid).bytes().size(), 16u);
  EXPECT_EQ(
      std::memcmp(ValueView::Of(uuid).bytes().data(), uuid.bytes.data(), 16),
      0);
}

TEST(ValueViewTest, HoldsBytesByType) {
  for (const ValueType type :
       {ValueType::kText, ValueType::kBytes, ValueType::kDecimal,
        ValueType::kUuid, ValueType::kJson}) {
    EXPECT_TRUE(ValueView::Bytes(type, "x").holds_bytes());
  }
  EXPECT_FALSE(ValueView().holds_bytes());
  EXPECT_FALSE(ValueView::Bool(true).holds_bytes());
  EXPECT_FALSE(ValueView::Int64(1).holds_bytes());
  EXPECT_FALSE(ValueView::Double(1).holds_bytes());
  EXPECT_FALSE(ValueView::Of(Timestamp{1}).holds_bytes());
  EXPECT_FALSE(ValueView::Of(Date{1}).holds_bytes());
}

TEST(ValueTest, EqualityIsOfTypeAndValue) {
  // All different from each other, each equal to itself.
  const std::vector<Value> values = {Value(),
                                     Value(false),
                                     Value(true),
                                     Value(0),
                                     Value(1),
                                     Value(std::int64_t{1} << 40),
                                     Value(0.5),
                                     Value(1.0),
                                     Value(""),
                                     Value("1"),
                                     Value(std::string("a\0b", 3)),
                                     Value("a"),
                                     Value(Bytes{""}),
                                     Value(Bytes{"1"}),
                                     Value(Timestamp{0}),
                                     Value(Timestamp{1}),
                                     Value(Date{0}),
                                     Value(Date{1}),
                                     DecimalValue("0"),
                                     DecimalValue("1"),
                                     Value(Uuid{}),
                                     Value(Json{"1"}),
                                     Value(Json{""})};
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = 0; j < values.size(); ++j) {
      EXPECT_EQ(values[i] == values[j], i == j) << i << " " << j;
    }
  }
}

TEST(ValueTest, EqualityAcrossWidthsAndForms) {
  EXPECT_EQ(Value(7), Value(std::int64_t{7}));
  EXPECT_EQ(Value(7), Value(7LL));
  EXPECT_FALSE(Value(-1) == Value(std::int64_t{0xffffffff}));
  EXPECT_EQ(DecimalValue("1.0"), DecimalValue("+1.00"));
  EXPECT_EQ(DecimalValue("-0"), DecimalValue("0"));
  EXPECT_EQ(Value("text"), Value(std::string("text")));
  // JSON is text to us: another spelling is another value.
  EXPECT_FALSE(Value(Json{"[1]"}) == Value(Json{"[ 1 ]"}));
}

TEST(ValueTest, OwnsItsBytes) {
  std::string source(100, 'x');
  Value value{std::string_view(source)};
  Value from_view(ValueView::Bytes(ValueType::kJson, source));
  source.assign(100, 'y');
  EXPECT_EQ(value.view().bytes(), std::string(100, 'x'));
  EXPECT_EQ(from_view.view().bytes(), std::string(100, 'x'));
  EXPECT_EQ(from_view.type(), ValueType::kJson);
}

TEST(ValueTest, CopiesAndMovesAreIndependent) {
  for (const std::string& text :
       {std::string("short"), std::string(100, 'l')}) {
    Value original(text);
    Value copy = original;
    Value moved = std::move(original);
    EXPECT_EQ(copy.view().bytes(), text);
    EXPECT_EQ(moved.view().bytes(), text);
    original = Value(5);
    EXPECT_EQ(original, Value(5));
    EXPECT_EQ(copy, moved);
    copy = Value();
    EXPECT_TRUE(copy.is_null());
    EXPECT_EQ(moved.view().bytes(), text);
  }
}

TEST(ValueTest, PointersAreNoBools) {
  static_assert(std::is_constructible_v<Value, bool>);
  static_assert(std::is_constructible_v<Value, const char*>);
  static_assert(!std::is_constructible_v<Value, int*>);
  static_assert(!std::is_constructible_v<Value, Value*>);
  static_assert(!std::is_convertible_v<const void*, Value>);
  EXPECT_EQ(Value("true").type(), ValueType::kText);
}

TEST(ValueTest, DebugStrings) {
  const auto text = [](const Value& v) { return DebugString(v.view()); };
  EXPECT_EQ(text(Value()), "NULL");
  EXPECT_EQ(text(Value(true)), "true");
  EXPECT_EQ(text(Value(-3)), "-3");
  EXPECT_EQ(text(Value(1.5)), "1.5");
  EXPECT_EQ(text(Value("it")), "'it'");
  EXPECT_EQ(text(Value(Bytes{std::string("\0\xff", 2)})), "X'00ff'");
  EXPECT_EQ(text(Value(Timestamp{0})), "1970-01-01 00:00:00.000000");
  EXPECT_EQ(text(Value(Timestamp{INT64_MAX})), "out of range");
  EXPECT_EQ(text(Value(Date{0})), "1970-01-01");
  EXPECT_EQ(text(Value(Date{INT32_MIN})), "out of range");
  EXPECT_EQ(text(DecimalValue("1.50")), "1.50");
  EXPECT_EQ(text(Value(Uuid{})), "00000000-0000-0000-0000-000000000000");
  EXPECT_EQ(text(Value(Json{"{}"})), "'{}'");
}

TEST(ValueTest, EveryTypeHasItsOwnName) {
  std::vector<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(ValueType::kJson); ++i) {
    const std::string_view name = ValueTypeName(static_cast<ValueType>(i));
    EXPECT_NE(name, "unknown");
    EXPECT_THAT(names, ::testing::Not(::testing::Contains(name)));
    names.push_back(name);
  }
}

// ByteArena.

TEST(ByteArenaTest, CopiesStayWhereTheyAre) {
  ByteArena arena;
  std::vector<std::pair<std::string_view, std::string>> copies;
  for (std::size_t size : {1, 1000, 1024, 5, 5000, 0, 1, 100'000, 3}) {
    std::string source(size, static_cast<char>('a' + copies.size()));
    copies.emplace_back(arena.Copy(source), source);
  }
  for (const auto& [view, source] : copies) EXPECT_EQ(view, source);
}

TEST(ByteArenaTest, ManySmallCopiesDoNotOverlap) {
  ByteArena arena;
  std::vector<std::string_view> copies;
  for (int i = 0; i < 10'000; ++i)
    copies.push_back(arena.Copy(std::to_string(i)));
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(copies[i], std::to_string(i));
}

TEST(ByteArenaTest, ClearKeepsTheLargestBlock) {
  ByteArena arena;
  arena.Clear();
  arena.Copy("x");
  const char* large = arena.Allocate(100'000);
  arena.Clear();
  // The same memory again, and all of it.
  EXPECT_EQ(arena.Allocate(60'000), large);
  EXPECT_EQ(arena.Allocate(40'000), large + 60'000);
  EXPECT_EQ(arena.Copy("still fine"), "still fine");
}

TEST(ByteArenaTest, MovedFromCanBeUsedAgain) {
  ByteArena first;
  const std::string_view copy = first.Copy("kept");
  ByteArena second = std::move(first);
  EXPECT_EQ(copy, "kept");
  EXPECT_EQ(first.Copy("new"), "new");  // NOLINT: what a move leaves behind
  first.Clear();
  EXPECT_EQ(first.Copy("newer"), "newer");
  EXPECT_EQ(copy, "kept");
  first = std::move(second);
  EXPECT_EQ(copy, "kept");
}

TEST(ByteArenaTest, EmptyBytesNeedNoMemory) {
  ByteArena arena;
  EXPECT_EQ(arena.Copy("").size(), 0u);
  EXPECT_EQ(arena.Copy({}).data(), nullptr);
}

}  // namespace
}  // namespace shard::sql
