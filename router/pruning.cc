#include "shard/router/pruning.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/router/key_domain.h"
#include "shard/router/statement_tables.h"
#include "shard/sql/column.h"
#include "shard/sql/dml.h"
#include "shard/sql/value.h"

namespace shard {
namespace {

using sql::Expression;

bool SameFamily(sql::ValueType a, sql::ValueType b) {
  const auto widened = [](sql::ValueType type) {
    return type == sql::ValueType::kInt32 ? sql::ValueType::kInt64 : type;
  };
  return widened(a) == widened(b);
}

// Prunes for one table of one statement.
class Pruner {
 public:
  Pruner(const ShardRule& rule, const sql::TableRef& table,
         const sql::Parameters* parameters)
      : rule_(rule), table_(table), parameters_(parameters) {}

  ShardSet Run(const Expression& condition) const {
    if (condition.empty()) return All();
    if (const auto* node = condition.As<sql::ConjunctionNode>()) {
      return node->is_and ? OfAnd(node->terms) : OfOr(node->terms);
    }
    return OfAnd({condition});
  }

 private:
  using Values = std::vector<sql::ValueView>;

  ShardSet All() const {
    const auto& shards = rule_.strategy->shards();
    return {shards.begin(), shards.end()};
  }

  ShardSet OfOr(const std::vector<Expression>& terms) const {
    ShardSet found;
    for (const Expression& term : terms) {
      for (const ShardId shard : Run(term)) AddOnce(found, shard);
    }
    return Intersection(All(), found);  // in the strategy's order
  }

  // Terms that fix a key column, taken together, give keys; each OR inside
  // narrows further.
  ShardSet OfAnd(const std::vector<Expression>& terms) const {
    ShardSet shards = All();
    std::vector<std::optional<Values>> fixed(rule_.key.size());
    for (const Expression& term : terms) {
      if (term.As<sql::ConjunctionNode>() != nullptr) {
        shards = Intersection(shards, Run(term));
        continue;
      }
      for (std::size_t i = 0; i < rule_.key.size(); ++i) {
        std::optional<Values> values = ValuesFor(*rule_.key[i], term);
        if (!values.has_value()) continue;
        if (rule_.key.size() == 1) {
          shards = Intersection(shards, ShardsOf({std::move(values)}));
        } else if (!fixed[i].has_value()) {
          fixed[i] = std::move(values);
        }
      }
    }
    return rule_.key.size() == 1 ? shards
                                 : Intersection(shards, ShardsOf(fixed));
  }

  // The values that `term` allows for `column`; nullopt: any.
  std::optional<Values> ValuesFor(const sql::Column& column,
                                  const Expression& term) const {
    std::vector<const Expression*> candidates;
    if (const auto* binary = term.As<sql::BinaryNode>()) {
      if (binary->op != sql::BinaryOp::kEqual) return std::nullopt;
      if (IsColumn(column, binary->left)) {
        candidates = {&binary->right};
      } else if (IsColumn(column, binary->right)) {
        candidates = {&binary->left};
      } else {
        return std::nullopt;
      }
    } else if (const auto* in = term.As<sql::InNode>()) {
      if (in->negated || in->query != nullptr ||
          !IsColumn(column, in->operand)) {
        return std::nullopt;
      }
      for (const Expression& item : in->list) candidates.push_back(&item);
    } else {
      return std::nullopt;
    }
    Values values;
    for (const Expression* candidate : candidates) {
      const sql::Value* value = Constant(*candidate);
      if (value == nullptr) return std::nullopt;
      if (value->is_null()) continue;  // "= NULL" is never true
      if (!SameFamily(value->type(), column.type())) return std::nullopt;
      values.push_back(value->view());
    }
    return values;
  }

  bool IsColumn(const sql::Column& column, const Expression& expression) const {
    const auto* node = expression.As<sql::ColumnNode>();
    return node != nullptr && node->column == &column &&
           node->alias == table_.alias;
  }

  const sql::Value* Constant(const Expression& expression) const {
    if (const auto* literal = expression.As<sql::LiteralNode>()) {
      return &literal->value;
    }
    const auto* parameter = expression.As<sql::ParameterNode>();
    if (parameter == nullptr || parameters_ == nullptr) return nullptr;
    return parameters_->Find(parameter->name);
  }

  ShardSet ShardsOf(const std::vector<std::optional<Values>>& parts) const {
    absl::InlinedVector<KeyDomain, 2> key(parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].has_value()) {
        key[i].values.emplace(parts[i]->begin(), parts[i]->end());
      }
    }
    return rule_.strategy->ShardsFor(key);
  }

