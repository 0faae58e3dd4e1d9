// Many rows changed, or deleted, at once.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/session/query.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/bulk_models.h"
#include "shard/tests/session/session_test.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

using Mappings = std::vector<sql::Parameters>;

class BulkUpdateTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (!IsSkipped()) Open<Book, Paper, Made>();
  }
  void Insert(std::int64_t rows) {
    Mappings books, papers;
    for (std::int64_t id = 1; id <= rows; ++id) {
      books.push_back({{"id", id}, {"title", "old"}});
      papers.push_back({{"id", id}, {"title", "old"}});
    }
    ShardedSession session(options());
    SHARD_ASSERT_OK(session.BulkInsertMappings<Book>(books));
    SHARD_ASSERT_OK(session.BulkInsertMappings<Paper>(papers));
    SHARD_ASSERT_OK(session.Commit());
    log().Clear();
  }
  std::string Title(std::int64_t id, const char* table = "books") {
    return ReadText(
        home(), absl::StrCat("select title from ", table, " where id=", id));
  }
};
SHARD_ON_SESSIONS(BulkUpdateTest);

TEST_P(BulkUpdateTest, Row130TheKeySaysWhichRow) {
  Insert(4);
  const std::vector<sql::Parameters> rows = {
      {{"id", 1}, {"region", "eu"}, {"title", "n1"}},
      {{"id", 2}, {"region", "eu"}, {"title", "n2"}},
      {{"id", 3}, {"region", "eu"}, {"note", "s"}},
      {{"id", 4}, {"region", "eu"}, {"title", "n4"}}};
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const BulkReport report,
                             session.BulkUpdateMappings<Book>(rows));
  EXPECT_EQ(report.updated, 4);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Title(1), "n1");
  EXPECT_EQ(Title(3), "old");
  EXPECT_EQ(Title(4), "n4");
}

TEST_P(BulkUpdateTest, Row130AKeyAloneIsNothingToDo) {
  Insert(1);
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const BulkReport report,
                             session.BulkUpdateMappings<Book>(
                                 Mappings{{{"id", 1}}}, {}, AtHome<Book>()));
  EXPECT_EQ(report.unchanged, 1);
  EXPECT_EQ(log().CountAll(), 0);
}

// Neighbours of other columns cost a statement only where order is to be kept.
TEST_P(BulkUpdateTest, Row130StatementsOfMixedColumns) {
  Insert(4);
  const Mappings rows = {{{"id", 1}, {"title", "a"}},
                         {{"id", 2}, {"title", "b"}},
                         {{"id", 3}, {"shelf", "c"}},
                         {{"id", 4}, {"title", "d"}}};
  const auto statements = [&](BulkOrder order) {
    ShardedSession session(options());
    log().Clear();
    SHARD_EXPECT_OK(session.BulkUpdateMappings<Book>(
        rows, {.preserve_order = order}, AtHome<Book>()));
    std::vector<std::string> texts;
    for (const auto& entry : log().Of("UPDATE")) {
      if (texts.empty() || texts.back() != entry.statement) {
        texts.push_back(entry.statement);
      }
    }
    SHARD_EXPECT_OK(session.Commit());
    return texts.size();
  };
  EXPECT_EQ(statements(BulkOrder::kRows), 3);
  EXPECT_EQ(statements(BulkOrder::kRuns), 2);
  EXPECT_EQ(Title(4), "d");
}

TEST_P(BulkUpdateTest, Row130ManyRowsInAStatement) {
  Insert(1000);
  Mappings rows;
  for (std::int64_t id = 1; id <= 1000; ++id) {
    rows.push_back({{"id", id}, {"title", absl::StrCat("n", id)}});
  }
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.BulkUpdateMappings<Book>(rows, {}, AtHome<Book>()));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Title(1), "n1");
  EXPECT_EQ(Title(1000), "n1000");
  EXPECT_LT(log().Count("UPDATE"), 150);
}

TEST_P(BulkUpdateTest, Row133AMissingRowAmongManyIsNamed) {
  Insert(500);
  Mappings rows;
  for (std::int64_t id = 1; id <= 501; ++id) {
    rows.push_back({{"id", id}, {"title", "n"}, {"note", sql::Value()}});
  }
  ShardedSession session(options());
  EXPECT_THAT(session.BulkUpdateMappings<Book>(rows, {}, AtHome<Book>()),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("row 501")));
}

TEST_P(BulkUpdateTest, TheLastOfEqualKeysCounts) {
  Insert(500);
  Mappings rows;
  for (std::int64_t i = 0; i <= 500; ++i) {
    rows.push_back({{"id", i % 500 + 1}, {"title", absl::StrCat("n", i)}});
  }
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.BulkUpdateMappings<Book>(rows, {}, AtHome<Book>()));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Title(1), "n500");
  EXPECT_EQ(Title(2), "n1");
}

