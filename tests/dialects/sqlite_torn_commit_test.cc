// A COMMIT on a SQLite file whose sync fails: in the log, yet not published.
#include <sqlite3.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/participant.h"
#include "shard/tests/dialects/sqlite_participant_support.h"
#include "shard/tests/dialects/sqlite_test_support.h"

namespace shard {
namespace {

using shard::testing::Decide;
using shard::testing::HasCode;
using shard::testing::kTxn;
using shard::testing::MakeRow;
using shard::testing::QueryValue;
using shard::testing::SqliteParticipantTest;
using shard::testing::StatusIs;
using ::testing::HasSubstr;

// A file system like the default one that counts, or fails, syncs of logs.
class LogSyncs {
 public:
  static int count;
  static bool fail;

  static void Install() {
    original_ = sqlite3_vfs_find(nullptr);
    vfs_ = *original_;
    vfs_.pNext = nullptr;
    vfs_.zName = "log-syncs";
    vfs_.xOpen = &Open;
    ASSERT_EQ(sqlite3_vfs_register(&vfs_, 1), SQLITE_OK);
    count = 0;
    fail = false;
  }
  static void Remove() { sqlite3_vfs_unregister(&vfs_); }

 private:
  static int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags,
                  int* out) {
    const int result = original_->xOpen(original_, name, file, flags, out);
    if (result == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0) {
      real_ = file->pMethods;
      methods_ = *real_;
      methods_.xSync = &Sync;
      file->pMethods = &methods_;
    }
    return result;
  }
  static int Sync(sqlite3_file* file, int flags) {
    ++count;
    return fail ? SQLITE_IOERR_FSYNC : real_->xSync(file, flags);
  }

  static sqlite3_vfs* original_;
  static sqlite3_vfs vfs_;
  static const sqlite3_io_methods* real_;
  static sqlite3_io_methods methods_;
};

int LogSyncs::count;
bool LogSyncs::fail;
sqlite3_vfs* LogSyncs::original_;
sqlite3_vfs LogSyncs::vfs_;
const sqlite3_io_methods* LogSyncs::real_;
sqlite3_io_methods LogSyncs::methods_;

class SqliteTornCommitTest : public SqliteParticipantTest {
 protected:
  void SetUp() override {
    LogSyncs::Install();
    SqliteParticipantTest::SetUp();
  }
  void TearDown() override {
    SqliteParticipantTest::TearDown();
    LogSyncs::Remove();
    for (const char* end : {"", "-wal", "-shm"}) {
      std::filesystem::remove(absl::StrCat(path_, ".crashed", end));
    }
  }

  void DecideWithAFailingSync() {
    BeginWork();
    LogSyncs::fail = true;
    EXPECT_THAT(Decide(connection(), MakeRow(Decision::kCommit)),
                StatusIs(absl::StatusCode::kUnavailable, HasSubstr("Settle")));
    LogSyncs::fail = false;
    EXPECT_FALSE(connection().in_transaction());
    EXPECT_FALSE(connection().usable());
  }
  // What a process would find after all others have been killed.
  std::int64_t CountAfterACrash(std::string_view table) {
    const std::string copy = path_ + ".crashed";
    // In another process: closing a file ends its locks in this one.
    const std::string command =
        absl::StrCat("cp '", path_, "' '", copy, "' && cp '", path_, "-wal' '",
                     copy, "-wal' && rm -f '", copy, "-shm'");
    EXPECT_EQ(std::system(command.c_str()), 0);
    const auto engine = OpenEngine("sqlite:///" + copy);
    const auto crashed = (*engine)->Connect();
    const auto count =
        QueryValue(**crashed, "SELECT count(*) FROM " + std::string(table));
    EXPECT_THAT(count, shard::testing::IsOk());
    return count->view().integer();
  }
  absl::StatusOr<Decision> Settle() {
    return settler().Settle(MakeRow(Decision::kAbort), "",
                            absl::ZeroDuration());
  }
};

TEST_F(SqliteTornCommitTest, AnAbortThatIsSettledOutlivesACrash) {
  DecideWithAFailingSync();
  EXPECT_EQ(Count("work"), 0) << "nobody sees it";
  ASSERT_EQ(CountAfterACrash("work"), 1)
      << "a crash would bring it to life; if SQLite has changed, simplify "
         "Settle";
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision decision, Settle());
  EXPECT_EQ(decision, Decision::kAbort);
  EXPECT_EQ(CountAfterACrash("work"), 0);
  EXPECT_EQ(CountAfterACrash("shard_decisions"), 0);
}

TEST_F(SqliteTornCommitTest, WithoutASyncNothingIsSettled) {
  DecideWithAFailingSync();
  LogSyncs::fail = true;
  EXPECT_THAT(Settle(), HasCode(absl::StatusCode::kUnavailable));
  LogSyncs::fail = false;
  EXPECT_FALSE(other_->in_transaction());
  other_ = Connect();
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision decision, Settle());
  EXPECT_EQ(decision, Decision::kAbort);
}

// A commit row that a recovery of the log brought to life may not be on disk.
TEST_F(SqliteTornCommitTest, ACommitIsSyncedBeforeItIsToldOf) {
  BeginWork();
  LogSyncs::count = 0;
  SHARD_ASSERT_OK(Decide(connection(), MakeRow(Decision::kCommit)));
  EXPECT_GE(LogSyncs::count, 1) << "the decision is on disk";
  LogSyncs::count = 0;
  SHARD_ASSERT_OK_AND_ASSIGN(const Decision decision, Settle());
  EXPECT_EQ(decision, Decision::kCommit);
  EXPECT_GE(LogSyncs::count, 1);
  LogSyncs::count = 0;
  SHARD_ASSERT_OK(settler().PutDecision(MakeRow(Decision::kCommit), "",
                                        absl::ZeroDuration()));
  EXPECT_GE(LogSyncs::count, 1);
}

TEST_F(SqliteTornCommitTest, DeletingADecisionWaitsForNoSync) {
  BeginWork();
  SHARD_ASSERT_OK(Decide(connection(), MakeRow(Decision::kCommit)));
  LogSyncs::count = 0;
  SHARD_ASSERT_OK(participant().DeleteDecisions({kTxn}, absl::Seconds(1)));
  EXPECT_EQ(LogSyncs::count, 0);
  EXPECT_EQ(Count("shard_decisions"), 0);
  SHARD_ASSERT_OK(Script("INSERT INTO work VALUES (2)"));
  EXPECT_EQ(LogSyncs::count, 1) << "all other work is synced as before";
}

}  // namespace
}  // namespace shard
