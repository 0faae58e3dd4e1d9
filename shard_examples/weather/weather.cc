// Horizontal partitioning by functions of one's own: the weather of the world,
// its locations and reports on the shards of their continents. (SQLAlchemy's
// example of horizontal sharding, in C++.)
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/schema.h"
#include "shard/router/chooser_resolver.h"
#include "shard/router/request_values.h"
#include "shard/router/topology.h"
#include "shard/session/keys/generated_key.h"
#include "shard/session/keys/id_blocks.h"
#include "shard/session/sharded_session.h"
#include "shard_examples/partitioning/scratch_folder.h"

namespace weather {

template <class F>
struct LocationFields {
  shard::Field<F, std::int64_t, "id", shard::PrimaryKey> id;
  shard::Field<F, std::string, "continent"> continent;
  shard::Field<F, std::string, "city"> city;
};
struct WeatherLocation
    : shard::Entity<WeatherLocation, LocationFields, "weather_locations"> {};

// A report says its continent, too: it goes where its location is.
template <class F>
struct ReportFields {
  shard::Field<F, std::int64_t, "id", shard::PrimaryKey> id;
  shard::Field<F, std::int64_t, "location_id"> location_id;
  shard::Field<F, std::string, "continent"> continent;
  shard::Field<F, double, "temperature"> temperature;
};
struct Report : shard::Entity<Report, ReportFields, "weather_reports"> {};

const std::map<std::string, std::string>& ShardOfContinent() {
  static const std::map<std::string, std::string>& shards =
      *new std::map<std::string, std::string>{
          {"North America", "north_america"},
          {"Asia", "asia"},
          {"Europe", "europe"},
          {"South America", "south_america"}};
  return shards;
}

std::vector<std::string> AllShards() {
  return {"north_america", "asia", "europe", "south_america"};
}

const shard::sql::Column& ContinentOf(const shard::BindRequest& request) {
  return request.class_info == &Report::class_info()
             ? Report::c.continent.column()
             : WeatherLocation::c.continent.column();
}

absl::StatusOr<std::string> ShardOf(const shard::sql::Value& continent) {
  const auto shard =
      ShardOfContinent().find(std::string(continent.view().bytes()));
  if (shard == ShardOfContinent().end()) {
    return absl::InvalidArgumentError("no shard has that continent");
  }
  return shard->second;
}

// Where a new object goes: by its continent.
absl::StatusOr<std::string> ChooseForObject(const shard::BindRequest& request) {
  SHARD_ASSIGN_OR_RETURN(const auto continent,
                         shard::KnownValue(request, ContinentOf(request)));
  return ShardOf(continent);
}

// Where a primary key may be: it does not say, so everywhere.
absl::StatusOr<std::vector<std::string>> ChooseForIdentity(
    const shard::BindRequest&) {
  return AllShards();
}

// Where a statement must look: by what it says of continents, if it does.
absl::StatusOr<std::vector<std::string>> ChooseForStatement(
    const shard::BindRequest& request) {
  const auto continents = shard::PossibleValues(request, ContinentOf(request));
  if (!continents.has_value()) return AllShards();
  std::vector<std::string> shards;
  for (const auto& continent : *continents) {
    SHARD_ASSIGN_OR_RETURN(std::string shard, ShardOf(continent));
    shards.push_back(std::move(shard));
  }
  return shards;
}

absl::StatusOr<shard::SessionOptions> OpenShards(const std::string& folder) {
  const auto open = [&folder](const std::string& name) {
    return shard::OpenEngine("sqlite:///" + folder + "/" + name + ".db");
  };
  std::vector<std::pair<std::string, std::shared_ptr<shard::Engine>>> shards;
  for (const std::string& name : AllShards()) {
    SHARD_ASSIGN_OR_RETURN(auto engine, open(name));
    SHARD_RETURN_IF_ERROR(shard::CreateAll(
        *engine, {&WeatherLocation::table(), &Report::table()}));
    shards.emplace_back(name, engine);
  }
  shard::SessionOptions options;
  SHARD_ASSIGN_OR_RETURN(
      options.topology,
      shard::Topology::Open({.cluster = "weather", .databases = shards}));
  SHARD_ASSIGN_OR_RETURN(options.resolver,
                         shard::ChooserResolver::Create(
                             shards, {.shard = &ChooseForObject,
                                      .identity = &ChooseForIdentity,
                                      .statement = &ChooseForStatement}));
  // No shard numbers rows by itself: all share the ids of one more file.
  SHARD_ASSIGN_OR_RETURN(auto keys, open("keys"));
  SHARD_ASSIGN_OR_RETURN(auto ids, shard::IdBlocks::Open(keys, "weather"));
  options.keys = {shard::GenerateKey(WeatherLocation::c.id, ids),
                  shard::GenerateKey(Report::c.id, ids)};
  return options;
}

absl::Status Write(shard::ShardedSession& session) {
  const std::vector<std::tuple<std::string, std::string, double>> weather = {
      {"Asia", "Tokyo", 80.0},
      {"North America", "New York", 75.0},
      {"North America", "Toronto", 85.0},
      {"Europe", "London", 65.0},
      {"Europe", "Dublin", 45.0},
      {"South America", "Brasilia", 98.0},
      {"South America", "Quito", 64.0}};
  std::vector<std::shared_ptr<WeatherLocation>> locations;
  for (const auto& [continent, city, temperature] : weather) {
    auto& location =
        locations.emplace_back(std::make_shared<WeatherLocation>());
    location->continent = continent;
    location->city = city;
    SHARD_RETURN_IF_ERROR(session.Add(location));
  }
  SHARD_RETURN_IF_ERROR(session.Flush());
  for (std::size_t i = 0; i < locations.size(); ++i) {
    auto report = std::make_shared<Report>();
    report->location_id = locations[i]->id.value();
    report->continent = locations[i]->continent.value();
    report->temperature = std::get<2>(weather[i]);
    SHARD_RETURN_IF_ERROR(session.Add(report));
  }
  return session.Commit().status();
}

absl::Status Read(shard::ShardedSession& session) {
  constexpr auto& location = WeatherLocation::c;
  SHARD_ASSIGN_OR_RETURN(const auto tokyo,
                         session.Scalars(shard::Select<WeatherLocation>().Where(
                             location.city == "Tokyo")));
  std::cout << "Tokyo is location " << tokyo[0]->id.value() << " on "
            << tokyo[0]->shard().name() << "\n";

  std::vector<std::string> here = {"North America", "Europe"};
  SHARD_ASSIGN_OR_RETURN(
      const auto north,
      session.Scalars(shard::Select<WeatherLocation>()
                          .Where(shard::In(location.continent, here))
                          .OrderBy(location.city)));
  for (const auto& found : north) {
    std::cout << found->city.value() << " on " << found->shard().name() << "\n";
  }

  constexpr auto& report = Report::c;
  SHARD_ASSIGN_OR_RETURN(
      const auto hot,
      session.Scalars(shard::Select<Report>()
                          .Where(report.temperature > 75)
                          .OrderBy(shard::Desc(report.temperature))));
  for (const auto& found : hot) {
    SHARD_ASSIGN_OR_RETURN(const auto where, session.Get<WeatherLocation>(
                                                 found->location_id.value()));
    std::cout << found->temperature.value() << " degrees in "
              << where->city.value() << "\n";
  }
  return absl::OkStatus();
}

absl::Status Run(const std::string& folder) {
  SHARD_ASSIGN_OR_RETURN(const shard::SessionOptions options,
                         OpenShards(folder));
  shard::ShardedSession writer(options), reader(options);
  SHARD_RETURN_IF_ERROR(Write(writer));
  return Read(reader);
}

}  // namespace weather

int main() {
  const partitioning::ScratchFolder folder;
  const absl::Status status = weather::Run(folder.path());
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
