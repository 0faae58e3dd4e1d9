// The shards of a statement that is kept, and decisions through resolvers
// within resolvers.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "shard/base/status_macros.h"
#include "shard/bench/cases.h"
#include "shard/bench/decisions.h"
#include "shard/bench/items.h"
#include "shard/router/hash_strategy.h"
#include "shard/router/horizontal_resolver.h"
#include "shard/router/vertical_resolver.h"
#include "shard/session/query.h"

namespace shard::bench {
namespace {

constexpr double kMostNanoseconds = 300;
constexpr double kMostNanosecondsNested = 150;

class StatementShards : public Side {
 public:
  StatementShards(std::shared_ptr<BindResolver> resolver,
                  sql::Statement statement)
      : resolver_(std::move(resolver)), statement_(std::move(statement)) {}

  absl::Status Run() override {
    for (std::size_t i = 0; i < kDecisions; ++i) {
      BindRequest request;
      request.class_info = &Item::class_info();
      request.statement = &statement_;
      request.parameters = &parameters_[i % parameters_.size()];
      request.operation = Operation::kRead;
      const absl::StatusOr<BindSet> binds = resolver_->ResolveAll(request);
      if (!binds.ok()) return binds.status();
      benchmark::DoNotOptimize(binds->front().engine);
    }
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<BindResolver> resolver_;
  const sql::Statement statement_;
  const std::vector<sql::Parameters> parameters_ = {
      {{"quantity", std::int64_t{1}}}, {{"quantity", std::int64_t{2}}}};
};

// A class, a shard, and what a primary with replicas would do.
absl::StatusOr<std::shared_ptr<BindResolver>> ThreeLevels(
    const TemporaryFolder& folder) {
  HorizontalOptions options;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kShards; ++i) {
    names.push_back("shard" + std::to_string(i));
    SHARD_ASSIGN_OR_RETURN(
        auto engine,
        MakeSqlite(folder.PathOf("nested_" + names.back() + ".db")));
    options.shards.emplace_back(
        names.back(),
        std::make_shared<FunctionResolver>(
            [engine](const BindRequest& request) -> absl::StatusOr<Bind> {
              benchmark::DoNotOptimize(request.operation);
              return Bind{engine.get(), ShardId()};
            }));
  }
  SHARD_ASSIGN_OR_RETURN(auto hash, HashStrategy::Create(names));
  options.rules.push_back(ShardBy(Item::c.quantity, std::move(hash)));
  SHARD_ASSIGN_OR_RETURN(auto horizontal,
                         HorizontalResolver::Create(std::move(options)));
  auto vertical = std::make_shared<VerticalResolver>();
  vertical->BindClass(Item::class_info(), std::move(horizontal));
  return vertical;
}

}  // namespace

std::vector<Case> PruningCases() {
  const auto folder = std::make_shared<TemporaryFolder>();
  const auto shards_of = [&folder](std::string name, sql::Statement statement) {
    return Case{
        .name = std::move(name),
        .operations = kDecisions,
        .at_most = kMostNanoseconds,
        .ours = [folder, statement]() -> absl::StatusOr<std::unique_ptr<Side>> {
          SHARD_ASSIGN_OR_RETURN(auto resolver,
                                 HashedBy(*folder, Item::c.quantity.column()));
          return std::make_unique<StatementShards>(std::move(resolver),
                                                   statement);
        },
        .floor = nullptr};
  };
  const auto& c = Item::c;
  return {shards_of("router_shards/parameter",
                    Select<Item>().Where(c.quantity ==
                                         Param<std::int64_t>("quantity"))),
          shards_of("router_shards/literal",
                    Select<Item>().Where(c.quantity == 7 && c.name == "x")),
          Case{.name = "router_decision/three_levels",
               .operations = kDecisions,
               .at_most = kMostNanosecondsNested,
               .ours = [folder]() -> absl::StatusOr<std::unique_ptr<Side>> {
                 SHARD_ASSIGN_OR_RETURN(auto resolver, ThreeLevels(*folder));
                 return std::make_unique<Decisions>(std::move(resolver));
               },
               .floor = nullptr}};
}

}  // namespace shard::bench
