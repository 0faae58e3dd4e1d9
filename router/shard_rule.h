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
  // The shard key of another table, whose strategy this one follows; empty: it
  // has its own. In the order of `key`.
  std::vector<const sql::Column*> parent = {};
  // All pairs of a column and the parent's that it repeats: these, and more.
  // Filled in by RuleTable.
  std::vector<std::pair<const sql::Column*, const sql::Column*>> links = {};
  // No column decides: all rows stand on all shards. The router makes the
  // strategy.
  bool everywhere = false;

  // Null where there is neither a key nor a hinted table.
  const sql::Table* table() const {
    if (key.empty()) return hinted_table;
    return key.front() == nullptr ? nullptr : &key.front()->table();
  }
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

// CoLocate(Report::c.city, City::c.id): a report lives where the city of that
// id does, whose shard key that must be. Joins of the two on it run shard by
// shard. A city without a rule of its own, or by other columns, is refused.
template <class MappedColumn, class ParentColumn>
ShardRule CoLocate(const MappedColumn&, const ParentColumn&) {
  return {
      {&MappedColumn::column()}, nullptr, nullptr, {&ParentColumn::column()}};
}

// The same for plain columns or a composite key; column i of `key` has the
// value of column i of `parent`. Name the parent's primary key, too, if that is
// more than its shard key, and rows go with theirs to another shard
// (SessionOptions::shard_key_change):
//   CoLocate({&region, &city}, {&cities_region, &cities_id})
inline ShardRule CoLocate(std::vector<const sql::Column*> key,
                          std::vector<const sql::Column*> parent) {
  return {std::move(key), nullptr, nullptr, std::move(parent)};
}

// ReferenceTable(Country::table()), for rows that stand on all shards:
//   - they are written on all of them in the one commit, the same everywhere.
//     What the database makes of an object (a key, defaults, what SQL comes to)
//     the first shard by name makes, and the others get. Statements and bulk
//     operations, which leave such things to each database, are refused.
//     An UPDATE or DELETE that does not meet the same rows everywhere is
//     kDataLoss, names the shards, and is rolled back.
//   - they are read from one: where the transaction is already, or else the
//     first in HorizontalOptions::shards that is not known to be down. FOR
//     UPDATE locks them where they are written first.
//   - they can be joined with the rows of any shard.
//   - their objects have no shard in their identity.
// Work that names a shard is done there alone, reads and writes alike: so rows
// that differ are brought in line. The first shard by name must stay the same
// one as long as keys are numbered, for it alone knows the latest number.
inline ShardRule ReferenceTable(const sql::Table& table) {
  ShardRule rule;
  rule.hinted_table = &table;
  rule.everywhere = true;
  return rule;
}

}  // namespace shard

#endif  // SHARD_ROUTER_SHARD_RULE_H_
