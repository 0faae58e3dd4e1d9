// Programs that run from a topology file.
#include "shard/session/open_topology.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/bind_resolver.h"
#include "shard/router/router_registry.h"
#include "shard/sql/types.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Reads from the first replica of a database, and writes to the database.
absl::StatusOr<std::shared_ptr<BindResolver>> MakeReadsElsewhere(
    const RouterConfig& config, RouterContext& context) {
  SHARD_RETURN_IF_ERROR(
      config.source.CheckMembers({"type", "writes", "reads"}));
  SHARD_ASSIGN_OR_RETURN(const ConfigNode* writes,
                         config.source.Need("writes"));
  SHARD_ASSIGN_OR_RETURN(const ConfigNode* reads, config.source.Need("reads"));
  SHARD_ASSIGN_OR_RETURN(const auto primary, context.EngineOf(*writes));
  SHARD_ASSIGN_OR_RETURN(const auto replica, context.EngineOf(*reads));
  return std::make_shared<FunctionResolver>(
      [primary, replica](const BindRequest& request) -> absl::StatusOr<Bind> {
        const bool reads = request.operation == Operation::kRead;
        return Bind{reads ? replica.get() : primary.get(), ShardId()};
      });
}
const bool registered = RegisterRouter("reads_elsewhere", &MakeReadsElsewhere);

class OpenTopologyTest : public DatabaseTest {
 protected:
  OpenTopologyTest()
      : path_(absl::StrCat(::testing::TempDir(), "/", Uuid::Random().ToText(),
                           ".json")) {}
  ~OpenTopologyTest() override { std::filesystem::remove(path_); }

  // Databases of these names, with tables for all classes.
  void MakeDatabases(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      engines_.push_back(NewEngine(name, {&Account::table(), &City::table()}));
    }
  }
  // {"eu": "...", "us": "..."}
  std::string Urls(const std::vector<std::string>& names) const {
    return absl::StrCat(
        "{",
        absl::StrJoin(names, ", ",
                      [&](std::string* out, const std::string& name) {
                        absl::StrAppend(out, "\"", name, "\": \"", UrlOf(name),
                                        "\"");
                      }),
        "}");
  }
  void Write(const std::string& json) { std::ofstream(path_) << json; }
  // Accounts by id over "eu" and "us", cities in "eu".
  void WriteShop(int epoch, const std::string& slots,
                 const std::vector<std::string>& databases,
                 const std::string& shards = R"(["eu", "us"])") {
    Write(absl::StrCat(R"({"cluster": "shop", "epoch": )", epoch, R"(,
            "databases": )",
                       Urls(databases), R"(,
            "routers": {"accounts": {
              "type": "horizontal", "shards": )",
                       shards, R"(,
              "strategy": {"type": "hash", "slots": )",
                       slots, R"(},
              "classes": {"Account": ["id"]}}},
            "default": "eu"})"));
  }
  absl::StatusOr<std::unique_ptr<OpenedTopology>> Open() {
    OpenTopologyOptions options;
    options.classes = Classes<Account, City>();
    options.session.recovery.background = false;
    return OpenTopology(path_, std::move(options));
  }
  absl::Status WhyNot(const std::string& json) {
    Write(json);
    return Open().status();
  }

  static constexpr char kHalves[] = R"({"0-2047": "eu", "2048-4095": "us"})";
  static constexpr char kSwapped[] = R"({"0-2047": "us", "2048-4095": "eu"})";

  const std::string path_;
  std::vector<std::shared_ptr<Engine>> engines_;
};

absl::Status AddAccounts(ShardedSession& session, int first, int count) {
  for (int i = 0; i < count; ++i) {
    SHARD_RETURN_IF_ERROR(session.Add(MakeAccountWithId(first + i, "ada")));
  }
  return session.Commit().status();
}

TEST_P(OpenTopologyTest, OneCallGivesAll) {
  MakeDatabases({"eu", "us"});
  WriteShop(3, kHalves, {"eu", "us"});
  SHARD_ASSERT_OK_AND_ASSIGN(const auto shop, Open());
  EXPECT_EQ(shop->epoch(), 3);
  EXPECT_EQ(shop->topology()->cluster(), "shop");
  EXPECT_NE(shop->engine("us"), nullptr);
  EXPECT_EQ(shop->engine("uz"), nullptr);
  ShardedSession session = shop->NewSession();
  SHARD_ASSERT_OK(session.Add(MakeCity("EU", "Paris")));
  SHARD_ASSERT_OK(session.Commit());
  SHARD_ASSERT_OK(AddAccounts(session, 1, 20));
  EXPECT_EQ(CountRows(engines_[0], "cities"), 1);
  const std::int64_t in_eu = CountRows(engines_[0], "accounts");
  EXPECT_GT(in_eu, 0);
  EXPECT_LT(in_eu, 20);
  EXPECT_EQ(in_eu + CountRows(engines_[1], "accounts"), 20);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto account, session.Get<Account>(7));
  ASSERT_NE(account, nullptr);
  EXPECT_EQ(account->shard(), session.Get<Account>(7).value()->shard());
  const auto done = shop->session_maker().InTransaction(
      [](ShardedSession& again) { return AddAccounts(again, 100, 1); });
  SHARD_EXPECT_OK(done);
}

