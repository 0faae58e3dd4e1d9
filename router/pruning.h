// The shards of a statement.
#ifndef SHARD_ROUTER_PRUNING_H_
#define SHARD_ROUTER_PRUNING_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/router/key_predicate.h"
#include "shard/router/shard_rule.h"
#include "shard/router/shard_set.h"
#include "shard/sql/dml.h"
#include "shard/sql/expression.h"
#include "shard/sql/select.h"
#include "shard/sql/statement.h"

namespace shard {

// Finds the rule of a table; null when it has none.
using RuleFinder = std::function<const ShardRule*(const sql::Table&)>;

// A statement read once for its shards, to be asked with many sets of
// parameters. Tables that are joined on their shard keys know of each other's:
// "a.k = b.k AND b.k = 5" is one shard, through chains of joins as well; of a
// left join the rows that are looked for know of the row that looks, and not
// the other way round, unless a condition leaves out rows without a match.
// Immutable, thread-safe. Points into the statement and the rules, which must
// outlive it.
class PruningPlan {
 public:
  // kInvalidArgument: a table without a rule; an INSERT, which is placed row by
  // row, unless its rows go to all shards; or raw text, which cannot be read.
  static absl::StatusOr<PruningPlan> Make(const RuleFinder& find_rule,
                                          const sql::Statement& statement);

  // The shards that must be visited so that their answers together are the
  // right answer. Never empty. kUnimplemented, naming them: sharded tables that
  // are not joined on their shard keys, a subquery that looks at other shards'
  // rows, or an UPDATE of a shard key that may move rows.
  absl::StatusOr<ShardSet> Shards(const sql::Parameters* parameters) const;

  // Whether the statement tells by the shard key which shards it is for: they
  // are not all there are, or the keys are listed.
  bool IsKeyed(const ShardSet& shards, const sql::Parameters* parameters) const;

  // Whether all its tables stand on all shards (ReferenceTable), so that any of
  // them can answer a SELECT. Shards() then has all.
  bool anywhere() const;

  // The rule of the table that the statement is about: of those that do not
  // stand on all shards, where there are any.
  const ShardRule& rule() const { return *places_[subject_].rule; }
  const sql::Table& table() const { return *places_[subject_].table.table; }

  // Why it is those shards, for people; shows values.
  std::string Why(const ShardSet& shards,
                  const sql::Parameters* parameters) const;

 private:
  // A table of the statement.
  struct Place {
    sql::TableRef table;
    const ShardRule* rule = nullptr;
    KeyPredicate condition;
    bool is_left = false;    // of a left join that may find nothing
    bool is_linked = false;  // joined on the shard keys with an earlier one
  };
  class Maker;

  PruningPlan() = default;
  absl::StatusOr<ShardSet> Together(const sql::Parameters* parameters) const;
  absl::StatusOr<ShardSet> FixedToOne(const sql::Parameters* parameters) const;
  absl::StatusOr<ShardSet> ShardsOfSubqueries(
      const sql::Parameters* parameters) const;
  void FindSubject();
  absl::Status CheckStays(const ShardSet& shards,
                          const sql::Parameters* parameters) const;
  absl::Status CheckSubqueries(const ShardSet& shards,
                               const sql::Parameters* parameters) const;

  std::vector<Place> places_;  // at least one
  std::size_t subject_ = 0;    // of places_
  bool is_select_ = false;
  std::vector<PruningPlan> subqueries_;
  // Of an UPDATE that sets a shard key: a column of it, and where its rows
  // belong then.
  const sql::Column* changed_ = nullptr;
  std::vector<KeyPredicate> after_;  // none or one
};

// The shards that can hold rows of `table` that meet `condition`; none when no
// row can: rather too many than too few.
ShardSet ShardsForCondition(const ShardRule& rule, const sql::TableRef& table,
                            const sql::Expression& condition,
                            const sql::Parameters* parameters);

// PruningPlan for one run.
absl::StatusOr<ShardSet> ShardsForStatement(const RuleFinder& find_rule,
                                            const sql::Statement& statement,
                                            const sql::Parameters* parameters);

}  // namespace shard

#endif  // SHARD_ROUTER_PRUNING_H_
