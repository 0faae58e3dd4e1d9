#include "shard/router/key_predicate.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "shard/router/key_order.h"

namespace shard {
namespace {

// Longer lists are not compared one with another.
constexpr std::size_t kMostComparisons = 4096;

bool Contains(const KeyDomain::Values& values, const sql::ValueView& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

template <class Predicate>
void EraseIf(KeyDomain::Values* values, Predicate predicate) {
  values->erase(std::remove_if(values->begin(), values->end(), predicate),
                values->end());
}

// Makes `domain` one of `values` too.
void IntersectValues(KeyDomain* domain, KeyDomain::Values values) {
  if (!domain->values.has_value()) {
    domain->values = std::move(values);
  } else if (domain->values->size() * values.size() <= kMostComparisons) {
    EraseIf(&*domain->values, [&](const sql::ValueView& value) {
      return !Contains(values, value);
    });
  } else if (values.size() < domain->values->size()) {
    domain->values = std::move(values);
  }
}

// Whether `a` leaves fewer keys than `b`, as a lower bound (sign 1) or an upper
// one (sign -1).
bool IsTighter(const KeyBound& a, const KeyBound& b, int sign) {
  const int order = sign * CompareKeys(a.value, b.value);
  return order > 0 || (order == 0 && !a.inclusive);
}

// Draws conclusions from several facts, so that strategies need not. False: no
// value is left.
bool Settle(KeyDomain* domain) {
  if (!domain->values.has_value() && domain->low.has_value() &&
      domain->high.has_value()) {
    const int order = CompareKeys(domain->low->value, domain->high->value);
    if (order > 0) return false;
    if (order == 0) domain->values = KeyDomain::Values{domain->low->value};
  }
  if (!domain->values.has_value()) return true;
  const bool has_more = domain->low.has_value() || domain->high.has_value() ||
                        !domain->excluded.empty();
  if (has_more &&
      domain->values->size() * domain->excluded.size() <= kMostComparisons) {
    EraseIf(&*domain->values, [&](const sql::ValueView& value) {
      return !MayBe(*domain, value);
    });
    domain->low.reset();
    domain->high.reset();
    domain->excluded.clear();
  }
  return !domain->values->empty();
}

bool IsBinaryCollation(const sql::CollateNode& node) {
  return node.collation == "C";
}

sql::BinaryOp Mirrored(sql::BinaryOp op) {
  switch (op) {
    case sql::BinaryOp::kLess:
      return sql::BinaryOp::kGreater;
    case sql::BinaryOp::kLessOrEqual:
      return sql::BinaryOp::kGreaterOrEqual;
    case sql::BinaryOp::kGreater:
      return sql::BinaryOp::kLess;
    case sql::BinaryOp::kGreaterOrEqual:
      return sql::BinaryOp::kLessOrEqual;
    default:
      return op;
  }
}

// NOT (a < b) is a >= b, of NULL as well: both are NULL then.
sql::BinaryOp Opposite(sql::BinaryOp op) {
  switch (op) {
    case sql::BinaryOp::kEqual:
      return sql::BinaryOp::kNotEqual;
    case sql::BinaryOp::kNotEqual:
      return sql::BinaryOp::kEqual;
    case sql::BinaryOp::kLess:
      return sql::BinaryOp::kGreaterOrEqual;
    case sql::BinaryOp::kLessOrEqual:
      return sql::BinaryOp::kGreater;
    case sql::BinaryOp::kGreater:
      return sql::BinaryOp::kLessOrEqual;
    case sql::BinaryOp::kGreaterOrEqual:
      return sql::BinaryOp::kLess;
    default:
      return op;
  }
}

}  // namespace

// Reads expressions into branches. NOT is carried inward, which changes nothing
// in three-valued logic.
class KeyPredicate::Reader {
 public:
  Reader(const std::vector<const sql::Column*>& key,
         const std::vector<KeyPart>& names)
      : key_(key), names_(names) {}

  // Adds to `branch` what it says that `expression` is true (negated: false).
  void Read(const sql::Expression& expression, bool negated, Branch* branch) {
    if (expression.empty()) return;
    if (const auto* node = expression.As<sql::ConjunctionNode>()) {
      ReadConjunction(*node, negated, branch);
    } else if (const auto* unary = expression.As<sql::UnaryNode>()) {
      ReadUnary(*unary, negated, branch);
    } else if (const auto* binary = expression.As<sql::BinaryNode>()) {
      ReadComparison(*binary, negated, branch);
    } else if (const auto* in = expression.As<sql::InNode>()) {
      ReadIn(*in, in->negated != negated, branch);
    } else if (const auto* between = expression.As<sql::BetweenNode>()) {
      ReadBetween(*between, between->negated != negated, branch);
    } else if (const auto constant = ConstantOf(expression)) {
      branch->facts.push_back({Kind::kTruth, true, negated, 0, {*constant}});
    }
  }

