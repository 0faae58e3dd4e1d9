// What cannot be recorded is refused, in words, and nothing is lost.
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/sqlite/sqlite_recording.h"
#include "shard/tests/dialects/sqlite_recording_support.h"

namespace shard::testing {
namespace {

using ::testing::HasSubstr;

struct Case {
  const char* name;
  const char* schema;
  const char* work;
  const char* words;
};

std::string CaseName(const ::testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

class SqliteRefusedTest : public SqliteRecordingTest,
                          public ::testing::WithParamInterface<Case> {};

TEST_P(SqliteRefusedTest, SaysWhyAndLosesNothing) {
  MakeBase(GetParam().schema);
  ExpectRefused(GetParam().work, GetParam().words);
}

constexpr char kPlain[] =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 1), "
    "(2, 2)";

constexpr Case kTables[] = {
    {"NoPrimaryKey", "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2)",
     "UPDATE t SET b = 3", "table 't' has no PRIMARY KEY"},
    {"NoPrimaryKeyWrittenByATrigger",
     "CREATE TABLE t(id INTEGER PRIMARY KEY); CREATE TABLE log(id); CREATE "
     "TRIGGER logs AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.id); "
     "END",
     "INSERT INTO t VALUES (1)", "table 'log' has no PRIMARY KEY"},
    {"NoPrimaryKeyWrittenByACascade",
     "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p ON "
     "DELETE SET NULL); INSERT INTO p VALUES (1); INSERT INTO c VALUES (1)",
     "DELETE FROM p", "table 'c' has no PRIMARY KEY"},
    {"NullInKey",
     "CREATE TABLE t(k TEXT PRIMARY KEY, v); INSERT INTO t VALUES (NULL, 1)",
     "UPDATE t SET v = 2", "table 't' has rows with NULL in the primary key"},
    {"NullPutIntoKey",
     "CREATE TABLE t(a TEXT NOT NULL, b TEXT, v, PRIMARY KEY (a, b)); INSERT "
     "INTO t VALUES ('a', 'b', 1)",
     "UPDATE t SET b = NULL", "table 't' has rows with NULL"},
    {"NullTakenOutOfKey",
     "CREATE TABLE t(k TEXT PRIMARY KEY, v); INSERT INTO t VALUES (NULL, 1)",
     "UPDATE t SET k = 'k'", "table 't' has rows with NULL"},
    {"GeneratedColumn",
     "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b AS (a + 1))",
     "INSERT INTO t(a) VALUES (1)", "table 't' has generated columns"},
    {"StoredGeneratedColumn",
     "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b AS (a + 1) STORED)",
     "INSERT INTO t(a) VALUES (1)", "table 't' has generated columns"},
    {"OnConflictClause",
     "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE /**/ on --\n conflict "
     "ignore)",
     "INSERT INTO t VALUES (1, 1)", "table 't' has an ON CONFLICT clause"},
    {"SequencesByHand",
     "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t "
     "VALUES (1)",
     "UPDATE sqlite_sequence SET seq = 9", "table 'sqlite_sequence' is"},
    {"SequencesEmptied",
     "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t "
     "VALUES (1)",
     "DELETE FROM sqlite_sequence", "table 'sqlite_sequence' is"},
    {"TheLibrarysOwn", "CREATE TABLE shard_stamp(only INTEGER PRIMARY KEY)",
     "INSERT INTO shard_stamp VALUES (1)", "table 'shard_stamp' is the"},
    {"OtherFullText", "CREATE VIRTUAL TABLE f USING fts4(a)",
     "INSERT INTO f VALUES ('x')", "of the virtual table 'f'"},
    {"RangeTree", "CREATE VIRTUAL TABLE r USING rtree(id, a, b)",
     "INSERT INTO r VALUES (1, 2, 3)", "of the virtual table 'r'"},
    {"FullTextOverRowNumbers",
     "CREATE TABLE d(k TEXT PRIMARY KEY NOT NULL, body); CREATE VIRTUAL TABLE "
     "f "
     "USING fts5(body, content = 'd'); INSERT INTO d VALUES ('a', 'words')",
     "INSERT INTO f(rowid, body) SELECT rowid, body FROM d",
     "over the rows of 'd' by their numbers"},
    {"TriggerReadsRowNumbers",
     "CREATE TABLE d(k TEXT PRIMARY KEY NOT NULL); CREATE TABLE log(id INTEGER "
     "PRIMARY KEY, n); CREATE TRIGGER logs AFTER INSERT ON d BEGIN INSERT INTO "
     "log(n) VALUES (new.rowid); END",
     "INSERT INTO d VALUES ('a')", "table 'd' has trigger 'logs'"},
    {"RowNumbersReadByAStatement",
     "CREATE TABLE d(k TEXT PRIMARY KEY NOT NULL); CREATE TABLE log(id INTEGER "
     "PRIMARY KEY, n); INSERT INTO d VALUES ('a'), ('b'); DELETE FROM d WHERE "
     "k = 'b'",
     "DELETE FROM d; INSERT INTO d VALUES ('x'), ('b'); DELETE FROM d WHERE k "
     "= 'x'; INSERT INTO log(n) SELECT oid FROM d",
     "table 'd' got rows in a transaction that also reads its row numbers"},
    {"RowNumbersReadByATriggerElsewhere",
     "CREATE TABLE d(k TEXT PRIMARY KEY NOT NULL); CREATE TABLE log(id INTEGER "
     "PRIMARY KEY, n); CREATE TABLE t(id INTEGER PRIMARY KEY); CREATE TRIGGER "
     "logs AFTER INSERT ON t BEGIN INSERT INTO log(n) SELECT rowid FROM d; END",
     "INSERT INTO d VALUES ('a'); INSERT INTO t VALUES (1)",
     "table 'd' got rows"},
    {"RowNumbersReturned", "CREATE TABLE d(k TEXT PRIMARY KEY NOT NULL)",
     "INSERT INTO d VALUES ('a') RETURNING _rowid_", "table 'd' got rows"},
    {"RowNumbersOfReplacedRows",
     "CREATE TABLE D(k TEXT PRIMARY KEY NOT NULL, v); INSERT INTO d VALUES "
     "('a', 1), ('b', 1)",
     "REPLACE INTO d VALUES ('a', 2); SELECT rowid FROM d",
     "table 'D' got rows"},
    {"RowNumbersOfRowsWithAnotherKey",
     "CREATE TABLE d(k TEXT PRIMARY KEY NOT NULL); INSERT INTO d VALUES ('a'), "
     "('b')",
     "UPDATE d SET k = 'c' WHERE rowid = 1", "table 'd' got rows"},
    {"RowNumbersReadByAView",
     "CREATE TABLE d(k TEXT PRIMARY KEY NOT NULL); CREATE VIEW n AS SELECT "
     "rowid AS n FROM d",
     "INSERT INTO d VALUES ('a'); SELECT n FROM n", "table 'd' got rows"},
};

INSTANTIATE_TEST_SUITE_P(Tables, SqliteRefusedTest,
                         ::testing::ValuesIn(kTables), CaseName);

// Numbers that stay, or are the key, may be read.
TEST_F(SqliteRecordingTest, RowNumbersThatStayMayBeRead) {
  MakeBase(
      "CREATE TABLE d(k TEXT PRIMARY KEY NOT NULL, v); CREATE TABLE t(id "
      "INTEGER PRIMARY KEY, n); CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT "
      "ROWID; INSERT INTO d VALUES ('a', 1), ('b', 2)");
  ExpectSameThreeWays(
      "UPDATE d SET v = 3 WHERE rowid = 1; INSERT INTO t(n) SELECT rowid FROM "
      "d; DELETE FROM d WHERE rowid = 2");
  ExpectSameThreeWays(
      "INSERT INTO t(n) VALUES (1); INSERT INTO t(n) SELECT rowid FROM t; "
      "INSERT INTO d VALUES ('c', 1); INSERT INTO w SELECT k, v FROM d");
}

constexpr Case kSchemas[] = {
    {"CreateTable", kPlain, "CREATE TABLE u(id INTEGER PRIMARY KEY)",
     "CREATE TABLE u: changes of the schema"},
    {"CreateTableThatIsThere", kPlain, "CREATE TABLE IF NOT EXISTS t(id)",
     "CREATE TABLE t"},
    {"DropTable", kPlain, "DROP TABLE t", "DROP TABLE t"},
    {"AlterTable", kPlain, "ALTER TABLE t ADD COLUMN w", "ALTER TABLE t"},
    {"CreateIndex", kPlain, "CREATE INDEX i ON t(v)", "CREATE INDEX i"},
    {"CreateTrigger", kPlain,
     "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END",
     "CREATE TRIGGER x"},
    {"CreateView", kPlain, "CREATE VIEW x AS SELECT 1", "CREATE VIEW x"},
    {"CreateVirtualTable", kPlain, "CREATE VIRTUAL TABLE x USING fts5(a)",
     "changes of the schema"},
    {"CreateTempTable", kPlain, "CREATE TEMP TABLE x(a)",
     "CREATE TEMP TABLE x"},
    {"Analyze", kPlain, "ANALYZE", "changes of the schema"},
    {"UserVersion", kPlain, "PRAGMA user_version = 7", "PRAGMA user_version"},
    {"ApplicationId", kPlain, "PRAGMA main.application_id(7)",
     "PRAGMA application_id"},
    {"TableMadeAnewAndRolledBack", kPlain,
     "UPDATE t SET v = 3 WHERE id = 1; SAVEPOINT a; DROP TABLE t; CREATE TABLE "
     "t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (2, 9); ROLLBACK TO a",
     "changes of the schema"},
};

INSTANTIATE_TEST_SUITE_P(Schemas, SqliteRefusedTest,
                         ::testing::ValuesIn(kSchemas), CaseName);

constexpr Case kRows[] = {
    {"DeferredForeignKeyNotFulfilled",
     "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER "
     "PRIMARY "
     "KEY, p REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
     "INSERT INTO c VALUES (1, 1)", "a deferred one is not fulfilled"},
    {"SwappedUniqueValues",
     "CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES "
     "(1, 'a'), (2, 'b')",
     "UPDATE t SET u = 'c' WHERE id = 1; UPDATE t SET u = 'a' WHERE id = 2; "
     "UPDATE t SET u = 'b' WHERE id = 1",
     "changes of table 't' cannot be done again: unique values were swapped"},
    {"SwappedValuesOfAnExpression",
     "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); CREATE UNIQUE INDEX i ON "
     "t(a + b); INSERT INTO t VALUES (1, 1, 1), (2, 2, 2)",
     "UPDATE t SET a = 9 WHERE id = 1; UPDATE t SET a = 0 WHERE id = 2; UPDATE "
     "t SET a = 3 WHERE id = 1",
     "changes of table 't' cannot be done again"},
    {"CaseOfANocaseKey",
     "CREATE TABLE t(k TEXT PRIMARY KEY COLLATE NOCASE NOT NULL, v); INSERT "
     "INTO t VALUES ('a', 1)",
     "UPDATE t SET k = 'A'", "changes of table 't' cannot be done again"},
    {"RealKeyWrittenTwice", "CREATE TABLE t(k REAL PRIMARY KEY NOT NULL, v)",
     "INSERT INTO t VALUES (1, 1); UPDATE t SET v = 2",
     "changes of table 't' cannot be done again"},
    {"KeyOfTwoKinds",
     "CREATE TABLE t(k PRIMARY KEY NOT NULL, v); INSERT INTO t VALUES (1, 1)",
     "UPDATE t SET k = 1.0; UPDATE t SET k = 1",
     "changes of table 't' cannot be done again"},
    {"LowestInteger",
     "CREATE TABLE t(k INT PRIMARY KEY NOT NULL, v); INSERT INTO t VALUES "
     "(-9223372036854775808, 1)",
     "UPDATE t SET k = -9223372036854775808.0",
     "changes of table 't' cannot be done again"},
};

INSTANTIATE_TEST_SUITE_P(Rows, SqliteRefusedTest, ::testing::ValuesIn(kRows),
                         CaseName);

TEST_F(SqliteRecordingTest, RefusesWritesToOtherSchemas) {
  MakeBase(kPlain);
  const auto database = CopyOfBase("t");
  SHARD_ASSERT_OK(RunAll(
      *database,
      absl::StrCat("CREATE TEMP TABLE scratch(a); ATTACH '", Path("other"),
                   "' AS other; CREATE TABLE other.o(id "
                   "INTEGER PRIMARY KEY)")));
  EXPECT_THAT(Record(*database, "INSERT INTO scratch VALUES (1)"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("wrote to schema 'temp'")));
  SHARD_ASSERT_OK(database->Run("ROLLBACK"));
  EXPECT_THAT(Record(*database, "INSERT INTO o VALUES (1)"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("wrote to schema 'other'")));
  SHARD_ASSERT_OK(database->Run("ROLLBACK"));
  // To read them is no matter, nor are tables that a query needs by itself.
  EXPECT_THAT(Record(*database,
                     "UPDATE t SET v = (SELECT count(*) FROM o, scratch) WHERE "
                     "id IN (SELECT DISTINCT id FROM t ORDER BY v LIMIT 1)"),
              IsOk());
  SHARD_ASSERT_OK(database->Run("COMMIT"));
}

TEST_F(SqliteRecordingTest, RefusesWhereChecksAreIgnored) {
  MakeBase("CREATE TABLE t(id INTEGER PRIMARY KEY, v CHECK (v > 0))");
  const auto database = CopyOfBase("t");
  EXPECT_THAT(
      Record(*database,
             "PRAGMA ignore_check_constraints = 1; INSERT INTO t VALUES "
             "(1, -1)"),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               HasSubstr("ignore_check_constraints is on")));
  SHARD_ASSERT_OK(database->Run("ROLLBACK"));
  EXPECT_THAT(
      Record(*database,
             "PRAGMA ignore_check_constraints = 0; INSERT INTO t VALUES "
             "(1, 1)"),
      IsOk());
}

TEST_F(SqliteRecordingTest, RefusesMoreThanTheLimit) {
  MakeBase(kPlain);
  const auto database = CopyOfBase("t");
  const std::string work = "UPDATE t SET v = zeroblob(100000) WHERE id = 1";
  EXPECT_THAT(Record(*database, work, 100000),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("a redo of 100000 bytes")));
  SHARD_ASSERT_OK(database->Run("ROLLBACK"));
  EXPECT_THAT(Record(*database, work, 5),
              HasCode(absl::StatusCode::kResourceExhausted));
  SHARD_ASSERT_OK(database->Run("ROLLBACK"));
  const absl::StatusOr<std::string> redo = Record(*database, work, 100100);
  SHARD_ASSERT_OK(redo);
  SHARD_ASSERT_OK(database->Run("ROLLBACK"));
  EXPECT_THAT(Record(*database, work, redo->size()), IsOk());
}

