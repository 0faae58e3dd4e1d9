#include "shard/router/configured_strategy.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/router/slot_map.h"
#include "shard/router/strategy_config.h"

namespace shard {
namespace {

// Within a strategy "type" is the name of one.
constexpr char kNameInFile[] = "type";
constexpr char kNameInConfig[] = "strategy";

ConfigValue Convert(const ConfigNode& node) {
  ConfigValue value;
  value.line = node.line();
  switch (node.kind()) {
    case ConfigNode::Kind::kNull:
      break;
    case ConfigNode::Kind::kBool:
      value.value = node.AsBool().value();
      break;
    case ConfigNode::Kind::kInteger:
      value.value = node.AsInteger().value();
      break;
    case ConfigNode::Kind::kNumber:
      value.value = node.AsNumber().value();
      break;
    case ConfigNode::Kind::kText:
      value.value = node.text();
      break;
    case ConfigNode::Kind::kList: {
      ConfigValue::List list;
      for (const ConfigNode& item : node.items()) {
        list.push_back(Convert(item));
      }
      value.value = std::move(list);
      break;
    }
    case ConfigNode::Kind::kObject: {
      ConfigValue::Map map;
      const bool is_strategy = node.Find(kNameInFile) != nullptr &&
                               node.Find(kNameInConfig) == nullptr;
      for (const ConfigNode& item : node.items()) {
        const bool is_name = is_strategy && item.name() == kNameInFile;
        map.emplace_back(is_name ? kNameInConfig : item.name(), Convert(item));
      }
      value.value = std::move(map);
      break;
    }
  }
  return value;
}

ConfigValue SlotList(const SlotRanges& ranges, int line) {
  ConfigValue::List list;
  for (const auto& [first, shard] : ranges) {
    list.push_back(
        {ConfigValue::Map{{"first", {static_cast<std::int64_t>(first), line}},
                          {"shard", {shard, line}}},
         line});
  }
  return {std::move(list), line};
}

bool Has(const ConfigValue::Map& map, std::string_view name) {
  return std::any_of(map.begin(), map.end(),
                     [&](const auto& member) { return member.first == name; });
}

// Whether a strategy of the library is about all shards, unless it says more.
bool TakesAllShards(const std::string& name, const ConfigValue::Map& map) {
  if (Has(map, "shards")) return false;
  if (name == "hash") return !Has(map, "slots");
  if (name == "time_period") return !Has(map, "from");
  return name == "directory" || name == "hint";
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ShardingStrategy>> MakeConfiguredStrategy(
    const ConfigNode& node, const std::vector<std::string>& shards,
    const StrategyContext& context) {
  const ConfigNode* type = &node;
  if (!node.is_text()) {
    SHARD_ASSIGN_OR_RETURN(type, node.Need(kNameInFile));
  }
  SHARD_ASSIGN_OR_RETURN(const std::string name, type->AsText());
  const std::vector<std::string> known = StrategyNames();
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    return type->NoSuch("strategy", name, known);
  }
  ConfigValue value;
  if (node.is_text()) {
    value.line = node.line();
    value.value = ConfigValue::Map{{kNameInConfig, {node.text(), node.line()}}};
  } else {
    value = Convert(node);
  }
  auto& map = std::get<ConfigValue::Map>(value.value);
  const ConfigNode* const slots = node.Find("slots");
  if (name == "hash" && slots != nullptr && slots->is_object()) {
    SHARD_ASSIGN_OR_RETURN(const SlotRanges ranges,
                           ReadSlotMap(*slots, shards));
    for (auto& [member, its] : map) {
      if (member == "slots") its = SlotList(ranges, slots->line());
    }
  }
  if (TakesAllShards(name, map)) {
    ConfigValue::List list;
    for (const std::string& shard : shards) {
      list.push_back({shard, node.line()});
    }
    map.emplace_back("shards", ConfigValue{std::move(list), node.line()});
  }
  return MakeStrategy(name, StrategyConfig(value, node.path()), context);
}

}  // namespace shard