TEST_P(OpenTopologyTest, TheSlotMapIsTheFiles) {
  MakeDatabases({"eu", "us"});
  WriteShop(1, R"({"0-4095": "us"})", {"eu", "us"});
  SHARD_ASSERT_OK_AND_ASSIGN(const auto shop, Open());
  ShardedSession session = shop->NewSession();
  SHARD_ASSERT_OK(AddAccounts(session, 1, 10));
  EXPECT_EQ(CountRows(engines_[1], "accounts"), 10);
}

TEST_P(OpenTopologyTest, ReloadTakesOverANewerSlotMapAndDatabase) {
  MakeDatabases({"eu", "us", "asia"});
  WriteShop(1, kHalves, {"eu", "us"});
  SHARD_ASSERT_OK_AND_ASSIGN(const auto shop, Open());
  ShardedSession old = shop->NewSession();
  SHARD_ASSERT_OK(AddAccounts(old, 1, 10));
  const auto eu = shop->engine("eu");
  WriteShop(2, R"({"0-4095": "asia"})", {"eu", "us", "asia"},
            R"(["eu", "us", "asia"])");
  SHARD_ASSERT_OK(shop->Reload());
  EXPECT_EQ(shop->epoch(), 2);
  EXPECT_EQ(shop->engine("eu"), eu);
  EXPECT_EQ(shop->topology()->database_count(), 3u);
  EXPECT_EQ(ReadNumber(engines_[0], "select epoch from shard_stamp"), 2);
  // Who began before goes by the old map: for reading.
  SHARD_ASSERT_OK_AND_ASSIGN(const auto account, old.Get<Account>(1));
  EXPECT_NE(account, nullptr);
  EXPECT_THAT(AddAccounts(old, 100, 1),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("epoch 1"), HasSubstr("has 2"))));
  ShardedSession session = shop->NewSession();
  SHARD_ASSERT_OK(AddAccounts(session, 100, 5));
  EXPECT_EQ(CountRows(engines_[2], "accounts"), 5);
}

TEST_P(OpenTopologyTest, AnotherDatabaseAloneLetsOldSessionsWrite) {
  MakeDatabases({"eu", "us", "asia"});
  WriteShop(1, kHalves, {"eu", "us"});
  SHARD_ASSERT_OK_AND_ASSIGN(const auto shop, Open());
  ShardedSession old = shop->NewSession();
  SHARD_ASSERT_OK(AddAccounts(old, 1, 5));
  WriteShop(1, kHalves, {"eu", "us", "asia"});
  SHARD_ASSERT_OK(shop->Reload());
  SHARD_ASSERT_OK(AddAccounts(old, 100, 5));
  EXPECT_NE(shop->engine("asia"), nullptr);
}

TEST_P(OpenTopologyTest, WhatMustNotChangeIsRefused) {
  MakeDatabases({"eu", "us", "asia"});
  WriteShop(2, kHalves, {"eu", "us"});
  SHARD_ASSERT_OK_AND_ASSIGN(const auto shop, Open());
  const auto resolver = shop->resolver();
  const auto refused = [&](const std::string& why) {
    EXPECT_THAT(shop->Reload(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                         HasSubstr(why)));
    EXPECT_EQ(shop->resolver(), resolver);
    EXPECT_EQ(shop->epoch(), 2);
  };
  WriteShop(2, kSwapped, {"eu", "us"});
  refused("routers.accounts.strategy is another one than before");
  WriteShop(1, kHalves, {"eu", "us"});
  refused("epoch 1, older than that of this program, 2");
  WriteShop(3, R"({"0-4095": "eu"})", {"eu"}, R"(["eu"])");
  refused("database 'us' is gone");
  Write(R"({"cluster": "mall", "databases": )" + Urls({"eu", "us"}) + "}");
  refused("it is of cluster 'mall'");
  // The URL of another database.
  Write(absl::StrCat(R"({"cluster": "shop", "epoch": 3, "databases":
      {"eu": ")",
                     UrlOf("asia"), R"(", "us": ")", UrlOf("us"), R"("}})"));
  refused("databases.eu, line 2: it has another URL");
  // One that carries another stamp.
  SHARD_ASSERT_OK(Topology::Open(
      {.cluster = "other", .databases = {{"asia", engines_[2]}}}));
  WriteShop(3, kHalves, {"eu", "us", "asia"});
  refused("stamped as one of cluster 'other'");
  Write("{");
  EXPECT_THAT(shop->Reload(), StatusIs(absl::StatusCode::kInvalidArgument,
                                       HasSubstr("line 1")));
  // Nothing of all that is left.
  ShardedSession session = shop->NewSession();
  SHARD_EXPECT_OK(AddAccounts(session, 1, 10));
  EXPECT_EQ(ReadNumber(engines_[0], "select epoch from shard_stamp"), 2);
}

