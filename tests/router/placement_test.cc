// Placement xxh3-v1 must never change. The encodings and slots below were not
// computed by this library, but by a C program of their own that gave byte
// strings written out by hand to libxxhash's XXH3_64bits.
#include "shard/router/placement.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/sql/types.h"
#include "shard/sql/value.h"

namespace shard {
namespace {

using shard::testing::HasCode;
using shard::testing::StatusIs;
using sql::Value;
using sql::ValueType;
using ::testing::HasSubstr;

Value Decimals(std::string_view text) {
  return Value(Decimal::Parse(text).value());
}

std::vector<sql::ValueView> Views(const std::vector<Value>& key) {
  std::vector<sql::ValueView> views;
  for (const Value& part : key) views.push_back(part.view());
  return views;
}

void ExpectSlot(const std::vector<Value>& key, std::string_view encoded,
                std::uint32_t slot) {
  SHARD_ASSERT_OK_AND_ASSIGN(const std::string bytes,
                             EncodeShardKey(Views(key)));
  EXPECT_EQ(bytes, encoded);
  SHARD_ASSERT_OK_AND_ASSIGN(const std::uint32_t found, SlotOf(Views(key)));
  EXPECT_EQ(found, slot);
}

// A literal with NUL bytes in it.
template <std::size_t kSize>
std::string_view Raw(const char (&text)[kSize]) {
  return {text, kSize - 1};
}

TEST(PlacementTest, IsNamed) {
  EXPECT_STREQ(kPlacementName, "xxh3-v1");
  EXPECT_EQ(kSlotCount, 4096u);
}

TEST(PlacementTest, Integers) {
  ExpectSlot({0}, Raw("\x01\0\0\0\0\0\0\0\0"), 787);
  ExpectSlot({1}, Raw("\x01\x01\0\0\0\0\0\0\0"), 2564);
  ExpectSlot({-1}, Raw("\x01\xff\xff\xff\xff\xff\xff\xff\xff"), 1338);
  ExpectSlot({42}, Raw("\x01\x2a\0\0\0\0\0\0\0"), 984);
  ExpectSlot({INT32_MAX}, Raw("\x01\xff\xff\xff\x7f\0\0\0\0"), 1980);
  ExpectSlot({INT32_MIN}, Raw("\x01\0\0\0\x80\xff\xff\xff\xff"), 2070);
  ExpectSlot({std::int64_t{INT64_MAX}},
             Raw("\x01\xff\xff\xff\xff\xff\xff\xff\x7f"), 2976);
  ExpectSlot({std::int64_t{INT64_MIN}}, Raw("\x01\0\0\0\0\0\0\0\x80"), 1777);
  // Of every width.
  ExpectSlot({std::int64_t{42}}, Raw("\x01\x2a\0\0\0\0\0\0\0"), 984);
  ExpectSlot({std::int64_t{-1}}, Raw("\x01\xff\xff\xff\xff\xff\xff\xff\xff"),
             1338);
}

TEST(PlacementTest, Text) {
  ExpectSlot({""}, Raw("\x02"), 3231);
  ExpectSlot({"a"},
             Raw("\x02"
                 "a"),
             2323);
  ExpectSlot({"Berlin"},
             Raw("\x02"
                 "Berlin"),
             2108);
  ExpectSlot({"Zürich"}, Raw("\x02Z\xc3\xbcrich"), 2361);
  ExpectSlot({Value(Raw("a\0b"))},
             Raw("\x02"
                 "a\0b"),
             2680);
  // Beyond 240 bytes XXH3 takes another path.
  ExpectSlot({std::string(300, 'x')}, "\x02" + std::string(300, 'x'), 896);
}

TEST(PlacementTest, BytesAreNotText) {
  ExpectSlot({Bytes{}}, Raw("\x03"), 318);
  ExpectSlot({Bytes{std::string(Raw("\0\xff"))}}, Raw("\x03\0\xff"), 296);
  ExpectSlot({Bytes{"a"}},
             Raw("\x03"
                 "a"),
             335);
}

TEST(PlacementTest, Uuids) {
  ExpectSlot(
      {Uuid::Parse("00112233-4455-6677-8899-aabbccddeeff").value()},
      Raw("\x04\0\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee"
          "\xff"),
      1644);
}

TEST(PlacementTest, Dates) {
  ExpectSlot({Date{0}}, Raw("\x05\0\0\0\0"), 731);
  ExpectSlot({Date{-1}}, Raw("\x05\xff\xff\xff\xff"), 3715);
  ExpectSlot({Date::Parse("2024-02-29").value()}, Raw("\x05\x46\x4d\0\0"),
             3753);
}

TEST(PlacementTest, Timestamps) {
  ExpectSlot({Timestamp{0}}, Raw("\x06\0\0\0\0\0\0\0\0"), 3985);
  ExpectSlot({Timestamp{-1}}, Raw("\x06\xff\xff\xff\xff\xff\xff\xff\xff"),
             3139);
  ExpectSlot({Timestamp::Parse("2024-02-29 12:00:00").value()},
             Raw("\x06\0\xf0\xaf\xff\x83\x12\x06\0"), 1282);
  // The same instant, said in another zone.
  ExpectSlot({Timestamp::Parse("2024-02-29 14:00:00+02").value()},
             Raw("\x06\0\xf0\xaf\xff\x83\x12\x06\0"), 1282);
}

TEST(PlacementTest, DecimalsByTheirShortestText) {
  for (const char* one : {"1", "1.0", "1.00", "+1", "01", "10e-1"}) {
    ExpectSlot({Decimals(one)},
               Raw("\x07"
                   "1"),
               843);
  }
  for (const char* zero : {"0", "-0", "0.00", "-0.0", ".0", "0e5"}) {
    ExpectSlot({Decimals(zero)},
               Raw("\x07"
                   "0"),
               1825);
  }
  ExpectSlot({Decimals("-12.50")}, "\x07-12.5", 3710);
  ExpectSlot({Decimals(".0010")},
             Raw("\x07"
                 "0.001"),
             739);
  ExpectSlot({Decimals("1e-3")},
             Raw("\x07"
                 "0.001"),
             739);
}

TEST(PlacementTest, CompositeKeysHaveTheLengthOfEachPart) {
  ExpectSlot({7, "de"},
             Raw("\x09\0\0\0\x01\x07\0\0\0\0\0\0\0\x03\0\0\0\x02"
                 "de"),
             1358);
  ExpectSlot({"de", 7},
             Raw("\x03\0\0\0\x02"
                 "de\x09\0\0\0\x01\x07\0\0\0\0\0\0\0"),
             1939);
  ExpectSlot({Date{0}, Decimals("1.0"), Uuid{}},
             Raw("\x05\0\0\0\x05\0\0\0\0\x02\0\0\0\x07"
                 "1\x11\0\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
             185);
  // Not the same, however the letters are cut.
  ExpectSlot({"a", "bc"},
             Raw("\x02\0\0\0\x02"
                 "a\x03\0\0\0\x02"
                 "bc"),
             2026);
  ExpectSlot({"ab", "c"},
             Raw("\x03\0\0\0\x02"
                 "ab\x02\0\0\0\x02"
                 "c"),
             1677);
}

TEST(PlacementTest, CompositeKeysOfEveryType) {
  Uuid uuid;
  for (std::size_t i = 0; i < 16; ++i) {
    uuid.bytes[i] = static_cast<std::uint8_t>(i);
  }
  ExpectSlot({Bytes{std::string("\0\xff", 2)}, -5},
             Raw("\x03\0\0\0\x03\0\xff\x09\0\0\0\x01\xfb\xff\xff\xff\xff\xff"
                 "\xff\xff"),
             3185);
  ExpectSlot({uuid, Timestamp{1'700'000'000'123'456}},
             Raw("\x11\0\0\0\x04\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b"
                 "\x0c\x0d\x0e\x0f\x09\0\0\0\x06@\" \x18$\n\x06\0"),
             2487);
  ExpectSlot({Date{-1}, "Zürich"},
             Raw("\x05\0\0\0\x05\xff\xff\xff\xff\x08\0\0\0\x02Z\xc3\xbcrich"),
             2097);
  ExpectSlot({Decimals("-12.50"), Bytes{}},
             Raw("\x06\0\0\0\x07-12.5\x01\0\0\0\x03"), 2595);
  ExpectSlot({"acme", uuid, std::int64_t{1} << 62},
             Raw("\x05\0\0\0\x02"
                 "acme\x11\0\0\0\x04\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a"
                 "\x0b\x0c\x0d\x0e\x0f\x09\0\0\0\x01\0\0\0\0\0\0\0@"),
             3965);
  ExpectSlot(
      {1, "a", Bytes{"b"}, uuid, Date{19782}, Timestamp{-1}, Decimals("0.10")},
      Raw("\x09\0\0\0\x01\x01\0\0\0\0\0\0\0\x02\0\0\0\x02"
          "a\x02\0\0\0\x03"
          "b\x11\0\0\0\x04\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b"
          "\x0c\x0d\x0e\x0f\x05\0\0\0\x05"
          "FM\0\0\x09\0\0\0\x06\xff\xff\xff\xff\xff\xff\xff\xff\x04\0\0\0"
          "\x07"
          "0.1"),
      2449);
  ExpectSlot({3, std::int64_t{4}},
             Raw("\x09\0\0\0\x01\x03\0\0\0\0\0\0\0\x09\0\0\0\x01\x04\0\0\0"
                 "\0\0\0\0"),
             308);
}

TEST(PlacementTest, ShortKeysAreTheSame) {
  ShortKey key;
  for (std::size_t size = 0; size < 100; ++size) {
    const std::vector<Value> one{Value(std::string(size, 'k'))};
    const std::vector<Value> two{Date{3}, Bytes{std::string(size, 'b')}};
    for (const std::vector<Value>& parts : {one, two}) {
      SHARD_ASSERT_OK_AND_ASSIGN(const std::string bytes,
                                 EncodeShardKey(Views(parts)));
      if (EncodeShortKey(Views(parts), &key)) {
        EXPECT_EQ(key.view(), bytes);
        EXPECT_EQ(std::string_view(key.bytes + key.size, 8),
                  std::string_view("\0\0\0\0\0\0\0\0", 8));
      } else {
        EXPECT_GT(bytes.size(), 40u);
      }
    }
  }
  EXPECT_TRUE(EncodeShortKey(Views({1, 2}), &key));
  EXPECT_FALSE(EncodeShortKey({}, &key));
  EXPECT_FALSE(EncodeShortKey(Views({1, Value()}), &key));
  EXPECT_FALSE(EncodeShortKey(Views({1.5}), &key));
  EXPECT_FALSE(EncodeShortKey(Views({Decimals("1")}), &key));
}

TEST(PlacementTest, WhatIsNoKeyIsRefused) {
  for (const Value& value :
       {Value(1.0), Value(true), Value(Json{"1"}), Value()}) {
    EXPECT_FALSE(CanBeShardKey(value.type()));
    EXPECT_THAT(SlotOf(Views({value})),
                HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(SlotOf(Views({1, value})),
                HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(EncodeShardKey(Views({value})),
                HasCode(absl::StatusCode::kInvalidArgument));
  }
  EXPECT_THAT(SlotOf(Views({Value()})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("NULL")));
  EXPECT_THAT(
      SlotOf(Views({Value(1.0)})),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("double")));
  EXPECT_THAT(SlotOf({}), HasCode(absl::StatusCode::kInvalidArgument));
  for (const ValueType type :
       {ValueType::kInt32, ValueType::kInt64, ValueType::kText,
        ValueType::kBytes, ValueType::kTimestamp, ValueType::kDate,
        ValueType::kDecimal, ValueType::kUuid}) {
    EXPECT_TRUE(CanBeShardKey(type));
  }
}

TEST(PlacementTest, SlotsAreSpreadEvenly) {
  std::vector<int> rows(16);
  for (std::int64_t id = 0; id < 16'000; ++id) {
    SHARD_ASSERT_OK_AND_ASSIGN(const std::uint32_t slot, SlotOf(Views({id})));
    ASSERT_LT(slot, kSlotCount);
    ++rows[slot / 256];
  }
  for (const int count : rows) {
    EXPECT_GT(count, 850);
    EXPECT_LT(count, 1150);
  }
}

}  // namespace
}  // namespace shard
