// A standby shows no prepared transactions and lags behind: recovery must not
// take it for the database that it copies.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/schema.h"
#include "shard/session/two_phase/recoverer.h"
#include "shard/tests/crash/scratch_folder.h"
#include "shard/tests/crash/server.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/two_phase/cluster.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Cluster "test": d0 is a SQLite file, d1 on a server of the test's own.
class StandbyTest : public ::testing::Test {
 protected:
  // False, and the test is skipped, where PostgreSQL is not installed.
  bool Start() {
    auto folder = bank::ScratchFolder::Make(/*keep=*/false).value();
    folder_ = std::make_unique<bank::ScratchFolder>(std::move(folder));
    auto servers = bank::Server::Make(folder_->path(), 1);
    if (absl::IsNotFound(servers.status())) return false;
    primary_ = std::move(servers.value()[0]);
    Run(*primary_);
    for (const std::string& url : Urls(*primary_)) {
      EXPECT_TRUE(CreateAll(*OpenEngine(url).value(), {&City::table()}).ok());
    }
    return true;
  }
  void StartStandby() {
    standby_ =
        primary_->MakeStandby(absl::StrCat(folder_->path(), "/copy")).value();
    Run(*standby_);
  }
  std::vector<std::string> Urls(const bank::Server& server) const {
    return {absl::StrCat("sqlite:///", folder_->path(), "/0.db"), server.url()};
  }

 private:
  static void Run(bank::Server& server) {
    SHARD_ASSERT_OK(server.Start());
    SHARD_ASSERT_OK(server.WaitUntilReady(absl::Seconds(60)));
  }

 protected:
  std::unique_ptr<bank::ScratchFolder> folder_;
  std::unique_ptr<bank::Server> primary_, standby_;
};

TEST_F(StandbyTest, IsNotTakenForItsPrimary) {
  if (!Start()) GTEST_SKIP() << "PostgreSQL is not installed";
  Outside file(Urls(*primary_)[0]), server(Urls(*primary_)[1]);
  {
    Cluster cluster(Urls(*primary_));
    SessionOptions options = cluster.options();
    options.decision = DecisionMode::kAfterDecision;
    ShardedSession session(options);
    cluster.AddCities(session, "Rome", {0, 1});
    SHARD_ASSERT_OK(session.Commit());
  }
  EXPECT_EQ(file.Decisions(), 1);
  EXPECT_EQ(server.Prepared(), 1);
  StartStandby();
  Cluster cluster(Urls(*standby_));
  EXPECT_EQ(cluster.topology().IdentityOf("d1"), "");
  EXPECT_THAT(cluster.engine(1)->Connect().status(),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("'d1'"), HasSubstr("is a standby"),
                             HasSubstr("name the primary"))));
  const RecoveryReport report = cluster.RecoverNow();  // keeps no old decision
  ASSERT_FALSE(report.problems.empty());
  EXPECT_THAT(report.problems[0].error,
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("standby")));
  EXPECT_EQ(file.Decisions(), 1) << "the share is prepared at the primary";

  Cluster right(Urls(*primary_));
  EXPECT_EQ(right.RecoverNow().Count(RecoveredShare::kCommitted), 1u);
  EXPECT_EQ(server.Cities("Rome"), 1);
  EXPECT_EQ(file.Decisions(), 0);
}

}  // namespace
}  // namespace shard::testing
