#include "shard/session/object_condition.h"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"

namespace shard {
namespace {

using sql::BinaryOp;
using sql::Expression;
using sql::UnaryOp;
using sql::ValueType;
using sql::ValueView;

absl::Status Refuse(const std::string& what) {
  return absl::UnimplementedError(
      absl::StrCat(what,
                   " cannot be evaluated for objects as the database does it; "
                   "synchronize by kFetch or kExpire"));
}

bool IsInteger(ValueType type) {
  return type == ValueType::kInt32 || type == ValueType::kInt64;
}
bool IsOrdered(ValueType type) {
  return IsInteger(type) || type == ValueType::kDate ||
         type == ValueType::kTimestamp;
}
bool IsComparable(ValueType type) {
  return IsOrdered(type) || type == ValueType::kBool ||
         type == ValueType::kText || type == ValueType::kBytes ||
         type == ValueType::kUuid;
}
bool IsArithmetic(BinaryOp op) {
  return op == BinaryOp::kAdd || op == BinaryOp::kSubtract ||
         op == BinaryOp::kMultiply;
}
bool IsEquality(BinaryOp op) {
  return op == BinaryOp::kEqual || op == BinaryOp::kNotEqual;
}
bool IsComparison(BinaryOp op) {
  return IsEquality(op) || op == BinaryOp::kLess ||
         op == BinaryOp::kLessOrEqual || op == BinaryOp::kGreater ||
         op == BinaryOp::kGreaterOrEqual;
}

// An operand of a comparison; kNull is the type of a parameter, which is looked
// at when its value is known.
absl::Status CheckOperand(const Expression& operand, const sql::Table& table,
                          bool ordered) {
  SHARD_RETURN_IF_ERROR(CheckValue(operand, table));
  const ValueType type = operand->type;
  if (type == ValueType::kNull || IsOrdered(type)) return absl::OkStatus();
  if (!ordered && IsComparable(type)) return absl::OkStatus();
  return Refuse(absl::StrCat(ordered ? "the order of values of type "
                                     : "the equality of values of type ",
                             std::string(sql::ValueTypeName(type))));
}

absl::Status CheckOperands(std::initializer_list<Expression> operands,
                           const sql::Table& table, bool ordered) {
  for (const Expression& operand : operands) {
    SHARD_RETURN_IF_ERROR(CheckOperand(operand, table, ordered));
  }
  return absl::OkStatus();
}

Truth Not(Truth truth) {
  switch (truth) {
    case Truth::kFalse:
      return Truth::kTrue;
    case Truth::kTrue:
      return Truth::kFalse;
    default:
      return truth;
  }
}

Truth TruthOf(bool holds) { return holds ? Truth::kTrue : Truth::kFalse; }

// AND and OR, term by term: one term decides; else what is unknown makes the
// whole unknown; else NULL makes it NULL.
class Junction {
 public:
  explicit Junction(bool is_and)
      : decides_(TruthOf(!is_and)), otherwise_(TruthOf(is_and)) {}
  // True: decided.
  bool Add(Truth term) {
    if (term == decides_) {
      result_ = term;
    } else if (term == Truth::kUnknown ||
               (term == Truth::kNull && result_ != Truth::kUnknown)) {
      result_ = term;
    }
    return result_ == decides_;
  }
  Truth result() const { return result_; }

