#include "shard/dialects/sqlite/sqlite_replay.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_redo_format.h"
#include "shard/tests/dialects/sqlite_recording_support.h"

namespace shard::testing {
namespace {

using ::testing::ElementsAre;

struct Case {
  const char* columns;  // of table t, which has rows (1, 1, 1) to (3, 3, 3)
  const char* work;
  bool doubtful;
};

class SqliteDoubtTest : public SqliteRecordingTest {
 protected:
  void ExpectDoubt(const Case& test) {
    std::filesystem::remove(Path("base"));
    MakeBase(absl::StrCat("CREATE TABLE t(", test.columns,
                          "); INSERT INTO t VALUES (1, 1, 1), (2, 2, 2), "
                          "(3, 3, 3)"));
    const auto database = CopyOfBase("t");
    const absl::StatusOr<std::string> redo = Record(*database, test.work);
    SHARD_ASSERT_OK(redo);
    const absl::StatusOr<std::string> table =
        FindDoubtfulTable(*database, *redo);
    SHARD_ASSERT_OK(table);
    EXPECT_EQ(*table, test.doubtful ? "t" : "")
        << test.columns << ": " << test.work;
    SHARD_ASSERT_OK(database->Run("ROLLBACK"));
  }
};

TEST_F(SqliteDoubtTest, UniqueIndexes) {
  const char key[] = "id INTEGER PRIMARY KEY, a UNIQUE, b";
  for (const Case& test : {
           Case{key, "UPDATE t SET b = 9", false},
           Case{key, "UPDATE t SET a = 9 WHERE id = 1", false},
           Case{key, "UPDATE t SET a = a + 9", true},
           Case{key, "INSERT INTO t VALUES (8, 8, 8), (9, 9, 9)", false},
           Case{key, "DELETE FROM t", false},
           Case{key, "UPDATE t SET id = id + 10", false},
           Case{key,
                "DELETE FROM t WHERE id = 3; INSERT INTO t VALUES (4, 3, 4); "
                "UPDATE t SET a = 9 WHERE id = 1",
                false},
           Case{"id INTEGER PRIMARY KEY, a, b, UNIQUE (b, a)",
                "UPDATE t SET a = a + 9", true},
       }) {
    ExpectDoubt(test);
  }
}

TEST_F(SqliteDoubtTest, Keys) {
  const char update[] = "UPDATE t SET b = 9";
  for (const Case& test : {
           Case{"id INTEGER PRIMARY KEY, a, b", update, false},
           Case{"id INT PRIMARY KEY NOT NULL, a, b", update, false},
           Case{"id DECIMAL NOT NULL, a INT NOT NULL, b, PRIMARY KEY (id, a)",
                update, false},
           Case{"id TEXT PRIMARY KEY NOT NULL, a, b", update, false},
           Case{"id VARCHAR(9) PRIMARY KEY NOT NULL, a, b", update, false},
           Case{"id REAL PRIMARY KEY NOT NULL, a, b", update, true},
           Case{"id PRIMARY KEY NOT NULL, a, b", update, true},
           Case{"id BLOB PRIMARY KEY NOT NULL, a, b", update, true},
           Case{"id BLOB PRIMARY KEY NOT NULL, a, b",
                "INSERT INTO t VALUES (x'01', 1, 1), ('x', 2, 2)", false},
           Case{"id INT PRIMARY KEY NOT NULL, a, b",
                "INSERT INTO t VALUES (1.5, 1, 1)", true},
           Case{"id TEXT PRIMARY KEY COLLATE NOCASE NOT NULL, a, b", update,
                true},
           Case{"id TEXT NOT NULL, a, b, PRIMARY KEY (id COLLATE RTRIM)",
                update, true},
       }) {
    ExpectDoubt(test);
  }
}

// ROLLBACK TO the transaction's savepoint gives up the work, not the lock.
TEST_F(SqliteRecordingTest, ReplayKeepsTheWriteLock) {
  MakeBase(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES "
      "(1, 1), (2, 2)");
  const auto database = CopyOfBase("t");
  const auto other = Open("t");
  const auto expect_locked = [&] {
    EXPECT_THAT(other->Run("BEGIN IMMEDIATE"),
                HasCode(absl::StatusCode::kAborted));
  };
  SHARD_ASSERT_OK(database->Run(kBeginMayFollow));
  SHARD_ASSERT_OK(database->Run("UPDATE t SET u = u + 10"));
  expect_locked();
  SHARD_ASSERT_OK(database->Run("ROLLBACK TO shard_transaction"));
  expect_locked();
  SHARD_ASSERT_OK(database->Run("ROLLBACK"));
  SHARD_ASSERT_OK(other->Run("BEGIN IMMEDIATE"));
  SHARD_ASSERT_OK(other->Run("ROLLBACK"));

  SHARD_ASSERT_OK(Record(*database, "UPDATE t SET u = u + 10"));
  expect_locked();
  // Readers go on, and see nothing before COMMIT.
  EXPECT_THAT(QueryRows(*other, "SELECT u FROM t"), ElementsAre("1", "2"));
  SHARD_ASSERT_OK(database->Run("COMMIT"));
  EXPECT_THAT(QueryRows(*other, "SELECT u FROM t"), ElementsAre("11", "12"));
}

// What a replay has made of the file is what the work had made of it, else it
// says so.
TEST_F(SqliteRecordingTest, ReplayComparesRows) {
  MakeBase(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 1)");
  const auto database = CopyOfBase("t");
  const absl::StatusOr<std::string> redo =
      Record(*database, "UPDATE t SET v = 2");
  SHARD_ASSERT_OK(redo);
  SHARD_ASSERT_OK(ReplaySqliteRedo(*database, *redo, "t"));
  EXPECT_THAT(QueryRows(*database, "SELECT v FROM t"), ElementsAre("2"));
  // Written behind the recording's back.
  SHARD_ASSERT_OK(database->Run("UPDATE t SET v = 2.0"));
  EXPECT_THAT(ReplaySqliteRedo(*database, *redo, "t"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       ::testing::HasSubstr("changes of table 't' cannot")));
  SHARD_ASSERT_OK(database->Run("ROLLBACK"));
}

}  // namespace
}  // namespace shard::testing
