// The sharding rules of a router, by table.
#ifndef SHARD_ROUTER_RULE_TABLE_H_
#define SHARD_ROUTER_RULE_TABLE_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/router/shard_rule.h"
#include "shard/sql/column.h"
#include "shard/sql/table.h"

namespace shard {

// For messages: "'cities.country', 'cities.id'".
std::string QuotedNames(const std::vector<const sql::Column*>& columns);

// Rules that go together: each complete, those that follow another table's with
// its strategy. Immutable, thread-safe; pointers to rules stay valid when it is
// moved.
class RuleTable {
 public:
  // kInvalidArgument, naming table and column: a rule without strategy, key or
  // table, a key of several tables, of a type that cannot be one or that its
  // strategy does not take, two rules for a table, a parent without a rule or
  // by another key than its own.
  static absl::StatusOr<RuleTable> Create(std::vector<ShardRule> rules);

  const std::vector<ShardRule>& rules() const { return rules_; }
  // Null when the table has none.
  const ShardRule* Find(const sql::Table& table) const {
    const auto found = by_table_.find(&table);
    return found == by_table_.end() ? nullptr : found->second;
  }

 private:
  absl::Status Index();
  absl::Status FollowParents();
  absl::Status Follow(ShardRule* rule) const;

  std::vector<ShardRule> rules_;
  absl::flat_hash_map<const sql::Table*, const ShardRule*> by_table_;
};

}  // namespace shard

#endif  // SHARD_ROUTER_RULE_TABLE_H_
