// Shards that share a database: schemas and patterns for the names of tables,
// beside a shard that has a database to itself (row 115).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/dialects/reflection.h"
#include "shard/dialects/schema.h"
#include "shard/router/list_strategy.h"
#include "shard/router/topology.h"
#include "shard/session/query.h"
#include "shard/session/session_listener.h"
#include "shard/session/sharded_session.h"
#include "shard/session/two_phase/recoverer.h"
#include "shard/sql/functions.h"
#include "shard/tests/session/databases.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Code = absl::StatusCode;
using Mappings = std::vector<sql::Parameters>;

// One of each kind of field that has statements of its own.
template <class F>
struct ItemFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region"> region;
  Field<F, std::string, "name"> name;
  Field<F, std::int64_t, "amount", ClientDefault<0>> amount;
  Field<F, std::optional<std::string>, "note", ServerDefault<"'none'">> note;
  Field<F, std::optional<std::string>, "body", Deferred> body;
  Field<F, std::int32_t, "version", Version> version;
};
struct Item : Entity<Item, ItemFields, "items"> {};
constexpr auto& c = Item::c;

std::shared_ptr<Item> MakeItem(std::string region, std::string name,
                               std::int64_t amount = 0) {
  auto item = std::make_shared<Item>();
  item->region = std::move(region);
  item->name = std::move(name);
  item->amount = amount;
  return item;
}

// "eu INSERT", "us COMMIT", ...: what a session sent.
class SentVerbs : public SessionListener {
 public:
  void OnStatement(std::string_view shard,
                   const StatementEvent& event) override {
    const std::string_view text = event.statement;
    verbs.push_back(absl::StrCat(std::string(shard), " ",
                                 std::string(text.substr(0, text.find(' ')))));
  }
  std::ptrdiff_t Count(std::string_view verb) const {
    return std::count_if(verbs.begin(), verbs.end(), [verb](const auto& known) {
      return std::string_view(known).ends_with(verb);
    });
  }
  std::vector<std::string> verbs;
};

// Region and shard have the same name: "eu", "us" and "old" are in database
// "home", the last with its tables as they are declared, and "own" is in a
// database of its own.
class SharedDatabaseTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (IsSkipped()) return;
    home_ = NewEngine("home", {&Item::table()});
    own_ = NewEngine("own", {&Item::table()});
    if (HasSchemas()) {
      namings_["eu"] = {.schema = "eu", .pattern = "{table}"};
    } else {
      namings_["eu"].pattern = "eu_{table}";
    }
    namings_["us"].pattern = "{table}_us";
    for (const auto& [name, naming] : namings_) {
      SHARD_ASSERT_OK(CreateAll(*home_, {&Item::table()}, naming));
    }
    SHARD_ASSERT_OK_AND_ASSIGN(auto resolver,
                               HorizontalResolver::Create(Horizontal()));
    options_ = WithResolver(std::move(resolver));
    log().Clear();
  }

  HorizontalOptions Horizontal() const {
    HorizontalOptions horizontal;
    horizontal.writes_without_key = KeylessWrites::kAllow;
    horizontal.shards = {
        {"eu", home_}, {"us", home_}, {"old", home_}, {"own", own_}};
    horizontal.rules.push_back(ShardBy(
        c.region,
        *ListStrategy::Create(
            {{"eu", "eu"}, {"us", "us"}, {"old", "old"}, {"own", "own"}})));
    horizontal.namings = {namings_.begin(), namings_.end()};
    return horizontal;
  }
  bool HasSchemas() const { return is_postgresql(); }
  const SessionOptions& options() const { return options_; }
  // The same, for a session whose statements are to be counted.
  SessionOptions Counted() {
    SessionOptions counted = options_;
    counted.listeners.push_back(sent_);
    return counted;
  }
  const SentVerbs& sent() const { return *sent_; }

  // Of the table of a shard, past any session of the test.
  std::int64_t Rows(const std::string& shard,
                    const std::string& where = "1=1") {
    return CountRows(shard == "own" ? own_ : home_,
                     absl::StrCat(TableOf(shard), " where ", where));
  }
  std::string TableOf(const std::string& shard) const {
    if (shard == "eu") return HasSchemas() ? "eu.items" : "eu_items";
    return shard == "us" ? "items_us" : "items";
  }
  // An item of the same name and number on each shard.
  void AddOnAll(ShardedSession& session, const std::string& name,
                std::int64_t amount = 0) {
    for (const char* region : {"eu", "us", "old", "own"}) {
      SHARD_ASSERT_OK(session.Add(MakeItem(region, name, amount)));
    }
  }
  void Seed(const std::string& name, std::int64_t amount = 0) {
    SeedBy(options(), name, amount);
  }
  void SeedBy(const SessionOptions& how, const std::string& name,
              std::int64_t amount = 0) {
    ShardedSession session(how);
    AddOnAll(session, name, amount);
    SHARD_ASSERT_OK(session.Commit());
    log().Clear();
  }
  std::shared_ptr<Item> GetFrom(ShardedSession& session, const char* shard,
                                std::int64_t id = 1) {
    auto item = session.Get<Item>(id, OnShard(shard));
    SHARD_EXPECT_OK(item);
    return item.ok() ? *item : nullptr;
  }

  std::shared_ptr<Engine> home_, own_;
  std::map<std::string, TableNaming> namings_;
  SessionOptions options_;
  std::shared_ptr<SentVerbs> sent_ = std::make_shared<SentVerbs>();
};
SHARD_ON_DATABASES(SharedDatabaseTest, "sqlite", "postgresql", "mixed");

