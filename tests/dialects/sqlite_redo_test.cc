#include "shard/dialects/sqlite/sqlite_redo.h"

#include <sqlite3.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_recording.h"
#include "shard/tests/dialects/sqlite_recording_support.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kSchema[] =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT UNIQUE); INSERT "
    "INTO "
    "t VALUES (1, 'a1', 'b1'), (2, 'a2', 'b2'), (3, 'a3', 'b3');"
    "CREATE TABLE k(x TEXT, y BLOB, v, PRIMARY KEY (x, y)) WITHOUT ROWID;"
    "INSERT INTO k VALUES ('x', x'ff', 1)";

constexpr char kWork[] =
    "UPDATE t SET a = 'new' WHERE id = 1; DELETE FROM t WHERE id = 2; INSERT "
    "INTO t VALUES (4, 'a4', 'b4'); UPDATE k SET v = 2";

// The work is recorded and lost; then somebody else writes.
class SqliteRedoTest : public SqliteRecordingTest {
 protected:
  void Lose(std::string_view schema, std::string_view work,
            std::string_view meanwhile) {
    MakeBase(schema);
    database_ = CopyOfBase("t");
    absl::StatusOr<std::string> redo = Record(*database_, work);
    SHARD_ASSERT_OK(redo);
    redo_ = *std::move(redo);
    SHARD_ASSERT_OK(database_->Run("ROLLBACK"));
    SHARD_ASSERT_OK(RunAll(*Open("t"), meanwhile));
    SHARD_ASSERT_OK(database_->Run("BEGIN IMMEDIATE"));
  }
  absl::Status Apply(OnConflict on_conflict) {
    return ApplySqliteRedo(*database_, redo_, on_conflict, &conflicts_);
  }
  std::vector<std::string> Told() const {
    std::vector<std::string> told;
    for (const RedoConflict& conflict : conflicts_) {
      told.push_back(
          absl::StrCat(conflict.table, " ", conflict.key, ": ", conflict.what));
    }
    std::sort(told.begin(), told.end());
    return told;
  }
  std::vector<std::string> Rows(std::string_view text) {
    return QueryRows(*database_, text);
  }

  std::unique_ptr<SqliteDatabase> database_;
  std::string redo_;
  std::vector<RedoConflict> conflicts_;
};

TEST_F(SqliteRedoTest, LeavesOtherRowsAlone) {
  Lose(kSchema, kWork,
       "UPDATE t SET a = 'theirs' WHERE id = 3; INSERT INTO t VALUES (9, 'a9', "
       "'b9'); UPDATE t SET b = 'theirs' WHERE id = 1");
  SHARD_ASSERT_OK(Apply(OnConflict::kReport));
  EXPECT_THAT(conflicts_, IsEmpty());
  EXPECT_THAT(Rows("SELECT * FROM t"),
              ElementsAre("1|new|theirs", "3|theirs|b3", "4|a4|b4", "9|a9|b9"));
}

constexpr char kMeanwhile[] =
    "UPDATE t SET a = 'theirs' WHERE id IN (1, 2); INSERT INTO t VALUES (4, "
    "'theirs', 'theirs'); UPDATE k SET v = 3";

TEST_F(SqliteRedoTest, ReportsConflictsAndChangesNothing) {
  Lose(kSchema, kWork, kMeanwhile);
  const std::vector<std::string> before = Contents(*database_);
  EXPECT_THAT(Apply(OnConflict::kReport),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("cannot be applied to table")));
  EXPECT_THAT(
      Told(),
      ElementsAre("k x='x', y=x'ff': the row to update has other values",
                  "t id=1: the row to update has other values",
                  "t id=2: the row to delete has other values",
                  "t id=4: the row to insert is there already"));
  EXPECT_EQ(Contents(*database_), before);
}

TEST_F(SqliteRedoTest, OverwritesRowsInConflict) {
  Lose(kSchema, kWork, kMeanwhile);
  SHARD_ASSERT_OK(Apply(OnConflict::kOverwrite));
  EXPECT_EQ(conflicts_.size(), 4u);
  EXPECT_THAT(Rows("SELECT * FROM t"),
              ElementsAre("1|new|b1", "3|a3|b3", "4|a4|b4"));
  EXPECT_THAT(Rows("SELECT v FROM k"), ElementsAre("2"));
}

TEST_F(SqliteRedoTest, KeepsRowsInConflictAndAppliesTheRest) {
  Lose(kSchema, kWork, "UPDATE t SET a = 'theirs' WHERE id = 1");
  SHARD_ASSERT_OK(Apply(OnConflict::kKeep));
  EXPECT_THAT(Told(),
              ElementsAre("t id=1: the row to update has other values"));
  EXPECT_THAT(Rows("SELECT * FROM t"),
              ElementsAre("1|theirs|b1", "3|a3|b3", "4|a4|b4"));
  EXPECT_THAT(Rows("SELECT v FROM k"), ElementsAre("2"));
}

