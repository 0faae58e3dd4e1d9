// Many objects at once.
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

using Objects = std::vector<std::shared_ptr<EntityBase>>;

class BulkSaveTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    if (!IsSkipped()) Open<Book, Paper, Made>();
  }
  // A book with a row, that no session holds.
  std::shared_ptr<Book> StoredBook(std::string title) {
    ShardedSession session(options());
    auto book = MakeBook(std::move(title));
    SHARD_EXPECT_OK(session.Add(book));
    SHARD_EXPECT_OK(session.Commit());
    SHARD_EXPECT_OK(session.Refresh(*book));
    session.Close();
    log().Clear();
    return book;
  }
};
SHARD_ON_SESSIONS(BulkSaveTest);

TEST_P(BulkSaveTest, Row125InsertsNewObjectsAndUpdatesOthers) {
  const auto stored = StoredBook("old");
  stored->title = "new";
  const auto fresh = MakeBook("fresh");
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(BulkReport report,
                             session.BulkSaveObjects(Objects{stored, fresh}));
  EXPECT_EQ(report.inserted, 1);
  EXPECT_EQ(report.updated, 1);
  EXPECT_EQ(fresh->object_state(), ObjectState::kTransient);
  EXPECT_FALSE(fresh->id.Load().ok());
  // What was assigned counts as such still.
  SHARD_ASSERT_OK_AND_ASSIGN(report, session.BulkSaveObjects(Objects{stored}));
  EXPECT_EQ(report.updated, 1);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(home(), "books"), 2);
  EXPECT_EQ(CountRows(home(), "books where title = 'new'"), 1);
}

TEST_P(BulkSaveTest, Row126RunsKeepTheirOrder) {
  const auto a = StoredBook("a"), b = StoredBook("b");
  a->title = "a2";
  b->title = "b2";
  const auto fresh = MakeBook("c");
  const Objects objects = {a, fresh, b};
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.BulkSaveObjects(objects));
  EXPECT_EQ(log().CountAll(), 3);
  log().Clear();
  SHARD_ASSERT_OK(
      session.BulkSaveObjects(Objects{a, MakeBook("d"), b, MakeBook("e")},
                              {.preserve_order = BulkOrder::kAny}));
  EXPECT_EQ(log().Count("INSERT"), 1);
  const auto all = log().Of("");
  std::vector<std::string> writes;
  for (const auto& entry : all) {
    if (entry.statement.find("INSERT") == 0) writes.push_back("i");
    if (entry.statement.find("UPDATE") == 0) writes.push_back("u");
  }
  ASSERT_GE(writes.size(), 2U);
  EXPECT_EQ(writes[0], "i");
  EXPECT_EQ(writes[1], "u");
}

TEST_P(BulkSaveTest, Row128KeysComeBackIfAsked) {
  const auto a = MakeBook("a"), b = MakeBook("b");
  b->note = "n";
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(
      const BulkReport report,
      session.BulkSaveObjects(Objects{a, b}, {.return_defaults = true}));
  EXPECT_EQ(a->id.value(), report.keys[0].Views()[0].integer());
  EXPECT_EQ(b->id.value(), report.keys[1].Views()[0].integer());
  EXPECT_EQ(a->object_state(), ObjectState::kDetached);
  EXPECT_EQ(b->note.value(), "n");
  SHARD_ASSERT_OK(session.Commit());
  // They are good for more.
  SHARD_ASSERT_OK(session.Add(b));
  EXPECT_EQ(b->shelf.value(), "top");
  b->title = "b2";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadText(home(), absl::StrCat("select title from books where id=",
                                          b->id.value())),
            "b2");
}

TEST_P(BulkSaveTest, Row131UnchangedAttributesMaySaveStatements) {
  Objects objects;
  for (int i = 0; i < 3; ++i) objects.push_back(StoredBook("a"));
  const auto book = [&](std::size_t i) {
    return std::static_pointer_cast<Book>(objects[i]);
  };
  book(0)->title = "x";
  book(1)->note = "y";
  book(2)->copies = 3;
  ShardedSession session(options());
  SHARD_ASSERT_OK(
      session.BulkSaveObjects(objects, {.update_changed_only = false}));
  std::vector<std::string> texts;
  for (const auto& entry : log().Of("UPDATE")) texts.push_back(entry.statement);
  for (const std::string& text : texts) EXPECT_EQ(text, texts.front());
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(home(), "books where title='a'"), 2);
  EXPECT_EQ(CountRows(home(), "books where note='y'"), 1);
  EXPECT_EQ(CountRows(home(), "books where copies=3"), 1);
}

TEST_P(BulkSaveTest, Row134ObjectsTakeTheirNewVersions) {
  const auto paper = std::make_shared<Paper>();
  paper->title = "a";
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Add(paper));
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK(session.Refresh(*paper));
  session.Close();
  for (const char* title : {"b", "c"}) {
    paper->title = title;
    SHARD_ASSERT_OK(
        session.BulkSaveObjects(Objects{paper}, {.return_defaults = true}));
  }
  EXPECT_EQ(paper->version.value(), 3);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(ReadNumber(home(), "select version from papers"), 3);
}

TEST_P(BulkSaveTest, Row134AnExpiredVersionIsRead) {
  const auto paper = std::make_shared<Paper>();
  paper->title = "a";
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.Add(paper));
  SHARD_ASSERT_OK(session.Commit());
  const std::vector<std::shared_ptr<Paper>> papers = {paper};
  SHARD_ASSERT_OK(session.BulkDelete<Paper>(papers));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(home(), "papers"), 0);
}

TEST_P(BulkSaveTest, Row137WhatBulkCannotWriteIsRefused) {
  const auto stored = StoredBook("a");
  ShardedSession session(options());
  stored->title = SqlText<std::string>("upper('b')");
  EXPECT_THAT(session.BulkSaveObjects(Objects{MakeBook("c"), stored}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("row 2"), HasSubstr("Book.title"))));
  const auto moved = StoredBook("b");
  moved->id = 1000;
  EXPECT_THAT(session.BulkSaveObjects(Objects{moved}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("row 1"), HasSubstr("Book.id"))));
  const auto pending = MakeBook("d");
  SHARD_ASSERT_OK(session.Add(pending));
  EXPECT_THAT(
      session.BulkSaveObjects(Objects{pending}),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("row 1")));
  EXPECT_THAT(session.BulkSaveObjects(Objects{nullptr}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("row 1")));
}

TEST_P(BulkSaveTest, HeldObjectsWithoutChangesAreLeftAlone) {
  ShardedSession session(options());
  const auto book = MakeBook("a");
  SHARD_ASSERT_OK(session.Add(book));
  SHARD_ASSERT_OK(session.Flush());
  log().Clear();
  SHARD_ASSERT_OK_AND_ASSIGN(const BulkReport report,
                             session.BulkSaveObjects(Objects{book}));
  EXPECT_EQ(report.unchanged, 1);
  EXPECT_EQ(log().CountAll(), 0);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(home(), "books"), 1);
}

}  // namespace
}  // namespace shard::testing
