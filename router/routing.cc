#include "shard/router/routing.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/router/router_registry.h"
#include "shard/router/vertical_config.h"
#include "shard/router/vertical_resolver.h"

namespace shard {
namespace {

// The file's own resolver, with the tables that its rules are about.
class FileResolver : public VerticalResolver {
 public:
  explicit FileResolver(std::shared_ptr<const FileTables> tables)
      : tables_(std::move(tables)) {}

 private:
  const std::shared_ptr<const FileTables> tables_;
};

std::string NameWithoutNamespace(const std::string& name) {
  const std::size_t colons = name.rfind("::");
  return colons == std::string::npos ? name : name.substr(colons + 2);
}

class RoutingMaker : public RouterContext {
 public:
  RoutingMaker(const TopologyConfig* config, const RoutingOptions* options)
      : config_(*config), options_(*options) {}

  absl::StatusOr<Routing> Make() {
    for (const RouterConfig& router : config_.routers) {
      SHARD_RETURN_IF_ERROR(Made(router, router.source).status());
    }
    const auto resolver = std::make_shared<FileResolver>(tables_);
    SHARD_ASSIGN_OR_RETURN(const auto bound, Bind(*resolver));
    SHARD_RETURN_IF_ERROR(BindClaims(*resolver, bound));
    SHARD_RETURN_IF_ERROR(BindTheRest(*resolver));
    return Routing{resolver, tables_};
  }

  absl::StatusOr<std::shared_ptr<Engine>> EngineOf(
      const ConfigNode& name) override {
    SHARD_ASSIGN_OR_RETURN(const std::string text, name.AsText());
    return EngineNamed(text, name);
  }

  absl::StatusOr<std::shared_ptr<Engine>> EngineNamed(
      const std::string& name, const ConfigNode& source) override {
    std::vector<std::string> known;
    for (const DatabaseConfig& database : config_.databases) {
      known.push_back(database.name);
      for (const DatabaseConfig& replica : database.replicas) {
        known.push_back(replica.name);
      }
    }
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return source.NoSuch("database or replica", name, known);
    }
    return options_.engine(name);
  }

  absl::StatusOr<std::vector<std::shared_ptr<Engine>>> ReplicasOf(
      const ConfigNode& name) override {
    SHARD_ASSIGN_OR_RETURN(const std::string text, name.AsText());
    const DatabaseConfig* const database = config_.FindDatabase(text);
    if (database == nullptr) return name.NoSuch("database", text, {});
    std::vector<std::shared_ptr<Engine>> replicas;
    for (const DatabaseConfig& replica : database->replicas) {
      replicas.push_back(options_.engine(replica.name));
    }
    return replicas;
  }

  absl::StatusOr<RouterPlace> PlaceOf(const ConfigNode& name) override {
    SHARD_ASSIGN_OR_RETURN(const std::string text, name.AsText());
    if (const RouterConfig* const router = config_.FindRouter(text)) {
      if (making_ != nullptr) led_to_.insert(text);
      RouterPlace place;
      SHARD_ASSIGN_OR_RETURN(place.resolver, Made(*router, name));
      return place;
    }
    if (config_.FindDatabase(text) == nullptr) {
      return name.NoSuch("database or router", text, config_.Places());
    }
    return RouterPlace{options_.engine(text), nullptr};
  }

  absl::StatusOr<const sql::ClassInfo*> ClassOf(
      const std::string& name, const ConfigNode& source) override {
    if (options_.without_classes) return nullptr;
    std::vector<std::string> known;
    const sql::ClassInfo* found = nullptr;
    for (const sql::ClassInfo* const class_info : options_.classes) {
      if (class_info->name == name) return class_info;
      known.push_back(NameWithoutNamespace(class_info->name));
      if (known.back() != name) continue;
      if (found != nullptr) {
        return source.Wrong(
            "there are two classes of that name; write it with "
            "its namespace");
      }
      found = class_info;
    }
    if (found != nullptr) return found;
    return source.NoSuch("class", name, known);
  }

  const sql::ClassInfo* TableOf(const std::string& name,
                                std::vector<sql::ColumnSpec> columns) override {
    for (const sql::ClassInfo* const class_info : options_.classes) {
      if (class_info->table != nullptr && class_info->table->name() == name) {
        return nullptr;
      }
    }
    return tables_->Add(name, std::move(columns));
  }

