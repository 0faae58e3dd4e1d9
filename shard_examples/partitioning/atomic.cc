// One commit over a SQLite file and a PostgreSQL server.
//
//   atomic postgresql://...    without an argument: SHARD_TEST_POSTGRES_URLS
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "shard/base/status_macros.h"
#include "shard/dialects/schema.h"
#include "shard/router/topology.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/sharded_session.h"
#include "shard_examples/partitioning/scratch_folder.h"

template <class F>
struct OrderFields {
  shard::Field<F, std::int64_t, "id", shard::PrimaryKey> id;
  shard::Field<F, std::int64_t, "cents"> cents;
};
struct Order : shard::Entity<Order, OrderFields, "orders"> {};

template <class F>
struct EntryFields {
  shard::Field<F, std::int64_t, "id", shard::PrimaryKey> id;
  shard::Field<F, std::int64_t, "cents"> cents;
};
struct Entry : shard::Entity<Entry, EntryFields, "entries"> {};

// [readme]
absl::Status Atomic(std::shared_ptr<shard::Engine> shop,
                    std::shared_ptr<shard::Engine> ledger) {
  SHARD_ASSIGN_OR_RETURN(
      auto topology, shard::Topology::Open(
                         {.cluster = "shop",
                          .databases = {{"shop", shop}, {"ledger", ledger}}}));
  auto resolver = std::make_shared<shard::VerticalResolver>();
  resolver->BindClass(Order::class_info(), shop)
      .BindClass(Entry::class_info(), ledger);
  shard::ShardedSession session({.resolver = resolver, .topology = topology});

  auto order = std::make_shared<Order>();
  order->cents = 1995;
  auto entry = std::make_shared<Entry>();
  entry->cents = 1995;
  SHARD_RETURN_IF_ERROR(session.Add(order));
  SHARD_RETURN_IF_ERROR(session.Add(entry));
  auto done = session.Commit();  // in both databases or in none
  if (!done.ok()) {
    // Not committed anywhere, but for one case: nobody knows yet.
    if (auto doubt = shard::InDoubtOf(done.status())) {
      return session.Resolve(doubt->transaction).status();
    }
    return done.status();
  }
  // Decided. What is still pending, recovery commits: do not do it again.
  std::cout << done->ToString() << "\n";
  return absl::OkStatus();
}
// [/readme]

absl::Status Run(const std::string& server, const std::string& folder) {
  SHARD_ASSIGN_OR_RETURN(auto at_server, shard::OpenEngine(server));
  SHARD_ASSIGN_OR_RETURN(auto connection, at_server->Connect());
  SHARD_RETURN_IF_ERROR(connection->ExecuteScript(
      "DROP DATABASE IF EXISTS shard_example_shop WITH (FORCE)"));
  SHARD_RETURN_IF_ERROR(
      connection->ExecuteScript("CREATE DATABASE shard_example_shop"));
  const std::string shop_url =
      server.substr(0, server.rfind('/')) + "/shard_example_shop";
  SHARD_ASSIGN_OR_RETURN(auto shop,
                         shard::OpenEngine(shop_url, {.name = "shop"}));
  SHARD_ASSIGN_OR_RETURN(auto ledger,
                         shard::OpenEngine("sqlite:///" + folder + "/ledger.db",
                                           {.name = "ledger"}));
  SHARD_RETURN_IF_ERROR(shard::CreateAll(*shop, {&Order::table()}));
  SHARD_RETURN_IF_ERROR(shard::CreateAll(*ledger, {&Entry::table()}));
  return Atomic(shop, ledger);
}

int main(int argc, char** argv) {
  const char* const servers = std::getenv("SHARD_TEST_POSTGRES_URLS");
  std::string server = argc > 1 ? argv[1] : servers == nullptr ? "" : servers;
  server = server.substr(0, server.find(','));
  if (server.empty()) {
    std::cout << "skipped: name a PostgreSQL server\n";
    return 0;
  }
  const partitioning::ScratchFolder folder;
  const absl::Status status = Run(server, folder.path());
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
