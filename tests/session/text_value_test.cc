// Values from text.
#include "shard/session/text_value.h"

#include <cmath>
#include <string_view>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/sql/types.h"

namespace shard::testing {
namespace {

using sql::Value;
using sql::ValueType;
using enum sql::ValueType;

Value Parse(ValueType type, std::string_view text) {
  sql::ByteArena arena;
  sql::ValueView view;
  SHARD_EXPECT_OK(ParseValue(type, text, arena, &view)) << text;
  EXPECT_EQ(view.type(), type) << text;
  return Value(view);
}

absl::Status Error(ValueType type, std::string_view text) {
  sql::ByteArena arena;
  sql::ValueView view;
  return ParseValue(type, text, arena, &view);
}

TEST(TextValueTest, Bools) {
  for (const char* text : {"t", "true", "TRUE", "y", "Yes", "on", "1", " t "}) {
    EXPECT_EQ(Parse(kBool, text), Value(true)) << text;
  }
  for (const char* text : {"f", "false", "False", "n", "no", "off", "0"}) {
    EXPECT_EQ(Parse(kBool, text), Value(false)) << text;
  }
  for (const char* text : {"", "2", "tr", "yess"}) {
    EXPECT_THAT(Error(kBool, text), HasCode(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

TEST(TextValueTest, Integers) {
  EXPECT_EQ(Parse(kInt32, "-2147483648"), Value(INT32_MIN));
  EXPECT_EQ(Parse(kInt64, "9223372036854775807"), Value(INT64_MAX));
  EXPECT_EQ(Parse(kInt64, " +7\t"), Value(7));
  for (const char* text : {"", "x7", "7x", "1.0", "+-7", "--7", "0x7", "7 8"}) {
    EXPECT_THAT(Error(kInt64, text),
                HasCode(absl::StatusCode::kInvalidArgument))
        << text;
  }
  EXPECT_THAT(Error(kInt32, "2147483648"),
              StatusIs(absl::StatusCode::kOutOfRange,
                       "the number does not fit into int32"));
  EXPECT_THAT(Error(kInt64, "9223372036854775808"),
              HasCode(absl::StatusCode::kOutOfRange));
}

TEST(TextValueTest, Doubles) {
  EXPECT_EQ(Parse(kDouble, "-1.5e3"), Value(-1500.0));
  EXPECT_EQ(Parse(kDouble, "+.5"), Value(0.5));
  EXPECT_EQ(Parse(kDouble, "inf").view().real(), HUGE_VAL);
  EXPECT_TRUE(std::isnan(Parse(kDouble, "NaN").view().real()));
  EXPECT_THAT(Error(kDouble, "1e999"), HasCode(absl::StatusCode::kOutOfRange));
  for (const char* text : {"", ".", "1,5", "1.5x"}) {
    EXPECT_THAT(Error(kDouble, text),
                HasCode(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

TEST(TextValueTest, TextStaysAsItIs) {
  EXPECT_EQ(Parse(kText, " a "), Value(" a "));
  EXPECT_EQ(Parse(kText, ""), Value(""));
  EXPECT_EQ(Parse(kJson, " {\"a\": 1}"), Value(Json{" {\"a\": 1}"}));
}

TEST(TextValueTest, BytesAreHexadecimal) {
  EXPECT_EQ(Parse(kBytes, "\\x00fFa9"), Value(Bytes{{"\x00\xff\xa9", 3}}));
  EXPECT_EQ(Parse(kBytes, "\\x"), Value(Bytes{}));
  for (const char* text : {"", "00ff", "\\x0", "\\x0g", "\\x-1", "\\X00"}) {
    EXPECT_THAT(Error(kBytes, text),
                HasCode(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

TEST(TextValueTest, Times) {
  EXPECT_EQ(Parse(kDate, "1970-01-03"), Value(Date{2}));
  EXPECT_EQ(Parse(kTimestamp, "1970-01-01 00:00:01.5"),
            Value(Timestamp{1'500'000}));
  EXPECT_EQ(Parse(kTimestamp, "1970-01-01T01:00:00+01"), Value(Timestamp{0}));
  EXPECT_THAT(Error(kDate, "2023-02-29"),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Error(kTimestamp, "yesterday"),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(TextValueTest, DecimalsAndUuids) {
  EXPECT_EQ(Parse(kDecimal, "12.50").view().bytes(), "12.50");
  EXPECT_EQ(Parse(kDecimal, " 1e3 ").view().bytes(), "1000");
  EXPECT_THAT(Error(kDecimal, "NaN"),
              HasCode(absl::StatusCode::kInvalidArgument));
  const Uuid uuid = Uuid::Random();
  EXPECT_EQ(Parse(kUuid, uuid.ToText()), Value(uuid));
  EXPECT_THAT(Error(kUuid, "123"), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(TextValueTest, ErrorsNeverSayTheText) {
  for (const ValueType type : {kNull, kBool, kInt32, kInt64, kDouble, kBytes,
                               kTimestamp, kDate, kDecimal, kUuid}) {
    EXPECT_THAT(Error(type, "secret"),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         ::testing::Not(::testing::HasSubstr("secret"))));
  }
}

TEST(TextValueTest, NoType) {
  EXPECT_THAT(Error(kNull, "x"), HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace shard::testing
