// Finding ":name" in SQL text, and not finding it where it is something else.
#include "shard/sql/text_parameters.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"

namespace shard::sql {
namespace {

using shard::testing::StatusIs;
using ::testing::HasSubstr;

// The text with parameters as <name>, or the error.
std::string Split(std::string_view sql) {
  const auto pieces = SplitParameters(sql);
  if (!pieces.ok()) return "error";
  std::string out;
  bool literal_before = false;
  for (const TextPiece& piece : *pieces) {
    if (piece.is_parameter) {
      out += "<" + piece.text + ">";
    } else {
      EXPECT_FALSE(piece.text.empty());
      EXPECT_FALSE(literal_before);  // literal text comes in one piece
      out += piece.text;
    }
    literal_before = !piece.is_parameter;
  }
  return out;
}

// Text in which there is no parameter comes back as it is.
void ExpectLiteral(std::string_view sql) { EXPECT_EQ(Split(sql), sql); }

TEST(SplitParametersTest, Parameters) {
  EXPECT_EQ(Split(""), "");
  EXPECT_EQ(Split(":a"), "<a>");
  EXPECT_EQ(Split("select :a, :b_2, :_c where x=:a"),
            "select <a>, <b_2>, <_c> where x=<a>");
  EXPECT_EQ(Split(":a:b"), "<a><b>");
  EXPECT_EQ(Split("(:a)+:B"), "(<a>)+<B>");
  EXPECT_EQ(Split("x:a"), "x<a>");
  EXPECT_EQ(Split(":aé"), "<a>é");
}

TEST(SplitParametersTest, ColonsThatAreNone) {
  ExpectLiteral(":");
  ExpectLiteral("a : b");
  ExpectLiteral("a :1");
  ExpectLiteral("a := 5");
  ExpectLiteral("x[1:2]");
  ExpectLiteral(":é");
  EXPECT_EQ(Split("a\\:b"), "a:b");
  EXPECT_EQ(Split("a\\:b :c"), "a:b <c>");
  ExpectLiteral("a \\ b");
  ExpectLiteral("\\");
}

TEST(SplitParametersTest, Casts) {
  ExpectLiteral("x::int");
  ExpectLiteral("x::");
  EXPECT_EQ(Split(":x::int"), "<x>::int");
  EXPECT_EQ(Split(":x::text::int + :y"), "<x>::text::int + <y>");
  EXPECT_EQ(Split("x:::y"), "x::<y>");
}

TEST(SplitParametersTest, QuotedText) {
  ExpectLiteral("':a'");
  ExpectLiteral("\":a\"");
  ExpectLiteral("'it''s :a'");
  ExpectLiteral("\"a\"\":b\"");
  ExpectLiteral("'\"' || ':a'");
  ExpectLiteral("'-- :a'");
  ExpectLiteral("'/* :a'");
  ExpectLiteral("''");
  EXPECT_EQ(Split("':a':b':c'"), "':a'<b>':c'");
  // A backslash is an ordinary character in standard SQL's strings.
  EXPECT_EQ(Split("'\\' || :a || '\\'"), "'\\' || <a> || '\\'");
}

TEST(SplitParametersTest, EscapeStrings) {
  ExpectLiteral("E'\\':a'");
  ExpectLiteral("e'it\\'s :a'");
  ExpectLiteral("E'\\\\'");
  EXPECT_EQ(Split("E'\\\\' || :a"), "E'\\\\' || <a>");
  // Behind a doubled quote backslashes still escape.
  ExpectLiteral("E'a''b\\':c'");
  EXPECT_EQ(Split("E'a''b\\'c' || :d"), "E'a''b\\'c' || <d>");
  EXPECT_EQ(Split("E'''' || :d"), "E'''' || <d>");
  // The end of another word is no E.
  EXPECT_EQ(Split("LIKE'\\' || :a || '\\'"), "LIKE'\\' || <a> || '\\'");
}

TEST(SplitParametersTest, DollarQuotes) {
  ExpectLiteral("$$ :a ' $$");
  ExpectLiteral("$tag$ :a $$ :b $tag$");
  ExpectLiteral("$_t1$:a$_t1$");
  EXPECT_EQ(Split("$$:a$$ :b $x$:c$x$"), "$$:a$$ <b> $x$:c$x$");
  // None of these starts one.
  EXPECT_EQ(Split("$1 :a $2"), "$1 <a> $2");
  EXPECT_EQ(Split("$1$ :a $1$"), "$1$ <a> $1$");
  EXPECT_EQ(Split("a$b$ :c"), "a$b$ <c>");
  EXPECT_EQ(Split("5 $ :a"), "5 $ <a>");
  EXPECT_EQ(Split(":a $"), "<a> $");
  EXPECT_EQ(Split(":a $t"), "<a> $t");
  // Identifiers and tags may have letters beyond ASCII.
  ExpectLiteral("$é$ :a $é$");
  EXPECT_EQ(Split("é$b$ :c"), "é$b$ <c>");
}

TEST(SplitParametersTest, Comments) {
  ExpectLiteral("select 1 -- :a");
  EXPECT_EQ(Split("-- :a\n:b"), "-- :a\n<b>");
  EXPECT_EQ(Split("-- it's\n:b"), "-- it's\n<b>");
  EXPECT_EQ(Split("/* :a ' \" $$ */:b"), "/* :a ' \" $$ */<b>");
  EXPECT_EQ(Split("/* /* :a */ :b */ :c"), "/* /* :a */ :b */ <c>");
  EXPECT_EQ(Split("/**/:a"), "/**/<a>");
  EXPECT_EQ(Split("1 - :a / :b * :c"), "1 - <a> / <b> * <c>");
}

TEST(SplitParametersTest, UnterminatedIsRefused) {
  for (const char* sql :
       {"'", "select 'a", "\"a", "'it''s", "'a''", "E'a\\'", "E'a\\", "E'a''",
        "$$ a", "$t$ a $$", "/*", "/* a", "/* /* */", "/*/"}) {
    EXPECT_THAT(
        SplitParameters(sql),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("does not end")))
        << sql;
  }
}

TEST(SplitParametersTest, NulIsRefusedWhereverItStands) {
  for (const std::string_view sql :
       {std::string_view("\0", 1), std::string_view("select 1\0", 9),
        std::string_view("'a\0b'", 5), std::string_view("-- \0", 4)}) {
    EXPECT_THAT(SplitParameters(sql),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("NUL")));
  }
}

}  // namespace
}  // namespace shard::sql
