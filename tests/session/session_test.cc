#include "shard/tests/session/session_test.h"

#include <utility>
#include <vector>

#include "shard/router/horizontal_resolver.h"
#include "shard/router/list_strategy.h"
#include "shard/router/shard_rule.h"
#include "shard/router/vertical_resolver.h"
#include "shard/sql/table.h"

namespace shard::testing {

void SessionTest::MakeDatabases(const sql::MetaData& tables) {
  if (!is_sharded()) {
    home_ = NewEngine("s0", tables);
    auto resolver = std::make_shared<VerticalResolver>();
    resolver->BindDefault(home_);
    options_ = WithResolver(std::move(resolver));
    return;
  }
  HorizontalOptions horizontal;
  horizontal.shards = NewShards(2, tables);
  home_ = horizontal.shards.front().second.engine;
  horizontal.writes_without_key = KeylessWrites::kAllow;
  const auto strategy =
      ListStrategy::Create({{"eu", "s0"}, {"us", "s1"}}).value();
  for (const sql::Table* table : tables.tables()) {
    horizontal.rules.push_back(
        ShardBy({table->FindColumn("region")}, strategy));
  }
  options_ =
      WithResolver(HorizontalResolver::Create(std::move(horizontal)).value());
}

}  // namespace shard::testing