TEST_P(SharedDatabaseTest, Row115EachShardHasItsOwnTable) {
  ShardedSession session(options());
  AddOnAll(session, "a");
  SHARD_ASSERT_OK(session.Add(MakeItem("us", "b")));
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
  EXPECT_THAT(done.shares, SizeIs(4));
  EXPECT_TRUE(done.all_committed());
  EXPECT_EQ(Rows("eu"), 1);
  EXPECT_EQ(Rows("us"), 2);
  EXPECT_EQ(Rows("old"), 1);
  EXPECT_EQ(Rows("own"), 1);
  EXPECT_EQ(Rows("us", "region <> 'us'"), 0);
}

TEST_P(SharedDatabaseTest, OneConnectionAndOneCommitForAllOfADatabase) {
  ShardedSession session(Counted());
  for (const char* region : {"eu", "us", "old"}) {
    SHARD_ASSERT_OK(session.Add(MakeItem(region, "a")));
  }
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(home_->open_connections(), 1);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(sent().Count("BEGIN"), 1);
  EXPECT_EQ(sent().Count("COMMIT"), 1);
  EXPECT_EQ(log().Count("INSERT"), 3);
  EXPECT_EQ(log().Count("", "own"), 0);
}

TEST_P(SharedDatabaseTest, EqualKeysAreObjectsOfTheirOwn) {
  Seed("a");
  ShardedSession session(options());
  const auto eu = GetFrom(session, "eu"), us = GetFrom(session, "us");
  ASSERT_TRUE(eu != nullptr && us != nullptr);
  EXPECT_NE(eu, us);
  EXPECT_EQ(eu->region.value(), "eu");
  EXPECT_EQ(us->region.value(), "us");
  EXPECT_EQ(eu->shard().name(), "eu");
  EXPECT_EQ(us->shard().name(), "us");
  EXPECT_EQ(GetFrom(session, "eu"), eu);
  EXPECT_THAT(session.Get<Item>(1),
              StatusIs(Code::kFailedPrecondition,
                       AllOf(HasSubstr("'eu'"), HasSubstr("'us'"))));
  us->name = "b";
  SHARD_ASSERT_OK(session.Delete(eu));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Rows("eu"), 0);
  EXPECT_EQ(Rows("us", "name = 'b'"), 1);
  EXPECT_EQ(Rows("old", "name = 'a'"), 1);
}

TEST_P(SharedDatabaseTest, StreamsOfOneDatabaseAreMerged) {
  {
    ShardedSession session(options());
    Mappings rows;
    const char* const regions[] = {"eu", "us", "old", "own"};
    for (std::int64_t i = 0; i < 2400; ++i) {
      rows.push_back({{"region", regions[i % 4]},
                      {"name", "n"},
                      {"amount", (i * 7919) % 2400}});
    }
    SHARD_ASSERT_OK(session.BulkInsertMappings<Item>(rows));
    SHARD_ASSERT_OK(session.Commit());
  }
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(auto items,
                             session.Stream(Select<Item>().OrderBy(c.amount)));
  for (std::int64_t i = 0; i < 2400; ++i) {
    SHARD_ASSERT_OK_AND_ASSIGN(const auto item, items.Next());
    ASSERT_TRUE(item != nullptr);
    ASSERT_EQ(item->amount.value(), i);
    ASSERT_EQ(item->shard().name(), item->region.value());
    // Other work on the connection, between the batches.
    if (i % 300 == 0) {
      ASSERT_NE(GetFrom(session, "us"), nullptr);
    }
  }
  SHARD_ASSERT_OK_AND_ASSIGN(const auto end, items.Next());
  EXPECT_EQ(end, nullptr);
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto some, session.Scalars(Select<Item>()
                                           .Where(In(c.region, {"eu", "us"}))
                                           .OrderBy(Desc(c.amount))
                                           .Limit(2)));
  EXPECT_THAT(some, SizeIs(2));
}

