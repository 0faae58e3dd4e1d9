// SQLite alone on the recording file system: it keeps what it promises after
// every outage, as long as it syncs; and where it does not sync, this file
// system shows it.
#include "shard/tests/support/power_loss_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/tests/support/disk_trace.h"
#include "shard/tests/support/folder_contents.h"

namespace shard::testing {
namespace {

using ::testing::Contains;
using ::testing::IsSubsetOf;
using ::testing::IsSupersetOf;

class Database {
 public:
  explicit Database(const std::string& path) {
    opened_ = sqlite3_open(path.c_str(), &handle_) == SQLITE_OK;
  }
  ~Database() { sqlite3_close(handle_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  bool Run(const std::string& sql) {
    return opened_ && sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr,
                                   nullptr) == SQLITE_OK;
  }
  int error() const { return sqlite3_errcode(handle_); }
  // The first column; empty where the statement fails.
  std::vector<std::string> Read(const std::string& sql) {
    std::vector<std::string> values;
    const auto add = [](void* to, int, char** cells, char**) {
      static_cast<std::vector<std::string>*>(to)->emplace_back(
          cells[0] == nullptr ? "NULL" : cells[0]);
      return 0;
    };
    const int result =
        sqlite3_exec(handle_, sql.c_str(), add, &values, nullptr);
    return result == SQLITE_OK ? values : std::vector<std::string>();
  }

 private:
  sqlite3* handle_ = nullptr;
  bool opened_;
};

// Numbers of transactions.
using Numbers = std::set<int>;

// Which transactions were told to be committed, and by which event.
struct Told {
  std::map<int, std::size_t> at;

  Numbers By(std::size_t event) const {
    Numbers numbers;
    for (const auto& [number, told_at] : at) {
      if (told_at <= event) numbers.insert(number);
    }
    return numbers;
  }
};

constexpr int kTransactions = 10;

class PowerLossVfsTest : public ::testing::Test {
 protected:
  PowerLossVfsTest()
      : disk_(absl::StrCat(
            ::testing::TempDir(), "/PowerLossVfsTest.",
            ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    disk_.Restore({});
  }
  ~PowerLossVfsTest() override { std::filesystem::remove_all(disk_.folder()); }

  PowerLossVfs& disk() { return disk_; }
  std::string path() const { return disk_.folder() + "/bank.db"; }

  // Transactions with a number each. They add a row of several pages and change
  // one that is always there; checkpoints come in between, and a reader looks
  // on. The files are made, opened twice, and closed. No error stops it.
  Told Work(const std::string& settings) {
    Told told;
    for (const int first : {1, kTransactions / 2 + 1}) {
      Database writer(path());
      Database reader(path());
      writer.Run(settings);
      writer.Run(
          "PRAGMA wal_autocheckpoint = 12; PRAGMA cache_size = 4;"
          "BEGIN;"
          "CREATE TABLE IF NOT EXISTS items(number INTEGER, body);"
          "CREATE TABLE IF NOT EXISTS total(sum INTEGER);"
          "INSERT INTO total SELECT 0 WHERE NOT EXISTS (SELECT * FROM total);"
          "COMMIT");
      for (int i = 0; i < kTransactions / 2; ++i) {
        const int number = first + i;
        if (Commit(writer, number)) {
          told.at[number] = disk_.events();
          EXPECT_THAT(reader.Read("SELECT number FROM items"),
                      Contains(absl::StrCat(number)));
        }
      }
    }
    return told;
  }

  // The transactions that are there after recovery. What is whole is checked.
  Numbers Recover(const FolderContents& left) {
    disk_.Restore(left);
    Database database(path());
    EXPECT_THAT(database.Read("PRAGMA integrity_check"), Contains("ok"));
    Numbers numbers;
    int sum = 0;
    for (const std::string& number :
         database.Read("SELECT number FROM items "
                       "WHERE body = hex(zeroblob(5000 + 10 * number))")) {
      numbers.insert(std::stoi(number));
      sum += std::stoi(number);
    }
    for (const std::string& found : database.Read("SELECT sum FROM total")) {
      EXPECT_EQ(found, absl::StrCat(sum)) << "a transaction is there in part";
    }
    return numbers;
  }

  struct Count {
    std::size_t cases = 0;
    std::size_t lost = 0;  // where something is missing that was told
    Losses losses;
  };

  // Every outage before every event of the trace. Different ones often leave
  // the same, which is recovered once.
  Count EnumerateOutages(const DiskTrace& trace, const Told& told) {
    Count count;
    std::map<FolderContents, Numbers> recovered;
    for (std::size_t event = 0; event <= trace.events().size(); ++event) {
      for (const Outage& outage : OutagesBefore(event, 8)) {
        const FolderContents left = trace.After(outage, &count.losses);
        auto known = recovered.find(left);
        if (known == recovered.end()) {
          known = recovered.emplace(left, Recover(left)).first;
        }
        const Numbers wanted = told.By(event);
        Numbers there = known->second;
        ++count.cases;
        if (!Includes(there, wanted)) ++count.lost;
        for (const int number : wanted) there.erase(number);
        // One may have been under way.
        EXPECT_LE(there.size(), 1u) << "before event " << event;
        if (HasFailure()) return count;
      }
    }
    return count;
  }

  static std::vector<Outage> OutagesBefore(std::size_t event,
                                           std::uint64_t seeds) {
    std::vector<Outage> outages = {{Outage::kProcessDeath, event}};
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
      outages.push_back({Outage::kPowerLoss, event, seed});
    }
    return outages;
  }

