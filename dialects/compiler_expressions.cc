// How the Compiler writes expressions.
#include <algorithm>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"
#include "shard/dialects/compiler.h"
#include "shard/sql/expression.h"
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

}  // namespace

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

}  // namespace shard
