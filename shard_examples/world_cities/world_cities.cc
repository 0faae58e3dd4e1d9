// Cities of the world on four shards, by continent, with weather reports beside
// them: what a service does with a ShardedSession, on one screen.
//
//   world_cities                           on SQLite files in a scratch folder
//   world_cities --postgres=URL,URL        on PostgreSQL servers
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "shard/base/status_macros.h"
#include "shard/router/topology.h"
#include "shard/session/session_maker.h"
#include "shard/session/sharded_session.h"
#include "shard/sql/functions.h"
#include "shard_examples/world_cities/cities.h"
#include "shard_examples/world_cities/city_reader.h"
#include "shard_examples/world_cities/progress_bar.h"
#include "shard_examples/world_cities/world_shards.h"

ABSL_FLAG(
    std::vector<std::string>, postgres, {},
    "URLs of PostgreSQL servers to put the shards on; none: SQLite files");
ABSL_FLAG(std::string, data, "shard_examples/world_cities/data/cities.csv",
          "the data set");

namespace world_cities {
namespace {

using shard::BindTo;
using shard::Count;
using shard::Desc;
using shard::In;
using shard::Select;
using shard::ShardedSession;

constexpr std::size_t kBatch = 5000;
constexpr std::int64_t kHelsinki = 658225;

// Prints one line for each step: what was done, where, and how long it took.
class Screen {
 public:
  explicit Screen(Touched* touched) : touched_(*touched) {
    std::printf("\n%-44s %-15s %9s %10s\n", "What", "Shards touched", "Rows",
                "Time");
  }
  // Call it right before the work that the next Line tells of.
  void Start() {
    touched_.Take();
    begin_ = std::chrono::steady_clock::now();
  }
  void Line(const std::string& what, std::size_t rows) {
    const std::chrono::duration<double, std::milli> took =
        std::chrono::steady_clock::now() - begin_;
    std::printf("%-44s %-15s %9zu %7.2f ms\n", what.c_str(),
                touched_.Take().c_str(), rows, took.count());
  }

