// Databases that belong together, and those that do not.
#include "shard/router/topology.h"

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/connection.h"
#include "shard/sql/types.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class TopologyTest : public ::testing::Test {
 protected:
  TopologyTest()
      : folder_(
            absl::StrCat(::testing::TempDir(), "/", Uuid::Random().ToText())) {
    std::filesystem::create_directories(folder_);
  }
  ~TopologyTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& file) { return folder_ + "/" + file; }
  std::shared_ptr<Engine> File(const std::string& file) {
    return OpenEngine(absl::StrCat("sqlite:///", Path(file))).value();
  }
  // Databases by name and file.
  absl::StatusOr<std::shared_ptr<Topology>> Open(
      const std::vector<std::pair<std::string, std::string>>& databases,
      TopologyOptions options = {}) {
    for (const auto& [name, file] : databases) {
      options.databases.emplace_back(name, File(file));
    }
    return Topology::Open(std::move(options));
  }
  static std::optional<Stamp> StampOf(Engine& engine) {
    return engine.Connect().value()->participant().ReadStamp().value();
  }

  const std::string folder_;
};

TEST_F(TopologyTest, StampsWhatIsNew) {
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto topology,
      Open({{"eu", "a.db"}, {"us", "b.db"}}, {.cluster = "bank", .epoch = 4}));
  const auto stamp = StampOf(*File("a.db"));
  ASSERT_TRUE(stamp.has_value());
  EXPECT_EQ(stamp->cluster, "bank");
  EXPECT_EQ(stamp->shard, "eu");
  EXPECT_EQ(stamp->epoch, 4);
  EXPECT_EQ(stamp->hash, "xxh3-v1");
  EXPECT_EQ(stamp->identity.size(), 32u);
  EXPECT_EQ(topology->IdentityOf("eu"), stamp->identity);
  EXPECT_NE(topology->IdentityOf("us"), stamp->identity);
  Engine* const eu = topology->databases()[0].second.get();
  EXPECT_EQ(topology->FindByIdentity(stamp->identity), eu);
  EXPECT_EQ(topology->NameOf(eu), "eu");
  EXPECT_EQ(topology->NameOf(File("a.db").get()), "");
  EXPECT_EQ(topology->FindByIdentity(""), nullptr);
}

TEST_F(TopologyTest, KnowsItsDatabasesAgain) {
  std::string identity;
  {
    SHARD_ASSERT_OK_AND_ASSIGN(const auto first, Open({{"eu", "a.db"}}));
    identity = first->IdentityOf("eu");
  }
  SHARD_ASSERT_OK_AND_ASSIGN(const auto again, Open({{"eu", "a.db"}}));
  EXPECT_EQ(again->IdentityOf("eu"), identity);
}

TEST_F(TopologyTest, AStampThatDoesNotFitIsRefused) {
  SHARD_ASSERT_OK(Open({{"eu", "a.db"}, {"us", "b.db"}}, {.cluster = "bank"}));
  EXPECT_THAT(Open({{"eu", "a.db"}}, {.cluster = "shop"}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("'bank'"), HasSubstr("'shop'"))));
  EXPECT_THAT(Open({{"eu", "b.db"}, {"us", "a.db"}}, {.cluster = "bank"}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("'us'"), HasSubstr("'eu'"))));
  // What was refused is in no topology.
  SHARD_EXPECT_OK(Open({{"eu", "a.db"}, {"us", "b.db"}}, {.cluster = "bank"}));
}

TEST_F(TopologyTest, ACopyIsRefused) {
  SHARD_ASSERT_OK(Open({{"eu", "a.db"}}));
  std::filesystem::copy_file(Path("a.db"), Path("copy.db"));
  const auto copy = File("copy.db");
  SHARD_ASSERT_OK(copy->Connect().value()->ExecuteScript(
      "update shard_stamp set shard = 'us'"));
  EXPECT_THAT(
      Open({{"eu", "a.db"}, {"us", "copy.db"}}),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("'eu'"), HasSubstr("'us'"), HasSubstr("copy"))));
}

TEST_F(TopologyTest, OneDatabaseUnderTwoNamesIsRefused) {
  SHARD_ASSERT_OK(Open({{"eu", "a.db"}}));
  std::filesystem::create_hard_link(Path("a.db"), Path("link.db"));
  EXPECT_THAT(Open({{"eu", "a.db"}, {"us", "link.db"}}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("'eu'"), HasSubstr("'us'"),
                             HasSubstr("same database"))));
  EXPECT_THAT(Open({{"eu", "b.db"}, {"us", "b.db"}}),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(TopologyTest, EveryNewConnectionIsChecked) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto topology, Open({{"eu", "a.db"}}));
  const auto engine = topology->databases()[0].second;
  const auto held = engine->Connect();  // so that another must be opened
  SHARD_ASSERT_OK(held);
  SHARD_ASSERT_OK(File("a.db")->Connect().value()->ExecuteScript(
      "update shard_stamp set cluster = 'another'"));
  EXPECT_THAT(
      engine->Connect().status(),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("'another'")));
  EXPECT_THAT(engine->OpenConnection().status(),
              HasCode(absl::StatusCode::kFailedPrecondition));
  SHARD_ASSERT_OK(File("a.db")->Connect().value()->ExecuteScript(
      "update shard_stamp set cluster = 'main', identity = "
      "'ffffffffffffffffffffffffffffffff'"));
  EXPECT_THAT(
      engine->Connect().status(),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("replaced")));
}

