// How the Compiler writes SELECT.
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/dialects/compiler.h"
#include "shard/sql/expression.h"
#include "shard/sql/select.h"

namespace shard {
namespace {

using sql::ValueType;

// The name that the result column of an expression goes by.
std::string ResultName(const sql::SelectItem& item) {
  if (!item.label.empty()) return item.label;
  if (const auto* column = item.expression.As<sql::ColumnNode>()) {
    return column->column->name();
  }
  if (const auto* function = item.expression.As<sql::FunctionNode>()) {
    return function->name;
  }
  return "";
}

}  // namespace

void Compiler::Compile(const sql::SelectStatement& select) {
  Select(select);
  ResultColumns(select.columns);
}

void Compiler::ResultColumns(const std::vector<sql::SelectItem>& items) {
  if (!status_.ok()) return;  // an item may be empty
  for (const sql::SelectItem& item : items) {
    out_.columns.push_back({ResultName(item), item.expression->type});
  }
  out_.returns_rows = true;
}

void Compiler::Select(const sql::SelectStatement& select) {
  const std::vector<sql::TableRef> tables = select.Tables();
  if (select.from.table == nullptr &&
      (tables.size() > 1 || !select.joins.empty())) {
    return Fail(absl::InvalidArgumentError(
        absl::StrCat("SELECT names '", tables.front().table->name(), "' and '",
                     tables.back().table->name(),
                     "'; say by From() and Join() how they belong together")));
  }
  if (select.columns.empty()) {
    return Fail(absl::InvalidArgumentError("SELECT has no columns; add some"));
  }
  if (select.limit.value_or(0) < 0 || select.offset < 0) {
    return Fail(
        absl::InvalidArgumentError("LIMIT and OFFSET must not be negative"));
  }
  const bool outer =
      std::exchange(qualify_columns_, qualify_columns_ || tables.size() > 1);
  const std::size_t outer_scope = scope_.size();
  scope_.insert(scope_.end(), tables.begin(), tables.end());
  SelectClauses(select);
  scope_.resize(outer_scope);
  qualify_columns_ = outer;
}

void Compiler::Subquery(const sql::SelectStatement& select) {
  const bool outer = std::exchange(qualify_columns_, true);
  Append("(");
  Select(select);
  Append(")");
  qualify_columns_ = outer;
}

void Compiler::SelectClauses(const sql::SelectStatement& select) {
  Append(select.distinct ? "SELECT DISTINCT " : "SELECT ");
  SelectList(select.columns, select.distinct);
  From(select);
  Where(select.where);
  if (!select.group_by.empty()) {
    Append(" GROUP BY ");
    for (std::size_t i = 0; i < select.group_by.size(); ++i) {
      if (i > 0) Append(", ");
      WriteComparable(select.group_by[i], IsDecimal(select.group_by[i]));
    }
  }
  if (select.having) {
    Append(" HAVING ");
    Write(select.having);
  }
  for (std::size_t i = 0; i < select.order_by.size(); ++i) {
    Append(i == 0 ? " ORDER BY " : ", ");
    OrderBy(select.order_by[i]);
  }
  LimitAndOffset(select);
  if (select.for_update && dialect_.supports_for_update()) {
    Append(" FOR UPDATE");
  }
}

void Compiler::From(const sql::SelectStatement& select) {
  sql::TableRef from = select.from;
  if (from.table == nullptr) {
    const std::vector<sql::TableRef> tables = select.Tables();
    if (tables.empty()) return;
    from = tables.front();
  }
  Append(" FROM ");
  Table(from);
  for (const sql::JoinClause& join : select.joins) {
    Append(join.kind == sql::JoinKind::kLeft ? " LEFT JOIN " : " JOIN ");
    Table(join.table);
    Append(" ON ");
    if (join.on.empty()) {
      return Fail(absl::InvalidArgumentError(
          absl::StrCat("JOIN with '", join.table.table->name(),
                       "' has no condition; give one")));
    }
    Write(join.on);
  }
}

void Compiler::OrderBy(const sql::OrderTerm& term) {
  WriteComparable(term.expression, IsDecimal(term.expression));
  if (term.descending) Append(" DESC");
  if (term.nulls == sql::NullOrder::kFirst) Append(" NULLS FIRST");
  if (term.nulls == sql::NullOrder::kLast) Append(" NULLS LAST");
}

void Compiler::LimitAndOffset(const sql::SelectStatement& select) {
  if (select.limit.has_value()) {
    Append(" LIMIT ");
    AddParameter({"", sql::Value(*select.limit), ValueType::kInt64});
  } else if (select.offset > 0 && dialect_.offset_needs_limit()) {
    Append(" LIMIT -1");
  }
  if (select.offset > 0) {
    Append(" OFFSET ");
    AddParameter({"", sql::Value(select.offset), ValueType::kInt64});
  }
}

void Compiler::SelectList(const std::vector<sql::SelectItem>& items,
                          bool distinct) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) Append(", ");
    if (items[i].expression.empty()) {
      return Fail(absl::InvalidArgumentError("a selected column is empty"));
    }
    WriteComparable(items[i].expression,
                    distinct && IsDecimal(items[i].expression));
    if (!items[i].label.empty()) {
      Append(" AS ");
      Identifier(items[i].label);
    }
  }
}

}  // namespace shard
