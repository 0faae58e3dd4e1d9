// What SQLite tells of its tables.
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/reflection.h"
#include "shard/dialects/schema.h"
#include "shard/sql/table.h"
#include "shard/tests/dialects/reflection_support.h"
#include "shard/tests/dialects/sqlite_test_support.h"

namespace shard {
namespace {

using ::testing::ElementsAre;
using testing::EveryType;
using ::testing::HasSubstr;
using testing::SqliteTest;
using testing::Told;

class SqliteReflectionTest : public SqliteTest {
 protected:
  ReflectedTable Reflect(const std::string& table) {
    auto reflected = ReflectTable(connection(), table);
    EXPECT_THAT(reflected, testing::IsOk());
    return reflected.ok() ? *std::move(reflected) : ReflectedTable();
  }
};

TEST_F(SqliteReflectionTest, EveryTypeComesBackAsWhatIsStored) {
  const sql::Table made("Every \"type\"", EveryType());
  SHARD_ASSERT_OK(CreateAll(*engine_, {&made}));
  const ReflectedTable found = Reflect(made.name());
  EXPECT_THAT(Told(found.usable()),
              ElementsAre("id int64 KEY", "a_bool int64 NOT NULL",
                          "an_int32 int64", "an_int64 int64", "a_double double",
                          "A \"text\" text NOT NULL DEFAULT", "bytes bytes",
                          "a_timestamp text DEFAULT", "a_date text",
                          "a_decimal text", "a_uuid bytes", "a_json text"));

  const sql::Table again("again", found.usable());
  ASSERT_NE(again.generated_key(), nullptr);
  SHARD_ASSERT_OK(CreateAll(*engine_, {&again}));
  EXPECT_EQ(Told(Reflect("again").usable()), Told(found.usable()));
}

TEST_F(SqliteReflectionTest, TypesOfOthers) {
  SHARD_ASSERT_OK(
      Script("CREATE TABLE t (a BIGINT, b varchar(20), c DOUBLE PRECISION, "
             "d NUMERIC(10, 2), e boolean, f date, g datetime, h uuid, "
             "i json, j, k INT GENERATED ALWAYS AS (a + 1), l FLOATING POINT, "
             "m TIMESTAMP WITH TIME ZONE, PRIMARY KEY (b, a)) WITHOUT ROWID"));
  const ReflectedTable found = Reflect("t");
  EXPECT_THAT(Told(found.usable()),
              ElementsAre("a int64 KEY", "b text KEY", "c double", "d decimal",
                          "e bool", "f date", "g timestamp", "h uuid", "i json",
                          "l int64",  // "FLOATING POINT": SQLite sees INT
                          "m timestamp"));
  ASSERT_EQ(found.columns.size(), 13u);
  EXPECT_EQ(found.columns[1].type, "varchar(20)");
  EXPECT_EQ(found.columns[9].spec.type, sql::ValueType::kNull);
  EXPECT_TRUE(found.columns[10].generated);
}

TEST_F(SqliteReflectionTest, OnlyTablesOfTheMainFile) {
  SHARD_ASSERT_OK(
      Script("CREATE TEMP TABLE aside (a); CREATE VIEW v AS SELECT 1;"
             "CREATE TABLE plain (\"default\" INT DEFAULT (1 + 1))"));
  for (const std::string name : {"aside", "v", "", "main.plain"}) {
    const absl::Status status = ReflectTable(connection(), name).status();
    EXPECT_THAT(status, testing::HasCode(absl::StatusCode::kNotFound));
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("there is no table '" + name + "'"));
  }
  const ReflectedTable plain = Reflect("PLAIN");
  ASSERT_EQ(plain.columns.size(), 1u);
  EXPECT_EQ(plain.columns[0].spec.server_default, "(1 + 1)");
}

}  // namespace
}  // namespace shard