TEST_P(BulkUpdateTest, Row132MissingKeysAreRefused) {
  ShardedSession session(options());
  EXPECT_THAT(session.BulkUpdateMappings<Book>(
                  Mappings{{{"id", 1}, {"region", "eu"}, {"title", "a"}},
                           {{"region", "eu"}, {"title", "b"}}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("row 2"), HasSubstr("Book.id"))));
  EXPECT_EQ(log().CountAll(), 0);
}

TEST_P(BulkUpdateTest, MissingShardKeysAreRefused) {
  if (!is_sharded()) return;
  ShardedSession session(options());
  EXPECT_THAT(
      session.BulkUpdateMappings<Book>(Mappings{{{"id", 1}, {"title", "a"}}}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("row 1"), HasSubstr("Book.region"))));
  EXPECT_EQ(log().CountAll(), 0);
}

TEST_P(BulkUpdateTest, AShardKeyOfAnotherShardIsRefused) {
  if (!is_sharded()) return;
  Insert(1);
  ShardedSession session(options());
  EXPECT_THAT(session.BulkUpdateMappings<Book>(
                  Mappings{{{"id", 1}, {"region", "us"}}}, {}, AtHome<Book>()),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("row 1"), HasSubstr("Book.region"),
                             HasSubstr("'s0'"), HasSubstr("'s1'"))));
  SHARD_ASSERT_OK_AND_ASSIGN(auto book, session.Scalars(Select<Book>()));
  const auto pause = session.NoAutoflush();
  book[0]->region = "us";
  EXPECT_THAT(session.BulkUpdate<Book>(book),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("'s0'"), HasSubstr("'s1'"))));
}

TEST_P(BulkUpdateTest, Row133RowsThatAreNotThereAreNamed) {
  Insert(2);
  ShardedSession session(options());
  EXPECT_THAT(
      session.BulkUpdateMappings<Book>(Mappings{{{"id", 1}, {"title", "a"}},
                                                {{"id", 9}, {"title", "b"}},
                                                {{"id", 2}, {"title", "c"}},
                                                {{"id", 8}, {"title", "d"}}},
                                       {}, AtHome<Book>()),
      StatusIs(absl::StatusCode::kAborted, HasSubstr("rows 2, 4")));
  EXPECT_THAT(session.Commit(), HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_P(BulkUpdateTest, Row134StaleVersionsAreNamed) {
  Insert(2);
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.BulkUpdateMappings<Paper>(
      Mappings{{{"id", 1}, {"title", "a"}, {"version", 1}}}, {},
      AtHome<Paper>()));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(home(), "select version from papers where id=1"), 2);
  EXPECT_EQ(ReadNumber(home(), "select edited from papers where id=1"), 7);
  log().Clear();
  EXPECT_THAT(session.BulkUpdateMappings<Paper>(
                  Mappings{{{"id", 1}, {"title", "b"}}}, {}, AtHome<Paper>()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("row 1"), HasSubstr("Paper.version"))));
  EXPECT_EQ(log().CountAll(), 0);
  EXPECT_THAT(session.BulkUpdateMappings<Paper>(
                  Mappings{{{"id", 2}, {"title", "b"}, {"version", 1}},
                           {{"id", 1}, {"title", "b"}, {"version", 1}}},
                  {}, AtHome<Paper>()),
              StatusIs(absl::StatusCode::kAborted,
                       AllOf(HasSubstr("row 2"), HasSubstr("version 1"))));
}

TEST_P(BulkUpdateTest, Row138HeldObjectsAreReadAgain) {
  Insert(2);
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto books, session.Scalars(Select<Book>().OrderBy(Book::c.id)));
  SHARD_ASSERT_OK(session.BulkUpdateMappings<Book>(
      Mappings{{{"id", 1}, {"title", "new"}}}, {}, AtHome<Book>()));
  log().Clear();
  EXPECT_EQ(books[1]->title.value(), "old");
  EXPECT_EQ(log().CountAll(), 0);
  EXPECT_EQ(books[0]->title.value(), "new");
  EXPECT_EQ(log().CountAll(), 1);
}

TEST_P(BulkUpdateTest, Row140SqlOfOnUpdateIsRendered) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.BulkInsertMappings<Made>(
      Mappings{{{"id", 1}, {"title", "a"}, {"stamp", "own"}}}));
  SHARD_ASSERT_OK(session.BulkUpdateMappings<Made>(
      Mappings{{{"id", 1}, {"title", "b"}}}, {}, AtHome<Made>()));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadText(home(), "select stamp from made"), "MADE");
}

TEST_P(BulkUpdateTest, PlainStructsSetAllColumns) {
  Insert(300);
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(auto rows, session.Rows(Select<Paper>()));
  for (Paper::Row& row : rows) row.title = absl::StrCat("n", row.id);
  SHARD_ASSERT_OK(session.BulkUpdate<Paper>(rows));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Title(300, "papers"), "n300");
  EXPECT_EQ(ReadNumber(home(), "select min(version) from papers"), 2);
}

