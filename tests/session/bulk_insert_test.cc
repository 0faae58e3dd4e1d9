// Many new rows at once.
#include <cstdint>
#include <optional>
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
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr auto& c = Book::c;
using Mappings = std::vector<sql::Parameters>;

std::int64_t IdOf(const BulkReport& report, std::size_t position) {
  return report.keys[position].Views()[0].integer();
}

class BulkInsertTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (!IsSkipped()) Open<Book, Paper, Made, Kept, Mute, Tagged>();
  }
  // "title|note|shelf|copies" by id, at home.
  std::string Contents() {
    return ReadText(home(),
                    is_postgresql()
                        ? "select string_agg(title || '|' || coalesce(note, "
                          "'-') || '|' || coalesce(shelf, '-') || '|' || "
                          "coalesce(copies::text, '-'), ',' order by title) "
                          "from books"
                        : "select group_concat(t, ',') from (select title || "
                          "'|' || coalesce(note, '-') || '|' || "
                          "coalesce(shelf, '-') || '|' || coalesce(copies, "
                          "'-') as t from books order by title)");
  }
};
SHARD_ON_SESSIONS(BulkInsertTest);

TEST_P(BulkInsertTest, Row38MissingKeysGetTheirDefaults) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.BulkInsertMappings<Book>(Mappings{{{"title", "a"}}}));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Contents(), "a|-|top|1");
}

TEST_P(BulkInsertTest, Row39NullMeansTheDefault) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(
      session.BulkInsertMappings<Book>(Mappings{{{"title", "a"},
                                                 {"note", sql::Value()},
                                                 {"shelf", sql::Value()},
                                                 {"copies", sql::Value()}}}));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Contents(), "a|-|top|1");
}

TEST_P(BulkInsertTest, Row40RenderNullsWritesThem) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(
      session.BulkInsertMappings<Book>(Mappings{{{"title", "a"},
                                                 {"note", sql::Value()},
                                                 {"shelf", sql::Value()},
                                                 {"copies", sql::Value()}}},
                                       {.render_nulls = true}));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Contents(), "a|-|-|-");
}

TEST_P(BulkInsertTest, Row41NullIsAValueWhereTheTypeSaysSo) {
  std::vector<Kept::Row> rows(1);
  rows[0].id = 1;
  rows[0].region = "eu";
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.BulkInsert<Kept>(rows));
  SHARD_ASSERT_OK(session.BulkInsertMappings<Kept>(
      Mappings{{{"id", 2}, {"word", sql::Value()}}, {{"id", 3}}}));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(home(), "kept where word is null"), 2);
  EXPECT_EQ(ReadText(home(), "select word from kept where id = 3"), "made");
}

// SQLAlchemy: a statement for each neighbour that is different.
TEST_P(BulkInsertTest, Row43ShapesOnlyDifferInWhatIsRendered) {
  ShardedSession session(options());
  log().Clear();
  SHARD_ASSERT_OK(session.BulkInsertMappings<Book>(
      Mappings{{{"title", "a"}},
               {{"title", "b"}, {"shelf", sql::Value()}},
               {{"title", "c"}, {"copies", sql::Value()}},
               {{"title", "d"}}}));
  EXPECT_EQ(log().Count("INSERT"), 1);
  log().Clear();
  SHARD_ASSERT_OK(session.BulkInsertMappings<Book>(
      Mappings{{{"title", "e"}},
               {{"title", "f"}, {"shelf", sql::Value()}},
               {{"title", "g"}, {"shelf", sql::Value()}},
               {{"title", "h"}}},
      {.render_nulls = true}));
  EXPECT_EQ(log().Count("INSERT"), 2);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Contents(),
            "a|-|top|1,b|-|top|1,c|-|top|1,d|-|top|1,"
            "e|-|top|1,f|-|-|1,g|-|-|1,h|-|top|1");
}

TEST_P(BulkInsertTest, Row127RowsOfEqualColumnsShareAStatement) {
  const Mappings rows = {{{"title", "a"}},
                         {{"title", "b"}, {"note", "n"}},
                         {{"title", "c"}},
                         {{"title", "d"}, {"note", "n"}}};
  ShardedSession session(options());
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(const BulkReport report,
                             session.BulkInsertMappings<Book>(rows));
  EXPECT_EQ(log().Count("INSERT"), 2);
  EXPECT_EQ(report.inserted, 4);
  session.Rollback();
  log().Clear();
  SHARD_ASSERT_OK(session.BulkInsertMappings<Book>(
      rows, {.preserve_order = BulkOrder::kRows}));
  EXPECT_EQ(log().Count("INSERT"), 4);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Contents(), "a|-|top|1,b|n|top|1,c|-|top|1,d|n|top|1");
}