TEST_F(TopologyTest, AnOlderSlotMapMayNotWrite) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto older,
                             Open({{"eu", "a.db"}}, {.epoch = 1}));
  Engine* const engine = older->databases()[0].second.get();
  SHARD_EXPECT_OK(engine->CheckMayWrite());
  SHARD_ASSERT_OK(Open({{"eu", "a.db"}}, {.epoch = 2}));  // raises it
  EXPECT_EQ(StampOf(*File("a.db"))->epoch, 2);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto late,
                             Open({{"eu", "a.db"}}, {.epoch = 1}));
  EXPECT_THAT(late->databases()[0].second->CheckMayWrite(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("epoch 2"), HasSubstr("'eu'"))));
  EXPECT_EQ(StampOf(*File("a.db"))->epoch, 2);
}

TEST_F(TopologyTest, ANewerSlotMapIsNoticedOnAConnectionThatWasIdle) {
  EngineOptions always;
  always.health_check_after = absl::ZeroDuration();
  const auto engine =
      OpenEngine(absl::StrCat("sqlite:///", Path("a.db")), always).value();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto older,
                             Topology::Open({.databases = {{"eu", engine}}}));
  SHARD_EXPECT_OK(engine->CheckMayWrite());
  SHARD_ASSERT_OK(File("a.db")->Connect().value()->ExecuteScript(
      "update shard_stamp set epoch = 2"));
  SHARD_ASSERT_OK(engine->Connect());
  EXPECT_EQ(engine->open_connections(), 1u);  // no new one
  EXPECT_THAT(engine->CheckMayWrite(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("epoch 2"), HasSubstr("'eu'"))));
  // Changed for the worse while it was idle.
  SHARD_ASSERT_OK(File("a.db")->Connect().value()->ExecuteScript(
      "update shard_stamp set cluster = 'another'"));
  EXPECT_THAT(engine->Connect().status(),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(engine->open_connections(), 0u);
}

TEST_F(TopologyTest, AnotherPlacementIsRefused) {
  SHARD_ASSERT_OK(Open({{"eu", "a.db"}}));
  SHARD_ASSERT_OK(File("a.db")->Connect().value()->ExecuteScript(
      "update shard_stamp set hash = 'xxh9'"));
  EXPECT_THAT(Open({{"eu", "a.db"}}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("xxh9"), HasSubstr("xxh3-v1"))));
}

TEST_F(TopologyTest, UnstampedIsRefusedWhenToldSo) {
  EXPECT_THAT(Open({{"eu", "a.db"}}, {.stamp_new = false}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("'eu'"), HasSubstr("stamp_new"))));
  EXPECT_FALSE(StampOf(*File("a.db")).has_value());
}

TEST_F(TopologyTest, OneThatIsDownIsCheckedWhenItComes) {
  std::filesystem::create_directory(Path("a.db"));  // cannot be opened
  SHARD_ASSERT_OK_AND_ASSIGN(const auto topology,
                             Open({{"eu", "a.db"}, {"us", "b.db"}}));
  EXPECT_EQ(topology->IdentityOf("eu"), "");
  EXPECT_NE(topology->IdentityOf("us"), "");
  std::filesystem::remove(Path("a.db"));
  SHARD_ASSERT_OK(topology->databases()[0].second->Connect());
  EXPECT_NE(topology->IdentityOf("eu"), "");
}

TEST_F(TopologyTest, OneThatIsBusyIsCheckedWhenItIsNot) {
  const auto writer_engine = File("a.db");
  SHARD_ASSERT_OK_AND_ASSIGN(PooledConnection writer, writer_engine->Connect());
  SHARD_ASSERT_OK(writer->ExecuteScript("begin immediate"));
  EngineOptions hasty;
  hasty.busy_timeout = absl::Milliseconds(50);
  const auto busy =
      OpenEngine(absl::StrCat("sqlite:///", Path("a.db")), hasty).value();
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto topology,
      Topology::Open({.databases = {{"eu", busy}, {"us", File("b.db")}}}));
  EXPECT_EQ(topology->IdentityOf("eu"), "");
  EXPECT_NE(topology->IdentityOf("us"), "");
  EXPECT_THAT(busy->Connect().status(), HasCode(absl::StatusCode::kAborted));
  writer.Return();
  SHARD_ASSERT_OK(busy->Connect());
  EXPECT_NE(topology->IdentityOf("eu"), "");
}

