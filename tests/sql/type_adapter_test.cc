// C++ types to database values and back.
#include "shard/sql/type_adapter.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"

namespace shard {

enum class Color { kRed, kBlue };
struct AccountId {
  std::int64_t number = 0;
  bool operator==(const AccountId&) const = default;
};

template <>
struct CustomType<Color> {
  using Stored = std::string;
  static std::string ToStored(Color c) {
    // Long enough not to lie inside the std::string itself.
    return c == Color::kRed ? "red" : "blue, a colour with a very long name";
  }
  static absl::StatusOr<Color> FromStored(const std::string& s) {
    if (s == "red") return Color::kRed;
    if (s == ToStored(Color::kBlue)) return Color::kBlue;
    return absl::InvalidArgumentError("not a colour");
  }
};

template <>
struct CustomType<AccountId> {
  using Stored = std::int64_t;
  static std::int64_t ToStored(AccountId id) { return id.number; }
  static absl::StatusOr<AccountId> FromStored(std::int64_t number) {
    return AccountId{number};
  }
};

namespace sql {
namespace {

using shard::testing::HasCode;
using shard::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

template <class T>
absl::StatusOr<T> Read(const ValueView& view) {
  T out{};
  const absl::Status status = TypeAdapter<T>::Read(view, &out);
  if (!status.ok()) return status;
  return out;
}

template <class T>
void ExpectRoundTrip(const T& value, ValueType type) {
  ByteArena arena;
  const ValueView view = TypeAdapter<T>::View(value, arena);
  EXPECT_EQ(view.type(), type);
  EXPECT_EQ(TypeAdapter<T>::kType, type);
  const auto back = Read<T>(view);
  SHARD_ASSERT_OK(back);
  EXPECT_TRUE(*back == value);
  // And once more through an owned value, wrapped in an optional.
  const Value owned = ToValue(std::optional<T>(value));
  const auto again = Read<std::optional<T>>(owned.view());
  SHARD_ASSERT_OK(again);
  EXPECT_TRUE(again->has_value() && **again == value);
}

TEST(TypeAdapterTest, BuiltInTypesRoundTrip) {
  ExpectRoundTrip(true, ValueType::kBool);
  ExpectRoundTrip(false, ValueType::kBool);
  ExpectRoundTrip(std::numeric_limits<std::int32_t>::min(), ValueType::kInt32);
  ExpectRoundTrip(std::numeric_limits<std::int32_t>::max(), ValueType::kInt32);
  ExpectRoundTrip(std::numeric_limits<std::int64_t>::min(), ValueType::kInt64);
  ExpectRoundTrip(std::numeric_limits<std::int64_t>::max(), ValueType::kInt64);
  ExpectRoundTrip(0.1, ValueType::kDouble);
  ExpectRoundTrip(-std::numeric_limits<double>::infinity(), ValueType::kDouble);
  ExpectRoundTrip(std::numeric_limits<double>::denorm_min(),
                  ValueType::kDouble);
  ExpectRoundTrip(std::string(), ValueType::kText);
  ExpectRoundTrip(std::string("a\0b'\n\xc3\xa4", 7), ValueType::kText);
  ExpectRoundTrip(std::string(10'000'000, 'x'), ValueType::kText);
  ExpectRoundTrip(Bytes{std::string("\0\xff", 2)}, ValueType::kBytes);
  ExpectRoundTrip(Timestamp{-1}, ValueType::kTimestamp);
  ExpectRoundTrip(Date{-1}, ValueType::kDate);
  ExpectRoundTrip(Decimal::Parse("-1.50").value(), ValueType::kDecimal);
  ExpectRoundTrip(Uuid::Random(), ValueType::kUuid);
  ExpectRoundTrip(Json{"{\"a\": 1}"}, ValueType::kJson);
}

TEST(TypeAdapterTest, TypesOfOnesOwnRoundTrip) {
  ExpectRoundTrip(Color::kRed, ValueType::kText);
  ExpectRoundTrip(Color::kBlue, ValueType::kText);
  ExpectRoundTrip(AccountId{42}, ValueType::kInt64);
}

TEST(TypeAdapterTest, ViewOfAConvertedValueOutlivesTheConversion) {
  ByteArena arena;
  const ValueView view = TypeAdapter<Color>::View(Color::kBlue, arena);
  const ValueView other = TypeAdapter<Color>::View(Color::kRed, arena);
  EXPECT_EQ(view.bytes(), "blue, a colour with a very long name");
  EXPECT_EQ(other.bytes(), "red");
}

TEST(TypeAdapterTest, UnknownStoredValueIsAnErrorNotACrash) {
  EXPECT_THAT(Read<Color>(ValueView::Text("green")),
              StatusIs(kInvalid, "not a colour"));
  EXPECT_THAT(Read<std::optional<Color>>(ValueView::Text("green")),
              HasCode(kInvalid));
  EXPECT_THAT(Read<Color>(ValueView::Int64(1)), HasCode(kInvalid));
}

TEST(TypeAdapterTest, NullIsOnlyForOptionals) {
  EXPECT_THAT(Read<std::int64_t>(ValueView()),
              StatusIs(kInvalid, AllOf(HasSubstr("int64"), HasSubstr("null"))));
  EXPECT_THAT(Read<bool>(ValueView()), HasCode(kInvalid));
  EXPECT_THAT(Read<double>(ValueView()), HasCode(kInvalid));
  EXPECT_THAT(Read<std::string>(ValueView()), HasCode(kInvalid));
  EXPECT_THAT(Read<Bytes>(ValueView()), HasCode(kInvalid));
  EXPECT_THAT(Read<Timestamp>(ValueView()), HasCode(kInvalid));
  EXPECT_THAT(Read<Date>(ValueView()), HasCode(kInvalid));
  EXPECT_THAT(Read<Decimal>(ValueView()), HasCode(kInvalid));
  EXPECT_THAT(Read<Uuid>(ValueView()), HasCode(kInvalid));
  EXPECT_THAT(Read<Json>(ValueView()), HasCode(kInvalid));
  EXPECT_THAT(Read<AccountId>(ValueView()), HasCode(kInvalid));

  std::optional<std::string> text = "before";
  SHARD_ASSERT_OK(
      TypeAdapter<std::optional<std::string>>::Read(ValueView(), &text));
  EXPECT_FALSE(text.has_value());
  EXPECT_TRUE(ToValue(std::optional<AccountId>()).is_null());
}

TEST(TypeAdapterTest, WrongTypesAreNamed) {
  EXPECT_THAT(Read<std::int64_t>(ValueView::Text("7")),
              StatusIs(kInvalid, AllOf(HasSubstr("int64"), HasSubstr("text"))));
  EXPECT_THAT(Read<std::int64_t>(ValueView::Double(7)), HasCode(kInvalid));
  EXPECT_THAT(Read<std::int64_t>(ValueView::Bool(true)), HasCode(kInvalid));
  EXPECT_THAT(Read<std::string>(ValueView::Bytes(ValueType::kBytes, "a")),
              HasCode(kInvalid));
  EXPECT_THAT(Read<std::string>(ValueView::Int64(1)), HasCode(kInvalid));
  EXPECT_THAT(Read<Bytes>(ValueView::Text("a")), HasCode(kInvalid));
  EXPECT_THAT(Read<bool>(ValueView::Text("true")), HasCode(kInvalid));
  EXPECT_THAT(Read<double>(ValueView::Text("1")), HasCode(kInvalid));
  EXPECT_THAT(Read<Timestamp>(ValueView::Of(Date{1})), HasCode(kInvalid));
  EXPECT_THAT(Read<Date>(ValueView::Of(Timestamp{1})), HasCode(kInvalid));
  EXPECT_THAT(Read<Decimal>(ValueView::Double(1)), HasCode(kInvalid));
  EXPECT_THAT(Read<Uuid>(ValueView::Int64(1)), HasCode(kInvalid));
  EXPECT_THAT(Read<Json>(ValueView::Bytes(ValueType::kBytes, "{}")),
              HasCode(kInvalid));
}

TEST(TypeAdapterTest, WhatDatabasesAnswerInsteadIsTaken) {
  SHARD_ASSERT_OK_AND_ASSIGN(const bool yes, Read<bool>(ValueView::Int64(2)));
  EXPECT_TRUE(yes);
  SHARD_ASSERT_OK_AND_ASSIGN(const bool no, Read<bool>(ValueView::Int32(0)));
  EXPECT_FALSE(no);
  SHARD_ASSERT_OK_AND_ASSIGN(const double whole,
                             Read<double>(ValueView::Int64(-3)));
  EXPECT_EQ(whole, -3.0);
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Timestamp time,
      Read<Timestamp>(ValueView::Text("1970-01-01 00:00:01")));
  EXPECT_EQ(time.microseconds, 1'000'000);
  SHARD_ASSERT_OK_AND_ASSIGN(const Date date,
                             Read<Date>(ValueView::Text("1970-01-02")));
  EXPECT_EQ(date.days, 1);
  SHARD_ASSERT_OK_AND_ASSIGN(const Decimal from_text,
                             Read<Decimal>(ValueView::Text("1.50")));
  EXPECT_EQ(from_text.text(), "1.50");
  SHARD_ASSERT_OK_AND_ASSIGN(const Decimal from_integer,
                             Read<Decimal>(ValueView::Int64(INT64_MIN)));
  EXPECT_EQ(from_integer.text(), "-9223372036854775808");
  const Uuid uuid = Uuid::Random();
  SHARD_ASSERT_OK_AND_ASSIGN(const Uuid from_words,
                             Read<Uuid>(ValueView::Text(uuid.ToText())));
  EXPECT_EQ(from_words, uuid);
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Uuid from_bytes,
      Read<Uuid>(
          ValueView::Bytes(ValueType::kBytes, ValueView::Of(uuid).bytes())));
  EXPECT_EQ(from_bytes, uuid);
  SHARD_ASSERT_OK_AND_ASSIGN(const Json json, Read<Json>(ValueView::Text("1")));
  EXPECT_EQ(json.text, "1");
}

TEST(TypeAdapterTest, BadTextIsRefused) {
  EXPECT_THAT(Read<Timestamp>(ValueView::Text("soon")), HasCode(kInvalid));
  EXPECT_THAT(Read<Date>(ValueView::Text("2023-02-29")), HasCode(kInvalid));
  EXPECT_THAT(Read<Decimal>(ValueView::Text("NaN")), HasCode(kInvalid));
  EXPECT_THAT(Read<Uuid>(ValueView::Text("x")), HasCode(kInvalid));
  EXPECT_THAT(
      Read<Uuid>(ValueView::Bytes(ValueType::kBytes, "15 bytes long..")),
      HasCode(kInvalid));
}

TEST(TypeAdapterTest, NarrowIntegersDoNotWrap) {
  const std::int64_t above = std::int64_t{INT32_MAX} + 1;
  const std::int64_t below = std::int64_t{INT32_MIN} - 1;
  for (const std::int64_t wide : {above, below, INT64_MAX, INT64_MIN}) {
    EXPECT_THAT(Read<std::int32_t>(ValueView::Int64(wide)),
                HasCode(absl::StatusCode::kOutOfRange))
        << wide;
  }
  SHARD_ASSERT_OK_AND_ASSIGN(const std::int32_t fits,
                             Read<std::int32_t>(ValueView::Int64(INT32_MIN)));
  EXPECT_EQ(fits, INT32_MIN);
  SHARD_ASSERT_OK_AND_ASSIGN(const std::int64_t widened,
                             Read<std::int64_t>(ValueView::Int32(INT32_MIN)));
  EXPECT_EQ(widened, INT32_MIN);
}

}  // namespace
}  // namespace sql
}  // namespace shard
