#include "shard/router/pruning.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/router/column_classes.h"
#include "shard/router/null_rejection.h"
#include "shard/router/statement_tables.h"

namespace shard {
namespace {

using sql::Expression;

absl::Status NotTogether(const sql::Table& a, const sql::Table& b) {
  return absl::UnimplementedError(absl::StrCat(
      "rows of '", a.name(), "' and '", b.name(),
      "' that belong together may be on different shards; join them on their "
      "shard keys, or fix both keys to one shard"));
}

// The key of a table that a statement knows by this name.
std::vector<KeyPart> NamesIn(const ShardRule& rule, const std::string& alias) {
  std::vector<KeyPart> names;
  for (const sql::Column* column : rule.key) {
    names.emplace_back().refs.push_back({{column, alias}, false});
  }
  return names;
}

KeyPredicate ConditionOf(const ShardRule& rule, const std::string& alias,
                         const Expression& condition) {
  KeyPredicate read(rule.key);
  read.Add(condition, NamesIn(rule, alias));
  return read;
}

// The columns of the key for people: "cities.continent".
std::string KeyText(const ShardRule& rule) {
  std::string text;
  for (const sql::Column* column : rule.key) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", column->QualifiedName());
  }
  return text;
}

}  // namespace

class PruningPlan::Maker {
 public:
  explicit Maker(const RuleFinder& find_rule) : find_rule_(find_rule) {}

  absl::StatusOr<PruningPlan> OfSelect(const sql::SelectStatement& select) {
    PruningPlan plan;
    SHARD_RETURN_IF_ERROR(AddTables(select, &plan));
    std::vector<bool> is_left;
    const Expression filter = FilterOf(select, &is_left);
    std::vector<Expression> left_on(plan.places_.size());
    for (std::size_t i = 0; i < is_left.size(); ++i) {
      if (!is_left[i]) continue;
      for (std::size_t j = 0; j < plan.places_.size(); ++j) {
        if (!(plan.places_[j].table == select.joins[i].table)) continue;
        plan.places_[j].is_left = true;
        left_on[j] = select.joins[i].on;
      }
    }
    ColumnClasses classes;
    classes.Add(filter);
    for (std::size_t i = 0; i < plan.places_.size(); ++i) {
      ReadPlace(classes, filter, left_on[i], i, &plan);
    }
    plan.is_select_ = true;
    plan.FindSubject();
    SHARD_RETURN_IF_ERROR(AddSubqueries(ExpressionsOf(select), &plan));
    return plan;
  }

  absl::StatusOr<PruningPlan> OfWrite(const sql::Statement& statement,
                                      const sql::Table& table,
                                      const Expression& where) {
    PruningPlan plan;
    SHARD_ASSIGN_OR_RETURN(const ShardRule* rule, RuleOf(table));
    plan.places_.push_back(
        {sql::TableRef(table), rule, ConditionOf(*rule, "", where)});
    SHARD_RETURN_IF_ERROR(AddSubqueries(ExpressionsOf(statement), &plan));
    return plan;
  }

  absl::StatusOr<PruningPlan> OfUpdate(const sql::Statement& statement,
                                       const sql::UpdateStatement& update) {
    SHARD_ASSIGN_OR_RETURN(PruningPlan plan,
                           OfWrite(statement, *update.table, update.where));
    const ShardRule& rule = plan.rule();
    Expression new_key;
    for (const sql::ColumnAssignment& set : update.assignments) {
      if (std::find(rule.key.begin(), rule.key.end(), set.column) ==
          rule.key.end()) {
        continue;
      }
      plan.changed_ = set.column;
      new_key = And(new_key, sql::Binary(sql::BinaryOp::kEqual,
                                         set.column->expression(), set.value));
    }
    if (plan.changed_ != nullptr) {
      plan.after_.push_back(ConditionOf(rule, "", new_key));
    }
    return plan;
  }

