// Values on their way to PostgreSQL servers and back.
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/sql/types.h"
#include "shard/sql/value.h"
#include "shard/tests/dialects/postgres_test_support.h"

namespace shard {
namespace {

using sql::ValueType;
using sql::ValueView;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::PostgresTest;
using testing::RunSql;
using testing::StatusIs;
using testing::TextStatement;

class PostgresValuesTest : public PostgresTest {
 protected:
  // The value as it comes back from a column of `type`, in both of the wire's
  // forms: the first run of a statement answers in text, the next in binary.
  void ExpectRoundTrip(const std::string& type, const ValueView& value) {
    SHARD_ASSERT_OK(
        Script("DROP TABLE IF EXISTS v; CREATE TABLE v (x " + type + ")"));
    SHARD_ASSERT_OK(
        Run("INSERT INTO v /* " + type + " */ VALUES ($1)", {value}));
    for (const char* form : {"text", "binary"}) {
      SHARD_ASSERT_OK(Run("SELECT x /* " + type + " */ FROM v"));
      ASSERT_EQ(rows_.rows(), 1u);
      const ValueView back = rows_.row(0)[0];
      EXPECT_EQ(back, value) << type << " in " << form << ": "
                             << sql::DebugString(value).substr(0, 80) << " -> "
                             << sql::DebugString(back).substr(0, 80);
    }
  }
};

TEST_F(PostgresValuesTest, Numbers) {
  for (const bool value : {false, true}) {
    ExpectRoundTrip("boolean", ValueView::Bool(value));
  }
  using Limits32 = std::numeric_limits<std::int32_t>;
  for (const std::int32_t value : {0, -1, Limits32::min(), Limits32::max()}) {
    ExpectRoundTrip("integer", ValueView::Int32(value));
  }
  ExpectRoundTrip("smallint", ValueView::Int32(-32768));
  using Limits64 = std::numeric_limits<std::int64_t>;
  for (const std::int64_t value :
       {std::int64_t{0}, std::int64_t{-1}, Limits64::min(), Limits64::max()}) {
    ExpectRoundTrip("bigint", ValueView::Int64(value));
  }
  using Double = std::numeric_limits<double>;
  for (const double value :
       {0.0, -0.0, 0.1, 1.0 / 3, Double::max(), Double::lowest(), Double::min(),
        Double::denorm_min(), Double::infinity(), -Double::infinity()}) {
    ExpectRoundTrip("double precision", ValueView::Double(value));
  }
  ExpectRoundTrip("real", ValueView::Double(0.1f));
}

TEST_F(PostgresValuesTest, NotANumber) {
  for (int i = 0; i < 2; ++i) {
    SHARD_ASSERT_OK(
        Run("SELECT $1::float8", {ValueView::Double(std::nan(""))}));
    EXPECT_TRUE(std::isnan(rows_.row(0)[0].real()));
  }
}

TEST_F(PostgresValuesTest, Text) {
  for (const std::string_view text :
       {"", "plain", "it's \"quoted\" \\ \n\r\t\x01", "日本語 é \U0001F600",
        "\\x00", "NULL", "$1"}) {
    ExpectRoundTrip("text", ValueView::Text(text));
    ExpectRoundTrip("varchar(40)", ValueView::Text(text));
  }
  ExpectRoundTrip("name", ValueView::Text("pg_class"));
  ExpectRoundTrip("char(3)", ValueView::Text("abc"));
}

TEST_F(PostgresValuesTest, TextFitsOtherTypes) {
  SHARD_ASSERT_OK(Script("CREATE TYPE mood AS ENUM ('sad', 'happy')"));
  ExpectRoundTrip("mood", ValueView::Text("happy"));
  ExpectRoundTrip("inet", ValueView::Text("127.0.0.1"));
  ExpectRoundTrip("int4range", ValueView::Text("[1,5)"));
}

TEST_F(PostgresValuesTest, TenMegabytes) {
  std::string text;
  while (text.size() < 10'000'000) text += "é'\"\\\n0123456789";
  ExpectRoundTrip("text", ValueView::Text(text));
  std::string bytes(10'000'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(i * 31 >> 3);
  }
  ExpectRoundTrip("bytea", ValueView::Bytes(ValueType::kBytes, bytes));
}

TEST_F(PostgresValuesTest, Bytes) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  for (const std::string_view bytes :
       {std::string_view(), std::string_view(all), std::string_view("\0", 1)}) {
    ExpectRoundTrip("bytea", ValueView::Bytes(ValueType::kBytes, bytes));
  }
}

TEST_F(PostgresValuesTest, TimesAndDates) {
  for (const std::int64_t microseconds :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1'700'000'000'123'456},
        std::int64_t{-210866803200000000},
        std::numeric_limits<std::int64_t>::max()}) {
    const ValueView value = ValueView::Of(Timestamp{microseconds});
    ExpectRoundTrip("timestamptz", value);
    ExpectRoundTrip("timestamp", value);
  }
  for (const std::int32_t days :
       {0, -1, 19782, -719163, -2440588, 2145042905}) {
    ExpectRoundTrip("date", ValueView::Of(Date{days}));
  }
}

