#include "shard/router/rule_resolver.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "shard/base/status_macros.h"
#include "shard/router/statement_tables.h"

namespace shard {
namespace {

std::string_view VerbOf(const BindRequest& request) {
  switch (request.operation) {
    case Operation::kFlush:
      return "a flush";
    case Operation::kBulk:
      return "a bulk operation";
    case Operation::kRead:
      return "a read";
    case Operation::kRefresh:
      return "a refresh";
    case Operation::kExecute:
      break;
  }
  return request.statement == nullptr ? "a connection" : "a statement";
}

// "a read of class Page, table 'pages'".
std::string Describe(const BindRequest& request) {
  std::string what(VerbOf(request));
  std::string of;
  if (request.class_info != nullptr) {
    of = absl::StrCat(" class ", request.class_info->name);
  }
  if (request.statement != nullptr) {
    for (const sql::Table* table : TablesOf(*request.statement)) {
      absl::StrAppend(&of, of.empty() ? " table '" : ", table '", table->name(),
                      "'");
    }
  }
  absl::StrAppend(&what, of.empty() ? ", about no class or table" : " of", of);
  if (request.shard.has_value() && !request.shard->is_none()) {
    absl::StrAppend(&what, ", on shard '", request.shard->name(), "'");
  }
  return what;
}

Condition Always() {
  return {"otherwise", [](const BindRequest&) { return true; }};
}

}  // namespace

RuleResolver& RuleResolver::When(Condition condition, BindTarget target,
                                 std::string_view name) {
  std::string shown = name.empty() ? condition.words() : std::string(name);
  rules_.push_back({std::move(shown), std::move(condition), std::move(target)});
  return *this;
}

RuleResolver& RuleResolver::Otherwise(BindTarget target) {
  return When(Always(), std::move(target));
}

const RuleResolver::Rule* RuleResolver::Find(const BindRequest& request) const {
  for (const Rule& rule : rules_) {
    if (rule.condition(request)) return &rule;
  }
  return nullptr;
}

absl::StatusOr<const BindTarget*> RuleResolver::TargetFor(
    const BindRequest& request) const {
  const Rule* rule = Find(request);
  if (rule == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("no rule fits ", Describe(request),
                     "; add one with When, or the last one with Otherwise"));
  }
  if (!rule->target.empty()) return &rule->target;
  return absl::InvalidArgumentError(absl::StrCat(
      "the rule '", rule->name, "' leads to a null engine or resolver"));
}

const BindTarget* RuleResolver::TargetOf(
    const sql::ClassInfo* class_info) const {
  const absl::StatusOr<const BindTarget*> target =
      TargetFor({.class_info = class_info, .operation = Operation::kFlush});
  return target.ok() ? *target : nullptr;
}

absl::StatusOr<Bind> RuleResolver::Resolve(const BindRequest& request) {
  SHARD_ASSIGN_OR_RETURN(const BindTarget* target, TargetFor(request));
  return (*target)->Resolve(request);
}

absl::StatusOr<BindSet> RuleResolver::ResolveAll(const BindRequest& request) {
  SHARD_ASSIGN_OR_RETURN(const BindTarget* target, TargetFor(request));
  return (*target)->ResolveAll(request);
}

// Which rule it is, before what is said where it leads.
absl::StatusOr<Route> RuleResolver::Explain(const BindRequest& request) {
  SHARD_ASSIGN_OR_RETURN(const BindTarget* target, TargetFor(request));
  SHARD_ASSIGN_OR_RETURN(Route route, (*target)->Explain(request));
  route.why =
      absl::StrCat("by the rule '", Find(request)->name, "': ", route.why);
  return route;
}

std::optional<sql::Statement> RuleResolver::StatementFor(
    const BindRequest& request, const Bind& bind) {
  const absl::StatusOr<const BindTarget*> target = TargetFor(request);
  return target.ok() ? (**target)->StatementFor(request, bind) : std::nullopt;
}

std::optional<std::int64_t> RuleResolver::MostRows(const BindRequest& request) {
  const absl::StatusOr<const BindTarget*> target = TargetFor(request);
  return target.ok() ? (**target)->MostRows(request) : std::nullopt;
}

std::vector<ShardId> RuleResolver::Shards() const {
  std::vector<ShardId> shards;
  for (const Rule& rule : rules_) {
    if (rule.target.empty()) continue;
    for (const ShardId shard : rule.target->Shards()) {
      if (std::find(shards.begin(), shards.end(), shard) == shards.end()) {
        shards.push_back(shard);
      }
    }
  }
  return shards;
}

bool RuleResolver::Reaches(const Engine& engine) const {
  return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
    return !rule.target.empty() && rule.target->Reaches(engine);
  });
}

ShardId RuleResolver::ShardOf(const Engine& engine) const {
  for (const Rule& rule : rules_) {
    if (rule.target.empty()) continue;
    const ShardId shard = rule.target->ShardOf(engine);
    if (!shard.is_none()) return shard;
  }
  return ShardId();
}

bool RuleResolver::WritesEverywhere(const BindRequest& request) const {
  const absl::StatusOr<const BindTarget*> target = TargetFor(request);
  return target.ok() && (**target)->WritesEverywhere(request);
}

bool RuleResolver::Forget(const BindRequest& request) {
  const absl::StatusOr<const BindTarget*> target = TargetFor(request);
  return target.ok() && (**target)->Forget(request);
}

std::vector<const sql::Column*> RuleResolver::ShardKey(
    const sql::ClassInfo& class_info) const {
  const BindTarget* target = TargetOf(&class_info);
  return target == nullptr ? std::vector<const sql::Column*>()
                           : (*target)->ShardKey(class_info);
}

std::vector<CoLocatedRows> RuleResolver::CoLocatedWith(
    const sql::Table& table) const {
  const BindTarget* target = TargetOf(table.mapped_class());
  return target == nullptr ? std::vector<CoLocatedRows>()
                           : (*target)->CoLocatedWith(table);
}

}  // namespace shard
