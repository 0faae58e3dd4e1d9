#include "shard/sql/expression.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/strings.h"
#include "shard/sql/select.h"
#include "shard/sql/value.h"

namespace shard::sql {
namespace {

bool IsComparison(BinaryOp op) { return op >= BinaryOp::kEqual; }

// Numbers from narrow to wide; 0 for what is none.
int NumberRank(ValueType type) {
  switch (type) {
    case ValueType::kInt32:
      return 1;
    case ValueType::kInt64:
      return 2;
    case ValueType::kDecimal:
      return 3;
    case ValueType::kDouble:
      return 4;
    default:
      return 0;
  }
}

// The type of "a + b" and the like.
ValueType TypeOfArithmetic(ValueType a, ValueType b) {
  if (a == ValueType::kNull) return b;
  return NumberRank(a) > 0 && NumberRank(b) > NumberRank(a) ? b : a;
}

bool IsIdentifier(std::string_view name) {
  if (name.empty() || (name.front() >= '0' && name.front() <= '9'))
    return false;
  for (const char c : name) {
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
          (c >= '0' && c <= '9') || c == '_' || c == '.')) {
      return false;
    }
  }
  return true;
}

Expression Conjunction(bool is_and, Expression left, Expression right) {
  if (left.empty()) return right;
  if (right.empty()) return left;
  ConjunctionNode node{is_and, {}};
  for (Expression* side : {&left, &right}) {
    const auto* inner = side->As<ConjunctionNode>();
    if (inner != nullptr && inner->is_and == is_and) {
      node.terms.insert(node.terms.end(), inner->terms.begin(),
                        inner->terms.end());
    } else {
      node.terms.push_back(std::move(*side));
    }
  }
  return Expression(Node{std::move(node), ValueType::kBool});
}

std::shared_ptr<const SelectStatement> Share(SelectStatement query) {
  return std::make_shared<const SelectStatement>(std::move(query));
}

}  // namespace

Expression::Expression(Node node)
    : node_(std::make_shared<const Node>(std::move(node))) {}

Expression Literal(Value value) {
  const ValueType type = value.type();
  return Expression(Node{LiteralNode{std::move(value)}, type});
}

Expression Parameter(std::string_view name, ValueType type) {
  return Expression(Node{ParameterNode{std::string(name)}, type});
}

Expression Null() { return Expression(Node{NullNode{}}); }

Expression Text(std::string_view sql,
                std::vector<std::pair<std::string, Value>> parameters,
                ValueType type) {
  return Expression(
      Node{TextNode{std::string(sql), std::move(parameters)}, type});
}

Expression Unary(UnaryOp op, Expression operand) {
  const ValueType type =
      op == UnaryOp::kNegate ? operand->type : ValueType::kBool;
  return Expression(Node{UnaryNode{op, std::move(operand)}, type});
}

Expression Binary(BinaryOp op, Expression left, Expression right) {
  ValueType type = ValueType::kBool;
  if (op == BinaryOp::kConcat) {
    type = ValueType::kText;
  } else if (!IsComparison(op)) {
    type = TypeOfArithmetic(left->type, right->type);
  }
  return Expression(
      Node{BinaryNode{op, std::move(left), std::move(right)}, type});
}

Expression And(Expression left, Expression right) {
  return Conjunction(true, std::move(left), std::move(right));
}

Expression Or(Expression left, Expression right) {
  return Conjunction(false, std::move(left), std::move(right));
}

Expression In(Expression operand, std::vector<Expression> list, bool negated) {
  return Expression(
      Node{InNode{std::move(operand), std::move(list), nullptr, negated},
           ValueType::kBool});
}

Expression InQuery(Expression operand, SelectStatement query, bool negated) {
  return Expression(
      Node{InNode{std::move(operand), {}, Share(std::move(query)), negated},
           ValueType::kBool});
}

Expression Between(Expression operand, Expression low, Expression high,
                   bool negated) {
  return Expression(Node{
      BetweenNode{std::move(operand), std::move(low), std::move(high), negated},
      ValueType::kBool});
}

Expression Function(std::string_view name, std::vector<Expression> arguments,
                    FunctionKind kind, ValueType type) {
  if (!IsIdentifier(name)) {
    return Error(absl::InvalidArgumentError(
        absl::StrCat("'", ToAbsl(name),
                     "' is not the name of a function; use "
                     "letters, digits, '_' and '.'")));
  }
  return Expression(
      Node{FunctionNode{std::string(name), std::move(arguments), kind}, type});
}

Expression CountRows() {
  return Expression(Node{FunctionNode{"count",
                                      {},
                                      FunctionKind::kAggregate,
                                      /*distinct=*/false,
                                      /*star=*/true},
                         ValueType::kInt64});
}

Expression CountDistinct(Expression operand) {
  return Expression(Node{FunctionNode{"count",
                                      {std::move(operand)},
                                      FunctionKind::kAggregate,
                                      /*distinct=*/true},
                         ValueType::kInt64});
}

Expression Case(std::vector<std::pair<Expression, Expression>> branches,
                Expression otherwise) {
  if (branches.empty()) {
    return Error(absl::InvalidArgumentError("CASE needs at least one WHEN"));
  }
  ValueType type = ValueType::kNull;
  for (const auto& [when, then] : branches) {
    if (type == ValueType::kNull) type = then->type;
  }
  if (type == ValueType::kNull && otherwise) type = otherwise->type;
  return Expression(
      Node{CaseNode{std::move(branches), std::move(otherwise)}, type});
}

Expression Cast(Expression operand, ValueType type) {
  return Expression(Node{CastNode{std::move(operand)}, type});
}

Expression Collate(Expression operand, std::string_view collation) {
  const ValueType type = operand->type;
  return Expression(
      Node{CollateNode{std::move(operand), std::string(collation)}, type});
}

Expression Subquery(SelectStatement query) {
  const ValueType type = query.columns.empty()
                             ? ValueType::kNull
                             : query.columns.front().expression->type;
  return Expression(Node{SubqueryNode{Share(std::move(query))}, type});
}

Expression Error(absl::Status status) {
  return Expression(Node{ErrorNode{std::move(status)}});
}

std::vector<Expression> Operands(const Expression& expression) {
  std::vector<Expression> out;
  if (const auto* unary = expression.As<UnaryNode>()) {
    out = {unary->operand};
  } else if (const auto* binary = expression.As<BinaryNode>()) {
    out = {binary->left, binary->right};
  } else if (const auto* conjunction = expression.As<ConjunctionNode>()) {
    out = conjunction->terms;
  } else if (const auto* in = expression.As<InNode>()) {
    out = in->list;
    out.insert(out.begin(), in->operand);
  } else if (const auto* between = expression.As<BetweenNode>()) {
    out = {between->operand, between->low, between->high};
  } else if (const auto* function = expression.As<FunctionNode>()) {
    out = function->arguments;
  } else if (const auto* choice = expression.As<CaseNode>()) {
    for (const auto& [when, then] : choice->branches) {
      out.push_back(when);
      out.push_back(then);
    }
    if (choice->otherwise) out.push_back(choice->otherwise);
  } else if (const auto* cast = expression.As<CastNode>()) {
    out = {cast->operand};
  } else if (const auto* collate = expression.As<CollateNode>()) {
    out = {collate->operand};
  }
  return out;
}

}  // namespace shard::sql
