// What the tests of dialects/sqlite share.
#ifndef SHARD_TESTS_DIALECTS_SQLITE_TEST_SUPPORT_H_
#define SHARD_TESTS_DIALECTS_SQLITE_TEST_SUPPORT_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "shard/base/status_macros.h"
#include "shard/base/testing.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/row_batch.h"
#include "shard/sql/value.h"

namespace shard::testing {

// Each test gets a database file of its own and hears of every statement.
class SqliteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = absl::StrCat(::testing::TempDir(), "/", test->test_suite_name(),
                         ".", test->name(), ".db");
    RemoveFile();
    engine_ = MakeEngine();
    connection_ = Connect();
  }
  void TearDown() override {
    connection_.Return();
    engine_.reset();
    RemoveFile();
  }

  void RemoveFile() {
    for (const char* end : {"", "-wal", "-shm"}) {
      std::filesystem::remove(path_ + end);
    }
  }

  std::shared_ptr<Engine> MakeEngine(std::string_view options = "") {
    EngineOptions engine;
    engine.busy_timeout = absl::Milliseconds(50);
    engine.on_statement = [this](const StatementEvent& event) {
      const std::lock_guard lock(mutex_);
      statements_.emplace_back(event.statement);
      parameters_.push_back(event.parameters);
      if (!event.ok) ++failed_;
    };
    absl::StatusOr<std::shared_ptr<Engine>> opened = OpenEngine(
        absl::StrCat("sqlite:///", path_, std::string(options)), engine);
    EXPECT_THAT(opened, IsOk());
    return *opened;
  }
  PooledConnection Connect() { return Connect(*engine_); }
  PooledConnection Connect(Engine& engine) {
    absl::StatusOr<PooledConnection> opened = engine.Connect();
    EXPECT_THAT(opened, IsOk());
    return *std::move(opened);
  }

  Connection& connection() { return *connection_; }
  absl::Status Script(std::string_view sql) {
    return connection().ExecuteScript(sql);
  }

  std::string path_;
  std::shared_ptr<Engine> engine_;
  PooledConnection connection_;
  // Added to under mutex_; to be read while no other thread runs statements.
  std::mutex mutex_;
  std::vector<std::string> statements_;
  std::vector<std::size_t> parameters_;
  int failed_ = 0;
};

inline CompiledStatement TextStatement(std::string_view text,
                                       std::vector<ResultColumn> columns = {}) {
  CompiledStatement statement;
  statement.text = std::string(text);
  statement.columns = std::move(columns);
  return statement;
}

inline absl::StatusOr<Outcome> RunSql(
    Connection& connection, std::string_view text,
    const std::vector<sql::Value>& values = {}, std::size_t runs = 1) {
  const CompiledStatement statement = TextStatement(text);
  std::vector<sql::ValueView> views;
  for (const sql::Value& value : values) views.push_back(value.view());
  return connection.Execute({&statement, views, runs}, nullptr);
}

// The rows, with types as in `types` (as stored where there are none).
inline absl::StatusOr<std::vector<std::vector<sql::Value>>> Query(
    Connection& connection, std::string_view text,
    const std::vector<sql::Value>& values = {},
    const std::vector<sql::ValueType>& types = {}) {
  CompiledStatement statement = TextStatement(text);
  for (const sql::ValueType type : types) {
    statement.columns.push_back(
        {absl::StrCat("c", statement.columns.size()), type});
  }
  std::vector<sql::ValueView> views;
  for (const sql::Value& value : values) views.push_back(value.view());
  RowBatch batch;
  SHARD_RETURN_IF_ERROR(
      connection.Execute({&statement, views, 1}, &batch).status());
  std::vector<std::vector<sql::Value>> rows;
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    std::vector<sql::Value>& row = rows.emplace_back();
    for (const sql::ValueView& cell : batch.row(i)) row.emplace_back(cell);
  }
  return rows;
}

// The one value of the one row.
inline absl::StatusOr<sql::Value> QueryValue(
    Connection& connection, std::string_view text,
    const std::vector<sql::Value>& values = {},
    sql::ValueType type = sql::ValueType::kNull) {
  std::vector<sql::ValueType> types;
  if (type != sql::ValueType::kNull) types.push_back(type);
  SHARD_ASSIGN_OR_RETURN(const auto rows,
                         Query(connection, text, values, types));
  if (rows.size() != 1 || rows[0].size() != 1) {
    return absl::NotFoundError("not one value");
  }
  return rows[0][0];
}

}  // namespace shard::testing

#endif  // SHARD_TESTS_DIALECTS_SQLITE_TEST_SUPPORT_H_