TEST_P(SharedDatabaseTest, ChangesExpressionsAndVersions) {
  Seed("a", 10);
  ShardedSession session(options());
  const auto eu = GetFrom(session, "eu"), us = GetFrom(session, "us");
  eu->amount = c.amount + 5;
  us->amount = 7;
  us->note = c.name + "!";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(eu->amount.value(), 15);
  EXPECT_EQ(us->note.value(), "a!");
  EXPECT_EQ(us->version.value(), 2);
  EXPECT_EQ(Rows("old", "version = 1 and amount = 10"), 1);
  // Someone else is first, on one of them.
  SHARD_ASSERT_OK(session.Execute(
      absl::StrCat("update ", TableOf("us"), " set version = 9, body = 'late'"),
      {}, OnShard("us")));
  EXPECT_EQ(eu->body.value(), std::nullopt);
  EXPECT_EQ(us->body.value(), "late");
  eu->name = "c";
  us->name = "c";
  EXPECT_THAT(session.Commit(),
              StatusIs(Code::kAborted,
                       AllOf(HasSubstr("'us'"), HasSubstr("version 9"))));
  session.Rollback();
  EXPECT_EQ(Rows("eu", "name = 'c'"), 0);
  SHARD_ASSERT_OK(session.Refresh(*us));
  EXPECT_EQ(us->version.value(), 2);
}

TEST_P(SharedDatabaseTest, ServerDefaultsAndMergedObjects) {
  ShardedSession session(options());
  AddOnAll(session, "a");
  SHARD_ASSERT_OK(session.Flush());
  const auto us = GetFrom(session, "us");
  EXPECT_EQ(us->note.value(), "none");
  auto given = MakeItem("us", "merged", 3);
  given->id = 1;
  SHARD_ASSERT_OK_AND_ASSIGN(const auto merged, session.Merge(*given));
  EXPECT_EQ(merged, us);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Rows("us", "name = 'merged' and amount = 3"), 1);
  EXPECT_EQ(Rows("eu", "name = 'merged'"), 0);
}

TEST_P(SharedDatabaseTest, StatementsByCriteria) {
  Seed("a", 1);
  Seed("b", 2);
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto done,
      session.Execute(
          Update<Item>().Set(c.amount = c.amount + 10).Where(c.name == "a")));
  EXPECT_EQ(done.affected_rows(), 4);
  SHARD_ASSERT_OK_AND_ASSIGN(
      done, session.Execute(Delete<Item>().Where(In(c.region, {"us", "own"}) &&
                                                 c.name == "b")));
  EXPECT_EQ(done.affected_rows(), 2);
  SHARD_ASSERT_OK(session.Execute(
      Insert<Item>()
          .Values(c.region = "eu", c.name = "x", c.version = 1, c.amount = 4)
          .Values(c.region = "us", c.name = "x", c.version = 1, c.amount = 4)));
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Rows("eu", "amount = 11"), 1);
  EXPECT_EQ(Rows("us", "amount = 11"), 1);
  EXPECT_EQ(Rows("us", "name = 'b'"), 0);
  EXPECT_EQ(Rows("old", "name = 'b'"), 1);
  EXPECT_EQ(Rows("us", "name = 'x'"), 1);
}