TEST_P(OpenTopologyTest, AnOlderFileThanTheStampsMayReadOnly) {
  MakeDatabases({"eu", "us"});
  WriteShop(5, kHalves, {"eu", "us"});
  {
    SHARD_ASSERT_OK_AND_ASSIGN(const auto shop, Open());
    ShardedSession session = shop->NewSession();
    SHARD_ASSERT_OK(AddAccounts(session, 1, 10));
  }
  WriteShop(4, kHalves, {"eu", "us"});
  SHARD_ASSERT_OK_AND_ASSIGN(const auto shop, Open());
  ShardedSession session = shop->NewSession();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto account, session.Get<Account>(3));
  EXPECT_NE(account, nullptr);
  EXPECT_THAT(AddAccounts(session, 100, 1),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("epoch 5"), HasSubstr("has 4"))));
  // The newer file, once it is there.
  WriteShop(5, kHalves, {"eu", "us"});
  SHARD_ASSERT_OK(shop->Reload());
  ShardedSession newer = shop->NewSession();
  SHARD_EXPECT_OK(AddAccounts(newer, 100, 1));
}

// Each writer takes a new session where its own is outdated. Whatever the
// reloads do in between, each account that was committed is where reads look
// for it, once.
TEST_P(OpenTopologyTest, ReloadsWhileSessionsWrite) {
  MakeDatabases({"eu", "us", "asia"});
  WriteShop(1, kHalves, {"eu", "us"});
  SHARD_ASSERT_OK_AND_ASSIGN(const auto shop, Open());
  std::atomic<bool> stop = false;
  std::atomic<int> committed = 0, outdated = 0, at_work = 2;
  std::vector<std::thread> writers;
  std::vector<absl::Status> failed(2);
  for (int writer = 0; writer < 2; ++writer) {
    writers.emplace_back([&, writer] {
      int next = 1'000'000 * (writer + 1);
      // One of them writes to both files, so that they do not lock each other
      // out crosswise.
      const int count = writer == 0 ? 3 : 1;
      auto session = std::make_unique<ShardedSession>(shop->session_options());
      while (!stop) {
        const absl::Status added = AddAccounts(*session, next, count);
        if (added.ok()) {
          committed += count;
          next += count;
          continue;
        }
        if (!absl::IsFailedPrecondition(added) && !absl::IsAborted(added)) {
          failed[writer] = added;
          --at_work;
          return;
        }
        if (absl::IsFailedPrecondition(added)) ++outdated;
        session = std::make_unique<ShardedSession>(shop->session_options());
      }
    });
  }
  const auto wait = [&] {
    const int before = committed;
    while (at_work == 2 && committed < before + 12) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  };
  for (int epoch = 2; epoch < 6; ++epoch) {
    wait();
    WriteShop(epoch, kHalves,
              epoch < 4 ? std::vector<std::string>{"eu", "us"}
                        : std::vector<std::string>{"eu", "us", "asia"});
    SHARD_EXPECT_OK(shop->Reload());
  }
  wait();
  stop = true;
  for (std::thread& writer : writers) writer.join();
  SHARD_EXPECT_OK(failed[0]);
  SHARD_EXPECT_OK(failed[1]);
  EXPECT_GE(outdated, 1);
  EXPECT_EQ(shop->epoch(), 5);
  EXPECT_EQ(
      CountRows(engines_[0], "accounts") + CountRows(engines_[1], "accounts"),
      committed);
  ShardedSession session = shop->NewSession();
  SHARD_ASSERT_OK_AND_ASSIGN(const auto all,
                             session.Scalars(Select<Account>()));
  EXPECT_EQ(all.size(), static_cast<std::size_t>(committed));
  for (const auto& account : all) {
    SHARD_ASSERT_OK_AND_ASSIGN(
        const auto found, shop->NewSession().Get<Account>(account->id.value()));
    ASSERT_NE(found, nullptr);
    if (account->id.value() % 100 > 5) break;  // a few are enough
  }
}

