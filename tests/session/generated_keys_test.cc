// Objects and rows that get their keys from generators.
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/entity.h"
#include "shard/session/keys/generated_key.h"
#include "shard/session/keys/id_blocks.h"
#include "shard/session/keys/time_ordered_ids.h"
#include "shard/session/keys/uuid_v7.h"
#include "shard/session/sharded_session.h"
#include "shard/session/typed_load.h"
#include "shard/tests/session/databases.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using Code = absl::StatusCode;

template <class F>
struct OrderFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "item"> item;
};
struct Order : Entity<Order, OrderFields, "orders"> {};

template <class F>
struct PartFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::optional<std::int64_t>, "ticket"> ticket;
};
struct Part : Entity<Part, PartFields, "parts"> {};

template <class F>
struct PaperFields {
  Field<F, Uuid, "id", PrimaryKey> id;
  Field<F, std::string, "title"> title;
};
struct Paper : Entity<Paper, PaperFields, "papers"> {};

std::shared_ptr<Order> MakeOrder(std::string item) {
  auto order = std::make_shared<Order>();
  order->item = std::move(item);
  return order;
}

// Counts what is asked of it.
class CountedKeys : public KeyGenerator {
 public:
  absl::Status Take(std::size_t count, std::vector<sql::ValueView>* keys,
                    sql::ByteArena&) override {
    asked.push_back(count);
    if (!error.ok()) return error;
    for (std::size_t i = forgets; i < count; ++i) {
      keys->push_back(sql::ValueView::Int64(++latest));
    }
    return absl::OkStatus();
  }
  std::vector<std::size_t> asked;
  std::int64_t latest = 100;
  std::size_t forgets = 0;
  absl::Status error;
};

class GeneratedKeysTest : public DatabaseTest {
 protected:
  // Orders and parts by their ids, over two shards.
  void OpenShards() {
    options_ = WithResolver(
        HashedBy({&Order::c.id.column(), &Part::c.id.column()}, 2));
    UseCounted();
  }
  void OpenOne() {
    engine_ =
        NewEngine("one", {&Order::table(), &Part::table(), &Paper::table()});
    auto resolver = std::make_shared<VerticalResolver>();
    resolver->BindDefault(engine_);
    options_ = WithResolver(std::move(resolver));
    UseCounted();
  }
  void UseCounted() {
    options_.keys = {GenerateKey(Order::c.id, keys_),
                     GenerateKey(Part::c.id, keys_)};
  }

  const std::shared_ptr<CountedKeys> keys_ = std::make_shared<CountedKeys>();
  std::shared_ptr<Engine> engine_;
  SessionOptions options_;
};
SHARD_ON_DATABASES(GeneratedKeysTest, "sqlite", "postgresql");

TEST_P(GeneratedKeysTest, AFlushMakesKeysBeforeItRoutes) {
  OpenShards();
  ShardedSession session(options_);
  std::vector<std::shared_ptr<Order>> orders;
  for (int i = 0; i < 20; ++i) {
    orders.push_back(MakeOrder(absl::StrCat("item ", i)));
    SHARD_ASSERT_OK(session.Add(orders.back()));
  }
  orders[3]->id = 7;
  auto part = std::make_shared<Part>();
  SHARD_ASSERT_OK(session.Add(part));
  SHARD_ASSERT_OK(session.Flush());
  EXPECT_THAT(keys_->asked, ElementsAre(20u));
  EXPECT_EQ(orders[0]->id.value(), 101);
  EXPECT_EQ(orders[3]->id.value(), 7);
  EXPECT_EQ(orders[4]->id.value(), 104);
  EXPECT_EQ(part->id.value(), 120);
  SHARD_ASSERT_OK(session.Commit().status());
  EXPECT_EQ(CountRowsOnShards("orders"), 20);
  ShardedSession other(options_);
  std::set<std::string> shards;
  for (const auto& order : orders) {
    // Where its key says, or Get would not find it.
    SHARD_ASSERT_OK_AND_ASSIGN(const auto found,
                               other.Get<Order>(order->id.value()));
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->item.value(), order->item.value());
    shards.emplace(found->shard().name());
  }
  EXPECT_EQ(shards.size(), 2u);
}

TEST_P(GeneratedKeysTest, AnObjectKeepsItsKeyOverARollback) {
  OpenOne();
  ShardedSession session(options_);
  const auto order = MakeOrder("book");
  SHARD_ASSERT_OK(session.Add(order));
  SHARD_ASSERT_OK(session.Flush());
  session.Rollback();
  EXPECT_EQ(order->object_state(), ObjectState::kTransient);
  EXPECT_EQ(order->id.value(), 101);
  SHARD_ASSERT_OK(session.Add(order));
  SHARD_ASSERT_OK(session.Add(MakeOrder("pen")));
  SHARD_ASSERT_OK(session.Commit().status());
  EXPECT_EQ(ReadNumber(engine_, "select max(id) from orders"), 102);
}