// The one table has two names in each.
TEST_P(SharedDatabaseTest, UpsertsSubqueriesAndJoinsOnOneShard) {
  Seed("a", 1);
  ShardedSession session(options());
  for (const char* shard : {"eu", "us", "old"}) {
    SCOPED_TRACE(shard);
    SHARD_ASSERT_OK(session.Execute(
        Insert<Item>()
            .Values(c.id = 1, c.region = shard, c.name = "u", c.version = 1,
                    c.amount = 5)
            .OnConflictUpdate(c.id, c.amount = c.amount + Excluded(c.amount)),
        {}, OnShard(shard)));
    SHARD_ASSERT_OK(
        session.Execute(Update<Item>()
                            .Set(c.name = "max")
                            .Where(c.amount == Subquery(Select(Max(c.amount))))
                            .Returning(c.id),
                        {}, OnShard(shard)));
    const sql::Alias other(Item::table(), "other");
    sql::SelectStatement join;
    join.Column(other.c("amount"))
        .From(Item::table())
        .Join(other, sql::Binary(sql::BinaryOp::kEqual, other.c("id"),
                                 Item::table().c("id")))
        .Where(sql::Binary(sql::BinaryOp::kEqual, Item::table().c("name"),
                           sql::Literal(sql::Value("max"))));
    SHARD_ASSERT_OK_AND_ASSIGN(auto joined,
                               session.Execute(join, {}, OnShard(shard)));
    EXPECT_EQ(joined.Scalar<std::int64_t>().value(), 6);
  }
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Rows("us", "amount = 6 and name = 'max'"), 1);
  EXPECT_EQ(Rows("own", "amount = 1 and name = 'a'"), 1);
}

// As many rows as go by COPY, and updates that go as pages.
TEST_P(SharedDatabaseTest, BulkOperations) {
  constexpr std::int64_t kRows = 4000;
  ShardedSession session(options());
  for (const char* shard : {"eu", "us"}) {
    SCOPED_TRACE(shard);
    Mappings rows;
    for (std::int64_t i = 0; i < kRows; ++i) {
      rows.push_back({{"region", shard}, {"name", "n"}, {"amount", i}});
    }
    SHARD_ASSERT_OK_AND_ASSIGN(
        BulkReport report,
        session.BulkInsertMappings<Item>(rows, {.return_defaults = true}));
    EXPECT_EQ(report.inserted, kRows);
    EXPECT_EQ(report.keys[0].Views()[0].integer(), 1);
    rows.resize(100);
    SHARD_ASSERT_OK(session.BulkInsertMappings<Item>(rows));
    Mappings changes, keys;
    for (std::int64_t id = 1; id <= 200; ++id) {
      changes.push_back({{"id", id}, {"version", 1}, {"name", "changed"}});
      keys.push_back({{"id", id}, {"version", 2}});
    }
    SHARD_ASSERT_OK_AND_ASSIGN(
        report, session.BulkUpdateMappings<Item>(changes, {}, OnShard(shard)));
    EXPECT_EQ(report.updated, 200);
    keys.resize(50);
    SHARD_ASSERT_OK_AND_ASSIGN(
        report, session.BulkDelete<Item>(keys, {}, OnShard(shard)));
    EXPECT_EQ(report.deleted, 50);
    SHARD_ASSERT_OK(session.BulkUpsert<Item>(
        Mappings{{{"id", 60}, {"region", shard}, {"name", "up"}},
                 {{"id", 9000}, {"region", shard}, {"name", "up"}}},
        {}, OnShard(shard)));
  }
  SHARD_ASSERT_OK(session.Commit());
  for (const char* shard : {"eu", "us"}) {
    SCOPED_TRACE(shard);
    EXPECT_EQ(Rows(shard), kRows + 100 - 50 + 1);
    EXPECT_EQ(Rows(shard, "name = 'changed' and version = 2"), 149);
    EXPECT_EQ(Rows(shard, "name = 'up'"), 2);
  }
  EXPECT_EQ(Rows("old"), 0);
}

TEST_P(SharedDatabaseTest, SaveManyObjectsOnAllAtOnce) {
  std::vector<std::shared_ptr<Item>> items;
  for (int i = 0; i < 400; ++i) {
    items.push_back(MakeItem(i % 2 == 0 ? "eu" : "us", absl::StrCat(i)));
  }
  ShardedSession session(options());
  SHARD_ASSERT_OK(session.AddAll(items));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_EQ(items[398]->id.value(), 200);
  EXPECT_EQ(items[399]->id.value(), 200);
  for (const auto& item : items) item->amount = 3;
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Rows("eu", "amount = 3"), 200);
  EXPECT_EQ(Rows("us", "amount = 3"), 200);
}

// In one commit of one database, so that it needs no two_phase.
TEST_P(SharedDatabaseTest, Row97RowsMoveBetweenShardsOfOneDatabase) {
  Seed("a");
  SessionOptions moving = options();
  moving.shard_key_change = ShardKeyChange::kMoveRow;
  ShardedSession session(moving);
  SHARD_ASSERT_OK(session.Add(MakeItem("eu", "moves")));
  SHARD_ASSERT_OK(session.Commit());
  const auto item = GetFrom(session, "eu", 2);
  ASSERT_NE(item, nullptr);
  item->region = "us";
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(item->shard().name(), "us");
  EXPECT_EQ(GetFrom(session, "us", 2), item);
  EXPECT_EQ(Rows("eu", "name = 'moves'"), 0);
  EXPECT_EQ(Rows("us", "name = 'moves'"), 1);
}

