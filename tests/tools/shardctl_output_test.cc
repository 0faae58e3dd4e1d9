// Tables and ages, as people see them.
#include <sstream>
#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "shard/tools/shardctl/style.h"
#include "shard/tools/shardctl/table.h"

namespace shard::shardctl {
namespace {

std::string Print(const Table& table, bool colors = false) {
  std::ostringstream out;
  table.Print(out, colors);
  return out.str();
}

TEST(TableTest, ColumnsAlignAndNothingTrails) {
  Table table({"A", "LONGER", "LAST"});
  table.Add({std::string("wide"), std::string("x"), std::string("end")});
  table.AddNote("a note");
  table.Add({std::string("b"), std::string(""), std::string("")});
  EXPECT_EQ(Print(table),
            "A     LONGER  LAST\n"
            "wide  x       end\n"
            "              a note\n"
            "b     -       -\n");
}

TEST(TableTest, ColorsTakeNoRoom) {
  Table table({});
  table.Add({{"ok", Color::kGreen}, std::string("x")});
  table.Add({{"error", Color::kRed}, std::string("y")});
  EXPECT_EQ(Print(table), "ok     x\nerror  y\n");
  EXPECT_EQ(Print(table, true),
            "\x1b[32mok\x1b[0m     x\n\x1b[31merror\x1b[0m  y\n");
}

TEST(TableTest, CountsCharactersNotBytes) {
  Table table({});
  table.Add({std::string("größe"), std::string("x")});
  table.Add({std::string("small"), std::string("y")});
  EXPECT_EQ(Print(table), "größe  x\nsmall  y\n");
}

TEST(StyleTest, TextOfDatabasesCannotDriveTheTerminal) {
  EXPECT_EQ(OneLine(" a\n b\tc \x1b[2J\x7f\r\n"), "a  b c ?[2J?");
  Table table({});
  table.Add({std::string("\x1b[2J"), std::string("a\nb")});
  EXPECT_EQ(Print(table), "?[2J  a b\n");
}

TEST(StyleTest, Ages) {
  EXPECT_EQ(AgeText(-absl::Seconds(3)), "0s");
  EXPECT_EQ(AgeText(absl::Milliseconds(900)), "0s");
  EXPECT_EQ(AgeText(absl::Seconds(59)), "59s");
  EXPECT_EQ(AgeText(absl::Seconds(60)), "1m 0s");
  EXPECT_EQ(AgeText(absl::Seconds(192)), "3m 12s");
  EXPECT_EQ(AgeText(absl::Minutes(125)), "2h 5m");
  EXPECT_EQ(AgeText(absl::Hours(99) + absl::Minutes(59)), "4d 3h");
}

}  // namespace
}  // namespace shard::shardctl