TEST_P(OpenTopologyTest, ReplicasAndRoutersOfOnesOwn) {
  MakeDatabases({"eu", "copy"});
  const auto write = [&](const std::string& replicas) {
    Write(absl::StrCat(R"({"databases": {"eu": {"url": ")", UrlOf("eu"),
                       R"(", "replicas": )", replicas, R"(}},
          "routers": {"all": {"type": "reads_elsewhere", "writes": "eu",
                              "reads": "eu-1"}},
          "binds": {"City": "all"}})"));
  };
  write(absl::StrCat(R"({"eu-1": ")", UrlOf("copy"), R"("})"));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto opened, Open());
  EXPECT_EQ(opened->topology()->database_count(), 1u);  // it is no participant
  ShardedSession session = opened->NewSession();
  SHARD_ASSERT_OK(session.Add(MakeCity("EU", "Paris")));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(engines_[0], "cities"), 1);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto cities,
                             session.Scalars(Select<City>()));
  EXPECT_EQ(cities.size(), 0u);  // the copy knows nothing of it
  // Another replica beside it.
  const auto before = opened->engine("eu-1");
  write(absl::StrCat(R"({"eu-1": ")", UrlOf("copy"), R"(", "eu-2": ")",
                     UrlOf("copy"), R"("})"));
  SHARD_ASSERT_OK(opened->Reload());
  EXPECT_EQ(opened->engine("eu-1"), before);
  EXPECT_NE(opened->engine("eu-2"), nullptr);
}

TEST_P(OpenTopologyTest, WrongRouters) {
  MakeDatabases({"eu", "us"});
  const auto with = [&](const std::string& rest) {
    return absl::StrCat("{\"databases\": ", Urls({"eu", "us"}), ",\n", rest,
                        "}");
  };
  const auto horizontal = [&](const std::string& members) {
    return with(absl::StrCat(R"("routers": {"r": {"type": "horizontal", )",
                             members, "}}"));
  };
  const struct {
    std::string json;
    std::string message;
  } files[] = {
      {with(R"("binds": {"Acount": "eu"})"),
       "binds.Acount, line 2: there is no class 'Acount'; did you mean "
       "'Account'?"},
      {with(R"("routers": {"r": {"type": "horizntal"}})"),
       "routers.r.type, line 2: there is no router type 'horizntal'; did you "
       "mean"},
      {horizontal(R"("shards": ["eu", "uz"], "strategy": "hash")"),
       "routers.r.shards[2], line 2: there is no database or router 'uz'; did "
       "you mean"},
      {horizontal(R"("shards": ["eu", "us"], "classes": {"Account": "id"})"),
       "routers.r.classes.Account, line 2: there is no 'strategy'"},
      {horizontal(R"("shards": ["eu"], "strategy": "hash",
           "classes": {"Account": ["ident"]})"),
       "routers.r.classes.Account, line 3: there is no column of 'accounts' "
       "'ident'"},
      {horizontal(R"("shards": ["eu"], "strategy": "hash",
           "classes": {"Account": {"key": "id", "folows": "City"}})"),
       "routers.r.classes.Account, line 3: a member is not known; did you mean "
       "'follows'?"},
      {horizontal(R"("shards": ["eu"], "strategy":
           {"type": "hash", "slots": {"0-4000": "eu"}})"),
       "routers.r.strategy.slots, line 3: slot 4001 has no shard"},
      {horizontal(R"("shards": ["eu"], "strategy": "hash",
           "tables": {"notes": {"key": {"id": "int"}}})"),
       "routers.r.tables.notes.key.id, line 3: there is no type of a shard key "
       "'int'"},
      {with(R"("routers": {"a": {"type": "vertical", "default": "b"},
           "b": {"type": "vertical", "default": "a"}})"),
       "routers.b.default, line 3: router 'a' leads back to itself"},
      {with(R"("routers": {
           "a": {"type": "vertical", "binds": {"City": "eu"}},
           "b": {"type": "vertical", "binds": {"City": "us"}}})"),
       "routers.b.binds.City, line 4: it is in router 'a', too"},
  };
  for (const auto& file : files) {
    EXPECT_THAT(WhyNot(file.json),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(file.message), HasSubstr(path_))))
        << file.json;
  }
}

