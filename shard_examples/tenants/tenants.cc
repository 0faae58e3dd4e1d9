// Many tenants: the large ones on shards of their own, over which their rows
// are spread, all others together.
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/schema.h"
#include "shard/router/composite_strategy.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/topology.h"
#include "shard/session/keys/generated_key.h"
#include "shard/session/keys/time_ordered_ids.h"
#include "shard/session/sharded_session.h"
#include "shard_examples/partitioning/scratch_folder.h"

namespace tenants {

template <class F>
struct OrderFields {
  shard::Field<F, std::string, "tenant", shard::PrimaryKey> tenant;
  shard::Field<F, std::int64_t, "id", shard::PrimaryKey> id;
  shard::Field<F, std::int64_t, "cents"> cents;
};
struct Order : shard::Entity<Order, OrderFields, "orders"> {};

absl::StatusOr<shard::SessionOptions> OpenShards(const std::string& folder) {
  const auto open = [&folder](const std::string& name) {
    return shard::OpenEngine("sqlite:///" + folder + "/" + name + ".db");
  };
  shard::HorizontalOptions horizontal;
  for (const char* name : {"large_1", "large_2", "small_1", "small_2"}) {
    SHARD_ASSIGN_OR_RETURN(auto engine, open(name));
    SHARD_RETURN_IF_ERROR(shard::CreateAll(*engine, {&Order::table()}));
    horizontal.shards.emplace_back(name, engine);
  }
  // The tenant says which shards, the hash of the id which of them.
  SHARD_ASSIGN_OR_RETURN(
      auto by_tenant,
      shard::CompositeStrategy::Create({{{"acme"}, {"large_1", "large_2"}}},
                                       {"small_1", "small_2"}));
  horizontal.rules = {shard::ShardBy(
      {&Order::c.tenant.column(), &Order::c.id.column()}, by_tenant)};

  shard::SessionOptions options;
  SHARD_ASSIGN_OR_RETURN(
      options.topology,
      shard::Topology::Open(
          {.cluster = "shop", .databases = horizontal.shards}));
  SHARD_ASSIGN_OR_RETURN(options.resolver,
                         shard::HorizontalResolver::Create(horizontal));
  SHARD_ASSIGN_OR_RETURN(auto keys, open("keys"));
  SHARD_ASSIGN_OR_RETURN(auto ids, shard::TimeOrderedIds::Open(keys, "orders"));
  options.keys = {shard::GenerateKey(Order::c.id, ids)};
  return options;
}

absl::Status Write(shard::ShardedSession& session) {
  for (int i = 0; i < 90; ++i) {
    auto order = std::make_shared<Order>();
    order->tenant = i % 3 == 0 ? "acme" : i % 3 == 1 ? "ada" : "bob";
    order->cents = i;
    SHARD_RETURN_IF_ERROR(session.Add(order));
  }
  // The ids are made first: they are part of what says where a row goes.
  return session.Commit().status();
}

absl::Status Read(shard::ShardedSession& session) {
  constexpr auto& c = Order::c;
  for (const char* tenant : {"acme", "ada", "bob"}) {
    SHARD_ASSIGN_OR_RETURN(
        const auto orders,
        session.Scalars(
            shard::Select<Order>().Where(c.tenant == tenant).OrderBy(c.id)));
    std::map<std::string, int> places;
    for (const auto& order : orders) {
      ++places[std::string(order->shard().name())];
    }
    std::cout << tenant << " has " << orders.size() << " orders on";
    for (const auto& [shard, count] : places) std::cout << " " << shard;
    // By time, since the ids are.
    std::cout << "; first " << orders.front()->cents.value() << ", last "
              << orders.back()->cents.value() << "\n";
  }
  SHARD_ASSIGN_OR_RETURN(
      const auto dearest,  // of all tenants, so all shards are asked
      session.Scalars(
          shard::Select<Order>().OrderBy(shard::Desc(c.cents)).Limit(2)));
  std::cout << "dearest: " << dearest[0]->tenant.value() << " "
            << dearest[1]->tenant.value() << "\n";
  return absl::OkStatus();
}

absl::Status Run(const std::string& folder) {
  SHARD_ASSIGN_OR_RETURN(const shard::SessionOptions options,
                         OpenShards(folder));
  shard::ShardedSession session(options);
  SHARD_RETURN_IF_ERROR(Write(session));
  return Read(session);
}

}  // namespace tenants

int main() {
  const partitioning::ScratchFolder folder;
  const absl::Status status = tenants::Run(folder.path());
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
