// A follower whose base is not on disk yet: its redo must find it there after
// any loss of power.
#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "shard/base/status_macros.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/participant.h"
#include "shard/dialects/write_fence.h"
#include "shard/tests/dialects/sqlite_participant_support.h"
#include "shard/tests/dialects/sqlite_test_support.h"
#include "shard/tests/support/disk_trace.h"
#include "shard/tests/support/power_loss_vfs.h"

namespace shard {
namespace {

using shard::testing::Decide;
using shard::testing::DiskEvent;
using shard::testing::DiskTrace;
using shard::testing::kOtherTxn;
using shard::testing::kTxn;
using shard::testing::MakeRow;
using shard::testing::MakeStamp;
using shard::testing::Outage;
using shard::testing::PowerLossVfs;
using shard::testing::QueryValue;

class SqliteUnsyncedBaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    disk_.Restore({});
    const PooledConnection connection = Open();
    SHARD_ASSERT_OK(connection->participant().PutStamp(MakeStamp()));
    SHARD_ASSERT_OK(connection->ExecuteScript(
        "CREATE TABLE note(id INTEGER PRIMARY KEY, x);"
        "INSERT INTO note VALUES (1, 1)"));
  }

  void TearDown() override { std::filesystem::remove_all(disk_.folder()); }

  static std::shared_ptr<WriteFence> MakeFence() {
    auto fence = std::make_shared<WriteFence>();
    fence->set_settle(
        [](Connection&, const auto&, bool) { return absl::OkStatus(); });
    return fence;
  }
  // As in a process of its own, unless a fence is shared.
  PooledConnection Open(
      const std::shared_ptr<WriteFence>& fence = MakeFence()) {
    auto engine = OpenEngine(absl::StrCat("sqlite:///", path_));
    EXPECT_THAT(engine, shard::testing::IsOk());
    auto connection = (*engine)->Connect();
    EXPECT_THAT(connection, shard::testing::IsOk());
    (*connection)->participant().set_write_fence(fence);
    engines_.push_back(*std::move(engine));
    return *std::move(connection);
  }
  // A transaction of `connection` as far as its redo.
  static absl::StatusOr<std::string> Follow(Connection& connection,
                                            const std::string& txn) {
    SHARD_RETURN_IF_ERROR(connection.Begin({.may_follow = true}));
    SHARD_RETURN_IF_ERROR(connection.participant().Record());
    SHARD_RETURN_IF_ERROR(
        connection.ExecuteScript("UPDATE note SET x = x + 10"));
    SHARD_RETURN_IF_ERROR(connection.participant().StartFollow(
        MakeRow(Decision::kCommit, txn), 1'000'000));
    return connection.participant().FinishFollow();
  }
  static absl::Status Finish(Connection& connection) {
    SHARD_RETURN_IF_ERROR(
        connection.participant().StartEnd("", Decision::kCommit));
    return connection.participant().FinishEnd();
  }
  // What the redo makes of what the outage leaves.
  absl::StatusOr<std::int64_t> NoteAfter(const DiskTrace& trace,
                                         const Outage& outage,
                                         const std::string& redo) {
    disk_.Restore(trace.After(outage));
    const PooledConnection connection = Open();
    std::vector<RedoConflict> conflicts;
    SHARD_RETURN_IF_ERROR(connection->participant()
                              .ApplyRedo(
                                  MakeRow(Decision::kCommit), absl::Seconds(1),
                                  [&redo] { return redo; }, OnConflict::kReport,
                                  &conflicts)
                              .status());
    SHARD_ASSIGN_OR_RETURN(const auto value,
                           QueryValue(*connection, "SELECT x FROM note"));
    return value.view().integer();
  }
  std::size_t SyncsOfTheLog() {
    std::size_t syncs = 0;
    const DiskTrace trace = disk_.trace();
    for (const DiskEvent& event : trace.events()) {
      syncs += event.kind == DiskEvent::kSync && event.name == "till.db-wal";
    }
    return syncs;
  }

  // Before all databases, behind which it must not go.
  PowerLossVfs disk_{absl::StrCat(
      ::testing::TempDir(), "/",
      ::testing::UnitTest::GetInstance()->current_test_info()->name())};
  const std::string path_ = disk_.folder() + "/till.db";
  std::vector<std::shared_ptr<Engine>> engines_;
};