 private:
  Touched& touched_;
  std::chrono::steady_clock::time_point begin_;
};

// The weather itself is made up: warmer towards the equator.
std::shared_ptr<Report> MakeReport(const City& city) {
  auto report = std::make_shared<Report>();
  report->city = city.geonameid.value();
  report->continent = city.continent.value();
  report->celsius = 30.0 - std::abs(city.latitude.value()) / 2;
  return report;
}

absl::Status Load(ShardedSession& session) {
  SHARD_ASSIGN_OR_RETURN(const auto cities,
                         ReadCities(absl::GetFlag(FLAGS_data)));
  const auto begin = std::chrono::steady_clock::now();
  std::size_t reports = 0;
  {
    ProgressBar bar("Loading", cities.size());
    for (std::size_t i = 0; i < cities.size(); ++i) {
      SHARD_RETURN_IF_ERROR(session.Add(cities[i]));
      if (cities[i]->population.value() >= 1'000'000) {
        SHARD_RETURN_IF_ERROR(session.Add(MakeReport(*cities[i])));
        ++reports;
      }
      if (i % kBatch == kBatch - 1) {
        SHARD_RETURN_IF_ERROR(session.Flush());
        bar.Show(i);
      }
    }
  }
  SHARD_ASSIGN_OR_RETURN(const shard::CommitResult done, session.Commit());
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - begin;
  std::printf("Loaded %zu cities and %zu weather reports in %.2f s; %s\n",
              cities.size(), reports, took.count(), done.ToString().c_str());
  return absl::OkStatus();
}

absl::Status ShowWhereRowsWent(ShardedSession& session) {
  std::printf("\n%-10s %-14s %8s %9s\n", "Shard", "Continents", "Cities",
              "Reports");
  for (const Place& place : Places()) {
    // An aggregate is asked of one shard at a time.
    const auto on_shard = shard::OnShard(place.shard);
    SHARD_ASSIGN_OR_RETURN(
        auto cities,
        session.Execute(Select(Count(City::c.geonameid)), {}, on_shard));
    SHARD_ASSIGN_OR_RETURN(
        auto reports,
        session.Execute(Select(Count(Report::c.id)), {}, on_shard));
    SHARD_ASSIGN_OR_RETURN(const auto city_count,
                           cities.Scalar<std::int64_t>());
    SHARD_ASSIGN_OR_RETURN(const auto report_count,
                           reports.Scalar<std::int64_t>());
    std::printf("%-10s %-14s %8lld %9lld\n", place.shard.c_str(),
                absl::StrJoin(place.continents, " ").c_str(),
                static_cast<long long>(city_count),
                static_cast<long long>(report_count));
  }
  return absl::OkStatus();
}

absl::Status ReadOne(ShardedSession& session, Screen& screen) {
  screen.Start();
  SHARD_ASSIGN_OR_RETURN(
      const auto helsinki,
      session.Get<City>(kHelsinki, shard::OnShard("europe")));
  if (helsinki == nullptr) return absl::NotFoundError("Helsinki is missing");
  screen.Line("Point read: Get<City>(658225) on its shard", 1);
  screen.Start();
  SHARD_ASSIGN_OR_RETURN(const auto tokyo, session.Get<City>(1850147));
  if (tokyo == nullptr) return absl::NotFoundError("Tokyo is missing");
  screen.Line("Point read by primary key, shard not known", 1);
  std::printf("    %s (%s) came from '%s', %s (%s) from '%s'\n",
              helsinki->name.value().c_str(), helsinki->country.value().c_str(),
              helsinki->shard().name().c_str(), tokyo->name.value().c_str(),
              tokyo->country.value().c_str(), tokyo->shard().name().c_str());
  return absl::OkStatus();
}

absl::Status ReadMany(ShardedSession& session, Screen& screen) {
  constexpr auto& c = City::c;
  screen.Start();
  SHARD_ASSIGN_OR_RETURN(
      const auto names,
      session.Scalars(Select(c.name).Where(In(c.continent, {"AS", "OC"}) &&
                                           c.population > 100'000)));
  screen.Line("Pruned read: continent IN ('AS', 'OC')", names.size());
  screen.Start();
  SHARD_ASSIGN_OR_RETURN(
      const auto largest,
      session.Scalars(
          Select<City>().OrderBy(Desc(c.population), c.geonameid).Limit(5)));
  screen.Line("Ordered read over all: 5 largest cities", largest.size());
  for (const auto& city : largest) {
    std::printf("    %-16s %-4s %10lld   (%s)\n", city->name.value().c_str(),
                city->country.value().c_str(),
                static_cast<long long>(city->population.value()),
                city->shard().name().c_str());
  }
  return absl::OkStatus();
}

absl::Status JoinReports(ShardedSession& session, Screen& screen) {
  constexpr auto& c = City::c;
  constexpr auto& r = Report::c;
  screen.Start();
  // Rows that belong together are on one shard, since both go by continent.
  SHARD_ASSIGN_OR_RETURN(
      auto result, session.Execute(Select(c.name, r.celsius)
                                       .Join<Report>(r.city == c.geonameid &&
                                                     r.continent == c.continent)
                                       .OrderBy(r.celsius, c.geonameid)
                                       .Limit(3)));
  SHARD_ASSIGN_OR_RETURN(const auto coldest, result.All());
  screen.Line("Join beside the city: 3 coldest reports", coldest.size());
  for (const shard::Row& row : coldest) {
    SHARD_ASSIGN_OR_RETURN(const auto name, row.Get<std::string>("name"));
    SHARD_ASSIGN_OR_RETURN(const auto celsius, row.Get<double>("celsius"));
    std::printf("    %-16s %5.1f C            (%s)\n", name.c_str(), celsius,
                row.shard().name().c_str());
  }
  return absl::OkStatus();
}

absl::Status UpdateOne(ShardedSession& session, Screen& screen) {
  SHARD_ASSIGN_OR_RETURN(
      const auto helsinki,
      session.Get<City>(kHelsinki, shard::OnShard("europe")));
  const std::int64_t before = helsinki->population.value();
  screen.Start();
  helsinki->population = City::c.population + 1;  // evaluated by the database
  SHARD_RETURN_IF_ERROR(session.Flush());
  screen.Line("Update: population = population + 1", 1);
  screen.Start();
  const std::int64_t after = helsinki->population.value();
  screen.Line("Its reload on first access", 1);
  SHARD_ASSIGN_OR_RETURN(const shard::CommitResult done, session.Commit());
  std::printf("    %lld -> %lld; %s\n", static_cast<long long>(before),
              static_cast<long long>(after), done.ToString().c_str());
  if (after != before + 1) return absl::InternalError("the update was lost");
  return absl::OkStatus();
}

absl::Status UpdateTwo(ShardedSession& session, Screen& screen) {
  SHARD_ASSIGN_OR_RETURN(const auto tokyo, session.Get<City>(1850147));
  SHARD_ASSIGN_OR_RETURN(
      const auto helsinki,
      session.Get<City>(kHelsinki, shard::OnShard("europe")));
  screen.Start();
  tokyo->population = City::c.population - 1;  // somebody moves
  helsinki->population = City::c.population + 1;
  SHARD_ASSIGN_OR_RETURN(const shard::CommitResult done, session.Commit());
  screen.Line("Commit of a change on two shards", 2);
  std::printf("    %s%s\n", done.ToString().c_str(),
              done.transaction.empty() ? "" : ", as one");
  return absl::OkStatus();
}

absl::Status Run() {
  const std::vector<std::string> servers = absl::GetFlag(FLAGS_postgres);
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() /
      absl::StrCat("world_cities_",
                   std::chrono::steady_clock::now().time_since_epoch().count());
  std::filesystem::create_directories(folder);
  Touched touched;
  std::printf("Cities of the world (GeoNames, CC BY 4.0) on 4 shards: %s\n",
              servers.empty() ? "SQLite files"
                              : absl::StrCat("databases on ", servers.size(),
                                             " PostgreSQL servers")
                                    .c_str());
  SHARD_ASSIGN_OR_RETURN(const WorldShards shards,
                         OpenShards(folder.string(), servers, &touched));
  shard::SessionOptions options{.resolver = shards.resolver};
  SHARD_ASSIGN_OR_RETURN(options.topology,
                         shard::Topology::Open({.cluster = "world_cities",
                                                .databases = shards.engines}));
  std::printf("Commits: on all shards or none\n");
  const shard::SessionMaker make_session(options);
  {
    ShardedSession session = make_session();
    SHARD_RETURN_IF_ERROR(Load(session));
  }
  ShardedSession session = make_session();
  SHARD_RETURN_IF_ERROR(ShowWhereRowsWent(session));
  Screen screen(&touched);
  SHARD_RETURN_IF_ERROR(ReadOne(session, screen));
  SHARD_RETURN_IF_ERROR(ReadMany(session, screen));
  SHARD_RETURN_IF_ERROR(JoinReports(session, screen));
  SHARD_RETURN_IF_ERROR(UpdateOne(session, screen));
  SHARD_RETURN_IF_ERROR(UpdateTwo(session, screen));
  session.Close();
  std::filesystem::remove_all(folder);
  return absl::OkStatus();
}

}  // namespace
}  // namespace world_cities

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Cities of the world on four shards");
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = world_cities::Run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "world_cities: %s\n", status.ToString().c_str());
  return 1;
}