TEST_P(BulkUpdateTest, Row142DeletesByKey) {
  Insert(4);
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(
      const BulkReport report,
      session.BulkDelete<Book>(Mappings{{{"id", 1}}, {{"id", 3}}}, {},
                               AtHome<Book>()));
  EXPECT_EQ(report.deleted, 2);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto papers, session.Rows(Select<Paper>()));
  SHARD_ASSERT_OK(session.BulkDelete<Paper>(papers));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(home(), "books"), 2);
  EXPECT_EQ(CountRows(home(), "papers"), 0);
  EXPECT_THAT(
      session.BulkDelete<Book>(Mappings{{{"id", 1}}}, {}, AtHome<Book>()),
      StatusIs(absl::StatusCode::kAborted, HasSubstr("row 1")));
}

TEST_P(BulkUpdateTest, UpsertsByAnotherKeyTellTheRowsOwn) {
  RunSql(home(), "create unique index by_title on books (title)");
  ShardedSession session(options());
  SHARD_ASSERT_OK(
      session.BulkInsertMappings<Book>(Mappings{{{"title", "old"}}}));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto books, session.Scalars(Select<Book>()));
  const std::int64_t old = books[0]->id.value();
  const BulkOptions how = {.return_defaults = true,
                           .conflict = {&Book::c.title.column()}};
  SHARD_ASSERT_OK_AND_ASSIGN(
      BulkReport report,
      session.BulkUpsert<Book>(
          Mappings{{{"title", "new"}, {"copies", 5}},
                   {{"id", 50}, {"title", "old"}, {"copies", 6}}},
          how, AtHome<Book>()));
  EXPECT_NE(report.keys[0].Views()[0].integer(), old);
  EXPECT_EQ(report.keys[1].Views()[0].integer(), old);
  EXPECT_EQ(books[0]->copies.value(), 6);
  SHARD_ASSERT_OK_AND_ASSIGN(
      report, session.BulkUpsert<Book>(Mappings{{{"title", "old"}}}, how,
                                       AtHome<Book>()));
  EXPECT_EQ(report.keys[0].Views()[0].integer(), old);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(home(), "books"), 2);
}

TEST_P(BulkUpdateTest, Row145ParametersMayHaveOtherNames) {
  Insert(2);
  ShardedSession session(options());
  const Mappings sets = {{{"which", 1}, {"to", "a"}},
                         {{"which", 2}, {"to", "b"}}};
  SHARD_ASSERT_OK(session.Execute(
      "update books set title = :to where id = :which", sets, AtHome<Book>()));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Title(2), "b");
}

TEST_P(BulkUpdateTest, EachRowIsWrittenOnItsShard) {
  Mappings rows;
  for (std::int64_t id = 1; id <= 200; ++id) {
    rows.push_back(
        {{"id", id}, {"region", id % 2 == 0 ? "eu" : "us"}, {"title", "old"}});
  }
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.BulkInsertMappings<Book>(rows));
  SHARD_ASSERT_OK_AND_ASSIGN(auto structs, session.Rows(Select<Book>()));
  for (Book::Row& row : structs) row.title = row.region;
  SHARD_ASSERT_OK(session.BulkUpdate<Book>(structs));
  structs.resize(150);
  SHARD_ASSERT_OK_AND_ASSIGN(const BulkReport report,
                             session.BulkDelete<Book>(structs));
  EXPECT_EQ(report.deleted, 150);
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK_AND_ASSIGN(structs, session.Rows(Select<Book>()));
  EXPECT_THAT(structs, SizeIs(50));
  for (const Book::Row& row : structs) EXPECT_EQ(row.title, row.region);
}

TEST_P(BulkUpdateTest, UpsertsInsertOrSetWhatIsGiven) {
  Insert(2);
  Mappings rows;
  for (std::int64_t id = 2; id <= 300; ++id) {
    rows.push_back({{"id", id}, {"title", absl::StrCat("n", id)}});
  }
  ShardedSession session(options());
  if (is_sharded()) {
    EXPECT_THAT(
        session.BulkUpsert<Book>(rows),
        StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("books.region")));
  }
  SHARD_ASSERT_OK_AND_ASSIGN(
      BulkReport report, session.BulkUpsert<Book>(rows, {}, AtHome<Book>()));
  EXPECT_EQ(report.upserted, 299);
  SHARD_ASSERT_OK_AND_ASSIGN(
      report, session.BulkUpsert<Paper>(rows, {}, AtHome<Paper>()));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Title(1), "old");
  EXPECT_EQ(Title(2), "n2");
  EXPECT_EQ(Title(300), "n300");
  EXPECT_EQ(ReadNumber(home(), "select version from papers where id=2"), 2);
  EXPECT_EQ(ReadNumber(home(), "select edited from papers where id=2"), 7);
  EXPECT_EQ(ReadNumber(home(), "select version from papers where id=3"), 1);
}

}  // namespace
}  // namespace shard::testing