TEST_P(BulkInsertTest, Row128NothingComesBackUnlessAsked) {
  ShardedSession session(options());
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(BulkReport report,
                             session.BulkInsertMappings<Book>(
                                 Mappings{{{"title", "a"}}, {{"title", "b"}}}));
  EXPECT_THAT(report.keys, SizeIs(0));
  EXPECT_EQ(log().CountAll(), 1);
  SHARD_ASSERT_OK_AND_ASSIGN(
      report,
      session.BulkInsertMappings<Book>(Mappings{{{"title", "c"}},
                                                {{"title", "d"}, {"note", "n"}},
                                                {{"title", "e"}, {"id", 77}}},
                                       {.return_defaults = true}));
  ASSERT_THAT(report.keys, SizeIs(3));
  EXPECT_EQ(IdOf(report, 2), 77);
  SHARD_ASSERT_OK(session.Commit());
  for (const auto& [position, title] :
       {std::pair(0, "c"), std::pair(1, "d"), std::pair(2, "e")}) {
    EXPECT_EQ(ReadText(home(), absl::StrCat("select title from books where id=",
                                            IdOf(report, position))),
              title);
  }
}

TEST_P(BulkInsertTest, Row129UnknownColumnsAreRefused) {
  ShardedSession session(options());
  log().Clear();
  EXPECT_THAT(session.BulkInsertMappings<Book>(
                  Mappings{{{"title", "a"}}, {{"titel", "b"}}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("row 2"), HasSubstr("titel"))));
  EXPECT_THAT(session.BulkInsertMappings<Book>(Mappings{{{"title", 5}}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("row 1"), HasSubstr("Book.title"))));
  EXPECT_THAT(
      session.BulkInsertMappings<Book>(Mappings{{{"title", sql::Value()}}}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("row 1"), HasSubstr("Book.title"))));
  EXPECT_EQ(log().CountAll(), 0);
}

TEST_P(BulkInsertTest, RefusedRowsCanBeLeftOut) {
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(
      const BulkReport report,
      session.BulkInsertMappings<Book>(
          Mappings{{{"title", "a"}}, {{"title", 5}}, {{"title", "c"}}},
          {.skip_refused = true}));
  EXPECT_EQ(report.inserted, 2);
  ASSERT_THAT(report.refused, SizeIs(1));
  EXPECT_EQ(report.refused[0].position, 1);
  EXPECT_THAT(report.refused[0].reason.message(), HasSubstr("row 2"));
}

TEST_P(BulkInsertTest, PlainStructsGoInAsTheyAre) {
  std::vector<Book::Row> rows;
  for (int i = 0; i < 5000; ++i) {
    Book::Row row{};
    row.region = i % 2 == 0 ? "eu" : "us";
    row.title = absl::StrCat("t", i);
    row.note = "n";
    row.shelf = "low";
    row.copies = i;
    rows.push_back(std::move(row));
  }
  ShardedSession session(options());
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(
      const BulkReport report,
      session.BulkInsert<Book>(rows,
                               {.return_defaults = true, .number_keys = true}));
  EXPECT_EQ(report.inserted, 5000);
  EXPECT_LT(log().CountAll(), 200);
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto stored, session.Rows(Select<Book>()));
  ASSERT_THAT(stored, SizeIs(5000));
  for (const Book::Row& row : stored) {
    const auto number = static_cast<std::size_t>(*row.copies);
    EXPECT_EQ(row.title, rows[number].title);
    EXPECT_EQ(row.id, IdOf(report, number));
    EXPECT_EQ(row.region, rows[number].region);
  }
}

TEST_P(BulkInsertTest, Row134VersionsBeginAnew) {
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.BulkInsertMappings<Paper>(
      Mappings{{{"id", 1}, {"title", "a"}, {"version", 9}}}));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(home(), "select version from papers"), 1);
}

