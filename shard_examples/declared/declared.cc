// Horizontal partitioning by one declaration: cities on the shards of their
// continents, with ids that are unique over all shards.
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/schema.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/list_strategy.h"
#include "shard/router/topology.h"
#include "shard/session/keys/generated_key.h"
#include "shard/session/keys/id_blocks.h"
#include "shard/session/sharded_session.h"
#include "shard_examples/partitioning/scratch_folder.h"

namespace declared {

template <class F>
struct CityFields {
  shard::Field<F, std::int64_t, "id", shard::PrimaryKey> id;
  shard::Field<F, std::string, "continent"> continent;
  shard::Field<F, std::string, "name"> name;
  shard::Field<F, std::int64_t, "population"> population;
};
struct City : shard::Entity<City, CityFields, "cities"> {};

std::shared_ptr<City> MakeCity(std::string continent, std::string name,
                               std::int64_t population) {
  auto city = std::make_shared<City>();
  city->continent = std::move(continent);
  city->name = std::move(name);
  city->population = population;
  return city;
}

// Sessions over four files, and a fifth for what numbers their rows.
absl::StatusOr<shard::SessionOptions> OpenShards(const std::string& folder) {
  const auto open = [&folder](const std::string& name) {
    return shard::OpenEngine("sqlite:///" + folder + "/" + name + ".db");
  };
  shard::HorizontalOptions horizontal;
  for (const char* name : {"africa", "asia", "europe", "north_america"}) {
    SHARD_ASSIGN_OR_RETURN(auto engine, open(name));
    SHARD_RETURN_IF_ERROR(shard::CreateAll(*engine, {&City::table()}));
    horizontal.shards.emplace_back(name, engine);
  }
  // The declaration. All that decides where to look follows from it.
  SHARD_ASSIGN_OR_RETURN(
      auto by_continent,
      shard::ListStrategy::Create({{"Africa", "africa"},
                                   {"Asia", "asia"},
                                   {"Europe", "europe"},
                                   {"North America", "north_america"}}));
  horizontal.rules = {shard::ShardBy(City::c.continent, by_continent)};

  shard::SessionOptions options;
  SHARD_ASSIGN_OR_RETURN(
      options.topology,
      shard::Topology::Open(
          {.cluster = "cities", .databases = horizontal.shards}));
  SHARD_ASSIGN_OR_RETURN(options.resolver,
                         shard::HorizontalResolver::Create(horizontal));
  SHARD_ASSIGN_OR_RETURN(auto keys, open("keys"));
  SHARD_ASSIGN_OR_RETURN(auto ids, shard::IdBlocks::Open(keys, "cities"));
  options.keys = {shard::GenerateKey(City::c.id, ids)};
  return options;
}

absl::Status Write(shard::ShardedSession& session) {
  std::vector<std::shared_ptr<City>> cities = {
      MakeCity("Asia", "Tokyo", 37), MakeCity("Africa", "Cairo", 22),
      MakeCity("Europe", "Paris", 11), MakeCity("North America", "Quebec", 1),
      MakeCity("Asia", "Delhi", 32)};
  for (const auto& city : cities) SHARD_RETURN_IF_ERROR(session.Add(city));
  SHARD_ASSIGN_OR_RETURN(const shard::CommitResult done, session.Commit());
  std::cout << done.ToString() << "\n";
  for (const auto& city : cities) {
    std::cout << city->name.value() << " has id " << city->id.value()
              << " and is on " << city->shard().name() << "\n";
  }
  return absl::OkStatus();
}

absl::Status Read(shard::ShardedSession& session) {
  constexpr auto& c = City::c;
  // Two shards can have such rows, and two are asked.
  SHARD_ASSIGN_OR_RETURN(
      const auto largest,
      session.Scalars(shard::Select<City>()
                          .Where(shard::In(c.continent, {"Asia", "Europe"}))
                          .OrderBy(shard::Desc(c.population))));
  std::cout << "Asia and Europe:";
  for (const auto& city : largest) std::cout << " " << city->name.value();
  // The id does not say where the row is: all shards are asked.
  SHARD_ASSIGN_OR_RETURN(const auto second, session.Get<City>(2));
  std::cout << "\ncity 2 is " << second->name.value() << " on "
            << second->shard().name() << "\n";
  // A row does not move by itself.
  second->continent = "Atlantis";
  std::cout << "refused: " << session.Flush().message() << "\n";
  session.Rollback();
  return absl::OkStatus();
}

absl::Status Run(const std::string& folder) {
  SHARD_ASSIGN_OR_RETURN(const shard::SessionOptions options,
                         OpenShards(folder));
  shard::ShardedSession session(options);
  SHARD_RETURN_IF_ERROR(Write(session));
  return Read(session);
}

}  // namespace declared

int main() {
  const partitioning::ScratchFolder folder;
  const absl::Status status = declared::Run(folder.path());
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
