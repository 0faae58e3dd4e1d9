// What the tests of dialects/postgres share.
#ifndef SHARD_TESTS_DIALECTS_POSTGRES_TEST_SUPPORT_H_
#define SHARD_TESTS_DIALECTS_POSTGRES_TEST_SUPPORT_H_

#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/base/testing.h"
#include "shard/dialects/compiled_statement.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/row_batch.h"
#include "shard/sql/value.h"

namespace shard::testing {

// A server for tests, from the environment; empty, and a failure, without one.
inline std::string PostgresUrl(const char* variable, std::size_t index = 0) {
  const char* const urls = std::getenv(variable);
  const std::vector<std::string> all =
      absl::StrSplit(urls == nullptr ? "" : urls, ',', absl::SkipEmpty());
  if (index < all.size()) return all[index];
  ADD_FAILURE() << variable
                << " names no PostgreSQL server: run the tests by ./test";
  return "";
}

inline CompiledStatement TextStatement(
    std::string_view text, std::vector<sql::ValueType> parameters = {},
    std::vector<ResultColumn> columns = {}) {
  CompiledStatement statement;
  statement.text = std::string(text);
  for (const sql::ValueType type : parameters) {
    statement.parameters.push_back({"", std::nullopt, type});
  }
  statement.columns = std::move(columns);
  return statement;
}

// Runs a statement whose parameters are of unknown types.
inline absl::StatusOr<Outcome> RunSql(
    Connection& connection, std::string_view text,
    const std::vector<sql::ValueView>& parameters = {},
    RowBatch* rows = nullptr) {
  const CompiledStatement statement = TextStatement(
      text,
      std::vector<sql::ValueType>(parameters.size(), sql::ValueType::kNull));
  return connection.Execute({&statement, parameters, 1}, rows);
}

// Each test gets a schema of its own and hears of every statement.
class PostgresTest : public ::testing::Test {
 protected:
  virtual const char* variable() const { return "SHARD_TEST_POSTGRES_URLS"; }

  void SetUp() override {
    static std::atomic<int> next{0};
    base_url_ = PostgresUrl(variable());
    ASSERT_FALSE(base_url_.empty());
    schema_ = absl::StrCat("t", ::getpid(), "_", next++, "_",
                           absl::AsciiStrToLower(test_name()).substr(0, 30));
    SHARD_ASSERT_OK_AND_ASSIGN(admin_, OpenEngine(base_url_));
    SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection admin, admin_->Connect());
    SHARD_ASSERT_OK(
        admin->ExecuteScript(absl::StrCat("CREATE SCHEMA ", schema_)));
    engine_ = MakeEngine();
    ASSERT_NE(engine_, nullptr);
    connection_ = Connect();
    ASSERT_TRUE(connection_);
  }
  void TearDown() override {
    connection_.Return();
    engine_.reset();
    if (admin_ == nullptr) return;
    auto admin = admin_->Connect();
    SHARD_ASSERT_OK(admin);
    SHARD_EXPECT_OK((*admin)->ExecuteScript(
        absl::StrCat("DROP SCHEMA ", schema_, " CASCADE")));
  }

  static std::string test_name() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    return absl::StrCat(test->test_suite_name(), test->name());
  }

  std::shared_ptr<Engine> MakeEngine() {
    EngineOptions options;
    options.on_statement = [this](const StatementEvent& event) {
      const std::lock_guard lock(mutex_);
      statements_.emplace_back(event.statement);
      parameters_ += event.parameters;
      if (!event.ok) ++failed_;
    };
    auto engine = OpenEngine(
        absl::StrCat(base_url_, "?options=-c%20search_path%3D", schema_),
        std::move(options));
    EXPECT_THAT(engine, IsOk());
    return engine.ok() ? *std::move(engine) : nullptr;
  }
  PooledConnection Connect() {
    auto connection = engine_->Connect();
    EXPECT_THAT(connection, IsOk());
    return connection.ok() ? *std::move(connection) : PooledConnection();
  }
  Connection& connection() { return *connection_; }

  absl::Status Script(std::string_view sql) {
    return connection().ExecuteScript(sql);
  }
  absl::StatusOr<Outcome> Run(std::string_view text,
                              const std::vector<sql::ValueView>& values = {}) {
    return RunSql(connection(), text, values, &rows_);
  }
  // The only integer that a statement answers with; -1 if it does not.
  std::int64_t Number(std::string_view text) {
    const absl::Status status = Run(text).status();
    EXPECT_THAT(status, IsOk());
    if (!status.ok() || rows_.rows() != 1) return -1;
    return rows_.row(0)[0].integer();
  }
  void ForgetStatements() {
    const std::lock_guard lock(mutex_);
    statements_.clear();
    parameters_ = 0;
    failed_ = 0;
  }

  std::string base_url_;
  std::string schema_;
  std::shared_ptr<Engine> admin_;
  std::shared_ptr<Engine> engine_;
  PooledConnection connection_;
  RowBatch rows_;
  std::mutex mutex_;
  std::vector<std::string> statements_;
  std::size_t parameters_ = 0;
  int failed_ = 0;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_DIALECTS_POSTGRES_TEST_SUPPORT_H_
