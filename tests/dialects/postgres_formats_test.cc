// What PostgreSQL's values look like on the wire; needs no server.
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "shard/dialects/postgres/parameters.h"
#include "shard/dialects/postgres/postgres_dialect.h"
#include "shard/dialects/postgres/server_state.h"
#include "shard/dialects/postgres/sqlstate.h"
#include "shard/dialects/postgres/text_formats.h"
#include "shard/dialects/postgres/utf8.h"
#include "shard/sql/byte_arena.h"
#include "shard/sql/table.h"

namespace shard::postgres {
namespace {

using sql::ValueType;
using sql::ValueView;

TEST(Utf8Test, TakesWhatTheServerTakes) {
  for (const std::string_view text :
       {"", "plain ascii text", "\x7f", "é", "日本語", "\U0001F600",
        "\u07ff\u0800\uffff", "\U0010FFFF", "12345678é12345678"}) {
    EXPECT_EQ(FindTextFault(text), TextFault::kNone) << text;
  }
}

TEST(Utf8Test, RefusesWhatTheServerRefuses) {
  for (const std::string_view text :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
        "abc\xc3", "\xe6\x97", "12345678\xc3(12345", "\xf0\x9f\x98"}) {
    EXPECT_EQ(FindTextFault(text), TextFault::kNotUtf8) << text;
  }
  using std::string_view_literals::operator""sv;
  for (const std::string_view text :
       {"\0"sv, "abc\0"sv, "1234567\0"sv, "12345678\0 2345678"sv}) {
    EXPECT_EQ(FindTextFault(text), TextFault::kNulByte);
  }
}

TEST(TextFormatsTest, Dates) {
  EXPECT_EQ(ParseDate("1970-01-01"), 0);
  EXPECT_EQ(ParseDate("2000-01-01"), 10957);
  EXPECT_EQ(ParseDate("2024-02-29"), 19782);
  EXPECT_EQ(ParseDate("0001-01-01"), -719162);
  EXPECT_EQ(ParseDate("0001-12-31 BC"), -719163);
  EXPECT_EQ(ParseDate("4714-11-24 BC"), -2440588);
  EXPECT_EQ(ParseDate("5874897-12-31"), 2145042905);
  EXPECT_EQ(ParseDate("infinity"), std::nullopt);
  EXPECT_EQ(ParseDate("2024-02"), std::nullopt);
  EXPECT_EQ(ParseDate(""), std::nullopt);
}

TEST(TextFormatsTest, Timestamps) {
  EXPECT_EQ(ParseTimestamp("1970-01-01 00:00:00+00"), 0);
  EXPECT_EQ(ParseTimestamp("1970-01-01 00:00:00"), 0);
  EXPECT_EQ(ParseTimestamp("1970-01-01 00:00:01.5+00"), 1'500'000);
  EXPECT_EQ(ParseTimestamp("1969-12-31 23:59:59.999999+00"), -1);
  EXPECT_EQ(ParseTimestamp("1970-01-01 05:30:00+05:30"), 0);
  EXPECT_EQ(ParseTimestamp("1969-12-31 19:00:00-05"), 0);
  EXPECT_EQ(ParseTimestamp("294276-12-31 23:59:59.999999+00"), std::nullopt);
  EXPECT_EQ(ParseTimestamp("infinity"), std::nullopt);
  EXPECT_EQ(ParseTimestamp("2024-01-01"), std::nullopt);
}

TEST(TextFormatsTest, BrokenNumericsAreRefused) {
  sql::ByteArena arena;
  EXPECT_EQ(NumericText("", arena), std::nullopt);
  const std::string cut("\0\5\0\0\0\0\0\0", 8);  // five groups, none there
  EXPECT_EQ(NumericText(cut, arena), std::nullopt);
}

TEST(SqlStateTest, Codes) {
  using Code = absl::StatusCode;
  const std::pair<const char*, Code> expected[] = {
      {"23505", Code::kAlreadyExists},
      {"23503", Code::kFailedPrecondition},
      {"23P01", Code::kFailedPrecondition},
      {"40001", Code::kAborted},
      {"40P01", Code::kAborted},
      {"55P03", Code::kAborted},
      {"08006", Code::kUnavailable},
      {"57P01", Code::kUnavailable},
      {"57P03", Code::kUnavailable},
      {"25006", Code::kUnavailable},
      {"25P02", Code::kFailedPrecondition},
      {"53100", Code::kResourceExhausted},
      {"53300", Code::kResourceExhausted},
      {"42601", Code::kInvalidArgument},
      {"22003", Code::kInvalidArgument},
      {"42501", Code::kPermissionDenied},
      {"28P01", Code::kPermissionDenied},
      {"3D000", Code::kNotFound},
      {"0A000", Code::kUnimplemented},
      {"XX000", Code::kInternal}};
  for (const auto& [sqlstate, code] : expected) {
    EXPECT_EQ(CodeOfSqlState(sqlstate, ""), code) << sqlstate;
  }
  EXPECT_EQ(
      CodeOfSqlState("57014", "canceling statement due to statement timeout"),
      Code::kDeadlineExceeded);
  EXPECT_EQ(CodeOfSqlState("57014", "canceling statement due to user request"),
            Code::kCancelled);
  // The server speaks the language of its lc_messages. What cannot be read is
  // taken for the more likely, and for the safer.
  for (const char* message :
       {"storniere Anfrage wegen Zeitüberschreitung der Anfrage",
        "cancelando la sentencia debido a que se agotó el tiempo de espera de "
        "sentencias",
        "выполнение оператора отменено из-за тайм-аута"}) {
    EXPECT_EQ(CodeOfSqlState("57014", message), Code::kDeadlineExceeded);
  }
}

TEST(SqlStateTest, ValuesAreCutOut) {
  EXPECT_EQ(WithoutValues(
                "22P02", "invalid input syntax for type integer: \"se\"cret\""),
            "invalid input syntax for type integer: ...");
  EXPECT_EQ(
      WithoutValues("22003", "value \"99\" is out of range for type integer"),
      "value ... is out of range for type integer");
  EXPECT_EQ(WithoutValues("22P02", "ungültige Eingabe: »geheim«"),
            "ungültige Eingabe: ...");
  EXPECT_EQ(WithoutValues("22012", "division by zero"), "division by zero");
  EXPECT_EQ(WithoutValues("23505", "violates \"name\""), "violates \"name\"");
  EXPECT_FALSE(absl::StrContains(
      WithoutValues("22021", "invalid byte sequence: 0xff"), "ff"));
}

TEST(ParametersTest, ValuesOutOfTheServersRange) {
  const std::int64_t first = -210866803200000000;  // 4714-11-24 BC
  EXPECT_TRUE(CheckValue(ValueView::Of(Timestamp{first})).ok());
  for (const std::int64_t microseconds :
       {first - 1, std::numeric_limits<std::int64_t>::min()}) {
    EXPECT_EQ(CheckValue(ValueView::Of(Timestamp{microseconds})).code(),
              absl::StatusCode::kOutOfRange);
  }
  // Our own range ends before the server's.
  EXPECT_TRUE(CheckValue(ValueView::Of(Timestamp{
                             std::numeric_limits<std::int64_t>::max()}))
                  .ok());
  EXPECT_TRUE(CheckValue(ValueView::Of(Date{-2440588})).ok());
  EXPECT_TRUE(CheckValue(ValueView::Of(Date{2145042905})).ok());
  for (const std::int32_t days : {-2440589, 2145042906}) {
    EXPECT_EQ(CheckValue(ValueView::Of(Date{days})).code(),
              absl::StatusCode::kOutOfRange);
  }
  EXPECT_EQ(CheckValue(ValueView::Bytes(ValueType::kUuid, "short")).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(StatementCacheTest, KeepsTheLastUsed) {
  StatementCache cache;
  const auto first = cache.Find("first", {});
  first->sent = true;
  EXPECT_EQ(cache.Find("first", {}), first);
  EXPECT_NE(cache.Find("first", {kInt8Oid}), first);
  for (int i = 0; i < 255; ++i) cache.Find(std::to_string(i), {})->sent = true;
  EXPECT_EQ(cache.size(), 256u);
  EXPECT_EQ(cache.TakeDropped(), std::vector<std::string>{first->name});
  EXPECT_NE(cache.Find("first", {}), first);
}

TEST(StatementCacheTest, LongStatementsTakeMoreRoom) {
  StatementCache cache;
  cache.Find(std::string(3 << 20, 'a'), {});
  cache.Find(std::string(3 << 20, 'b'), {});
  EXPECT_EQ(cache.size(), 1u);
}

TEST(PostgresDialectTest, TypesOfColumns) {
  const sql::Table table(
      "t", {{.name = "id", .type = ValueType::kInt32, .primary_key = true},
            {.name = "at", .type = ValueType::kTimestamp},
            {.name = "price", .type = ValueType::kDecimal}});
  const auto text = PostgresDialect::Instance().CreateTable(table);
  ASSERT_TRUE(text.ok()) << text.status();
  for (const char* part : {"\"id\" INTEGER GENERATED BY DEFAULT AS IDENTITY",
                           "\"at\" TIMESTAMPTZ", "\"price\" NUMERIC"}) {
    EXPECT_TRUE(absl::StrContains(*text, part)) << *text;
  }
}

TEST(PostgresDialectTest, LongNamesAreRefused) {
  const auto& dialect = PostgresDialect::Instance();
  EXPECT_TRUE(dialect.QuoteIdentifier(std::string(63, 'x')).ok());
  EXPECT_EQ(dialect.QuoteIdentifier(std::string(64, 'x')).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace shard::postgres
