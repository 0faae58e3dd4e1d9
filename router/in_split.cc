#include "shard/router/in_split.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/router/column_classes.h"
#include "shard/router/key_order.h"
#include "shard/router/key_predicate.h"
#include "shard/sql/dml.h"
#include "shard/sql/expression.h"
#include "shard/sql/select.h"

namespace shard {
namespace {

using sql::Expression;

const Expression* WhereOf(const sql::Statement& statement) {
  if (const auto* select = statement.As<sql::SelectStatement>()) {
    return &select->where;
  }
  if (const auto* update = statement.As<sql::UpdateStatement>()) {
    return &update->where;
  }
  const auto* remove = statement.As<sql::DeleteStatement>();
  return remove == nullptr ? nullptr : &remove->where;
}

sql::Statement WithWhere(const sql::Statement& statement, Expression where) {
  if (const auto* select = statement.As<sql::SelectStatement>()) {
    sql::SelectStatement copy = *select;
    copy.where = std::move(where);
    return sql::Statement(std::move(copy), statement.class_info());
  }
  if (const auto* update = statement.As<sql::UpdateStatement>()) {
    sql::UpdateStatement copy = *update;
    copy.where = std::move(where);
    return sql::Statement(std::move(copy), statement.class_info());
  }
  sql::DeleteStatement copy = *statement.As<sql::DeleteStatement>();
  copy.where = std::move(where);
  return sql::Statement(std::move(copy), statement.class_info());
}

// The rule whose key is the operand; null: the term is not such a list.
const ShardRule* RuleOfList(const Expression& term,
                            const RuleFinder& find_rule) {
  const auto* in = term.As<sql::InNode>();
  if (in == nullptr || in->negated || in->query != nullptr ||
      in->list.size() < 2) {
    return nullptr;
  }
  const auto* column = in->operand.As<sql::ColumnNode>();
  if (column == nullptr) return nullptr;
  const ShardRule* rule = find_rule(column->column->table());
  const bool is_key = rule != nullptr && rule->key.size() == 1 &&
                      rule->key.front() == column->column;
  return is_key ? rule : nullptr;
}

enum class Belongs { kHere, kElsewhere, kUnknown };

Belongs WhereIs(const Expression& item, const ShardRule& rule,
                const sql::Parameters* parameters, ShardId shard) {
  const auto constant = KeyPredicate::ConstantOf(item);
  const sql::Value* value =
      constant.has_value() ? constant->Find(parameters) : nullptr;
  if (value == nullptr) return Belongs::kUnknown;
  if (value->is_null()) return Belongs::kElsewhere;  // equal to nothing
  if (!SameKeyType(value->type(), rule.key.front()->type())) {
    return Belongs::kUnknown;
  }
  const sql::ValueView view = value->view();
  const absl::StatusOr<ShardId> place = rule.strategy->ShardFor({&view, 1});
  if (place.ok()) {
    return *place == shard ? Belongs::kHere : Belongs::kElsewhere;
  }
  // A key that no shard takes has no rows; of others it is not known now.
  return absl::IsInvalidArgument(place.status()) ? Belongs::kElsewhere
                                                 : Belongs::kHere;
}

// The list without what is elsewhere; empty: as it is.
Expression Split(const Expression& term, const ShardRule& rule,
                 const sql::Parameters* parameters, ShardId shard) {
  const auto& in = *term.As<sql::InNode>();
  std::vector<Expression> list;
  for (const Expression& item : in.list) {
    switch (WhereIs(item, rule, parameters, shard)) {
      case Belongs::kHere:
        list.push_back(item);
        break;
      case Belongs::kElsewhere:
        break;
      case Belongs::kUnknown:
        return {};
    }
  }
  if (list.size() == in.list.size()) return {};
  return sql::In(in.operand, std::move(list));
}

}  // namespace

bool HasSplittableList(const sql::Statement& statement,
                       const RuleFinder& find_rule) {
  const Expression* where = WhereOf(statement);
  if (where == nullptr) return false;
  const std::vector<Expression> terms = TermsOfAnd(*where);
  return std::any_of(terms.begin(), terms.end(), [&](const Expression& term) {
    return RuleOfList(term, find_rule) != nullptr;
  });
}

std::optional<sql::Statement> SplitLists(const sql::Statement& statement,
                                         const RuleFinder& find_rule,
                                         const sql::Parameters* parameters,
                                         ShardId shard) {
  const Expression* where = WhereOf(statement);
  if (where == nullptr) return std::nullopt;
  Expression narrowed;
  bool changed = false;
  for (const Expression& term : TermsOfAnd(*where)) {
    const ShardRule* rule = RuleOfList(term, find_rule);
    Expression split =
        rule == nullptr ? Expression() : Split(term, *rule, parameters, shard);
    changed |= !split.empty();
    narrowed =
        sql::And(std::move(narrowed), split.empty() ? term : std::move(split));
  }
  if (!changed) return std::nullopt;
  return WithWhere(statement, std::move(narrowed));
}

}  // namespace shard