TEST_F(SqliteRedoTest, RowsThatAreGone) {
  Lose(kSchema, kWork, "DELETE FROM t WHERE id IN (1, 2)");
  const std::vector<std::string> before = Contents(*database_);
  const auto told = ElementsAre("t id=1: the row to update is gone",
                                "t id=2: the row to delete is gone");
  EXPECT_THAT(Apply(OnConflict::kReport),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Told(), told);
  // An UPDATE is not enough to make the row anew.
  EXPECT_THAT(Apply(OnConflict::kOverwrite),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("the row to update is gone")));
  EXPECT_EQ(Contents(*database_), before);
  SHARD_ASSERT_OK(Apply(OnConflict::kKeep));
  EXPECT_THAT(Told(), told);
  EXPECT_THAT(Rows("SELECT id FROM t"), ElementsAre("3", "4"));
}

TEST_F(SqliteRedoTest, UniqueValuesThatAreTaken) {
  Lose(kSchema, kWork, "INSERT INTO t VALUES (8, 'theirs', 'b4')");
  const auto told = ElementsAre(HasSubstr("t id=4: another row has a unique"));
  EXPECT_THAT(Apply(OnConflict::kOverwrite),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Told(), told);
  SHARD_ASSERT_OK(Apply(OnConflict::kKeep));
  EXPECT_THAT(Told(), told);
  EXPECT_THAT(Rows("SELECT id FROM t"), ElementsAre("1", "3", "8"));
}

TEST_F(SqliteRedoTest, TellsOfAHundredConflictsAtMost) {
  const std::string rows =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i "
      "< "
      "500) INSERT INTO t SELECT i, '', NULL FROM n";
  Lose("CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)", rows, rows);
  EXPECT_THAT(Apply(OnConflict::kReport),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(conflicts_.size(), 100u);
  SHARD_ASSERT_OK(Apply(OnConflict::kKeep));
  EXPECT_EQ(conflicts_.size(), 100u);
}

TEST_F(SqliteRedoTest, TriggersAndForeignKeysDoNothingMeanwhile) {
  Lose(
      "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER "
      "PRIMARY KEY, p REFERENCES p ON DELETE CASCADE); CREATE TABLE n(id "
      "INTEGER PRIMARY KEY, count); INSERT INTO n VALUES (1, 0); INSERT INTO p "
      "VALUES (1); INSERT INTO c VALUES (10, 1); CREATE TRIGGER counts AFTER "
      "DELETE ON c BEGIN UPDATE n SET count = count + 1; END",
      "DELETE FROM p", "");
  SHARD_ASSERT_OK(Apply(OnConflict::kReport));
  EXPECT_THAT(Rows("SELECT count FROM n"), ElementsAre("1"));
  int on = 0;
  sqlite3_db_config(database_->handle(), SQLITE_DBCONFIG_ENABLE_FKEY, -1, &on);
  EXPECT_EQ(on, 1);
  sqlite3_db_config(database_->handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, -1,
                    &on);
  EXPECT_EQ(on, 1);
}

TEST_F(SqliteRedoTest, ATableThatWasChangedCanOnlyBeKept) {
  for (const char* change :
       {"DROP TABLE t", "ALTER TABLE t ADD COLUMN c",
        "ALTER TABLE t RENAME COLUMN a TO z", "ALTER TABLE t RENAME TO u",
        "DROP TABLE t; CREATE VIEW t AS SELECT 1 AS id, 2 AS a, 3 AS b",
        "DROP TABLE t; CREATE TABLE t(id INTEGER, a TEXT PRIMARY KEY, b TEXT)",
        "DROP TABLE t; CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT "
        "UNIQUE ON CONFLICT REPLACE)"}) {
    Lose(kSchema, kWork, change);
    const std::vector<std::string> before = Contents(*database_);
    EXPECT_THAT(
        Apply(OnConflict::kReport),
        StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("table 't'")))
        << change;
    EXPECT_THAT(Told(), ElementsAre(HasSubstr("t : "))) << change;
    EXPECT_THAT(Apply(OnConflict::kOverwrite),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr("table 't'"),
                               HasSubstr("no rows can be written over"))));
    EXPECT_EQ(Contents(*database_), before);
    // What was written to the others is not given up.
    SHARD_ASSERT_OK(Apply(OnConflict::kKeep));
    EXPECT_THAT(Told(), ElementsAre(HasSubstr("t : "))) << change;
    EXPECT_THAT(Rows("SELECT v FROM k"), ElementsAre("2"));
    SHARD_ASSERT_OK(database_->Run("UPDATE k SET v = 1"));
    EXPECT_EQ(Contents(*database_), before) << change;
    database_.reset();
    std::filesystem::remove(Path("base"));
  }
}

