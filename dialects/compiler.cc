#include "shard/dialects/compiler.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"
#include "shard/sql/text_parameters.h"

namespace shard {
namespace {

using sql::BinaryOp;
using sql::Expression;
using sql::ValueType;

std::string_view OperatorText(BinaryOp op) {
  switch (op) {
    case BinaryOp::kAdd:
      return " + ";
    case BinaryOp::kSubtract:
      return " - ";
    case BinaryOp::kMultiply:
      return " * ";
    case BinaryOp::kDivide:
      return " / ";
    case BinaryOp::kModulo:
      return " % ";
    case BinaryOp::kConcat:
      return " || ";
    case BinaryOp::kEqual:
      return " = ";
    case BinaryOp::kNotEqual:
      return " <> ";
    case BinaryOp::kLess:
      return " < ";
    case BinaryOp::kLessOrEqual:
      return " <= ";
    case BinaryOp::kGreater:
      return " > ";
    case BinaryOp::kGreaterOrEqual:
      return " >= ";
    case BinaryOp::kLike:
      return " LIKE ";
    case BinaryOp::kNotLike:
      return " NOT LIKE ";
  }
  return " ";
}

bool IsOrdering(BinaryOp op) {
  return op >= BinaryOp::kEqual && op <= BinaryOp::kGreaterOrEqual;
}

bool IsDecimal(const Expression& expression) {
  return !expression.empty() && expression->type == ValueType::kDecimal;
}

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

absl::StatusOr<std::shared_ptr<const CompiledStatement>> Compiler::Run(
    const sql::Statement& statement) && {
  std::visit([this](const auto& body) { Compile(body); }, statement.body());
  if (!status_.ok()) return status_;
  static std::atomic<std::uint64_t> latest_serial = 0;
  out_.serial = ++latest_serial;
  return std::make_shared<const CompiledStatement>(std::move(out_));
}

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

void Compiler::Compile(const sql::InsertStatement& insert) {
  Fail(insert.error);
  scope_ = {sql::TableRef(*insert.table)};
  Append("INSERT INTO ");
  Identifier(insert.table->name());
  if (insert.columns.empty()) {
    if (insert.rows.size() > 1) {
      Fail(absl::InvalidArgumentError(
          "INSERT of several rows needs at least one column"));
    }
    Append(" DEFAULT VALUES");
  } else {
    Append(" (");
    std::vector<const sql::Column*> seen;
    for (std::size_t i = 0; i < insert.columns.size(); ++i) {
      if (i > 0) Append(", ");
      TargetColumn(insert.columns[i],
                   insert.rows.empty() ? Expression() : insert.rows[0][i],
                   seen);
    }
    Append(") VALUES ");
    for (std::size_t i = 0; i < insert.rows.size(); ++i) {
      if (i > 0) Append(", ");
      WriteList(insert.rows[i]);
    }
  }
  if (insert.on_conflict.has_value()) Conflict(*insert.on_conflict);
  Returning(insert.returning);
  out_.is_write = true;
}

void Compiler::Conflict(const sql::ConflictClause& conflict) {
  Append(" ON CONFLICT");
  std::vector<const sql::Column*> seen;
  for (std::size_t i = 0; i < conflict.target.size(); ++i) {
    Append(i == 0 ? " (" : ", ");
    TargetColumn(conflict.target[i], {}, seen);
  }
  if (!conflict.target.empty()) Append(")");
  if (conflict.update.empty()) return Append(" DO NOTHING");
  Append(" DO UPDATE SET ");
  // Bare names are ambiguous between the row and "excluded" in PostgreSQL.
  qualify_columns_ = true;
  scope_.push_back(scope_.front());
  scope_.back().alias = "excluded";
  Assignments(conflict.update);
  scope_.pop_back();
  qualify_columns_ = false;
}

void Compiler::Returning(const std::vector<sql::SelectItem>& items) {
  if (items.empty()) return;
  Append(" RETURNING ");
  SelectList(items, false);
  ResultColumns(items);
}

void Compiler::TargetColumn(const sql::Column* column, const Expression& value,
                            std::vector<const sql::Column*>& seen) {
  const sql::Table& table = *scope_.front().table;
  if (column == nullptr) {
    if (value) Write(value);  // Assign() leaves there what was wrong
    return Fail(absl::InvalidArgumentError(
        absl::StrCat("the statement writes to a column that '", table.name(),
                     "' does not have; name one of its declared columns")));
  }
  if (&column->table() != &table) {
    return Fail(absl::InvalidArgumentError(
        absl::StrCat("column '", column->QualifiedName(), "' is none of '",
                     table.name(), "', which the statement writes to")));
  }
  if (std::find(seen.begin(), seen.end(), column) != seen.end()) {
    return Fail(absl::InvalidArgumentError(
        absl::StrCat("column '", column->QualifiedName(),
                     "' is named twice; name it once")));
  }
  seen.push_back(column);
  Identifier(column->name());
}

void Compiler::Assignments(
    const std::vector<sql::ColumnAssignment>& assignments) {
  if (assignments.empty()) {
    return Fail(absl::InvalidArgumentError("UPDATE sets no column; add Set()"));
  }
  std::vector<const sql::Column*> seen;
  for (std::size_t i = 0; i < assignments.size(); ++i) {
    if (i > 0) Append(", ");
    const sql::ColumnAssignment& assignment = assignments[i];
    TargetColumn(assignment.column, assignment.value, seen);
    Append(" = ");
    Write(assignment.value);
  }
}

void Compiler::Compile(const sql::UpdateStatement& update) {
  scope_ = {sql::TableRef(*update.table)};
  Append("UPDATE ");
  Identifier(update.table->name());
  Append(" SET ");
  Assignments(update.assignments);
  Where(update.where);
  Returning(update.returning);
  out_.is_write = true;
  out_.row_update = RowUpdateOf(update);
}

void Compiler::Compile(const sql::DeleteStatement& remove) {
  scope_ = {sql::TableRef(*remove.table)};
  Append("DELETE FROM ");
  Identifier(remove.table->name());
  Where(remove.where);
  Returning(remove.returning);
  out_.is_write = true;
}

void Compiler::Compile(const sql::TextStatement& text) {
  const auto pieces = sql::SplitParameters(text.text);
  if (!pieces.ok()) return Fail(pieces.status());
  for (const sql::TextPiece& piece : *pieces) {
    if (piece.is_parameter) {
      AddParameter({piece.text, std::nullopt, ValueType::kNull});
    } else {
      Append(piece.text);
    }
  }
  out_.is_write = true;
}

void Compiler::Where(const Expression& condition) {
  if (condition.empty()) return;
  Append(" WHERE ");
  Write(condition);
}

struct Compiler::NodeWriter {
  Compiler& self;
  ValueType type;

