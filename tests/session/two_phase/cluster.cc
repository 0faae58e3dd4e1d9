#include "shard/tests/session/two_phase/cluster.h"

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "shard/dialects/schema.h"
#include "shard/router/list_strategy.h"

namespace shard::testing {
namespace {

template <class T>
T Must(absl::StatusOr<T> result) {
  if (!result.ok()) throw std::runtime_error(result.status().ToString());
  return *std::move(result);
}
void Must(const absl::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

}  // namespace

Cluster::Cluster(std::vector<std::string> urls, EngineOptions options)
    : urls_(std::move(urls)) {
  TopologyOptions topology;
  topology.cluster = "test";
  HorizontalOptions horizontal;
  horizontal.writes_without_key = KeylessWrites::kAllow;
  std::vector<std::pair<sql::Value, std::string>> places;
  for (std::size_t i = 0; i < urls_.size(); ++i) {
    options.name = absl::StrCat("d", i);
    const auto engine = Must(OpenEngine(urls_[i], options));
    horizontal.shards.emplace_back(options.name, engine);
    places.emplace_back(sql::Value(absl::StrCat("C", i)), options.name);
  }
  topology.databases = horizontal.shards;
  horizontal.rules.push_back(
      ShardBy(City::c.continent, Must(ListStrategy::Create(places))));
  options_.resolver = Must(HorizontalResolver::Create(horizontal));
  options_.topology = Must(Topology::Open(std::move(topology)));
  options_.recovery.background = false;
}

void Cluster::AddCities(ShardedSession& session, const std::string& name,
                        const std::vector<std::size_t>& databases) {
  for (const std::size_t database : databases) {
    Must(session.Add(MakeCity(absl::StrCat("C", database), name, 1)));
  }
  Must(session.Flush());
}

RecoveryReport Cluster::RecoverNow() {
  RecoveryOptions now;
  now.recover_after = absl::ZeroDuration();
  now.decision_retention = absl::ZeroDuration();
  return Recover(topology(), now);
}

Outside::Outside(const std::string& url) : engine_(Must(OpenEngine(url))) {}

std::string Outside::Text(std::string_view sql) {
  ShardedSession session(engine_);
  auto result = Must(session.Execute(sql));
  return Must(result.Scalar<std::string>());
}

std::int64_t Outside::Number(std::string_view sql) {
  ShardedSession session(engine_);
  auto result = Must(session.Execute(
      absl::StrCat("select cast((", std::string(sql), ") as bigint)")));
  return Must(result.Scalar<std::int64_t>());
}

void Outside::Run(std::string_view sql) {
  Must(Must(engine_->Connect())->ExecuteScript(sql));
}

bool Outside::is_postgres() const {
  return engine_->dialect().name() == "postgresql";
}

std::int64_t Outside::Cities(const std::string& name) {
  return Number(
      absl::StrCat("select count(*) from cities where name = '", name, "'"));
}

std::int64_t Outside::Prepared() {
  if (!is_postgres()) return 0;
  return Number(
      "select count(*) from pg_prepared_xacts where database = "
      "current_database() and gid like 'shard1/%'");
}

std::int64_t Outside::Decisions() {
  return Number("select count(*) from shard_decisions");
}

bool Outside::LocksAreFree() {
  const auto connection = Must(engine_->Connect());
  Must(connection->Begin());
  const bool free =
      is_postgres()
          ? connection
                ->ExecuteScript(
                    "lock table cities in access exclusive "
                    "mode nowait")
                .ok()
          : connection->ExecuteScript("update cities set name = name").ok();
  connection->Rollback().IgnoreError();
  return free;
}

MadeDatabases::MadeDatabases(std::string_view kinds,
                             const std::string& folder) {
  for (const char kind : kinds) {
    const std::size_t number = urls_.size();
    if (kind == 'S') {
      urls_.push_back(absl::StrCat("sqlite:///", folder, "/", number, ".db"));
    } else {
      servers_.push_back(kind == 'N' ? PostgresDatabase::WithoutPrepare()
                                     : PostgresDatabase::OnServer(number));
      urls_.push_back(servers_.back().url());
    }
    const auto engine = Must(OpenEngine(urls_.back()));
    Must(CreateAll(*engine, {&City::table()}));
    if (kind == 'S') continue;
    // Autovacuum locks a table when it likes: LocksAreFree would see that lock.
    Must(Must(engine->Connect())
             ->ExecuteScript(
                 "alter table cities set (autovacuum_enabled = false)"));
  }
}

bool MadeDatabases::CanMake(std::string_view kinds) {
  const bool prepares = kinds.find('P') != kinds.npos;
  const bool cannot = kinds.find('N') != kinds.npos;
  return (!prepares || CountPostgresServers() > 0) &&
         (!cannot || HasPostgresWithoutPrepare());
}

}  // namespace shard::testing