 private:
  // A part of the key that an operand is, and how it compares.
  struct Operand {
    absl::InlinedVector<std::size_t, 2> parts;
    bool by_bytes = false;  // COLLATE "C"
    bool may_be_missing = false;
  };

  void ReadConjunction(const sql::ConjunctionNode& node, bool negated,
                       Branch* branch) {
    if (node.is_and != negated) {
      for (const sql::Expression& term : node.terms) {
        Read(term, negated, branch);
      }
      return;
    }
    std::vector<Branch> choice(node.terms.size());
    for (std::size_t i = 0; i < choice.size(); ++i) {
      Read(node.terms[i], negated, &choice[i]);
    }
    AddChoice(std::move(choice), branch);
  }

  static void AddChoice(std::vector<Branch> choice, Branch* branch) {
    // One that says nothing may be the one that holds.
    const bool open = std::any_of(choice.begin(), choice.end(),
                                  [](const Branch& b) { return b.empty(); });
    if (!open) branch->choices.push_back(std::move(choice));
  }

  void ReadUnary(const sql::UnaryNode& node, bool negated, Branch* branch) {
    if (node.op == sql::UnaryOp::kNot) {
      return Read(node.operand, !negated, branch);
    }
    if (node.op == sql::UnaryOp::kNegate) return;
    // A shard key is never NULL.
    const bool wants_null = (node.op == sql::UnaryOp::kIsNull) != negated;
    const Operand operand = OperandOf(node.operand);
    if (wants_null && !operand.parts.empty() && !operand.may_be_missing) {
      branch->facts.push_back(
          {Kind::kOneOf, true, false, operand.parts.front(), {}});
    }
  }

  void ReadComparison(const sql::BinaryNode& node, bool negated,
                      Branch* branch) {
    if (node.op < sql::BinaryOp::kEqual ||
        node.op > sql::BinaryOp::kGreaterOrEqual) {
      return;
    }
    Operand operand = OperandOf(node.left);
    std::optional<Constant> constant = ConstantIn(node.right, &operand);
    sql::BinaryOp op = node.op;
    if (operand.parts.empty() || !constant.has_value()) {
      operand = OperandOf(node.right);
      constant = ConstantIn(node.left, &operand);
      op = Mirrored(op);
    }
    if (!constant.has_value()) return;
    AddComparison(negated ? Opposite(op) : op, operand, *constant, branch);
  }

  void AddComparison(sql::BinaryOp op, const Operand& operand,
                     const Constant& constant, Branch* branch) {
    const auto [kind, inclusive] = [op]() -> std::pair<Kind, bool> {
      switch (op) {
        case sql::BinaryOp::kEqual:
          return {Kind::kOneOf, true};
        case sql::BinaryOp::kNotEqual:
          return {Kind::kNoneOf, true};
        case sql::BinaryOp::kLess:
          return {Kind::kAtMost, false};
        case sql::BinaryOp::kLessOrEqual:
          return {Kind::kAtMost, true};
        case sql::BinaryOp::kGreater:
          return {Kind::kAtLeast, false};
        default:
          return {Kind::kAtLeast, true};
      }
    }();
    const bool is_range = kind == Kind::kAtLeast || kind == Kind::kAtMost;
    for (const std::size_t part : operand.parts) {
      if (is_range && key_[part]->type() == sql::ValueType::kText &&
          !operand.by_bytes) {
        continue;
      }
      branch->facts.push_back({kind, inclusive, false, part, {constant}});
    }
  }

  void ReadIn(const sql::InNode& node, bool negated, Branch* branch) {
    if (node.query != nullptr) return;
    const Operand operand = OperandOf(node.operand);
    if (operand.parts.empty()) return;
    if (negated && node.list.empty()) return;  // true even of NULL
    absl::InlinedVector<Constant, 1> constants;
    for (const sql::Expression& item : node.list) {
      if (const auto constant = ConstantOf(item)) {
        constants.push_back(*constant);
      } else if (!negated) {
        return;  // one that is not known may be any
      }
    }
    for (const std::size_t part : operand.parts) {
      branch->facts.push_back({negated ? Kind::kNoneOf : Kind::kOneOf, true,
                               false, part, constants});
    }
  }

