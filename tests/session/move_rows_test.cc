// Changing the shard key of a loaded object: row 97, and what it leads to.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shard/base/testing.h"
#include "shard/router/list_strategy.h"
#include "shard/router/topology.h"
#include "shard/session/session_maker.h"
#include "shard/session/sharded_session.h"
#include "shard/tests/session/databases.h"
#include "shard/tests/session/models.h"

namespace shard::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Code = absl::StatusCode;

template <class F>
struct CustomerFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region"> region;
  Field<F, std::string, "name"> name;
  Field<F, std::int64_t, "balance"> balance;
  Field<F, std::optional<std::string>, "note", Deferred> note;
  Field<F, std::int64_t, "version", Version> version;
};
struct Customer : Entity<Customer, CustomerFields, "customers"> {};

// Follows its customer, with a foreign key.
template <class F>
struct OrderFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region"> region;
  Field<F, std::int64_t, "customer_id"> customer_id;
  Field<F, std::optional<std::string>, "item"> item;
};
struct Order : Entity<Order, OrderFields, "orders"> {};
constexpr char kOrders[] =
    "create table orders (id bigint primary key, region text not null, "
    "customer_id bigint not null references customers (id), item text)";

// Follows its order.
template <class F>
struct PartFields {
  Field<F, std::int64_t, "order_id", PrimaryKey> order_id;
  Field<F, std::string, "name", PrimaryKey> name;
  Field<F, std::string, "region"> region;
};
struct Part : Entity<Part, PartFields, "parts"> {};
constexpr char kParts[] =
    "create table parts (order_id bigint not null references orders (id), "
    "name text not null, region text not null, primary key (order_id, name))";

inline Expr<std::int64_t> TenMore();
template <class F>
struct TicketFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region"> region;
  Field<F, std::int64_t, "version", ServerVersion, ServerDefault<"1">,
        OnUpdate<&TenMore>>
      version;
};
struct Ticket : Entity<Ticket, TicketFields, "tickets"> {};
inline Expr<std::int64_t> TenMore() { return Ticket::c.version + 10; }

template <class F>
struct BlindFields {
  Field<F, std::int64_t, "id", PrimaryKey> id;
  Field<F, std::string, "region"> region;
};
struct Blind : Entity<Blind, BlindFields, "blind", NoReturning> {};

// Two regions, and who follows whom.
class Regions : public BindResolver {
 public:
  explicit Regions(std::shared_ptr<HorizontalResolver> shards)
      : shards_(std::move(shards)) {}
  absl::StatusOr<Bind> Resolve(const BindRequest& request) override {
    return shards_->Resolve(request);
  }
  absl::StatusOr<BindSet> ResolveAll(const BindRequest& request) override {
    return shards_->ResolveAll(request);
  }
  std::vector<const sql::Column*> ShardKey(
      const sql::ClassInfo& class_info) const override {
    return shards_->ShardKey(class_info);
  }
  std::vector<CoLocatedRows> CoLocatedWith(
      const sql::Table& table) const override {
    if (&table == &Customer::table()) {
      return {{&Order::table(),
               {{&Order::c.region.column(), &Customer::c.region.column()},
                {&Order::c.customer_id.column(), &Customer::c.id.column()}}}};
    }
    if (&table == &Order::table()) {
      return {{&Part::table(),
               {{&Part::c.region.column(), &Order::c.region.column()},
                {&Part::c.order_id.column(), &Order::c.id.column()}}}};
    }
    return {};
  }

 private:
  std::shared_ptr<HorizontalResolver> shards_;
};

template <class T>
std::shared_ptr<T> New(std::int64_t id, std::string region) {
  auto object = std::make_shared<T>();
  object->id = id;
  object->region = std::move(region);
  return object;
}
std::shared_ptr<Customer> NewCustomer(std::int64_t id, std::string region,
                                      std::string name) {
  auto customer = New<Customer>(id, std::move(region));
  customer->note = name + "'s note";
  customer->name = std::move(name);
  customer->balance = 10;
  return customer;
}
std::shared_ptr<Order> NewOrder(std::int64_t id, const Customer& customer) {
  auto order = New<Order>(id, customer.region.value());
  order->customer_id = customer.id.value();
  order->item = "thing";
  return order;
}
std::shared_ptr<Part> NewPart(const Order& order, std::string name) {
  auto part = std::make_shared<Part>();
  part->order_id = order.id.value();
  part->region = order.region.value();
  part->name = std::move(name);
  return part;
}

