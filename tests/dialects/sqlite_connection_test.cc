// Connections, transactions, statement cache and URLs of SQLite.
#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/row_batch.h"
#include "shard/dialects/sqlite/statement_cache.h"
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
using shard::testing::TextStatement;
using sql::Value;
using sql::ValueType;
using sql::ValueView;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SqliteConnectionTest : public SqliteTest {};

TEST_F(SqliteConnectionTest, PragmasAreSet) {
  const auto pragma = [this](const std::string& name) {
    return QueryValue(connection(), "PRAGMA " + name).value();
  };
  EXPECT_TRUE(pragma("journal_mode") == Value("wal"));
  EXPECT_TRUE(pragma("synchronous") == Value(2)) << "FULL";
  EXPECT_TRUE(pragma("foreign_keys") == Value(1));
  EXPECT_TRUE(pragma("busy_timeout") == Value(50));
  EXPECT_TRUE(QueryValue(connection(), "SELECT 'A' LIKE 'a'").value() ==
              Value(0));
  EXPECT_TRUE(connection().works_in_finish());
  EXPECT_TRUE(connection().text_sorts_by_bytes());
  SHARD_EXPECT_OK(connection().Ping());
}

TEST_F(SqliteConnectionTest, AffectedCountsOnlyWhatTheStatementChanged) {
  SHARD_ASSERT_OK(Script("CREATE TABLE t(x)"));
  const auto affected = [this](std::string_view sql) {
    return RunSql(connection(), sql).value().affected;
  };
  EXPECT_THAT(affected("INSERT INTO t VALUES (1), (2), (3)"), ElementsAre(3));
  EXPECT_THAT(affected("SELECT * FROM t"), ElementsAre(0));
  EXPECT_THAT(affected("CREATE TABLE u(x)"), ElementsAre(0));
  EXPECT_THAT(affected("UPDATE t SET x = 9 WHERE x > 1"), ElementsAre(2));
  EXPECT_THAT(affected("UPDATE t SET x = 9 WHERE x > 10"), ElementsAre(0));
  EXPECT_THAT(affected("DELETE FROM t RETURNING x"), ElementsAre(3));
}

