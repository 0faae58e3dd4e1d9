// How progress looks.
#include "shard/tools/shardctl/progress_bar.h"

#include <cstddef>
#include <string>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/tools/shardctl/style.h"

namespace shard::shardctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

WorkDone HalfWay() {
  WorkDone done;
  done.rows = 431'000;
  done.bytes = 21'300'000;
  done.total_bytes = 49'600'000;
  done.rows_per_second = 112'345.6;
  done.left = absl::Seconds(3);
  return done;
}

TEST(ProgressBarTest, TellsAllWhereThereIsRoom) {
  EXPECT_EQ(BarText(HalfWay(), 120, false),
            "[===============>                      ]   42%  431,000 rows  "
            "21.3 of 49.6 MB  112,345/s  3s left");
}

TEST(ProgressBarTest, FitsTheTerminal) {
  EXPECT_EQ(BarText(HalfWay(), 79, false),
            "[=======>            ]   42%  431,000 rows  21.3 of 49.6 MB  "
            "112,345/s  3s left");
  for (std::size_t width = 1; width < 130; ++width) {
    EXPECT_LE(Width(BarText(HalfWay(), width, false)), width);
    WorkDone unknown = HalfWay();
    unknown.total_bytes = 0;
    EXPECT_LE(Width(BarText(unknown, width, false)), width);
  }
  EXPECT_EQ(BarText(HalfWay(), 50, false),
            "[==>     ]   42%  431,000 rows  112,345/s  3s left");
  EXPECT_EQ(BarText(HalfWay(), 10, false), " 42%");
  EXPECT_EQ(BarText(HalfWay(), 0, false), "");
}

TEST(ProgressBarTest, BeginningAndEnd) {
  WorkDone done = HalfWay();
  done.bytes = done.rows = 0;
  done.rows_per_second = 0;
  done.left.reset();
  EXPECT_EQ(BarText(done, 50, false),
            "[                  ]    0%  0 rows  0.0 of 49.6 MB");
  // A file that grows meanwhile ends no later than at its end.
  done.bytes = 60'000'000;
  EXPECT_THAT(BarText(done, 100, false), HasSubstr("=]  100%"));
}

TEST(ProgressBarTest, WithoutATotalThereIsNoBar) {
  WorkDone done = HalfWay();
  done.total_bytes = 0;
  done.left.reset();
  EXPECT_EQ(BarText(done, 80, false), "431,000 rows  21.3 MB  112,345/s");
}

TEST(ProgressBarTest, RefusedRowsShow) {
  WorkDone done = HalfWay();
  done.refused = 1234;
  EXPECT_THAT(BarText(done, 120, false), HasSubstr("  1,234 refused"));
  EXPECT_THAT(BarText(done, 120, true), HasSubstr("\x1b[33m1,234 refused"));
  EXPECT_EQ(ProgressText(done),
            "42%, 431,000 rows, 21.3 of 49.6 MB, 112,345/s, 3s left, 1,234 "
            "refused");
}

TEST(ProgressBarTest, ColorsTakeNoRoom) {
  const std::string text = BarText(HalfWay(), 79, true);
  EXPECT_THAT(text, StartsWith("[\x1b[32m=======>\x1b[0m  "));
  EXPECT_THAT(text, HasSubstr("3s left"));
  EXPECT_THAT(BarText(HalfWay(), 79, false), Not(HasSubstr("\x1b")));
}

TEST(ProgressBarTest, Numbers) {
  EXPECT_EQ(CountText(0), "0");
  EXPECT_EQ(CountText(999), "999");
  EXPECT_EQ(CountText(1000), "1,000");
  EXPECT_EQ(CountText(1234567), "1,234,567");
  EXPECT_EQ(CountText(-123456), "-123,456");
  EXPECT_EQ(BytesText(0), "0 B");
  EXPECT_EQ(BytesText(999), "999 B");
  EXPECT_EQ(BytesText(1000), "1.0 kB");
  EXPECT_EQ(BytesText(49'600'000), "49.6 MB");
  EXPECT_EQ(BytesText(5'000'000'000), "5.0 GB");
}

}  // namespace
}  // namespace shard::shardctl