// Shard "s0" has region "eu", "s1" has "us". Customers 1 and 2 are in the
// former, 3 in the latter; each has order 10 * id with two parts.
class MoveRowsTest : public DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    if (IsSkipped()) return;
    HorizontalOptions horizontal;
    horizontal.shards =
        NewShards(2, {&Customer::table(), &Ticket::table(), &Blind::table()});
    for (const auto& [name, place] : horizontal.shards) {
      RunSql(place.engine, kOrders);
      RunSql(place.engine, kParts);
    }
    const auto strategy = *ListStrategy::Create({{"eu", "s0"}, {"us", "s1"}});
    for (const sql::Table* table :
         {&Customer::table(), &Order::table(), &Part::table(), &Ticket::table(),
          &Blind::table()}) {
      horizontal.rules.push_back(
          ShardBy({table->FindColumn("region")}, strategy));
    }
    TopologyOptions databases;
    databases.databases = horizontal.shards;
    const auto topology = Topology::Open(databases);
    SHARD_ASSERT_OK(topology);
    options_.topology = *topology;
    options_.recovery.background = false;
    options_.resolver = std::make_shared<Regions>(
        *HorizontalResolver::Create(std::move(horizontal)));
    options_.shard_key_change = ShardKeyChange::kMoveRow;
    Fill();
  }

  void Fill() {
    session_.emplace(options_);
    customers_ = {NewCustomer(1, "eu", "ada"), NewCustomer(2, "eu", "bob"),
                  NewCustomer(3, "us", "cid")};
    for (const auto& customer : customers_) {
      orders_.push_back(NewOrder(10 * customer->id.value(), *customer));
      parts_.push_back(NewPart(*orders_.back(), "bolt"));
      parts_.push_back(NewPart(*orders_.back(), "nut"));
    }
    SHARD_ASSERT_OK(session_->AddAll(customers_));
    SHARD_ASSERT_OK(session_->AddAll(orders_));
    SHARD_ASSERT_OK(session_->AddAll(parts_));
    SHARD_ASSERT_OK(session_->Commit());
    log().Clear();
  }

  // A session that holds nothing else.
  void Restart(SessionOptions options) {
    customers_.clear();
    orders_.clear();
    parts_.clear();
    session_.emplace(std::move(options));
    log().Clear();
  }
  std::shared_ptr<Customer> Load(std::int64_t id) {
    return session_->Get<Customer>(id).value();
  }

  std::size_t CountWrites() {
    return log().Count("INSERT") + log().Count("UPDATE") +
           log().Count("DELETE");
  }
  std::string In(const char* shard_name, std::string_view sql) {
    return ReadText(shard(shard_name), sql);
  }
  std::int64_t RowsIn(const char* shard_name, const std::string& table) {
    return CountRows(shard(shard_name), table);
  }
  // All that Fill has made is where it was.
  void ExpectNothingMoved() {
    EXPECT_EQ(RowsIn("s0", "customers"), 2);
    EXPECT_EQ(RowsIn("s0", "orders"), 2);
    EXPECT_EQ(RowsIn("s0", "parts"), 4);
    EXPECT_EQ(RowsIn("s1", "customers"), 1);
    EXPECT_EQ(RowsIn("s1", "orders"), 1);
    EXPECT_EQ(RowsIn("s1", "parts"), 2);
  }

  SessionOptions options_;
  std::optional<ShardedSession> session_;
  std::vector<std::shared_ptr<Customer>> customers_;
  std::vector<std::shared_ptr<Order>> orders_;
  std::vector<std::shared_ptr<Part>> parts_;
};

// What no database has a say in.
class MoveCornersTest : public MoveRowsTest {};

constexpr auto& c = Customer::c;

TEST_P(MoveRowsTest, Row097RefusedByDefaultNamingBothShards) {
  options_.shard_key_change = ShardKeyChange::kRefuse;
  Restart(options_);
  const auto ada = Load(1);
  ada->region = "us";
  EXPECT_THAT(session_->Commit(),
              StatusIs(Code::kFailedPrecondition,
                       AllOf(HasSubstr("Customer 1"), HasSubstr("'s0'"),
                             HasSubstr("'s1'"), HasSubstr("kMoveRow"))));
  EXPECT_EQ(CountWrites(), 0u);
  session_->Rollback();
  ExpectNothingMoved();
}

