// Exact decimals: reading, shortest text, order.
#include <cstddef>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/sql/types.h"

namespace shard {
namespace {

using shard::testing::HasCode;

Decimal D(std::string_view text) {
  const auto parsed = Decimal::Parse(text);
  EXPECT_TRUE(parsed.ok()) << text;
  return parsed.value_or(Decimal());
}

TEST(DecimalTest, KeepsItsText) {
  for (const char* text : {"0", "1.00", "-1.50", "007", ".5", "5.", "-0",
                           "123456789012345678901234567890.123456789"}) {
    EXPECT_EQ(D(text).text(), text);
  }
  EXPECT_EQ(D("+1.50").text(), "1.50");
  EXPECT_EQ(Decimal().text(), "0");
}

TEST(DecimalTest, CanonicalIsTheShortestText) {
  using Case = std::pair<const char*, const char*>;
  for (const auto& [text, canonical] :
       {Case{"0", "0"},           Case{"-0", "0"},
        Case{"+0.000", "0"},      Case{"-.0", "0"},
        Case{"0000", "0"},        Case{"1", "1"},
        Case{"+1", "1"},          Case{"1.00", "1"},
        Case{"01", "1"},          Case{"-001.10", "-1.1"},
        Case{".5", "0.5"},        Case{"-.5", "-0.5"},
        Case{"5.", "5"},          Case{"100", "100"},
        Case{"0.10", "0.1"},      Case{"10.01", "10.01"},
        Case{"1e3", "1000"},      Case{"-1.5E-3", "-0.0015"},
        Case{"0e5", "0"},         Case{"-0e-5", "0"},
        Case{"12.34e1", "123.4"}, Case{"12.34e2", "1234"},
        Case{"0.05e1", "0.5"},    Case{"0.005e3", "5"},
        Case{"120e-1", "12"}}) {
    EXPECT_EQ(D(text).Canonical(), canonical) << text;
    // And it is a decimal again, equal to the first.
    EXPECT_EQ(D(canonical), D(text)) << text;
  }
}

TEST(DecimalTest, ExponentsAreExpanded) {
  EXPECT_EQ(D("1.5e2").text(), "150");
  EXPECT_EQ(D("1.5e+2").text(), "150");
  EXPECT_EQ(D("-1.5e-2").text(), "-0.015");
  EXPECT_EQ(D("1e0").text(), "1");
  EXPECT_EQ(D("1e1000").text(), "1" + std::string(1000, '0'));
  EXPECT_EQ(D("1e-1000").text(), "0." + std::string(999, '0') + "1");
  EXPECT_EQ(D("0.05e2").text(), "5");
  EXPECT_EQ(D("0e5").text(), "0");
}

TEST(DecimalTest, BadText) {
  for (const char* text : {"",
                           " ",
                           "+",
                           "-",
                           ".",
                           "-.",
                           "e5",
                           "1e",
                           "1e+",
                           "1e-",
                           "1e1001",
                           "1e-1001",
                           "1e99999999999",
                           "1e1.5",
                           "1e+-5",
                           "1e++5",
                           "1e--5",
                           "1e 5",
                           "1e5e5",
                           "--1",
                           "+-1",
                           "1-",
                           "1.2.3",
                           "1,5",
                           "1 ",
                           " 1",
                           "1_000",
                           "0x10",
                           "NaN",
                           "nan",
                           "inf",
                           "Infinity",
                           "-Infinity",
                           "١"}) {
    EXPECT_THAT(Decimal::Parse(text),
                HasCode(absl::StatusCode::kInvalidArgument))
        << text;
  }
  EXPECT_THAT(Decimal::Parse(std::string_view("1\0", 2)),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(DecimalTest, OrderIsThatOfNumbers) {
  const std::vector<std::string> ascending = {
      "-123456789012345678901234567890.2",
      "-123456789012345678901234567890.1",
      "-1000",
      "-999.99",
      "-10",
      "-9",
      "-1.01",
      "-1.001",
      "-1",
      "-0.5",
      "-0.0001",
      "0",
      "0.0001",
      "0.05",
      "0.5",
      "0.55",
      "1",
      "1.001",
      "1.01",
      "9",
      "10",
      "999.99",
      "1000",
      "123456789012345678901234567890.1"};
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      EXPECT_EQ(D(ascending[i]) < D(ascending[j]), i < j)
          << ascending[i] << " < " << ascending[j];
      EXPECT_EQ(D(ascending[i]) == D(ascending[j]), i == j);
      EXPECT_EQ(D(ascending[i]) > D(ascending[j]), i > j);
    }
  }
}

TEST(DecimalTest, EqualNumbersAreEqualHoweverWritten) {
  for (const char* one : {"1", "1.0", "+1", "001.000", "10e-1", "0.1e1"}) {
    EXPECT_EQ(D(one), D("1.00")) << one;
    EXPECT_NE(D(one), D("-1")) << one;
  }
  for (const char* zero : {"-0", "0.0", ".0", "-0.000", "0e9"}) {
    EXPECT_EQ(D(zero), Decimal()) << zero;
    EXPECT_LT(D(zero), D("0.001")) << zero;
    EXPECT_GT(D(zero), D("-0.001")) << zero;
  }
}

TEST(DecimalTest, RandomOrderAgreesWithScaledIntegers) {
  std::mt19937 random(7);
  std::uniform_int_distribution<long> hundredths(-500, 500);
  for (int i = 0; i < 2000; ++i) {
    const long a = hundredths(random), b = hundredths(random);
    const auto text = [](long h) {
      const long whole = std::abs(h) / 100, rest = std::abs(h) % 100;
      return (h < 0 ? "-" : "") + std::to_string(whole) + "." +
             (rest < 10 ? "0" : "") + std::to_string(rest);
    };
    EXPECT_EQ(D(text(a)) <=> D(text(b)), a <=> b) << text(a) << " " << text(b);
  }
}

TEST(DecimalTest, InfinitiesAndNanSortAsInPostgres) {
  const std::vector<std::string> ascending = {"abc", "abd", "-Infinity", "-999",
                                              "0",   "999", "Infinity",  "NaN"};
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      const int order = Decimal::CompareText(ascending[i], ascending[j]);
      EXPECT_EQ((order > 0) - (order < 0), (i > j) - (i < j))
          << ascending[i] << " " << ascending[j];
    }
  }
}

TEST(DecimalTest, TextThatIsNoDecimalSortsBeforeByItsBytes) {
  EXPECT_LT(Decimal::CompareText("abc", "-999"), 0);
  EXPECT_GT(Decimal::CompareText("-999", "abc"), 0);
  EXPECT_LT(Decimal::CompareText("abc", "abd"), 0);
  EXPECT_EQ(Decimal::CompareText("abc", "abc"), 0);
  EXPECT_LT(Decimal::CompareText("", "a"), 0);
  EXPECT_LT(Decimal::CompareText("", "0"), 0);
}

}  // namespace
}  // namespace shard