TEST_F(PostgresValuesTest, TimesThatNoValueCanHold) {
  for (int i = 0; i < 2; ++i) {
    for (const char* value :
         {"'infinity'::timestamptz", "'-infinity'::timestamptz",
          "'294276-12-31 23:59:59'::timestamptz", "'infinity'::date",
          "'-infinity'::date"}) {
      EXPECT_THAT(Run(std::string("SELECT ") + value + " AS moment"),
                  StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("moment")));
      EXPECT_EQ(Number("SELECT 1"), 1);
    }
  }
}

TEST_F(PostgresValuesTest, DecimalsKeepTheirText) {
  const std::string digits(200, '7');
  for (const std::string& text :
       {std::string("0"), std::string("1.00"), std::string("-0.0001"),
        std::string("0.00000001234"), std::string("10000"),
        std::string("10000.0000"), std::string("-99999999.99990"),
        std::string("100000000000000000000"), digits + "." + digits}) {
    SHARD_ASSERT_OK(
        Script("DROP TABLE IF EXISTS v; CREATE TABLE v (x numeric)"));
    SHARD_ASSERT_OK(Run("INSERT INTO v VALUES ($1)",
                        {ValueView::Bytes(ValueType::kDecimal, text)}));
    for (int i = 0; i < 2; ++i) {
      SHARD_ASSERT_OK(Run("SELECT x FROM v"));
      EXPECT_EQ(rows_.row(0)[0].type(), ValueType::kDecimal);
      EXPECT_EQ(rows_.row(0)[0].bytes(), text);
    }
  }
  for (int i = 0; i < 2; ++i) {
    SHARD_ASSERT_OK(Run("SELECT 'NaN'::numeric, 'Infinity'::numeric"));
    EXPECT_EQ(rows_.row(0)[0].bytes(), "NaN");
    EXPECT_EQ(rows_.row(0)[1].bytes(), "Infinity");
  }
}

TEST_F(PostgresValuesTest, UuidAndJson) {
  const Uuid uuid = Uuid::Random();
  ExpectRoundTrip("uuid", ValueView::Of(uuid));
  const ValueView json =
      ValueView::Bytes(ValueType::kJson, "{\"a\": [1, 2.50, \"é\\n\"]}");
  ExpectRoundTrip("json", json);
  ExpectRoundTrip("jsonb", json);
  ExpectRoundTrip("jsonb", ValueView::Bytes(ValueType::kJson, "null"));
}

TEST_F(PostgresValuesTest, Null) {
  for (const char* type : {"bool", "int4", "int8", "float8", "text", "bytea",
                           "timestamptz", "date", "numeric", "uuid", "json"}) {
    ExpectRoundTrip(type, ValueView());
  }
}

TEST_F(PostgresValuesTest, NullHasTheTypeThatIsDeclared) {
  for (const ValueType type :
       {ValueType::kBool, ValueType::kInt32, ValueType::kInt64,
        ValueType::kDouble, ValueType::kBytes, ValueType::kTimestamp,
        ValueType::kDate, ValueType::kDecimal, ValueType::kUuid}) {
    const CompiledStatement statement =
        TextStatement("SELECT $1 IS NULL", {type});
    const ValueView null;
    SHARD_ASSERT_OK(connection().Execute({&statement, {&null, 1}, 1}, &rows_));
    EXPECT_TRUE(rows_.row(0)[0].integer());
  }
}

