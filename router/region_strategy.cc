#include "shard/router/region_strategy.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/router/list_strategy.h"

namespace shard {
namespace {

absl::Status NotText() {
  return absl::InvalidArgumentError(
      "a region strategy takes a shard key whose first column is text: the "
      "code of a location");
}

// Each location with its region.
absl::StatusOr<std::vector<std::pair<sql::Value, std::string>>> Locations(
    const std::vector<Region>& regions, const std::string& otherwise) {
  std::vector<std::pair<sql::Value, std::string>> places;
  absl::flat_hash_map<std::string, std::string> region_of;
  for (const Region& region : regions) {
    if (region.locations.empty() && region.name != otherwise) {
      return absl::InvalidArgumentError(absl::StrCat(
          "region '", region.name,
          "' has no locations; name some, or make it the default"));
    }
    for (const std::string& location : region.locations) {
      const auto [known, is_new] = region_of.emplace(location, region.name);
      if (!is_new) {
        return absl::InvalidArgumentError(absl::StrCat(
            "location '", location, "' is in region '", known->second,
            "' and in region '", region.name, "'; put it in one"));
      }
      places.emplace_back(location, region.name);
    }
  }
  return places;
}

}  // namespace

absl::StatusOr<std::shared_ptr<RegionStrategy>> RegionStrategy::Create(
    const std::vector<Region>& regions, const std::string& otherwise) {
  std::vector<ShardGroup> groups;
  for (const Region& region : regions) {
    groups.push_back({region.name, region.shards});
  }
  SHARD_ASSIGN_OR_RETURN(const auto places, Locations(regions, otherwise));
  if (places.empty()) {
    return absl::InvalidArgumentError(
        "a region strategy needs at least one region with a location");
  }
  SHARD_ASSIGN_OR_RETURN(std::shared_ptr<const ShardingStrategy> chooser,
                         ListStrategy::Create(places, otherwise));
  auto inside = CompositeStrategy::Over(chooser, 1, groups);
  if (!inside.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the regions of a region strategy: ", inside.status().message()));
  }
  return std::shared_ptr<RegionStrategy>(
      new RegionStrategy(std::move(chooser), *std::move(inside)));
}

RegionStrategy::RegionStrategy(std::shared_ptr<const ShardingStrategy> regions,
                               std::shared_ptr<const CompositeStrategy> inside)
    : regions_(std::move(regions)), inside_(std::move(inside)) {}

std::string RegionStrategy::RegionOf(std::string_view location) const {
  const auto region = regions_->ShardFor({sql::ValueView::Text(location)});
  return region.ok() ? region->name() : "";
}

absl::Status RegionStrategy::CheckKey(
    absl::Span<const sql::ValueType> types) const {
  if (types.empty() || types[0] != sql::ValueType::kText) return NotText();
  return absl::OkStatus();
}

absl::StatusOr<ShardId> RegionStrategy::ShardFor(
    absl::Span<const sql::ValueView> key) const {
  if (key.empty() || key[0].type() != sql::ValueType::kText) return NotText();
  absl::StatusOr<ShardId> shard = inside_->ShardFor(key);
  if (shard.ok() || !RegionOf(key[0].bytes()).empty()) return shard;
  return absl::InvalidArgumentError(
      "the location in the shard key is in no region; add it to one or name a "
      "default region");
}

}  // namespace shard
