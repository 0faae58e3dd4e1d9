// Values of every type through SQLite and back.
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/sql/types.h"
#include "shard/sql/value.h"
#include "shard/tests/dialects/sqlite_test_support.h"

namespace shard {
namespace {

using shard::testing::HasCode;
using shard::testing::QueryValue;
using shard::testing::RunSql;
using shard::testing::SqliteTest;
using shard::testing::StatusIs;
using sql::Value;
using sql::ValueType;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string_view DeclaredType(ValueType type) {
  switch (type) {
    case ValueType::kBool:
    case ValueType::kInt32:
    case ValueType::kInt64:
      return "INTEGER";
    case ValueType::kDouble:
      return "REAL";
    case ValueType::kBytes:
    case ValueType::kUuid:
      return "BLOB";
    default:
      return "TEXT";
  }
}

class SqliteValuesTest : public SqliteTest {
 protected:
  // Stores the value in a column of its type, in a table of its own.
  absl::StatusOr<Value> RoundTrip(const Value& value, ValueType type) {
    SHARD_RETURN_IF_ERROR(
        Script(absl::StrCat("DROP TABLE IF EXISTS v; CREATE TABLE v(x ",
                            std::string(DeclaredType(type)), ")")));
    SHARD_RETURN_IF_ERROR(
        RunSql(connection(), "INSERT INTO v VALUES (?)", {value}).status());
    return QueryValue(connection(), "SELECT x FROM v", {}, type);
  }
  absl::StatusOr<Value> RoundTrip(const Value& value) {
    return RoundTrip(value, value.type());
  }
  void ExpectSame(const Value& value) {
    SHARD_ASSERT_OK_AND_ASSIGN(const Value back, RoundTrip(value));
    EXPECT_EQ(back.type(), value.type());
    EXPECT_TRUE(back == value)
        << DebugString(value.view()).substr(0, 200) << " came back as "
        << DebugString(back.view()).substr(0, 200);
  }
};

TEST_F(SqliteValuesTest, NumbersKeepTheirExtremes) {
  for (const bool value : {false, true}) ExpectSame(value);
  for (const std::int32_t value :
       {0, -1, std::numeric_limits<std::int32_t>::min(),
        std::numeric_limits<std::int32_t>::max()}) {
    ExpectSame(value);
  }
  for (const std::int64_t value : {std::int64_t{0}, std::int64_t{-1},
                                   std::numeric_limits<std::int64_t>::min(),
                                   std::numeric_limits<std::int64_t>::max()}) {
    ExpectSame(value);
  }
  for (const double value :
       {0.0, 0.1, -1.5, 3.0, std::numeric_limits<double>::max(),
        std::numeric_limits<double>::denorm_min(),
        std::numeric_limits<double>::infinity(),
        -std::numeric_limits<double>::infinity()}) {
    ExpectSame(value);
  }
}

TEST_F(SqliteValuesTest, TextKeepsEveryByte) {
  using std::string_literals::operator""s;
  for (const std::string& text :
       {""s, "a"s, "a\0b"s, "\0"s, "quotes ' \" ` and\nlines\r\n"s,
        "\u00e4\u00f6\u00fc \u4e16\u754c \U0001f600"s, "12"s, "1e5"s,
        std::string(10 << 20, 'x')}) {
    ExpectSame(text);
    ExpectSame(Json{text});
  }
}

TEST_F(SqliteValuesTest, BytesKeepEveryByteAndEmptyIsNotNull) {
  using std::string_literals::operator""s;
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  for (const std::string& bytes :
       {""s, "\0"s, all, std::string(10 << 20, '\xff')}) {
    ExpectSame(Bytes{bytes});
  }
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Value type,
      QueryValue(connection(), "SELECT typeof(?)", {Bytes{""}}));
  EXPECT_TRUE(type == Value("blob"));
}

TEST_F(SqliteValuesTest, TimesKeepTheirExtremesAsTextThatSorts) {
  for (const char* text : {"0001-01-01 00:00:00", "1969-12-31 23:59:59.999999",
                           "1970-01-01 00:00:00", "2024-02-29 12:34:56.000001",
                           "9999-12-31 23:59:59.999999"}) {
    SHARD_ASSERT_OK_AND_ASSIGN(const Timestamp time, Timestamp::Parse(text));
    ExpectSame(time);
  }
  for (const char* text : {"0001-01-01", "1970-01-01", "9999-12-31"}) {
    SHARD_ASSERT_OK_AND_ASSIGN(const Date date, Date::Parse(text));
    ExpectSame(date);
  }
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Value stored, QueryValue(connection(), "SELECT ?", {Timestamp{1}}));
  EXPECT_TRUE(stored == Value("1970-01-01 00:00:00.000001"));
}

TEST_F(SqliteValuesTest, DecimalsUuidsAndNullComeBack) {
  for (const char* text :
       {"0", "1.00", "-0.10", "123456789012345678901234567890.123456789"}) {
    SHARD_ASSERT_OK_AND_ASSIGN(const Decimal decimal, Decimal::Parse(text));
    SHARD_ASSERT_OK_AND_ASSIGN(const Value back, RoundTrip(decimal));
    EXPECT_EQ(back.type(), ValueType::kDecimal);
    EXPECT_EQ(back.view().bytes(), text) << "also the zeros behind the point";
  }
  ExpectSame(Uuid{});
  ExpectSame(Uuid::Random());
  for (const ValueType type :
       {ValueType::kBool, ValueType::kInt64, ValueType::kDouble,
        ValueType::kText, ValueType::kBytes, ValueType::kTimestamp,
        ValueType::kDate, ValueType::kDecimal, ValueType::kUuid,
        ValueType::kJson}) {
    SHARD_ASSERT_OK_AND_ASSIGN(const Value back, RoundTrip(Value(), type));
    EXPECT_TRUE(back.is_null());
  }
}