TEST_F(TopologyTest, BadOptionsAreRefused) {
  EXPECT_THAT(Topology::Open({}), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Open({{"a/b", "a.db"}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a/b")));
  EXPECT_THAT(Open({{"eu", "a.db"}}, {.cluster = ""}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Open({{"eu", "a.db"}}, {.cluster = std::string(64, 'c')}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Open({{"eu", "a.db"}, {"eu", "b.db"}}),
              HasCode(absl::StatusCode::kInvalidArgument));
  const auto engine = File("a.db");
  EXPECT_THAT(Topology::Open({.databases = {{"eu", engine}, {"us", engine}}}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Topology::Open({.databases = {{"eu", nullptr}}}),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(TopologyTest, TakesInMoreDatabasesAndANewerEpoch) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto topology, Open({{"eu", "a.db"}}));
  TopologyOptions newer = {.databases = topology->databases(), .epoch = 3};
  newer.databases.emplace_back("us", File("b.db"));
  SHARD_ASSERT_OK(topology->Extend(newer));
  EXPECT_EQ(topology->epoch(), 3);
  EXPECT_EQ(topology->database_count(), 2u);
  EXPECT_EQ(StampOf(*File("a.db"))->epoch, 3);
  EXPECT_EQ(StampOf(*File("b.db"))->epoch, 3);
  EXPECT_EQ(StampOf(*File("b.db"))->shard, "us");
  EXPECT_EQ(topology->NameOf(newer.databases[1].second.get()), "us");
  SHARD_EXPECT_OK(topology->CheckEpoch(3));
  SHARD_EXPECT_OK(topology->CheckEpoch(0));
  EXPECT_THAT(topology->CheckEpoch(2),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("epoch 2"), HasSubstr("has 3"))));
  SHARD_EXPECT_OK(topology->Extend(newer));  // nothing is new
  EXPECT_EQ(topology->database_count(), 2u);
}

TEST_F(TopologyTest, WhatCannotBeTakenInChangesNothing) {
  SHARD_ASSERT_OK(Open({{"us", "b.db"}}, {.cluster = "shop"}));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto topology,
                             Open({{"eu", "a.db"}}, {.epoch = 2}));
  const auto with = [&](const std::string& name, const std::string& file) {
    TopologyOptions newer = {.databases = topology->databases(), .epoch = 3};
    newer.databases.emplace_back(name, File(file));
    return newer;
  };
  EXPECT_THAT(topology->Extend(with("us", "b.db")),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("cluster 'shop'")));
  EXPECT_THAT(topology->Extend(with("again", "a.db")),
              HasCode(absl::StatusCode::kFailedPrecondition));
  TopologyOptions other = with("us", "c.db");
  other.databases[0].second = File("a.db");
  EXPECT_THAT(topology->Extend(other),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'eu'")));
  TopologyOptions older = {.databases = topology->databases(), .epoch = 1};
  EXPECT_THAT(topology->Extend(older),
              HasCode(absl::StatusCode::kFailedPrecondition));
  older.cluster = "shop";
  EXPECT_THAT(topology->Extend(older),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(topology->epoch(), 2);
  EXPECT_EQ(topology->database_count(), 1u);
  EXPECT_EQ(StampOf(*File("a.db"))->epoch, 2);
  SHARD_EXPECT_OK(topology->databases()[0].second->CheckMayWrite());
  // What was refused is in no topology.
  SHARD_EXPECT_OK(topology->Extend(with("us", "c.db")));
}

TEST_F(TopologyTest, AnEngineIsInOneTopologyAtATime) {
  const auto engine = File("a.db");
  {
    SHARD_ASSERT_OK_AND_ASSIGN(const auto first,
                               Topology::Open({.databases = {{"eu", engine}}}));
    EXPECT_THAT(Topology::Open({.databases = {{"eu", engine}}}),
                HasCode(absl::StatusCode::kFailedPrecondition));
  }
  SHARD_EXPECT_OK(Topology::Open({.databases = {{"eu", engine}}}));
}

TEST_F(TopologyTest, SeveralMayStampAtOnce) {
  std::vector<std::thread> threads;
  std::vector<std::string> identities(4);
  for (std::string& identity : identities) {
    threads.emplace_back([this, &identity] {
      const auto topology = Open({{"eu", "a.db"}});
      if (topology.ok()) identity = (*topology)->IdentityOf("eu");
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto stamp = StampOf(*File("a.db"));
  ASSERT_TRUE(stamp.has_value());
  for (const std::string& identity : identities) {
    EXPECT_EQ(identity, stamp->identity);
  }
}

}  // namespace
}  // namespace shard::testing