TEST_F(SqliteConnectionTest, RunsGoThroughTheirParametersInOrder) {
  SHARD_ASSERT_OK(Script("CREATE TABLE t(id INTEGER PRIMARY KEY, x)"));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Outcome outcome,
      RunSql(connection(), "INSERT INTO t VALUES (?, ?)",
             {Value(1), Value("a"), Value(2), Value("b")}, 2));
  EXPECT_THAT(outcome.affected, ElementsAre(1, 1));
  SHARD_ASSERT_OK_AND_ASSIGN(
      const Outcome updated,
      RunSql(connection(), "UPDATE t SET x = ? WHERE id = ?",
             {Value("c"), Value(1), Value("d"), Value(7)}, 2));
  EXPECT_THAT(updated.affected, ElementsAre(1, 0));
  EXPECT_THAT(parameters_, ElementsAre(0, 4, 4));

  const CompiledStatement select =
      TextStatement("SELECT x FROM t WHERE id = ?");
  const ValueView ids[] = {ValueView::Int64(2), ValueView::Int64(1)};
  RowBatch rows;
  SHARD_ASSERT_OK(connection().Execute({&select, ids, 2}, &rows));
  ASSERT_EQ(rows.rows(), 2u);
  EXPECT_EQ(rows.row(0)[0].bytes(), "b");
  EXPECT_EQ(rows.row(1)[0].bytes(), "c");
  EXPECT_THAT(connection().Execute({&select, ids, 0}, &rows),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(connection().Execute({&select, ids, 1}, &rows),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(SqliteConnectionTest, AFailedRunLeavesNoRows) {
  SHARD_ASSERT_OK(Script("CREATE TABLE t(x); INSERT INTO t VALUES (1), ('x')"));
  const CompiledStatement select =
      TextStatement("SELECT x FROM t", {{"x", ValueType::kInt64}});
  RowBatch rows;
  EXPECT_THAT(connection().Execute({&select, {}, 1}, &rows),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(rows.rows(), 0u);
  EXPECT_EQ(failed_, 1);
}

TEST_F(SqliteConnectionTest, ABatchTakesTheShapeOfEachResult) {
  RowBatch rows;
  const CompiledStatement two = TextStatement("SELECT 1 AS a, 2 AS b");
  SHARD_ASSERT_OK(connection().Execute({&two, {}, 1}, &rows));
  EXPECT_EQ(rows.columns().size(), 2u);
  EXPECT_EQ(rows.columns()[1].name, "b");
  const CompiledStatement none = TextStatement("CREATE TABLE t(x)");
  SHARD_ASSERT_OK(connection().Execute({&none, {}, 1}, &rows));
  EXPECT_EQ(rows.columns().size(), 0u);
  EXPECT_EQ(rows.rows(), 0u);
  const CompiledStatement empty = TextStatement("SELECT x FROM t");
  SHARD_ASSERT_OK(connection().Execute({&empty, {}, 1}, &rows));
  EXPECT_EQ(rows.columns()[0].name, "x");
}

TEST_F(SqliteConnectionTest, AStarFollowsTheSchema) {
  SHARD_ASSERT_OK(Script("CREATE TABLE t(x); INSERT INTO t VALUES (1)"));
  const CompiledStatement star = TextStatement("SELECT * FROM t");
  RowBatch rows;
  SHARD_ASSERT_OK(connection().Execute({&star, {}, 1}, &rows));
  EXPECT_EQ(rows.columns().size(), 1u);
  PooledConnection other = Connect();
  SHARD_ASSERT_OK(
      other->ExecuteScript("ALTER TABLE t ADD COLUMN y DEFAULT 'new'"));
  SHARD_ASSERT_OK(connection().Execute({&star, {}, 1}, &rows));
  ASSERT_EQ(rows.columns().size(), 2u);
  EXPECT_EQ(rows.row(0)[1].bytes(), "new");
}

TEST_F(SqliteConnectionTest, ScriptsRunEveryStatementUpToAnError) {
  SHARD_ASSERT_OK(
      Script("-- first\nCREATE TABLE t(x); INSERT INTO t VALUES (';'), ('2');\n"
             "/* a row is thrown away */ SELECT 1;"));
  EXPECT_EQ(statements_.size(), 3u);
  EXPECT_THAT(Script("INSERT INTO t VALUES (3); nonsense; DELETE FROM t"),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_TRUE(QueryValue(connection(), "SELECT count(*) FROM t").value() ==
              Value(3));
  SHARD_EXPECT_OK(Script(""));
}

TEST_F(SqliteConnectionTest, TransactionsAndSavepoints) {
  SHARD_ASSERT_OK(Script("CREATE TABLE t(x)"));
  const auto count = [this] {
    return QueryValue(connection(), "SELECT count(*) FROM t")
        .value()
        .view()
        .integer();
  };
  SHARD_ASSERT_OK(connection().Begin());
  EXPECT_TRUE(connection().in_transaction());
  SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO t VALUES (1)"));
  constexpr std::string_view kName = "odd \"name\"; --";
  SHARD_ASSERT_OK(connection().Savepoint(kName));
  SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO t VALUES (2)"));
  SHARD_ASSERT_OK(connection().RollbackTo(kName));
  SHARD_ASSERT_OK(connection().Release(kName));
  EXPECT_EQ(count(), 1);
  SHARD_ASSERT_OK(connection().Commit());
  EXPECT_FALSE(connection().in_transaction());
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(RunSql(connection(), "DELETE FROM t"));
  SHARD_ASSERT_OK(connection().Rollback());
  EXPECT_EQ(count(), 1);
  EXPECT_THAT(connection().Commit(),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(SqliteConnectionTest, ReadOnlyTransactionsRefuseToWrite) {
  SHARD_ASSERT_OK(Script("CREATE TABLE t(x)"));
  constexpr auto kCode = absl::StatusCode::kUnavailable;
  for (const bool commit : {true, false}) {
    SHARD_ASSERT_OK(connection().Begin({.read_only = true}));
    SHARD_EXPECT_OK(Query(connection(), "SELECT * FROM t"));
    EXPECT_THAT(RunSql(connection(), "INSERT INTO t VALUES (1)"),
                StatusIs(kCode, HasSubstr("read-only transaction")));
    EXPECT_THAT(Script("DROP TABLE t"), HasCode(kCode));
    const sql::Table table("t", {{.name = "x"}});
    EXPECT_THAT(connection().Insert({&table, {}, 1, {}, nullptr}),
                HasCode(kCode));
    SHARD_ASSERT_OK(commit ? connection().Commit() : connection().Rollback());
    SHARD_EXPECT_OK(RunSql(connection(), "INSERT INTO t VALUES (1)"));
  }
}

// It is begun by a savepoint, and is a transaction like others.
TEST_F(SqliteConnectionTest, TransactionsThatMayFollow) {
  SHARD_ASSERT_OK(Script("CREATE TABLE t(x)"));
  for (const bool commit : {false, true}) {
    SHARD_ASSERT_OK(connection().Begin({.may_follow = true}));
    EXPECT_TRUE(connection().in_transaction());
    EXPECT_THAT(connection().Begin({.may_follow = true}),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("within a transaction")));
    EXPECT_FALSE(connection().Begin().ok());
    SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO t VALUES (1)"));
    SHARD_ASSERT_OK(connection().Savepoint("a"));
    SHARD_ASSERT_OK(RunSql(connection(), "INSERT INTO t VALUES (2)"));
    SHARD_ASSERT_OK(connection().RollbackTo("a"));
    SHARD_ASSERT_OK(connection().Release("a"));
    EXPECT_FALSE(connection().Release("shard_transaction").ok());
    EXPECT_FALSE(connection().Savepoint("shard_transaction").ok());
    SHARD_ASSERT_OK(commit ? connection().Commit() : connection().Rollback());
    EXPECT_FALSE(connection().in_transaction());
    EXPECT_EQ(
        QueryValue(connection(), "SELECT count(*) FROM t")->view().integer(),
        commit ? 1 : 0);
  }
  SHARD_ASSERT_OK(connection().Begin({.read_only = true, .may_follow = true}));
  EXPECT_FALSE(RunSql(connection(), "INSERT INTO t VALUES (3)").ok());
  SHARD_ASSERT_OK(connection().Rollback());
}

TEST_F(SqliteConnectionTest, ReadersWorkBesideAWriter) {
  SHARD_ASSERT_OK(Script("CREATE TABLE t(x); INSERT INTO t VALUES (1)"));
  PooledConnection writer = Connect();
  SHARD_ASSERT_OK(writer->Begin());
  SHARD_ASSERT_OK(RunSql(*writer, "INSERT INTO t VALUES (2)"));
  const auto sum = [this] {
    return QueryValue(connection(), "SELECT sum(x) FROM t")
        .value()
        .view()
        .integer();
  };
  EXPECT_EQ(sum(), 1) << "not committed yet";
  SHARD_ASSERT_OK(connection().Begin());
  EXPECT_EQ(sum(), 1);
  SHARD_ASSERT_OK(writer->Commit());
  EXPECT_EQ(sum(), 1) << "a transaction reads from one moment";
  SHARD_ASSERT_OK(connection().Commit());
  EXPECT_EQ(sum(), 3);
}

TEST_F(SqliteConnectionTest, StatementsArePreparedOnce) {
  const auto statements = [this] {
    return QueryValue(connection(), "SELECT count(*) FROM sqlite_stmt")
        .value()
        .view()
        .integer();
  };
  statements();
  const std::int64_t before = statements();
  for (int i = 0; i < 5; ++i) SHARD_ASSERT_OK(RunSql(connection(), "SELECT 1"));
  EXPECT_EQ(statements(), before + 1);
  for (int i = 0; i < 1000; ++i) {
    SHARD_ASSERT_OK(RunSql(connection(), absl::StrCat("SELECT ", i)));
  }
  EXPECT_LE(statements(), 257);
}

TEST_F(SqliteConnectionTest, ManyThreadsOpenANewFileAtOnce) {
  connection_.Return();
  engine_.reset();
  for (int round = 0; round < 10; ++round) {
    RemoveFile();
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([this] {
        EngineOptions options;
        options.busy_timeout = absl::Seconds(30);
        const auto engine = OpenEngine("sqlite:///" + path_, options);
        SHARD_ASSERT_OK(engine);
        SHARD_EXPECT_OK((*engine)->Connect());
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

TEST_F(SqliteConnectionTest, ProgressIsCalledDuringLongWorkOnly) {
  int calls = 0;
  connection().set_progress([&calls] { ++calls; });
  constexpr std::string_view kLong =
      "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r "
      "WHERE i < 100000) SELECT count(*) FROM r";
  SHARD_ASSERT_OK(RunSql(connection(), "SELECT 1"));
  EXPECT_EQ(calls, 0);
  SHARD_ASSERT_OK(RunSql(connection(), kLong));
  EXPECT_GT(calls, 10);
  connection().set_progress(nullptr);
  const int before = calls;
  SHARD_ASSERT_OK(RunSql(connection(), kLong));
  EXPECT_EQ(calls, before);
}

TEST_F(SqliteConnectionTest, AMemoryDatabaseHasOneConnectionAndLastsWithIt) {
  for (const char* url : {"sqlite://", "sqlite:///:memory:"}) {
    EngineOptions options;
    options.pool_timeout = absl::Milliseconds(1);
    SHARD_ASSERT_OK_AND_ASSIGN(const auto engine, OpenEngine(url, options));
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection first, engine->Connect());
    SHARD_ASSERT_OK(first->ExecuteScript("CREATE TABLE t(x)"));
    EXPECT_THAT(engine->Connect(),
                HasCode(absl::StatusCode::kResourceExhausted));
    first.Return();
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection again, engine->Connect());
    SHARD_EXPECT_OK(RunSql(*again, "INSERT INTO t VALUES (1)"));
  }
}

TEST_F(SqliteConnectionTest, OddFileNamesAreJustNames) {
  const std::string folder = path_ + ".d";
  std::filesystem::create_directory(folder);
  for (const char* name : {"file:a?mode=memory", ":memory:x", "ä b'\"%"}) {
    std::string url = absl::StrCat("sqlite:///", folder, "/");
    for (const char* c = name; *c != '\0'; ++c) {
      absl::StrAppend(
          &url, "%",
          absl::Hex(static_cast<unsigned char>(*c), absl::kZeroPad2));
    }
    SHARD_ASSERT_OK_AND_ASSIGN(const auto engine, OpenEngine(url));
    SHARD_ASSERT_OK(engine->Connect());
    EXPECT_TRUE(std::filesystem::exists(folder + "/" + name)) << name;
  }
  std::filesystem::remove_all(folder);
}

TEST_F(SqliteConnectionTest, ARelativePathIsReadWhenTheEngineOpens) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(::testing::TempDir());
  const std::string name = std::filesystem::path(path_).filename();
  const auto engine = OpenEngine("sqlite:///" + name);
  std::filesystem::current_path(before);
  SHARD_ASSERT_OK(engine);
  SHARD_ASSERT_OK(Script("CREATE TABLE here(x)"));
  PooledConnection other = Connect(**engine);
  SHARD_EXPECT_OK(Query(*other, "SELECT * FROM here"));
}

TEST(SqliteUrlTest, WrongUrlsSayWhatIsWrong) {
  const auto expect = [](std::string_view url, std::string_view words) {
    EXPECT_THAT(OpenEngine(url), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr(std::string(words))))
        << url;
  };
  expect("sqlite://file.db", "no host; write sqlite:///path");
  expect("sqlite://:1/file.db", "no host");
  expect("sqlite://me@/file.db", "no user");
  expect("sqlite:///file.db?cache=shared", "'cache'");
  expect("sqlite:///file.db?mode=rw", "'rw'");
  expect("sqlite:///file.db?synchronous=off", "'off'");
  expect("sqlite://?mode=ro", "in memory");
}

TEST(StatementCacheTest, LendsAStatementToOneAtATime) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(":memory:", &database), SQLITE_OK);
  {
    StatementCache cache({.statements = 2, .text_bytes = 20});
    const auto add = [&](const std::string& text) {
      sqlite3_stmt* statement = nullptr;
      EXPECT_EQ(
          sqlite3_prepare_v2(database, text.c_str(), -1, &statement, nullptr),
          SQLITE_OK);
      return cache.Add(text, SqliteStatementPtr(statement));
    };
    EXPECT_FALSE(cache.Borrow("SELECT 1"));
    StatementCache::Loan first = add("SELECT 1");
    sqlite3_stmt* const statement = first.get();
    EXPECT_FALSE(cache.Borrow("SELECT 1")) << "in use";
    StatementCache::Loan second = add("SELECT 1");
    EXPECT_NE(second.get(), statement);
    second.Return();
    first.Return();
    EXPECT_EQ(cache.Borrow("SELECT 1").get(), statement);
    EXPECT_EQ(cache.size(), 1u);

    add("SELECT 2");
    cache.Borrow("SELECT 1").Return();
    add("SELECT 3");
    EXPECT_EQ(cache.size(), 2u);
    EXPECT_TRUE(cache.Borrow("SELECT 1")) << "used last";
    EXPECT_FALSE(cache.Borrow("SELECT 2"));
    add("SELECT 'sixteen'");
    EXPECT_EQ(cache.size(), 1u) << "bytes of text are bounded too";
    add("SELECT 'too long ever to be kept at all'").Return();
    EXPECT_FALSE(cache.Borrow("SELECT 'too long ever to be kept at all'"));
  }
  EXPECT_EQ(sqlite3_close(database), SQLITE_OK) << "no statement is left";
}

}  // namespace
}  // namespace shard
