// What PostgreSQL tells of its tables.
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/reflection.h"
#include "shard/dialects/schema.h"
#include "shard/sql/table.h"
#include "shard/tests/dialects/postgres_test_support.h"
#include "shard/tests/dialects/reflection_support.h"

namespace shard {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using testing::EveryType;
using testing::PostgresTest;
using testing::Told;

class PostgresReflectionTest : public PostgresTest {
 protected:
  ReflectedTable Reflect(const std::string& table) {
    auto reflected = ReflectTable(connection(), table);
    EXPECT_THAT(reflected, testing::IsOk());
    return reflected.ok() ? *std::move(reflected) : ReflectedTable();
  }
};

TEST_F(PostgresReflectionTest, EveryTypeComesBackAsItWas) {
  const sql::Table made("Every \"type\"", EveryType());
  SHARD_ASSERT_OK(CreateAll(*engine_, {&made}));
  const ReflectedTable found = Reflect(made.name());
  EXPECT_THAT(Told(found.usable()), ElementsAreArray(Told(EveryType())));

  // And what is made of it is the same once more.
  const sql::Table again("again", found.usable());
  ASSERT_NE(again.generated_key(), nullptr);
  SHARD_ASSERT_OK(CreateAll(*engine_, {&again}));
  EXPECT_EQ(Told(Reflect("again").usable()), Told(found.usable()));
}

TEST_F(PostgresReflectionTest, TypesOfOthers) {
  SHARD_ASSERT_OK(
      Script("CREATE TYPE mood AS ENUM ('glad', 'sad');"
             "CREATE DOMAIN person AS varchar(20) NOT NULL;"
             "CREATE DOMAIN nick AS person;"
             "CREATE TABLE t (a smallint, b real, c char(3), d varchar(20), "
             "e mood, f nick, g jsonb, h timestamp, i integer[], j inet, "
             "k int GENERATED ALWAYS AS (a + 1) STORED, l numeric(10, 2), "
             "PRIMARY KEY (d, a))"));
  const ReflectedTable found = Reflect("t");
  EXPECT_THAT(
      Told(found.usable()),
      ElementsAre("a int32 KEY", "b double", "c text", "d text KEY", "e text",
                  "f text NOT NULL", "g json", "h timestamp", "l decimal"));
  ASSERT_EQ(found.columns.size(), 12u);
  EXPECT_EQ(found.columns[3].type, "character varying(20)");
  EXPECT_EQ(found.columns[8].type, "integer[]");
  EXPECT_EQ(found.columns[8].spec.type, sql::ValueType::kNull);
  EXPECT_EQ(found.columns[9].type, "inet");
  EXPECT_TRUE(found.columns[10].generated);
}

TEST_F(PostgresReflectionTest, NumbersThatTheDatabaseGives) {
  SHARD_ASSERT_OK(
      Script("CREATE TABLE serials (id bigserial PRIMARY KEY, n serial);"
             "CREATE TABLE always (id int GENERATED ALWAYS AS IDENTITY "
             "PRIMARY KEY, note text);"
             "CREATE TABLE drawn (id int PRIMARY KEY DEFAULT 7)"));
  EXPECT_THAT(Told(Reflect("serials").usable()),
              ElementsAre("id int64 KEY", "n int32 NOT NULL DEFAULT"));
  EXPECT_THAT(Told(Reflect("always").usable()), ElementsAre("note text"));
  EXPECT_THAT(Told(Reflect("drawn").usable()),
              ElementsAre("id int32 KEY DEFAULT"));
}

TEST_F(PostgresReflectionTest, GoesAlongTheSearchPath) {
  const std::string other = schema_ + "_other";
  SHARD_ASSERT_OK(Script(absl::StrCat("CREATE SCHEMA ", other,
                                      "; CREATE TABLE ", other, ".t (b int)")));
  EXPECT_THAT(ReflectTable(connection(), "t"),
              testing::HasCode(absl::StatusCode::kNotFound));
  SHARD_ASSERT_OK(Script(absl::StrCat("SET search_path = ", schema_, ", ",
                                      other, "; CREATE VIEW v AS SELECT 1")));
  EXPECT_THAT(Told(Reflect("t").usable()), ElementsAre("b int32"));
  SHARD_ASSERT_OK(Script("CREATE TABLE t (a int)"));
  EXPECT_THAT(Told(Reflect("t").usable()), ElementsAre("a int32"));
  // A view is none, nor does a name reach into a schema.
  for (const std::string name : {"v", "T", "", "public.t"}) {
    EXPECT_THAT(ReflectTable(connection(), name),
                testing::HasCode(absl::StatusCode::kNotFound));
  }
  SHARD_ASSERT_OK(Script(absl::StrCat("DROP SCHEMA ", other, " CASCADE")));
}

}  // namespace
}  // namespace shard