TEST_P(GeneratedKeysTest, NothingIsWrittenWithoutAKey) {
  OpenShards();
  ShardedSession session(options_);
  auto order = MakeOrder("book");
  auto given = MakeOrder("pen");
  given->id = 5;
  SHARD_ASSERT_OK(session.Add(given));
  SHARD_ASSERT_OK(session.Add(order));
  keys_->error = absl::UnavailableError("no more");
  EXPECT_THAT(session.Flush(),
              StatusIs(Code::kUnavailable,
                       EndsWith("Order.id: no key was made for it: no more")));
  EXPECT_EQ(order->id.Load().status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(log().CountAll(), 0u);
  keys_->error = absl::OkStatus();
  keys_->forgets = 1;
  EXPECT_THAT(session.Flush(),
              StatusIs(Code::kInternal,
                       AllOf(HasSubstr("Order.id"), HasSubstr("gave 0"))));
  keys_->forgets = 0;
  SHARD_ASSERT_OK(session.Commit().status());
  EXPECT_EQ(CountRowsOnShards("orders"), 2);
  std::vector<Order::Row> rows(2);
  keys_->error = absl::UnavailableError("no more");
  EXPECT_THAT(session.BulkInsert<Order>(rows, {.number_keys = true}),
              StatusIs(Code::kUnavailable, HasSubstr("Order.id")));
  EXPECT_EQ(CountRowsOnShards("orders"), 2);
}

TEST_P(GeneratedKeysTest, AKeyOfTheWrongTypeIsRefused) {
  OpenOne();
  options_.keys = {GenerateKey(Part::c.id, keys_),
                   GenerateKey(Order::c.id, std::make_shared<UuidV7>())};
  ShardedSession session(options_);
  auto part = std::make_shared<Part>();
  SHARD_ASSERT_OK(session.Add(part));
  SHARD_ASSERT_OK(session.Add(MakeOrder("book")));
  EXPECT_THAT(session.Flush().message(), HasSubstr("Order.id"));
  EXPECT_FALSE(part->id.Load().ok());
  std::vector<Order::Row> rows(2);
  EXPECT_THAT(
      session.BulkInsert<Order>(rows, {.number_keys = true}).status().message(),
      HasSubstr("Order.id"));
  EXPECT_EQ(CountRows(engine_, "parts"), 0);
}

TEST_P(GeneratedKeysTest, BadEntriesAreRefused) {
  OpenOne();
  for (const GeneratedKeys& bad :
       {GeneratedKeys{{nullptr, keys_}},
        GeneratedKeys{{&Order::c.id.column(), nullptr}},
        GeneratedKeys{GenerateKey(Order::c.id, keys_),
                      GenerateKey(Order::c.id, keys_)}}) {
    options_.keys = bad;
    ShardedSession session(options_);
    SHARD_ASSERT_OK(session.Add(MakeOrder("book")));
    EXPECT_THAT(session.Flush(), StatusIs(Code::kInvalidArgument,
                                          HasSubstr("SessionOptions::keys")));
    std::vector<Order::Row> rows(1);
    EXPECT_THAT(session.BulkInsert<Order>(rows),
                HasCode(Code::kInvalidArgument));
  }
}

TEST_P(GeneratedKeysTest, BulkInsertsOfStructsGetKeys) {
  OpenShards();
  ShardedSession session(options_);
  std::vector<Order::Row> rows;
  for (int i = 0; i < 50; ++i) rows.push_back({i, absl::StrCat("item ", i)});
  SHARD_ASSERT_OK_AND_ASSIGN(
      const BulkReport report,
      session.BulkInsert<Order>(
          rows, {.return_defaults = true, .number_keys = true}));
  EXPECT_THAT(keys_->asked, ElementsAre(50u));
  EXPECT_EQ(report.keys[49].Views()[0].integer(), 150);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto order, session.Get<Order>(110));
  ASSERT_NE(order, nullptr);
  EXPECT_EQ(order->item.value(), "item 9");
  // Those that have one keep it.
  SHARD_ASSERT_OK(session.BulkInsert<Order>(rows).status());
  EXPECT_THAT(keys_->asked, ElementsAre(50u));
  SHARD_ASSERT_OK(session.Commit().status());
  EXPECT_EQ(CountRowsOnShards("orders"), 100);
}

// Beside a key that is given, in a column that may be NULL.
TEST_P(GeneratedKeysTest, OtherColumnsGetValuesToo) {
  OpenOne();
  options_.keys = {GenerateKey(Part::c.ticket, keys_)};
  ShardedSession session(options_);
  const std::vector<Part::Row> rows = {{1, std::nullopt}, {2, 9}, {3, {}}};
  SHARD_ASSERT_OK(session.BulkInsert<Part>(rows).status());
  EXPECT_THAT(keys_->asked, ElementsAre(2u));
  SHARD_ASSERT_OK_AND_ASSIGN(const auto read,
                             session.Rows(Select<Part>().OrderBy(Part::c.id)));
  EXPECT_EQ(read[0].ticket, 101);
  EXPECT_EQ(read[1].ticket, 9);
  EXPECT_EQ(read[2].ticket, 102);
}

