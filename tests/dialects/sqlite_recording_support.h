// What the tests of recording and redoing share.
#ifndef SHARD_TESTS_DIALECTS_SQLITE_RECORDING_SUPPORT_H_
#define SHARD_TESTS_DIALECTS_SQLITE_RECORDING_SUPPORT_H_

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "shard/base/status_macros.h"
#include "shard/base/testing.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/sqlite/sqlite_database.h"
#include "shard/dialects/sqlite/sqlite_query.h"
#include "shard/dialects/sqlite/sqlite_recording.h"
#include "shard/dialects/sqlite/sqlite_redo.h"
#include "shard/dialects/sqlite/statement_cache.h"

namespace shard::testing {

inline constexpr std::size_t kPlenty = 64 << 20;
inline constexpr char kBeginMayFollow[] = "SAVEPOINT shard_transaction";

// Runs the statements one by one, each through the cache.
inline absl::Status RunAll(SqliteDatabase& database, std::string_view script) {
  const std::string text(script);
  const char* rest = text.c_str();
  while (true) {
    const char* const begin = rest;
    SHARD_ASSIGN_OR_RETURN(const SqliteStatementPtr statement,
                           database.PrepareNext(&rest));
    if (statement == nullptr) return absl::OkStatus();
    SHARD_RETURN_IF_ERROR(database.Run(std::string(begin, rest)));
  }
}

// The rows of a query, one text each.
inline std::vector<std::string> QueryRows(SqliteDatabase& database,
                                          std::string_view text) {
  std::vector<std::string> rows;
  absl::StatusOr<SqliteQuery> query = SqliteQuery::Open(database, text);
  EXPECT_THAT(query, IsOk()) << text;
  while (query.ok()) {
    const absl::StatusOr<bool> found = query->Next();
    EXPECT_THAT(found, IsOk()) << text;
    if (!found.ok() || !*found) break;
    std::vector<std::string> cells;
    for (int i = 0; i < sqlite3_column_count(query->statement()); ++i) {
      cells.push_back(query->Text(i));
    }
    rows.push_back(absl::StrJoin(cells, "|"));
  }
  return rows;
}

// A query for all rows of each table in main: quote() tells types and values
// apart.
inline std::vector<std::string> TableQueries(SqliteDatabase& database) {
  return QueryRows(
      database,
      "SELECT 'SELECT ' || quote(s.name || ': ') || (SELECT "
      "group_concat(printf(' || quote(\"%w\")', c.name), ' || ''|''') FROM "
      "pragma_table_info(s.name, 'main') AS c) || printf(' FROM "
      "main.\"%w\"', s.name) FROM main.sqlite_schema AS s WHERE s.type = "
      "'table' AND s.rootpage > 0");
}

// All there is in the file: every row of every table, SQLite's and FTS5's own
// among them, with the kind of each value. A broken file fails the test.
inline std::vector<std::string> Contents(SqliteDatabase& database) {
  EXPECT_EQ(QueryRows(database, "PRAGMA main.integrity_check"),
            std::vector<std::string>{"ok"});
  EXPECT_EQ(QueryRows(database, "PRAGMA main.foreign_key_check"),
            std::vector<std::string>{});
  std::vector<std::string> all =
      QueryRows(database, "SELECT name, sql FROM main.sqlite_schema");
  for (const std::string& query : TableQueries(database)) {
    const std::vector<std::string> rows = QueryRows(database, query);
    all.insert(all.end(), rows.begin(), rows.end());
  }
  for (const std::string& table :
       QueryRows(database,
                 "SELECT name FROM main.sqlite_schema "
                 "WHERE sql LIKE 'CREATE VIRTUAL TABLE%fts5%'")) {
    EXPECT_THAT(
        database.Run(absl::StrCat("INSERT INTO main.", table, "(", table,
                                  ") VALUES ('integrity-check')")),
        IsOk());
  }
  std::sort(all.begin(), all.end());
  return all;
}

// Each test has a file of its own, which others are copied from.
class SqliteRecordingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = absl::StrCat(::testing::TempDir(), "/", test->test_suite_name(),
                           ".", test->name());
    std::replace(folder_.begin() + ::testing::TempDir().size() + 1,
                 folder_.end(), '/', '.');
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Path(std::string_view name) const {
    return absl::StrCat(folder_, "/", std::string(name), ".db");
  }
  std::unique_ptr<SqliteDatabase> Open(std::string_view name) {
    SqliteOptions options;
    options.path = Path(name);
    options.busy_timeout = absl::Milliseconds(50);
    auto opened = SqliteDatabase::Open(options);
    EXPECT_THAT(opened, IsOk());
    // No loss of power is tested here.
    EXPECT_THAT((*opened)->Run("PRAGMA synchronous = OFF"), IsOk());
    return *std::move(opened);
  }
  // Makes the file that transactions start from.
  void MakeBase(std::string_view schema) {
    SHARD_ASSERT_OK(RunAll(*Open("base"), schema));
  }
  std::unique_ptr<SqliteDatabase> CopyOfBase(std::string_view name) {
    std::filesystem::copy_file(
        Path("base"), Path(name),
        std::filesystem::copy_options::overwrite_existing);
    return Open(name);
  }

