// shardctl topology check: whether a topology file is right, and fits the
// databases that it names.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "shard/base/status_macros.h"
#include "shard/dialects/connection.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/participant.h"
#include "shard/router/topology_config.h"
#include "shard/tools/shardctl/cluster_config.h"
#include "shard/tools/shardctl/commands.h"
#include "shard/tools/shardctl/databases.h"
#include "shard/tools/shardctl/file_routing.h"
#include "shard/tools/shardctl/finding_level.h"
#include "shard/tools/shardctl/stamp_check.h"
#include "shard/tools/shardctl/table.h"

namespace shard::shardctl {
namespace {

using MaybeStamp = std::optional<Stamp>;

absl::StatusOr<MaybeStamp> Read(const Database& database,
                                absl::Duration timeout) {
  SHARD_RETURN_IF_ERROR(database.reached);
  SHARD_ASSIGN_OR_RETURN(const PooledConnection connection,
                         database.engine->Connect());
  connection->set_deadline(absl::Now() + timeout);
  return connection->participant().ReadStamp();
}

// A replica has the stamp of its database, since it has all of it.
Finding LookAtReplica(const std::string& primary, const MaybeStamp& of_primary,
                      const MaybeStamp& stamp) {
  Finding finding{Finding::kOk, absl::StrCat("replica of '", primary, "'"), "",
                  ""};
  if (!stamp.has_value()) {
    finding.value = "none";
  } else {
    finding.value = StampText(*stamp);
  }
  const bool same = stamp.has_value() && of_primary.has_value() &&
                    stamp->identity == of_primary->identity;
  if (same || !of_primary.has_value()) return finding;
  finding.level = Finding::kError;
  finding.advice = absl::StrCat("its stamp is not that of '", primary,
                                "', so it is no copy of it");
  return finding;
}

class FileCheck {
 public:
  FileCheck(const CommandLine* line, Output* output)
      : line_(*line), output_(*output) {}

  void Look(const TopologyConfig& config, const ClusterConfig& cluster,
            const std::vector<Database>& databases,
            const std::vector<Database>& replicas) {
    StampCheck stamps(&cluster);
    std::size_t next = 0;  // of the replicas
    for (std::size_t i = 0; i < databases.size(); ++i) {
      const auto stamp = Read(databases[i], line_.timeout);
      if (stamp.ok()) {
        Add(databases[i], stamps.Look(databases[i].name, *stamp), *stamp);
      } else {
        AddUnreachable(databases[i], stamp.status());
      }
      for (const DatabaseConfig& replica : config.databases[i].replicas) {
        (void)replica;
        const Database& database = replicas[next++];
        const auto its = Read(database, line_.timeout);
        if (!its.ok()) {
          AddUnreachable(database, its.status());
          continue;
        }
        Add(database,
            LookAtReplica(databases[i].name, stamp.ok() ? *stamp : MaybeStamp(),
                          *its),
            *its);
      }
    }
  }

  void ShowRouters(const TopologyConfig& config) {
    Json routers = Json::array();
    const std::vector<std::string> unknown = UnknownRouters(config);
    Table table({"ROUTER", "TYPE"});
    for (const RouterConfig& router : config.routers) {
      const bool known = std::find(unknown.begin(), unknown.end(),
                                   router.name) == unknown.end();
      table.Add({router.name, router.type});
      if (!known) {
        table.AddNote("only programs that register this type know it");
      }
      routers.push_back(
          {{"router", router.name}, {"type", router.type}, {"known", known}});
    }
    if (!config.routers.empty()) {
      output_.Print(table);
      output_.text() << "\n";
    }
    output_.object()["routers"] = std::move(routers);
  }

  ExitCode Show() {
    output_.Print(table_);
    output_.object()["databases"] = std::move(databases_);
    return code_;
  }

 private:
  void Add(const Database& database, const Finding& finding,
           const MaybeStamp& stamp) {
    const Table::Cell level = LevelCell(finding.level);
    code_ = Worse(code_, CodeOf(finding.level));
    table_.Add({database.name, level, finding.subject, finding.value});
    if (!finding.advice.empty()) table_.AddNote(finding.advice);
    databases_.push_back({{"database", database.name},
                          {"url", database.url},
                          {"reached", true},
                          {"stamp", StampJson(stamp)},
                          {"level", level.text},
                          {"subject", finding.subject},
                          {"advice", TextJson(finding.advice)}});
  }

  void AddUnreachable(const Database& database, const absl::Status& error) {
    code_ = Worse(code_, ExitCode::kUnreachable);
    table_.Add({database.name,
                {"unreachable", Color::kRed},
                std::string("url"),
                database.url});
    table_.AddNote(std::string(error.message()));
    databases_.push_back({{"database", database.name},
                          {"url", database.url},
                          {"reached", false},
                          {"stamp", nullptr},
                          {"level", "unreachable"},
                          {"subject", "url"},
                          {"advice", nullptr}});
    output_.Problem(database.name, error);
  }

  const CommandLine& line_;
  Output& output_;
  Table table_{{"DATABASE", "LEVEL", "SUBJECT", "VALUE"}};
  Json databases_ = Json::array();
  ExitCode code_ = ExitCode::kOk;
};

}  // namespace

absl::StatusOr<ExitCode> RunTopologyCheck(const CommandLine& line,
                                          Output& output) {
  SHARD_ASSIGN_OR_RETURN(const TopologyConfig config,
                         ReadTopologyFile(line.topology_file));
  FileCheck check(&line, &output);
  output.object()["cluster"] = config.cluster;
  output.object()["epoch"] = config.epoch.value_or(1);
  output.text() << "cluster '" << config.cluster << "', slot map epoch "
                << config.epoch.value_or(1) << "\n\n";
  check.ShowRouters(config);  // before those that are unknown get a stand-in
  if (const absl::Status made = MakeFileRouting(config).status(); !made.ok()) {
    return Annotate(made,
                    absl::StrCat("topology file '", line.topology_file, "'"));
  }
  const ClusterConfig cluster = ClusterConfigOf(config);
  ClusterConfig of_replicas = cluster;
  of_replicas.databases.clear();
  for (const DatabaseConfig& database : config.databases) {
    for (const DatabaseConfig& replica : database.replicas) {
      of_replicas.databases.emplace_back(replica.name, replica.url);
    }
  }
  SHARD_ASSIGN_OR_RETURN(
      const std::vector<Database> databases,
      OpenDatabases(cluster, line.timeout, MissingFile::kIsAnError));
  SHARD_ASSIGN_OR_RETURN(
      const std::vector<Database> replicas,
      OpenDatabases(of_replicas, line.timeout, MissingFile::kIsAnError));
  check.Look(config, cluster, databases, replicas);
  return check.Show();
}

}  // namespace shard::shardctl