  const ShardRule& rule_;
  const sql::TableRef& table_;
  const sql::Parameters* parameters_;
};

// A sharded table of a SELECT, and where its rows can be.
struct Place {
  const sql::TableRef* table;
  const ShardRule* rule;
  ShardSet shards;
  Expression left_join_on;  // of a left join: what finds its rows
};

// Whether `condition`, as an AND, has "a.key = b.key" for every key column.
bool JoinedOnKeys(const Place& a, const Place& b, const Expression& condition) {
  if (a.rule->strategy != b.rule->strategy ||
      a.rule->key.size() != b.rule->key.size()) {
    return false;
  }
  std::vector<Expression> terms = {condition};
  if (const auto* node = condition.As<sql::ConjunctionNode>();
      node != nullptr && node->is_and) {
    terms = node->terms;
  }
  const auto is = [](const Expression& e, const sql::Column* column,
                     const sql::TableRef& table) {
    const auto* node = e.As<sql::ColumnNode>();
    return node != nullptr && node->column == column &&
           node->alias == table.alias;
  };
  for (std::size_t i = 0; i < a.rule->key.size(); ++i) {
    // Values that only the database finds equal have different shards.
    if (!SameFamily(a.rule->key[i]->type(), b.rule->key[i]->type())) {
      return false;
    }
    const bool equal =
        std::any_of(terms.begin(), terms.end(), [&](const Expression& term) {
          const auto* node = term.As<sql::BinaryNode>();
          return node != nullptr && node->op == sql::BinaryOp::kEqual &&
                 ((is(node->left, a.rule->key[i], *a.table) &&
                   is(node->right, b.rule->key[i], *b.table)) ||
                  (is(node->right, a.rule->key[i], *a.table) &&
                   is(node->left, b.rule->key[i], *b.table)));
        });
    if (!equal) return false;
  }
  return true;
}

absl::Status NotTogether(const sql::Table& a, const sql::Table& b) {
  return absl::UnimplementedError(absl::StrCat(
      "rows of '", a.name(), "' and '", b.name(),
      "' that belong together may be on different shards; join them on their "
      "shard keys, or fix both keys to one shard"));
}

class StatementReader {
 public:
  StatementReader(const RuleFinder& find_rule,
                  const sql::Parameters* parameters)
      : find_rule_(find_rule), parameters_(parameters) {}

  absl::StatusOr<ShardSet> OfSelect(const sql::SelectStatement& select) const {
    SHARD_ASSIGN_OR_RETURN(const std::vector<sql::TableRef> tables,
                           TablesOfSelect(select));
    // An inner join's condition holds for every row, as WHERE does; a left
    // join's only says which rows of its own table go with a row.
    Expression filter = select.where;
    for (const sql::JoinClause& join : select.joins) {
      if (join.kind == sql::JoinKind::kInner) filter = And(filter, join.on);
    }
    std::vector<Place> places;
    for (const sql::TableRef& table : tables) {
      SHARD_ASSIGN_OR_RETURN(const ShardRule* rule, RuleOf(*table.table));
      places.push_back(
          {&table, rule, Pruner(*rule, table, parameters_).Run(filter), {}});
    }
    for (const sql::JoinClause& join : select.joins) {
      if (join.kind != sql::JoinKind::kLeft) continue;
      for (Place& place : places) {
        if (*place.table == join.table) place.left_join_on = join.on;
      }
    }
    SHARD_ASSIGN_OR_RETURN(ShardSet shards, Together(places, filter));
    if (shards.empty())
      shards = {places.front().rule->strategy->shards().front()};
    SHARD_RETURN_IF_ERROR(
        CheckSubqueries(ExpressionsOf(select), *tables.front().table, shards));
    return shards;
  }

  absl::StatusOr<ShardSet> OfUpdate(const sql::Statement& statement,
                                    const sql::UpdateStatement& update) const {
    SHARD_ASSIGN_OR_RETURN(const ShardSet shards,
                           OfWrite(statement, *update.table, update.where));
    SHARD_RETURN_IF_ERROR(CheckStays(update, shards));
    return shards;
  }

  absl::StatusOr<ShardSet> OfWrite(const sql::Statement& statement,
                                   const sql::Table& table,
                                   const Expression& where) const {
    SHARD_ASSIGN_OR_RETURN(const ShardRule* rule, RuleOf(table));
    ShardSet shards =
        Pruner(*rule, sql::TableRef(table), parameters_).Run(where);
    if (shards.empty()) shards = {rule->strategy->shards().front()};
    SHARD_RETURN_IF_ERROR(
        CheckSubqueries(ExpressionsOf(statement), table, shards));
    return shards;
  }