 private:
  const Truth decides_, otherwise_;
  Truth result_ = otherwise_;
};

// nullopt where the number does not fit.
std::optional<ValueView> Calculate(BinaryOp op, std::int64_t a,
                                   std::int64_t b) {
  std::int64_t result = 0;
  bool overflows = false;
  switch (op) {
    case BinaryOp::kAdd:
      overflows = __builtin_add_overflow(a, b, &result);
      break;
    case BinaryOp::kSubtract:
      overflows = __builtin_sub_overflow(a, b, &result);
      break;
    default:
      overflows = __builtin_mul_overflow(a, b, &result);
  }
  if (overflows) return std::nullopt;
  return ValueView::Int64(result);
}

Truth CompareValues(BinaryOp op, const ValueView& a, const ValueView& b) {
  if (a.is_null() || b.is_null()) return Truth::kNull;
  const bool alike =
      a.type() == b.type() || (IsInteger(a.type()) && IsInteger(b.type()));
  if (!alike || !IsComparable(a.type())) return Truth::kUnknown;
  if (op == BinaryOp::kEqual) return TruthOf(a == b);
  if (op == BinaryOp::kNotEqual) return TruthOf(!(a == b));
  if (!IsOrdered(a.type())) return Truth::kUnknown;
  switch (op) {
    case BinaryOp::kLess:
      return TruthOf(a.integer() < b.integer());
    case BinaryOp::kLessOrEqual:
      return TruthOf(a.integer() <= b.integer());
    case BinaryOp::kGreater:
      return TruthOf(a.integer() > b.integer());
    default:
      return TruthOf(a.integer() >= b.integer());
  }
}

}  // namespace

absl::Status CheckValue(const Expression& value, const sql::Table& table) {
  if (const auto* column = value.As<sql::ColumnNode>()) {
    if (&column->column->table() == &table && column->alias.empty()) {
      return absl::OkStatus();
    }
    return Refuse("a column of another table");
  }
  if (value.As<sql::LiteralNode>() != nullptr ||
      value.As<sql::ParameterNode>() != nullptr ||
      value.As<sql::NullNode>() != nullptr) {
    return absl::OkStatus();
  }
  if (const auto* binary = value.As<sql::BinaryNode>()) {
    if (!IsArithmetic(binary->op)) return Refuse("this operator");
    for (const Expression& side : {binary->left, binary->right}) {
      SHARD_RETURN_IF_ERROR(CheckValue(side, table));
      if (side->type != ValueType::kNull && !IsInteger(side->type)) {
        return Refuse("arithmetic of other than integers");
      }
    }
    return absl::OkStatus();
  }
  return Refuse(
      "an SQL expression that is more than + - * of columns and values");
}

absl::Status CheckCondition(const Expression& condition,
                            const sql::Table& table) {
  if (condition.empty()) return absl::OkStatus();
  if (const auto* all = condition.As<sql::ConjunctionNode>()) {
    for (const Expression& term : all->terms) {
      SHARD_RETURN_IF_ERROR(CheckCondition(term, table));
    }
    return absl::OkStatus();
  }
  if (const auto* unary = condition.As<sql::UnaryNode>()) {
    if (unary->op == UnaryOp::kNot)
      return CheckCondition(unary->operand, table);
    if (unary->op != UnaryOp::kNegate) return CheckValue(unary->operand, table);
  }
  if (const auto* binary = condition.As<sql::BinaryNode>()) {
    if (!IsComparison(binary->op)) return Refuse("this operator");
    return CheckOperands({binary->left, binary->right}, table,
                         !IsEquality(binary->op));
  }
  if (const auto* between = condition.As<sql::BetweenNode>()) {
    return CheckOperands({between->operand, between->low, between->high}, table,
                         true);
  }
  if (const auto* in = condition.As<sql::InNode>()) {
    if (in->query != nullptr) return Refuse("a subquery");
    SHARD_RETURN_IF_ERROR(CheckOperand(in->operand, table, false));
    for (const Expression& value : in->list) {
      SHARD_RETURN_IF_ERROR(CheckOperand(value, table, false));
    }
    return absl::OkStatus();
  }
  if (condition->type == ValueType::kBool) return CheckValue(condition, table);
  return Refuse("this condition");
}

Truth ObjectCondition::Holds(const Expression& condition,
                             AttributeBase* const* attributes) {
  attributes_ = attributes;
  arena_.Clear();
  return condition.empty() ? Truth::kTrue : Holds(condition);
}

std::optional<ValueView> ObjectCondition::ValueOf(
    const Expression& value, AttributeBase* const* attributes) {
  attributes_ = attributes;
  return ValueOf(value);
}

std::optional<ValueView> ObjectCondition::ValueOf(const Expression& value) {
  if (const auto* column = value.As<sql::ColumnNode>()) {
    const AttributeBase& attribute = *attributes_[column->column->index()];
    // What was assigned and not flushed is not in the row.
    if (attribute.state() != AttributeState::kLoaded) return std::nullopt;
    return mapping_.field(column->column->index()).ops->view(attribute, arena_);
  }
  if (const auto* literal = value.As<sql::LiteralNode>()) {
    return literal->value.view();
  }
  if (const auto* parameter = value.As<sql::ParameterNode>()) {
    const sql::Value* given = parameters_.Find(parameter->name);
    if (given == nullptr) return std::nullopt;
    return given->view();
  }
  const auto* binary = value.As<sql::BinaryNode>();
  if (binary == nullptr) return ValueView();  // NULL
  const std::optional<ValueView> left = ValueOf(binary->left);
  const std::optional<ValueView> right = ValueOf(binary->right);
  if (!left.has_value() || !right.has_value()) return std::nullopt;
  if (left->is_null() || right->is_null()) return ValueView();
  if (!IsInteger(left->type()) || !IsInteger(right->type())) {
    return std::nullopt;
  }
  return Calculate(binary->op, left->integer(), right->integer());
}

Truth ObjectCondition::Compare(BinaryOp op, const Expression& left,
                               const Expression& right) {
  const std::optional<ValueView> a = ValueOf(left);
  const std::optional<ValueView> b = ValueOf(right);
  if (!a.has_value() || !b.has_value()) return Truth::kUnknown;
  return CompareValues(op, *a, *b);
}

Truth ObjectCondition::HoldsIn(const sql::InNode& in) {
  Junction any(false);
  for (const Expression& value : in.list) {
    if (any.Add(Compare(BinaryOp::kEqual, in.operand, value))) break;
  }
  return in.negated ? Not(any.result()) : any.result();
}

Truth ObjectCondition::Holds(const Expression& condition) {
  if (const auto* terms = condition.As<sql::ConjunctionNode>()) {
    Junction junction(terms->is_and);
    for (const Expression& term : terms->terms) {
      if (junction.Add(Holds(term))) break;
    }
    return junction.result();
  }
  if (const auto* binary = condition.As<sql::BinaryNode>()) {
    return Compare(binary->op, binary->left, binary->right);
  }
  if (const auto* in = condition.As<sql::InNode>()) return HoldsIn(*in);
  if (const auto* between = condition.As<sql::BetweenNode>()) {
    Junction both(true);
    both.Add(
        Compare(BinaryOp::kGreaterOrEqual, between->operand, between->low));
    both.Add(Compare(BinaryOp::kLessOrEqual, between->operand, between->high));
    return between->negated ? Not(both.result()) : both.result();
  }
  if (const auto* unary = condition.As<sql::UnaryNode>()) {
    if (unary->op == UnaryOp::kNot) return Not(Holds(unary->operand));
    const std::optional<ValueView> value = ValueOf(unary->operand);
    if (!value.has_value()) return Truth::kUnknown;
    return TruthOf(value->is_null() == (unary->op == UnaryOp::kIsNull));
  }
  const std::optional<ValueView> value = ValueOf(condition);
  if (!value.has_value()) return Truth::kUnknown;
  if (value->is_null()) return Truth::kNull;
  if (value->type() != ValueType::kBool) return Truth::kUnknown;
  return TruthOf(value->integer() != 0);
}

}  // namespace shard