TEST_F(PostgresValuesTest, ResultsHaveTheTypesThatAreExpected) {
  const CompiledStatement statement = TextStatement(
      "SELECT 12::numeric, 2.5::numeric, 7::int4, 8::int8, '1.5'::text, "
      "'[1]'::text, 3::int4",
      {},
      {{"a", ValueType::kInt64},
       {"b", ValueType::kDouble},
       {"c", ValueType::kInt64},
       {"d", ValueType::kInt32},
       {"e", ValueType::kDecimal},
       {"f", ValueType::kJson},
       {"g", ValueType::kDouble}});
  for (int i = 0; i < 2; ++i) {
    SHARD_ASSERT_OK(connection().Execute({&statement, {}, 1}, &rows_));
    const auto row = rows_.row(0);
    EXPECT_EQ(row[0], ValueView::Int64(12));
    EXPECT_EQ(row[1], ValueView::Double(2.5));
    EXPECT_EQ(row[2].type(), ValueType::kInt64);
    EXPECT_EQ(row[3].type(), ValueType::kInt64);
    EXPECT_EQ(row[4], ValueView::Bytes(ValueType::kDecimal, "1.5"));
    EXPECT_EQ(row[5], ValueView::Bytes(ValueType::kJson, "[1]"));
    EXPECT_EQ(row[6], ValueView::Double(3));
    EXPECT_EQ(rows_.columns()[0].type, ValueType::kInt64);
  }
}

TEST_F(PostgresValuesTest, UnknownTypesComeAsText) {
  for (int i = 0; i < 2; ++i) {
    SHARD_ASSERT_OK(
        Run("SELECT ARRAY[1, 2], 5, '1 day'::interval, "
            "'\\x01ff'::bytea, true, now() IS NULL, "
            "'2024-02-29'::date, 1.50, NULL"));
    const auto row = rows_.row(0);
    EXPECT_EQ(row[0], ValueView::Text("{1,2}"));
    EXPECT_EQ(row[1], ValueView::Int32(5));
    EXPECT_EQ(row[2], ValueView::Text("1 day"));
    EXPECT_EQ(row[3], ValueView::Bytes(ValueType::kBytes, "\x01\xff"));
    EXPECT_EQ(row[4], ValueView::Bool(true));
    EXPECT_EQ(row[5], ValueView::Bool(false));
    EXPECT_EQ(row[6], ValueView::Of(Date{19782}));
    EXPECT_EQ(row[7].bytes(), "1.50");
    EXPECT_TRUE(row[8].is_null());
  }
}

TEST_F(PostgresValuesTest, TextTheServerCannotHoldIsRefusedBeforeAnySql) {
  using std::string_view_literals::operator""sv;
  ForgetStatements();
  for (const std::string_view text : {"secret\0"sv, "secret\xff"sv}) {
    for (const ValueType type : {ValueType::kText, ValueType::kJson}) {
      EXPECT_THAT(
          Run("SELECT $1, $2",
              {ValueView::Int32(1), ValueView::Bytes(type, text)}),
          StatusIs(absl::StatusCode::kInvalidArgument,
                   AllOf(HasSubstr("parameter 2"), Not(HasSubstr("secret")))));
    }
  }
  EXPECT_THAT(
      Run("SELECT $1::date", {ValueView::Of(Date{-2'500'000})}),
      StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("parameter 1")));
  EXPECT_THAT(Run("SELECT 1\0"sv), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Script("SELECT 1\0"sv),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_TRUE(statements_.empty());
  // Bytes may hold both.
  SHARD_EXPECT_OK(Run("SELECT $1::bytea",
                      {ValueView::Bytes(ValueType::kBytes, "\0\xff"sv)}));
  EXPECT_EQ(statements_.size(), 1u);
}

TEST_F(PostgresValuesTest, AWrongNumberOfParametersIsRefused) {
  const CompiledStatement statement = TextStatement(
      "SELECT $1::int, $2::int", {ValueType::kInt32, ValueType::kInt32});
  const std::vector<ValueView> three(3, ValueView::Int32(1));
  EXPECT_THAT(connection().Execute({&statement, three, 1}, nullptr),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace shard
