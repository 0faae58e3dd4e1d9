// Untyped SQL expressions: an immutable tree that dialects turn into text and
// routers read. The typed layer over it is in typed_expression.h.
#ifndef SHARD_SQL_EXPRESSION_H_
#define SHARD_SQL_EXPRESSION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "shard/sql/value.h"

namespace shard::sql {

class Column;
struct Node;
struct SelectStatement;

// A handle on a tree. Copying is cheap and shares the tree, which never
// changes, so expressions may be used from several threads. An empty one
// (default constructed) stands for "none", as a missing WHERE.
class Expression {
 public:
  Expression() = default;
  explicit Expression(Node node);

  bool empty() const { return node_ == nullptr; }
  explicit operator bool() const { return !empty(); }
  const Node& node() const { return *node_; }
  const Node* operator->() const { return node_.get(); }

  // The node as one of the structs below, or null if it is another.
  template <class T>
  const T* As() const;

 private:
  std::shared_ptr<const Node> node_;
};

enum class UnaryOp : std::uint8_t { kNot, kNegate, kIsNull, kIsNotNull };
enum class BinaryOp : std::uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kConcat,
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kLike,  // case-sensitive on every engine, backslash escapes
  kNotLike,
};

// A column; `alias` is what FROM calls its table, empty for its own name.
struct ColumnNode {
  const Column* column;
  std::string alias;
};
struct LiteralNode {  // always sent as a bound parameter
  Value value;
};
struct ParameterNode {  // ":name", given when the statement runs
  std::string name;
};
struct NullNode {};  // the word NULL in the text, past any default
struct UnaryNode {
  UnaryOp op;
  Expression operand;
};
struct BinaryNode {
  BinaryOp op;
  Expression left, right;
};
struct ConjunctionNode {  // AND or OR of two or more
  bool is_and;
  std::vector<Expression> terms;
};
struct InNode {
  Expression operand;
  std::vector<Expression> list;                  // used when no subquery
  std::shared_ptr<const SelectStatement> query;  // or null
  bool negated;
};
struct BetweenNode {
  Expression operand, low, high;
  bool negated;
};
// What a function does with rows decides whether a statement that uses it can
// be split over shards.
enum class FunctionKind : std::uint8_t { kScalar, kAggregate, kUnknown };
struct FunctionNode {
  std::string name;  // as written; not quoted, checked to be an identifier
  std::vector<Expression> arguments;
  FunctionKind kind;
  bool distinct = false;  // COUNT(DISTINCT x)
  bool star = false;      // COUNT(*)
};
struct CaseNode {
  std::vector<std::pair<Expression, Expression>> branches;
  Expression otherwise;  // may be empty
};
struct CastNode {  // to the node's type
  Expression operand;
};
struct CollateNode {
  Expression operand;
  std::string collation;  // "C": by bytes, known to every dialect
};
// SQL as the caller wrote it, with ":name" parameters. Goes into the statement
// as it is: never build it from untrusted input.
struct TextNode {
  std::string text;
  std::vector<std::pair<std::string, Value>> parameters;
};
struct SubqueryNode {  // scalar: one column, at most one row
  std::shared_ptr<const SelectStatement> query;
};
struct ErrorNode {  // a mistake made while building; compiling reports it
  absl::Status status;
};

struct Node {
  std::variant<ColumnNode, LiteralNode, ParameterNode, NullNode, UnaryNode,
               BinaryNode, ConjunctionNode, InNode, BetweenNode, FunctionNode,
               CaseNode, CastNode, CollateNode, TextNode, SubqueryNode,
               ErrorNode>
      body;
  ValueType type = ValueType::kNull;  // kNull: not known
};

template <class T>
const T* Expression::As() const {
  return node_ == nullptr ? nullptr : std::get_if<T>(&node_->body);
}

// Builders. Operands must not be empty.
Expression Literal(Value value);
Expression Parameter(std::string_view name, ValueType type = ValueType::kNull);
Expression Null();
Expression Text(std::string_view sql,
                std::vector<std::pair<std::string, Value>> parameters = {},
                ValueType type = ValueType::kNull);
Expression Unary(UnaryOp op, Expression operand);
Expression Binary(BinaryOp op, Expression left, Expression right);
// AND / OR; an empty side gives the other, so conditions can be gathered.
Expression And(Expression left, Expression right);
Expression Or(Expression left, Expression right);
Expression In(Expression operand, std::vector<Expression> list,
              bool negated = false);
Expression InQuery(Expression operand, SelectStatement query,
                   bool negated = false);
Expression Between(Expression operand, Expression low, Expression high,
                   bool negated = false);
// A function by name. kUnknown is refused in statements over several shards;
// say kScalar for a function of one row's values.
Expression Function(std::string_view name, std::vector<Expression> arguments,
                    FunctionKind kind = FunctionKind::kUnknown,
                    ValueType type = ValueType::kNull);
Expression CountRows();  // COUNT(*)
Expression CountDistinct(Expression operand);
Expression Case(std::vector<std::pair<Expression, Expression>> branches,
                Expression otherwise = {});
Expression Cast(Expression operand, ValueType type);
Expression Collate(Expression operand, std::string_view collation);
Expression Subquery(SelectStatement query);
Expression Error(absl::Status status);

// Calls `visit` for the expression and everything below it, parents first;
// subqueries' own insides are not entered.
template <class F>
void Walk(const Expression& expression, F&& visit);

// The direct operands of a node, in order (none for a leaf).
std::vector<Expression> Operands(const Expression& expression);

template <class F>
void Walk(const Expression& expression, F&& visit) {
  if (expression.empty()) return;
  visit(expression);
  for (const Expression& operand : Operands(expression)) Walk(operand, visit);
}

}  // namespace shard::sql

#endif  // SHARD_SQL_EXPRESSION_H_
