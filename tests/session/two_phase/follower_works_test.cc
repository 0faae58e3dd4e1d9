// Each kind of work as the share of a file that follows, in a commit over two
// files, whose process dies between the decision and the follower's COMMIT.
// What recovery makes of it is what a plain COMMIT would have.
#include "shard/tests/session/two_phase/follower_works.h"

#include <sqlite3.h>
#include <sys/wait.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/tests/session/two_phase/two_phase_test.h"

namespace shard::testing {
namespace {

using ::testing::ElementsAre;

using Rows = std::vector<std::string>;

// A file past the library.
class RawFile {
 public:
  explicit RawFile(const std::string& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &handle_), SQLITE_OK) << path;
  }
  ~RawFile() { sqlite3_close(handle_); }
  RawFile(const RawFile&) = delete;
  RawFile& operator=(const RawFile&) = delete;

  // All rows; of each value its type and its bytes.
  Rows Query(const std::string& sql) {
    Rows rows;
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(handle_, sql.c_str(), -1, &statement, nullptr),
              SQLITE_OK)
        << sql << ": " << sqlite3_errmsg(handle_);
    while (sqlite3_step(statement) == SQLITE_ROW) {
      std::string& row = rows.emplace_back();
      for (int i = 0; i < sqlite3_column_count(statement); ++i) {
        absl::StrAppend(&row, sqlite3_column_type(statement, i), ":");
        const auto* data =
            static_cast<const char*>(sqlite3_column_blob(statement, i));
        const auto size =
            static_cast<std::size_t>(sqlite3_column_bytes(statement, i));
        row.append(data == nullptr ? "" : data, size);
        row += '|';
      }
    }
    EXPECT_EQ(sqlite3_finalize(statement), SQLITE_OK) << sql;
    return rows;
  }

  // Of every table but the library's own. The number of a row is told where it
  // is the key; elsewhere it is not defined.
  Rows Contents() {
    Rows contents;
    for (std::string table :
         Query("select name from sqlite_schema where type = 'table' and name "
               "not like 'shard\\_%' escape '\\' order by name")) {
      table = table.substr(2, table.size() - 3);  // its type, and the end
      contents.push_back(table);
      for (std::string& row :
           Query(absl::StrCat("select * from \"", table, "\" order by 1"))) {
        contents.push_back(std::move(row));
      }
    }
    return contents;
  }

 private:
  sqlite3* handle_ = nullptr;
};

class FollowerWorksTest : public TwoPhaseTest {
 protected:
  // What a plain COMMIT of the same statements leaves.
  Rows Wanted(const FollowerWork& work) {
    MadeDatabases plain("S", Path(1) + ".plain");
    Outside file(plain.urls()[0]);
    file.Run(work.schema);
    std::string script = "begin;";
    for (const std::string& statement : work.script) {
      absl::StrAppend(&script, statement, ";");
    }
    file.Run(script + "commit");
    const std::string& url = plain.urls()[0];
    return RawFile(url.substr(url.find("///") + 3)).Contents();
  }

  void Check(const FollowerWork& work) {
    SHARD_OPEN_OR_SKIP("SS");
    std::filesystem::create_directories(Path(1) + ".plain");
    const Rows wanted = Wanted(work);
    outside(1).Run(work.schema);
    RawFile file(Path(1));
    const Rows before = file.Contents();
    ASSERT_NE(before, wanted);
    const int status = std::system(
        absl::StrCat(
            "tests/session/two_phase/fault_child work decide.answered ",
            work.name, " ", urls()[0], " ", urls()[1])
            .c_str());
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 99) << status;
    ASSERT_EQ(outside(0).Cities(work.name), 1) << "it is decided";
    ASSERT_EQ(file.Contents() == before, true) << "and lost";
    ASSERT_TRUE(HasMarker(1));
    const RecoveryReport report = cluster().RecoverNow();
    EXPECT_TRUE(report.clean()) << report.ToString();
    // Not by a matcher, which would print ten megabytes.
    EXPECT_EQ(file.Contents() == wanted, true);
    EXPECT_THAT(file.Query("pragma integrity_check"), ElementsAre("3:ok|"));
    EXPECT_THAT(file.Query("pragma foreign_key_check"), ElementsAre());
    ExpectNothingIsLeft();
    EXPECT_EQ(file.Contents() == wanted, true);
  }
};

TEST_F(FollowerWorksTest, ARedoMakesWhatAPlainCommitWould) {
  std::size_t cases = 0;
  for (const FollowerWork& work : FollowerWorks()) {
    SCOPED_TRACE(work.name);
    Check(work);
    if (HasFatalFailure() || IsSkipped()) return;
    ++cases;
  }
  std::cout << "cases=" << cases << "\n";
  RecordProperty("cases", static_cast<int>(cases));
}

}  // namespace
}  // namespace shard::testing
