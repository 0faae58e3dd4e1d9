#include "shard/router/topology_config.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"
#include "shard/dialects/url.h"

namespace shard {
namespace {

constexpr std::int64_t kMostConnections = 10'000;

class Reader {
 public:
  explicit Reader(const Variables& variables) : variables_(variables) {}

  absl::StatusOr<TopologyConfig> Read(const ConfigNode& file) {
    SHARD_RETURN_IF_ERROR(file.CheckMembers(
        {"cluster", "epoch", "databases", "routers", "binds", "default"}));
    if (const ConfigNode* const cluster = file.Find("cluster")) {
      SHARD_ASSIGN_OR_RETURN(config_.cluster, cluster->AsText());
      if (!IsConfigName(config_.cluster)) {
        return cluster->Wrong(NotAName("a cluster"));
      }
    }
    if (const ConfigNode* const epoch = file.Find("epoch")) {
      SHARD_ASSIGN_OR_RETURN(config_.epoch, epoch->AsInteger(1));
    }
    SHARD_RETURN_IF_ERROR(ReadDatabases(file));
    if (const ConfigNode* const routers = file.Find("routers")) {
      SHARD_RETURN_IF_ERROR(ReadRouters(*routers));
    }
    if (const ConfigNode* const binds = file.Find("binds")) {
      SHARD_ASSIGN_OR_RETURN(const auto* members, binds->AsObject());
      for (const ConfigNode& bind : *members) {
        SHARD_ASSIGN_OR_RETURN(config_.binds.emplace_back(),
                               ReadPlace(bind.name(), bind));
      }
    }
    if (const ConfigNode* const otherwise = file.Find("default")) {
      SHARD_ASSIGN_OR_RETURN(config_.otherwise, ReadPlace("", *otherwise));
    }
    return std::move(config_);
  }

 private:
  static std::string NotAName(std::string_view of) {
    return absl::StrCat("the name of ", ToAbsl(of),
                        " has 1 to 63 letters, digits, '_', '-' and '.', and "
                        "no others");
  }

  // Databases, replicas and routers share their names.
  absl::Status TakeName(std::string_view what, const ConfigNode& value,
                        std::size_t number) {
    if (!IsConfigName(value.name())) {
      return value.Wrong(
          NotAName(absl::StrCat(ToAbsl(what), " (number ", number, ")")));
    }
    for (const ConfigNode* const other : named_) {
      if (other->name() != value.name()) continue;
      return value.Wrong(absl::StrCat(
          "the name stands in line ", other->line(),
          " already; databases, replicas and routers have names of their own"));
    }
    named_.push_back(&value);
    return absl::OkStatus();
  }

  absl::Status ReadDatabases(const ConfigNode& file) {
    const ConfigNode* const databases = file.Find("databases");
    if (databases == nullptr) return file.Wrong("there are no databases");
    SHARD_ASSIGN_OR_RETURN(const auto* members, databases->AsObject());
    if (members->empty()) return databases->Wrong("there are no databases");
    for (const ConfigNode& member : *members) {
      SHARD_RETURN_IF_ERROR(
          TakeName("a database", member, config_.databases.size() + 1));
      SHARD_ASSIGN_OR_RETURN(config_.databases.emplace_back(),
                             ReadDatabase(member, /*is_replica=*/false));
    }
    return absl::OkStatus();
  }

  // A URL alone, or an object.
  absl::StatusOr<DatabaseConfig> ReadDatabase(const ConfigNode& value,
                                              bool is_replica) {
    DatabaseConfig database;
    database.name = value.name();
    database.source = value;
    database.options.name = value.name();
    if (value.is_text()) {
      SHARD_ASSIGN_OR_RETURN(database.url, ReadUrl(value));
      return database;
    }
    SHARD_RETURN_IF_ERROR(
        value.CheckMembers(is_replica ? kReplicaMembers : kDatabaseMembers));
    SHARD_ASSIGN_OR_RETURN(const ConfigNode* url, value.Need("url"));
    SHARD_ASSIGN_OR_RETURN(database.url, ReadUrl(*url));
    SHARD_RETURN_IF_ERROR(ReadOptions(value, &database.options));
    if (const ConfigNode* const replicas = value.Find("replicas")) {
      SHARD_ASSIGN_OR_RETURN(const auto* members, replicas->AsObject());
      for (const ConfigNode& member : *members) {
        SHARD_RETURN_IF_ERROR(
            TakeName("a replica", member, database.replicas.size() + 1));
        SHARD_ASSIGN_OR_RETURN(database.replicas.emplace_back(),
                               ReadDatabase(member, /*is_replica=*/true));
      }
    }
    return database;
  }

