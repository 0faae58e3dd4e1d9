// What the tests of a SQLite file's part in atomic commits share.
#ifndef SHARD_TESTS_DIALECTS_SQLITE_PARTICIPANT_SUPPORT_H_
#define SHARD_TESTS_DIALECTS_SQLITE_PARTICIPANT_SUPPORT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "shard/base/failpoint.h"
#include "shard/base/status_macros.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/participant.h"
#include "shard/sql/value.h"
#include "shard/tests/dialects/sqlite_test_support.h"

namespace shard::testing {

inline constexpr char kTxn[] = "0123456789abcdef0123456789abcdef";
inline constexpr char kOtherTxn[] = "ffffffffffffffffffffffffffffffff";

inline Stamp MakeStamp(std::string shard = "till", std::int64_t epoch = 1) {
  return {"shop", std::move(shard), "00112233445566778899aabbccddeeff", epoch,
          "xxh3-v1"};
}

inline DecisionRow MakeRow(Decision outcome, std::string txn = kTxn) {
  DecisionRow row;
  row.txn = std::move(txn);
  row.outcome = outcome;
  row.participants = R"(["bank"])";
  return row;
}

inline absl::Status Decide(Connection& connection, const DecisionRow& row) {
  SHARD_RETURN_IF_ERROR(connection.participant().StartDecide(row));
  return connection.participant().FinishDecide();
}

// A stamped file with a table work(x) in it; the test's own connection is its
// owner, who decides, and other_ is whoever comes to settle.
class SqliteParticipantTest : public SqliteTest {
 protected:
  void SetUp() override {
    SqliteTest::SetUp();
    SHARD_ASSERT_OK(participant().PutStamp(MakeStamp()));
    SHARD_ASSERT_OK(Script("CREATE TABLE work(x)"));
    other_ = Connect();
  }
  void TearDown() override {
    SetFailPointHandler(nullptr);
    other_.Return();
    SqliteTest::TearDown();
  }

  Participant& participant() { return connection().participant(); }
  Participant& settler() { return other_->participant(); }

  // A transaction of the owner that has written.
  void BeginWork() {
    SHARD_ASSERT_OK(connection().Begin());
    SHARD_ASSERT_OK(Script("INSERT INTO work VALUES (1)"));
  }
  std::int64_t Count(std::string_view from) {
    const auto count = QueryValue(
        *other_, std::string("SELECT count(*) FROM ") + std::string(from));
    EXPECT_THAT(count, IsOk());
    return count.ok() ? count->view().integer() : -1;
  }
  // Of a setting that is a number.
  std::int64_t Setting(Connection& connection, std::string_view name) {
    const auto value = QueryValue(connection, "PRAGMA " + std::string(name));
    EXPECT_THAT(value, IsOk());
    return value.ok() ? value->view().integer() : -1;
  }
  // Nobody holds the write lock.
  void ExpectUnlocked() {
    EXPECT_THAT(other_->ExecuteScript("BEGIN IMMEDIATE; ROLLBACK"), IsOk());
  }

  PooledConnection other_;
};

}  // namespace shard::testing

#endif  // SHARD_TESTS_DIALECTS_SQLITE_PARTICIPANT_SUPPORT_H_
