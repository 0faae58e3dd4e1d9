// IN lists, each shard's values for itself.
#ifndef SHARD_ROUTER_IN_SPLIT_H_
#define SHARD_ROUTER_IN_SPLIT_H_

#include <optional>

#include "shard/router/pruning.h"
#include "shard/router/shard_id.h"
#include "shard/sql/statement.h"

namespace shard {

// Whether `statement` has a term "key IN (...)" that can be split.
bool HasSplittableList(const sql::Statement& statement,
                       const RuleFinder& find_rule);

// The statement as `shard` gets it: of such lists without the values that
// belong on other shards. Only terms of WHERE itself are split, or of an AND
// that it is, on shard keys of one column, where all values are literals or
// parameters whose values are known. None: nothing is left out.
std::optional<sql::Statement> SplitLists(const sql::Statement& statement,
                                         const RuleFinder& find_rule,
                                         const sql::Parameters* parameters,
                                         ShardId shard);

}  // namespace shard

#endif  // SHARD_ROUTER_IN_SPLIT_H_