 private:
  static absl::StatusOr<std::vector<sql::TableRef>> TablesOfSelect(
      const sql::SelectStatement& select) {
    std::vector<sql::TableRef> tables = select.Tables();
    if (tables.empty()) {
      return absl::InvalidArgumentError(
          "a SELECT without a table says nothing of shards; name the shard to "
          "run it on");
    }
    return tables;
  }

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

  // The shards of a join: every two tables must find each other's rows on the
  // same shard.
  static absl::StatusOr<ShardSet> Together(const std::vector<Place>& places,
                                           const Expression& filter) {
    ShardSet shards = places.front().shards;
    for (std::size_t i = 1; i < places.size(); ++i) {
      const Expression links = And(filter, places[i].left_join_on);
      const bool linked = std::any_of(
          places.begin(), places.begin() + static_cast<std::ptrdiff_t>(i),
          [&](const Place& other) {
            return JoinedOnKeys(other, places[i], links);
          });
      const bool same_shard = shards.size() == 1 && places[i].shards == shards;
      if (!linked && !same_shard) {
        return NotTogether(*places.front().table->table,
                           *places[i].table->table);
      }
      shards = Intersection(shards, places[i].shards);
    }
    return shards;
  }

  // Rows stay on their shard, so a new shard key must belong to it.
  absl::Status CheckStays(const sql::UpdateStatement& update,
                          const ShardSet& shards) const {
    SHARD_ASSIGN_OR_RETURN(const ShardRule* rule, RuleOf(*update.table));
    Expression new_key;
    const sql::Column* changed = nullptr;
    for (const sql::ColumnAssignment& set : update.assignments) {
      if (std::find(rule->key.begin(), rule->key.end(), set.column) !=
          rule->key.end()) {
        changed = set.column;
        new_key = And(new_key, sql::Binary(sql::BinaryOp::kEqual,
                                           changed->expression(), set.value));
      }
    }
    if (changed == nullptr) return absl::OkStatus();
    const ShardSet after =
        Pruner(*rule, sql::TableRef(*update.table), parameters_).Run(new_key);
    if (after.size() == 1 && after == shards) return absl::OkStatus();
    return absl::UnimplementedError(absl::StrCat(
        "UPDATE sets shard key '", changed->QualifiedName(),
        "', and its rows may belong on another shard then; delete and insert "
        "them, or fix the statement to the shard they stay on"));
  }

  // A subquery sees only the rows of the shard that it runs on.
  absl::Status CheckSubqueries(const std::vector<Expression>& expressions,
                               const sql::Table& outer,
                               const ShardSet& shards) const {
    for (const auto& query : SubqueriesOf(expressions)) {
      SHARD_ASSIGN_OR_RETURN(const ShardSet inner, OfSelect(*query));
      if (inner.size() != 1 || inner != shards) {
        return NotTogether(outer, *query->Tables().front().table);
      }
    }
    return absl::OkStatus();
  }

  const RuleFinder& find_rule_;
  const sql::Parameters* parameters_;
};

}  // namespace

ShardSet ShardsForCondition(const ShardRule& rule, const sql::TableRef& table,
                            const Expression& condition,
                            const sql::Parameters* parameters) {
  return Pruner(rule, table, parameters).Run(condition);
}

absl::StatusOr<ShardSet> ShardsForStatement(const RuleFinder& find_rule,
                                            const sql::Statement& statement,
                                            const sql::Parameters* parameters) {
  const StatementReader reader(find_rule, parameters);
  if (const auto* select = statement.As<sql::SelectStatement>()) {
    return reader.OfSelect(*select);
  }
  if (const auto* update = statement.As<sql::UpdateStatement>()) {
    return reader.OfUpdate(statement, *update);
  }
  if (const auto* remove = statement.As<sql::DeleteStatement>()) {
    return reader.OfWrite(statement, *remove->table, remove->where);
  }
  if (statement.As<sql::InsertStatement>() != nullptr) {
    return absl::InvalidArgumentError(
        "an INSERT is placed row by row, by the shard key of each");
  }
  return absl::InvalidArgumentError(
      "raw SQL text says nothing of shards; name the shard to run it on, or "
      "bind it to a class that lives on one shard");
}

}  // namespace shard
