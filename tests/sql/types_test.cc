// Timestamp, Date and Uuid: text forms, extremes, bad text.
#include "shard/sql/types.h"

#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"

namespace shard {
namespace {

using shard::testing::HasCode;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kOutOfRange = absl::StatusCode::kOutOfRange;
constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kHour = 3600 * kSecond;
constexpr std::int64_t kDay = 24 * kHour;

std::string TextOf(Timestamp t) { return t.ToText().value_or("none"); }
std::string TextOf(Date d) { return d.ToText().value_or("none"); }

// Date.

TEST(DateTest, KnownDays) {
  using Case = std::pair<std::int32_t, const char*>;
  for (const auto& [days, text] :
       {Case{0, "1970-01-01"}, Case{-1, "1969-12-31"}, Case{1, "1970-01-02"},
        Case{19782, "2024-02-29"}, Case{19783, "2024-03-01"},
        Case{11016, "2000-02-29"}, Case{-25567, "1900-01-01"},
        Case{-719162, "0001-01-01"}, Case{2932896, "9999-12-31"}}) {
    EXPECT_EQ(TextOf(Date{days}), text);
    SHARD_ASSERT_OK_AND_ASSIGN(const Date parsed, Date::Parse(text));
    EXPECT_EQ(parsed.days, days) << text;
  }
}

TEST(DateTest, EveryDayOfFourCenturiesRoundTrips) {
  std::string before;
  for (std::int32_t days = -150'000; days < 0; ++days) {
    const std::string text = TextOf(Date{days});
    ASSERT_LT(before, text);  // text sorts as the days do
    const auto parsed = Date::Parse(text);
    ASSERT_TRUE(parsed.ok() && parsed->days == days) << text;
    before = text;
  }
}

TEST(DateTest, NoTextOutsideTheYearsThatSort) {
  EXPECT_THAT(Date{-719163}.ToText(), HasCode(kOutOfRange));
  EXPECT_THAT(Date{2932897}.ToText(), HasCode(kOutOfRange));
  EXPECT_THAT(Date{std::numeric_limits<std::int32_t>::min()}.ToText(),
              HasCode(kOutOfRange));
  EXPECT_THAT(Date{std::numeric_limits<std::int32_t>::max()}.ToText(),
              HasCode(kOutOfRange));
}

TEST(DateTest, FromCivilChecksTheCalendar) {
  SHARD_ASSERT_OK_AND_ASSIGN(const Date leap, Date::FromCivil(2024, 2, 29));
  EXPECT_EQ(leap.days, 19782);
  SHARD_EXPECT_OK(Date::FromCivil(2000, 2, 29));
  for (const auto& [year, month, day] :
       {std::tuple{2023, 2, 29}, std::tuple{1900, 2, 29},
        std::tuple{2024, 2, 30}, std::tuple{2024, 4, 31},
        std::tuple{2024, 13, 1}, std::tuple{2024, 0, 1}, std::tuple{2024, 1, 0},
        std::tuple{2024, -1, 1}, std::tuple{2024, 1, 32}}) {
    EXPECT_THAT(Date::FromCivil(year, month, day), HasCode(kInvalid))
        << year << "-" << month << "-" << day;
  }
}

TEST(DateTest, FromCivilRefusesYearsThatDoNotFit) {
  // The days of these years need more than 32 bits.
  EXPECT_THAT(Date::FromCivil(5'900'000, 1, 1), HasCode(kOutOfRange));
  EXPECT_THAT(Date::FromCivil(-5'900'000, 1, 1), HasCode(kOutOfRange));
  EXPECT_THAT(Date::FromCivil(std::numeric_limits<int>::max(), 12, 31),
              HasCode(kOutOfRange));
  SHARD_ASSERT_OK_AND_ASSIGN(const Date far, Date::FromCivil(5'000'000, 1, 1));
  EXPECT_GT(far.days, 1'800'000'000);
}

TEST(DateTest, BadText) {
  for (const char* text :
       {"", "2024", "2024-1-01", "2024-01-1", "24-01-01", "2024/01/01",
        "2024-01-01 ", " 2024-01-01", "2024-01-01T00:00:00", "2024-02-30",
        "2023-02-29", "2024-00-10", "2024-13-01", "-2024-01-01", "12024-01-01",
        "2024-0a-01", "+024-01-01", "2024-01-0\xc3"}) {
    EXPECT_THAT(Date::Parse(text), HasCode(kInvalid)) << text;
  }
  EXPECT_THAT(Date::Parse(std::string_view("2024-01-01\0", 11)),
              HasCode(kInvalid));
}

// Timestamp.

TEST(TimestampTest, KnownTimes) {
  using Case = std::pair<std::int64_t, const char*>;
  for (const auto& [micros, text] :
       {Case{0, "1970-01-01 00:00:00.000000"},
        Case{-1, "1969-12-31 23:59:59.999999"},
        Case{1, "1970-01-01 00:00:00.000001"},
        Case{-kDay, "1969-12-31 00:00:00.000000"},
        Case{-kDay - 1, "1969-12-30 23:59:59.999999"},
        Case{1709208000123456, "2024-02-29 12:00:00.123456"},
        Case{-62135596800 * kSecond, "0001-01-01 00:00:00.000000"},
        Case{253402300800 * kSecond - 1, "9999-12-31 23:59:59.999999"}}) {
    EXPECT_EQ(TextOf(Timestamp{micros}), text);
    SHARD_ASSERT_OK_AND_ASSIGN(const Timestamp parsed, Timestamp::Parse(text));
    EXPECT_EQ(parsed.microseconds, micros) << text;
  }
}

TEST(TimestampTest, NoTextOutsideTheYearsThatSort) {
  for (const std::int64_t micros :
       {-62135596800 * kSecond - 1, 253402300800 * kSecond,
        std::numeric_limits<std::int64_t>::min(),
        std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_THAT(Timestamp{micros}.ToText(), HasCode(kOutOfRange)) << micros;
    char out[Timestamp::kTextBytes];
    EXPECT_FALSE(Timestamp{micros}.WriteText(out));
  }
}

TEST(TimestampTest, FormsThatDatabasesWrite) {
  const std::int64_t noon = 1709208000 * kSecond;  // 2024-02-29 12:00 UTC
  using Case = std::pair<const char*, std::int64_t>;
  for (const auto& [text, micros] :
       {Case{"2024-02-29T12:00:00", noon}, Case{"2024-02-29 12:00", noon},
        Case{"2024-02-29 12:00Z", noon}, Case{"2024-02-29 12:00:00Z", noon},
        Case{"2024-02-29 12:00:00.5", noon + 500'000},
        Case{"2024-02-29 12:00:00.000001", noon + 1},
        // More digits than a microsecond has are cut off.
        Case{"2024-02-29 12:00:00.1234569", noon + 123'456},
        Case{"2024-02-29 12:00:00+00", noon},
        Case{"2024-02-29 14:00:00+02", noon},
        Case{"2024-02-29 14:30:00+0230", noon},
        Case{"2024-02-29 17:45:00+05:45", noon},
        Case{"2024-02-29 08:30:00.25-03:30", noon + 250'000},
        Case{"2024-03-01 01:00:00+13:00", noon},
        Case{"2024-02-28 23:00-13:00", noon}}) {
    SHARD_ASSERT_OK_AND_ASSIGN(const Timestamp parsed, Timestamp::Parse(text));
    EXPECT_EQ(parsed.microseconds, micros) << text;
  }
}

TEST(TimestampTest, BadText) {
  for (const char* text : {"",
                           "2024-02-29",
                           "2024-02-29 ",
                           "2024-02-29 12",
                           "2024-02-29 12:",
                           "2024-02-29 12:0",
                           "2024-02-29 24:00:00",
                           "2024-02-29 12:60:00",
                           "2024-02-29 12:00:60",
                           "2023-02-29 12:00:00",
                           "2024-02-29x12:00:00",
                           "2024-02-29 12:00:00.",
                           "2024-02-29 12:00.5",
                           "2024-02-29 12:00:",
                           "2024-02-29 12:00:00 ",
                           "2024-02-29 12:00:00 Z",
                           "2024-02-29 12:00:00z",
                           "2024-02-29 12:00:00+",
                           "2024-02-29 12:00:00+1",
                           "2024-02-29 12:00:00+01:",
                           "2024-02-29 12:00:00+01:0",
                           "2024-02-29 12:00:00+01:000",
                           "2024-02-29 12:00:00+24:00",
                           "2024-02-29 12:00:00+01:60",
                           "2024-02-29 12:00:00ZZ",
                           "infinity",
                           "2024-02-29 12:00:00 BC"}) {
    EXPECT_THAT(Timestamp::Parse(text), HasCode(kInvalid)) << text;
  }
}

TEST(TimestampTest, NowIsAfterThisWasWritten) {
  EXPECT_GT(Timestamp::Now().microseconds, 1709208000 * kSecond);
  EXPECT_LT(Timestamp{1}, Timestamp{2});
}

// Uuid.

TEST(UuidTest, RoundTrips) {
  const std::string text = "00112233-4455-6677-8899-aabbccddeeff";
  SHARD_ASSERT_OK_AND_ASSIGN(const Uuid uuid, Uuid::Parse(text));
  for (int i = 0; i < 16; ++i) EXPECT_EQ(uuid.bytes[i], i * 0x11);
  EXPECT_EQ(uuid.ToText(), text);
  SHARD_ASSERT_OK_AND_ASSIGN(const Uuid bare,
                             Uuid::Parse("00112233445566778899AABBccddeeff"));
  EXPECT_EQ(bare, uuid);
  EXPECT_EQ(Uuid().ToText(), "00000000-0000-0000-0000-000000000000");
}

TEST(UuidTest, BadText) {
  for (const char* text : {"", "0", "00112233445566778899aabbccddeef",
                           "00112233445566778899aabbccddeeff0",
                           "0011223-34455-6677-8899-aabbccddeeff",
                           "00112233-4455-6677-8899aabbccddeeff",
                           "00112233-4455-6677-8899-aabbccddeef-",
                           "00112233-4455-6677-8899-aabbccddeefg",
                           "{00112233-4455-6677-8899-aabbccddeeff}",
                           "001122334-455-6677-8899-aabbccddeeff",
                           "00112233-4455-6677-8899-aabbccddeeff "}) {
    EXPECT_THAT(Uuid::Parse(text), HasCode(kInvalid)) << text;
  }
}

TEST(UuidTest, RandomOnesAreVersionFourAndDiffer) {
  std::set<Uuid> seen;
  for (int i = 0; i < 1000; ++i) {
    const Uuid uuid = Uuid::Random();
    EXPECT_EQ(uuid.bytes[6] >> 4, 4);
    EXPECT_EQ(uuid.bytes[8] >> 6, 2);
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

}  // namespace
}  // namespace shard
