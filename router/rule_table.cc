#include "shard/router/rule_table.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/base/strings.h"
#include "shard/dialects/errors.h"
#include "shard/router/key_order.h"
#include "shard/router/placement.h"

namespace shard {
namespace {

bool HasNull(const std::vector<const sql::Column*>& columns) {
  return std::find(columns.begin(), columns.end(), nullptr) != columns.end();
}

absl::Status CheckColumns(const ShardRule& rule) {
  const sql::Table& table = *rule.table();
  for (const sql::Column* column : rule.key) {
    if (&column->table() != &table) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the shard key of '", table.name(), "' has a column of '",
          column->table().name(), "'; a key belongs to one table"));
    }
    if (!CanBeShardKey(column->type())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "column '", column->QualifiedName(), "' has type ",
          ToAbsl(sql::ValueTypeName(column->type())),
          " and cannot be a shard key; use an integer, text, bytes, UUID, "
          "date, timestamp or decimal"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckComplete(const ShardRule& rule) {
  const bool follows = !rule.parent.empty();
  if (rule.table() == nullptr || HasNull(rule.key) || HasNull(rule.parent) ||
      (rule.strategy == nullptr) != follows) {
    return absl::InvalidArgumentError(
        "ShardBy() needs a strategy and at least one column, all of which "
        "there are, and CoLocate() columns on both sides");
  }
  if (follows && rule.parent.size() != rule.key.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "CoLocate() of '", rule.table()->name(), "' has ", rule.key.size(),
        " columns for ", rule.parent.size(), " of its parent; give pairs"));
  }
  return CheckColumns(rule);
}

// A column and the one of its parent that it repeats.
absl::Status CheckPair(const sql::Column& column, const sql::Column& parent,
                       const sql::Table& table) {
  if (&parent.table() != &table) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", column.QualifiedName(), "' follows '",
                     parent.QualifiedName(), "', and others columns of '",
                     table.name(), "'; rows follow those of one table"));
  }
  if (SameKeyType(column.type(), parent.type())) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "'", column.QualifiedName(), "' follows '", parent.QualifiedName(),
      "' but is of another type (", ToAbsl(sql::ValueTypeName(column.type())),
      ", ", ToAbsl(sql::ValueTypeName(parent.type())),
      "), so its rows would be placed apart; make them one type"));
}

}  // namespace

std::string QuotedNames(const std::vector<const sql::Column*>& columns) {
  std::string names;
  for (const sql::Column* column : columns) {
    absl::StrAppend(&names, names.empty() ? "'" : ", '",
                    column->QualifiedName(), "'");
  }
  return names;
}

absl::StatusOr<RuleTable> RuleTable::Create(std::vector<ShardRule> rules) {
  RuleTable table;
  table.rules_ = std::move(rules);
  SHARD_RETURN_IF_ERROR(table.Index());
  SHARD_RETURN_IF_ERROR(table.FollowParents());
  for (const ShardRule& rule : table.rules_) {
    std::vector<sql::ValueType> types;
    for (const sql::Column* column : rule.key) types.push_back(column->type());
    if (const absl::Status fits = rule.strategy->CheckKey(types); !fits.ok()) {
      return Annotate(fits,
                      absl::StrCat("the rule of '", rule.table()->name(), "'"));
    }
  }
  return table;
}

absl::Status RuleTable::Index() {
  for (const ShardRule& rule : rules_) {
    SHARD_RETURN_IF_ERROR(CheckComplete(rule));
    if (!by_table_.emplace(rule.table(), &rule).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          "table '", rule.table()->name(), "' has two sharding rules"));
    }
  }
  return absl::OkStatus();
}

// A parent may follow another in turn.
absl::Status RuleTable::FollowParents() {
  for (bool changed = true; changed;) {
    changed = false;
    for (ShardRule& rule : rules_) {
      if (rule.strategy != nullptr) continue;
      SHARD_RETURN_IF_ERROR(Follow(&rule));
      changed |= rule.strategy != nullptr;
    }
  }
  for (const ShardRule& rule : rules_) {
    if (rule.strategy != nullptr) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "'", rule.table()->name(), "' and '",
        rule.parent.front()->table().name(),
        "' follow each other's shard key; give one a strategy by ShardBy()"));
  }
  return absl::OkStatus();
}

// Leaves it as it is while its parent has no strategy yet. The columns are put
// in the order of the parent's key, since they are placed in that order.
absl::Status RuleTable::Follow(ShardRule* rule) const {
  const sql::Table& table = rule->parent.front()->table();
  const ShardRule* parent = Find(table);
  if (parent == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", rule->table()->name(), "' follows the shard key of '",
        table.name(), "', which has no sharding rule; add ShardBy() for it"));
  }
  if (parent->strategy == nullptr) return absl::OkStatus();
  std::vector<const sql::Column*> key;
  for (const sql::Column* column : parent->key) {
    const auto found =
        std::find(rule->parent.begin(), rule->parent.end(), column);
    if (found == rule->parent.end()) break;
    key.push_back(
        rule->key[static_cast<std::size_t>(found - rule->parent.begin())]);
  }
  if (key.size() != parent->key.size() || key.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", rule->table()->name(), "' follows ", QuotedNames(rule->parent),
        ", but '", table.name(), "' is sharded by ", QuotedNames(parent->key),
        "; follow these"));
  }
  for (std::size_t i = 0; i < rule->key.size(); ++i) {
    SHARD_RETURN_IF_ERROR(CheckPair(*rule->key[i], *rule->parent[i], table));
    rule->links.emplace_back(rule->key[i], rule->parent[i]);
  }
  rule->key = std::move(key);
  rule->parent = parent->key;
  rule->strategy = parent->strategy;
  return absl::OkStatus();
}

}  // namespace shard
