// Many runs of an UPDATE by key: as a few statements, with the same effect and
// the same answer as one by one.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/row_update.h"
#include "shard/dialects/sqlite/sqlite_dialect.h"
#include "shard/sql/dml.h"
#include "shard/sql/table.h"
#include "shard/tests/dialects/sqlite_test_support.h"

namespace shard::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsNull;
using ::testing::NotNull;
using Code = absl::StatusCode;
using sql::Value;
using sql::ValueView;

const sql::Table& Items() {
  static const sql::Table table(
      "items",
      {{.name = "id", .type = sql::ValueType::kInt64, .primary_key = true},
       {.name = "place", .type = sql::ValueType::kInt64},
       {.name = "name", .type = sql::ValueType::kText}});
  return table;
}

sql::Expression Parameter(const char* name) {
  return sql::Parameter(name, sql::ValueType::kNull);
}

sql::Expression Equals(const char* column) {
  return sql::Binary(sql::BinaryOp::kEqual, Items().c(column),
                     Parameter(column));
}

sql::UpdateStatement UpdateOf(std::vector<const char*> columns,
                              sql::Expression where) {
  sql::UpdateStatement update(Items());
  for (const char* column : columns) {
    update.Set(sql::Assign(Items(), column, Parameter(column)));
  }
  update.Where(std::move(where));
  return update;
}

TEST(RowUpdateTest, IsKnownByItsParts) {
  const auto found =
      RowUpdateOf(UpdateOf({"name"}, sql::And(Equals("id"), Equals("place"))));
  ASSERT_THAT(found, NotNull());
  EXPECT_EQ(found->table, "items");
  EXPECT_THAT(found->columns, ElementsAre("name"));
  EXPECT_THAT(found->match, ElementsAre("id", "place"));
}

TEST(RowUpdateTest, IsNothingElse) {
  EXPECT_THAT(RowUpdateOf(UpdateOf({"id"}, Equals("id"))), IsNull());
  EXPECT_THAT(RowUpdateOf(UpdateOf({"name"}, {})), IsNull());
  EXPECT_THAT(
      RowUpdateOf(UpdateOf({"name"}, sql::Or(Equals("id"), Equals("place")))),
      IsNull());
  sql::UpdateStatement literal = UpdateOf({"name"}, Equals("id"));
  literal.Set(sql::Assign(Items(), "place", sql::Literal(Value(1))));
  EXPECT_THAT(RowUpdateOf(literal), IsNull());
  sql::UpdateStatement returning = UpdateOf({"name"}, Equals("id"));
  returning.Returning(Items().c("id"));
  EXPECT_THAT(RowUpdateOf(returning), IsNull());
}

class SqliteUpdateTest : public SqliteTest {
 protected:
  static constexpr int kRows = 300;

  void SetUp() override {
    SqliteTest::SetUp();
    SHARD_ASSERT_OK(Script(
        "CREATE TABLE items(id INTEGER PRIMARY KEY, place INTEGER UNIQUE, "
        "name TEXT)"));
    for (int i = 1; i <= kRows; ++i) {
      SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO items VALUES (?,?,?)",
                             {Value(i), Value(i), Value("old")}));
    }
    SHARD_ASSERT_OK_AND_ASSIGN(statement_,
                               SqliteDialect::Get().Compile(
                                   UpdateOf({"place", "name"}, Equals("id"))));
    statements_.clear();
  }

  // In a transaction, which stays open. Row i gets place(i).
  template <class Place>
  absl::StatusOr<Outcome> Update(const std::vector<int>& ids, Place place) {
    SHARD_RETURN_IF_ERROR(connection().Begin());
    return UpdateNow(ids, place);
  }
  template <class Place>
  absl::StatusOr<Outcome> UpdateNow(const std::vector<int>& ids, Place place) {
    std::vector<ValueView> values;
    for (const int id : ids) {
      values.push_back(ValueView::Int64(place(id)));
      values.push_back(ValueView::Text("new"));
      values.push_back(ValueView::Int64(id));
    }
    return connection().Execute(
        {statement_.get(), values, ids.size(), false, one_row_each_}, nullptr);
  }
  std::size_t Updates() const {
    std::size_t count = 0;
    for (const std::string& statement : statements_) {
      count += absl::StartsWith(statement, "UPDATE") ? 1 : 0;
    }
    return count;
  }
  std::int64_t Count(const std::string& where) {
    const auto count =
        QueryValue(connection(), "SELECT count(*) FROM items WHERE " + where,
                   {}, sql::ValueType::kInt64);
    return count.ok() ? count->view().integer() : -1;
  }
  static std::vector<int> AllIds() {
    std::vector<int> ids;
    for (int i = 1; i <= kRows; ++i) ids.push_back(i);
    return ids;
  }
  static int Far(int id) { return id + 1000; }

  bool one_row_each_ = true;
  std::shared_ptr<const CompiledStatement> statement_;
};

