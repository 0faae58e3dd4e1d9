#include "shard/dialects/sqlite/sqlite_effects.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_recording.h"
#include "shard/dialects/sqlite/statement_cache.h"
#include "shard/tests/dialects/sqlite_recording_support.h"

namespace shard::testing {
namespace {

class SqliteEffectsTest : public SqliteRecordingTest {
 protected:
  void SetUp() override {
    SqliteRecordingTest::SetUp();
    MakeBase(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE log(id "
        "INTEGER "
        "PRIMARY KEY); INSERT INTO t VALUES (1, 1), (2, 2); INSERT INTO log "
        "VALUES (1), (2)");
    database_ = CopyOfBase("t");
  }

  SqliteEffects& effects() { return database_->effects(); }
  // Whether the statement is noted when it is prepared.
  bool Notes(const std::string& text) {
    const std::uint64_t before = effects().unrecordable();
    EXPECT_THAT(database_->Prepare(text), IsOk()) << text;
    return effects().unrecordable() != before;
  }
  // Work that runs once from statements prepared before it is recorded, is
  // lost, and done again.
  void ExpectRedone(const std::string& work) {
    SHARD_ASSERT_OK(database_->Run("BEGIN"));
    SHARD_ASSERT_OK(database_->Run(work));
    const std::vector<std::string> wanted = Contents(*database_);
    SHARD_ASSERT_OK(database_->Run("ROLLBACK"));
    for (int round = 0; round < 3; ++round) {
      SHARD_ASSERT_OK(database_->Run(kBeginMayFollow));
      auto recording = SqliteRecording::Start(database_.get());
      SHARD_ASSERT_OK(recording);
      SHARD_ASSERT_OK(database_->Run(work));
      const absl::StatusOr<std::string> redo = (*recording)->Finish(kPlenty);
      SHARD_ASSERT_OK(redo);
      SHARD_ASSERT_OK(database_->Run("ROLLBACK"));
      SHARD_ASSERT_OK(database_->Run("BEGIN"));
      std::vector<RedoConflict> conflicts;
      SHARD_ASSERT_OK(
          ApplySqliteRedo(*database_, *redo, OnConflict::kReport, &conflicts));
      EXPECT_EQ(Contents(*database_), wanted) << work << ", round " << round;
      SHARD_ASSERT_OK(database_->Run("ROLLBACK"));
    }
  }

  std::unique_ptr<SqliteDatabase> database_;
};

TEST_F(SqliteEffectsTest, NotesWhatNoRecordingHolds) {
  for (const char* text :
       {"CREATE TABLE x(a)", "CREATE TEMP TABLE x(a)", "DROP TABLE t",
        "ALTER TABLE t RENAME TO u", "CREATE UNIQUE INDEX i ON t(v)",
        "CREATE VIEW x AS SELECT 1", "ANALYZE",
        "CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM log; END",
        "PRAGMA user_version = 3", "PRAGMA main.application_id = 3",
        "PRAGMA Schema_Version(7)"}) {
    EXPECT_TRUE(Notes(text)) << text;
  }
  for (const char* text :
       {"SELECT * FROM t", "INSERT INTO t VALUES (3, 3)", "DELETE FROM t",
        "UPDATE t SET v = 1", "PRAGMA user_version", "PRAGMA table_info(t)",
        "SAVEPOINT a", "REINDEX", "EXPLAIN SELECT 1"}) {
    EXPECT_FALSE(Notes(text)) << text;
  }
  EXPECT_TRUE(Notes("CREATE TABLE fine(a)"));
  EXPECT_EQ(effects().last_unrecordable(), "CREATE TABLE fine");
}

// From a cache it would run without being noted.
TEST_F(SqliteEffectsTest, NotesItEachTimeItRuns) {
  EXPECT_TRUE(Notes("CREATE TABLE x(a)"));
  EXPECT_TRUE(Notes("CREATE TABLE x(a)"));
  EXPECT_TRUE(Notes("PRAGMA user_version = 3"));
  EXPECT_TRUE(Notes("PRAGMA user_version = 3"));
  const std::string first = "CREATE INDEX i ON t(v)";
  {
    const auto loan = database_->Prepare(first);
    SHARD_ASSERT_OK(loan);
    EXPECT_TRUE(Notes(first));
  }
  EXPECT_TRUE(Notes(first));
}

TEST_F(SqliteEffectsTest, HearsOfDeletesPreparedBefore) {
  ExpectRedone("DELETE FROM t");
  ExpectRedone("DELETE FROM t WHERE id = 1");
}

TEST_F(SqliteEffectsTest, HearsOfDeletesInTriggersPreparedBefore) {
  SHARD_ASSERT_OK(database_->Run(
      "CREATE TRIGGER empties AFTER UPDATE ON t BEGIN DELETE FROM log; END"));
  ExpectRedone("UPDATE t SET v = 3 WHERE id = 2");
}

// SQLite prepares it anew by itself, now with a DELETE in it, and unrecorded.
TEST_F(SqliteEffectsTest, HearsOfDeletesThatCameWithASchema) {
  const std::string work = "UPDATE t SET v = v + 1 WHERE id = 2";
  ExpectRedone(work);
  SHARD_ASSERT_OK(database_->Run(
      "CREATE TRIGGER empties AFTER UPDATE ON t BEGIN DELETE FROM log; END"));
  SHARD_ASSERT_OK(database_->Run(work));
  EXPECT_EQ(QueryRows(*database_, "SELECT * FROM log"),
            std::vector<std::string>{});
  SHARD_ASSERT_OK(database_->Run("INSERT INTO log VALUES (1), (2)"));
  ExpectRedone(work);
  // Another connection changes the schema; what was heard is silent again.
  SHARD_ASSERT_OK(Open("t")->Run("CREATE TABLE other(id)"));
  ExpectRedone(work);
  ExpectRedone("DELETE FROM t");
}

TEST_F(SqliteEffectsTest, PreparesADeleteAnewOnlyOnce) {
  const auto mark = [&](const std::string& work) {
    const auto loan = database_->Prepare(work);
    EXPECT_THAT(loan, IsOk());
    return loan->mark();
  };
  const std::string work = "DELETE FROM t WHERE id = 77";
  EXPECT_FALSE(effects().IsHeard(mark(work)));
  EXPECT_TRUE(effects().IsHeard(mark("SELECT * FROM t")));
  EXPECT_TRUE(effects().IsHeard(mark("UPDATE t SET v = 1")));
  effects().set_recording(true);
  EXPECT_TRUE(effects().IsHeard(mark(work)));
  effects().set_recording(false);
  // The new one is the one that is kept.
  EXPECT_TRUE(effects().IsHeard(mark(work)));
}

// Each recording hears of row numbers, whenever the statement was compiled.
TEST_F(SqliteEffectsTest, RowNumbersAreNotedInEachRecording) {
  SHARD_ASSERT_OK(RunAll(*database_, "CREATE TABLE d(k TEXT PRIMARY KEY)"));
  const char* const reads[] = {"INSERT INTO log SELECT 100 + rowid FROM d",
                               "INSERT INTO log SELECT 100 + id FROM t"};
  for (const char* read : reads) SHARD_ASSERT_OK(database_->Run(read));
  SHARD_ASSERT_OK(database_->Run("DELETE FROM log"));
  for (int round = 0; round < 3; ++round) {
    for (const char* read : reads) {
      SHARD_ASSERT_OK(database_->Run(kBeginMayFollow));
      auto recording = SqliteRecording::Start(database_.get());
      SHARD_ASSERT_OK(recording);
      SHARD_ASSERT_OK(database_->Run("INSERT INTO d VALUES ('a')"));
      SHARD_ASSERT_OK(database_->Run(read));
      EXPECT_EQ((*recording)->Finish(kPlenty).ok(), read == reads[1])
          << round << " " << read;
      SHARD_ASSERT_OK(database_->Run("ROLLBACK"));
    }
  }
  // SQLite compiles by itself what is in the cache when the schema changes.
  SHARD_ASSERT_OK(database_->Run("INSERT INTO t VALUES (8, 8)"));
  SHARD_ASSERT_OK(RunAll(*Open("t"),
                         "CREATE TRIGGER logs AFTER INSERT ON t BEGIN INSERT "
                         "INTO log SELECT 200 + rowid FROM d; END; DELETE FROM "
                         "t WHERE id = 8"));
  SHARD_ASSERT_OK(database_->Run("INSERT INTO t VALUES (8, 8)"));
  SHARD_ASSERT_OK(database_->Run("DELETE FROM t WHERE id = 8"));
  for (int round = 0; round < 2; ++round) {
    SHARD_ASSERT_OK(database_->Run(kBeginMayFollow));
    auto recording = SqliteRecording::Start(database_.get());
    SHARD_ASSERT_OK(recording);
    SHARD_ASSERT_OK(database_->Run("INSERT INTO d VALUES ('a')"));
    SHARD_ASSERT_OK(database_->Run("INSERT INTO t VALUES (8, 8)"));
    EXPECT_THAT((*recording)->Finish(kPlenty),
                HasCode(absl::StatusCode::kFailedPrecondition));
    SHARD_ASSERT_OK(database_->Run("ROLLBACK"));
  }
}

}  // namespace
}  // namespace shard::testing
