// Database URLs: every part, and passwords that must never show.
#include "shard/dialects/url.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/engine.h"

namespace shard {
namespace {

using shard::testing::HasCode;
using shard::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

TEST(UrlTest, EveryPartIsRead) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Url url,
      Url::Parse("postgresql://anna:s3cr3t@db.example:6432/shop?sslmode="
                 "require&application_name=till"));
  EXPECT_EQ(url.scheme, "postgresql");
  EXPECT_EQ(url.user, "anna");
  EXPECT_EQ(url.password, "s3cr3t");
  EXPECT_EQ(url.host, "db.example");
  EXPECT_EQ(url.port, 6432);
  EXPECT_EQ(url.path, "shop");
  EXPECT_THAT(url.query, ElementsAre(Pair("sslmode", "require"),
                                     Pair("application_name", "till")));
  EXPECT_EQ(url.Redacted(), "postgresql://anna:***@db.example:6432/shop");
}

TEST(UrlTest, PartsMayBeLeftOut) {
  SHARD_ASSERT_OK_AND_ASSIGN(const Url bare, Url::Parse("sqlite://"));
  EXPECT_EQ(bare.scheme, "sqlite");
  EXPECT_EQ(bare.host, "");
  EXPECT_EQ(bare.path, "");
  EXPECT_FALSE(bare.port.has_value());
  EXPECT_THAT(bare.query, IsEmpty());
  EXPECT_EQ(bare.Redacted(), "sqlite://");

  SHARD_ASSERT_OK_AND_ASSIGN(const Url host, Url::Parse("postgresql://db"));
  EXPECT_EQ(host.host, "db");
  EXPECT_EQ(host.Redacted(), "postgresql://db");

  SHARD_ASSERT_OK_AND_ASSIGN(const Url user, Url::Parse("postgresql://anna@"));
  EXPECT_EQ(user.user, "anna");
  EXPECT_EQ(user.host, "");

  SHARD_ASSERT_OK_AND_ASSIGN(const Url empty_password,
                             Url::Parse("postgresql://anna:@db"));
  EXPECT_EQ(empty_password.user, "anna");
  EXPECT_EQ(empty_password.password, "");
  EXPECT_EQ(empty_password.host, "db");

  SHARD_ASSERT_OK_AND_ASSIGN(const Url no_user,
                             Url::Parse("postgresql://:s3cr3t@db/x"));
  EXPECT_EQ(no_user.user, "");
  EXPECT_EQ(no_user.password, "s3cr3t");
  EXPECT_EQ(no_user.Redacted(), "postgresql://:***@db/x");

  SHARD_ASSERT_OK_AND_ASSIGN(const Url query,
                             Url::Parse("postgresql://db?a=b"));
  EXPECT_EQ(query.host, "db");
  EXPECT_THAT(query.query, ElementsAre(Pair("a", "b")));
}

TEST(UrlTest, PathsOfFiles) {
  SHARD_ASSERT_OK_AND_ASSIGN(const Url relative,
                             Url::Parse("sqlite:///dir/file.db"));
  EXPECT_EQ(relative.path, "dir/file.db");
  EXPECT_EQ(relative.Redacted(), "sqlite:///dir/file.db");
  SHARD_ASSERT_OK_AND_ASSIGN(const Url absolute,
                             Url::Parse("sqlite:////var/file.db"));
  EXPECT_EQ(absolute.path, "/var/file.db");
  EXPECT_EQ(absolute.Redacted(), "sqlite:////var/file.db");
  // No user and no password can stand before a path without a host.
  SHARD_ASSERT_OK_AND_ASSIGN(const Url at, Url::Parse("sqlite:///a@b:c.db"));
  EXPECT_EQ(at.path, "a@b:c.db");
}

TEST(UrlTest, PercentEncodingIsDecodedInEveryPart) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Url url,
      Url::Parse("postgresql://a%40b:p%3A%2f%3F%25@h%2Dx/d%20b?k%26=v%3D"));
  EXPECT_EQ(url.user, "a@b");
  EXPECT_EQ(url.password, "p:/?%");
  EXPECT_EQ(url.host, "h-x");
  EXPECT_EQ(url.path, "d b");
  EXPECT_THAT(url.query, ElementsAre(Pair("k&", "v=")));
  // A socket directory as the host.
  SHARD_ASSERT_OK_AND_ASSIGN(const Url socket,
                             Url::Parse("postgresql://%2Fvar%2Frun/db"));
  EXPECT_EQ(socket.host, "/var/run");
  // Bytes beyond ASCII stay as they are, encoded or not.
  SHARD_ASSERT_OK_AND_ASSIGN(const Url umlaut,
                             Url::Parse("postgresql://h/Z\xc3\xbc%C3%BC"));
  EXPECT_EQ(umlaut.path, "Z\xc3\xbc\xc3\xbc");
}

TEST(UrlTest, BadPercentEncodingNamesThePart) {
  using Case = std::pair<const char*, const char*>;
  for (const auto& [text, part] :
       {Case{"postgresql://a%4@h", "user"}, Case{"postgresql://a%@h", "user"},
        Case{"postgresql://a:p%zz@h", "password"},
        Case{"postgresql://h%1", "host"}, Case{"postgresql://h/x%2", "path"},
        Case{"postgresql://h/x%-1", "path"},
        Case{"postgresql://h/x?a=%g0", "options"}}) {
    EXPECT_THAT(Url::Parse(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(part)))
        << text;
  }
  EXPECT_THAT(
      Url::Parse("sqlite:///a%00b"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("NUL byte")));
}