 private:
  static bool Commit(Database& writer, int number) {
    const bool committed =
        writer.Run("BEGIN IMMEDIATE") &&
        writer.Run(absl::StrCat("INSERT INTO items VALUES (", number,
                                ", hex(zeroblob(5000 + 10 * ", number,
                                ")))")) &&
        writer.Run(absl::StrCat("UPDATE total SET sum = sum + ", number)) &&
        writer.Run("COMMIT");
    if (!committed) writer.Run("ROLLBACK");
    return committed;
  }
  static bool Includes(const Numbers& all, const Numbers& some) {
    return std::includes(all.begin(), all.end(), some.begin(), some.end());
  }

  PowerLossVfs disk_;
};

void Print(const std::string& what, std::size_t cases, const Losses& losses) {
  std::cout << "cases=" << cases << " (" << what
            << "): unsynced kept=" << losses.kept
            << " dropped=" << losses.dropped << " torn=" << losses.torn
            << " zeroed=" << losses.zeroed << "\n";
}

TEST_F(PowerLossVfsTest, EveryOutageKeepsWhatWasCommittedInALog) {
  const Told told =
      Work("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  ASSERT_EQ(told.at.size(), static_cast<std::size_t>(kTransactions));
  const Count count = EnumerateOutages(disk().trace(), told);
  EXPECT_EQ(count.lost, 0u);
  EXPECT_GT(count.losses.torn, 0u);
  Print("write-ahead log", count.cases, count.losses);
}

TEST_F(PowerLossVfsTest, EveryOutageKeepsWhatWasCommittedWithAJournal) {
  // EXTRA: the journal's deletion is the commit, and FULL does not sync it.
  const Told told =
      Work("PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA");
  ASSERT_EQ(told.at.size(), static_cast<std::size_t>(kTransactions));
  const Count count = EnumerateOutages(disk().trace(), told);
  EXPECT_EQ(count.lost, 0u);
  EXPECT_GT(count.losses.torn, 0u);
  Print("journal", count.cases, count.losses);
}

TEST_F(PowerLossVfsTest, WithoutSyncsItFindsWhatIsLost) {
  const Told told = Work("PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL");
  ASSERT_EQ(told.at.size(), static_cast<std::size_t>(kTransactions));
  const DiskTrace trace = disk().trace();
  const std::size_t end = trace.events().size();
  EXPECT_EQ(Recover(trace.After({Outage::kProcessDeath, end})), told.By(end));
  EXPECT_TRUE(Recover(trace.After({Outage::kPowerLoss, end, 0})).empty());
}

// Only before checkpoints: nothing is torn, the latest commits are lost.
TEST_F(PowerLossVfsTest, WithFewerSyncsItFindsWhatIsLost) {
  const Told told =
      Work("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  const Count count = EnumerateOutages(disk().trace(), told);
  EXPECT_GT(count.lost, 0u);
  Print("write-ahead log, synchronous=NORMAL", count.cases, count.losses);
}

class PowerLossVfsFaultTest : public PowerLossVfsTest {
 protected:
  // The fault at every event, and at the end death or a loss of power: all that
  // was told to be committed is there. What was told to have failed may be:
  // SQLite's log then has a COMMIT that only recovery finds.
  std::size_t EnumerateFaults(PowerLossVfs::Fault fault) {
    Work(kSettings);
    const std::size_t events = disk().events();
    std::size_t failed = 0;
    for (fault.event = 0; fault.event < events; ++fault.event) {
      disk().Restore({});
      disk().SetFault(fault);
      const Told told = Work(kSettings);
      if (disk().operations_failed() > 0) ++failed;
      disk().ClearFault();
      const DiskTrace trace = disk().trace();
      const std::size_t end = trace.events().size();
      for (const Outage& outage : OutagesBefore(end, 3)) {
        EXPECT_THAT(told.By(end), IsSubsetOf(Recover(trace.After(outage))))
            << "fault at event " << fault.event;
      }
      if (HasFailure()) break;
    }
    EXPECT_GT(failed, events / 2);
    return events;
  }

  static constexpr char kSettings[] =
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL";
};

TEST_F(PowerLossVfsFaultTest, AFullDiskLosesNothingThatWasCommitted) {
  const std::size_t once = EnumerateFaults({PowerLossVfs::Fault::kDiskFull});
  const std::size_t for_good =
      EnumerateFaults({PowerLossVfs::Fault::kDiskFull, 0, true});
  std::cout << "cases=" << once + for_good << " (disk full)\n";
}

TEST_F(PowerLossVfsFaultTest, IoErrorsLoseNothingThatWasCommitted) {
  const std::size_t once = EnumerateFaults({PowerLossVfs::Fault::kIoError});
  const std::size_t for_good =
      EnumerateFaults({PowerLossVfs::Fault::kIoError, 0, true});
  std::cout << "cases=" << once + for_good << " (I/O errors)\n";
}

TEST_F(PowerLossVfsFaultTest, SaysWhatFailed) {
  Database database(path());
  ASSERT_TRUE(database.Run(kSettings));
  ASSERT_TRUE(database.Run("CREATE TABLE t(x)"));
  disk().SetFault({PowerLossVfs::Fault::kDiskFull, disk().events()});
  EXPECT_FALSE(database.Run("INSERT INTO t VALUES (1)"));
  EXPECT_EQ(database.error(), SQLITE_FULL);
  EXPECT_TRUE(database.Run("INSERT INTO t VALUES (2)"));
  EXPECT_EQ(disk().operations_failed(), 1u);
  disk().SetFault({PowerLossVfs::Fault::kIoError, disk().events() + 2});
  EXPECT_FALSE(database.Run("INSERT INTO t VALUES (3)"));
  EXPECT_EQ(database.error(), SQLITE_IOERR);
  EXPECT_EQ(database.Read("SELECT x FROM t"), std::vector<std::string>{"2"});
}

TEST_F(PowerLossVfsTest, FilesWrittenPastSqliteTakePart) {
  const std::string plain = disk().folder() + "/bank.db-mark";
  const auto write = [&](const std::string& text) {
    std::ofstream(plain) << text;
  };
  write("before");
  disk().Start();
  Database database(path());
  write("first");
  ASSERT_TRUE(database.Run("CREATE TABLE t(x)"));
  const std::size_t with_first = disk().events();
  std::filesystem::remove(plain);
  EXPECT_EQ(disk().events(), with_first + 1);
  write("second");
  const DiskTrace trace = disk().trace();
  EXPECT_EQ(trace.events().size(), with_first + 3);
  EXPECT_EQ(trace.After({Outage::kProcessDeath, 0}).at("bank.db-mark"),
            "before");
  EXPECT_EQ(trace.After({Outage::kProcessDeath, with_first}).at("bank.db-mark"),
            "first");
  std::set<std::string> left;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const FolderContents contents =
        trace.After({Outage::kPowerLoss, trace.events().size(), seed});
    const auto found = contents.find("bank.db-mark");
    left.insert(found == contents.end() ? "none" : found->second);
  }
  EXPECT_THAT(left, IsSupersetOf({"before", "first", "none", "", "second"}));
}

TEST_F(PowerLossVfsTest, AnActionSeesTheDiskRightBeforeItsEvent) {
  Database database(path());
  ASSERT_TRUE(database.Run("PRAGMA journal_mode = WAL; CREATE TABLE t(x)"));
  disk().Start();
  FolderContents seen;
  std::size_t calls = 0;
  disk().AtEvent(1, [&](const DiskTrace& trace) {
    ++calls;
    seen = trace.Now();
  });
  ASSERT_TRUE(database.Run("INSERT INTO t VALUES (1)"));
  ASSERT_TRUE(database.Run("INSERT INTO t VALUES (2)"));
  EXPECT_EQ(calls, 1u);
  EXPECT_EQ(seen, disk().trace().After({Outage::kProcessDeath, 1}));
  EXPECT_NE(seen, disk().trace().After({Outage::kProcessDeath, 2}));
}

TEST_F(PowerLossVfsTest, ADeadProcessLeavesWhatMayStillBeLost) {
  {
    Database database(path());
    ASSERT_TRUE(database.Run("PRAGMA journal_mode = WAL; CREATE TABLE t(x)"));
    disk().Start();
    ASSERT_TRUE(database.Run("INSERT INTO t VALUES (1)"));
  }
  // Until the sync of the commit.
  DiskTrace trace = disk().trace();
  std::size_t sync = 0;
  while (trace.events()[sync].kind != DiskEvent::kSync) ++sync;
  disk().Resume(trace.Until(sync));
  EXPECT_EQ(disk().events(), sync);
  {
    Database next(path());
    ASSERT_EQ(next.Read("SELECT x FROM t"), std::vector<std::string>{"1"});
    trace = disk().trace();
  }
  const auto rows_after = [&](const FolderContents& left) {
    disk().Restore(left);
    return Database(path()).Read("SELECT x FROM t").size();
  };
  EXPECT_EQ(rows_after(trace.After({Outage::kPowerLoss, sync, 0})), 0u);
  EXPECT_EQ(rows_after(trace.After({Outage::kPowerLoss, sync, 1})), 1u);
}

TEST_F(PowerLossVfsTest, RecordsTheFilesOfItsFolderOnly) {
  const std::string other =
      absl::StrCat(::testing::TempDir(), "/PowerLossVfsTest.other.db");
  std::filesystem::remove(other);
  disk().Start();
  {
    Database database(other);
    EXPECT_TRUE(database.Run("CREATE TABLE t(x)"));
    EXPECT_TRUE(Database("").Run("CREATE TABLE t(x)"));
  }
  EXPECT_EQ(disk().events(), 0u);
  std::filesystem::remove(other);
}

TEST_F(PowerLossVfsTest, ThreadsMayWriteSideBySide) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([this, i] {
      Database database(absl::StrCat(disk().folder(), "/", i, ".db"));
      EXPECT_TRUE(database.Run("PRAGMA journal_mode = WAL; CREATE TABLE t(x)"));
      for (int row = 0; row < 50; ++row) {
        std::ofstream(absl::StrCat(disk().folder(), "/", i, ".mark")) << row;
        EXPECT_TRUE(database.Run("INSERT INTO t VALUES (1)"));
        std::filesystem::remove(absl::StrCat(disk().folder(), "/", i, ".mark"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const DiskTrace trace = disk().trace();
  disk().Restore(trace.After({Outage::kPowerLoss, trace.events().size(), 0}));
  for (const char* name : {"/0.db", "/1.db"}) {
    Database database(disk().folder() + name);
    EXPECT_EQ(database.Read("SELECT count(*) FROM t"),
              std::vector<std::string>{"50"});
  }
}

}  // namespace
}  // namespace shard::testing
