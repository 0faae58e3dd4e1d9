// Many runs of an UPDATE by key on PostgreSQL servers: as one statement, with
// the same effect and the same answer as one by one.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/row_update.h"
#include "shard/sql/types.h"
#include "shard/sql/value.h"
#include "shard/tests/dialects/postgres_test_support.h"

namespace shard {
namespace {

using sql::ValueType;
using sql::ValueView;
using ::testing::Each;
using testing::HasCode;
using testing::PostgresTest;
using testing::TextStatement;
using Code = absl::StatusCode;

// UPDATE t SET name, mood, body, price, day WHERE id.
class PostgresUpdateTest : public PostgresTest {
 protected:
  static constexpr std::size_t kCells = 6;

  void SetUp() override {
    PostgresTest::SetUp();
    SHARD_ASSERT_OK(
        Script("CREATE TYPE mood AS ENUM ('glad', 'sad');"
               "CREATE TABLE t (id int PRIMARY KEY, name varchar(20) UNIQUE, "
               "mood mood, body jsonb, price numeric(10, 2), day date);"
               "INSERT INTO t (id) SELECT generate_series(1, 20000)"));
    update_ = TextStatement(
        "UPDATE t SET name = $1, mood = $2, body = $3, price = $4, day = $5 "
        "WHERE id = $6",
        {ValueType::kText, ValueType::kText, ValueType::kJson,
         ValueType::kDecimal, ValueType::kDate, ValueType::kInt64});
    update_.is_write = true;
    auto parts = std::make_shared<RowUpdate>();
    parts->table = "t";
    parts->columns = {"name", "mood", "body", "price", "day"};
    parts->match = {"id"};
    update_.row_update = std::move(parts);
  }
  void Add(std::int64_t id, bool null = false) {
    names_.push_back(std::make_unique<std::string>(absl::StrCat("n", id)));
    values_.push_back(ValueView::Text(*names_.back()));
    values_.push_back(null ? ValueView() : ValueView::Text("sad"));
    values_.push_back(ValueView::Bytes(ValueType::kJson, "{\"a\": 1}"));
    values_.push_back(ValueView::Bytes(ValueType::kDecimal, "1.50"));
    values_.push_back(ValueView::Of(Date{3}));
    values_.push_back(ValueView::Int64(id));
  }
  absl::StatusOr<Outcome> Update() {
    Request request{&update_, values_, values_.size() / kCells};
    request.one_row_each = true;
    return connection().Execute(request, nullptr);
  }
  // How many were sent.
  std::ptrdiff_t Updates() const {
    return std::count_if(
        statements_.begin(), statements_.end(),
        [](const std::string& text) { return text.starts_with("UPDATE"); });
  }

  CompiledStatement update_;
  std::vector<std::unique_ptr<std::string>> names_;
  std::vector<ValueView> values_;
};

TEST_F(PostgresUpdateTest, ManyRowsInAStatement) {
  for (std::int64_t id = 1; id <= 100; ++id) Add(id, id == 7);
  SHARD_ASSERT_OK(connection().Begin());
  ForgetStatements();
  SHARD_ASSERT_OK_AND_ASSIGN(const Outcome outcome, Update());
  EXPECT_EQ(Updates(), 1);
  ASSERT_EQ(outcome.affected.size(), 100u);
  EXPECT_THAT(outcome.affected, Each(1));
  SHARD_ASSERT_OK(connection().Commit());
  EXPECT_EQ(Number("SELECT count(*) FROM t WHERE name = 'n' || id AND mood = "
                   "'sad' AND body->>'a' = '1' AND price = 1.5 AND day = "
                   "'1970-01-04'"),
            99);
  EXPECT_EQ(Number("SELECT count(*) FROM t WHERE name = 'n7' AND mood IS NULL"),
            1);
}

TEST_F(PostgresUpdateTest, SeveralPages) {
  for (std::int64_t id = 1; id <= 15'000; ++id) Add(id);
  SHARD_ASSERT_OK(connection().Begin());
  ForgetStatements();
  SHARD_ASSERT_OK_AND_ASSIGN(const Outcome outcome, Update());
  EXPECT_EQ(Updates(), 2);
  EXPECT_EQ(outcome.total_affected(), 15'000);
}

TEST_F(PostgresUpdateTest, MissingRowsAreFound) {
  for (std::int64_t id = 1; id <= 50; ++id) Add(id == 20 ? 99'999 : id);
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK_AND_ASSIGN(const Outcome outcome, Update());
  for (std::size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(outcome.affected[i], i == 19 ? 0 : 1) << i;
  }
}

TEST_F(PostgresUpdateTest, FewRowsGoOneByOne) {
  for (std::int64_t id = 1; id <= 5; ++id) Add(id);
  SHARD_ASSERT_OK(connection().Begin());
  ForgetStatements();
  SHARD_ASSERT_OK(Update());
  EXPECT_EQ(Updates(), 5);
}

TEST_F(PostgresUpdateTest, ConstraintsHold) {
  for (std::int64_t id = 1; id <= 50; ++id) Add(id);
  values_[0] = values_[kCells];
  SHARD_ASSERT_OK(connection().Begin());
  EXPECT_THAT(Update(), HasCode(Code::kAlreadyExists));
  SHARD_ASSERT_OK(connection().Rollback());
  EXPECT_EQ(Number("SELECT count(name) FROM t"), 0);
}

}  // namespace
}  // namespace shard