  // Begins, records the work, and leaves the transaction open.
  static absl::StatusOr<std::string> Record(SqliteDatabase& database,
                                            std::string_view work,
                                            std::size_t max_bytes = kPlenty) {
    SHARD_RETURN_IF_ERROR(database.Run(kBeginMayFollow));
    SHARD_ASSIGN_OR_RETURN(const auto recording,
                           SqliteRecording::Start(&database));
    SHARD_RETURN_IF_ERROR(RunAll(database, work));
    return recording->Finish(max_bytes);
  }
  static absl::Status Redo(SqliteDatabase& database, std::string_view redo) {
    std::vector<RedoConflict> conflicts;
    SHARD_RETURN_IF_ERROR(database.Run("BEGIN IMMEDIATE"));
    SHARD_RETURN_IF_ERROR(
        ApplySqliteRedo(database, redo, OnConflict::kReport, &conflicts));
    return database.Run("COMMIT");
  }

  // The work committed plainly, committed after a recording, and lost and done
  // again, all lead to the same file.
  void ExpectSameThreeWays(std::string_view work) {
    const auto plain = CopyOfBase("plain");
    SHARD_ASSERT_OK(plain->Run("BEGIN"));
    SHARD_ASSERT_OK(RunAll(*plain, work));
    SHARD_ASSERT_OK(plain->Run("COMMIT"));
    const std::vector<std::string> wanted = Contents(*plain);

    const auto followed = CopyOfBase("followed");
    SHARD_ASSERT_OK(Record(*followed, work));
    SHARD_ASSERT_OK(followed->Run("COMMIT"));
    EXPECT_EQ(Contents(*followed), wanted) << "committed";

    const auto lost = CopyOfBase("lost");
    const std::vector<std::string> before = Contents(*lost);
    const absl::StatusOr<std::string> redo = Record(*lost, work);
    SHARD_ASSERT_OK(redo);
    SHARD_ASSERT_OK(lost->Run("ROLLBACK"));
    EXPECT_EQ(Contents(*lost), before) << "rolled back";
    SHARD_ASSERT_OK(Redo(*lost, *redo));
    EXPECT_EQ(Contents(*lost), wanted) << "redone";
    // Nor does the connection that did it again remember anything old.
    EXPECT_EQ(Contents(*Open("lost")), wanted) << "redone, seen by others";
    // On a fresh connection, as after a crash.
    CopyOfBase("crashed");
    SHARD_ASSERT_OK(Redo(*Open("crashed"), *redo));
    EXPECT_EQ(Contents(*Open("crashed")), wanted) << "redone after a crash";
  }

  // The work is refused in those words, and nothing of it stays.
  void ExpectRefused(std::string_view work, std::string_view words) {
    const auto database = CopyOfBase("refused");
    const std::vector<std::string> before = Contents(*database);
    const absl::StatusOr<std::string> redo = Record(*database, work);
    EXPECT_THAT(redo, StatusIs(absl::StatusCode::kFailedPrecondition,
                               ::testing::HasSubstr(std::string(words))));
    SHARD_ASSERT_OK(database->Run("ROLLBACK"));
    EXPECT_EQ(Contents(*database), before);
    EXPECT_EQ(Contents(*Open("refused")), before);
    // The connection can go on.
    SHARD_ASSERT_OK(Record(*database, ""));
    SHARD_ASSERT_OK(database->Run("ROLLBACK"));
  }

  std::string folder_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_DIALECTS_SQLITE_RECORDING_SUPPORT_H_