TEST_P(GeneratedKeysTest, BulkInsertsOfMappingsGetKeys) {
  OpenShards();
  ShardedSession session(options_);
  const std::vector<sql::Parameters> rows = {
      {{"item", "a"}},
      {{"id", 7}, {"item", "b"}},
      {{"id", sql::Value()}, {"item", "c"}},
      {{"item", "d"}, {"id", 8}},
      {{"item", "e"}}};
  SHARD_ASSERT_OK_AND_ASSIGN(
      const BulkReport report,
      session.BulkInsertMappings<Order>(rows, {.return_defaults = true}));
  EXPECT_THAT(keys_->asked, ElementsAre(3u));
  std::vector<std::int64_t> ids;
  for (const KeyValue& key : report.keys) {
    ids.push_back(key.Views()[0].integer());
  }
  EXPECT_THAT(ids, ElementsAre(101, 7, 102, 8, 103));
  for (const std::int64_t id : ids) {
    SHARD_ASSERT_OK_AND_ASSIGN(const auto order, session.Get<Order>(id));
    EXPECT_NE(order, nullptr);
  }
  // A row that cannot be read is named as ever.
  EXPECT_THAT(session.BulkInsertMappings<Order>(std::vector<sql::Parameters>{
                  {{"item", "f"}}, {{"weight", 1}}}),
              StatusIs(Code::kInvalidArgument, HasSubstr("row 2")));
}

TEST_P(GeneratedKeysTest, BulkInsertsOfObjectsGetKeys) {
  OpenShards();
  ShardedSession session(options_);
  std::vector<std::shared_ptr<Order>> orders = {MakeOrder("a"), MakeOrder("b")};
  orders[1]->id = 7;
  SHARD_ASSERT_OK(session.BulkInsert<Order>(orders).status());
  EXPECT_EQ(orders[0]->id.value(), 101);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto found, session.Get<Order>(7));
  found->item = "new";
  std::vector<std::shared_ptr<EntityBase>> mixed = {
      found, MakeOrder("c"), std::make_shared<Part>(), MakeOrder("d")};
  SHARD_ASSERT_OK(session.BulkSaveObjects(mixed).status());
  EXPECT_THAT(keys_->asked, ElementsAre(1u, 3u));
  SHARD_ASSERT_OK(session.Commit().status());
  EXPECT_EQ(CountRowsOnShards("orders"), 4);
  EXPECT_EQ(CountRowsOnShards("parts"), 1);
}

TEST_P(GeneratedKeysTest, LoadsGetKeys) {
  OpenOne();
  options_.keys.push_back(GenerateKey(Paper::c.id, std::make_shared<UuidV7>()));
  const auto make = [i = 0]() mutable -> std::optional<Paper::Row> {
    if (i == 100) return std::nullopt;
    return Paper::Row{{}, absl::StrCat("title ", i++)};
  };
  SHARD_ASSERT_OK(
      Load<Paper>(options_, make, {.batch_rows = 30}, {.number_keys = true})
          .status());
  EXPECT_EQ(ReadNumber(engine_, "select count(distinct id) from papers"), 100);
  options_.keys.clear();
  EXPECT_THAT(Load<Paper>(options_, make, {}, {.number_keys = true}),
              StatusIs(Code::kInvalidArgument, HasSubstr("Paper.id")));
}

TEST_P(GeneratedKeysTest, WithEachOfTheGenerators) {
  OpenOne();
  const auto keys = NewEngine("keys", {});
  SHARD_ASSERT_OK_AND_ASSIGN(auto blocks, IdBlocks::Open(keys, "orders"));
  SHARD_ASSERT_OK_AND_ASSIGN(auto by_time, TimeOrderedIds::Open(keys, "parts"));
  options_.keys = {GenerateKey(Order::c.id, blocks),
                   GenerateKey(Part::c.id, by_time),
                   GenerateKey(Paper::c.id, std::make_shared<UuidV7>())};
  ShardedSession session(options_);
  for (int i = 0; i < 3; ++i) {
    SHARD_ASSERT_OK(session.Add(MakeOrder("book")));
    SHARD_ASSERT_OK(session.Add(std::make_shared<Part>()));
    auto paper = std::make_shared<Paper>();
    paper->title = "news";
    SHARD_ASSERT_OK(session.Add(paper));
    SHARD_ASSERT_OK(session.Flush());
    SHARD_ASSERT_OK_AND_ASSIGN(const auto found,
                               session.Get<Paper>(paper->id.value()));
    EXPECT_EQ(found, paper);
  }
  SHARD_ASSERT_OK(session.Commit().status());
  EXPECT_EQ(ReadNumber(engine_, "select max(id) from orders"), 3);
  EXPECT_EQ(CountRows(engine_, "parts"), 3);
  EXPECT_EQ(CountRows(engine_, "papers"), 3);
}

}  // namespace
}  // namespace shard::testing