  void ReadBetween(const sql::BetweenNode& node, bool negated, Branch* branch) {
    const Operand operand = OperandOf(node.operand);
    if (operand.parts.empty()) return;
    std::vector<Branch> ends(2);
    AddEnd(negated ? sql::BinaryOp::kLess : sql::BinaryOp::kGreaterOrEqual,
           operand, node.low, &ends[0]);
    AddEnd(negated ? sql::BinaryOp::kGreater : sql::BinaryOp::kLessOrEqual,
           operand, node.high, &ends[1]);
    if (negated) return AddChoice(std::move(ends), branch);
    for (Branch& end : ends) {
      for (Fact& fact : end.facts) branch->facts.push_back(std::move(fact));
    }
  }

  void AddEnd(sql::BinaryOp op, Operand operand, const sql::Expression& value,
              Branch* branch) {
    const std::optional<Constant> constant = ConstantIn(value, &operand);
    if (constant.has_value()) AddComparison(op, operand, *constant, branch);
  }

  // A constant beside `operand`; one with COLLATE "C" decides for both.
  std::optional<Constant> ConstantIn(const sql::Expression& expression,
                                     Operand* operand) const {
    const auto* collate = expression.As<sql::CollateNode>();
    if (collate == nullptr) return ConstantOf(expression);
    if (!IsBinaryCollation(*collate) || !AreText(*operand)) return std::nullopt;
    operand->by_bytes = true;
    return ConstantOf(collate->operand);
  }

  bool AreText(const Operand& operand) const {
    return std::all_of(operand.parts.begin(), operand.parts.end(),
                       [this](std::size_t part) {
                         return key_[part]->type() == sql::ValueType::kText;
                       });
  }

  Operand OperandOf(const sql::Expression& expression) const {
    Operand operand;
    const auto* collate = expression.As<sql::CollateNode>();
    const auto* node = collate == nullptr
                           ? expression.As<sql::ColumnNode>()
                           : collate->operand.As<sql::ColumnNode>();
    if (node == nullptr) return operand;
    for (std::size_t i = 0; i < key_.size(); ++i) {
      for (const KeyPart::Ref& ref : names_[i].refs) {
        if (ref.column.column != node->column ||
            ref.column.alias != node->alias) {
          continue;
        }
        operand.parts.push_back(i);
        operand.may_be_missing |= ref.may_be_missing;
      }
    }
    if (collate == nullptr) return operand;
    operand.by_bytes = IsBinaryCollation(*collate);
    if (!operand.by_bytes || !AreText(operand)) operand.parts.clear();
    return operand;
  }