TEST_F(SqliteRedoTest, NeverTakesNumbersBack) {
  const char schema[] = "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT)";
  Lose(schema, "INSERT INTO t VALUES (5); DELETE FROM t",
       "INSERT INTO t VALUES (9)");
  SHARD_ASSERT_OK(Apply(OnConflict::kReport));
  EXPECT_THAT(Rows("SELECT name, seq FROM sqlite_sequence"),
              ElementsAre("t|9"));
}

TEST_F(SqliteRedoTest, TellsOfRowsBesideATableThatWasChanged) {
  Lose(kSchema, kWork, "DROP TABLE t; UPDATE k SET v = 3");
  EXPECT_THAT(Apply(OnConflict::kReport),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(
      Told(),
      ElementsAre("k x='x', y=x'ff': the row to update has other values",
                  "t : there is no such table with rows of its own any more"));
  SHARD_ASSERT_OK(Apply(OnConflict::kKeep));
  EXPECT_THAT(Rows("SELECT v FROM k"), ElementsAre("3"));
}

// FTS5 must see what was put under it on its own connection.
TEST_F(SqliteRedoTest, FullTextGoesOnAfterwards) {
  Lose("CREATE VIRTUAL TABLE f USING fts5(body); INSERT INTO f VALUES ('one')",
       "INSERT INTO f VALUES ('two'), ('three')", "");
  EXPECT_THAT(Rows("SELECT * FROM f('one OR two')"), ElementsAre("one"));
  SHARD_ASSERT_OK(database_->Run("INSERT INTO f(rowid, body) VALUES (9, 'x')"));
  SHARD_ASSERT_OK(database_->Run("ROLLBACK"));
  EXPECT_THAT(Rows("SELECT * FROM f('one OR two')"), ElementsAre("one"));
  SHARD_ASSERT_OK(database_->Run("BEGIN"));
  EXPECT_THAT(Rows("SELECT * FROM f('one OR two')"), ElementsAre("one"));
  SHARD_ASSERT_OK(Apply(OnConflict::kReport));
  EXPECT_THAT(Rows("SELECT * FROM f('one OR two')"), ElementsAre("one", "two"));
  SHARD_ASSERT_OK(database_->Run("INSERT INTO f VALUES ('four')"));
  SHARD_ASSERT_OK(database_->Run("COMMIT"));
  Contents(*database_);
  EXPECT_THAT(QueryRows(*Open("t"), "SELECT * FROM f('one OR two OR four')"),
              ElementsAre("one", "two", "four"));
}

TEST_F(SqliteRedoTest, FullTextIsRebuiltWhereRowsWereInConflict) {
  Lose("CREATE VIRTUAL TABLE f USING fts5(body); INSERT INTO f VALUES ('one')",
       "INSERT INTO f VALUES ('two')", "INSERT INTO f VALUES ('theirs')");
  EXPECT_THAT(Apply(OnConflict::kReport),
              HasCode(absl::StatusCode::kFailedPrecondition));
  SHARD_ASSERT_OK(Apply(OnConflict::kKeep));
  Contents(*database_);
  EXPECT_THAT(Rows("SELECT * FROM f('one OR two OR theirs')"),
              ElementsAre("one", "theirs"));
  SHARD_ASSERT_OK(database_->Run("ROLLBACK"));
  SHARD_ASSERT_OK(database_->Run("BEGIN"));
  SHARD_ASSERT_OK(Apply(OnConflict::kOverwrite));
  Contents(*database_);
  EXPECT_THAT(Rows("SELECT * FROM f('one OR two OR theirs')"),
              ElementsAre("one", "two"));
}

TEST_F(SqliteRedoTest, RefusesBytesThatAreNoRedo) {
  Lose(kSchema, kWork, "");
  const std::vector<std::string> before = Contents(*database_);
  const std::string whole = redo_;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    redo_ = whole.substr(0, at);
    EXPECT_THAT(Apply(OnConflict::kReport),
                HasCode(absl::StatusCode::kDataLoss));
    redo_ = whole;
    redo_[at] ^= 4;
    EXPECT_FALSE(Apply(OnConflict::kReport).ok()) << at;
  }
  EXPECT_EQ(Contents(*database_), before);
  redo_ = "";
  EXPECT_THAT(Apply(OnConflict::kKeep), HasCode(absl::StatusCode::kDataLoss));
  redo_ = whole;
  redo_[4] = 2;
  EXPECT_THAT(Apply(OnConflict::kKeep),
              StatusIs(absl::StatusCode::kUnimplemented,
                       HasSubstr("the redo has format 2")));
}

}  // namespace
}  // namespace shard::testing
