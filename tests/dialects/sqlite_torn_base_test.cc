// A follower that begins while another's COMMIT lies in the log half-way.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/write_fence.h"
#include "shard/tests/dialects/sqlite_participant_support.h"
#include "shard/tests/dialects/sqlite_test_support.h"

namespace shard {
namespace {

using shard::testing::HasCode;
using shard::testing::QueryValue;
using shard::testing::SqliteParticipantTest;
using shard::testing::StatusIs;
using ::testing::HasSubstr;

std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class SqliteTornBaseTest : public SqliteParticipantTest {
 protected:
  void SetUp() override {
    SqliteParticipantTest::SetUp();
    const auto fence = std::make_shared<WriteFence>();
    fence->set_settle(
        [](Connection&, const auto&, bool) { return absl::OkStatus(); });
    participant().set_write_fence(fence);
    SHARD_ASSERT_OK(Script("CREATE TABLE note(id INTEGER PRIMARY KEY, x)"));
    SHARD_ASSERT_OK(Script("INSERT INTO note VALUES (1, 1)"));
  }

  // What a process leaves that dies in the sync of its COMMIT: frames behind
  // those that are published. Made by a copy of the file, which has the same
  // log up to here.
  void LeaveUnpublishedCommit() {
    const std::string copy = path_ + ".copy";
    for (const char* end : {"", "-wal"}) {
      std::filesystem::copy_file(
          path_ + end, copy + end,
          std::filesystem::copy_options::overwrite_existing);
    }
    const auto before = std::filesystem::file_size(copy + "-wal");
    {
      const auto engine = OpenEngine(absl::StrCat("sqlite:///", copy));
      SHARD_ASSERT_OK(engine);
      PooledConnection dying = Connect(**engine);
      SHARD_ASSERT_OK(dying->ExecuteScript("UPDATE note SET x = 2"));
      std::ofstream(path_ + "-wal", std::ios::binary | std::ios::app)
          << ReadFile(copy + "-wal").substr(before);
    }
    for (const char* end : {"", "-wal", "-shm"}) {
      std::filesystem::remove(copy + end);
    }
  }
  absl::Status Follow() {
    absl::Status status = connection().Begin({.may_follow = true});
    if (status.ok()) status = participant().Record();
    if (status.ok()) status = Script("UPDATE note SET x = x + 10");
    return status;
  }
  std::int64_t Note() {
    const auto value = QueryValue(*other_, "SELECT x FROM note");
    EXPECT_THAT(value, shard::testing::IsOk());
    return value.ok() ? value->view().integer() : -1;
  }
};

TEST_F(SqliteTornBaseTest, IsClearedOutBeforeAFollowerWrites) {
  LeaveUnpublishedCommit();
  EXPECT_EQ(Note(), 1);
  EXPECT_THAT(Follow(),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("try again")));
  SHARD_ASSERT_OK(connection().Rollback());
  EXPECT_FALSE(connection().in_transaction());
  SHARD_ASSERT_OK(Follow());
  SHARD_ASSERT_OK(connection().Rollback());
  // Nothing comes to life when the log is recovered.
  connection_.Return();
  other_.Return();
  engine_ = MakeEngine();
  other_ = Connect();
  EXPECT_EQ(Note(), 1);
  connection_ = Connect();
}

TEST_F(SqliteTornBaseTest, IsLookedForByFollowersOnly) {
  LeaveUnpublishedCommit();
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(Script("UPDATE note SET x = x + 10"));
  SHARD_ASSERT_OK(connection().Commit());  // written over it
  EXPECT_EQ(Note(), 11);
  SHARD_ASSERT_OK(Follow());
}

TEST_F(SqliteTornBaseTest, IsFoundInALogOfWhichNothingIsPublished) {
  // A new round, of which only a dead process has written anything.
  SHARD_ASSERT_OK(Script("PRAGMA wal_checkpoint(TRUNCATE)"));
  LeaveUnpublishedCommit();
  EXPECT_EQ(Note(), 1);
  EXPECT_THAT(Follow(), HasCode(absl::StatusCode::kAborted));
  SHARD_ASSERT_OK(connection().Rollback());
  SHARD_ASSERT_OK(Follow());
}

TEST_F(SqliteTornBaseTest, HalfAFrameIsNoCommit) {
  LeaveUnpublishedCommit();
  const auto log = path_ + "-wal";
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 100);
  std::ofstream(log, std::ios::binary | std::ios::app) << std::string(100, 'x');
  SHARD_ASSERT_OK(Follow());
}

TEST_F(SqliteTornBaseTest, WhatWasRolledBackIsNoCommit) {
  // More than the cache takes: it goes to the log before it is committed.
  SHARD_ASSERT_OK(Script("PRAGMA cache_size = 2"));
  const auto before = std::filesystem::file_size(path_ + "-wal");
  SHARD_ASSERT_OK(connection().Begin());
  SHARD_ASSERT_OK(
      Script("WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n "
             "WHERE i < "
             "500) INSERT INTO note SELECT i, randomblob(1000) FROM n"));
  SHARD_ASSERT_OK(connection().Rollback());
  ASSERT_GT(std::filesystem::file_size(path_ + "-wal"), before + 100'000);
  for (int i = 0; i < 3; ++i) {
    SHARD_ASSERT_OK(Follow());
    SHARD_ASSERT_OK(connection().Rollback());
    SHARD_ASSERT_OK(Script("UPDATE note SET x = x + 1"));
  }
}

TEST_F(SqliteTornBaseTest, IsNotSeenInALogThatBeganAnew) {
  for (int i = 0; i < 20; ++i) {
    SHARD_ASSERT_OK(Script("UPDATE note SET x = x + 1"));
  }
  SHARD_ASSERT_OK(Script("PRAGMA wal_checkpoint(RESTART)"));
  // Old frames stand there, from the start; then some behind new ones.
  SHARD_ASSERT_OK(Follow());
  SHARD_ASSERT_OK(connection().Rollback());
  SHARD_ASSERT_OK(Script("UPDATE note SET x = 1"));
  SHARD_ASSERT_OK(Follow());
}

}  // namespace
}  // namespace shard