TEST_F(SqliteUnsyncedBaseTest, IsOnDiskBeforeTheRedoCounts) {
  std::string redo;
  std::size_t end = 0;
  {
    PooledConnection hasty = Open();
    PooledConnection follower = Open();
    disk_.Start();
    SHARD_ASSERT_OK(hasty->ExecuteScript("PRAGMA synchronous = NORMAL"));
    SHARD_ASSERT_OK(hasty->ExecuteScript("UPDATE note SET x = 2"));
    SHARD_ASSERT_OK_AND_ASSIGN(redo, Follow(*follower, kTxn));
    end = disk_.events();
    SHARD_ASSERT_OK(follower->Rollback());
  }
  engines_.clear();
  const DiskTrace trace = disk_.trace();
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SHARD_ASSERT_OK_AND_ASSIGN(
        const std::int64_t note,
        NoteAfter(trace, {Outage::kPowerLoss, end, seed}, redo));
    EXPECT_EQ(note, 12) << seed;
    engines_.clear();
  }
}

TEST_F(SqliteUnsyncedBaseTest, IsSyncedOnlyWhereAnotherMayHaveWritten) {
  PooledConnection follower = Open();
  PooledConnection other = Open();
  SHARD_ASSERT_OK(Follow(*follower, kTxn));
  SHARD_ASSERT_OK(Finish(*follower));
  disk_.Start();
  SHARD_ASSERT_OK(Follow(*follower, kOtherTxn));
  EXPECT_EQ(SyncsOfTheLog(), 0u) << "its own COMMIT was synced";
  SHARD_ASSERT_OK(follower->Rollback());
  SHARD_ASSERT_OK(other->ExecuteScript("UPDATE note SET x = 5"));
  EXPECT_EQ(SyncsOfTheLog(), 1u);
  SHARD_ASSERT_OK(Follow(*follower, kOtherTxn));
  EXPECT_EQ(SyncsOfTheLog(), 2u);
  SHARD_ASSERT_OK(follower->Rollback());
  SHARD_ASSERT_OK(Follow(*follower, kOtherTxn));
  EXPECT_EQ(SyncsOfTheLog(), 2u);
  SHARD_ASSERT_OK(follower->Rollback());
  follower.Return();
  other.Return();
  engines_.clear();
}

// A connection knows of what the others of its process have synced, in whatever
// part: as a follower, as the decider, or alone.
TEST_F(SqliteUnsyncedBaseTest, IsNotSyncedTwiceInOneProcess) {
  const auto fence = MakeFence();
  PooledConnection follower = Open(fence);
  PooledConnection other = Open(fence);
  SHARD_ASSERT_OK(Follow(*follower, kTxn));
  SHARD_ASSERT_OK(Finish(*follower));
  disk_.Start();
  SHARD_ASSERT_OK(other->Begin());
  SHARD_ASSERT_OK(other->ExecuteScript("UPDATE note SET x = 5"));
  SHARD_ASSERT_OK(Decide(*other, MakeRow(Decision::kCommit, kOtherTxn)));
  SHARD_ASSERT_OK(other->Begin());
  SHARD_ASSERT_OK(other->ExecuteScript("UPDATE note SET x = 6"));
  SHARD_ASSERT_OK(other->Commit());
  EXPECT_EQ(SyncsOfTheLog(), 2u);
  SHARD_ASSERT_OK(Follow(*follower, std::string(32, '1')));
  EXPECT_EQ(SyncsOfTheLog(), 2u);
  SHARD_ASSERT_OK(follower->Rollback());
  // But what need not be on disk is.
  SHARD_ASSERT_OK(other->ExecuteScript("PRAGMA synchronous = NORMAL"));
  SHARD_ASSERT_OK(other->Begin());
  SHARD_ASSERT_OK(other->ExecuteScript("UPDATE note SET x = 7"));
  SHARD_ASSERT_OK(other->Commit());
  EXPECT_EQ(SyncsOfTheLog(), 2u);
  SHARD_ASSERT_OK(Follow(*follower, std::string(32, '2')));
  EXPECT_EQ(SyncsOfTheLog(), 3u);
  SHARD_ASSERT_OK(follower->Rollback());
  follower.Return();
  other.Return();
  engines_.clear();
}

}  // namespace
}  // namespace shard
