// KeyPredicate as text for people.
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "shard/router/key_predicate.h"

namespace shard {
namespace {

std::string TextOf(const KeyPredicate::Constant& constant,
                   const sql::Parameters* parameters) {
  const sql::Value* value = constant.Find(parameters);
  if (value != nullptr) return sql::DebugString(value->view());
  return absl::StrCat(":", *constant.parameter);
}

}  // namespace

std::string KeyPredicate::TextOf(const Fact& fact,
                                 const sql::Parameters* parameters) const {
  if (fact.kind == Kind::kTruth) {
    return absl::StrCat(fact.negated ? "NOT " : "",
                        shard::TextOf(fact.constants.front(), parameters));
  }
  const std::string column = key_[fact.part]->QualifiedName();
  if (fact.constants.empty()) {
    return absl::StrCat("no value of ", column, " (a shard key is not NULL)");
  }
  if (fact.kind == Kind::kAtLeast || fact.kind == Kind::kAtMost) {
    return absl::StrCat(column, fact.kind == Kind::kAtLeast ? " >" : " <",
                        fact.inclusive ? "= " : " ",
                        shard::TextOf(fact.constants.front(), parameters));
  }
  const bool one_of = fact.kind == Kind::kOneOf;
  if (fact.constants.size() == 1) {
    return absl::StrCat(column, one_of ? " = " : " != ",
                        shard::TextOf(fact.constants.front(), parameters));
  }
  // Whoever reads it has seen enough.
  constexpr std::size_t kMostShown = 10;
  std::string list;
  for (std::size_t i = 0; i < fact.constants.size(); ++i) {
    if (i == kMostShown) {
      absl::StrAppend(&list, ", ... ", fact.constants.size(), " in all");
      break;
    }
    absl::StrAppend(&list, i == 0 ? "" : ", ",
                    shard::TextOf(fact.constants[i], parameters));
  }
  return absl::StrCat(column, one_of ? " IN (" : " NOT IN (", list, ")");
}

std::string KeyPredicate::TextOf(const Branch& branch,
                                 const sql::Parameters* parameters) const {
  std::string text;
  const auto add = [&text](const std::string& term) {
    absl::StrAppend(&text, text.empty() ? "" : " AND ", term);
  };
  for (const Fact& fact : branch.facts) add(TextOf(fact, parameters));
  for (const std::vector<Branch>& choice : branch.choices) {
    std::string any;
    for (const Branch& one : choice) {
      absl::StrAppend(&any, any.empty() ? "" : " OR ", TextOf(one, parameters));
    }
    add(absl::StrCat("(", any, ")"));
  }
  return text;
}

std::string KeyPredicate::DebugString(const sql::Parameters* parameters) const {
  return TextOf(all_, parameters);
}

}  // namespace shard