  absl::StatusOr<std::string> ReadUrl(const ConfigNode& value) const {
    SHARD_ASSIGN_OR_RETURN(const std::string text, value.AsText());
    const absl::StatusOr<std::string> url = WithVariables(text, variables_);
    if (!url.ok()) return value.Wrong(ToStd(url.status().message()));
    const absl::Status parsed = Url::Parse(*url).status();
    if (!parsed.ok()) return value.Wrong(ToStd(parsed.message()));
    return url;
  }

  static absl::Status ReadOptions(const ConfigNode& value,
                                  EngineOptions* options) {
    if (const ConfigNode* const size = value.Find("pool_size")) {
      SHARD_ASSIGN_OR_RETURN(const std::int64_t number,
                             size->AsInteger(1, kMostConnections));
      options->pool_size = static_cast<std::size_t>(number);
    }
    const std::pair<const char*, absl::Duration*> durations[] = {
        {"pool_timeout", &options->pool_timeout},
        {"busy_timeout", &options->busy_timeout},
        {"health_check_after", &options->health_check_after}};
    for (const auto& [name, duration] : durations) {
      const ConfigNode* const member = value.Find(name);
      if (member == nullptr) continue;
      SHARD_ASSIGN_OR_RETURN(*duration, member->AsDuration());
    }
    return absl::OkStatus();
  }

  absl::Status ReadRouters(const ConfigNode& routers) {
    SHARD_ASSIGN_OR_RETURN(const auto* members, routers.AsObject());
    for (const ConfigNode& member : *members) {
      SHARD_RETURN_IF_ERROR(
          TakeName("a router", member, config_.routers.size() + 1));
      SHARD_ASSIGN_OR_RETURN(const ConfigNode* type, member.Need("type"));
      RouterConfig router{member.name(), "", member};
      SHARD_ASSIGN_OR_RETURN(router.type, type->AsText());
      config_.routers.push_back(std::move(router));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<PlaceConfig> ReadPlace(const std::string& class_name,
                                        const ConfigNode& value) const {
    PlaceConfig place{class_name, "", value};
    SHARD_ASSIGN_OR_RETURN(place.place, value.AsText());
    if (config_.FindDatabase(place.place) == nullptr &&
        config_.FindRouter(place.place) == nullptr) {
      return value.NoSuch("database or router", place.place, config_.Places());
    }
    return place;
  }

  const std::vector<std::string_view> kReplicaMembers = {
      "url", "pool_size", "pool_timeout", "busy_timeout", "health_check_after"};
  const std::vector<std::string_view> kDatabaseMembers = {
      "url",          "pool_size",          "pool_timeout",
      "busy_timeout", "health_check_after", "replicas"};

  const Variables& variables_;
  TopologyConfig config_;
  std::vector<const ConfigNode*> named_;
};

}  // namespace

const DatabaseConfig* TopologyConfig::FindDatabase(
    std::string_view name) const {
  for (const DatabaseConfig& database : databases) {
    if (database.name == name) return &database;
  }
  return nullptr;
}

const RouterConfig* TopologyConfig::FindRouter(std::string_view name) const {
  for (const RouterConfig& router : routers) {
    if (router.name == name) return &router;
  }
  return nullptr;
}

std::vector<std::string> TopologyConfig::Places() const {
  std::vector<std::string> names;
  for (const DatabaseConfig& database : databases) {
    names.push_back(database.name);
  }
  for (const RouterConfig& router : routers) names.push_back(router.name);
  return names;
}

absl::StatusOr<TopologyConfig> ParseTopologyConfig(std::string_view json,
                                                   const Variables& variables) {
  SHARD_ASSIGN_OR_RETURN(const ConfigNode file, ConfigNode::Parse(json));
  return Reader(variables).Read(file);
}

absl::StatusOr<TopologyConfig> ReadTopologyFile(const std::string& path,
                                                const Variables& variables) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || !text) {
    return absl::NotFoundError(absl::StrCat(
        "topology file '", path, "' cannot be read: ", std::strerror(errno)));
  }
  absl::StatusOr<TopologyConfig> config =
      ParseTopologyConfig(text.str(), variables);
  if (config.ok()) return config;
  return Annotate(config.status(), absl::StrCat("topology file '", path, "'"));
}

}  // namespace shard