TEST_F(SqliteRecordingTest, EndsWithItsTransaction) {
  MakeBase(kPlain);
  const auto database = CopyOfBase("t");
  EXPECT_THAT(SqliteRecording::Start(database.get()),
              HasCode(absl::StatusCode::kFailedPrecondition));
  SHARD_ASSERT_OK(database->Run(kBeginMayFollow));
  auto recording = SqliteRecording::Start(database.get());
  SHARD_ASSERT_OK(recording);
  // SQLite rolls back by itself, and the next transaction is another.
  EXPECT_THAT(database->Run("INSERT OR ROLLBACK INTO t VALUES (1, 1)"),
              HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_FALSE(database->in_transaction());
  SHARD_ASSERT_OK(database->Run("BEGIN"));
  SHARD_ASSERT_OK(database->Run("UPDATE t SET v = 3"));
  EXPECT_THAT((*recording)->Finish(kPlenty),
              HasCode(absl::StatusCode::kAborted));
  recording->reset();
  SHARD_ASSERT_OK(database->Run("ROLLBACK"));
}

// The transaction's own savepoint is nobody else's.
TEST_F(SqliteRecordingTest, KeepsItsSavepoint) {
  MakeBase(kPlain);
  const auto database = CopyOfBase("t");
  EXPECT_THAT(
      Record(*database, "UPDATE t SET v = 3; RELEASE \"Shard_Transaction\""),
      HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_TRUE(database->in_transaction());
  EXPECT_THAT(database->Run("SAVEPOINT [shard_transaction]"),
              HasCode(absl::StatusCode::kPermissionDenied));
  SHARD_ASSERT_OK(database->Run("COMMIT"));
  EXPECT_FALSE(database->in_transaction());
  EXPECT_EQ(QueryRows(*database, "SELECT DISTINCT v FROM t"),
            std::vector<std::string>{"3"});
}

}  // namespace
}  // namespace shard::testing
