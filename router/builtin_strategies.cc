#include "shard/router/builtin_strategies.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/router/composite_strategy.h"
#include "shard/router/directory_strategy.h"
#include "shard/router/hash_strategy.h"
#include "shard/router/hint_strategy.h"
#include "shard/router/list_strategy.h"
#include "shard/router/placement.h"
#include "shard/router/range_strategy.h"
#include "shard/router/region_strategy.h"
#include "shard/router/time_period.h"
#include "shard/router/time_period_strategy.h"

namespace shard {
namespace {

using Strategy = std::shared_ptr<const ShardingStrategy>;
using Places = std::vector<std::pair<sql::Value, std::string>>;

// What a Create function refused, with the place in the file.
template <class T>
absl::StatusOr<Strategy> Placed(const StrategyConfig& config,
                                absl::StatusOr<std::shared_ptr<T>> made) {
  if (made.ok()) return Strategy(*std::move(made));
  if (!absl::IsInvalidArgument(made.status())) return made.status();
  return config.Error(ToStd(made.status().message()));
}

absl::Status CheckEither(const StrategyConfig& config, std::string_view a,
                         std::string_view b) {
  if (config.Has(a) != config.Has(b)) return absl::OkStatus();
  return config.Error(absl::StrCat("needs '", ToAbsl(a), "' or '", ToAbsl(b),
                                   "', one of the two"));
}

absl::StatusOr<Strategy> MakeHash(const StrategyConfig& config,
                                  const StrategyContext&) {
  SHARD_RETURN_IF_ERROR(config.CheckMembers({"shards", "slots"}));
  SHARD_RETURN_IF_ERROR(CheckEither(config, "shards", "slots"));
  if (config.Has("shards")) {
    SHARD_ASSIGN_OR_RETURN(const auto shards, config.Texts("shards"));
    return Placed(config, HashStrategy::Create(shards));
  }
  std::vector<std::pair<std::uint32_t, std::string>> ranges;
  SHARD_ASSIGN_OR_RETURN(const auto slots, config.List("slots"));
  for (const StrategyConfig& range : slots) {
    SHARD_RETURN_IF_ERROR(range.CheckMembers({"first", "shard"}));
    SHARD_ASSIGN_OR_RETURN(const std::int64_t first, range.Integer("first"));
    SHARD_ASSIGN_OR_RETURN(std::string shard, range.Text("shard"));
    if (first < 0 || first >= std::int64_t{kSlotCount}) {
      return range.Error(absl::StrCat("'first' must be 0 to ", kSlotCount - 1));
    }
    ranges.emplace_back(static_cast<std::uint32_t>(first), std::move(shard));
  }
  return Placed(config, HashStrategy::FromSlots(ranges));
}

absl::StatusOr<Strategy> MakeList(const StrategyConfig& config,
                                  const StrategyContext&) {
  SHARD_RETURN_IF_ERROR(
      config.CheckMembers({"places", "otherwise", "key_type"}));
  SHARD_ASSIGN_OR_RETURN(const auto type, config.KeyType("key_type"));
  SHARD_ASSIGN_OR_RETURN(const StrategyConfig places, config.Member("places"));
  SHARD_ASSIGN_OR_RETURN(const auto shards, places.AsMap());
  Places list;
  for (const auto& [shard, values] : shards) {
    SHARD_ASSIGN_OR_RETURN(const auto keys, values.AsList());
    for (const StrategyConfig& key : keys) {
      SHARD_ASSIGN_OR_RETURN(sql::Value value, key.AsKey(type));
      list.emplace_back(std::move(value), shard);
    }
  }
  SHARD_ASSIGN_OR_RETURN(const std::string otherwise,
                         config.Text("otherwise", ""));
  return Placed(config, ListStrategy::Create(list, otherwise));
}

absl::StatusOr<Strategy> MakeRange(const StrategyConfig& config,
                                   const StrategyContext&) {
  SHARD_RETURN_IF_ERROR(config.CheckMembers({"ranges", "key_type"}));
  SHARD_ASSIGN_OR_RETURN(const auto type, config.KeyType("key_type"));
  SHARD_ASSIGN_OR_RETURN(const auto ranges, config.List("ranges"));
  Places ends;
  std::string last;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const StrategyConfig& range = ranges[i];
    SHARD_RETURN_IF_ERROR(range.CheckMembers({"below", "shard"}));
    SHARD_ASSIGN_OR_RETURN(std::string shard, range.Text("shard"));
    if (i + 1 == ranges.size() && !range.Has("below")) {
      last = std::move(shard);
      break;
    }
    SHARD_ASSIGN_OR_RETURN(const StrategyConfig below, range.Member("below"));
    SHARD_ASSIGN_OR_RETURN(sql::Value end, below.AsKey(type));
    ends.emplace_back(std::move(end), std::move(shard));
  }
  return Placed(config, RangeStrategy::Create(ends, last));
}

absl::StatusOr<Strategy> MakeTimePeriod(const StrategyConfig& config,
                                        const StrategyContext&) {
  SHARD_RETURN_IF_ERROR(
      config.CheckMembers({"period", "shards", "from", "before", "key_type"}));
  SHARD_RETURN_IF_ERROR(CheckEither(config, "shards", "from"));
  SHARD_ASSIGN_OR_RETURN(const StrategyConfig named, config.Member("period"));
  SHARD_ASSIGN_OR_RETURN(const std::string name, named.AsText());
  const std::optional<TimePeriod> period = TimePeriodNamed(name);
  if (!period.has_value()) {
    return named.Error("must be hour, day, week, month, quarter or year");
  }
  if (config.Has("shards")) {
    SHARD_ASSIGN_OR_RETURN(const auto shards, config.Texts("shards"));
    return Placed(config, TimePeriodStrategy::RoundRobin(*period, shards));
  }
  SHARD_ASSIGN_OR_RETURN(auto type, config.KeyType("key_type"));
  if (!type.has_value()) {
    type = *period == TimePeriod::kHour ? sql::ValueType::kTimestamp
                                        : sql::ValueType::kDate;
  }
  SHARD_ASSIGN_OR_RETURN(const auto periods, config.List("from"));
  Places firsts;
  for (const StrategyConfig& one : periods) {
    SHARD_RETURN_IF_ERROR(one.CheckMembers({"first", "shard"}));
    SHARD_ASSIGN_OR_RETURN(const StrategyConfig first, one.Member("first"));
    SHARD_ASSIGN_OR_RETURN(sql::Value time, first.AsKey(type));
    SHARD_ASSIGN_OR_RETURN(std::string shard, one.Text("shard"));
    firsts.emplace_back(std::move(time), std::move(shard));
  }
  SHARD_ASSIGN_OR_RETURN(const std::string before, config.Text("before", ""));
  return Placed(config, TimePeriodStrategy::From(*period, firsts, before));
}

absl::StatusOr<Strategy> MakeDirectory(const StrategyConfig& config,
                                       const StrategyContext& context) {
  SHARD_RETURN_IF_ERROR(
      config.CheckMembers({"database", "table", "shards", "assign",
                           "cache_entries", "max_age", "recheck_after"}));
  DirectoryOptions options;
  SHARD_ASSIGN_OR_RETURN(const StrategyConfig database,
                         config.Member("database"));
  SHARD_ASSIGN_OR_RETURN(const std::string name, database.AsText());
  if (context.find_engine) options.engine = context.find_engine(name);
  if (options.engine == nullptr) {
    return database.Error(
        absl::StrCat("there is no database '", name, "' here"));
  }
  SHARD_ASSIGN_OR_RETURN(options.table, config.Text("table", options.table));
  SHARD_ASSIGN_OR_RETURN(options.shards, config.Texts("shards"));
  if (config.Has("assign")) {
    SHARD_ASSIGN_OR_RETURN(const StrategyConfig assign,
                           config.Member("assign"));
    SHARD_ASSIGN_OR_RETURN(options.assign, MakeStrategy(assign, context));
  }
  SHARD_ASSIGN_OR_RETURN(
      const std::int64_t entries,
      config.Integer("cache_entries",
                     static_cast<std::int64_t>(options.cache_entries)));
  if (entries < 1) return config.Error("'cache_entries' must be above zero");
  options.cache_entries = static_cast<std::size_t>(entries);
  SHARD_ASSIGN_OR_RETURN(options.max_age,
                         config.Duration("max_age", options.max_age));
  SHARD_ASSIGN_OR_RETURN(
      options.recheck_after,
      config.Duration("recheck_after", options.recheck_after));
  return Placed(config, DirectoryStrategy::Create(std::move(options)));
}

absl::StatusOr<Strategy> MakeCompositeOver(const StrategyConfig& config,
                                           const StrategyContext& context) {
  SHARD_RETURN_IF_ERROR(config.CheckMembers({"by", "columns", "groups"}));
  SHARD_ASSIGN_OR_RETURN(const StrategyConfig by, config.Member("by"));
  SHARD_ASSIGN_OR_RETURN(Strategy chooser, MakeStrategy(by, context));
  SHARD_ASSIGN_OR_RETURN(const std::int64_t columns,
                         config.Integer("columns", 1));
  if (columns < 1) return config.Error("'columns' must be above zero");
  SHARD_ASSIGN_OR_RETURN(const StrategyConfig member, config.Member("groups"));
  SHARD_ASSIGN_OR_RETURN(const auto named, member.AsMap());
  std::vector<ShardGroup> groups;
  for (const auto& [name, shards] : named) {
    SHARD_ASSIGN_OR_RETURN(std::vector<std::string> names, shards.AsTexts());
    groups.push_back({name, std::move(names)});
  }
  return Placed(config, CompositeStrategy::Over(
                            std::move(chooser),
                            static_cast<std::size_t>(columns), groups));
}

absl::StatusOr<Strategy> MakeComposite(const StrategyConfig& config,
                                       const StrategyContext& context) {
  if (config.Has("by")) return MakeCompositeOver(config, context);
  SHARD_RETURN_IF_ERROR(config.CheckMembers({"groups", "others", "key_type"}));
  SHARD_ASSIGN_OR_RETURN(const auto type, config.KeyType("key_type"));
  std::vector<TenantGroup> groups;
  if (config.Has("groups")) {
    SHARD_ASSIGN_OR_RETURN(const auto list, config.List("groups"));
    for (const StrategyConfig& one : list) {
      SHARD_RETURN_IF_ERROR(one.CheckMembers({"tenants", "shards"}));
      TenantGroup group;
      SHARD_ASSIGN_OR_RETURN(const auto tenants, one.List("tenants"));
      for (const StrategyConfig& tenant : tenants) {
        SHARD_ASSIGN_OR_RETURN(sql::Value key, tenant.AsKey(type));
        group.tenants.push_back(std::move(key));
      }
      SHARD_ASSIGN_OR_RETURN(group.shards, one.Texts("shards"));
      groups.push_back(std::move(group));
    }
  }
  std::vector<std::string> others;
  if (config.Has("others")) {
    SHARD_ASSIGN_OR_RETURN(others, config.Texts("others"));
  }
  return Placed(config, CompositeStrategy::Create(groups, others));
}

absl::StatusOr<Strategy> MakeRegion(const StrategyConfig& config,
                                    const StrategyContext&) {
  SHARD_RETURN_IF_ERROR(config.CheckMembers({"regions", "otherwise"}));
  SHARD_ASSIGN_OR_RETURN(const auto list, config.List("regions"));
  std::vector<Region> regions;
  for (const StrategyConfig& one : list) {
    SHARD_RETURN_IF_ERROR(one.CheckMembers({"name", "locations", "shards"}));
    Region region;
    SHARD_ASSIGN_OR_RETURN(region.name, one.Text("name"));
    if (one.Has("locations")) {
      SHARD_ASSIGN_OR_RETURN(region.locations, one.Texts("locations"));
    }
    SHARD_ASSIGN_OR_RETURN(region.shards, one.Texts("shards"));
    regions.push_back(std::move(region));
  }
  SHARD_ASSIGN_OR_RETURN(const std::string otherwise,
                         config.Text("otherwise", ""));
  return Placed(config, RegionStrategy::Create(regions, otherwise));
}

absl::StatusOr<Strategy> MakeHint(const StrategyConfig& config,
                                  const StrategyContext&) {
  SHARD_RETURN_IF_ERROR(config.CheckMembers({"shards"}));
  SHARD_ASSIGN_OR_RETURN(const auto shards, config.Texts("shards"));
  return Placed(config, HintStrategy::Create(shards));
}

}  // namespace

std::vector<std::pair<std::string, StrategyFactory>> BuiltinStrategies() {
  return {{"hash", &MakeHash},           {"list", &MakeList},
          {"range", &MakeRange},         {"time_period", &MakeTimePeriod},
          {"directory", &MakeDirectory}, {"composite", &MakeComposite},
          {"region", &MakeRegion},       {"hint", &MakeHint}};
}

}  // namespace shard
