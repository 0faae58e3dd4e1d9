// Reading from a condition which shards its rows can be on.
#ifndef SHARD_ROUTER_PRUNING_H_
#define SHARD_ROUTER_PRUNING_H_

#include <functional>

#include "absl/status/statusor.h"
#include "shard/router/shard_rule.h"
#include "shard/router/shard_set.h"
#include "shard/sql/expression.h"
#include "shard/sql/select.h"
#include "shard/sql/statement.h"

namespace shard {

// The shards that can hold rows of `table` that meet `condition`: understands
// "=" and IN on the shard key with values known now, AND and OR. Anything else
// widens the answer, never narrows it: it may name too many shards, not too
// few. Empty when no row can meet the condition.
ShardSet ShardsForCondition(const ShardRule& rule, const sql::TableRef& table,
                            const sql::Expression& condition,
                            const sql::Parameters* parameters);

// Finds the rule of a table; null when it has none.
using RuleFinder = std::function<const ShardRule*(const sql::Table&)>;

// The shards that `statement` must visit so that their answers together are the
// right answer. Never empty.
//   kInvalidArgument   a table without a rule; an INSERT, which is placed row
//                      by row, or raw text, which cannot be read
//   kUnimplemented     sharded tables that are not joined on their shard keys,
//                      a subquery that looks at other shards' rows, or an
//                      UPDATE of a shard key that may move rows; named
absl::StatusOr<ShardSet> ShardsForStatement(const RuleFinder& find_rule,
                                            const sql::Statement& statement,
                                            const sql::Parameters* parameters);

}  // namespace shard

#endif  // SHARD_ROUTER_PRUNING_H_