TEST_F(SqliteUpdateTest, ManyRunsAreAFewStatements) {
  SHARD_ASSERT_OK_AND_ASSIGN(const Outcome done, Update(AllIds(), &Far));
  EXPECT_EQ(done.affected.size(), kRows);
  EXPECT_THAT(done.affected, Each(1));
  // 2 whole chunks, and the first run with what is left.
  EXPECT_EQ(Updates(), 3);
  EXPECT_EQ(Count("place = id + 1000 AND name = 'new'"), kRows);
  SHARD_ASSERT_OK(connection().Commit());
  EXPECT_EQ(Count("place = id + 1000"), kRows);
}

TEST_F(SqliteUpdateTest, ListenersHearOfEachValueOnce) {
  parameters_.clear();
  SHARD_ASSERT_OK(Update(AllIds(), &Far));
  std::size_t sum = 0;
  for (const std::size_t count : parameters_) sum += count;
  EXPECT_EQ(sum, 3 * kRows);
}

TEST_F(SqliteUpdateTest, RowsThatAreMissingAreFound) {
  SHARD_ASSERT_OK(Script("DELETE FROM items WHERE id IN (70, 250)"));
  SHARD_ASSERT_OK_AND_ASSIGN(const Outcome done, Update(AllIds(), &Far));
  for (int i = 1; i <= kRows; ++i) {
    EXPECT_EQ(done.affected[i - 1], i == 70 || i == 250 ? 0 : 1) << i;
  }
}

TEST_F(SqliteUpdateTest, TheLastRunOfARowWins) {
  one_row_each_ = false;
  std::vector<int> ids = AllIds();
  ids.insert(ids.end(), {5, 5, 5});
  int place = 5000;
  SHARD_ASSERT_OK_AND_ASSIGN(const Outcome done,
                             Update(ids, [&place](int) { return ++place; }));
  EXPECT_THAT(done.affected, Each(1));
  EXPECT_EQ(Count(absl::StrCat("id = 5 AND place = ", place)), 1);
}

// One by one no place is taken twice; in another order some are.
TEST_F(SqliteUpdateTest, TheOrderOfTheRunsCounts) {
  std::vector<int> ids;
  for (int i = kRows; i >= 1; --i) ids.push_back(i);
  SHARD_ASSERT_OK_AND_ASSIGN(const Outcome done,
                             Update(ids, [](int id) { return id + 1; }));
  EXPECT_THAT(done.affected, Each(1));
  EXPECT_EQ(Count("place = id + 1"), kRows);
}

TEST_F(SqliteUpdateTest, AViolationIsThatOfItsRun) {
  const auto place = [](int id) { return id == 100 ? 1 : id + 1000; };
  std::vector<int> ids;
  for (int i = 2; i <= kRows; ++i) ids.push_back(i);
  EXPECT_THAT(Update(ids, place),
              StatusIs(Code::kAlreadyExists, HasSubstr("items.place")));
  SHARD_ASSERT_OK(connection().Rollback());
  EXPECT_EQ(Count("place = id AND name = 'old'"), kRows);
}

TEST_F(SqliteUpdateTest, SavepointsOfOthersStay) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(connection().Savepoint("mine"));
  SHARD_ASSERT_OK(UpdateNow(AllIds(), &Far));
  SHARD_ASSERT_OK(connection().RollbackTo("mine"));
  EXPECT_EQ(Count("name = 'old'"), kRows);
  SHARD_ASSERT_OK(connection().Commit());
}

TEST_F(SqliteUpdateTest, OutsideOfATransactionEachRunIsItsOwn) {
  const auto place = [](int id) { return id == 100 ? 1 : id + 1000; };
  std::vector<int> ids;
  for (int i = 2; i <= kRows; ++i) ids.push_back(i);
  EXPECT_THAT(UpdateNow(ids, place), HasCode(Code::kAlreadyExists));
  EXPECT_EQ(Count("name = 'new'"), 98);
}

}  // namespace
}  // namespace shard::testing