  const std::vector<const sql::Column*>& key_;
  const std::vector<KeyPart>& names_;
};

std::optional<KeyPredicate::Constant> KeyPredicate::ConstantOf(
    const sql::Expression& expression) {
  if (const auto* literal = expression.As<sql::LiteralNode>()) {
    return Constant{&literal->value, nullptr};
  }
  if (const auto* parameter = expression.As<sql::ParameterNode>()) {
    return Constant{nullptr, &parameter->name};
  }
  return std::nullopt;
}

void KeyPredicate::Add(const sql::Expression& condition,
                       const std::vector<KeyPart>& names) {
  Reader(key_, names).Read(condition, /*negated=*/false, &all_);
}

// False: no row can meet it. What a value of another type means is the
// database's business, so it says nothing.
bool KeyPredicate::Apply(const Fact& fact, const sql::ValueType type,
                         KeyDomain* domain, const sql::Parameters* parameters) {
  if (fact.kind == Kind::kOneOf) {
    KeyDomain::Values values;
    for (const Constant& constant : fact.constants) {
      const sql::Value* value = constant.Find(parameters);
      if (value == nullptr) return true;
      if (value->is_null()) continue;  // "= NULL" is never true
      if (!SameKeyType(value->type(), type)) return true;
      values.push_back(value->view());
    }
    if (values.empty()) return false;
    IntersectValues(domain, std::move(values));
    return !domain->values->empty();
  }
  for (const Constant& constant : fact.constants) {
    const sql::Value* value = constant.Find(parameters);
    if (value == nullptr) continue;
    if (value->is_null()) return false;  // nor is any other comparison
    if (!SameKeyType(value->type(), type)) continue;
    if (fact.kind == Kind::kNoneOf) {
      domain->excluded.push_back(value->view());
      continue;
    }
    const bool is_low = fact.kind == Kind::kAtLeast;
    const KeyBound bound{value->view(), fact.inclusive};
    std::optional<KeyBound>& known = is_low ? domain->low : domain->high;
    if (!known.has_value() || IsTighter(bound, *known, is_low ? 1 : -1)) {
      known = bound;
    }
  }
  return true;
}

bool KeyPredicate::ApplyAll(const Branch& branch, Domains* domains,
                            const sql::Parameters* parameters) const {
  for (const Fact& fact : branch.facts) {
    if (fact.kind == Kind::kTruth) {
      const sql::Value* value = fact.constants.front().Find(parameters);
      if (value == nullptr) continue;
      if (value->is_null()) return false;
      if (value->type() != sql::ValueType::kBool) continue;
      if ((value->view().integer() != 0) == fact.negated) return false;
    } else if (!Apply(fact, key_[fact.part]->type(), &(*domains)[fact.part],
                      parameters)) {
      return false;
    }
  }
  return std::all_of(domains->begin(), domains->end(),
                     [](KeyDomain& domain) { return Settle(&domain); });
}

ShardSet KeyPredicate::Shards(const ShardingStrategy& strategy,
                              const sql::Parameters* parameters) const {
  if (key_.empty()) {
    return {strategy.shards().begin(), strategy.shards().end()};
  }
  Domains domains(key_.size());
  return ShardsOf(all_, &domains, strategy, parameters);
}

// Each branch of a choice is looked at with all that is known around it, so
// that "tenant = 1 AND (id = 2 OR id = 3)" is two keys.
ShardSet KeyPredicate::ShardsOf(const Branch& branch, Domains* domains,
                                const ShardingStrategy& strategy,
                                const sql::Parameters* parameters) const {
  if (!ApplyAll(branch, domains, parameters)) return {};
  if (branch.choices.empty()) return strategy.ShardsFor(*domains);
  const std::vector<ShardId>& all = strategy.shards();
  ShardSet shards(all.begin(), all.end());
  for (const std::vector<Branch>& choice : branch.choices) {
    ShardSet found;
    for (const Branch& one : choice) {
      Domains inner = *domains;
      for (const ShardId shard : ShardsOf(one, &inner, strategy, parameters)) {
        AddOnce(found, shard);
      }
    }
    shards = Intersection(shards, found);
  }
  return shards;
}

bool KeyPredicate::ListsKeys(const sql::Parameters* parameters) const {
  return !key_.empty() && ListsKeys(all_, Domains(key_.size()), parameters);
}

bool KeyPredicate::ListsKeys(const Branch& branch, const Domains& around,
                             const sql::Parameters* parameters) const {
  Domains domains = around;
  if (!ApplyAll(branch, &domains, parameters)) return true;  // none
  const auto listed = [](const KeyDomain& d) { return d.values.has_value(); };
  if (std::all_of(domains.begin(), domains.end(), listed)) return true;
  return std::any_of(
      branch.choices.begin(), branch.choices.end(), [&](const auto& choice) {
        return std::all_of(choice.begin(), choice.end(), [&](const Branch& b) {
          return ListsKeys(b, domains, parameters);
        });
      });
}

std::optional<std::vector<sql::Value>> KeyPredicate::ValuesOfFirst(
    const sql::Parameters* parameters) const {
  std::vector<sql::Value> values;
  if (!CollectFirst(all_, Domains(key_.size()), parameters, &values)) {
    return std::nullopt;
  }
  return values;
}

bool KeyPredicate::CollectFirst(const Branch& branch, const Domains& around,
                                const sql::Parameters* parameters,
                                std::vector<sql::Value>* out) const {
  Domains domains = around;
  if (!ApplyAll(branch, &domains, parameters)) return true;
  for (const std::vector<Branch>& choice : branch.choices) {
    std::vector<sql::Value> values;
    const bool listed =
        std::all_of(choice.begin(), choice.end(), [&](const Branch& one) {
          return CollectFirst(one, domains, parameters, &values);
        });
    if (!listed) continue;
    // Of several choices any one has them all.
    for (sql::Value& value : values) {
      if (std::find(out->begin(), out->end(), value) == out->end()) {
        out->push_back(std::move(value));
      }
    }
    return true;
  }
  if (!domains.front().values.has_value()) return false;
  for (const sql::ValueView& value : *domains.front().values) {
    sql::Value owned(value);
    if (std::find(out->begin(), out->end(), owned) == out->end()) {
      out->push_back(std::move(owned));
    }
  }
  return true;
}

}  // namespace shard