TEST_P(MoveRowsTest, Row097TheRowMovesInOneCommitAndTheObjectStays) {
  Restart(options_);
  const auto ada = Load(1);
  ada->region = "us";
  ada->name = "Ada";
  SHARD_ASSERT_OK(session_->Flush());
  EXPECT_EQ(ada->shard().name(), "s1");
  EXPECT_EQ(ada->version.value(), 2);
  log().Clear();
  EXPECT_EQ(session_->Get<Customer>(1, OnShard("s1")).value(), ada);
  EXPECT_EQ(ada->note.value(), "ada's note");  // read when it moved
  EXPECT_EQ(log().CountAll(), 0u);
  SHARD_ASSERT_OK_AND_ASSIGN(const CommitResult done, session_->Commit());
  EXPECT_EQ(done.shares.size(), 2u);
  EXPECT_EQ(ReadNumber(shard("s0"), "select count(*) from customers"), 1);
  EXPECT_EQ(In("s1",
               "select name || ' ' || region || ' ' || note from customers "
               "where id = 1 and balance = 10 and version = 2"),
            "Ada us ada's note");
  EXPECT_EQ(session_->Get<Customer>(1).value(), ada);
  EXPECT_EQ(ada->name.value(), "Ada");
  ada->balance = 5;
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(ReadNumber(shard("s1"),
                       "select balance from customers "
                       "where id = 1 and version = 3"),
            5);
}

TEST_P(MoveRowsTest, SqlIsEvaluatedOverTheRowAsItWas) {
  Restart(options_);
  const auto ada = Load(1);
  SHARD_ASSERT_OK(session_->Expire(*ada, c.name));
  ada->region = "us";
  ada->balance = c.balance * 2 + 1;
  ada->note = c.region;
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(ada->shard().name(), "s1");
  EXPECT_EQ(ada->balance.value(), 21);
  EXPECT_EQ(ada->note.value(), "eu");
  EXPECT_EQ(ada->name.value(), "ada");
  EXPECT_EQ(ada->version.value(), 2);
}

TEST_P(MoveRowsTest, WhatOthersHaveChangedMovesToo) {
  if (!is_postgresql()) GTEST_SKIP() << "a file has one writer";
  Restart(options_);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto order,
                             session_->Get<Order>(10, OnShard("s0")));
  EXPECT_EQ(order->item.value(), "thing");
  RunSql(shard("s0"), "delete from parts where order_id = 10");
  RunSql(shard("s0"), "update orders set item = 'gift' where id = 10");
  SHARD_ASSERT_OK(session_->Add(NewCustomer(1, "us", "ada")));
  SHARD_ASSERT_OK(session_->Flush());
  order->region = "us";
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(In("s1", "select item from orders where id = 10"), "gift");
}

TEST_P(MoveCornersTest, AnotherVersionIsRefused) {
  options_.expire_on_commit = false;
  Restart(options_);
  const auto ada = Load(1);
  SHARD_ASSERT_OK(session_->Commit());
  RunSql(shard("s0"), "update customers set version = 7 where id = 1");
  log().Clear();
  ada->region = "us";
  EXPECT_THAT(session_->Commit(),
              StatusIs(Code::kAborted,
                       AllOf(HasSubstr("Customer 1"), HasSubstr("version 1"),
                             HasSubstr("version 7"))));
  EXPECT_EQ(CountWrites(), 0u);
  session_->Rollback();
  EXPECT_EQ(ada->version.value(), 7);
  ada->region = "us";
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(ada->version.value(), 8);
}

TEST_P(MoveCornersTest, ARowThatIsGoneIsRefused) {
  options_.expire_on_commit = false;
  Restart(options_);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto order,
                             session_->Get<Order>(10, OnShard("s0")));
  SHARD_ASSERT_OK(session_->Commit());
  RunSql(shard("s0"), "delete from parts where order_id = 10");
  RunSql(shard("s0"), "delete from orders where id = 10");
  order->region = "us";
  EXPECT_THAT(session_->Commit(),
              StatusIs(Code::kAborted,
                       AllOf(HasSubstr("Order 10"), HasSubstr("'s0'"))));
}

TEST_P(MoveCornersTest, VersionsThatTheDatabaseMakes) {
  const auto ticket = New<Ticket>(1, "eu");
  SHARD_ASSERT_OK(session_->Add(ticket));
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(ticket->version.value(), 1);
  ticket->region = "us";
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(ticket->shard().name(), "s1");
  EXPECT_EQ(ticket->version.value(), 11);
  ticket->region = "eu";
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(ReadNumber(shard("s0"), "select version from tickets"), 21);
}

