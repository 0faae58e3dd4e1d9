#include "shard/router/column_classes.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "shard/router/key_order.h"

namespace shard {
namespace {

bool Has(const std::vector<ColumnRef>& columns, const ColumnRef& column) {
  return std::find(columns.begin(), columns.end(), column) != columns.end();
}

}  // namespace

std::vector<sql::Expression> TermsOfAnd(const sql::Expression& condition) {
  if (condition.empty()) return {};
  const auto* node = condition.As<sql::ConjunctionNode>();
  if (node != nullptr && node->is_and) return node->terms;
  return {condition};
}

std::vector<ColumnRef>& ColumnClasses::ClassOf(const ColumnRef& column) {
  for (std::vector<ColumnRef>& known : classes_) {
    if (Has(known, column)) return known;
  }
  return classes_.emplace_back(std::vector<ColumnRef>{column});
}

void ColumnClasses::Add(const sql::Expression& condition) {
  for (const sql::Expression& term : TermsOfAnd(condition)) {
    const auto* equal = term.As<sql::BinaryNode>();
    if (equal == nullptr || equal->op != sql::BinaryOp::kEqual) continue;
    const auto* left = equal->left.As<sql::ColumnNode>();
    const auto* right = equal->right.As<sql::ColumnNode>();
    if (left == nullptr || right == nullptr ||
        !SameKeyType(left->column->type(), right->column->type())) {
      continue;
    }
    const ColumnRef a{left->column, left->alias};
    const ColumnRef b{right->column, right->alias};
    if (Has(ClassOf(a), b)) continue;
    std::vector<ColumnRef> moved = std::move(ClassOf(b));
    std::erase_if(classes_, [](const auto& known) { return known.empty(); });
    std::vector<ColumnRef>& whole = ClassOf(a);
    whole.insert(whole.end(), moved.begin(), moved.end());
  }
}

std::vector<ColumnRef> ColumnClasses::Of(const ColumnRef& column) const {
  std::vector<ColumnRef> columns = {column};
  for (const std::vector<ColumnRef>& known : classes_) {
    if (!Has(known, column)) continue;
    for (const ColumnRef& other : known) {
      if (!(other == column)) columns.push_back(other);
    }
  }
  return columns;
}

bool ColumnClasses::AreEqual(const ColumnRef& a, const ColumnRef& b) const {
  return a == b || Has(Of(a), b);
}

}  // namespace shard
