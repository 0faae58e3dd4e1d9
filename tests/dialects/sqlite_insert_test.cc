// Multi-row inserts and the keys that come back.
#include "shard/dialects/sqlite/sqlite_insert.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/sql/table.h"
#include "shard/tests/dialects/sqlite_test_support.h"

namespace shard {
namespace {

using shard::testing::HasCode;
using shard::testing::Query;
using shard::testing::QueryValue;
using shard::testing::RunSql;
using shard::testing::SqliteTest;
using shard::testing::StatusIs;
using sql::Value;
using sql::ValueType;
using sql::ValueView;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::size_t kChunk = SqliteInserter::kChunkRows;

class SqliteInsertTest : public SqliteTest {
 protected:
  void SetUp() override {
    SqliteTest::SetUp();
    Declare("id INTEGER PRIMARY KEY");
  }

  void Declare(const std::string& key) {
    SHARD_ASSERT_OK(Script("DROP TABLE IF EXISTS items; CREATE TABLE items(" +
                           key + ", name TEXT, size INTEGER)"));
    statements_.clear();
    parameters_.clear();
  }

  // Rows named after their place: "0", "1", ...
  InsertRequest Rows(std::size_t rows) {
    names_.clear();
    values_.clear();
    for (std::size_t i = 0; i < rows; ++i) names_.push_back(std::to_string(i));
    for (std::size_t i = 0; i < rows; ++i) {
      values_.push_back(ValueView::Text(names_[i]));
      values_.push_back(ValueView::Int64(static_cast<std::int64_t>(i) * 10));
    }
    return {&table_, columns_, rows, values_, table_.generated_key()};
  }

  // In how many of the statements an INSERT was sent.
  std::size_t Inserts() const {
    std::size_t inserts = 0;
    for (const std::string& text : statements_) {
      if (text.starts_with("INSERT")) ++inserts;
    }
    return inserts;
  }

  std::int64_t CountRows() {
    return QueryValue(connection(), "SELECT count(*) FROM items")
        .value()
        .view()
        .integer();
  }

  // Every row sits under the key that came back for its place.
  void ExpectKeysBelongToRows(const std::vector<std::int64_t>& keys) {
    SHARD_ASSERT_OK_AND_ASSIGN(
        const auto rows,
        Query(connection(), "SELECT id FROM items ORDER BY size"));
    ASSERT_EQ(rows.size(), keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      EXPECT_EQ(rows[i][0].view().integer(), keys[i]) << i;
    }
  }