TEST_F(SqliteValuesTest, WhatCannotBeStoredIsRefusedBeforeAnySql) {
  SHARD_ASSERT_OK(Script("CREATE TABLE v(x)"));
  statements_.clear();
  const auto insert = [this](const Value& value) {
    return RunSql(connection(), "INSERT INTO v VALUES (?)", {value});
  };
  EXPECT_THAT(insert(std::nan("")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("value 1 is not a number")));
  constexpr std::int64_t kLastMicrosecond = 253402300799999999;
  EXPECT_THAT(insert(Timestamp{kLastMicrosecond + 1}),
              HasCode(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(insert(Timestamp{std::numeric_limits<std::int64_t>::min()}),
              HasCode(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(insert(Date{-719163}), HasCode(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(insert(Date{2932897}), HasCode(absl::StatusCode::kOutOfRange));
  const Value short_uuid(sql::ValueView::Bytes(ValueType::kUuid, "short"));
  EXPECT_THAT(insert(short_uuid), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_TRUE(statements_.empty());
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Value count, QueryValue(connection(), "SELECT count(*) FROM v"));
  EXPECT_TRUE(count == Value(0));
}

TEST_F(SqliteValuesTest, UnknownTypesComeAsStored) {
  const auto type_of = [this](std::string_view sql) {
    return QueryValue(connection(), sql)->type();
  };
  EXPECT_EQ(type_of("SELECT 1"), ValueType::kInt64);
  EXPECT_EQ(type_of("SELECT 1.0"), ValueType::kDouble);
  EXPECT_EQ(type_of("SELECT '1'"), ValueType::kText);
  EXPECT_EQ(type_of("SELECT X'01'"), ValueType::kBytes);
  EXPECT_EQ(type_of("SELECT NULL"), ValueType::kNull);
}

TEST_F(SqliteValuesTest, OtherFormsOfTheSameTypeAreRead) {
  const auto read = [this](std::string_view sql, ValueType type) {
    return QueryValue(connection(), sql, {}, type).value();
  };
  EXPECT_TRUE(read("SELECT 5", ValueType::kBool) == Value(true));
  EXPECT_TRUE(read("SELECT 5", ValueType::kDouble) == Value(5.0));
  EXPECT_TRUE(read("SELECT 12", ValueType::kText) == Value("12"));
  EXPECT_TRUE(read("SELECT 5", ValueType::kTimestamp) == Value(Timestamp{5}));
  EXPECT_TRUE(read("SELECT '1970-01-01T00:00:01Z'", ValueType::kTimestamp) ==
              Value(Timestamp{1000000}));
  EXPECT_TRUE(read("SELECT 5", ValueType::kDate) == Value(Date{5}));
  EXPECT_TRUE(read("SELECT -5", ValueType::kDecimal) ==
              Value(*Decimal::Parse("-5")));
  EXPECT_EQ(read("SELECT 0.1", ValueType::kDecimal).view().bytes(), "0.1");
  EXPECT_EQ(read("SELECT 1e21", ValueType::kDecimal).view().bytes(),
            "1000000000000000000000");
  EXPECT_TRUE(read("SELECT '00000000-0000-0000-0000-000000000000'",
                   ValueType::kUuid) == Value(Uuid{}));
}

TEST_F(SqliteValuesTest, WrongValuesNameTheColumnAndNotTheValue) {
  const auto expect_refused = [this](std::string_view sql, ValueType type) {
    EXPECT_THAT(QueryValue(connection(), sql, {}, type),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("column 'c0'"),
                               HasSubstr(std::string(ValueTypeName(type))),
                               Not(HasSubstr("secret")))))
        << sql;
  };
  SHARD_ASSERT_OK(Script("CREATE TABLE s(x); INSERT INTO s VALUES ('secret')"));
  for (const ValueType type :
       {ValueType::kBool, ValueType::kInt32, ValueType::kInt64,
        ValueType::kDouble, ValueType::kTimestamp, ValueType::kDate,
        ValueType::kDecimal, ValueType::kUuid}) {
    expect_refused("SELECT x FROM s", type);
  }
  expect_refused("SELECT 3000000000", ValueType::kInt32);
  expect_refused("SELECT 1.5", ValueType::kInt64);
  expect_refused("SELECT X'00'", ValueType::kText);
  expect_refused("SELECT X'00'", ValueType::kUuid);
  expect_refused("SELECT 1e999", ValueType::kDecimal);
  expect_refused("SELECT '2024-02-30'", ValueType::kDate);
}

TEST_F(SqliteValuesTest, DecimalsCompareAsNumbersThroughTheCollation) {
  SHARD_ASSERT_OK(Script(
      "CREATE TABLE d(x TEXT);"
      "INSERT INTO d VALUES ('10'), ('9.5'), ('-3'), ('-20'), ('1.00')"));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto rows,
      shard::testing::Query(
          connection(), "SELECT x FROM d ORDER BY x COLLATE shard_decimal"));
  std::vector<std::string> order;
  for (const auto& row : rows) order.emplace_back(row[0].view().bytes());
  EXPECT_EQ(order,
            (std::vector<std::string>{"-20", "-3", "1.00", "9.5", "10"}));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Value equal,
      QueryValue(connection(),
                 "SELECT count(*) FROM d WHERE x COLLATE shard_decimal = ?",
                 {*Decimal::Parse("1")}));
  EXPECT_TRUE(equal == Value(1));
}

}  // namespace
}  // namespace shard
