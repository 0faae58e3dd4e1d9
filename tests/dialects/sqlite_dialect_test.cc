// What SQLite's dialect makes of statements, run on a real file.
#include "shard/dialects/sqlite/sqlite_dialect.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/dialect.h"
#include "shard/dialects/row_batch.h"
#include "shard/sql/expression.h"
#include "shard/sql/select.h"
#include "shard/sql/statement.h"
#include "shard/sql/table.h"
#include "shard/sql/types.h"
#include "shard/tests/dialects/sqlite_test_support.h"

namespace shard {
namespace {

using shard::testing::QueryValue;
using shard::testing::RunSql;
using shard::testing::SqliteTest;
using sql::BinaryOp;
using sql::Literal;
using sql::Value;
using sql::ValueType;

class SqliteDialectTest : public SqliteTest {
 protected:
  void SetUp() override {
    SqliteTest::SetUp();
    SHARD_ASSERT_OK_AND_ASSIGN(const std::string create,
                               connection().dialect().CreateTable(prices_));
    SHARD_ASSERT_OK(Script(create));
    for (const char* price : {"10", "9.5", "-3.00", "1.0"}) {
      SHARD_ASSERT_OK(
          RunSql(connection(), "INSERT INTO prices(price, label) VALUES (?, ?)",
                 {*Decimal::Parse(price), Value(std::string("p_") + price)}));
    }
  }

  // The first column of the rows, as text.
  std::vector<std::string> Labels(const sql::Statement& statement) {
    const auto compiled = SqliteDialect::Get().Compile(statement);
    if (!compiled.ok()) return {compiled.status().ToString()};
    std::vector<sql::ValueView> values;
    RowBatch rows;
    absl::Status status = BindParameters(**compiled, {}, &values);
    if (status.ok()) {
      status =
          connection().Execute({compiled->get(), values, 1}, &rows).status();
    }
    if (!status.ok()) return {status.ToString()};
    std::vector<std::string> labels;
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      labels.emplace_back(rows.row(i)[0].bytes());
    }
    return labels;
  }
  sql::SelectStatement SelectLabels() {
    return sql::SelectStatement()
        .Column(prices_.c("label"))
        .OrderBy({.expression = prices_.c("price")});
  }

  using Strings = std::vector<std::string>;
  const sql::Table prices_{
      "prices",
      {{.name = "id", .type = ValueType::kInt64, .primary_key = true},
       {.name = "price", .type = ValueType::kDecimal},
       {.name = "label"}}};
};

TEST_F(SqliteDialectTest, AGeneratedKeyIsTheRowid) {
  SHARD_EXPECT_OK(Script("UPDATE prices SET id = 77 WHERE id = 1"));
  SHARD_ASSERT_OK_AND_ASSIGN(const Value same,
                             QueryValue(connection(),
                                        "SELECT count(*) FROM prices "
                                        "WHERE id = rowid"));
  EXPECT_TRUE(same == Value(4));
}

TEST_F(SqliteDialectTest, EveryTypeHasAColumnType) {
  const sql::Table all("every_type", {{"a", ValueType::kBool},
                                      {"b", ValueType::kInt32},
                                      {"c", ValueType::kInt64},
                                      {"d", ValueType::kDouble},
                                      {"e", ValueType::kText},
                                      {"f", ValueType::kBytes},
                                      {"g", ValueType::kTimestamp},
                                      {"h", ValueType::kDate},
                                      {"i", ValueType::kDecimal},
                                      {"j", ValueType::kUuid},
                                      {"k", ValueType::kJson}});
  SHARD_ASSERT_OK_AND_ASSIGN(const std::string create,
                             SqliteDialect::Get().CreateTable(all));
  EXPECT_EQ(create,
            "CREATE TABLE IF NOT EXISTS \"every_type\" (\"a\" INTEGER, \"b\" "
            "INTEGER, \"c\" INTEGER, \"d\" REAL, \"e\" TEXT, \"f\" BLOB, \"g\" "
            "TEXT, \"h\" TEXT, \"i\" TEXT, \"j\" BLOB, \"k\" TEXT)");
  SHARD_EXPECT_OK(Script(create));
}

TEST_F(SqliteDialectTest, DecimalsAreOrderedAndComparedAsNumbers) {
  EXPECT_EQ(Labels(SelectLabels()),
            (Strings{"p_-3.00", "p_1.0", "p_9.5", "p_10"}));
  EXPECT_EQ(
      Labels(SelectLabels().Where(Binary(BinaryOp::kGreater, prices_.c("price"),
                                         Literal(*Decimal::Parse("9"))))),
      (Strings{"p_9.5", "p_10"}));
  EXPECT_EQ(Labels(SelectLabels().Where(
                In(prices_.c("price"), {Literal(*Decimal::Parse("-3")),
                                        Literal(*Decimal::Parse("1"))}))),
            (Strings{"p_-3.00", "p_1.0"}));
}

TEST_F(SqliteDialectTest, LikeIsCaseSensitiveAndBackslashEscapes) {
  const auto like = [this](const char* pattern) {
    return Labels(SelectLabels().Where(
        Binary(BinaryOp::kLike, prices_.c("label"), Literal(Value(pattern)))));
  };
  EXPECT_EQ(like("p\\_1%"), (Strings{"p_1.0", "p_10"}));
  EXPECT_EQ(like("P%"), Strings{});
  EXPECT_EQ(like("p\\%"), Strings{});
}

TEST_F(SqliteDialectTest, OffsetNeedsNoLimitAndLockingIsLeftOut) {
  sql::SelectStatement select = SelectLabels();
  select.offset = 2;
  select.for_update = true;
  EXPECT_EQ(Labels(select), (Strings{"p_9.5", "p_10"}));
}

TEST_F(SqliteDialectTest, TextSortsByBytesOnRequest) {
  sql::SelectStatement select;
  select.Column(prices_.c("label"))
      .OrderBy({.expression = Collate(prices_.c("label"), "C")});
  EXPECT_EQ(Labels(select), (Strings{"p_-3.00", "p_1.0", "p_10", "p_9.5"}));
}

}  // namespace
}  // namespace shard