TEST(UrlTest, Ipv6StandsInBrackets) {
  SHARD_ASSERT_OK_AND_ASSIGN(const Url url,
                             Url::Parse("postgresql://u@[fe80::1]:5433/db"));
  EXPECT_EQ(url.host, "fe80::1");
  EXPECT_EQ(url.port, 5433);
  EXPECT_EQ(url.Redacted(), "postgresql://u@[fe80::1]:5433/db");
  SHARD_ASSERT_OK_AND_ASSIGN(const Url no_port,
                             Url::Parse("postgresql://[::1]"));
  EXPECT_EQ(no_port.host, "::1");
  EXPECT_FALSE(no_port.port.has_value());

  EXPECT_THAT(Url::Parse("postgresql://[::1/db"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'['")));
  EXPECT_THAT(Url::Parse("postgresql://[::1]x/db"),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Url::Parse("postgresql://[::1]:/db"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("port")));
  // Without brackets the last group would be taken for a port.
  EXPECT_THAT(
      Url::Parse("postgresql://::1/db"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("brackets")));
}

TEST(UrlTest, PortsAreNumbersFromOneTo65535) {
  SHARD_ASSERT_OK_AND_ASSIGN(const Url lowest, Url::Parse("postgresql://h:1"));
  EXPECT_EQ(lowest.port, 1);
  SHARD_ASSERT_OK_AND_ASSIGN(const Url highest,
                             Url::Parse("postgresql://h:65535/x"));
  EXPECT_EQ(highest.port, 65535);
  for (const char* port : {"0", "65536", "99999999999", "-1", "+1", " 1", "1 ",
                           "0x10", "5432a", "a", ""}) {
    EXPECT_THAT(
        Url::Parse(std::string("postgresql://h:") + port + "/db"),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("65535")))
        << port;
  }
}

TEST(UrlTest, SchemeIsNeeded) {
  for (const char* text :
       {"", "file.db", "sqlite:file.db", "sqlite:/file.db", "://x",
        "SQLITE:///x", "sq lite:///x", "user@host://x"}) {
    EXPECT_THAT(Url::Parse(text), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("<dialect>://")))
        << text;
  }
}

TEST(UrlTest, OptionsAreKeysAndValues) {
  SHARD_ASSERT_OK_AND_ASSIGN(const Url url,
                             Url::Parse("sqlite:///f?a=&b=1=2&a=3&"));
  EXPECT_THAT(url.query,
              ElementsAre(Pair("a", ""), Pair("b", "1=2"), Pair("a", "3")));
  for (const char* text :
       {"sqlite:///f?a", "sqlite:///f?=1", "sqlite:///f?a=1&&b=2"}) {
    EXPECT_THAT(Url::Parse(text), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("key=value")))
        << text;
  }
}

TEST(UrlTest, UnescapedAtInAPasswordIsReadAsMeant) {
  SHARD_ASSERT_OK_AND_ASSIGN(const Url url,
                             Url::Parse("postgresql://u:p@s3cr3t@h/db"));
  EXPECT_EQ(url.user, "u");
  EXPECT_EQ(url.password, "p@s3cr3t");
  EXPECT_EQ(url.host, "h");
}

// Whatever stands where a careless writer could put a password: it shows in no
// error and in no redacted URL.
TEST(UrlTest, PasswordNeverShows) {
  int refused = 0;
  int accepted = 0;
  for (const std::string before :
       {"postgresql://u:",       "postgresql://:",    "postgresql://u%zz:",
        "postgresql:/u:",        "postgresql:u:",     "u:",
        "POSTGRESQL://u:",       "post gres://u:",    "postgresql://[::1:",
        "postgresql://u:a@b:",   "postgresql://u:a@", "postgresql://u:a/",
        "postgresql://u:a@x/",   "postgresql://u:a?", "postgresql://u:a@x?",
        "postgresql://u:a@x?k=", "postgresql://u:a#", "postgresql://u:a://",
        "postgresql://u:[",      "postgresql://u:]",  "postgresql://u:%",
        "postgresql://u:%4",     "postgresql://u:a:"}) {
    for (const std::string after :
         {"@h/db",    "@h:1/db", "@h:0/db", "@h:x/db",   "@[::1]:5/db",
          "@[::1/db", "@h/db%",  "@h/db?x", "@h/db?a=b", "@/db",
          "@",        "/x@h/db", "?x@h/db", "@x@h/db",   "@x/y@h/db",
          "%@h",      "%00@h",   "[@h",     "]@h",       ":5432/db",
          ":5432",    ":",       ":x@h/db"}) {
      // Between '@' and the end the word is the name of a host or database.
      if (before.find('@') != std::string::npos &&
          after.find('@') == std::string::npos) {
        continue;
      }
      const std::string text = before + "s3cr3t" + after;
      const absl::StatusOr<Url> url = Url::Parse(text);
      if (url.ok()) {
        ++accepted;
        EXPECT_THAT(url->Redacted(), Not(HasSubstr("s3cr3t"))) << text;
      } else {
        ++refused;
        EXPECT_THAT(url.status().ToString(), Not(HasSubstr("s3cr3t"))) << text;
      }
      const auto engine = OpenEngine(text);  // no such dialect is linked in
      EXPECT_THAT(engine.status().ToString(), Not(HasSubstr("s3cr3t"))) << text;
      EXPECT_FALSE(engine.ok());
    }
  }
  EXPECT_GT(accepted, 20);
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace shard
