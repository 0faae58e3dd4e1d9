// Input that tries to break things: it comes back exactly, or is refused before
// any SQL.
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

template <class F>
struct OddFields {
  Field<F, std::int64_t, "id\"; drop table x; --", PrimaryKey> id;
  Field<F, std::optional<std::string>, "näme 'quoted'\n\tand \\ spaced"> name;
  Field<F, std::optional<std::int64_t>, "select"> number;
  Field<F, std::optional<std::int64_t>, ":param"> param;
  Field<F, std::optional<std::int64_t>, "$1?"> dollar;
};
struct Odd : Entity<Odd, OddFields, "öd\"d 'tab;le"> {};

template <class F>
struct NulFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "a\0b"> name;
};
struct Nul : Entity<Nul, NulFields, "nul"> {};

template <class F>
struct BlobFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, Bytes, "data"> data;
  Field<F, std::optional<std::string>, "text"> text;
};
struct Blob : Entity<Blob, BlobFields, "blobs"> {};

class BadInputTest : public DatabaseTest {};

TEST_P(BadInputTest, NamesOfTablesAndColumns) {
  const auto engine = NewEngine("main", {&Odd::table()});
  ShardedSession session(engine);
  std::vector<std::shared_ptr<Odd>> all;
  for (int i = 1; i <= 3; ++i) {
    auto odd = std::make_shared<Odd>();
    odd->name = "n" + std::to_string(i);
    odd->number = i;
    odd->param = i;
    odd->dollar = i;
    all.push_back(odd);
  }
  SHARD_ASSERT_OK(session.AddAll(all));
  SHARD_ASSERT_OK(session.Commit());
  all[0]->number = 10;
  all[1]->param = Odd::c.param + 40;
  SHARD_ASSERT_OK(session.Delete(all[2]));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(all[0]->number.value(), 10);
  EXPECT_EQ(all[1]->param.value(), 42);
  EXPECT_EQ(all[1]->name.value(), "n2");
  SHARD_ASSERT_OK_AND_ASSIGN(auto rows,
                             session.Execute(Select(Odd::c.name)
                                                 .Where(Odd::c.dollar < 3)
                                                 .OrderBy(Desc(Odd::c.id))));
  EXPECT_EQ(rows.columns()[0].name, "näme 'quoted'\n\tand \\ spaced");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, rows.All());
  EXPECT_EQ(found.size(), 2u);
}