  void Claim(const sql::ClassInfo& class_info,
             const ConfigNode& source) override {
    claims_.push_back({making_->name, &class_info, source});
  }

 private:
  struct ClaimedClass {
    std::string router;
    const sql::ClassInfo* class_info;
    ConfigNode source;
  };

  absl::StatusOr<std::shared_ptr<BindResolver>> Made(const RouterConfig& router,
                                                     const ConfigNode& asked) {
    if (const auto found = made_.find(router.name); found != made_.end()) {
      if (found->second != nullptr) return found->second;
      return asked.Wrong(absl::StrCat("router '", router.name,
                                      "' leads back to itself this way"));
    }
    made_[router.name] = nullptr;
    SHARD_ASSIGN_OR_RETURN(const RouterFactory factory,
                           FindRouterFactory(router));
    const RouterConfig* const outer = std::exchange(making_, &router);
    absl::StatusOr<std::shared_ptr<BindResolver>> made = factory(router, *this);
    making_ = outer;
    if (made.ok() && *made == nullptr) {
      return router.source.Wrong("its factory made no router");
    }
    if (made.ok()) made_[router.name] = *made;
    return made;
  }

  // What "binds" and "default" say; returns the classes.
  absl::StatusOr<std::set<const sql::ClassInfo*>> Bind(
      VerticalResolver& resolver) {
    std::set<const sql::ClassInfo*> bound;
    for (const PlaceConfig& bind : config_.binds) {
      SHARD_ASSIGN_OR_RETURN(const RouterPlace place, PlaceOf(bind.source));
      SHARD_ASSIGN_OR_RETURN(const sql::ClassInfo* class_info,
                             ClassOf(bind.class_name, bind.source));
      if (class_info == nullptr) continue;
      BindTo(resolver, *class_info, place);
      bound.insert(class_info);
    }
    if (config_.otherwise.has_value()) {
      SHARD_ASSIGN_OR_RETURN(const RouterPlace place,
                             PlaceOf(config_.otherwise->source));
      BindDefaultTo(resolver, place);
    }
    return bound;
  }

  absl::Status BindClaims(VerticalResolver& resolver,
                          const std::set<const sql::ClassInfo*>& bound) {
    std::map<const sql::ClassInfo*, std::string> routers;
    for (const ClaimedClass& claim : claims_) {
      if (bound.contains(claim.class_info) || led_to_.contains(claim.router)) {
        continue;
      }
      const auto [first, is_new] =
          routers.emplace(claim.class_info, claim.router);
      if (!is_new && first->second != claim.router) {
        return claim.source.Wrong(
            absl::StrCat("it is in router '", first->second,
                         "', too; say in 'binds' where it goes"));
      }
      resolver.BindClass(*claim.class_info, made_.at(claim.router));
    }
    return absl::OkStatus();
  }

  // Where there is nothing to choose between.
  absl::Status BindTheRest(VerticalResolver& resolver) {
    if (config_.otherwise.has_value() || config_.databases.size() != 1 ||
        !config_.routers.empty()) {
      return absl::OkStatus();
    }
    resolver.BindDefault(options_.engine(config_.databases.front().name));
    return absl::OkStatus();
  }

  const TopologyConfig& config_;
  const RoutingOptions& options_;
  const std::shared_ptr<FileTables> tables_ = std::make_shared<FileTables>();
  // By name; null: being made.
  std::map<std::string, std::shared_ptr<BindResolver>> made_;
  const RouterConfig* making_ = nullptr;
  std::set<std::string> led_to_;  // by other routers
  std::vector<ClaimedClass> claims_;
};

}  // namespace

const sql::ClassInfo* FileTables::Add(const std::string& name,
                                      std::vector<sql::ColumnSpec> columns) {
  const sql::Table& table = tables_.emplace_back(name, std::move(columns));
  sql::ClassInfo& info = infos_.emplace_back();
  info.name = name;
  info.table = &table;
  return &info;
}

const sql::Table* FileTables::Find(std::string_view name) const {
  for (const sql::Table& table : tables_) {
    if (table.name() == name) return &table;
  }
  return nullptr;
}

std::vector<std::string> FileTables::names() const {
  std::vector<std::string> names;
  for (const sql::Table& table : tables_) names.push_back(table.name());
  return names;
}

absl::StatusOr<Routing> MakeRouting(const TopologyConfig& config,
                                    const RoutingOptions& options) {
  return RoutingMaker(&config, &options).Make();
}

}  // namespace shard
