// The file beside a database: what is read back, also from what was torn.
#include "shard/dialects/sqlite/sqlite_marker.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/participant.h"

namespace shard {
namespace {

class SqliteMarkerTest : public ::testing::Test {
 protected:
  void SetUp() override { std::ofstream(database_) << "a database"; }
  void TearDown() override {
    std::filesystem::remove(database_);
    std::filesystem::remove_all(marker_path_);
  }

  std::string Text() const {
    std::ifstream file(marker_path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void Put(const std::string& text) const {
    std::ofstream(marker_path_, std::ios::binary) << text;
  }
  ino_t Inode() const {
    struct stat file;
    return stat(marker_path_.c_str(), &file) == 0 ? file.st_ino : 0;
  }
  // What another process would read.
  std::optional<FollowMarker> ReadByAnother() const {
    const auto read = SqliteMarker(database_).Read();
    EXPECT_TRUE(read.ok()) << read.status();
    return read.value_or(std::nullopt);
  }

  const std::string database_ = absl::StrCat(
      ::testing::TempDir(), "/",
      ::testing::UnitTest::GetInstance()->current_test_info()->name(), ".db");
  const std::string marker_path_ = absl::StrCat(database_, "-shard");
};

TEST_F(SqliteMarkerTest, IsReadAsItWasWritten) {
  SqliteMarker marker(database_);
  EXPECT_FALSE(marker.exists());
  EXPECT_FALSE(ReadByAnother().has_value());
  SHARD_EXPECT_OK(marker.Write({"one", "{\"a\":1}"}));
  EXPECT_TRUE(marker.exists());
  ASSERT_TRUE(ReadByAnother().has_value());
  EXPECT_EQ(ReadByAnother()->txn, "one");
  EXPECT_EQ(ReadByAnother()->participants, "{\"a\":1}");
  SHARD_EXPECT_OK(marker.Remove());
  EXPECT_FALSE(marker.exists());
  EXPECT_FALSE(ReadByAnother().has_value());
}

TEST_F(SqliteMarkerTest, IsWrittenOverInTheSameFile) {
  SqliteMarker marker(database_);
  SHARD_EXPECT_OK(marker.Write({"one", std::string(9000, 'x')}));
  const ino_t inode = Inode();
  SHARD_EXPECT_OK(marker.Write({"two", "short"}));
  EXPECT_EQ(Inode(), inode);
  EXPECT_EQ(ReadByAnother()->txn, "two");
  EXPECT_EQ(ReadByAnother()->participants, "short");
}

TEST_F(SqliteMarkerTest, FollowsAnotherThatRemovedOrReplacedIt) {
  SqliteMarker marker(database_);
  SqliteMarker other(database_);
  SHARD_EXPECT_OK(marker.Write({"one", ""}));
  SHARD_EXPECT_OK(other.Remove());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto removed, marker.Read());
  EXPECT_FALSE(removed.has_value());
  SHARD_EXPECT_OK(other.Write({"two", ""}));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto replaced, marker.Read());
  ASSERT_TRUE(replaced.has_value());
  EXPECT_EQ(replaced->txn, "two");
  SHARD_EXPECT_OK(other.Remove());
  SHARD_EXPECT_OK(marker.Write({"three", ""}));
  EXPECT_EQ(ReadByAnother()->txn, "three");
}

TEST_F(SqliteMarkerTest, OneThatWasTornNamesNoTransaction) {
  SqliteMarker marker(database_);
  SHARD_EXPECT_OK(marker.Write({"one", "participants"}));
  const std::string old_text = Text();
  SHARD_EXPECT_OK(marker.Write({"two", "other ones too"}));
  const std::string text = Text();
  // At every byte: cut there, and with the end of the one before behind it.
  for (std::size_t at = 0; at < text.size(); ++at) {
    Put(text.substr(0, at));
    ASSERT_TRUE(ReadByAnother().has_value()) << at;
    EXPECT_EQ(ReadByAnother()->txn, "") << at;
    EXPECT_EQ(ReadByAnother()->participants, "") << at;
    if (at >= old_text.size()) continue;
    const std::string mixed =
        absl::StrCat(text.substr(0, at), old_text.substr(at));
    Put(mixed);
    EXPECT_EQ(ReadByAnother()->txn, mixed == old_text ? "one" : "") << at;
  }
}

TEST_F(SqliteMarkerTest, WhoMayWriteTheDatabaseMayWriteIt) {
  ASSERT_EQ(chmod(database_.c_str(), 0664), 0);
  SHARD_EXPECT_OK(SqliteMarker(database_).Write({"one", ""}));
  struct stat file;
  ASSERT_EQ(stat(marker_path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0664U);
}

TEST_F(SqliteMarkerTest, OneThatCannotBeWrittenWholeIsRemoved) {
  struct rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit short_files = before;
  short_files.rlim_cur = 10;
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &short_files), 0);
  SqliteMarker marker(database_);
  const absl::Status status = marker.Write({"one", ""});
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_FALSE(status.ok());
  EXPECT_FALSE(std::filesystem::exists(marker_path_));
  SHARD_EXPECT_OK(marker.Write({"two", ""}));
  EXPECT_EQ(ReadByAnother()->txn, "two");
}

TEST_F(SqliteMarkerTest, SaysWhatItCannotDo) {
  std::filesystem::create_directory(marker_path_);
  SqliteMarker marker(database_);
  const absl::Status status = marker.Write({"one", ""});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_NE(status.message().find(marker_path_), std::string::npos) << status;
}

TEST_F(SqliteMarkerTest, ADatabaseInMemoryHasNone) {
  const SqliteMarker marker("");
  EXPECT_FALSE(marker.exists());
  SHARD_ASSERT_OK_AND_ASSIGN(const auto read, marker.Read());
  EXPECT_FALSE(read.has_value());
}

}  // namespace
}  // namespace shard