 private:
  absl::StatusOr<const ShardRule*> RuleOf(const sql::Table& table) const {
    const ShardRule* rule = find_rule_(table);
    if (rule == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("table '", table.name(),
                       "' has no sharding rule; add ShardBy() for it, or name "
                       "the shard"));
    }
    return rule;
  }

  absl::Status AddTables(const sql::SelectStatement& select,
                         PruningPlan* plan) const {
    for (sql::TableRef& table : select.Tables()) {
      SHARD_ASSIGN_OR_RETURN(const ShardRule* rule, RuleOf(*table.table));
      plan->places_.push_back(
          {std::move(table), rule, KeyPredicate(rule->key)});
    }
    if (!plan->places_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        "a SELECT without a table says nothing of shards; name the shard to "
        "run it on");
  }

  // What is known of the keys of the table's rows that are looked for. Rows of
  // a left join's table are looked for by ON alone: a condition on them, as IS
  // NULL, may well hold because there are none. But a condition on the row that
  // looks for them, or on another that ON compares them with, tells of them.
  static void ReadPlace(const ColumnClasses& classes, const Expression& filter,
                        const Expression& left_on, std::size_t index,
                        PruningPlan* plan) {
    Place& place = plan->places_[index];
    ColumnClasses own = classes;
    own.Add(left_on);
    const std::vector<KeyPart> names = Names(own, place, *plan);
    std::vector<KeyPart> in_filter = names;
    if (place.is_left) {
      for (KeyPart& part : in_filter) {
        std::erase_if(part.refs, [&place](const KeyPart::Ref& ref) {
          return IsOf(ref.column, place.table);
        });
      }
      place.condition.Add(left_on, names);
    }
    place.condition.Add(filter, in_filter);
    for (std::size_t i = 0; i < index && !place.is_linked; ++i) {
      place.is_linked = AreLinked(own, plan->places_[i], place);
    }
  }

  static bool IsOf(const ColumnRef& column, const sql::TableRef& table) {
    return &column.column->table() == table.table &&
           column.alias == table.alias;
  }

  static std::vector<KeyPart> Names(const ColumnClasses& classes,
                                    const Place& place,
                                    const PruningPlan& plan) {
    std::vector<KeyPart> names;
    for (const sql::Column* column : place.rule->key) {
      KeyPart& part = names.emplace_back();
      for (ColumnRef& ref : classes.Of({column, place.table.alias})) {
        const bool missing = std::any_of(
            plan.places_.begin(), plan.places_.end(), [&](const Place& other) {
              return other.is_left && IsOf(ref, other.table);
            });
        part.refs.push_back({std::move(ref), missing});
      }
    }
    return names;
  }

  // Whether rows that go together have the same shard: all parts of the keys
  // are equal, and placed alike.
  static bool AreLinked(const ColumnClasses& classes, const Place& a,
                        const Place& b) {
    if (a.rule->strategy != b.rule->strategy || a.rule->key.empty() ||
        a.rule->key.size() != b.rule->key.size()) {
      return false;
    }
    for (std::size_t i = 0; i < a.rule->key.size(); ++i) {
      if (!classes.AreEqual({a.rule->key[i], a.table.alias},
                            {b.rule->key[i], b.table.alias})) {
        return false;
      }
    }
    return true;
  }

  absl::Status AddSubqueries(const std::vector<Expression>& expressions,
                             PruningPlan* plan) {
    for (const auto& query : SubqueriesOf(expressions)) {
      SHARD_ASSIGN_OR_RETURN(PruningPlan inner, OfSelect(*query));
      plan->subqueries_.push_back(std::move(inner));
    }
    return absl::OkStatus();
  }

  const RuleFinder& find_rule_;
};

