// Which Status each error of SQLite becomes.
#include "shard/dialects/sqlite/sqlite_errors.h"

#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/errors.h"
#include "shard/tests/dialects/sqlite_test_support.h"

namespace shard {
namespace {

using shard::testing::GetStatus;
using shard::testing::HasCode;
using shard::testing::Query;
using shard::testing::RunSql;
using shard::testing::SqliteTest;
using shard::testing::StatusIs;
using ::testing::HasSubstr;

MATCHER_P2(IsError, code, sqlite_code, "") {
  const absl::Status& status = GetStatus(arg);
  *result_listener << "whose status is " << status.ToString();
  return status.code() == code &&
         DatabaseCode(status) == std::to_string(sqlite_code);
}

class SqliteErrorsTest : public SqliteTest {
 protected:
  void SetUp() override {
    SqliteTest::SetUp();
    SHARD_ASSERT_OK(
        Script("CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT UNIQUE, "
               "n INTEGER NOT NULL DEFAULT 0, c INTEGER CHECK (c > 0), "
               "f INTEGER REFERENCES t(id));"
               "INSERT INTO t(id, u) VALUES (1, 'one')"));
  }
};

TEST_F(SqliteErrorsTest, UniqueViolationsAlreadyExist) {
  EXPECT_THAT(
      RunSql(connection(), "INSERT INTO t(id) VALUES (1)"),
      IsError(absl::StatusCode::kAlreadyExists, SQLITE_CONSTRAINT_PRIMARYKEY));
  const auto unique =
      RunSql(connection(), "INSERT INTO t(u) VALUES (?)", {sql::Value("one")});
  EXPECT_THAT(unique, IsError(absl::StatusCode::kAlreadyExists,
                              SQLITE_CONSTRAINT_UNIQUE));
  EXPECT_THAT(unique, StatusIs(absl::StatusCode::kAlreadyExists,
                               HasSubstr("UNIQUE constraint failed: t.u; "
                                         "statement: INSERT INTO t")));
}

TEST_F(SqliteErrorsTest, OtherConstraintsAreFailedPreconditions) {
  constexpr auto kCode = absl::StatusCode::kFailedPrecondition;
  EXPECT_THAT(RunSql(connection(), "INSERT INTO t(n) VALUES (NULL)"),
              IsError(kCode, SQLITE_CONSTRAINT_NOTNULL));
  EXPECT_THAT(RunSql(connection(), "INSERT INTO t(c) VALUES (-1)"),
              IsError(kCode, SQLITE_CONSTRAINT_CHECK));
  EXPECT_THAT(RunSql(connection(), "INSERT INTO t(f) VALUES (99)"),
              IsError(kCode, SQLITE_CONSTRAINT_FOREIGNKEY));
}

TEST_F(SqliteErrorsTest, BadSqlIsAnInvalidArgument) {
  constexpr auto kCode = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(RunSql(connection(), "SELEC 1"), IsError(kCode, SQLITE_ERROR));
  EXPECT_THAT(RunSql(connection(), "SELECT x FROM t"),
              IsError(kCode, SQLITE_ERROR));
  EXPECT_THAT(RunSql(connection(), "INSERT INTO t(id) VALUES ('text')"),
              IsError(kCode, SQLITE_MISMATCH));
  EXPECT_THAT(RunSql(connection(), "SELECT \"misspelled\" FROM t"),
              IsError(kCode, SQLITE_ERROR))
      << "a quoted name must not be taken for text";
  EXPECT_THAT(RunSql(connection(), "SELECT 1 WHERE ? = ?", {sql::Value(1)}),
              HasCode(kCode));
  EXPECT_TRUE(connection().usable());
}

TEST_F(SqliteErrorsTest, OnlyOneStatementAtATime) {
  constexpr auto kCode = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(RunSql(connection(), "SELECT 1; SELECT 2"),
              StatusIs(kCode, HasSubstr("one statement at a time")));
  EXPECT_THAT(RunSql(connection(), "SELECT 1; nonsense"), HasCode(kCode));
  SHARD_EXPECT_OK(RunSql(connection(), "SELECT 1; -- and a comment\n ; "));
  for (const std::string_view empty : {"", "  ", "-- comment", ";"}) {
    EXPECT_THAT(RunSql(connection(), empty), HasCode(kCode)) << empty;
  }
  EXPECT_THAT(RunSql(connection(), std::string_view("SELECT 1\0, 2", 12)),
              StatusIs(kCode, HasSubstr("NUL")));
  EXPECT_THAT(Script(std::string_view("SELECT 1;\0 SELECT 2", 19)),
              StatusIs(kCode, HasSubstr("NUL")));
  EXPECT_THAT(Script("INSERT INTO t(id) VALUES (?)"), HasCode(kCode));
}

TEST_F(SqliteErrorsTest, ALockedFileIsAborted) {
  PooledConnection other = Connect();
  SHARD_ASSERT_OK(other->ExecuteScript("BEGIN IMMEDIATE"));
  EXPECT_THAT(RunSql(connection(), "DELETE FROM t"),
              IsError(absl::StatusCode::kAborted, SQLITE_BUSY));
  SHARD_ASSERT_OK(other->Rollback());
  SHARD_EXPECT_OK(RunSql(connection(), "DELETE FROM t"));
}

TEST_F(SqliteErrorsTest, AReaderThatCannotBecomeAWriterIsAborted) {
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(Query(connection(), "SELECT * FROM t"));
  PooledConnection other = Connect();
  SHARD_ASSERT_OK(RunSql(*other, "UPDATE t SET n = 1"));
  EXPECT_THAT(RunSql(connection(), "UPDATE t SET n = 2"),
              IsError(absl::StatusCode::kAborted, SQLITE_BUSY_SNAPSHOT));
  SHARD_ASSERT_OK(connection().Rollback());
}

TEST_F(SqliteErrorsTest, AReadOnlyDatabaseIsUnavailableToWriters) {
  const std::shared_ptr<Engine> engine = MakeEngine("?mode=ro");
  PooledConnection reader = Connect(*engine);
  SHARD_EXPECT_OK(Query(*reader, "SELECT * FROM t"));
  EXPECT_THAT(RunSql(*reader, "DELETE FROM t"),
              IsError(absl::StatusCode::kUnavailable, SQLITE_READONLY));
}

TEST_F(SqliteErrorsTest, AFullDiskIsResourceExhausted) {
  SHARD_ASSERT_OK(Script("PRAGMA max_page_count = 10"));
  SHARD_ASSERT_OK(connection().Begin());
  EXPECT_THAT(
      RunSql(connection(), "INSERT INTO t(u) VALUES (zeroblob(1000000))"),
      IsError(absl::StatusCode::kResourceExhausted, SQLITE_FULL));
  SHARD_EXPECT_OK(connection().Rollback()) << "SQLite may have done it itself";
  EXPECT_FALSE(connection().in_transaction());
  EXPECT_TRUE(connection().usable());
}

TEST_F(SqliteErrorsTest, ATooLongValueIsAnInvalidArgument) {
  EXPECT_THAT(
      RunSql(connection(), "INSERT INTO t(u) VALUES (zeroblob(2000000000))"),
      IsError(absl::StatusCode::kInvalidArgument, SQLITE_TOOBIG));
}

TEST_F(SqliteErrorsTest, AFileThatIsNoDatabaseIsDataLoss) {
  const std::string path = path_ + ".text";
  std::ofstream(path) << std::string(5000, 'x');
  const auto engine = OpenEngine(absl::StrCat("sqlite:///", path));
  SHARD_ASSERT_OK(engine);
  EXPECT_THAT((*engine)->Connect(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(path)));
  std::filesystem::remove(path);
}

TEST_F(SqliteErrorsTest, ABrokenFileEndsItsConnection) {
  SHARD_ASSERT_OK(Script("PRAGMA wal_checkpoint(TRUNCATE)"));
  connection_.Return();
  engine_.reset();
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);  // the page of table t
  file << std::string(4096, '\xee');
  file.close();
  engine_ = MakeEngine();
  connection_ = Connect();
  EXPECT_THAT(Query(connection(), "SELECT * FROM t"),
              IsError(absl::StatusCode::kDataLoss, SQLITE_CORRUPT));
  EXPECT_FALSE(connection().usable());
  connection_.Return();
  EXPECT_EQ(engine_->open_connections(), 0u);
}

TEST_F(SqliteErrorsTest, AMissingFolderIsUnavailableAndNamed) {
  const auto engine = OpenEngine("sqlite:////no/such/folder/file.db");
  SHARD_ASSERT_OK(engine);
  EXPECT_THAT((*engine)->Connect(),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("/no/such/folder/file.db")));
}

TEST(SqliteStatusCodeTest, FollowsThePrimaryCode) {
  EXPECT_EQ(SqliteStatusCode(SQLITE_INTERRUPT), absl::StatusCode::kCancelled);
  EXPECT_EQ(SqliteStatusCode(SQLITE_AUTH), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(SqliteStatusCode(SQLITE_BUSY_RECOVERY), absl::StatusCode::kAborted);
  EXPECT_EQ(SqliteStatusCode(SQLITE_LOCKED), absl::StatusCode::kAborted);
  EXPECT_EQ(SqliteStatusCode(SQLITE_IOERR_READ),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(SqliteStatusCode(SQLITE_NOMEM),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(SqliteStatusCode(SQLITE_NOTADB), absl::StatusCode::kDataLoss);
  EXPECT_EQ(SqliteStatusCode(SQLITE_CONSTRAINT_ROWID),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(SqliteStatusCode(SQLITE_MISUSE), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace shard