TEST_P(OpenTopologyTest, TablesOfTheFile) {
  MakeDatabases({"eu", "us"});
  Write(absl::StrCat("{\"databases\": ", Urls({"eu", "us"}), R"(,
      "routers": {"r": {"type": "horizontal", "shards": ["eu", "us"],
        "strategy": "hash",
        "tables": {"notes": {"key": {"id": "int64"}},
                   "accounts": {"key": {"id": "int64"}}},
        "classes": {"Account": "id"}}}})"));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto opened, Open());
  const sql::Table* const notes = opened->table("notes");
  ASSERT_NE(notes, nullptr);
  EXPECT_EQ(opened->table("accounts"), nullptr);  // a class has it
  for (const auto& engine : engines_)
    RunSql(engine, "create table notes (id bigint primary key)");
  ShardedSession session = opened->NewSession();
  for (std::int64_t id = 1; id <= 20; ++id) {
    sql::InsertStatement insert(*notes);
    insert.Values({{notes->FindColumn("id"), sql::Literal(sql::Value(id))}});
    SHARD_ASSERT_OK(session.Execute(insert));
  }
  SHARD_ASSERT_OK(session.Commit());
  const std::int64_t in_eu = CountRows(engines_[0], "notes");
  EXPECT_GT(in_eu, 0);
  EXPECT_EQ(in_eu + CountRows(engines_[1], "notes"), 20);
}

TEST_P(OpenTopologyTest, StrategiesByName) {
  MakeDatabases({"eu", "us"});
  Write(absl::StrCat("{\"databases\": ", Urls({"eu", "us"}), R"(,
      "routers": {"r": {"type": "horizontal", "shards": ["eu", "us"],
        "classes": {
          "Account": {"key": "id", "strategy": {"type": "range",
            "ranges": [{"below": 10, "shard": "eu"}, {"shard": "us"}]}}}}}})"));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto opened, Open());
  ShardedSession session = opened->NewSession();
  SHARD_ASSERT_OK(AddAccounts(session, 8, 4));
  EXPECT_EQ(CountRows(engines_[0], "accounts"), 2);
  EXPECT_EQ(CountRows(engines_[1], "accounts"), 2);
}

TEST_P(OpenTopologyTest, ShardsThatShareADatabase) {
  MakeDatabases({"one"});
  Write(absl::StrCat("{\"databases\": ", Urls({"one"}), R"(,
      "routers": {"r": {"type": "horizontal",
        "shards": {"a": {"database": "one", "pattern": "a_{table}"},
                   "b": {"database": "one", "pattern": "b_{table}"}},
        "strategy": "hash", "classes": {"Account": "id"}}}})"));
  for (const char* const table : {"a_accounts", "b_accounts"}) {
    RunSql(engines_[0], absl::StrCat("create table ", table,
                                     " (id bigint primary key, "
                                     "owner text, note text, balance bigint)"));
  }
  SHARD_ASSERT_OK_AND_ASSIGN(const auto opened, Open());
  ShardedSession session = opened->NewSession();
  SHARD_ASSERT_OK(AddAccounts(session, 1, 20));
  const std::int64_t in_a = CountRows(engines_[0], "a_accounts");
  EXPECT_GT(in_a, 0);
  EXPECT_EQ(in_a + CountRows(engines_[0], "b_accounts"), 20);
}

TEST_P(OpenTopologyTest, ReadsFromReplicas) {
  MakeDatabases({"eu", "copy"});
  const auto write = [&](const std::string& members) {
    Write(absl::StrCat(R"({"databases": {"eu": {"url": ")", UrlOf("eu"),
                       R"(", "replicas": {"eu-1": ")", UrlOf("copy"), R"("}}},
          "routers": {"all": {"type": "replicas", "primary": "eu")",
                       members, R"(}}, "default": "all"})"));
  };
  write(R"(, "balance": "round_robin", "own_writes": "in_transaction")");
  SHARD_ASSERT_OK_AND_ASSIGN(const auto opened, Open());
  ShardedSession session = opened->NewSession();
  SHARD_ASSERT_OK(session.Add(MakeCity("EU", "Paris")));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(CountRows(engines_[0], "cities"), 1);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto cities,
                             opened->NewSession().Scalars(Select<City>()));
  EXPECT_EQ(cities.size(), 0u);  // the copy knows nothing of it
  write(R"(, "balance": "rnadom")");
  EXPECT_THAT(Open().status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("routers.all.balance, line 2: there is no "
                                 "choice 'rnadom'; did you mean 'random'?")));
  write(R"(, "replicas": {"eu-1": 0})");
  EXPECT_THAT(
      Open().status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("routers.all.replicas.eu-1, line 2: must be")));
}

SHARD_ON_DATABASES(OpenTopologyTest, "sqlite", "postgresql");

}  // namespace
}  // namespace shard::testing