TEST_P(BadInputTest, NamesWithNulAreRefused) {
  const auto engine = NewEngine("main", {});
  ShardedSession session(engine);
  auto nul = std::make_shared<Nul>();
  nul->name = "x";
  nul->id = 1;
  SHARD_ASSERT_OK(session.Add(nul));
  EXPECT_THAT(session.Flush(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("NUL")));
  session.Rollback();
  EXPECT_THAT(session.Scalars(Select<Nul>()),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(log().CountAll(), 0u);
}

TEST_P(BadInputTest, ValuesComeBackAsTheyWent) {
  const auto engine = NewEngine("main", {&Account::table(), &Page::table()});
  const std::vector<std::string> values = {
      "",
      "'; drop table accounts; --",
      "\"quoted\" 'twice'' and \\ back\\slashed \\n",
      "line\nbreak\r\n\ttab",
      "žluťoučký кот 猫 \xF0\x9F\x90\x88 e\xCC\x81",
      ":id $1 ? ?1 @x %s {} [] $$ $tag$",
      "NULL",
      "\x01\x7f",
      "E'\\x00'",
      " spaces ",
  };
  ShardedSession session(engine);
  for (std::size_t i = 0; i < values.size(); ++i) {
    SHARD_ASSERT_OK(session.Add(
        MakeAccountWithId(static_cast<std::int64_t>(i), values[i])));
    auto page = std::make_shared<Page>();
    page->path = values[i];
    SHARD_ASSERT_OK(session.Add(page));
  }
  SHARD_ASSERT_OK(session.Commit());
  for (std::size_t i = 0; i < values.size(); ++i) {
    SHARD_ASSERT_OK_AND_ASSIGN(
        const auto account, session.Get<Account>(static_cast<std::int64_t>(i)));
    ASSERT_EQ(account->owner.value(), values[i]);
    SHARD_ASSERT_OK_AND_ASSIGN(const auto page, session.Get<Page>(values[i]));
    ASSERT_NE(page, nullptr);
    EXPECT_EQ(page->path.value(), values[i]);
    SHARD_ASSERT_OK_AND_ASSIGN(const auto found,
                               session.Scalars(Select<Account>().Where(
                                   Account::c.owner == values[i])));
    EXPECT_EQ(found.size(), 1u);
    SHARD_ASSERT_OK_AND_ASSIGN(
        auto counted,
        session.Execute("select count(*) from accounts where owner = :owner",
                        {{"owner", values[i]}}));
    EXPECT_EQ(counted.Scalar<std::int64_t>().value(), 1);
  }
  SHARD_ASSERT_OK_AND_ASSIGN(const auto all, session.Scalars(Select<Page>()));
  for (const auto& page : all) page->body = page->path.value() + "!";
  SHARD_ASSERT_OK(session.Commit());
  for (const auto& page : all) {
    EXPECT_EQ(page->body.value(), page->path.value() + "!");
  }
}

TEST_P(BadInputTest, TextWithNul) {
  const auto engine = NewEngine("main", {&Account::table()});
  const std::string text("a\0b", 3);
  {
    ShardedSession session(engine);
    const auto account = MakeAccount(text);
    SHARD_ASSERT_OK(session.Add(account));
    if (is_sqlite()) {
      SHARD_ASSERT_OK(session.Commit());
      EXPECT_EQ(account->owner.value(), text);
      return;
    }
    EXPECT_THAT(session.Commit(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("NUL")));
    EXPECT_EQ(log().CountAll(), 0u);
    session.Rollback();
    account->owner = "mended";
    SHARD_ASSERT_OK(session.Add(account));
    SHARD_ASSERT_OK(session.Commit());
    account->owner = text;
    EXPECT_THAT(session.Flush(), HasCode(absl::StatusCode::kInvalidArgument));
  }
  ShardedSession session(engine);
  log().Clear();
  EXPECT_THAT(
      session.Scalars(Select<Account>().Where(Account::c.owner == text)),
      HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(session.Execute("select 1 where 'x' = :x", {{"x", text}}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(log().CountAll(), 0u);
  SHARD_EXPECT_OK(session.Commit());
}

TEST_P(BadInputTest, TextThatIsNotUtf8) {
  if (is_sqlite()) GTEST_SKIP() << "SQLite stores any bytes";
  const auto engine = NewEngine("main", {&Account::table()});
  ShardedSession session(engine);
  SHARD_ASSERT_OK(session.Add(MakeAccount("\xff\xfe")));
  EXPECT_THAT(session.Commit(), StatusIs(absl::StatusCode::kInvalidArgument,
                                         Not(HasSubstr("\xff"))));
}

TEST_P(BadInputTest, TenMegabytes) {
  const auto engine = NewEngine("main", {&Blob::table()});
  std::string bytes(10 << 20, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(i * 31 % 251);
  }
  const std::string text(10 << 20, '\'');
  {
    ShardedSession session(engine);
    auto blob = std::make_shared<Blob>();
    blob->data = Bytes{bytes};
    blob->text = text;
    SHARD_ASSERT_OK(session.Add(blob));
    auto other = std::make_shared<Blob>();
    other->data = Bytes{bytes};
    SHARD_ASSERT_OK(session.Add(other));
    SHARD_ASSERT_OK(session.Commit());
  }
  ShardedSession session(engine);
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto blobs, session.Scalars(Select<Blob>().OrderBy(Blob::c.id)));
  ASSERT_EQ(blobs.size(), 2u);
  EXPECT_TRUE(blobs[0]->data.value().data == bytes);
  EXPECT_TRUE(blobs[0]->text.value() == text);
  EXPECT_TRUE(blobs[1]->data.value().data == bytes);
}

TEST_P(BadInputTest, TextKeysStayOutOfMessages) {
  const auto engine = NewEngine("main", {&Page::table()});
  ShardedSession session(engine);
  auto page = std::make_shared<Page>();
  page->path = std::string(is_sqlite() ? 10 << 20 : 2000, 'k');
  SHARD_ASSERT_OK(session.Add(page));
  SHARD_ASSERT_OK(session.Commit());
  RunSql(engine, "delete from pages");
  page->body = "x";
  const absl::Status status = session.Flush();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kAborted,
                               AllOf(HasSubstr("Page <text>"),
                                     Not(HasSubstr("kkkk")))));
}

TEST_P(BadInputTest, ErrorsDoNotShowValues) {
  const auto engine = NewEngine("main", {&Account::table()});
  RunSql(engine, "create unique index one_owner on accounts (owner)");
  ShardedSession session(engine);
  SHARD_ASSERT_OK(session.Add(MakeAccount("hunter2")));
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK(session.Add(MakeAccount("hunter2")));
  EXPECT_THAT(session.Commit(), StatusIs(absl::StatusCode::kAlreadyExists,
                                         Not(HasSubstr("hunter2"))));
  session.Rollback();
  EXPECT_THAT(
      session.Execute("insert into accounts (owner, balance) values "
                      "(:owner, :balance)",
                      {{"owner", "hunter2"}, {"balance", 1}}),
      StatusIs(absl::StatusCode::kAlreadyExists, Not(HasSubstr("hunter2"))));
}

TEST_P(BadInputTest, TimesFarAway) {
  const auto engine = NewEngine("main", {});
  ShardedSession session(engine);
  const Timestamp end{std::numeric_limits<std::int64_t>::max()};
  auto result =
      session.Execute("select cast(:at as timestamptz)", {{"at", end}});
  if (is_sqlite()) {  // its text would not sort
    EXPECT_THAT(result, HasCode(absl::StatusCode::kOutOfRange));
    EXPECT_EQ(log().CountAll(), 0u);
    SHARD_EXPECT_OK(session.Commit());
    return;
  }
  SHARD_ASSERT_OK(result);
  EXPECT_EQ(result->Scalar<Timestamp>().value(), end);
}

SHARD_ON_DATABASES(BadInputTest, "sqlite", "postgresql");

// Passwords.

TEST(PasswordTest, NeverInMessages) {
  for (const char* url :
       {"postgresql://user:s%65same@127.0.0.1:1/db",
        "postgresql://user:sesame@127.0.0.1:port/db",
        "postgresql://user:sesame@127.0.0.1:1/db?nonsense=1",
        "postgresql://127.0.0.1:1/db?password=sesame",
        "postgresql://user:sesame@[::1/db", "nothing://user:sesame@host/db",
        "sqlite://user:sesame@/file.db", "postgresql:user:sesame@host"}) {
    const auto engine = OpenEngine(url);
    if (!engine.ok()) {
      EXPECT_THAT(std::string(engine.status().message()),
                  Not(HasSubstr("sesame")))
          << url;
      continue;
    }
    EXPECT_THAT((*engine)->name(), Not(HasSubstr("sesame"))) << url;
    ShardedSession session(*engine);
    SHARD_ASSERT_OK(session.Add(MakeAccount("ada")));
    const auto done = session.Commit();
    EXPECT_FALSE(done.ok()) << url;
    EXPECT_THAT(done.status().ToString(), Not(HasSubstr("sesame"))) << url;
  }
}

}  // namespace
}  // namespace shard::testing
