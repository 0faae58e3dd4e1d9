// That faults of the nemesis are faults.
#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/tests/crash/child.h"
#include "shard/tests/crash/database.h"
#include "shard/tests/crash/disk_room.h"
#include "shard/tests/crash/raw_database.h"
#include "shard/tests/crash/scratch_folder.h"

namespace shard::bank {
namespace {

using ::shard::testing::StatusIs;
using ::testing::HasSubstr;

class FaultsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { UseDiskRooms(); }

  void SetUp() override {
    auto folder = ScratchFolder::Make(/*keep=*/false);
    SHARD_ASSERT_OK(folder.status());
    folder_ = std::make_unique<ScratchFolder>(*std::move(folder));
  }
  std::string PathOf(const std::string& name) const {
    return folder_->path() + "/" + name;
  }

  std::unique_ptr<ScratchFolder> folder_;
};

TEST_F(FaultsTest, FullDiskTakesNoWriteUntilItIsCleared) {
  const std::string path = PathOf("file.db");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto room,
                             DiskRoom::Open(path, /*make=*/true));
  sqlite3* made = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &made), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(made, "PRAGMA journal_mode = WAL; CREATE TABLE t (x)",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(made);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto file,
                             RawDatabase::Open(Database::kFile + path));
  const std::string insert = "INSERT INTO t VALUES (1)";
  SHARD_EXPECT_OK(file->Query(insert).status());
  for (const int writes : {0, 1}) {
    room->FillUpAfter(writes);
    EXPECT_THAT(
        file->Query(insert).status(),
        StatusIs(absl::StatusCode::kUnavailable, HasSubstr("disk is full")));
  }
  room->Clear();
  SHARD_EXPECT_OK(file->Query(insert).status());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto rows,
                             file->Query("SELECT count(*) FROM t"));
  EXPECT_EQ(rows[0][0], "2");
}

TEST_F(FaultsTest, ProcessThatMayNotWriteIsToldSoAndLives) {
  const std::string written = PathOf("written");
  SHARD_ASSERT_OK_AND_ASSIGN(
      Child child,
      Child::Start(
          {.arguments = {"/bin/sh", "-c",
                         "until [ -e \"$0/go\" ]; do sleep 0.01; done; "
                         "! echo something > \"$0/written\" && "
                         "touch \"$0/refused\"; "
                         "until [ ! -e \"$0/go\" ]; do sleep 0.01; done; "
                         "echo something > \"$0/written\"",
                         folder_->path()}}));
  child.ForbidWrites(true);
  std::filesystem::create_directory(PathOf("go"));
  while (child.running() && !std::filesystem::exists(PathOf("refused"))) {
    absl::SleepFor(absl::Milliseconds(5));
  }
  EXPECT_EQ(std::filesystem::file_size(written), 0u);
  child.ForbidWrites(false);
  std::filesystem::remove(PathOf("go"));
  EXPECT_TRUE(child.Wait());
  EXPECT_GT(std::filesystem::file_size(written), 0u);
}

}  // namespace
}  // namespace shard::bank
