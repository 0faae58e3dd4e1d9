#include "shard/router/topology_change.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/router/horizontal_config.h"

namespace shard {
namespace {

absl::Status Refused(const ConfigNode& where, std::string_view what) {
  return absl::FailedPreconditionError(where.Wrong(what).message());
}

absl::Status CheckDatabases(const TopologyConfig& before,
                            const TopologyConfig& after) {
  for (const DatabaseConfig& database : before.databases) {
    const DatabaseConfig* const now = after.FindDatabase(database.name);
    if (now == nullptr) {
      return absl::FailedPreconditionError(absl::StrCat(
          "database '", database.name,
          "' is gone; a program that runs keeps its databases: restart "
          "without it once shardctl check --remove says that it may go"));
    }
    if (now->url != database.url) {
      return Refused(now->source, "it has another URL; that takes a restart");
    }
    const EngineOptions& a = database.options;
    const EngineOptions& b = now->options;
    if (a.pool_size != b.pool_size || a.pool_timeout != b.pool_timeout ||
        a.busy_timeout != b.busy_timeout ||
        a.health_check_after != b.health_check_after) {
      return Refused(now->source, "it has other options; they take a restart");
    }
  }
  return absl::OkStatus();
}

// The first field that places rows otherwise.
std::optional<std::string> OtherPlaces(const TopologyConfig& before,
                                       const TopologyConfig& after) {
  for (const RouterConfig& router : before.routers) {
    const RouterConfig* const now = after.FindRouter(router.name);
    if (now == nullptr) return absl::StrCat("routers.", router.name);
    if (router.type == "horizontal" && now->type == router.type) {
      const auto field = PlacementDifference(router.source, now->source);
      if (field.has_value()) return field;
    } else if (!router.source.SaysTheSame(now->source)) {
      return now->source.path();  // who knows what its members mean
    }
  }
  for (const PlaceConfig& bind : before.binds) {
    for (const PlaceConfig& now : after.binds) {
      if (now.class_name == bind.class_name && now.place != bind.place) {
        return now.source.path();
      }
    }
  }
  if (before.otherwise.has_value() &&
      (!after.otherwise.has_value() ||
       after.otherwise->place != before.otherwise->place)) {
    return "default";
  }
  return std::nullopt;
}

}  // namespace

absl::Status CheckTopologyChange(const TopologyConfig& before,
                                 const TopologyConfig& after) {
  if (before.cluster != after.cluster) {
    return absl::FailedPreconditionError(
        absl::StrCat("it is of cluster '", after.cluster,
                     "', and this program runs '", before.cluster, "'"));
  }
  SHARD_RETURN_IF_ERROR(CheckDatabases(before, after));
  const std::int64_t old_epoch = before.epoch.value_or(1);
  const std::int64_t new_epoch = after.epoch.value_or(1);
  if (new_epoch < old_epoch) {
    return absl::FailedPreconditionError(
        absl::StrCat("it has slot map epoch ", new_epoch,
                     ", older than that of this program, ", old_epoch));
  }
  if (new_epoch > old_epoch) return absl::OkStatus();
  const std::optional<std::string> field = OtherPlaces(before, after);
  if (!field.has_value()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      *field,
      " is another one than before, so rows belong elsewhere: once "
      "they are there, raise 'epoch' above ",
      old_epoch));
}

}  // namespace shard