absl::StatusOr<PruningPlan> PruningPlan::Make(const RuleFinder& find_rule,
                                              const sql::Statement& statement) {
  Maker maker(find_rule);
  if (const auto* select = statement.As<sql::SelectStatement>()) {
    return maker.OfSelect(*select);
  }
  if (const auto* update = statement.As<sql::UpdateStatement>()) {
    return maker.OfUpdate(statement, *update);
  }
  if (const auto* remove = statement.As<sql::DeleteStatement>()) {
    return maker.OfWrite(statement, *remove->table, remove->where);
  }
  if (const auto* insert = statement.As<sql::InsertStatement>()) {
    const ShardRule* rule = find_rule(*insert->table);
    if (rule != nullptr && rule->everywhere) {
      return maker.OfWrite(statement, *insert->table, Expression());
    }
    return absl::InvalidArgumentError(
        "an INSERT is placed row by row, by the shard key of each");
  }
  return absl::InvalidArgumentError(
      "raw SQL text says nothing of shards; name the shard to run it on, or "
      "bind it to a class that lives on one shard");
}

absl::StatusOr<ShardSet> PruningPlan::Shards(
    const sql::Parameters* parameters) const {
  const ShardingStrategy& strategy = *rule().strategy;
  if (rule().everywhere) return ShardsOfSubqueries(parameters);
  absl::StatusOr<ShardSet> shards;
  if (places_.size() == 1) {
    shards = places_.front().condition.Shards(strategy, parameters);
  } else {
    shards = Together(parameters);
    if (!shards.ok()) return shards;
  }
  if (shards->empty()) shards->push_back(strategy.shards().front());
  if (changed_ != nullptr) {
    SHARD_RETURN_IF_ERROR(CheckStays(*shards, parameters));
  }
  if (!subqueries_.empty()) {
    SHARD_RETURN_IF_ERROR(CheckSubqueries(*shards, parameters));
  }
  return shards;
}

// The first table that the rows of the answer are found by, if any is one that
// does not stand everywhere; or else the first of those that left joins add.
void PruningPlan::FindSubject() {
  for (const bool left : {false, true}) {
    for (std::size_t i = 0; i < places_.size(); ++i) {
      if (places_[i].is_left != left || places_[i].rule->everywhere) continue;
      subject_ = i;
      return;
    }
  }
}

bool PruningPlan::anywhere() const {
  return rule().everywhere &&
         std::all_of(subqueries_.begin(), subqueries_.end(),
                     [](const PruningPlan& query) { return query.anywhere(); });
}

// Of a statement whose own tables stand everywhere: all shards, or of a SELECT
// the one that its subqueries need. What is written everywhere must not depend
// on rows that are not.
absl::StatusOr<ShardSet> PruningPlan::ShardsOfSubqueries(
    const sql::Parameters* parameters) const {
  const auto& all = rule().strategy->shards();
  ShardSet shards(all.begin(), all.end());
  bool is_fixed = false;
  for (const PruningPlan& query : subqueries_) {
    if (query.anywhere()) continue;
    SHARD_ASSIGN_OR_RETURN(const ShardSet inner, query.Shards(parameters));
    if (!is_select_ || inner.size() != 1 || (is_fixed && inner != shards)) {
      return NotTogether(table(), query.table());
    }
    shards = inner;
    is_fixed = true;
  }
  return shards;
}

// Rows that stand on all shards, with those of others that left joins add: a
// row without a match would come from each shard, so it must be one.
absl::StatusOr<ShardSet> PruningPlan::FixedToOne(
    const sql::Parameters* parameters) const {
  ShardSet shards;
  for (const Place& place : places_) {
    if (place.rule->everywhere) continue;
    const ShardSet own =
        place.condition.Shards(*place.rule->strategy, parameters);
    if (own.empty()) continue;  // it finds nothing, wherever it looks
    if (own.size() > 1 || (!shards.empty() && own != shards)) {
      return absl::UnimplementedError(absl::StrCat(
          "rows of '", places_.front().table.table->name(),
          "' stand on all shards, and without a match in '",
          place.table.table->name(),
          "' each would be answered by several; fix the join to one shard"));
    }
    shards = own;
  }
  return shards;
}

