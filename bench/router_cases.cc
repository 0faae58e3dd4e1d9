// A router's decision for an object, as a flush asks for it.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "shard/base/status_macros.h"
#include "shard/bench/cases.h"
#include "shard/bench/decisions.h"
#include "shard/bench/items.h"
#include "shard/dialects/engine.h"
#include "shard/router/directory_strategy.h"
#include "shard/router/hash_strategy.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/list_strategy.h"
#include "shard/router/range_strategy.h"
#include "shard/router/shard_rule.h"

namespace shard::bench {
namespace {

using StrategyOr = absl::StatusOr<std::shared_ptr<const ShardingStrategy>>;

const std::vector<std::string>& ShardNames() {
  static const std::vector<std::string>& names =
      *new std::vector<std::string>{"s0", "s1", "s2", "s3"};
  return names;
}

StrategyOr ByHash(const TemporaryFolder&) {
  return HashStrategy::Create(ShardNames());
}

// Every quantity that an object has.
StrategyOr ByList(const TemporaryFolder&) {
  std::vector<std::pair<sql::Value, std::string>> places;
  std::size_t next = 0;
  for (const ItemRow& row : MakeRows(kObjects)) {
    places.emplace_back(row.quantity, ShardNames()[next++ % 4]);
  }
  return ListStrategy::Create(places);
}

StrategyOr ByRange(const TemporaryFolder&) {
  return RangeStrategy::Create({{25'000, "s0"}, {50'000, "s1"}, {75'000, "s2"}},
                               "s3");
}

// All entries are remembered before it is measured.
StrategyOr ByDirectory(const TemporaryFolder& folder) {
  SHARD_ASSIGN_OR_RETURN(
      const std::shared_ptr<Engine> engine,
      OpenEngine("sqlite:///" + folder.PathOf("directory.db")));
  SHARD_RETURN_IF_ERROR(DirectoryStrategy::CreateTable(engine));
  SHARD_ASSIGN_OR_RETURN(const auto assign, HashStrategy::Create(ShardNames()));
  SHARD_ASSIGN_OR_RETURN(
      auto directory,
      DirectoryStrategy::Create(
          {.engine = engine, .shards = ShardNames(), .assign = assign}));
  for (const ItemRow& row : MakeRows(kObjects)) {
    const absl::StatusOr<ShardId> known =
        directory->ShardForNew({sql::ValueView::Int64(row.quantity)});
    if (!known.ok()) return known.status();
  }
  return directory;
}

absl::StatusOr<std::unique_ptr<Side>> MakeDecisions(
    const TemporaryFolder& folder, StrategyOr (*make)(const TemporaryFolder&)) {
  SHARD_ASSIGN_OR_RETURN(auto strategy, make(folder));
  HorizontalOptions options;
  for (const std::string& name : ShardNames()) {
    SHARD_ASSIGN_OR_RETURN(
        auto engine, OpenEngine("sqlite:///" + folder.PathOf(name + ".db")));
    options.shards.emplace_back(name, std::move(engine));
  }
  options.rules.push_back(ShardBy(Item::c.quantity, std::move(strategy)));
  SHARD_ASSIGN_OR_RETURN(auto resolver,
                         HorizontalResolver::Create(std::move(options)));
  return std::make_unique<Decisions>(std::move(resolver));
}

}  // namespace

std::vector<Case> RouterCases() {
  std::vector<Case> cases;
  for (const auto& [name, make] : std::vector<
           std::pair<std::string, StrategyOr (*)(const TemporaryFolder&)>>{
           {"hash", &ByHash},
           {"list", &ByList},
           {"range", &ByRange},
           {"directory_hit", &ByDirectory}}) {
    const auto folder = std::make_shared<TemporaryFolder>();
    cases.push_back(
        {.name = "router_decision/" + name,
         .operations = kDecisions,
         .at_most = 50,
         .ours = [folder, make = make] { return MakeDecisions(*folder, make); },
         .floor = nullptr});
  }
  return cases;
}

}  // namespace shard::bench