TEST_P(SharedDatabaseTest, ErrorsNameTheShardAndSavepointsHoldForAll) {
  Seed("a");
  ShardedSession session(Counted());
  SHARD_ASSERT_OK(session.Add(MakeItem("eu", "kept")));
  SHARD_ASSERT_OK(session.BeginNested());
  SHARD_ASSERT_OK(session.Add(MakeItem("us", "gone")));
  SHARD_ASSERT_OK(session.Flush());
  auto again = MakeItem("eu", "again");
  again->id = 1;
  SHARD_ASSERT_OK(session.Add(again));
  EXPECT_THAT(session.Flush(),
              StatusIs(Code::kAlreadyExists, HasSubstr("shard 'eu'")));
  // What failed is the database's transaction, for all of its shards.
  EXPECT_THAT(session.Commit(), HasCode(Code::kFailedPrecondition));
  SHARD_ASSERT_OK(session.RollbackNested());
  EXPECT_EQ(sent().Count("SAVEPOINT"), 1);
  SHARD_ASSERT_OK(session.Commit());
  EXPECT_EQ(Rows("eu", "name = 'kept'"), 1);
  EXPECT_EQ(Rows("us", "name = 'gone'"), 0);
}

TEST_P(SharedDatabaseTest, ListenersHearWhichShardItIs) {
  ShardedSession session(Counted());
  for (const char* region : {"us", "eu"}) {
    SHARD_ASSERT_OK(session.Add(MakeItem(region, "a")));
  }
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_THAT(sent().verbs, Contains("us INSERT"));
  EXPECT_THAT(sent().verbs, Contains("eu INSERT"));
  ASSERT_NE(GetFrom(session, "old", 1), GetFrom(session, "us", 1));
  EXPECT_EQ(sent().verbs.back(), "old SELECT");
}

// The caller's text is sent as it is, and an engine is no shard of several.
TEST_P(SharedDatabaseTest, TextAndEnginesAreTakenAsTheyAre) {
  Seed("a");
  ShardedSession session(options());
  SHARD_ASSERT_OK_AND_ASSIGN(
      auto count,
      session.Execute(absl::StrCat("select count(*) from ", TableOf("us")), {},
                      OnShard("eu")));
  EXPECT_EQ(count.Scalar<std::int64_t>().value(), 1);
  // The one whose tables have their own names.
  SHARD_ASSERT_OK_AND_ASSIGN(
      const auto items, session.Scalars(Select<Item>(), {}, OnEngine(home_)));
  ASSERT_THAT(items, SizeIs(1));
  EXPECT_EQ(items[0]->shard().name(), "old");
  EXPECT_EQ(items[0]->region.value(), "old");
}

TEST_P(SharedDatabaseTest, TablesAreReflectedAndDroppedByTheirNames) {
  SHARD_ASSERT_OK_AND_ASSIGN(const auto connection, home_->Connect());
  for (const auto& [name, naming] : namings_) {
    SHARD_ASSERT_OK_AND_ASSIGN(const ReflectedTable table,
                               ReflectTable(*connection, "items", naming));
    EXPECT_THAT(table.columns, SizeIs(7));
    SHARD_EXPECT_OK(CreateAll(*home_, {&Item::table()}, naming));
    SHARD_EXPECT_OK(DropAll(*home_, {&Item::table()}, naming));
    EXPECT_THAT(ReflectTable(*connection, "items", naming),
                HasCode(Code::kNotFound));
  }
  SHARD_EXPECT_OK(ReflectTable(*connection, "items"));
}

