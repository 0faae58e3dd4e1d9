#include "shard/router/null_rejection.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace shard {
namespace {

bool IsColumnOf(const sql::Expression& expression, const sql::TableRef& table) {
  if (const auto* collate = expression.As<sql::CollateNode>()) {
    return IsColumnOf(collate->operand, table);
  }
  const auto* node = expression.As<sql::ColumnNode>();
  return node != nullptr && &node->column->table() == table.table &&
         node->alias == table.alias;
}

// Whether it is NULL, and so neither true nor false, where the columns are.
bool IsNullOfNulls(const sql::Expression& expression,
                   const sql::TableRef& table) {
  if (const auto* binary = expression.As<sql::BinaryNode>()) {
    return IsColumnOf(binary->left, table) || IsColumnOf(binary->right, table);
  }
  if (const auto* in = expression.As<sql::InNode>()) {
    return in->query == nullptr && !in->list.empty() &&
           IsColumnOf(in->operand, table);
  }
  if (const auto* between = expression.As<sql::BetweenNode>()) {
    return IsColumnOf(between->operand, table);
  }
  const auto* unary = expression.As<sql::UnaryNode>();
  return unary != nullptr && unary->op == sql::UnaryOp::kNot &&
         IsNullOfNulls(unary->operand, table);
}

}  // namespace

bool RejectsNulls(const sql::Expression& condition,
                  const sql::TableRef& table) {
  if (condition.empty()) return false;
  if (const auto* node = condition.As<sql::ConjunctionNode>()) {
    const auto rejects = [&table](const sql::Expression& term) {
      return RejectsNulls(term, table);
    };
    return node->is_and
               ? std::any_of(node->terms.begin(), node->terms.end(), rejects)
               : std::all_of(node->terms.begin(), node->terms.end(), rejects);
  }
  const auto* unary = condition.As<sql::UnaryNode>();
  if (unary != nullptr && unary->op == sql::UnaryOp::kIsNotNull) {
    return IsColumnOf(unary->operand, table);
  }
  return IsNullOfNulls(condition, table);
}

sql::Expression FilterOf(const sql::SelectStatement& select,
                         std::vector<bool>* is_left) {
  sql::Expression filter = select.where;
  is_left->clear();
  for (const sql::JoinClause& join : select.joins) {
    is_left->push_back(join.kind == sql::JoinKind::kLeft);
    if (!is_left->back()) filter = sql::And(filter, join.on);
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < select.joins.size(); ++i) {
      const sql::JoinClause& join = select.joins[i];
      if (!(*is_left)[i] || !RejectsNulls(filter, join.table)) continue;
      (*is_left)[i] = false;
      filter = sql::And(filter, join.on);
      changed = true;
    }
  }
  return filter;
}

}  // namespace shard