// The shards of a join: every two tables must find each other's rows on the
// same shard. Empty when no row can be.
absl::StatusOr<ShardSet> PruningPlan::Together(
    const sql::Parameters* parameters) const {
  const auto shards_of = [parameters](const Place& place) {
    return place.condition.Shards(*place.rule->strategy, parameters);
  };
  if (places_[subject_].is_left) return FixedToOne(parameters);
  ShardSet shards;
  for (const bool left : {false, true}) {
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const Place& place = places_[i];
      if (place.is_left != left || place.rule->everywhere) continue;
      if (left && place.is_linked) continue;
      const ShardSet own = shards_of(place);
      // No row can be; of a left join: none is found wherever it looks.
      if (own.empty() && !left) return own;
      if (own.empty()) continue;
      const bool same_shard = shards.size() == 1 && own == shards;
      if (i != subject_ && !place.is_linked && !same_shard) {
        return NotTogether(table(), *place.table.table);
      }
      if (!left) shards = i == subject_ ? own : Intersection(shards, own);
    }
    if (shards.empty()) return shards;
  }
  return shards;
}

// Rows stay on their shard, so a new shard key must belong to it.
absl::Status PruningPlan::CheckStays(const ShardSet& shards,
                                     const sql::Parameters* parameters) const {
  const ShardSet after = after_.front().Shards(*rule().strategy, parameters);
  if (after.size() == 1 && after == shards) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat(
      "UPDATE sets shard key '", changed_->QualifiedName(),
      "', and its rows may belong on another shard then; delete and insert "
      "them, or fix the statement to the shard they stay on"));
}

// A subquery sees only the rows of the shard that it runs on.
absl::Status PruningPlan::CheckSubqueries(
    const ShardSet& shards, const sql::Parameters* parameters) const {
  for (const PruningPlan& query : subqueries_) {
    if (query.anywhere()) continue;
    SHARD_ASSIGN_OR_RETURN(const ShardSet inner, query.Shards(parameters));
    if (inner.size() != 1 || inner != shards) {
      return NotTogether(table(), query.table());
    }
  }
  return absl::OkStatus();
}

bool PruningPlan::IsKeyed(const ShardSet& shards,
                          const sql::Parameters* parameters) const {
  if (rule().everywhere) return true;
  if (shards.size() < rule().strategy->shards().size()) return true;
  return std::any_of(places_.begin(), places_.end(),
                     [parameters](const Place& place) {
                       return !place.is_left && !place.rule->everywhere &&
                              place.condition.ListsKeys(parameters);
                     });
}

std::string PruningPlan::Why(const ShardSet& shards,
                             const sql::Parameters* parameters) const {
  if (rule().everywhere) {
    return absl::StrCat(!is_select_  ? "all shards"
                        : anywhere() ? "any shard"
                                     : "the shard of the subqueries' rows",
                        ", since rows of '", table().name(), "' stand on each");
  }
  if (rule().key.empty()) {
    return absl::StrCat("all shards, since no column decides the shard of '",
                        table().name(), "'");
  }
  std::string said;
  for (const Place& place : places_) {
    if (!place.condition.says_something()) continue;
    const std::string text = place.condition.DebugString(parameters);
    if (said.find(text) != std::string::npos) continue;
    absl::StrAppend(&said, said.empty() ? "" : ", and ", text);
  }
  const std::size_t all = rule().strategy->shards().size();
  if (shards.size() < all) {
    return absl::StrCat(shards.size(), " of ", all, " shards by ", said);
  }
  if (said.empty()) {
    return absl::StrCat("all ", all,
                        " shards, since nothing that can be read tells of "
                        "shard key ",
                        KeyText(rule()));
  }
  return absl::StrCat("all ", all, " shards, since ", said,
                      " leaves none of them out");
}

ShardSet ShardsForCondition(const ShardRule& rule, const sql::TableRef& table,
                            const Expression& condition,
                            const sql::Parameters* parameters) {
  return ConditionOf(rule, table.alias, condition)
      .Shards(*rule.strategy, parameters);
}

absl::StatusOr<ShardSet> ShardsForStatement(const RuleFinder& find_rule,
                                            const sql::Statement& statement,
                                            const sql::Parameters* parameters) {
  SHARD_ASSIGN_OR_RETURN(const PruningPlan plan,
                         PruningPlan::Make(find_rule, statement));
  return plan.Shards(parameters);
}

}  // namespace shard