  sql::Table table_{
      "items",
      {{.name = "id", .type = ValueType::kInt64, .primary_key = true},
       {.name = "name"},
       {.name = "size", .type = ValueType::kInt64}}};
  std::vector<const sql::Column*> columns_ = {&table_.columns()[1],
                                              &table_.columns()[2]};
  std::vector<std::string> names_;
  std::vector<ValueView> values_;
};

TEST_F(SqliteInsertTest, KeysComeBackInTheOrderOfTheRows) {
  for (const std::size_t rows :
       {std::size_t{1}, kChunk - 1, kChunk, kChunk + 1, 3 * kChunk + 7}) {
    Declare("id INTEGER PRIMARY KEY");
    SHARD_ASSERT_OK_AND_ASSIGN(const Outcome outcome,
                               connection().Insert(Rows(rows)));
    EXPECT_EQ(outcome.total_affected(), static_cast<std::int64_t>(rows));
    EXPECT_EQ(Inserts(), (rows + kChunk - 1) / kChunk);
    ExpectKeysBelongToRows(outcome.keys);
    SHARD_ASSERT_OK_AND_ASSIGN(
        const Value name,
        QueryValue(connection(), "SELECT name FROM items WHERE id = ?",
                   {outcome.keys.back()}));
    EXPECT_TRUE(name == Value(std::to_string(rows - 1)));
  }
}

TEST_F(SqliteInsertTest, FewRowsInATransactionAreOneInsert) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(connection().Insert(Rows(3)));
  SHARD_ASSERT_OK(connection().Insert(Rows(3)));
  SHARD_ASSERT_OK(connection().Commit());
  EXPECT_THAT(
      statements_,
      ElementsAre("BEGIN", "DELETE FROM \"items\" WHERE 0",
                  "SELECT max(\"id\") FROM \"items\"", HasSubstr("INSERT"),
                  "SELECT max(\"id\") FROM \"items\"",
                  "INSERT INTO \"items\" (\"id\",\"name\",\"size\") VALUES "
                  "(?,?,?),(?,?,?),(?,?,?)",
                  "COMMIT"));
  EXPECT_EQ(parameters_[3], 9u);
}

TEST_F(SqliteInsertTest, WithoutAGeneratedKeyOneStatementIsAll) {
  InsertRequest request = Rows(5);
  request.generated_key = nullptr;
  SHARD_ASSERT_OK_AND_ASSIGN(const Outcome outcome,
                             connection().Insert(request));
  EXPECT_TRUE(outcome.keys.empty());
  EXPECT_EQ(statements_.size(), 1u);
  EXPECT_EQ(CountRows(), 5);
}

TEST_F(SqliteInsertTest, KeysFollowTheGreatestOne) {
  SHARD_ASSERT_OK(Script("INSERT INTO items(id) VALUES (5), (1000)"));
  SHARD_ASSERT_OK_AND_ASSIGN(const Outcome outcome,
                             connection().Insert(Rows(2)));
  EXPECT_THAT(outcome.keys, ElementsAre(1001, 1002));
}

TEST_F(SqliteInsertTest, NegativeKeysAreNotContinued) {
  SHARD_ASSERT_OK(Script("INSERT INTO items(id) VALUES (-7)"));
  SHARD_ASSERT_OK_AND_ASSIGN(const Outcome outcome,
                             connection().Insert(Rows(2)));
  EXPECT_THAT(outcome.keys, ElementsAre(1, 2));
}

TEST_F(SqliteInsertTest, AutoincrementNeverGivesAKeyTwice) {
  SHARD_ASSERT_OK(connection().Insert(Rows(1)));  // without AUTOINCREMENT yet
  Declare("id INTEGER PRIMARY KEY AUTOINCREMENT");
  SHARD_ASSERT_OK(
      Script("INSERT INTO items(id) VALUES (50); DELETE FROM items"));
  SHARD_ASSERT_OK_AND_ASSIGN(const Outcome outcome,
                             connection().Insert(Rows(2)));
  EXPECT_THAT(outcome.keys, ElementsAre(51, 52));
  SHARD_ASSERT_OK(
      Script("DELETE FROM items; INSERT INTO items(name) "
             "VALUES ('numbered by SQLite')"));
  SHARD_ASSERT_OK_AND_ASSIGN(const Value id,
                             QueryValue(connection(), "SELECT id FROM items"));
  EXPECT_TRUE(id == Value(53));
}

TEST_F(SqliteInsertTest, AKeyThatIsNotTheRowidIsNumberedToo) {
  for (const char* key : {"id BIGINT PRIMARY KEY", "id INT PRIMARY KEY"}) {
    Declare(key);
    SHARD_ASSERT_OK(Script("INSERT INTO items(id) VALUES (10)"));
    SHARD_ASSERT_OK_AND_ASSIGN(const Outcome outcome,
                               connection().Insert(Rows(2)));
    EXPECT_THAT(outcome.keys, ElementsAre(11, 12)) << key;
  }
  SHARD_ASSERT_OK(Script(
      "DROP TABLE items; CREATE TABLE items(id INTEGER PRIMARY KEY, name, "
      "size) WITHOUT ROWID"));
  SHARD_ASSERT_OK_AND_ASSIGN(const Outcome outcome,
                             connection().Insert(Rows(2)));
  EXPECT_THAT(outcome.keys, ElementsAre(1, 2));
}

TEST_F(SqliteInsertTest, AKeyThatIsNoNumberIsRefused) {
  Declare("id BIGINT PRIMARY KEY");
  SHARD_ASSERT_OK(Script("INSERT INTO items(id) VALUES ('text')"));
  EXPECT_THAT(
      connection().Insert(Rows(1)),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("items.id")));
  EXPECT_FALSE(connection().in_transaction());
}

TEST_F(SqliteInsertTest, NoKeysLeftIsAnErrorAndNothingIsWritten) {
  SHARD_ASSERT_OK(Script("INSERT INTO items(id) VALUES (9223372036854775805)"));
  EXPECT_THAT(connection().Insert(Rows(3)),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("items.id"), HasSubstr("2 more rows"))));
  EXPECT_EQ(CountRows(), 1);
  SHARD_ASSERT_OK_AND_ASSIGN(const Outcome outcome,
                             connection().Insert(Rows(2)));
  EXPECT_EQ(outcome.keys.back(), std::numeric_limits<std::int64_t>::max());
  EXPECT_THAT(connection().Insert(Rows(1)),
              HasCode(absl::StatusCode::kResourceExhausted));
}

TEST_F(SqliteInsertTest, SmallKeysRunOutSooner) {
  const sql::Table small(
      "items", {{.name = "id", .type = ValueType::kInt32, .primary_key = true},
                {.name = "name"},
                {.name = "size"}});
  SHARD_ASSERT_OK(Script("INSERT INTO items(id) VALUES (2147483646)"));
  InsertRequest request{&small, {}, 2, {}, small.generated_key()};
  EXPECT_THAT(connection().Insert(request),
              HasCode(absl::StatusCode::kResourceExhausted));
  request.rows = 1;
  SHARD_EXPECT_OK(connection().Insert(request));
  EXPECT_THAT(connection().Insert(request),
              HasCode(absl::StatusCode::kResourceExhausted));
}

TEST_F(SqliteInsertTest, AFailedRequestWritesNothingOutsideATransaction) {
  SHARD_ASSERT_OK(Script("CREATE UNIQUE INDEX by_name ON items(name)"));
  InsertRequest request = Rows(2 * kChunk);
  values_[2 * (kChunk + 5)] = values_[0];  // the same name, a chunk later
  request.values = values_;
  EXPECT_THAT(connection().Insert(request),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       HasSubstr("insert of 128 rows into 'items' failed")));
  EXPECT_FALSE(connection().in_transaction());
  EXPECT_EQ(CountRows(), 0);
}

