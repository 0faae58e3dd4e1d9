// Horizontal partitioning: each row on the shard that its key hashes to.
#include <iostream>
#include <memory>

#include "shard/base/status_macros.h"
#include "shard/dialects/schema.h"
#include "shard/router/hash_strategy.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/topology.h"
#include "shard/session/sharded_session.h"
#include "shard_examples/partitioning/scratch_folder.h"

// [readme]
template <class F>
struct OrderFields {
  shard::Field<F, std::int64_t, "id", shard::PrimaryKey> id;
  shard::Field<F, std::int64_t, "cents"> cents;
};
struct Order : shard::Entity<Order, OrderFields, "orders"> {};

absl::Status Horizontal(const std::string& folder) {
  const std::vector<std::string> names = {"one", "two", "three"};
  shard::HorizontalOptions options;
  for (const std::string& name : names) {
    SHARD_ASSIGN_OR_RETURN(
        auto engine,
        shard::OpenEngine("sqlite:///" + folder + "/" + name + ".db"));
    SHARD_RETURN_IF_ERROR(shard::CreateAll(*engine, {&Order::table()}));
    options.shards.emplace_back(name, engine);
  }
  SHARD_ASSIGN_OR_RETURN(auto hash, shard::HashStrategy::Create(names));
  options.rules = {shard::ShardBy(Order::c.id, hash)};
  SHARD_ASSIGN_OR_RETURN(auto resolver,
                         shard::HorizontalResolver::Create(options));
  SHARD_ASSIGN_OR_RETURN(
      auto topology,
      shard::Topology::Open({.cluster = "shop", .databases = options.shards}));
  shard::ShardedSession session({.resolver = resolver, .topology = topology});

  for (std::int64_t id = 1; id <= 30; ++id) {
    auto order = std::make_shared<Order>();
    order->id = id;
    order->cents = id * 100;
    SHARD_RETURN_IF_ERROR(session.Add(order));
  }
  SHARD_RETURN_IF_ERROR(
      session.Commit().status());  // one INSERT for each shard, all or none

  constexpr auto& c = Order::c;
  SHARD_ASSIGN_OR_RETURN(auto order, session.Get<Order>(7));  // asks one shard
  SHARD_ASSIGN_OR_RETURN(
      auto dearest,  // asks all, merges
      session.Scalars(
          shard::Select<Order>().OrderBy(shard::Desc(c.cents)).Limit(3)));
  std::cout << "order 7 is on shard " << order->shard().name()
            << "; dearest: " << dearest[0]->id.value() << "\n";
  return absl::OkStatus();
}
// [/readme]

int main() {
  const partitioning::ScratchFolder folder;
  const absl::Status status = Horizontal(folder.path());
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
