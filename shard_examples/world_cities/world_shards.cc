#include "shard_examples/world_cities/world_shards.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/engine.h"
#include "shard/dialects/schema.h"
#include "shard/router/list_strategy.h"
#include "shard_examples/world_cities/cities.h"

namespace world_cities {
namespace {

// Makes the database `name` on the server and returns its URL.
absl::StatusOr<std::string> CreateDatabase(const std::string& server,
                                           const std::string& name) {
  SHARD_ASSIGN_OR_RETURN(const auto engine, shard::OpenEngine(server));
  SHARD_ASSIGN_OR_RETURN(const auto connection, engine->Connect());
  SHARD_RETURN_IF_ERROR(connection->ExecuteScript(
      absl::StrCat("DROP DATABASE IF EXISTS ", name)));
  SHARD_RETURN_IF_ERROR(
      connection->ExecuteScript(absl::StrCat("CREATE DATABASE ", name)));
  const std::size_t database = server.rfind('/');
  return absl::StrCat(server.substr(0, database + 1), name);
}

}  // namespace

const std::vector<Place>& Places() {
  static const auto& places = *new std::vector<Place>{
      {"europe", {"EU"}},
      {"asia", {"AS"}},
      {"america", {"NA", "SA"}},
      {"south", {"AF", "AN", "OC"}},
  };
  return places;
}

std::string Touched::Take() {
  const std::lock_guard lock(mutex_);
  const std::set<std::string> shards = std::exchange(shards_, {});
  if (shards.size() == Places().size()) {
    return absl::StrCat("all ", shards.size());
  }
  return absl::StrJoin(shards, ", ");
}

absl::StatusOr<WorldShards> OpenShards(const std::string& folder,
                                       const std::vector<std::string>& servers,
                                       Touched* touched) {
  shard::HorizontalOptions options;
  std::vector<std::pair<shard::sql::Value, std::string>> list;
  for (const Place& place : Places()) {
    std::string url =
        absl::StrCat("sqlite:///", folder, "/", place.shard, ".db");
    if (!servers.empty()) {
      const std::string& server =
          servers[options.shards.size() % servers.size()];
      SHARD_ASSIGN_OR_RETURN(
          url, CreateDatabase(server, absl::StrCat("cities_", place.shard)));
    }
    shard::EngineOptions engine_options;
    engine_options.name = place.shard;
    engine_options.on_statement = [touched,
                                   name = place.shard](const auto& event) {
      // BEGIN and COMMIT say nothing of where data was looked for.
      if (event.parameters > 0 || event.statement.starts_with("SELECT")) {
        touched->Note(name);
      }
    };
    SHARD_ASSIGN_OR_RETURN(const auto engine,
                           shard::OpenEngine(url, engine_options));
    SHARD_RETURN_IF_ERROR(
        CreateAll(*engine, {&City::table(), &Report::table()}));
    options.shards.emplace_back(place.shard, engine);
    for (const std::string& continent : place.continents) {
      list.emplace_back(continent, place.shard);
    }
  }
  SHARD_ASSIGN_OR_RETURN(const auto by_continent,
                         shard::ListStrategy::Create(list));
  options.rules = {shard::ShardBy(City::c.continent, by_continent),
                   shard::ShardBy(Report::c.continent, by_continent)};
  WorldShards shards{nullptr, options.shards};
  SHARD_ASSIGN_OR_RETURN(shards.resolver,
                         shard::HorizontalResolver::Create(std::move(options)));
  return shards;
}

}  // namespace world_cities
