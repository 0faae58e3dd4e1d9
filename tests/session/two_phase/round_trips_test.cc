// How often a commit waits for each PostgreSQL server: counted on the wire.
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/session/two_phase/gid.h"
#include "shard/tests/session/two_phase/two_phase_test.h"
#include "shard/tests/support/postgres_proxy.h"

namespace shard::testing {
namespace {

using ::testing::ElementsAre;

class RoundTripsTest : public TwoPhaseTest {
 protected:
  // The session's way to the servers.
  void OpenProxies() {
    std::vector<std::string> through;
    for (const std::string& url : urls()) {
      auto proxy = PostgresProxy::Start(url);
      ASSERT_THAT(proxy, IsOk());
      proxies_.push_back(*std::move(proxy));
      through.push_back(proxies_.back()->url());
    }
    through_.emplace(through);
  }
  ~RoundTripsTest() override { through_.reset(); }

  void AddCities(ShardedSession& session,
                 const std::vector<std::size_t>& databases) {
    through_->AddCities(session, "Rome", databases);
  }
  void Arm() {
    for (const auto& proxy : proxies_) proxy->Arm();
  }
  // Since Arm, of each server: 'Z' says that it waits for us again.
  std::vector<std::size_t> RoundTrips() {
    std::vector<std::size_t> counts;
    for (const auto& proxy : proxies_) {
      counts.push_back(0);
      for (const auto& message : proxy->messages()) {
        counts.back() += message.type == 'Z' ? 1 : 0;
      }
    }
    return counts;
  }
  // The number of the transaction that is open there.
  std::string NumberAt(std::size_t database) {
    return outside(database).Text(
        "select backend_xid::text from pg_stat_activity where datname = "
        "current_database() and state = 'idle in transaction'");
  }

  std::vector<std::unique_ptr<PostgresProxy>> proxies_;
  std::optional<Cluster> through_;
};

// The decider's number came along with the flush. It answers once, as the
// decision; the other to PREPARE and COMMIT PREPARED.
TEST_F(RoundTripsTest, OfACommitAfterAFlush) {
  SHARD_OPEN_OR_SKIP("PP");
  OpenProxies();
  for (int again = 0; again < 2; ++again) {  // with prepared statements too
    ShardedSession session(through_->options());
    AddCities(session, {0, 1});
    Arm();
    SHARD_ASSERT_OK(session.Commit());
    EXPECT_THAT(RoundTrips(), ElementsAre(1u, 2u));
  }
  EXPECT_EQ(Cities("Rome"), 4);
}

TEST_F(RoundTripsTest, OfFlushAndCommitOnFour) {
  SHARD_OPEN_OR_SKIP("PPPP");
  OpenProxies();
  ShardedSession session(through_->options());
  for (int again = 0; again < 2; ++again) {
    for (const char* continent : {"C3", "C1", "C2", "C0"}) {
      SHARD_ASSERT_OK(session.Add(MakeCity(continent, "Rome", 1)));
    }
    Arm();
    SHARD_ASSERT_OK(session.Commit());
    EXPECT_THAT(RoundTrips(), ElementsAre(2u, 3u, 3u, 3u));
  }
}

TEST_F(RoundTripsTest, OfStatements) {
  SHARD_OPEN_OR_SKIP("PP");
  OpenProxies();
  ShardedSession session(through_->options());
  AddCities(session, {0, 1});
  SHARD_ASSERT_OK(session.Commit());
  Arm();
  SHARD_ASSERT_OK(session.Execute(Update<City>().Set(City::c.population = 7)));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_THAT(RoundTrips(), ElementsAre(2u, 3u));
  EXPECT_EQ(outside(0).Number("select sum(population) from cities"), 7);
}

TEST_F(RoundTripsTest, TheChosenDeciderIsAskedInTheFlush) {
  SHARD_OPEN_OR_SKIP("PP");
  OpenProxies();
  SessionOptions options = through_->options();
  options.decider = "d1";
  ShardedSession session(options);
  AddCities(session, {0, 1});
  Arm();
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_THAT(RoundTrips(), ElementsAre(2u, 1u));
}

// What was heard in the flush may not be true any more: it is asked again.
TEST_F(RoundTripsTest, WhatIsSentInBetweenIsAskedAfter) {
  SHARD_OPEN_OR_SKIP("PP");
  OpenProxies();
  ShardedSession session(through_->options());
  AddCities(session, {0, 1});
  SHARD_ASSERT_OK(session.Scalars(Select<City>()));
  Arm();
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_THAT(RoundTrips(), ElementsAre(2u, 2u));
}

TEST_F(RoundTripsTest, TheNumberIsThatOfTheTransaction) {
  SHARD_OPEN_OR_SKIP("PP");
  OpenProxies();
  ShardedSession session(through_->options());
  for (const bool ended_behind_our_back : {false, true}) {
    AddCities(session, {0, 1});
    if (ended_behind_our_back) {
      SHARD_ASSERT_OK_AND_ASSIGN(Connection * connection,
                                 session.ConnectionFor(OnShard("d0")));
      SHARD_ASSERT_OK(connection->ExecuteScript(
          "ROLLBACK; BEGIN; insert into cities values (9, 'C0', 'Oslo', 1)"));
    }
    const std::string number = NumberAt(0);
    SHARD_ASSERT_OK(session.Prepare());
    SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
    SHARD_ASSERT_OK_AND_ASSIGN(const Gid gid, Gid::Parse(done.transaction));
    EXPECT_EQ(gid.number, number);
  }
}

TEST_F(RoundTripsTest, SavepointsInBetween) {
  SHARD_OPEN_OR_SKIP("PP");
  OpenProxies();
  ShardedSession session(through_->options());
  SHARD_ASSERT_OK(session.BeginNested());
  AddCities(session, {0, 1});
  SHARD_ASSERT_OK(session.RollbackNested());
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Cities("Rome"), 0);
  EXPECT_EQ(Prepared(), 0);
}

// One writer is not asked at all.
TEST_F(RoundTripsTest, OfOneWriter) {
  SHARD_OPEN_OR_SKIP("PP");
  OpenProxies();
  ShardedSession session(through_->options());
  for (int again = 0; again < 2; ++again) {
    SHARD_ASSERT_OK(session.Add(MakeCity("C1", "Rome", 1)));
    Arm();
    SHARD_ASSERT_OK(session.Commit());
    EXPECT_THAT(RoundTrips(), ElementsAre(0u, 2u));
  }
}

}  // namespace
}  // namespace shard::testing