// Rollbacks.

TEST_P(MoveRowsTest, RollbackBringsTheObjectBack) {
  Restart(options_);
  const auto ada = Load(1);
  ada->region = "us";
  SHARD_ASSERT_OK(session_->Flush());
  session_->Rollback();
  EXPECT_EQ(ada->shard().name(), "s0");
  EXPECT_EQ(ada->region.value(), "eu");
  EXPECT_EQ(session_->Get<Customer>(1, OnShard("s0")).value(), ada);
  EXPECT_EQ(session_->Get<Customer>(1, OnShard("s1")).value(), nullptr);
  session_->Rollback();
  ExpectNothingMoved();
  ada->region = "us";
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(RowsIn("s1", "orders"), 2);
}

TEST_P(MoveRowsTest, SavepointsBringItBackStepByStep) {
  Restart(options_);
  const auto ada = Load(1), bob = Load(2);
  bob->region = "us";
  SHARD_ASSERT_OK(session_->BeginNested());
  ada->region = "us";
  SHARD_ASSERT_OK(session_->BeginNested());
  ada->region = "eu";
  bob->region = "eu";
  SHARD_ASSERT_OK(session_->Flush());
  EXPECT_EQ(ada->shard().name(), "s0");
  EXPECT_EQ(bob->shard().name(), "s0");
  SHARD_ASSERT_OK(session_->RollbackNested());
  EXPECT_EQ(ada->shard().name(), "s1");
  EXPECT_EQ(ada->region.value(), "us");
  EXPECT_EQ(bob->shard().name(), "s1");
  SHARD_ASSERT_OK(session_->RollbackNested());
  EXPECT_EQ(ada->shard().name(), "s0");
  EXPECT_EQ(ada->region.value(), "eu");
  EXPECT_EQ(bob->shard().name(), "s1");
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(In("s0", "select name from customers"), "ada");
  EXPECT_EQ(RowsIn("s1", "parts"), 4);
}

TEST_P(MoveCornersTest, MovedAndThenDeleted) {
  Restart(options_);
  const auto ticket = New<Ticket>(1, "eu");
  SHARD_ASSERT_OK(session_->Add(ticket));
  SHARD_ASSERT_OK(session_->Commit());
  ticket->region = "us";
  SHARD_ASSERT_OK(session_->Flush());
  SHARD_ASSERT_OK(session_->Delete(ticket));
  SHARD_ASSERT_OK(session_->Flush());
  session_->Rollback();
  EXPECT_EQ(ticket->object_state(), ObjectState::kPersistent);
  EXPECT_EQ(ticket->shard().name(), "s0");
  EXPECT_EQ(session_->Get<Ticket>(1).value(), ticket);
  ticket->region = "us";
  SHARD_ASSERT_OK(session_->Flush());
  SHARD_ASSERT_OK(session_->Delete(ticket));
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(CountRowsOnShards("tickets"), 0);
}

TEST_P(MoveCornersTest, NewObjectsThatMoveAreNewAgainAfterARollback) {
  Restart(options_);
  const auto dan = NewCustomer(4, "eu", "dan");
  SHARD_ASSERT_OK(session_->Add(dan));
  SHARD_ASSERT_OK(session_->Flush());
  dan->region = "us";
  SHARD_ASSERT_OK(session_->Flush());
  EXPECT_EQ(dan->shard().name(), "s1");
  session_->Rollback();
  EXPECT_EQ(dan->object_state(), ObjectState::kTransient);
  EXPECT_TRUE(dan->shard().is_none());
  dan->region = "eu";
  SHARD_ASSERT_OK(session_->Add(dan));
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(dan->shard().name(), "s0");
}

// Keys.

TEST_P(MoveRowsTest, ATakenKeyRollsAllBack) {
  const auto other = NewCustomer(1, "us", "another 1");
  SHARD_ASSERT_OK(session_->Add(other));
  SHARD_ASSERT_OK(session_->Commit());
  Restart(options_);
  SHARD_ASSERT_OK_AND_ASSIGN(const auto ada,
                             session_->Get<Customer>(1, OnShard("s0")));
  ada->region = "us";
  EXPECT_THAT(session_->Commit(),
              StatusIs(Code::kAlreadyExists, HasSubstr("'s1'")));
  EXPECT_THAT(session_->Commit(), HasCode(Code::kFailedPrecondition));
  session_->Rollback();
  EXPECT_EQ(ada->shard().name(), "s0");
  EXPECT_EQ(ada->region.value(), "eu");
  EXPECT_EQ(RowsIn("s0", "orders"), 2);
  EXPECT_EQ(In("s1", "select name from customers where id = 1"), "another 1");
}