TEST_F(SqliteInsertTest, BadValuesAreRefusedBeforeAnySql) {
  InsertRequest request = Rows(2);
  values_[3] = ValueView::Double(std::numeric_limits<double>::quiet_NaN());
  request.values = values_;
  EXPECT_THAT(connection().StartInsert(request),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("items"), HasSubstr("value 4"))));
  request.rows = 3;
  EXPECT_THAT(connection().StartInsert(request),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_TRUE(statements_.empty());
}

TEST_F(SqliteInsertTest, RowsWithoutColumnsGetDefaults) {
  const InsertRequest bare{&table_, {}, 3, {}, nullptr};
  SHARD_ASSERT_OK_AND_ASSIGN(const Outcome outcome, connection().Insert(bare));
  EXPECT_EQ(outcome.total_affected(), 3);
  const InsertRequest keyed{&table_, {}, 2, {}, table_.generated_key()};
  SHARD_ASSERT_OK_AND_ASSIGN(const Outcome with_keys,
                             connection().Insert(keyed));
  EXPECT_THAT(with_keys.keys, ElementsAre(4, 5));
  SHARD_ASSERT_OK_AND_ASSIGN(const Outcome none, connection().Insert(Rows(0)));
  EXPECT_EQ(none.total_affected(), 0);
  EXPECT_EQ(CountRows(), 5);
}

TEST_F(SqliteInsertTest, ATableAtTheSameAddressIsNotMistaken) {
  SHARD_ASSERT_OK(Script("CREATE TABLE a(x); CREATE TABLE b(y)"));
  alignas(sql::Table) unsigned char place[sizeof(sql::Table)];
  const ValueView one = ValueView::Int64(1);
  for (const auto& [table, column] :
       {std::pair{"a", "x"}, std::pair{"b", "y"}}) {
    auto* const made = new (place)
        sql::Table(table, {{.name = column, .type = ValueType::kInt64}});
    const sql::Column* const only = &made->columns()[0];
    SHARD_EXPECT_OK(
        connection().Insert({made, {&only, 1}, 1, {&one, 1}, nullptr}));
    std::destroy_at(made);
  }
  SHARD_ASSERT_OK_AND_ASSIGN(const Value y,
                             QueryValue(connection(), "SELECT y FROM b"));
  EXPECT_TRUE(y == Value(1));
}

TEST_F(SqliteInsertTest, NamesAreQuoted) {
  const sql::Table odd("odd \"table\"", {{.name = "a \"key\"; --",
                                          .type = ValueType::kInt64,
                                          .primary_key = true},
                                         {.name = "select"}});
  SHARD_ASSERT_OK_AND_ASSIGN(const std::string create,
                             connection().dialect().CreateTable(odd));
  SHARD_ASSERT_OK(Script(create));
  const sql::Column* const column = &odd.columns()[1];
  const ValueView text = ValueView::Text("x");
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Outcome outcome,
      connection().Insert(
          {&odd, {&column, 1}, 1, {&text, 1}, odd.generated_key()}));
  EXPECT_THAT(outcome.keys, ElementsAre(1));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Value rowid,
      QueryValue(connection(), "SELECT rowid FROM \"odd \"\"table\"\"\""));
  EXPECT_TRUE(rowid == Value(1)) << "the key is the rowid";
}

// Each of two writers reads the greatest key only when it holds the write lock:
// neither is turned away, and no key is given twice.
TEST_F(SqliteInsertTest, WritersWaitForEachOther) {
  EngineOptions options;
  options.busy_timeout = absl::Seconds(30);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto engine,
                             OpenEngine("sqlite:///" + path_, options));
  constexpr int kRounds = 100;
  const auto write = [this, &engine] {
    PooledConnection writer = Connect(*engine);
    const ValueView values[] = {ValueView::Text("x"), ValueView::Int64(1)};
    for (int i = 0; i < kRounds; ++i) {
      SHARD_ASSERT_OK(writer->Begin());
      SHARD_ASSERT_OK(writer->Insert(
          {&table_, columns_, 1, values, table_.generated_key()}));
      SHARD_ASSERT_OK(writer->Commit());
    }
  };
  std::thread other(write);
  write();
  other.join();
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Value last, QueryValue(connection(), "SELECT max(id) FROM items"));
  EXPECT_TRUE(last == Value(2 * kRounds));
}

TEST_F(SqliteInsertTest, ASchemaChangeBetweenRequestsIsSeen) {
  SHARD_ASSERT_OK(connection().Insert(Rows(2)));
  PooledConnection other = Connect();
  SHARD_ASSERT_OK(other->ExecuteScript(
      "ALTER TABLE items ADD COLUMN extra TEXT DEFAULT 'e'"));
  SHARD_EXPECT_OK(connection().Insert(Rows(2)));
  SHARD_ASSERT_OK(other->ExecuteScript("DROP TABLE items"));
  EXPECT_THAT(
      connection().Insert(Rows(2)),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no such table")));
  EXPECT_FALSE(connection().in_transaction());
}

}  // namespace
}  // namespace shard
