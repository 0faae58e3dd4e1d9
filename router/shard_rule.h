// Which columns decide the shard of a table's rows, and how.
#ifndef SHARD_ROUTER_SHARD_RULE_H_
#define SHARD_ROUTER_SHARD_RULE_H_

#include <memory>
#include <utility>
#include <vector>

#include "shard/router/sharding_strategy.h"
#include "shard/sql/column.h"
#include "shard/sql/table.h"

namespace shard {

// Plain value. The columns belong to one table.
struct ShardRule {
  std::vector<const sql::Column*> key;
  std::shared_ptr<const ShardingStrategy> strategy;
  // Of a rule without key columns only; null: the table of the key.
  const sql::Table* hinted_table = nullptr;
};

// ShardBy(City::c.continent, strategy), for one key column of a mapped class.
template <class MappedColumn>
ShardRule ShardBy(const MappedColumn&,
                  std::shared_ptr<const ShardingStrategy> strategy) {
  return {{&MappedColumn::column()}, std::move(strategy)};
}

// ShardBy({&tenant, &id}, strategy), for plain columns or a composite key.
inline ShardRule ShardBy(std::vector<const sql::Column*> key,
                         std::shared_ptr<const ShardingStrategy> strategy) {
  return {std::move(key), std::move(strategy)};
}

// ShardByHint(Audit::table(), HintStrategy::Create({"a", "b"})), for rows whose
// shard no column decides: who writes them names it.
inline ShardRule ShardByHint(const sql::Table& table,
                             std::shared_ptr<const ShardingStrategy> strategy) {
  return {{}, std::move(strategy), &table};
}

}  // namespace shard

#endif  // SHARD_ROUTER_SHARD_RULE_H_