TEST_P(MoveCornersTest, TwoOfOneKeyChangePlaces) {
  const auto other = NewCustomer(1, "us", "another 1");
  SHARD_ASSERT_OK(session_->Add(other));
  SHARD_ASSERT_OK(session_->Commit());
  const auto ada = customers_[0];
  for (const bool commits : {false, true}) {
    ada->region = "us";
    other->region = "eu";
    SHARD_ASSERT_OK(session_->Flush());
    EXPECT_EQ(session_->Get<Customer>(1, OnShard("s1")).value(), ada);
    EXPECT_EQ(session_->Get<Customer>(1, OnShard("s0")).value(), other);
    if (commits) {
      SHARD_ASSERT_OK(session_->Commit());
    } else {
      session_->Rollback();
      EXPECT_EQ(session_->Get<Customer>(1, OnShard("s0")).value(), ada);
      EXPECT_EQ(session_->Get<Customer>(1, OnShard("s1")).value(), other);
    }
  }
  EXPECT_EQ(In("s0", "select name from customers where id = 1"), "another 1");
  EXPECT_EQ(In("s1", "select name from customers where id = 1"), "ada");
}

TEST_P(MoveCornersTest, ANewPrimaryKeyOnTheWay) {
  Restart(options_);
  const auto ada = Load(1);
  ada->region = "us";
  ada->id = 11;
  SHARD_ASSERT_OK(session_->Flush());
  EXPECT_EQ(session_->Get<Customer>(11, OnShard("s1")).value(), ada);
  session_->Rollback();
  EXPECT_EQ(ada->id.value(), 1);
  EXPECT_EQ(session_->Get<Customer>(1, OnShard("s0")).value(), ada);
  ada->region = "us";
  ada->id = 11;
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(
      ReadNumber(shard("s1"), "select customer_id from orders where id = 10"),
      11);
}

// Rows that follow.

TEST_P(MoveRowsTest, Row097FollowersMoveAlongHeldOrNot) {
  const auto ada = customers_[0];
  const auto order = orders_[0];
  const auto bolt = parts_[0];
  parts_.erase(parts_.begin() + 1);  // the nut is not held
  ada->region = "us";
  SHARD_ASSERT_OK(session_->Flush());
  EXPECT_EQ(order->shard().name(), "s1");
  EXPECT_EQ(order->region.value(), "us");
  EXPECT_EQ(bolt->shard().name(), "s1");
  EXPECT_EQ(orders_[1]->shard().name(), "s0");
  EXPECT_EQ(session_->Get<Order>(10, OnShard("s1")).value(), order);
  session_->Rollback();
  EXPECT_EQ(order->shard().name(), "s0");
  EXPECT_EQ(order->region.value(), "eu");
  EXPECT_EQ(bolt->shard().name(), "s0");
  ExpectNothingMoved();
  ada->region = "us";
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(RowsIn("s0", "parts"), 2);
  EXPECT_EQ(ReadNumber(shard("s1"),
                       "select count(*) from parts where order_id = 10 and "
                       "region = 'us'"),
            2);
  EXPECT_EQ(bolt->shard().name(), "s1");
  EXPECT_EQ(order->item.value(), "thing");
  SHARD_ASSERT_OK(session_->Delete(bolt));
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(RowsIn("s1", "parts"), 3);
}

TEST_P(MoveCornersTest, FollowersThatWereChangedToo) {
  const auto ada = customers_[0], bob = customers_[1];
  ada->region = "us";
  bob->region = "us";
  orders_[0]->item = "gift";  // something else
  orders_[1]->region = "us";  // the same, by hand
  parts_[2]->region = "us";
  SHARD_ASSERT_OK(session_->Delete(parts_[0]));
  SHARD_ASSERT_OK(session_->Add(NewPart(*orders_[1], "screw")));
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(RowsIn("s0", "customers"), 0);
  EXPECT_EQ(RowsIn("s0", "parts"), 0);
  EXPECT_EQ(RowsIn("s1", "parts"), 6);
  EXPECT_EQ(In("s1", "select item from orders where id = 10"), "gift");
  EXPECT_EQ(orders_[0]->shard().name(), "s1");
}