  void operator()(const sql::LiteralNode& node) {
    self.AddParameter({"", node.value, type});
  }
  void operator()(const sql::ParameterNode& node) {
    self.AddParameter({node.name, std::nullopt, type});
  }
  void operator()(const sql::NullNode&) { self.Append("NULL"); }
  void operator()(const sql::CastNode& node) {
    self.Append("CAST(");
    self.Write(node.operand);
    self.Append(" AS ");
    self.Append(self.dialect_.CastType(type));
    self.Append(")");
  }
  void operator()(const sql::CollateNode& node) {
    self.Append("(");
    self.Write(node.operand);
    self.Append(" COLLATE ");
    if (node.collation == "C") {
      self.Append(self.dialect_.BinaryCollation());
    } else {
      self.Identifier(node.collation);
    }
    self.Append(")");
  }
  void operator()(const sql::SubqueryNode& node) { self.Subquery(*node.query); }
  void operator()(const sql::ErrorNode& node) { self.Fail(node.status); }
  template <class T>
  void operator()(const T& node) {
    self.Write(node);
  }
};

void Compiler::Write(const Expression& expression) {
  if (!status_.ok()) return;
  if (expression.empty()) {
    return Fail(
        absl::InvalidArgumentError("an expression of the statement is empty"));
  }
  std::visit(NodeWriter{*this, expression->type}, expression->body);
}

void Compiler::Write(const sql::ColumnNode& node) {
  sql::TableRef owner(node.column->table());
  owner.alias = node.alias;
  if (std::find(scope_.begin(), scope_.end(), owner) == scope_.end()) {
    // Left alone, a column of the same name in another table would answer.
    return Fail(absl::InvalidArgumentError(absl::StrCat(
        "column '", node.column->QualifiedName(), "'",
        node.alias.empty() ? "" : absl::StrCat(" of '", node.alias, "'"),
        " belongs to no table of the statement; add the table by From() or "
        "Join()")));
  }
  if (qualify_columns_ || !node.alias.empty()) {
    Identifier(node.alias.empty() ? node.column->table().name() : node.alias);
    Append(".");
  }
  Identifier(node.column->name());
}

void Compiler::Write(const sql::UnaryNode& node) {
  if (node.op == sql::UnaryOp::kNegate) {
    RefuseInexact(node.operand, "arithmetic");
  }
  // Around all of it: NOT and IS NULL bind less than a comparison beside them.
  Append("(");
  if (node.op == sql::UnaryOp::kNot) Append("NOT ");
  if (node.op == sql::UnaryOp::kNegate) Append("-");
  Write(node.operand);
  if (node.op == sql::UnaryOp::kIsNull) Append(" IS NULL");
  if (node.op == sql::UnaryOp::kIsNotNull) Append(" IS NOT NULL");
  Append(")");
}

void Compiler::RefuseInexact(const Expression& operand, const char* what) {
  if (!IsDecimal(operand) || !dialect_.decimals_are_text()) return;
  Fail(absl::UnimplementedError(absl::StrCat(
      ToAbsl(dialect_.name()), " has no exact decimals to compute ", what,
      " with; read them and compute in the program")));
}

void Compiler::Write(const sql::BinaryNode& node) {
  if (node.op <= BinaryOp::kModulo) {
    RefuseInexact(node.left, "arithmetic");
    RefuseInexact(node.right, "arithmetic");
  }
  Append("(");
  const bool decimal =
      IsOrdering(node.op) && (IsDecimal(node.left) || IsDecimal(node.right));
  WriteComparable(node.left, decimal);
  Append(OperatorText(node.op));
  Write(node.right);
  if (node.op == BinaryOp::kLike || node.op == BinaryOp::kNotLike) {
    Append(dialect_.LikeSuffix());
  }
  Append(")");
}

void Compiler::Write(const sql::ConjunctionNode& node) {
  Append("(");
  for (std::size_t i = 0; i < node.terms.size(); ++i) {
    if (i > 0) Append(node.is_and ? " AND " : " OR ");
    Write(node.terms[i]);
  }
  Append(")");
}

void Compiler::Write(const sql::InNode& node) {
  Append("(");
  if (node.query == nullptr && node.list.empty()) {
    // Nothing is in an empty list; SQL has no empty list to say so.
    Append(node.negated ? "1 = 1)" : "1 = 0)");
    return;
  }
  WriteComparable(node.operand, IsDecimal(node.operand));
  Append(node.negated ? " NOT IN " : " IN ");
  if (node.query != nullptr) {
    Subquery(*node.query);
  } else {
    WriteList(node.list);
  }
  Append(")");
}

void Compiler::Write(const sql::BetweenNode& node) {
  Append("(");
  WriteComparable(node.operand, IsDecimal(node.operand));
  Append(node.negated ? " NOT BETWEEN " : " BETWEEN ");
  Write(node.low);
  Append(" AND ");
  Write(node.high);
  Append(")");
}

void Compiler::Write(const sql::FunctionNode& node) {
  Append(node.name);
  Append(node.distinct ? "(DISTINCT " : "(");
  if (node.star) Append("*");
  for (std::size_t i = 0; i < node.arguments.size(); ++i) {
    if (i > 0) Append(", ");
    const bool ordered =
        node.name == "min" || node.name == "max" || node.name == "count";
    if (!ordered) RefuseInexact(node.arguments[i], node.name.c_str());
    WriteComparable(node.arguments[i], ordered && IsDecimal(node.arguments[i]));
  }
  Append(")");
}

void Compiler::Write(const sql::CaseNode& node) {
  Append("CASE");
  for (const auto& [when, then] : node.branches) {
    Append(" WHEN ");
    Write(when);
    Append(" THEN ");
    Write(then);
  }
  if (node.otherwise) {
    Append(" ELSE ");
    Write(node.otherwise);
  }
  Append(" END");
}

void Compiler::Write(const sql::TextNode& node) {
  const auto pieces = sql::SplitParameters(node.text);
  if (!pieces.ok()) return Fail(pieces.status());
  Append("(");
  for (const sql::TextPiece& piece : *pieces) {
    if (!piece.is_parameter) {
      Append(piece.text);
      continue;
    }
    const auto found = std::find_if(
        node.parameters.begin(), node.parameters.end(),
        [&piece](const auto& named) { return named.first == piece.text; });
    if (found == node.parameters.end()) {
      AddParameter({piece.text, std::nullopt, ValueType::kNull});
    } else {
      AddParameter({"", found->second, found->second.type()});
    }
  }
  Append(")");
}

void Compiler::WriteList(const std::vector<Expression>& list) {
  Append("(");
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i > 0) Append(", ");
    Write(list[i]);
  }
  Append(")");
}

void Compiler::WriteComparable(const Expression& expression, bool is_decimal) {
  Write(expression);
  if (is_decimal && dialect_.decimals_are_text()) {
    Append(" COLLATE ");
    Append(dialect_.DecimalCollation());
  }
}

void Compiler::Identifier(std::string_view name) {
  auto quoted = dialect_.QuoteIdentifier(name);
  if (!quoted.ok()) return Fail(quoted.status());
  Append(*quoted);
}

void Compiler::Table(const sql::TableRef& table) {
  Identifier(table.table->name());
  if (!table.alias.empty()) {
    Append(" AS ");
    Identifier(table.alias);
  }
}

void Compiler::AddParameter(CompiledParameter parameter) {
  out_.parameters.push_back(std::move(parameter));
  Append(dialect_.Placeholder(out_.parameters.size()));
}

}  // namespace shard