TEST_P(BulkInsertTest, Row138PendingObjectsStayPending) {
  ShardedSession session(options());
  const auto book = MakeBook("z");
  SHARD_ASSERT_OK(session.Add(book));
  SHARD_ASSERT_OK(session.BulkInsertMappings<Book>(Mappings{{{"title", "a"}}}));
  EXPECT_EQ(book->object_state(), ObjectState::kPending);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(book->object_state(), ObjectState::kPersistent);
  EXPECT_EQ(CountRows(home(), "books"), 2);
}

TEST_P(BulkInsertTest, Row139AFailureIsUndoneWithItsSavepoint) {
  ShardedSession session(options());
  const Mappings twice = {{{"id", 1}, {"title", "a"}},
                          {{"id", 1}, {"title", "b"}}};
  SHARD_ASSERT_OK(
      session.BulkInsertMappings<Book>(Mappings{{{"title", "keep"}}}));
  SHARD_ASSERT_OK(session.BeginNested());
  EXPECT_THAT(session.BulkInsertMappings<Book>(twice),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("")));
  EXPECT_THAT(session.Commit(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("")));
  SHARD_ASSERT_OK(session.RollbackNested());
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Contents(), "keep|-|top|1");
}

TEST_P(BulkInsertTest, Row140SqlOfDefaultsIsRendered) {
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const BulkReport report,
                             session.BulkInsertMappings<Made>(
                                 Mappings{{{"title", "a"}},
                                          {{"title", "b"}},
                                          {{"title", "c"}, {"stamp", "own"}}},
                                 {.return_defaults = true}));
  SHARD_ASSERT_OK(session.Commit());
  const auto stamp = [&](std::size_t position) {
    return ReadText(home(), absl::StrCat("select stamp from made where id=",
                                         IdOf(report, position)));
  };
  EXPECT_EQ(stamp(0), "MADE");
  EXPECT_EQ(stamp(1), "MADE");
  EXPECT_EQ(stamp(2), "own");
}

// Statements of one class with and without RETURNING are told apart.
TEST_P(BulkInsertTest, Row141BulkAndFlushMix) {
  ShardedSession session(options());
  for (int i = 0; i < 2; ++i) {
    SHARD_ASSERT_OK(session.BulkInsertMappings<Book>(
        Mappings{{{"title", absl::StrCat("b", i)}}}));
    auto book = MakeBook(absl::StrCat("f", i));
    SHARD_ASSERT_OK(session.Add(book));
    SHARD_ASSERT_OK(session.Flush());
    EXPECT_EQ(book->shelf.value(), "top");
  }
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(home(), "books"), 4);
}

TEST_P(BulkInsertTest, Row143WithoutRowsOnlyTheTransactionBegins) {
  ShardedSession session(options());
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(const BulkReport report,
                             session.BulkInsertMappings<Book>(Mappings{}));
  EXPECT_EQ(report.inserted, 0);
  EXPECT_EQ(log().Count(""), 0);
  EXPECT_TRUE(session.in_transaction());
  SessionOptions by_hand = options();
  by_hand.autobegin = false;
  ShardedSession other(by_hand);
  EXPECT_THAT(
      other.BulkInsertMappings<Book>(Mappings{}),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("Begin()")));
}

TEST_P(BulkInsertTest, Row144KeysWithoutReturning) {
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(const BulkReport report,
                             session.BulkInsertMappings<Mute>(
                                 Mappings{{{"title", "a"}}, {{"title", "b"}}},
                                 {.return_defaults = true}));
  EXPECT_THAT(session.BulkInsertMappings<Tagged>(Mappings{{{"title", "a"}}},
                                                 {.return_defaults = true}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("row 1"), HasSubstr("Tagged.tag"))));
  SHARD_ASSERT_OK(
      session.BulkInsertMappings<Tagged>(Mappings{{{"title", "a"}}}));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadText(home(), absl::StrCat("select title from mutes where id=",
                                          IdOf(report, 1))),
            "b");
  EXPECT_EQ(ReadText(home(), "select tag from tagged"), "t");
}

TEST_P(BulkInsertTest, AFailureOnOneShardUndoesAll) {
  ShardedSession session(options());
  EXPECT_THAT(session.BulkInsertMappings<Book>(
                  Mappings{{{"id", 1}, {"title", "a"}},
                           {{"id", 2}, {"region", "us"}, {"title", "b"}},
                           {{"id", 2}, {"region", "us"}, {"title", "c"}}}),
              HasCode(absl::StatusCode::kAlreadyExists));
  session.Rollback();
  EXPECT_EQ(CountRows(home(), "books"), 0);
}

}  // namespace
}  // namespace shard::testing