TEST_P(MoveCornersTest, FollowersThatWereAssignedAnotherLeaderAreRefused) {
  const auto ada = customers_[0];
  ada->region = "us";
  orders_[0]->customer_id = 2;
  EXPECT_THAT(session_->Flush(),
              StatusIs(Code::kFailedPrecondition,
                       AllOf(HasSubstr("Order 10"), HasSubstr("customer_id"))));
  EXPECT_EQ(CountWrites(), 0u);
  // Step by step it can be done.
  ada->region = "eu";
  SHARD_ASSERT_OK(session_->Flush());
  ada->region = "us";
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(RowsIn("s0", "orders"), 2);
  EXPECT_EQ(RowsIn("s1", "customers"), 2);
}

TEST_P(MoveCornersTest, ManyMoveTogether) {
  for (int i = 4; i <= 23; ++i) {
    customers_.push_back(NewCustomer(i, i % 2 == 0 ? "eu" : "us", "x"));
  }
  SHARD_ASSERT_OK(session_->AddAll(customers_));
  SHARD_ASSERT_OK(session_->Commit());
  SHARD_ASSERT_OK(session_->Scalars(Select<Customer>()));
  const auto before = ReadNumber(shard("s0"), "select count(*) from customers");
  for (const auto& customer : customers_) {
    customer->region = customer->region.value() == "eu" ? "us" : "eu";
  }
  log().Clear();
  SHARD_ASSERT_OK(session_->Flush());
  EXPECT_EQ(log().Count("INSERT"), 6u);  // three classes, both ways
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(RowsIn("s1", "customers"), before);
  EXPECT_EQ(RowsIn("s1", "orders"), 2);
  EXPECT_EQ(RowsIn("s0", "orders"), 1);
}

// Refusals.

TEST_P(MoveRowsTest, SeveralDatabasesNeedTwoPhases) {
  options_.two_phase = false;
  Restart(options_);
  const auto ada = Load(1);
  ada->region = "us";
  EXPECT_THAT(session_->Flush(),
              StatusIs(Code::kFailedPrecondition,
                       AllOf(HasSubstr("Customer 1"), HasSubstr("'s0'"),
                             HasSubstr("'s1'"), HasSubstr("two_phase"))));
  EXPECT_EQ(CountWrites(), 0u);
  session_->Rollback();
  options_.two_phase = true;
  options_.topology = nullptr;
  Restart(options_);
  const auto again = Load(1);
  again->region = "us";
  EXPECT_THAT(session_->Flush(),
              StatusIs(Code::kFailedPrecondition, HasSubstr("topology")));
  EXPECT_EQ(CountWrites(), 0u);
}

TEST_P(MoveCornersTest, WhatCannotMoveWritesNothing) {
  const auto blind = New<Blind>(1, "eu");
  SHARD_ASSERT_OK(session_->Add(blind));
  SHARD_ASSERT_OK(session_->Commit());
  log().Clear();
  blind->region = "us";
  EXPECT_THAT(session_->Flush(),
              StatusIs(Code::kUnimplemented, HasSubstr("NoReturning")));
  blind->region = "eu";
  const auto ada = customers_[0];
  ada->region = "us";
  ada->id = c.id + 1;
  EXPECT_THAT(session_->Flush(),
              StatusIs(Code::kUnimplemented, HasSubstr("primary key")));
  ada->id = 1;
  ada->region = "mars";
  EXPECT_THAT(session_->Flush(),
              StatusIs(Code::kInvalidArgument, HasSubstr("Customer.region")));
  // Nor when something else cannot be written.
  ada->region = "us";
  const auto nowhere = std::make_shared<Customer>();
  nowhere->id = 77;
  SHARD_ASSERT_OK(session_->Add(nowhere));
  EXPECT_THAT(session_->Flush(),
              StatusIs(Code::kInvalidArgument, HasSubstr("Customer.region")));
  EXPECT_EQ(CountWrites(), 0u);
  SHARD_ASSERT_OK(session_->Expunge(*nowhere));
  SHARD_ASSERT_OK(session_->Commit());
  EXPECT_EQ(RowsIn("s1", "customers"), 2);
}

SHARD_ON_DATABASES(MoveRowsTest, "sqlite", "postgresql", "mixed");
SHARD_ON_DATABASES(MoveCornersTest, "sqlite", "mixed");

}  // namespace
}  // namespace shard::testing
