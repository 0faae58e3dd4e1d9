#include "shard/dialects/row_update.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "shard/sql/column.h"
#include "shard/sql/dml.h"
#include "shard/sql/expression.h"

namespace shard {
namespace {

bool IsParameter(const sql::Expression& expression) {
  return expression.As<sql::ParameterNode>() != nullptr;
}

// "column = ?", or an AND of such.
bool TakeMatch(const sql::Expression& condition,
               std::vector<std::string>* match) {
  if (const auto* all = condition.As<sql::ConjunctionNode>()) {
    return all->is_and && std::all_of(all->terms.begin(), all->terms.end(),
                                      [match](const sql::Expression& term) {
                                        return TakeMatch(term, match);
                                      });
  }
  const auto* equal = condition.As<sql::BinaryNode>();
  if (equal == nullptr || equal->op != sql::BinaryOp::kEqual) return false;
  const auto* column = equal->left.As<sql::ColumnNode>();
  if (column == nullptr || !IsParameter(equal->right)) return false;
  match->push_back(column->column->name());
  return true;
}

}  // namespace

std::shared_ptr<const RowUpdate> RowUpdateOf(const sql::UpdateStatement& update,
                                             const TableNaming& naming) {
  if (!update.returning.empty()) return nullptr;
  auto found = std::make_shared<RowUpdate>();
  found->schema = naming.schema;
  found->table = naming.NameOf(update.table->name());
  if (!TakeMatch(update.where, &found->match)) return nullptr;
  const auto& match = found->match;
  for (const sql::ColumnAssignment& assignment : update.assignments) {
    if (assignment.column == nullptr || !IsParameter(assignment.value)) {
      return nullptr;
    }
    const std::string& name = assignment.column->name();
    if (std::find(match.begin(), match.end(), name) != match.end()) {
      return nullptr;
    }
    found->columns.push_back(name);
  }
  return found;
}

}  // namespace shard