TEST_P(SharedDatabaseTest, ShardsOfOneDatabaseCannotShareTables) {
  HorizontalOptions horizontal = Horizontal();
  const auto refused = [](const HorizontalOptions& options) {
    return HorizontalResolver::Create(options).status();
  };
  horizontal.namings.clear();
  EXPECT_THAT(refused(horizontal),
              StatusIs(Code::kInvalidArgument,
                       AllOf(HasSubstr("'eu' and 'us'"), HasSubstr("'home'"))));
  horizontal.namings = {{"eu", {.pattern = "x_{table}"}},
                        {"us", {.pattern = "x_{table}"}}};
  EXPECT_THAT(refused(horizontal),
              StatusIs(Code::kInvalidArgument, HasSubstr("x_")));
  // As names they differ; SQLite does not think so.
  horizontal.namings[1].second.pattern = "X_{table}";
  EXPECT_EQ(refused(horizontal).ok(), is_postgresql());
  horizontal.namings[1].second.pattern = "fixed";
  EXPECT_THAT(refused(horizontal),
              StatusIs(Code::kInvalidArgument,
                       AllOf(HasSubstr("'us'"), HasSubstr("fixed"))));
  horizontal.namings[1] = {"asia", {.pattern = "y_{table}"}};
  EXPECT_THAT(refused(horizontal),
              StatusIs(Code::kInvalidArgument, HasSubstr("'asia'")));
  horizontal.namings[1] = {"us", {.schema = "us"}};
  if (HasSchemas()) {
    SHARD_EXPECT_OK(refused(horizontal));
  } else {
    EXPECT_THAT(refused(horizontal),
                StatusIs(Code::kUnimplemented,
                         AllOf(HasSubstr("'us'"), HasSubstr("pattern"))));
  }
}

// Atomic commits: a database takes part once, whatever shards are in it.
class SharedAtomicTest : public SharedDatabaseTest {
 protected:
  void SetUp() override {
    SharedDatabaseTest::SetUp();
    if (IsSkipped()) return;
    TopologyOptions topology;
    topology.cluster = "test";
    topology.databases = {{"home", home_}, {"own", own_}};
    SHARD_ASSERT_OK_AND_ASSIGN(options_.topology,
                               Topology::Open(std::move(topology)));
    options_.two_phase = true;
    options_.recovery.background = false;
    log().Clear();
  }
};
SHARD_ON_DATABASES(SharedAtomicTest, "sqlite", "postgresql", "mixed");

TEST_P(SharedAtomicTest, ShardsOfOneDatabaseAloneNeedNoDecision) {
  ShardedSession session(Counted());
  for (const char* region : {"eu", "us", "old"}) {
    SHARD_ASSERT_OK(session.Add(MakeItem(region, "a")));
  }
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
  EXPECT_THAT(done.shares, SizeIs(3));
  EXPECT_EQ(done.transaction, "");
  EXPECT_EQ(sent().Count("COMMIT"), 1);
  EXPECT_EQ(sent().Count("PREPARE"), 0);
  EXPECT_EQ(log().Count("INSERT"), 3);
}

TEST_P(SharedAtomicTest, CommitsOverTwoDatabasesTellOfEachShard) {
  ShardedSession session(options());
  AddOnAll(session, "a");
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session.Commit());
  EXPECT_THAT(done.shares, SizeIs(4));
  EXPECT_TRUE(done.all_committed());
  EXPECT_NE(done.transaction, "");
  for (const char* shard : {"eu", "us", "old", "own"}) {
    EXPECT_EQ(Rows(shard), 1) << shard;
  }
}

// What recovery does again goes to the tables that the shards have there.
TEST_P(SharedAtomicTest, RecoveryFinishesWhatIsPendingOnAllShards) {
  SessionOptions quick = options();
  quick.decider = "own";
  SeedBy(quick, "a");  // a file notes then which others it may follow
  quick.decision = DecisionMode::kAfterDecision;
  ShardedSession session(quick);
  const auto eu = GetFrom(session, "eu"), us = GetFrom(session, "us");
  SHARD_ASSERT_OK(session.Add(MakeItem("own", "b")));
  SHARD_ASSERT_OK(session.Flush());
  eu->name = "b";
  SHARD_ASSERT_OK(session.Delete(us));
  SHARD_ASSERT_OK(session.Add(MakeItem("us", "b")));
  SHARD_ASSERT_OK(session.Add(MakeItem("eu", "c")));
  SHARD_ASSERT_OK(session.Commit());
  RecoveryOptions now;
  now.recover_after = absl::ZeroDuration();
  now.decision_retention = absl::ZeroDuration();
  Recover(*options().topology, now);
  EXPECT_EQ(Rows("eu", "name = 'b'"), 1);
  EXPECT_EQ(Rows("eu", "name = 'c'"), 1);
  EXPECT_EQ(Rows("us", "name = 'b'"), 1);
  EXPECT_EQ(Rows("us"), 1);
  EXPECT_EQ(Rows("own", "name = 'b'"), 1);
}

}  // namespace
}  // namespace shard::testing
